//! Who is at work: projector, executors, scheduler.

use std::collections::{BTreeMap, HashMap, HashSet};
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

/// An executor's last word.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    beat: Beat,
    /// How often it was heard while one listened. What was kept from before counts once.
    times: u32,
}

impl Heard {
    /// Whether its runs count as held. Heard twice it is alive whatever its clock says.
    fn is_alive(&self, now: Timestamp) -> bool {
        self.times > 1 || now.since(self.beat.at) < LEASE
    }
}

/// The last beat of every executor, and whether it beats.
pub(super) async fn listen(journal: &Journal) -> Result<HashMap<ExecutorId, Heard>, longhaul_journal::Error> {
    let mut beats = journal.beats().await?;
    let mut heard: HashMap<ExecutorId, Heard> = HashMap::new();
    // Long enough for everyone to beat twice.
    let over = tokio::time::sleep(Duration::from_millis(BEAT.0 * 5 / 2));
    tokio::pin!(over);
    loop {
        let beat = tokio::select! {
            () = &mut over => return Ok(heard),
            beat = beats.next() => beat,
        };
        match beat {
            Some(beat) => {
                let beat = beat?;
                if !beat.is_executor() {
                    continue;
                }
                let times = heard.get(&beat.executor).map_or(0, |heard| heard.times);
                heard.insert(beat.executor, Heard { beat, times: times + 1 });
            }
            None => return Ok(heard),
        }
    }
}

/// The executors, with what they take.
pub(super) fn executors(heard: &HashMap<ExecutorId, Heard>, now: Timestamp) -> Check {
    let mut alive: Vec<&Heard> = heard.values().filter(|heard| heard.is_alive(now)).collect();
    alive.sort_by_key(|heard| heard.beat.executor);
    let silent = heard.len() - alive.len();
    let silent = if silent > 0 {
        format!("; {} fallen silent", counted(silent as u64, "other has", "others have"))
    } else {
        String::new()
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
    let each = alive.iter().map(|Heard { beat, .. }| {
        let draining = if beat.draining { ", shutting down" } else { "" };
        let kinds = beat.kinds.iter().map(|room| room.kind.as_str()).collect::<Vec<_>>().join(", ");
        format!(
            "{} on {} version {}: {}, {kinds}, heard {} ago{draining}",
            short(&beat.executor.to_string()),
            beat.host,
            beat.version,
            counted(beat.runs.len() as u64, "run", "runs"),
            ago(beat.at, now)
        )
    });
    Check::ok("executors", format!("{} at work: {kinds}{silent}", alive.len())).with(each.collect())
}

/// What waits now; nothing where nobody answers.
pub(super) async fn queue(client: &Client) -> Queued {
    let queued = client.query(&Queue { limit: Some(MAX_PAGE), ..Queue::default() }).await;
    queued.unwrap_or_else(|_| Queued { as_of: Positions::default(), total: 0, tasks: Vec::new() })
}

/// What a scheduler should have done by now, and what waits for what. It says nothing of itself: it
/// is known by its works. `before` is what waited a few beats before `queued`.
pub(super) fn scheduler<'a>(
    before: &Queued,
    queued: &Queued,
    heard: &HashMap<ExecutorId, Heard>,
    live: impl Iterator<Item = &'a Snapshot>,
    now: Timestamp,
) -> Check {
    let mut overdue = Findings::default();
    for s in live.filter(|s| s.status.is_running()) {
        let Some(executor) = s.executor else { continue };
        let alive = heard.get(&executor).is_some_and(|heard| heard.is_alive(now));
        let since = s.run_started_at.unwrap_or(s.updated_at).max(s.updated_at);
        if !alive && now.since(since) > Millis(LEASE.0 + PATIENCE.0) {
            overdue.push(|| {
                let executor = short(&executor.to_string());
                format!(
                    "task {} runs on {executor}, which is silent: the run should be declared lost",
                    s.task
                )
            });
        }
    }
    let nothing_in_the_way = |task: &QueuedTask| task.waiting.starts_now().then_some(task.task);
    let then: HashSet<TaskId> = before.tasks.iter().filter_map(nothing_in_the_way).collect();
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    let mut untaken: BTreeMap<&str, u64> = BTreeMap::new();
    for task in &queued.tasks {
        *reasons.entry(task.waiting.reason.code()).or_default() += 1;
        if let WaitReason::NoExecutor { kind } = &task.waiting.reason {
            *untaken.entry(kind.as_str()).or_default() += 1;
        }
        // Nothing was in its way then, nothing is now: somebody should have taken it on.
        if task.waiting.starts_now() && then.contains(&task.task) {
            overdue.push(|| format!("task {} should have started: {}", task.task, task.waiting));
        }
    }
    let reasons = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>().join(", ");
    let waiting = match queued.total {
        0 => "nothing waits".to_owned(),
        total => format!("{}: {reasons}", counted(total, "task waits", "tasks wait")),
    };
    if overdue.total > 0 {
        let found = format!("{} overdue; {waiting}", counted(overdue.total, "task is", "tasks are"));
        let advice =
            "start a scheduler (longhaul up, or longhaul schedule), or see what the one that runs says";
        return Check::warn("scheduler", found, advice).with(overdue.kept);
    }
    if !untaken.is_empty() {
        let kinds = untaken.keys().copied().collect::<Vec<_>>().join(", ");
        return Check::warn(
            "scheduler",
            waiting,
            format!("start an executor that takes {kinds}: longhaul work"),
        );
    }
    Check::ok("scheduler", format!("nothing is overdue; {waiting}"))
}
