//! A storm: the real program, as the processes a deployment has, under a seeded storm of faults and
//! a seeded load, and then the question whether the log still keeps every promise.
//!
//! [`run`] starts nats-server, or a cluster of three, with a proxy before each; two schedulers, a
//! projector, three executors; and clients that submit, abort, decide and retry until they are
//! answered, and write down what they were told ([`ledger`]). Meanwhile the [`plan`] is carried out
//! ([`weather`]). Then the faults stop, everything runs, and all that was acknowledged has to end.
//! What is judged ([`verdict`]) is the log, by `longhaul-audit`, beside what clients were told and
//! what programs did.

pub mod crowd;
pub mod dice;
pub mod fleet;
pub mod ground;
pub mod ledger;
pub mod plan;
pub mod pulse;
pub mod record;
pub mod report;
pub mod sky;
pub mod verdict;
pub mod weather;
pub mod witness;
pub mod workload;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use longhaul_core::{Actor, OrgId, Role};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crowd::{Crowd, FollowUp};
use fleet::Fleet;
use ground::Ground;
use plan::Part;
use pulse::Pulse;
use record::Record;
use report::{Broken, Report};
use sky::Sky;
use weather::Weather;

/// How old a heartbeat may get. Short, so that many runs are taken over in a short storm.
pub const LEASE: Duration = Duration::from_secs(4);

/// How many connections clients share.
const CONNECTIONS: usize = 4;
/// How many clients submit at once.
const CLIENTS: usize = 24;
/// Work may be ahead of the faults by this part of the storm, so that both are spread alike.
const AHEAD: f64 = 0.02;
/// After the storm: how long nothing may move, and how long all of it may take.
const STILL: Duration = Duration::from_secs(150);
const CALM: Duration = Duration::from_secs(900);

/// How long a storm is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Length {
    /// Until so many submissions were acknowledged.
    Submissions(u64),
    /// So long.
    Time(Duration),
}

/// What storm.
#[derive(Debug, Clone)]
pub struct Options {
    /// Decides on everything that is left to chance.
    pub seed: u64,
    /// How long.
    pub length: Length,
    /// How many kills; the other faults are in proportion.
    pub kills: u32,
    /// nats-servers: 1 or 3.
    pub nodes: usize,
    /// Shards of the log.
    pub shards: u16,
    /// Whether the server syncs before it acknowledges.
    pub strict: bool,
    /// Submissions a second at most.
    pub rate: Option<f64>,
    /// How many tasks may be open before clients wait.
    pub backlog: usize,
    /// Ends the storm early; what was done until then is judged all the same.
    pub enough: CancellationToken,
    /// The program.
    pub program: PathBuf,
    /// Where everything lies: a folder that is empty, or not there yet.
    pub out: PathBuf,
}

/// Raises a storm and judges what it left.
///
/// # Errors
/// If it could not be raised, or the log not read afterwards. A broken promise is no error: it is in
/// the report.
pub async fn run(options: &Options) -> anyhow::Result<Report> {
    let folder = options.out.display();
    std::fs::create_dir_all(&options.out).with_context(|| format!("cannot make the folder {folder}"))?;
    let mut lying =
        std::fs::read_dir(&options.out).with_context(|| format!("cannot read the folder {folder}"))?;
    // The marks of another storm would be taken for this one's.
    anyhow::ensure!(lying.next().is_none(), "{folder} is not empty; a storm needs a folder of its own");
    let at = |name: &str| options.out.join(name);
    // The build may go on meanwhile.
    let program = at("longhaul");
    std::fs::copy(&options.program, &program)
        .with_context(|| format!("cannot copy {} into {folder}", options.program.display()))?;
    let record = Arc::new(Record::new(&at("storm.log"))?);
    let ground = Arc::new(Ground::prepare(&at("nats"), options.nodes, options.shards, options.strict).await?);
    let calm = ground.calm().await?;
    let (org, policy) = workload::tight();
    let actor = Actor { role: Role::Client, who: "storm".to_owned(), via: "storm".to_owned() };
    calm.set_policy(&OrgId::new(org)?, &actor, policy).await?;

    let (sky, _watching) = Sky::watch(&calm);
    std::fs::create_dir_all(at("home"))?;
    let fleet = Arc::new(Fleet::launch(&ground, &at("home"), &program, LEASE, Arc::clone(&record)));
    let pulse = Arc::new(Pulse::default());
    let mut helpers = JoinSet::new();
    helpers.spawn({
        let fleet = Arc::clone(&fleet);
        async move { fleet.keep().await }
    });
    helpers.spawn(feel(Arc::clone(&pulse), Arc::clone(&fleet), Arc::clone(&ground)));
    let mut journals = Vec::new();
    for _ in 0..CONNECTIONS {
        journals.push(ground.exposed().await?);
    }
    let marks = at("marks");
    let crowd = Crowd::new(options.seed, journals, marks.clone(), Arc::clone(&sky), Arc::clone(&record));
    let crowd = Arc::new(crowd);
    let mut deciders = JoinSet::new();
    deciders.spawn(Arc::clone(&crowd).decide());

    let strokes = plan::draw(options.seed, options.kills, LEASE, options.nodes);
    let weather = Weather::new(Arc::clone(&ground), Arc::clone(&fleet), Arc::clone(&record), strokes);
    let weather = Arc::new(weather);
    let begun = Instant::now();
    // By work done, not by what was asked for: faults are to meet executors that are busy.
    let so_far = || match options.length {
        _ if options.enough.is_cancelled() => 1.0,
        Length::Submissions(n) if crowd.ledger.len() as u64 >= n && sky.open() == 0 => 1.0,
        Length::Submissions(n) => sky.ended() as f64 / n as f64,
        Length::Time(all) => begun.elapsed().as_secs_f64() / all.as_secs_f64(),
    };
    let mut after = JoinSet::new();
    tokio::join!(
        weather.rage(so_far, &options.enough),
        load(options, &crowd, &sky, &weather, so_far, &mut after)
    );
    let storm_seconds = begun.elapsed().as_secs_f64();
    record.note("the storm is over");

    let begun = Instant::now();
    let at_rest = settle(&sky, &mut after).await;
    record.note(if at_rest { "everything has ended" } else { "not everything has ended" });
    let calm_seconds = begun.elapsed().as_secs_f64();
    let longest_still_seconds = sky.longest_still().as_secs_f64();
    drop((after, deciders, helpers));
    for part in [Part::Executor, Part::Scheduler, Part::Projector] {
        fleet.dismiss(part).await;
    }
    record.note("all services have ended; the log is judged");
    std::fs::remove_file(&program)?;

    let history = at("history.ndjson");
    let models = (fleet.model(), at("model-anew"));
    let verdict = verdict::judge(&calm, &crowd.ledger, &marks, (&models.0, &models.1), &history).await?;
    let findings = record.findings();
    let broken = Broken::of(&verdict, findings.len());
    let sound = verdict.is_sound() && findings.is_empty() && broken == Broken::default();
    if sound {
        std::fs::remove_file(&history)?;
    }
    let counts = record.counts();
    let kills = counts.iter().filter(|(what, _)| what.starts_with("kills")).map(|(_, n)| n).sum();
    Ok(Report {
        seed: options.seed,
        nodes: options.nodes,
        shards: options.shards,
        durability: if options.strict { "strict" } else { "relaxed" },
        storm_seconds,
        calm_seconds,
        acknowledged: crowd.ledger.len() as u64,
        aborts_acknowledged: crowd.ledger.aborts().len() as u64,
        kills,
        sound,
        broken,
        tasks: census(&verdict),
        counts,
        events: verdict.events.clone(),
        records: verdict.audit.figures.records,
        steps_witnessed: verdict.testimony.done,
        rows: verdict.rows,
        longest_still_seconds,
        memory: pulse.roles(),
        troubles: report::troubles(&verdict, findings),
        history: (!sound).then(|| history.display().to_string()),
    })
}

/// Tasks by where they stand.
fn census(verdict: &verdict::Verdict) -> BTreeMap<String, u64> {
    let tally = verdict.audit.figures.tasks.status.iter();
    tally.map(|(status, n)| (status.to_string(), *n)).filter(|(_, n)| *n > 0).collect()
}

/// Submits until the storm has its length.
async fn load(
    options: &Options,
    crowd: &Arc<Crowd>,
    sky: &Sky,
    weather: &Weather,
    so_far: impl Fn() -> f64,
    after: &mut JoinSet<()>,
) {
    let begun = Instant::now();
    let mut submitting: JoinSet<Option<FollowUp>> = JoinSet::new();
    let enough = || match options.length {
        _ if options.enough.is_cancelled() => true,
        Length::Submissions(n) => crowd.ledger.len() as u64 >= n,
        Length::Time(all) => begun.elapsed() >= all,
    };
    while !enough() {
        while let Some(submitted) = submitting.try_join_next() {
            follow(crowd, submitted.unwrap(), after);
        }
        while let Some(done) = after.try_join_next() {
            done.unwrap();
        }
        let early =
            options.rate.is_some_and(|rate| crowd.begun() as f64 / rate > begun.elapsed().as_secs_f64());
        let ahead = weather.next().is_some_and(|next| so_far() > next + AHEAD);
        if early || ahead || submitting.len() >= CLIENTS || sky.open() >= options.backlog {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let crowd = Arc::clone(crowd);
        submitting.spawn(async move { crowd.one().await });
    }
    while let Some(submitted) = submitting.join_next().await {
        follow(crowd, submitted.unwrap(), after);
    }
}

fn follow(crowd: &Arc<Crowd>, submitted: Option<FollowUp>, after: &mut JoinSet<()>) {
    if let Some(submitted) = submitted {
        after.spawn(Arc::clone(crowd).afterwards(submitted));
    }
}

/// Waits until every task has ended and every client is content; not for ever.
async fn settle(sky: &Sky, after: &mut JoinSet<()>) -> bool {
    let begun = Instant::now();
    loop {
        while let Some(done) = after.try_join_next() {
            done.unwrap();
        }
        if sky.open() == 0 && after.is_empty() {
            return true;
        }
        if sky.still_for() > STILL || begun.elapsed() > CALM {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn feel(pulse: Arc<Pulse>, fleet: Arc<Fleet>, ground: Arc<Ground>) {
    loop {
        for (name, pid) in fleet.pids().await {
            pulse.feel(&name, pid);
        }
        for (n, server) in ground.servers.iter().enumerate() {
            if let Ok(server) = server.try_lock() {
                pulse.feel(&format!("nats-server-{}", n + 1), server.pid());
            }
        }
        pulse.feel("harness", std::process::id());
        tokio::time::sleep(pulse::EVERY).await;
    }
}
