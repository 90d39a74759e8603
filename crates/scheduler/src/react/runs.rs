//! Runs under way: whether they are heard of, and how long they last.
//!
//! A run is lost when no beat of its executor has named it for a lease, on the scheduler's own
//! monotonic clock. Silence counts only while the scheduler demonstrably listens: it beats itself,
//! and judges by the moment its last own beat that came back was sent. Whatever others said before
//! that was heard before it. After its own silence (it was frozen, cut off, the server was away)
//! everybody has a full lease again.

use std::collections::BTreeMap;

use longhaul_core::decide::SPAN_GRACE;
use longhaul_core::{Beat, Command, ExecutorId, Millis, RunNumber, Snapshot, TaskRef, Timestamp};

use super::input::{Moment, Now};

/// Runs under way.
#[derive(Debug)]
pub(crate) struct Runs {
    lease: Millis,
    all: BTreeMap<TaskRef, Run>,
    /// When each executor was last heard.
    executors: BTreeMap<ExecutorId, Moment>,
    /// When the last own beat that came back was sent.
    proof: Option<Moment>,
    /// Nobody was silent before this.
    grace: Moment,
}

#[derive(Debug)]
struct Run {
    run: RunNumber,
    executor: Option<ExecutorId>,
    seen: Moment,
    heard: Option<(Moment, Timestamp)>,
    /// When it began, by its executor's clock.
    started_at: Timestamp,
    /// How long it may last before it is ended from outside.
    left: Millis,
    /// Its start was seen as it happened, not read later: `seen` tells how long it lasts.
    live: bool,
}

impl Runs {
    pub(crate) fn new(lease: Millis) -> Self {
        Self {
            lease,
            all: BTreeMap::new(),
            executors: BTreeMap::new(),
            proof: None,
            grace: Moment::default(),
        }
    }

    /// Takes in a task's state. `live` says whether it is read as it happens.
    pub(crate) fn task(&mut self, snapshot: &Snapshot, live: bool, now: Now) {
        let task = snapshot.address();
        if !snapshot.status.is_running() {
            self.all.remove(&task);
            return;
        }
        if self.all.get(&task).is_some_and(|known| known.run == snapshot.run) {
            return;
        }
        let allowed = snapshot.limits.span.0.saturating_add(SPAN_GRACE.0);
        let run = Run {
            run: snapshot.run,
            executor: snapshot.executor,
            seen: now.moment,
            heard: None,
            started_at: snapshot.run_started_at.unwrap_or(snapshot.updated_at),
            left: Millis(allowed.saturating_sub(snapshot.ran.0)),
            live,
        };
        self.all.insert(task, run);
    }

    /// The task is not looked after any more.
    pub(crate) fn forget(&mut self, task: &TaskRef) {
        self.all.remove(task);
    }

    /// Takes in a beat.
    pub(crate) fn beat(&mut self, beat: &Beat, now: Now) {
        self.executors.insert(beat.executor, now.moment);
        for held in &beat.runs {
            let task = TaskRef { org: held.org.clone(), task: held.task };
            if let Some(run) = self.all.get_mut(&task)
                && run.run == held.run
                && run.executor == Some(beat.executor)
            {
                run.heard = Some((now.moment, beat.at));
            }
        }
    }

    /// The own beat sent at `sent` came back.
    pub(crate) fn echo(&mut self, sent: Moment, now: Now) {
        let gap = self.proof.map(|last| sent.since(last));
        if gap.is_none_or(|gap| gap > self.patience()) {
            self.all_heard(now);
        }
        self.proof = Some(sent);
    }

    /// Grants every run a full lease from now on.
    pub(crate) fn all_heard(&mut self, now: Now) {
        self.grace = now.moment;
    }

    /// Whether the scheduler hears beats at present.
    pub(crate) fn listening(&self, now: Now) -> bool {
        self.proof.is_some_and(|sent| now.moment.since(sent) <= self.patience())
    }

    /// Executors that fell silent, or all while nothing is heard: nothing is handed to them until they
    /// are heard again. Each is named once.
    pub(crate) fn silent(&mut self, now: Now) -> Vec<ExecutorId> {
        let until = match self.proof.filter(|_| self.listening(now)) {
            Some(proof) => proof,
            None => Moment(Millis(u64::MAX)),
        };
        let patience = self.patience();
        let silent = self.executors.extract_if(.., |_, heard| until > heard.plus(patience));
        silent.map(|(executor, _)| executor).collect()
    }

    /// What there is to say about runs that are lost or have outlasted their span.
    pub(crate) fn due(&self, now: Now) -> Vec<(TaskRef, Command)> {
        let lost = self.all.iter().filter(|(_, run)| self.is_lost(run)).map(|(task, run)| {
            let last_beat = run.heard.map(|(_, at)| at);
            let command = Command::DeclareLost { run: run.run, last_beat, lease: self.lease };
            (task.clone(), command)
        });
        let over = self.all.iter().filter(|(_, run)| !self.is_lost(run) && is_over(run, now));
        lost.chain(over.map(|(task, _)| (task.clone(), Command::Expire))).collect()
    }

    fn is_lost(&self, run: &Run) -> bool {
        let heard = run.heard.map_or(run.seen, |(heard, _)| heard).max(run.seen).max(self.grace);
        self.proof.is_some_and(|proof| proof >= heard.plus(self.lease))
    }

    /// A short part of the lease: how long one may be silent before one is doubted.
    fn patience(&self) -> Millis {
        Millis(self.lease.0 / 3)
    }
}

/// By the times on the log, and by the scheduler's own clock where it was there: a clock that is
/// ahead does not end a run early.
fn is_over(run: &Run, now: Now) -> bool {
    let lasted = !run.live || now.moment.since(run.seen) >= run.left;
    lasted && now.wall.since(run.started_at) >= run.left
}

#[cfg(test)]
mod tests {
    use longhaul_core::*;
    use uuid::Uuid;

    use super::*;
    use crate::tests::facts::{beat, now, running};

    const LEASE: Millis = Millis(15_000);

    fn watched() -> Runs {
        let mut runs = Runs::new(LEASE);
        runs.echo(Moment(Millis(0)), now(0));
        runs.task(&running(1), true, now(0));
        runs
    }

    fn listen(runs: &mut Runs, from: u64, to: u64) {
        for at in (from..=to).step_by(1000) {
            runs.echo(Moment(Millis(at)), now(at));
        }
    }

    #[test]
    fn a_run_is_lost_after_a_lease_of_silence() {
        let mut runs = watched();
        listen(&mut runs, 1000, 4000);
        runs.beat(&beat(&[1]), now(4500));
        listen(&mut runs, 5000, 19_000);
        assert!(runs.due(now(19_400)).is_empty());
        listen(&mut runs, 20_000, 20_000);
        let (task, command) = runs.due(now(20_000)).remove(0);
        assert_eq!(task.task, running(1).task);
        let last_beat = Some(beat(&[1]).at);
        assert_eq!(command, Command::DeclareLost { run: RunNumber(1), last_beat, lease: LEASE });
    }

    #[test]
    fn an_executor_that_beats_without_the_run_has_lost_it() {
        let mut runs = watched();
        for at in (1000..=15_000).step_by(1000) {
            runs.beat(&beat(&[]), now(at));
            runs.echo(Moment(Millis(at)), now(at));
        }
        assert_eq!(runs.due(now(15_000)).len(), 1);
    }

    #[test]
    fn another_executor_does_not_keep_a_run() {
        let mut runs = watched();
        let other = Beat { executor: ExecutorId(Uuid::from_u128(99)), ..beat(&[1]) };
        for at in (1000..=15_000).step_by(1000) {
            runs.beat(&other, now(at));
            runs.echo(Moment(Millis(at)), now(at));
        }
        assert_eq!(runs.due(now(15_000)).len(), 1);
    }

    #[test]
    fn nothing_is_lost_by_one_who_does_not_listen() {
        let mut runs = watched();
        assert!(runs.due(now(60_000)).is_empty(), "nothing came back: it may be its own fault");
        // Frozen for a minute: what was said meanwhile is heard before the first own beat.
        runs.echo(Moment(Millis(60_000)), now(60_100));
        assert!(runs.due(now(60_100)).is_empty());
        listen(&mut runs, 61_000, 74_000);
        assert!(runs.due(now(74_500)).is_empty(), "a full lease after coming back");
        listen(&mut runs, 75_000, 76_000);
        assert_eq!(runs.due(now(76_000)).len(), 1);
    }

    #[test]
    fn whoever_is_silent_gets_no_work() {
        let mut runs = watched();
        runs.beat(&beat(&[1]), now(0));
        listen(&mut runs, 1000, 5000);
        assert!(runs.silent(now(5000)).is_empty());
        listen(&mut runs, 6000, 6000);
        assert_eq!(runs.silent(now(6000)), [beat(&[]).executor]);
        assert!(runs.silent(now(6000)).is_empty(), "said once");
        runs.beat(&beat(&[1]), now(6500));
        assert_eq!(runs.silent(now(60_000)), [beat(&[]).executor], "one who hears nothing knows of nobody");
    }

    #[test]
    fn a_run_is_ended_from_outside_after_its_span() {
        let mut runs = watched();
        let over = Limits::default().span.0 + SPAN_GRACE.0;
        for at in (1000..=over).step_by(1000) {
            runs.beat(&beat(&[1]), now(at));
            runs.echo(Moment(Millis(at)), now(at));
        }
        assert!(runs.due(now(over - 1)).is_empty());
        assert_eq!(runs.due(now(over)), [(running(1).address(), Command::Expire)]);
        // A clock that jumps ahead ends nothing that was seen to begin.
        let mut runs = watched();
        let ahead = Now { moment: Moment(Millis(1000)), wall: Timestamp(i64::MAX) };
        runs.echo(ahead.moment, ahead);
        assert!(runs.due(ahead).is_empty());
    }
}
