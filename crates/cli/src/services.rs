//! The services of one process: projector, scheduler, executor.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use longhaul_agent::data::Connections;
use longhaul_agent::render::RenderCommand;
use longhaul_agent::{Agent, CHAT, KIND as REPORT, Models, handle_chat, handle_report};
use longhaul_executor::exec::{EXEC, ExecPolicy, Program};
use longhaul_executor::{Executor, REHEARSAL};
use longhaul_journal::{Durability, Journal, PortError};
use longhaul_model::Providers;
use longhaul_projector::Projector;
use longhaul_scheduler::Scheduler;
use longhaul_wire::query::{self, Query as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::exit::usage;
use crate::settings::Settings;

/// What an executor is called among the services.
const EXECUTOR: &str = "executor";
/// How long a projector may take until it answers.
const READY: Duration = Duration::from_secs(5);

/// Turns of conversations at once, where an executor has other work beside them: these places are theirs
/// alone, so that nobody waits for an answer until a report has ended.
const TURNS: u32 = 8;

/// What the executors of this process take.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    /// How many runs at once; none: no executor and no scheduler.
    pub(crate) places: u32,
    /// Only these kinds; all built-in ones if empty.
    pub(crate) kinds: Vec<String>,
    /// Kinds that run a fixed program.
    pub(crate) programs: Vec<(String, String)>,
    /// What reports may be made with beside files.
    pub(crate) reach: Option<Reach>,
}

/// Models and databases that reports may be made with, as the settings name them.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    models: Models,
    connections: Connections,
}

impl Work {
    /// Runs at once where nothing else is said.
    pub(crate) const PLACES: u32 = 16;

    /// Every built-in kind.
    pub(crate) fn all(places: u32) -> Self {
        Self { places, ..Self::default() }
    }

    /// Nothing is run.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// With the models and databases of the settings.
    ///
    /// # Errors
    /// If one of them cannot be used as it is set up.
    pub(crate) fn reaching(self, settings: &Settings) -> anyhow::Result<Self> {
        let providers = Providers::new(settings.models()?).map_err(|error| usage(error.to_string()))?;
        let reach = Reach { models: providers.into(), connections: settings.connections()? };
        Ok(Self { reach: Some(reach), ..self })
    }

    /// And a program as a kind of its own: `NAME=PROGRAM`.
    pub(crate) fn program(mut self, given: &str) -> anyhow::Result<Self> {
        let (name, program) =
            given.split_once('=').ok_or_else(|| usage(format!("--exec {given:?} is not NAME=PROGRAM")))?;
        longhaul_core::Kind::new(name).map_err(|error| usage(error.to_string()))?;
        if !is_there(program) {
            return Err(usage(format!("--exec {given:?}: there is no program {program:?} to be run")));
        }
        self.programs.push((name.to_owned(), program.to_owned()));
        Ok(self)
    }
}

/// Whether a program can be started by this name: a path, or one of `PATH`.
pub(crate) fn is_there(program: &str) -> bool {
    let runs = |path: &Path| {
        let found = path.metadata();
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return runs(Path::new(program));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    !program.is_empty() && std::env::split_paths(&folders).any(|folder| runs(&folder.join(program)))
}

/// Services that run in this process.
pub(crate) struct Services {
    running: tokio::sync::Mutex<JoinSet<(&'static str, anyhow::Result<()>)>>,
    executor: CancellationToken,
    others: CancellationToken,
    /// Executors that were started.
    executors: AtomicU32,
}

impl Services {
    /// Starts a projector and, where there is work to do, a scheduler and executors.
    pub(crate) async fn start(journal: &Journal, data: &Path, work: Work) -> anyhow::Result<Self> {
        let services = Self::idle();
        services.project(journal, data.join("projector")).await?;
        if work.places > 0 {
            services.schedule(journal, longhaul_scheduler::Options::default()).await;
            services.work(journal, &work, longhaul_executor::DRAIN).await?;
        }
        answered(journal).await?;
        Ok(services)
    }

    /// No services yet.
    pub(crate) fn idle() -> Self {
        Self {
            running: tokio::sync::Mutex::default(),
            executor: CancellationToken::new(),
            others: CancellationToken::new(),
            executors: AtomicU32::new(0),
        }
    }

    /// Starts a projector whose read model lies in `directory`.
    pub(crate) async fn project(&self, journal: &Journal, directory: PathBuf) -> anyhow::Result<()> {
        let options = longhaul_projector::Options::new(&directory);
        let projector = Projector::open(journal.clone(), options)
            .await
            .with_context(|| format!("the projector cannot use {}", directory.display()))?;
        let stop = self.others.clone();
        let run = async move { ("projector", projector.run(stop).await.map_err(anyhow::Error::from)) };
        self.running.lock().await.spawn(run);
        Ok(())
    }

    /// Starts a scheduler.
    pub(crate) async fn schedule(&self, journal: &Journal, options: longhaul_scheduler::Options) {
        let scheduler = Scheduler::new(journal.clone(), options);
        let stop = self.others.clone();
        let run = async move { ("scheduler", scheduler.run(stop).await.map_err(anyhow::Error::from)) };
        self.running.lock().await.spawn(run);
    }

    /// Starts an executor; and one more for the turns of conversations, where it has other work beside them.
    pub(crate) async fn work(&self, journal: &Journal, work: &Work, drain: Duration) -> anyhow::Result<()> {
        for executor in executors(journal, work)? {
            let executor = executor.drain_within(drain);
            let stop = self.executor.clone();
            self.executors.fetch_add(1, Ordering::Relaxed);
            let run = async move { (EXECUTOR, executor.run(stop).await.map_err(anyhow::Error::from)) };
            self.running.lock().await.spawn(run);
        }
        Ok(())
    }

    /// Waits until a service ends by itself, which none should.
    pub(crate) async fn broken(&self) -> anyhow::Error {
        let mut running = self.running.lock().await;
        match running.join_next().await {
            Some(Ok((name, Ok(())))) => anyhow::anyhow!("the {name} ended by itself"),
            Some(Ok((name, Err(error)))) => error.context(format!("the {name} broke")),
            Some(Err(error)) => anyhow::Error::from(error).context("a service broke off"),
            None => std::future::pending().await,
        }
    }

    /// Stops them: the executors first, so that what they let go of is still recorded and seen.
    pub(crate) async fn stop(self) {
        let mut running = self.running.into_inner();
        self.executor.cancel();
        let mut executors = self.executors.into_inner();
        if executors == 0 {
            self.others.cancel();
        }
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok((name, outcome)) => {
                    if let Err(error) = outcome {
                        tracing::warn!("the {name} ended with: {error:#}");
                    }
                    executors = executors.saturating_sub(u32::from(name == EXECUTOR));
                    if executors == 0 {
                        self.others.cancel();
                    }
                }
                Err(error) => tracing::warn!(%error, "a service broke off"),
            }
        }
    }
}

/// Waits until a projector answers: who asks the moment everything is up shall be answered.
pub(crate) async fn answered(journal: &Journal) -> anyhow::Result<()> {
    let endpoint = format!("{}.{}", query::SERVICE, query::Health::ENDPOINT);
    let question = serde_json::to_vec(&query::Health::default())?;
    let begun = tokio::time::Instant::now();
    loop {
        match journal.ask(&endpoint, question.clone().into(), Duration::from_secs(1)).await {
            Ok(_) => return Ok(()),
            // Nobody listens yet; whatever else is wrong, waiting here does not mend it.
            Err(PortError::NotFound(_)) if begun.elapsed() < READY => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => return Err(anyhow::Error::from(error).context("the projector does not answer")),
        }
    }
}

/// The executors for what this process takes: one for the turns of conversations, one for all else.
fn executors(journal: &Journal, work: &Work) -> anyhow::Result<Vec<Executor>> {
    let built_in = [REPORT, CHAT, REHEARSAL, EXEC];
    let known = |kind: &str| built_in.contains(&kind) || work.programs.iter().any(|(name, _)| name == kind);
    if let Some(unknown) = work.kinds.iter().find(|kind| !known(kind)) {
        let known = built_in.join(", ");
        return Err(usage(format!(
            "no built-in kind {unknown:?}; there are {known}; for a program: --exec NAME=PROGRAM"
        )));
    }
    let takes = |kind: &str| {
        work.kinds.iter().any(|one| one == kind) || (work.kinds.is_empty() && work.programs.is_empty())
    };
    let with = |places| Executor::new(journal.clone()).places(places).version(env!("CARGO_PKG_VERSION"));
    let mut agent = Agent::new(render_command()?);
    if let Some(Reach { models, connections }) = work.reach.clone() {
        (agent.models, agent.connections) = (models, connections);
    }
    let others = [REPORT, REHEARSAL, EXEC].into_iter().any(takes) || !work.programs.is_empty();
    let mut executors = Vec::new();
    if takes(CHAT) {
        executors.push(handle_chat(with(if others { TURNS } else { work.places }), agent.clone()));
    }
    if others {
        executors.push(all_else(with(work.places), agent, work, takes));
    }
    Ok(executors)
}

/// An executor with the handlers of everything but turns of conversations.
fn all_else(mut executor: Executor, agent: Agent, work: &Work, takes: impl Fn(&str) -> bool) -> Executor {
    if takes(REPORT) {
        executor = handle_report(executor, agent);
    }
    if takes(REHEARSAL) {
        executor = executor.handle_rehearsal();
    }
    let mut programs = ExecPolicy::new();
    if takes(EXEC) {
        programs = programs.any(std::iter::empty::<String>());
    }
    for (kind, program) in &work.programs {
        programs = programs.program(kind, Program::new(program));
    }
    executor.handle_exec(programs)
}

/// How a document is typeset: by this very program, as a child with limits.
fn render_command() -> anyhow::Result<RenderCommand> {
    let program = std::env::current_exe().context("the path of this program is not known")?;
    Ok(RenderCommand { program, args: vec!["__render".into()] })
}

/// What an acknowledgement promises, in words.
pub(crate) fn promise(durability: Durability) -> &'static str {
    match durability {
        Durability::Strict => "strict: what is acknowledged survives a power loss",
        Durability::Relaxed => "relaxed: a power loss may cost the last second, and a young log whole",
        Durability::None => "none: memory only",
        Durability::Unknown => {
            "unknown: the server does not say; what is acknowledged survives a killed server at least"
        }
    }
}
