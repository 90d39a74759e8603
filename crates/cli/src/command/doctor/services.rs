//! Who is at work: projector, executors, scheduler.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use futures::StreamExt as _;
use longhaul_client::{Client, Error};
use longhaul_core::board::WaitReason;
use longhaul_core::{BEAT, Beat, ExecutorId, LEASE, Millis, Sequence, Snapshot, TaskId, Timestamp};
use longhaul_journal::{Journal, Shard};
use longhaul_wire::query::{Condition, Health, MAX_PAGE, Positions, Queue, Queued, QueuedTask};

use super::check::{Check, Findings};
use crate::command::replay::{counted, short};
use crate::output::ago;

/// How many records a projector may be behind without a word.
const LAG: u64 = 1_000;

/// How long a run may stay on an executor whose lease is over.
const PATIENCE: Millis = Millis::seconds(30);

/// How the projector that answers is; nothing of it where none does.
pub(super) async fn projector(client: &Client, heads: &[(Shard, Sequence)]) -> (Check, bool) {
    match client.query(&Health::default()).await {
        Ok(condition) => (judged(&condition, heads), true),
        Err(Error::NoProjector) => {
            let advice = "start one: longhaul up, or longhaul project beside the other services";
            (Check::fail("projector", "none answers: there are no lists and no counts", advice), false)
        }
        Err(error) => (
            Check::fail(
                "projector",
                format!("it does not answer: {error}"),
                "see what it says on its stderr",
            ),
            false,
        ),
    }
}

/// A projector's own word.
pub(super) fn judged(condition: &Condition, heads: &[(Shard, Sequence)]) -> Check {
    let Condition { as_of, version, lag, trouble, .. } = condition;
    let places = heads.iter().map(|(shard, head)| {
        let lag = lag.get(&shard.0).copied().unwrap_or_default();
        format!("shard {shard}: folded to {}, {lag} behind; the log goes to {head}", as_of.of(*shard))
    });
    let places: Vec<String> = places.collect();
    let behind = lag.values().sum::<u64>();
    let found = format!(
        "version {version}, {}, {} behind",
        counted(condition.tasks, "task", "tasks"),
        counted(behind, "record", "records")
    );
    let check = match trouble {
        Some(why) => Check::fail(
            "projector",
            format!("{found}; it does not fold: {why}"),
            "mend that; it goes on by itself",
        ),
        None if behind > LAG => {
            Check::warn("projector", found, "it catches up; should the lag grow, look at its machine's disk")
        }
        None => Check::ok("projector", found),
    };
    check.with(places)
}

/// The last word of who beats.
#[derive(Debug, Clone)]
struct Heard {
    beat: Beat,
    /// How often it was heard while one listened. What was kept from before counts once.
    times: u32,
}

impl Heard {
    /// Whether its lease holds. Heard twice it is alive whatever its clock says.
    fn is_alive(&self, now: Timestamp) -> bool {
        self.times > 1 || now.since(self.beat.at) < LEASE
    }

    /// Who it is, for people.
    fn named(&self, now: Timestamp) -> String {
        let Beat { executor, host, version, at, .. } = &self.beat;
        format!("{} on {host} version {version}, heard {} ago", short(&executor.to_string()), ago(*at, now))
    }
}

/// The last beat of everyone, executors and schedulers.
#[derive(Debug, Clone, Default)]
pub(super) struct Beats(BTreeMap<ExecutorId, Heard>);

impl Beats {
    /// Listens long enough for everyone to beat twice.
    pub(super) async fn listen(journal: &Journal) -> Result<Self, longhaul_journal::Error> {
        let mut beats = journal.beats().await?;
        let mut all = Self::default();
        let over = tokio::time::sleep(Duration::from_millis(BEAT.0 * 5 / 2));
        tokio::pin!(over);
        loop {
            let beat = tokio::select! {
                () = &mut over => return Ok(all),
                beat = beats.next() => beat,
            };
            let Some(beat) = beat.transpose()? else { return Ok(all) };
            let times = all.0.get(&beat.executor).map_or(0, |heard| heard.times);
            all.0.insert(beat.executor, Heard { beat, times: times + 1 });
        }
    }

    fn is_alive(&self, executor: ExecutorId, now: Timestamp) -> bool {
        self.0.get(&executor).is_some_and(|heard| heard.is_alive(now))
    }

    fn alive(&self, now: Timestamp, executors: bool) -> Vec<&Heard> {
        let alive = |heard: &&Heard| heard.beat.is_executor() == executors && heard.is_alive(now);
        self.0.values().filter(alive).collect()
    }
}

/// The executors, with what they take.
pub(super) fn executors(beats: &Beats, now: Timestamp) -> Check {
    let alive = beats.alive(now, true);
    let known = beats.0.values().filter(|heard| heard.beat.is_executor()).count();
    let silent = match (known - alive.len()) as u64 {
        0 => String::new(),
        silent => format!("; {} fallen silent", counted(silent, "other has", "others have")),
    };
    if alive.is_empty() {
        let advice = "tasks wait until one comes: longhaul up, or longhaul work beside the other services";
        return Check::warn("executors", format!("none is heard{silent}"), advice);
    }
    let mut kinds: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for room in alive.iter().flat_map(|heard| &heard.beat.kinds) {
        let (places, free) = kinds.entry(room.kind.as_str()).or_default();
        *places += room.places;
        *free += room.free;
    }
    let kinds = kinds.iter().map(|(kind, (places, free))| format!("{kind} ({free} of {places} places free)"));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let each = alive.iter().map(|heard| {
        let Beat { kinds, runs, draining, .. } = &heard.beat;
        let draining = if *draining { ", shutting down" } else { "" };
        let kinds = kinds.iter().map(|room| room.kind.as_str()).collect::<Vec<_>>().join(", ");
        format!("{}: {}, {kinds}{draining}", heard.named(now), counted(runs.len() as u64, "run", "runs"))
    });
    Check::ok("executors", format!("{} at work: {kinds}{silent}", alive.len())).with(each.collect())
}

/// What waits now; nothing where nobody answers.
pub(super) async fn queue(client: &Client) -> Queued {
    let queued = client.query(&Queue { limit: Some(MAX_PAGE), ..Queue::default() }).await;
    queued.unwrap_or_else(|_| Queued { as_of: Positions::default(), total: 0, tasks: Vec::new() })
}

/// What waits, and for what.
pub(super) fn waiting(queued: &Queued) -> Check {
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    let mut untaken: BTreeSet<&str> = BTreeSet::new();
    for task in &queued.tasks {
        *reasons.entry(task.waiting.reason.code()).or_default() += 1;
        if let WaitReason::NoExecutor { kind } = &task.waiting.reason {
            untaken.insert(kind.as_str());
        }
    }
    let reasons = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>().join(", ");
    let found = match queued.total {
        0 => "nothing waits".to_owned(),
        total => format!("{}: {reasons}", counted(total, "task waits", "tasks wait")),
    };
    if untaken.is_empty() {
        return Check::ok("queue", found);
    }
    let kinds = untaken.into_iter().collect::<Vec<_>>().join(", ");
    Check::warn("queue", found, format!("nobody takes {kinds}: start an executor that does, longhaul work"))
}

/// Who schedules, and what should have been done by now. `before` is what waited a few beats before
/// `queued`.
pub(super) fn scheduler<'a>(
    before: &Queued,
    queued: &Queued,
    beats: &Beats,
    live: impl Iterator<Item = &'a Snapshot>,
    now: Timestamp,
) -> Check {
    let mut overdue = Findings::default();
    for s in live.filter(|s| s.status.is_running()) {
        let Some(executor) = s.executor.filter(|executor| !beats.is_alive(*executor, now)) else { continue };
        if now.since(s.updated_at) > Millis(LEASE.0 + PATIENCE.0) {
            let executor = short(&executor.to_string());
            overdue.push(|| {
                format!("task {} runs on {executor}, which is silent; it is not declared lost", s.task)
            });
        }
    }
    // Nothing was in its way then, nothing is now: somebody should have taken it on.
    let free = |task: &&QueuedTask| task.waiting.starts_now();
    let then: HashSet<TaskId> = before.tasks.iter().filter(free).map(|task| task.task).collect();
    for task in queued.tasks.iter().filter(free).filter(|task| then.contains(&task.task)) {
        overdue.push(|| format!("task {} should have started: {}", task.task, task.waiting));
    }
    let alive = beats.alive(now, false);
    let who = match alive.len() {
        0 => "none is heard".to_owned(),
        n => format!("{n} at work"),
    };
    let start = "start one: longhaul up, or longhaul schedule beside the other services";
    if overdue.total > 0 {
        let found = format!("{who}; {} overdue", counted(overdue.total, "task is", "tasks are"));
        let advice = if alive.is_empty() { start } else { "see what it says on its stderr" };
        return Check::warn("scheduler", found, advice).with(overdue.kept);
    }
    if alive.is_empty() {
        return Check::warn("scheduler", format!("{who}; nothing is overdue"), start);
    }
    let each = alive.iter().map(|heard| heard.named(now));
    Check::ok("scheduler", format!("{who}; nothing is overdue")).with(each.collect())
}
