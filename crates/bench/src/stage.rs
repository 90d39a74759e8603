//! A log with services at work on it, and the books of what each of them costs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use longhaul_broker::{Durability as ServerDurability, Server as Broker, ServerBinary, ServerConfig};
use longhaul_client::{Client, Identity};
use longhaul_core::{Actor, Caps, Policy, Role, TaskId};
use longhaul_executor::REHEARSAL;
use longhaul_journal::{Auth, ConnectOptions, Durability, Journal, new_id};
use longhaul_wire::query::{Health, Positions};
use tempfile::TempDir;

use crate::error::Error;
use crate::options::{Layout, Options, Server};
use crate::process::Meter;
use crate::report::{Cost, Figures};
use crate::services::{self, Inside, Process};
use crate::start::size;

/// How long anything that is not measured may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// No cap binds: what is measured is the way of a task, not the waiting at a cap.
const UNBOUND: Caps =
    Caps { user: 1_000_000, organisation: 1_000_000, conversation: 1_000_000, foreground: 1_000_000 };

/// What is started for one repetition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    /// What a fresh server is to promise.
    pub(crate) durability: Option<Durability>,
    /// Shards of a fresh log.
    pub(crate) shards: Option<u16>,
    /// How many executors.
    pub(crate) executors: u32,
    /// How many runs each holds at once.
    pub(crate) places: u32,
    /// In how many organisations the tasks lie.
    pub(crate) organisations: u32,
    /// Whether the executors run this crate's own kind of task, too.
    pub(crate) own_handlers: bool,
}

/// A log, and services at work on it.
pub(crate) struct Stage {
    /// The client's own connection.
    pub(crate) journal: Journal,
    /// How to make another one.
    pub(crate) connect: ConnectOptions,
    processes: Vec<Process>,
    inside: Option<Inside>,
    server: Option<Broker>,
    /// Organisations of this repetition begin like this.
    prefix: String,
    program: PathBuf,
    started: u32,
    folder: TempDir,
}

impl Stage {
    /// A log without services.
    pub(crate) async fn open(
        options: &Options,
        binary: Option<&ServerBinary>,
        setup: &Setup,
    ) -> Result<Self, Error> {
        let folder = scratch(options)?;
        let (server, connect) = match (&options.server, binary) {
            (Server::Named(named), _) => (None, (**named).clone()),
            (Server::Fresh { .. }, Some(binary)) => {
                let (server, connect) = fresh(binary, setup, folder.path()).await?;
                (Some(server), connect)
            }
            (Server::Fresh { .. }, None) => return Err(Error::Unfit("no nats-server is there".to_owned())),
        };
        let connect = ConnectOptions { name: Some("longhaul-bench".to_owned()), ..connect };
        let journal = Journal::connect(&connect).await?;
        let inside = (options.layout == Layout::Inside).then(Inside::default);
        let id = new_id::<TaskId>().to_string();
        Ok(Self {
            journal,
            connect,
            processes: Vec::new(),
            inside,
            server,
            prefix: format!("bench-{}", &id[id.len() - 8..]),
            program: options.program.clone(),
            started: 0,
            folder,
        })
    }

    /// A log with a scheduler, a projector and executors that are ready.
    pub(crate) async fn serve(
        options: &Options,
        binary: Option<&ServerBinary>,
        setup: &Setup,
    ) -> Result<Self, Error> {
        let mut stage = Self::open(options, binary, setup).await?;
        stage.schedule().await?;
        stage.project().await?;
        for _ in 0..setup.executors {
            stage.work(setup.places, setup.own_handlers).await?;
        }
        stage.ready(setup.executors).await?;
        Ok(stage)
    }

    /// What an acknowledgement promises.
    pub(crate) fn durability(&self) -> Durability {
        self.journal.info().durability
    }

    async fn another(&self) -> Result<Journal, Error> {
        Ok(Journal::connect(&self.connect).await?)
    }

    fn process(&mut self, role: &'static str, args: &[&str]) -> Result<(), Error> {
        self.started += 1;
        let name = format!("{role}-{}", self.started);
        let server = match self.server {
            // Found in the folder, with what is in force there: an outsider is not told that.
            Some(_) => None,
            None => Some(&self.connect),
        };
        let process = Process::start(role, &self.program, args, server, self.folder.path(), &name)?;
        self.processes.push(process);
        Ok(())
    }

    /// This program, for the log of this stage.
    pub(crate) fn command(&self) -> Result<std::process::Command, Error> {
        let server = self.server.is_none().then_some(&self.connect);
        services::command(&self.program, server, self.folder.path())
    }

    /// Starts a scheduler.
    pub(crate) async fn schedule(&mut self) -> Result<(), Error> {
        let journal = self.another().await?;
        match &mut self.inside {
            Some(inside) => inside.schedule(journal),
            None => self.process("scheduler", &["schedule"])?,
        }
        Ok(())
    }

    /// Starts a projector.
    pub(crate) async fn project(&mut self) -> Result<(), Error> {
        let journal = self.another().await?;
        let folder = self.folder.path().join("projector");
        match &mut self.inside {
            Some(inside) => inside.project(journal, folder).await?,
            None => self.process("projector", &["project"])?,
        }
        Ok(())
    }

    /// Starts an executor.
    pub(crate) async fn work(&mut self, places: u32, own_handlers: bool) -> Result<(), Error> {
        let journal = self.another().await?;
        match &mut self.inside {
            Some(inside) => inside.work(journal, places),
            None => {
                let places = places.to_string();
                if own_handlers {
                    self.process("executor", &["bench", "worker", "--concurrency", &places])?;
                } else {
                    self.process("executor", &["work", "--kind", REHEARSAL, "--places", &places])?;
                }
            }
        }
        Ok(())
    }

    /// Waits until the projector answers and so many executors have been heard.
    pub(crate) async fn ready(&mut self, executors: u32) -> Result<(), Error> {
        self.caught_up().await?;
        let own: BTreeSet<u32> = self.processes.iter().filter_map(Process::pid).collect();
        let own = if self.inside.is_some() { BTreeSet::from([std::process::id()]) } else { own };
        let mut beats = self.journal.beats().await?;
        let mut heard = BTreeSet::new();
        let begun = Instant::now();
        while heard.len() < executors as usize {
            self.check()?;
            if let Ok(Some(Ok(beat))) = tokio::time::timeout(Duration::from_millis(500), beats.next()).await {
                let pid = beat.host.rsplit('/').next().and_then(|pid| pid.parse().ok());
                if beat.is_executor() && pid.is_some_and(|pid| own.contains(&pid)) {
                    heard.insert(beat.executor);
                }
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::Stuck { what: "the executors".to_owned(), waited: PATIENCE });
            }
        }
        Ok(())
    }

    /// Waits until the projector has folded what the log holds now.
    pub(crate) async fn caught_up(&mut self) -> Result<(), Error> {
        self.caught_up_within(PATIENCE).await
    }

    /// As [`Stage::caught_up`], with another bound.
    pub(crate) async fn caught_up_within(&mut self, patience: Duration) -> Result<(), Error> {
        let at_least = self.here().await?;
        let asking = self.client("bench", "bench")?;
        let begun = Instant::now();
        loop {
            self.check()?;
            match asking.query(&Health { at_least: at_least.clone() }).await {
                Ok(_) => return Ok(()),
                Err(error) if begun.elapsed() > patience => return Err(error.into()),
                // Nobody answers yet, or it has further to go than it lets anybody wait for.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    /// Where the log ends now.
    pub(crate) async fn here(&self) -> Result<Positions, Error> {
        let mut here = Positions::default();
        for shard in self.journal.shards().all() {
            here.advance(shard, self.journal.head(shard).await?);
        }
        Ok(here)
    }

    /// That every service still runs.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        self.processes.iter_mut().try_for_each(Process::check)?;
        self.inside.as_mut().map_or(Ok(()), Inside::check)
    }

    fn client(&self, org: &str, user: &str) -> Result<Client, Error> {
        Ok(Client::new(self.journal.clone(), Identity::new(org, user, "bench")?))
    }

    /// Clients of so many organisations without caps, one user each. They share a connection.
    pub(crate) async fn clients(&self, organisations: u32) -> Result<Vec<Client>, Error> {
        let first = self.client(&format!("{}-0", self.prefix), "bench")?;
        let actor = Actor { role: Role::Client, who: "bench".to_owned(), via: "bench".to_owned() };
        let policy = Policy { caps: UNBOUND, ..Policy::default() };
        let mut clients = Vec::new();
        for n in 0..organisations.max(1) {
            let identity = Identity::new(&format!("{}-{n}", self.prefix), "bench", "bench")?;
            self.journal.set_policy(&identity.org, &actor, policy.clone()).await?;
            clients.push(first.speaking_for(identity));
        }
        Ok(clients)
    }

    /// Every process, and how to read what it costs.
    pub(crate) fn meters(&self) -> Vec<(&'static str, Meter)> {
        let server = self.server.as_ref().map(|server| ("nats-server", Meter::Process(server.pid())));
        let services = self.processes.iter().filter_map(|one| Some((one.role, Meter::Process(one.pid()?))));
        server.into_iter().chain(services).collect()
    }

    /// Where everything of this stage lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How many bytes a fresh log takes on disk.
    pub(crate) fn log_bytes(&self) -> Option<u64> {
        self.server.as_ref().map(|server| size(server.data_dir()))
    }

    /// The next projector begins from nothing.
    pub(crate) fn forget_read_model(&self) -> Result<(), Error> {
        let model = self.folder.path().join("projector");
        match std::fs::remove_dir_all(&model) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::at("remove", &model)(error))
            }
            _ => Ok(()),
        }
    }

    /// Starts a fresh server again on its log; how long that took. Nothing for a named server.
    pub(crate) async fn restart_server(&mut self) -> Result<Option<Duration>, Error> {
        let Some(server) = &mut self.server else { return Ok(None) };
        server.kill().await?;
        let begun = Instant::now();
        server.restart().await?;
        let took = begun.elapsed();
        // Every connection finds the server again by itself; what follows is to begin with one that has.
        let shard = self.journal.shards().of(&Identity::new("bench", "bench", "bench")?.org);
        self.journal.head(shard).await?;
        Ok(Some(took))
    }

    /// Ends the services; the log stays.
    pub(crate) async fn stop_services(&mut self) {
        if let Some(inside) = &mut self.inside {
            std::mem::take(inside).stop().await;
        }
        // The executors were started last, and go first.
        for process in self.processes.drain(..).rev() {
            process.stop().await;
        }
    }

    /// Ends everything, in order.
    pub(crate) async fn close(mut self) -> Result<(), Error> {
        self.stop_services().await;
        drop(self.journal);
        if let Some(server) = self.server {
            server.stop().await?;
        }
        Ok(())
    }
}

/// An empty folder beside a log.
pub(crate) fn folder_in(folder: &Path) -> Result<TempDir, Error> {
    tempfile::tempdir_in(folder).map_err(Error::at("make a folder in", folder))
}

/// An empty folder, where the log will lie.
pub(crate) fn scratch(options: &Options) -> Result<TempDir, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("longhaul-bench-");
    match &options.scratch {
        Some(folder) => builder.tempdir_in(folder).map_err(Error::at("make a folder in", folder)),
        None => builder.tempdir().map_err(Error::io("make a temporary folder")),
    }
}

async fn fresh(
    binary: &ServerBinary,
    setup: &Setup,
    folder: &Path,
) -> Result<(Broker, ConnectOptions), Error> {
    let known = setup.durability.unwrap_or(Durability::Strict);
    let durability = match known {
        Durability::Relaxed => ServerDurability::Relaxed,
        _ => ServerDurability::Strict,
    };
    let config = ServerConfig { durability, ..ServerConfig::new(folder.join("nats")) };
    let server = Broker::start(binary, config).await?;
    let connect = ConnectOptions {
        auth: Auth::Token(server.token().to_owned()),
        shards: setup.shards,
        durability_known: Some(known),
        ..ConnectOptions::new(server.url())
    };
    Ok((server, connect))
}

/// What everything has cost so far.
pub(crate) struct Books(Vec<(&'static str, Meter, Option<Duration>)>);

impl Books {
    /// Opens them: what is spent from now on counts. The client's own costs are those of this process
    /// without the watcher's.
    pub(crate) fn open(stage: &Stage, watcher: Option<&Meter>) -> Self {
        let mut meters = stage.meters();
        meters.push(("client", Meter::Own));
        meters.extend(watcher.map(|meter| ("watcher", meter.clone())));
        Self(meters.into_iter().map(|(name, meter)| (name, meter.clone(), meter.cpu())).collect())
    }

    /// What each process has cost since, processes of the same role together.
    pub(crate) fn close(self) -> Vec<Cost> {
        let mut costs: Vec<Cost> = Vec::new();
        for (name, meter, before) in self.0 {
            let Some(spent) = meter.cpu().zip(before).map(|(now, before)| now.saturating_sub(before)) else {
                continue;
            };
            let memory = if matches!(meter, Meter::Thread(_)) { None } else { meter.memory() };
            let cpu_ms = spent.as_secs_f64() * 1000.0;
            let (memory_bytes, peak_bytes) = (memory.map(|m| m.resident), memory.map(|m| m.peak));
            match costs.iter_mut().find(|cost| cost.process == name) {
                Some(cost) => {
                    cost.cpu_ms += cpu_ms;
                    cost.memory_bytes = cost.memory_bytes.zip(memory_bytes).map(|(a, b)| a + b);
                    cost.peak_bytes = cost.peak_bytes.zip(peak_bytes).map(|(a, b)| a + b);
                }
                None => costs.push(Cost { process: name.to_owned(), cpu_ms, memory_bytes, peak_bytes }),
            }
        }
        let watcher = costs.iter().find(|cost| cost.process == "watcher").map_or(0.0, |cost| cost.cpu_ms);
        for cost in costs.iter_mut().filter(|cost| cost.process == "client") {
            cost.cpu_ms -= watcher;
        }
        costs
    }
}

impl Figures {
    /// CPU time for each of so many tasks: of everything but the watcher, and of each process.
    pub(crate) fn put_costs(&mut self, costs: Vec<Cost>, tasks: usize) {
        let each = |ms: f64| ms / tasks.max(1) as f64;
        let all: f64 = costs.iter().filter(|cost| cost.process != "watcher").map(|cost| cost.cpu_ms).sum();
        self.put("cpu_per_task", "ms", each(all));
        for cost in &costs {
            self.put(format!("cpu_per_task_{}", cost.process.replace('-', "_")), "ms", each(cost.cpu_ms));
        }
        self.processes = costs;
    }

    /// The memory of each process, as a figure.
    pub(crate) fn put_memory(&mut self) {
        let known = self.processes.iter().filter_map(|cost| {
            Some((format!("memory_{}", cost.process.replace('-', "_")), cost.memory_bytes?))
        });
        for (name, bytes) in known.collect::<Vec<_>>() {
            self.put(name, "bytes", bytes as f64);
        }
    }
}
