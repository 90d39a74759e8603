//! A nats-server of the test's own, clients of it, and services: in this process, or as processes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use longhaul_broker::{Durability as ServerDurability, Server, ServerConfig};
use longhaul_client::{Client, Identity, NewTask};
use longhaul_core::{EventBody, Snapshot, TaskId, TaskRef};
use longhaul_executor::Executor;
use longhaul_executor::exec::ExecPolicy;
use longhaul_journal::nats::Nats;
use longhaul_journal::{Auth, ConnectOptions, Journal};
use longhaul_projector::Projector;
use longhaul_scheduler::Scheduler;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::process::{Output, Process, longhaul, run};

/// A server, a log on it, and a folder for everything else.
pub struct World {
    /// The server.
    pub server: Server,
    /// The log, over a connection of the test's own.
    pub journal: Journal,
    /// Removed at the end.
    folder: TempDir,
    started: std::sync::atomic::AtomicU32,
}

impl World {
    /// A fresh log with so many shards. `relaxed` durability: what is tested is not power loss.
    ///
    /// # Panics
    /// If there is no nats-server; the message says how to get one.
    pub async fn new(shards: u16) -> Self {
        Self::promising(shards, ServerDurability::Relaxed).await
    }

    /// The same on a server that promises this.
    ///
    /// # Panics
    /// As [`World::new`].
    pub async fn promising(shards: u16, durability: ServerDurability) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let binary = tokio::task::spawn_blocking(|| {
            longhaul_broker::locate(
                &longhaul_broker::Options::from_env(),
                &mut longhaul_broker::talk_on_stderr(),
            )
        });
        let binary = binary.await.expect("joined").unwrap_or_else(|error| panic!("{error}"));
        let config = ServerConfig { durability, ..ServerConfig::new(folder.path().join("nats")) };
        let server = Server::start(&binary, config).await.expect("the server starts");
        let journal = connect(&server, Some(shards)).await;
        Self { server, journal, folder, started: std::sync::atomic::AtomicU32::new(0) }
    }

    /// Where files may lie.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A connection of its own, as another process would have.
    ///
    /// # Panics
    /// If it cannot connect.
    pub async fn connect(&self) -> Journal {
        connect(&self.server, None).await
    }

    /// The log without the journal above it: for writing what the journal would not.
    ///
    /// # Panics
    /// If it cannot connect.
    pub async fn port(&self) -> Nats {
        Nats::connect(&options(&self.server, None)).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A client of organisation `acme`.
    ///
    /// # Panics
    /// For an unusable user.
    pub fn client(&self, user: &str) -> Client {
        Client::new(self.journal.clone(), Identity::new("acme", user, "test").unwrap())
    }

    /// Scheduler, projector and an executor with so many places, in this process.
    pub async fn services(&self, places: u32) -> Services {
        let mut services = Services::default();
        services.schedule(self.connect().await, longhaul_scheduler::Options::default());
        services.project(self.connect().await, self.path().join("projector")).await;
        if places > 0 {
            let executor = Executor::new(self.connect().await)
                .places(places)
                .handle_rehearsal()
                .handle_exec(ExecPolicy::new().any(std::iter::empty::<String>()));
            services.work(executor);
        }
        services
    }

    /// `longhaul ARGS` against this server.
    pub fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = longhaul(self.path(), args);
        command.env("LONGHAUL_NATS", self.server.url()).env("LONGHAUL_TOKEN", self.server.token());
        command.env("LONGHAUL_ORG", "acme").env("LONGHAUL_USER", "ann");
        command
    }

    /// Starts `longhaul ARGS` as a service.
    pub fn start(&self, args: &[&str]) -> Process {
        let n = self.started.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut command = self.command(args);
        // Services of one machine may not share a read model.
        command.env("LONGHAUL_DATA", self.path().join(format!("data-{n}"))).env("LONGHAUL_LOG", "info");
        Process::start(command, self.path(), &format!("{}-{n}", args[0]))
    }

    /// Runs `longhaul ARGS` to its end.
    pub async fn run(&self, args: &[&str]) -> Output {
        run(self.command(args)).await
    }

    /// A task's events, by name, in order.
    ///
    /// # Panics
    /// If the history cannot be read.
    pub async fn events(&self, task: TaskId) -> Vec<EventBody> {
        let at = TaskRef { org: longhaul_core::OrgId::new("acme").unwrap(), task };
        let commits = self.journal.commits_after(&at, longhaul_core::Sequence::ZERO).await.unwrap();
        commits.into_iter().flat_map(|(_, commit)| commit.events).map(|event| event.body).collect()
    }

    /// The names of a task's events, in order.
    pub async fn names(&self, task: TaskId) -> Vec<&'static str> {
        self.events(task).await.iter().map(EventBody::name).collect()
    }

    /// The steps a task recorded, in order; a step that was recorded twice is there twice.
    pub async fn recorded(&self, task: TaskId) -> Vec<String> {
        let completed = self.events(task).await.into_iter().filter_map(|body| match body {
            EventBody::StepCompleted { step, .. } => Some(step),
            _ => None,
        });
        completed.collect()
    }
}

fn options(server: &Server, shards: Option<u16>) -> ConnectOptions {
    ConnectOptions {
        auth: Auth::Token(server.token().to_owned()),
        shards,
        durability_known: Some(longhaul_journal::Durability::Relaxed),
        ..ConnectOptions::new(server.url())
    }
}

async fn connect(server: &Server, shards: Option<u16>) -> Journal {
    let connected = Journal::connect(&options(server, shards)).await;
    connected.unwrap_or_else(|error| panic!("cannot connect: {error}"))
}

/// Services in this process; stopped when dropped, as a killed process would be.
#[derive(Default)]
pub struct Services {
    running: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Services {
    /// A scheduler.
    pub fn schedule(&mut self, journal: Journal, options: longhaul_scheduler::Options) {
        let stop = self.stop.clone();
        let scheduler = Scheduler::new(journal, options);
        self.running
            .push(tokio::spawn(async move { scheduler.run(stop).await.expect("the scheduler runs") }));
    }

    /// A projector.
    ///
    /// # Panics
    /// If its directory cannot be used.
    pub async fn project(&mut self, journal: Journal, directory: PathBuf) {
        let options = longhaul_projector::Options::new(directory);
        let projector = Projector::open(journal, options).await.expect("the projector opens");
        let stop = self.stop.clone();
        self.running
            .push(tokio::spawn(async move { projector.run(stop).await.expect("the projector runs") }));
    }

    /// An executor.
    pub fn work(&mut self, executor: Executor) {
        let stop = self.stop.clone();
        self.running.push(tokio::spawn(async move { executor.run(stop).await.expect("the executor runs") }));
    }

    /// Stops them as SIGTERM would, and waits.
    ///
    /// # Panics
    /// If one does not end in time.
    pub async fn stop(mut self) {
        self.stop.cancel();
        for service in self.running.drain(..) {
            tokio::time::timeout(Duration::from_secs(60), service)
                .await
                .expect("it ends")
                .expect("it ends well");
        }
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        for service in &self.running {
            service.abort();
        }
    }
}

/// A task of the built-in kind `rehearsal`.
///
/// # Panics
/// Never, for any command.
pub fn rehearsal(command: &str) -> NewTask {
    NewTask::new("rehearsal", command, &json!(command)).unwrap()
}

/// Submits and gives the id.
///
/// # Panics
/// If the submission is refused.
pub async fn submit(client: &Client, task: NewTask) -> TaskId {
    client.submit(task).await.unwrap().snapshot.task
}

/// Waits for a task's end.
///
/// # Panics
/// If it does not end in time.
pub async fn ended(client: &Client, task: TaskId) -> Snapshot {
    client.wait(task, Some(crate::PATIENCE)).await.unwrap_or_else(|error| panic!("{error}"))
}
