//! A server of a test's own, and what tests say to it.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longhaul_broker::{Options, Server, ServerBinary, ServerConfig, locate, talk_on_stderr};
use longhaul_core::{OrgId, Sequence};
use longhaul_journal::nats::{Auth, ConnectOptions, Nats};
use longhaul_journal::new_id;
use longhaul_journal::port::{Append, Durability, Port};
use longhaul_wire::{Shards, Subject};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A server in a directory of its own; both go with it.
pub(crate) struct Place {
    pub(crate) server: Server,
    _directory: TempDir,
}

/// The program. Fetched once where it is missing; where that fails, the error tells all the ways out.
pub(crate) async fn binary() -> ServerBinary {
    let found = tokio::task::spawn_blocking(|| locate(&Options::from_env(), &mut talk_on_stderr())).await;
    found.unwrap().unwrap_or_else(|why| panic!("{why}"))
}

/// Starts a server that syncs as asked.
pub(crate) async fn start(durability: Durability) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        durability: match durability {
            Durability::Strict => longhaul_broker::Durability::Strict,
            _ => longhaul_broker::Durability::Relaxed,
        },
        ..ServerConfig::new(directory.path())
    };
    let server = Server::start(&binary().await, config).await.unwrap();
    Place { server, _directory: directory }
}

impl Place {
    /// How to connect to it as whoever started it.
    pub(crate) fn options(&self) -> ConnectOptions {
        ConnectOptions {
            auth: Auth::Token(self.server.token().to_owned()),
            durability_known: Some(match self.server.durability() {
                longhaul_broker::Durability::Strict => Durability::Strict,
                longhaul_broker::Durability::Relaxed => Durability::Relaxed,
            }),
            ..ConnectOptions::new(self.server.url())
        }
    }

    /// A connection to its log, made with `shards` shards if it is missing.
    pub(crate) async fn connect(&self, shards: u16) -> Arc<Nats> {
        connect(ConnectOptions { shards: Some(shards), ..self.options() }).await
    }

    /// JetStream as an operator uses it.
    pub(crate) async fn operator(&self) -> async_nats::jetstream::Context {
        let options = async_nats::ConnectOptions::with_token(self.server.token().to_owned());
        async_nats::jetstream::new(options.connect(self.server.url()).await.unwrap())
    }

    /// Kills the server and brings it back.
    pub(crate) async fn crash(&mut self, down: Duration) {
        self.server.kill().await.unwrap();
        tokio::time::sleep(down).await;
        self.server.restart().await.unwrap();
    }
}

/// A server with a configuration of one's own. Killed when dropped.
pub(crate) struct Custom {
    pub(crate) url: String,
    _child: Child,
    _directory: TempDir,
}

/// Starts a server; `config` is told the directory for its streams.
pub(crate) async fn custom(config: impl Fn(&Path) -> String) -> Custom {
    let binary = binary().await;
    let directory = tempfile::tempdir().unwrap();
    // Somebody may take the port in between: then another one.
    for _ in 0..5 {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let file = directory.path().join("server.conf");
        let text = format!("listen: \"{address}\"\n{}", config(&directory.path().join("store")));
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(&binary.path);
        command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Custom { url: format!("nats://{address}"), _child: child, _directory: directory };
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    panic!("the server does not start: {}", config(Path::new("store")));
}

pub(crate) async fn connect(options: ConnectOptions) -> Arc<Nats> {
    Arc::new(Nats::connect(&options).await.unwrap())
}

/// Why one cannot connect.
pub(crate) async fn refused(options: ConnectOptions) -> longhaul_journal::PortError {
    match Nats::connect(&options).await {
        Ok(_) => panic!("connected with {options:?}"),
        Err(why) => why,
    }
}

/// What must happen some time.
pub(crate) async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    let bound = Duration::from_secs(60);
    match tokio::time::timeout(bound, happens).await {
        Ok(happened) => happened,
        Err(_) => panic!("{what} did not happen within {bound:?}"),
    }
}

/// As the port it is.
pub(crate) fn port(nats: &Arc<Nats>) -> Arc<dyn Port> {
    Arc::clone(nats) as Arc<dyn Port>
}

/// Where a fresh task's history lies.
pub(crate) fn fresh(shards: u16) -> Subject {
    let org = OrgId::new(format!("org-{}", new_id::<longhaul_core::TaskId>())).unwrap();
    Subject::task(Shards::new(shards).unwrap(), &org, new_id())
}

/// A first message of a subject.
pub(crate) fn first(subject: &Subject, body: impl Into<Bytes>) -> Append {
    Append { subject: subject.clone(), expect: Some(Sequence::ZERO), body: body.into() }
}

/// A message that expects nothing.
pub(crate) fn any(subject: &Subject, body: impl Into<Bytes>) -> Append {
    Append { subject: subject.clone(), expect: None, body: body.into() }
}
