//! Who is there: the executors' last beats. They are not part of the log, and so not of the model.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use longhaul_core::{Beat, ExecutorId, LEASE, Millis, Snapshot, Timestamp};
use longhaul_wire::query;
use tokio::time::Instant;

/// How long an executor that is silent is still shown.
const SHOWN: Millis = Millis(20 * LEASE.0);

/// The last beat of each executor.
#[derive(Default)]
pub(crate) struct Beats(Mutex<BTreeMap<ExecutorId, Last>>);

struct Last {
    beat: Beat,
    heard: Instant,
    /// How old it was when it was heard. Only the first beat heard of an executor has an age: it may
    /// have lain in the store since long before this process began.
    age: Millis,
    /// Its boards were told that it is gone.
    gone: bool,
}

impl Last {
    fn age(&self, now: Instant) -> Millis {
        let since = u64::try_from(now.saturating_duration_since(self.heard).as_millis());
        Millis(self.age.0.saturating_add(since.unwrap_or(u64::MAX)))
    }
}

impl Beats {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ExecutorId, Last>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a beat, heard at `wall` by the clock of this process. Returns whether its executor is
    /// alive by it.
    pub(crate) fn hear(&self, beat: &Beat, wall: Timestamp) -> bool {
        let mut all = self.lock();
        let age = match all.get(&beat.executor) {
            Some(last) if last.beat == *beat => return false,
            Some(_) => Millis(0),
            None => wall.since(beat.at),
        };
        let alive = age <= LEASE;
        let last = Last { beat: beat.clone(), heard: Instant::now(), age, gone: !alive };
        all.insert(beat.executor, last);
        alive
    }

    /// Executors that have been silent for longer than the lease, each once.
    pub(crate) fn silent(&self) -> Vec<ExecutorId> {
        let now = Instant::now();
        let mut all = self.lock();
        all.retain(|_, last| last.age(now) <= SHOWN);
        let silent = all.iter_mut().filter(|(_, last)| !last.gone && last.age(now) > LEASE);
        silent
            .map(|(executor, last)| {
                last.gone = true;
                *executor
            })
            .collect()
    }

    /// When the run a snapshot says is under way was last heard of.
    pub(crate) fn heard_of(&self, snapshot: &Snapshot) -> Option<Timestamp> {
        let executor = snapshot.executor.filter(|_| snapshot.status.is_running())?;
        let all = self.lock();
        let beat = &all.get(&executor)?.beat;
        beat.holds(&snapshot.address(), snapshot.run).then_some(beat.at)
    }

    /// All of them, as a question about them is answered.
    pub(crate) fn all(&self) -> Vec<query::Heard> {
        let now = Instant::now();
        let heard = |last: &Last| {
            let age = last.age(now);
            query::Heard { beat: last.beat.clone(), age, stale: age > LEASE }
        };
        self.lock().values().map(heard).collect()
    }
}
