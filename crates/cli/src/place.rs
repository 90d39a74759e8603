//! Where the log is, and what runs beside it for the time of one command.
//!
//! A command talks to the server it is told of (`--nats`), else to the one that runs on its data
//! directory, else it starts that one for itself, with the services it needs. So a report can be had
//! with nothing running, and what it leaves behind is there for whatever runs next.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use longhaul_broker::{Durability as ServerDurability, Running, Server, ServerConfig};
use longhaul_client::{Client, Identity};
use longhaul_journal::{Auth, ConnectOptions, Durability, Journal, PortError};

use crate::command::doctor::ServerFacts;
use crate::exit::{Code, told};
use crate::output::say;
use crate::services::{Services, Work, answered};
use crate::settings::Settings;
use crate::signals::interrupted;

/// What a command needs where nothing runs yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The log as it is there, and a projector that answers. Nothing is made.
    Reading,
    /// The log and a projector that answers.
    Questions,
    /// All services: tasks are to get on.
    Everything,
}

/// How the private server is started.
#[derive(Debug, Clone)]
pub(crate) struct Private {
    pub(crate) durability: ServerDurability,
    pub(crate) port: Option<u16>,
    pub(crate) shards: Option<u16>,
}

impl Default for Private {
    fn default() -> Self {
        Self { durability: ServerDurability::Strict, port: None, shards: None }
    }
}

/// The log, and what was started for it.
pub(crate) struct Place {
    journal: Journal,
    client: Client,
    server: Option<Server>,
    services: Option<Services>,
    facts: ServerFacts,
    quiet: bool,
    /// Held by every command that uses a server which another one started for itself.
    in_use: Option<File>,
}

impl Place {
    /// Finds the log, or starts it with what the command needs.
    pub(crate) async fn open(settings: &Settings, need: Need) -> anyhow::Result<Self> {
        let identity = Identity::new(&settings.org, &settings.user, "cli")?;
        if let Some(options) = named(settings) {
            let existing = need == Need::Reading;
            let journal = connect(ConnectOptions { existing, ..options }).await?;
            return Ok(Self::over(journal, identity, None, None, settings.quiet));
        }
        // A server may be just starting, or just stopping, in another process: look again for a while.
        let begun = tokio::time::Instant::now();
        loop {
            let attempt = Self::local(settings, need, identity.clone()).await;
            match attempt {
                Err(error) if begun.elapsed() < SETTLE && is_passing(&error) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                settled => return settled,
            }
        }
    }

    /// The server on the data directory: the one that runs there, or one started for this command.
    async fn local(settings: &Settings, need: Need, identity: Identity) -> anyhow::Result<Self> {
        if let Some(running) = longhaul_broker::running(&server_directory(settings))? {
            let options = nearby(&running);
            let in_use = in_use(settings)?;
            in_use.lock_shared().context("the data directory cannot be locked")?;
            let near = async {
                let journal = connect(options).await?;
                // Whoever started the server starts a projector, too.
                answered(&journal).await?;
                anyhow::Ok(journal)
            };
            // A server on this machine answers at once, or is on its way out.
            let silent = |_| PortError::Unreachable(format!("{} does not answer", running.url));
            let journal = tokio::time::timeout(NEAR, near).await.map_err(silent)??;
            let place = Self::over(journal, identity, None, None, settings.quiet);
            return Ok(Self { in_use: Some(in_use), ..place });
        }
        if need == Need::Reading && !server_directory(settings).is_dir() {
            return Err(told(
                Code::Unreachable,
                format!(
                    "there is no log in {}: `longhaul up` or a first task makes one; one that is elsewhere is \
                     named with --data DIR or --nats URL",
                    settings.data.display()
                ),
            ));
        }
        let work = match need {
            Need::Everything => Work::all(Work::PLACES).reaching(settings)?,
            Need::Reading | Need::Questions => Work::none(),
        };
        let (server, journal) = start(settings, &Private::default()).await?;
        let services = Services::start(&journal, &settings.data, work).await?;
        let place = Self::over(journal, identity, Some(server), Some(services), settings.quiet);
        Ok(Self { in_use: Some(in_use(settings)?), ..place })
    }

    fn over(
        journal: Journal,
        identity: Identity,
        server: Option<Server>,
        services: Option<Services>,
        quiet: bool,
    ) -> Self {
        let client = Client::new(journal.clone(), identity);
        let facts =
            ServerFacts { private: server.is_some(), log_file: server.as_ref().map(|s| s.log_path().into()) };
        Self { journal, client, server, services, facts, quiet, in_use: None }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn facts(&self) -> ServerFacts {
        self.facts.clone()
    }

    pub(crate) fn quiet(&self) -> bool {
        self.quiet
    }

    /// What becomes of a task when nobody watches.
    pub(crate) fn while_away(&self) -> &'static str {
        match self.services {
            Some(_) => "the task is kept and goes on when something runs here again (longhaul up)",
            None => "the task goes on",
        }
    }

    /// Stops what was started here, in order: what runs is continued by whoever comes next.
    pub(crate) async fn close(self) {
        if let (Some(_), Some(in_use)) = (&self.server, &self.in_use) {
            alone(in_use).await;
        }
        if let Some(services) = self.services {
            services.stop().await;
        }
        drop((self.client, self.journal));
        if let Some(server) = self.server
            && let Err(error) = server.stop().await
        {
            say(format!("the nats-server did not stop cleanly: {error}"));
        }
    }
}

/// How long a server on the data directory may take to be up, or gone.
const SETTLE: Duration = Duration::from_secs(20);
/// How long a server that is up on this machine may take to answer.
const NEAR: Duration = Duration::from_secs(4);

/// Whether a failure may be of a moment: a server that another process is starting or stopping.
fn is_passing(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(longhaul_broker::Error::InUse { .. }))
            || matches!(
                cause.downcast_ref(),
                Some(longhaul_journal::Error::Port(PortError::Unreachable(_) | PortError::NotFound(_)))
            )
            || matches!(cause.downcast_ref(), Some(PortError::Unreachable(_) | PortError::NotFound(_)))
    })
}

/// The file by which commands on one data directory know of each other.
fn in_use(settings: &Settings) -> anyhow::Result<File> {
    let path = settings.data.join("in-use.lock");
    let open = || {
        std::fs::create_dir_all(&settings.data)?;
        File::options().create(true).truncate(false).write(true).open(&path)
    };
    open().with_context(|| format!("cannot open {}", path.display()))
}

/// Waits until no other command uses the server that was started here, or until the user is tired of
/// waiting.
async fn alone(in_use: &File) {
    if in_use.try_lock().is_ok() {
        return;
    }
    say("another command still uses this server; waiting for it (Ctrl-C stops it all the same)");
    let waited = async {
        while in_use.try_lock().is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = waited => {}
        () = interrupted() => {}
    }
}

/// Where the private server keeps its things.
pub(crate) fn server_directory(settings: &Settings) -> PathBuf {
    settings.data.join("nats")
}

/// Starts the private server and connects.
pub(crate) async fn start(settings: &Settings, private: &Private) -> anyhow::Result<(Server, Journal)> {
    let mut options = longhaul_broker::Options::from_env();
    options.offline |= settings.offline;
    let found = tokio::task::spawn_blocking(move || {
        longhaul_broker::locate(&options, &mut longhaul_broker::talk_on_stderr())
    });
    let binary = found.await.context("looking for the nats-server broke off")??;
    let config = ServerConfig {
        durability: private.durability,
        port: private.port,
        ..ServerConfig::new(server_directory(settings))
    };
    let server = Server::start(&binary, config).await?;
    let known = match server.durability() {
        ServerDurability::Strict => Durability::Strict,
        ServerDurability::Relaxed => Durability::Relaxed,
    };
    let options = ConnectOptions {
        auth: Auth::Token(server.token().to_owned()),
        shards: private.shards,
        durability: Some(known),
        durability_known: Some(known),
        ..ConnectOptions::new(server.url())
    };
    let journal = connect(options).await?;
    Ok((server, journal))
}

/// How to connect to the server the settings name, if they name one.
pub(crate) fn named(settings: &Settings) -> Option<ConnectOptions> {
    let auth = settings.token.clone().map_or(Auth::Url, Auth::Token);
    let monitoring = settings.monitoring.clone();
    settings.nats.as_ref().map(|url| ConnectOptions { auth, monitoring, ..ConnectOptions::new(url) })
}

/// How to connect to a server that another process runs on this machine.
pub(crate) fn nearby(running: &Running) -> ConnectOptions {
    ConnectOptions {
        auth: Auth::Token(running.token.clone()),
        monitoring: vec![running.monitoring_url.clone()],
        ..ConnectOptions::new(&running.url)
    }
}

/// Connects to a log.
pub(crate) async fn connect(options: ConnectOptions) -> anyhow::Result<Journal> {
    let options = ConnectOptions { name: Some("longhaul".to_owned()), ..options };
    Ok(Journal::connect(&options).await?)
}
