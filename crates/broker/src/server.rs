//! A server that runs as a child of this process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::child::{Child, Exit};
use crate::directory::Directory;
use crate::launch::{last_words, launch};
use crate::monitoring::{self, Syncing};
use crate::ports::{self, Ports};
use crate::running::{self, Running};
use crate::{Durability, Error, ServerBinary, ServerConfig};

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
        let last = running::last(directory.path());
        running::forget(&directory)?;
        let mut attempt = 1;
        let (child, log_from, ports) = loop {
            let ports = ports::choose(&config, last.as_ref())?;
            match launch(binary, &config, &directory, ports).await {
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
            monitoring_url: monitoring::url(ports.monitoring, ""),
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
        monitoring::syncing(self.ports.monitoring).await
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
        monitoring::get(self.ports.monitoring, path).await
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
            if !ports::is_free(port) {
                return Err(Error::PortTaken { port });
            }
        }
        (self.child, self.log_from) = launch(&self.binary, &self.config, &self.directory, self.ports).await?;
        self.note_run()
    }

    /// Changes how many bytes of streams it may keep on disk, from its next [restart](Server::restart)
    /// on; as [`ServerConfig::max_file_store`].
    pub fn set_max_file_store(&mut self, bytes: Option<u64>) {
        self.config.max_file_store = bytes;
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
        let running = Running {
            url: self.url.clone(),
            token: String::new(),
            monitoring_url: self.monitoring_url.clone(),
            pid: self.pid(),
        };
        running::write(&self.directory, &running)
    }
}
