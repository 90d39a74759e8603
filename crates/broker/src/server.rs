//! A server that runs as a child of this process.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::child::{Child, Exit};
use crate::config::{Ports, Syncing, render};
use crate::directory::{self, Directory};
use crate::{Durability, Error, ServerBinary, ServerConfig, probe};

/// How long a server may take to close its streams when it is asked to go.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// How long the kernel may take to end a process that is killed.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// How often a start is tried again because somebody else took the port in between.
const PORT_ATTEMPTS: usize = 5;

/// A running nats-server on loopback, with JetStream, in a data directory of its own.
///
/// Dropped, it is killed, and the data directory is free when the drop is through; nothing
/// acknowledged is lost by that. [`Server::stop`] is the graceful way.
#[derive(Debug)]
pub struct Server {
    // Before the directory: the process has to be gone when the directory is given up.
    child: Child,
    /// Where this run begins in the log.
    log_from: u64,
    directory: Directory,
    binary: ServerBinary,
    config: ServerConfig,
    ports: Ports,
    url: String,
    monitoring_url: String,
    log_path: PathBuf,
}

/// Where the server of a data directory can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Where clients connect: `nats://127.0.0.1:PORT`.
    pub url: String,
    /// The token that lets clients in. Kept in a file of its own.
    #[serde(skip)]
    pub token: String,
    /// The monitoring endpoint: `http://127.0.0.1:PORT`.
    pub monitoring_url: String,
    /// The server's process id.
    pub pid: u32,
}

/// Finds the server that another process of the same user runs in this data directory. None: none
/// does, or it is not up yet.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::BadFile`] if the directory's files cannot be read.
pub fn running(data_dir: &Path) -> Result<Option<Running>, Error> {
    if !directory::is_owned(data_dir)? {
        return Ok(None);
    }
    let Some(mut running) = last_run(data_dir) else {
        return Ok(None);
    };
    running.token = directory::read_token(data_dir)?;
    Ok(Some(running))
}

impl Server {
    /// Starts a server and waits until it lets a client in, has recovered its streams, and syncs
    /// to disk as was asked for.
    ///
    /// A server that an earlier, killed process left behind in this data directory is waited for.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if another process runs a server here, [`Error::PortTaken`],
    /// [`Error::EndedAtStart`] and [`Error::NotReady`] with the end of its log, [`Error::Io`].
    pub async fn start(binary: &ServerBinary, config: ServerConfig) -> Result<Server, Error> {
        let directory = Directory::take(&config.data_dir).await?;
        let last = last_run(directory.path());
        // Not true any more, and not yet.
        match std::fs::remove_file(run_file(directory.path())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("forget the server's last run")(error));
            }
            _ => {}
        }
        let mut attempt = 1;
        let (child, log_from, ports) = loop {
            let ports = choose_ports(&config, last.as_ref())?;
            match run(binary, &config, &directory, ports).await {
                Ok((child, log_from)) => break (child, log_from, ports),
                Err(Error::EndedAtStart { log, .. })
                    if attempt < PORT_ATTEMPTS && log.contains("address already in use") =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        let server = Server {
            child,
            log_from,
            url: format!("nats://127.0.0.1:{}", ports.client),
            monitoring_url: format!("http://127.0.0.1:{}", ports.monitoring),
            log_path: directory.log(),
            directory,
            binary: binary.clone(),
            config,
            ports,
        };
        server.note_run()?;
        Ok(server)
    }

    /// Where clients connect: `nats://127.0.0.1:PORT`. They need the [token](Server::token) too.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The secret that lets clients in: letters and digits. Made once for each data directory and
    /// kept there in the file `token`, which only this user can read.
    #[must_use]
    pub fn token(&self) -> &str {
        self.directory.token()
    }

    /// The URL with the token in it, as the `nats` command and most clients take it. Not all do:
    /// async-nats ignores credentials in a URL and has to be given the token by itself.
    #[must_use]
    pub fn url_with_token(&self) -> String {
        format!("nats://{}@127.0.0.1:{}", self.token(), self.ports.client)
    }

    /// The monitoring endpoint: `http://127.0.0.1:PORT`. It asks for no token.
    #[must_use]
    pub fn monitoring_url(&self) -> &str {
        &self.monitoring_url
    }

    /// The process id of the server, or of its last run if it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The server's log. It is begun anew now and then; older parts lie beside it.
    #[must_use]
    pub fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// The data directory, absolute.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.directory.path()
    }

    /// What was asked for when it was started; [`Server::syncing`] says what is in force.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.config.durability
    }

    /// Whether the process is there. A frozen one is.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.child.status().is_none()
    }

    /// When the server syncs to disk, by its own word.
    ///
    /// # Errors
    ///
    /// [`Error::Monitoring`] if it does not say.
    pub async fn syncing(&self) -> Result<Syncing, Error> {
        syncing(self.ports).await
    }

    /// Whether the server itself finds everything in order, its disk, streams and consumers
    /// included.
    ///
    /// # Errors
    ///
    /// [`Error::Monitoring`] with what it finds wrong.
    pub async fn healthy(&self) -> Result<(), Error> {
        self.monitor("/healthz").await.map(|_| ())
    }

    /// The body of the monitoring endpoint's answer to `path` (`/varz`, `/jsz?streams=true`).
    ///
    /// # Errors
    ///
    /// [`Error::Monitoring`] if it does not answer with 200.
    pub async fn monitor(&self, path: &str) -> Result<String, Error> {
        monitor(self.ports, path).await
    }

    /// Resolves when the server ends without this having been asked for; never otherwise. Speaks of
    /// the run that is on now: after [`Server::restart`] ask for another one.
    pub fn exited(&self) -> impl Future<Output = Exit> + Send + use<> {
        let end = self.child.ended_by_itself();
        let (log, output, from) = (self.directory.log(), self.directory.output(), self.log_from);
        async move {
            let status = end.await;
            Exit { status, log: last_words(&log, &output, from) }
        }
    }

    /// Stops the server: asks it to close its streams and go, and kills it if it takes more than
    /// 10 s. The data directory is free afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if even the kernel cannot end it.
    pub async fn stop(self) -> Result<(), Error> {
        self.end_gracefully().await
    }

    /// Kills the server as a crash would. It keeps its data directory and its ports:
    /// [`Server::restart`] brings it back.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the kernel cannot end it.
    pub async fn kill(&mut self) -> Result<(), Error> {
        self.child.expect_end();
        self.child.signal(Signal::KILL);
        self.gone().await
    }

    /// Starts the server again with the same data and on the same ports, so that clients find it
    /// by themselves; stops it first if it runs.
    ///
    /// # Errors
    ///
    /// As [`Server::start`]. It does not run then, and this may be called again.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.end_gracefully().await?;
        for port in [self.ports.client, self.ports.monitoring] {
            if !is_free(port) {
                return Err(Error::PortTaken { port });
            }
        }
        (self.child, self.log_from) = run(&self.binary, &self.config, &self.directory, self.ports).await?;
        self.note_run()
    }

    /// Stops the process from running on, as a machine that hangs: connections stay open and
    /// nothing is answered.
    ///
    /// # Errors
    ///
    /// [`Error::NotRunning`].
    pub fn freeze(&self) -> Result<(), Error> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen process run on.
    ///
    /// # Errors
    ///
    /// [`Error::NotRunning`].
    pub fn thaw(&self) -> Result<(), Error> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        if self.child.signal(signal) { Ok(()) } else { Err(Error::NotRunning) }
    }

    async fn end_gracefully(&self) -> Result<(), Error> {
        self.child.expect_end();
        self.child.signal(Signal::TERM);
        // A frozen one would not hear it.
        self.child.signal(Signal::CONT);
        if !self.child.ended_within(STOP_PATIENCE).await {
            tracing::warn!(pid = self.pid(), "nats-server did not stop; killing it");
            self.child.signal(Signal::KILL);
        }
        self.gone().await
    }

    async fn gone(&self) -> Result<(), Error> {
        if self.child.ended_within(KILL_PATIENCE).await {
            return Ok(());
        }
        Err(Error::Io {
            doing: format!("end nats-server {}", self.pid()),
            source: std::io::ErrorKind::TimedOut.into(),
        })
    }

    /// Tells other processes where it is.
    fn note_run(&self) -> Result<(), Error> {
        let run = Running {
            url: self.url.clone(),
            token: String::new(),
            monitoring_url: self.monitoring_url.clone(),
            pid: self.pid(),
        };
        let text = serde_json::to_string_pretty(&run)
            .map_err(|error| Error::Io { doing: "describe the server".to_owned(), source: error.into() })?;
        self.directory.write(&run_file(self.directory.path()), &text)
    }
}

/// Starts the program and waits until it is ready. Gives where its run begins in the log, too.
async fn run(
    binary: &ServerBinary,
    config: &ServerConfig,
    directory: &Directory,
    ports: Ports,
) -> Result<(Child, u64), Error> {
    let room = match config.max_file_store {
        Some(bytes) => bytes,
        None => directory.room()?,
    };
    let file = directory.config();
    directory.write(&file, &render(config, directory, ports, room))?;
    let output = directory.output();
    let output = File::create(&output).map_err(Error::io(format!("write {}", output.display())))?;
    let log_from = std::fs::metadata(directory.log()).map_or(0, |meta| meta.len());
    let child = Child::spawn(&binary.path, &file, output, directory.server_lock())
        .await
        .map_err(Error::io(format!("run {}", binary.path.display())))?;
    directory.note_server(child.pid())?;

    let words = || last_words(&directory.log(), &directory.output(), log_from);
    let started = Instant::now();
    loop {
        if let Some(status) = child.status() {
            return Err(Error::EndedAtStart { status: status.to_string(), log: words() });
        }
        let Err(waiting_for) = ready(config, directory, ports).await else {
            break;
        };
        if started.elapsed() > config.start_within {
            return Err(Error::NotReady { after: started.elapsed(), waiting_for, log: words() });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let syncing = syncing(ports).await?;
    if !syncing.keeps(config.durability) {
        return Err(Error::Monitoring {
            url: format!("http://127.0.0.1:{}/varz", ports.monitoring),
            why: format!("asked for {:?} it reports {syncing:?}", config.durability),
        });
    }
    tracing::debug!(pid = child.pid(), port = ports.client, "nats-server is up");
    Ok((child, log_from))
}

/// Whether it lets clients in and has recovered its streams. In a cluster streams recover only
/// with the others, so there it is enough that JetStream is on.
async fn ready(config: &ServerConfig, directory: &Directory, ports: Ports) -> Result<(), String> {
    let name = config.server_name(directory);
    probe::greet(ports.client, directory.token(), &name).await?;
    let health = match config.cluster {
        None => "/healthz",
        Some(_) => "/healthz?js-enabled-only=true",
    };
    probe::get(ports.monitoring, health).await?;
    Ok(())
}

async fn monitor(ports: Ports, path: &str) -> Result<String, Error> {
    probe::get(ports.monitoring, path)
        .await
        .map_err(|why| Error::Monitoring { url: format!("http://127.0.0.1:{}{path}", ports.monitoring), why })
}

async fn syncing(ports: Ports) -> Result<Syncing, Error> {
    let answer = monitor(ports, "/varz").await?;
    Syncing::from_varz(&answer).ok_or_else(|| Error::Monitoring {
        url: format!("http://127.0.0.1:{}/varz", ports.monitoring),
        why: "no jetstream.config in it".to_owned(),
    })
}

/// The ports asked for, else last time's if they are free, else any free ones.
fn choose_ports(config: &ServerConfig, last: Option<&Running>) -> Result<Ports, Error> {
    if let Some(port) = config.port
        && !is_free(port)
    {
        return Err(Error::PortTaken { port });
    }
    let last = |url: fn(&Running) -> &str| last.and_then(|run| port_of(url(run)));
    let client = match config.port {
        Some(port) => port,
        None => free_port(last(|run| &run.url))?,
    };
    let monitoring = free_port(last(|run| &run.monitoring_url).filter(|port| *port != client))?;
    Ok(Ports { client, monitoring })
}

/// The wanted port if it is free, else another one.
///
/// Not one the kernel would give: those are also the local ends of outgoing connections. A client
/// that tries again and again to reach such a port while the server is down can end up connected
/// to itself and keep the server from coming back. 20000 to 30000 is below that range on Linux
/// and macOS.
pub(crate) fn free_port(wanted: Option<u16>) -> Result<u16, Error> {
    if let Some(port) = wanted.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    let random = SystemRandom::new();
    for _ in 0..200 {
        let mut bytes = [0; 2];
        if random.fill(&mut bytes).is_err() {
            break;
        }
        let port = 20_000 + u16::from_le_bytes(bytes) % 10_000;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(Error::Io {
        doing: "find a free port on 127.0.0.1".to_owned(),
        source: std::io::ErrorKind::AddrInUse.into(),
    })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn port_of(url: &str) -> Option<u16> {
    url.rsplit_once(':')?.1.parse().ok()
}

fn run_file(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}

fn last_run(data_dir: &Path) -> Option<Running> {
    let text = std::fs::read(run_file(data_dir)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The last lines of a run's log, then of what the program printed.
fn last_words(log: &Path, output: &Path, log_from: u64) -> String {
    const BYTES: u64 = 8 << 10;
    const LINES: usize = 20;
    let tail = |path: &Path, from: u64| -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        // Shorter than it was: begun anew meanwhile.
        let from = if from > length { 0 } else { from };
        file.seek(SeekFrom::Start(from.max(length.saturating_sub(BYTES))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = tail(log, log_from).unwrap_or_default() + &tail(output, 0).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    match lines.len() {
        0 => "(it said nothing)".to_owned(),
        count => lines[count.saturating_sub(LINES)..].join("\n"),
    }
}
