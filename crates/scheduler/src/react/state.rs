//! What a shard's scheduler knows, and how it reacts.

use std::collections::{BTreeMap, HashMap, HashSet};

use longhaul_core::board::Board;
use longhaul_core::{Command, Millis, OrgId, RunNumber, Sequence, Snapshot, TaskRef, Timestamp};
use longhaul_journal::{Shard, Shards};

use super::input::{Effect, Input, Moment, NotDone, Now, Outcome};
use super::plan::{Admitting, Waits};
use super::questions::Questions;
use super::runs::Runs;
use crate::status::{Aside, ShardStatus};

/// After how long something is tried again that the log did not do, or did not show yet.
pub(super) const AGAIN: Millis = Millis::seconds(1);

/// Most tasks put aside that are named.
const NAMED: usize = 100;

/// What does not change.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) shards: Shards,
    pub(crate) shard: Shard,
    /// Who writes: this scheduler's own id.
    pub(crate) who: String,
    pub(crate) lease: Millis,
    pub(crate) redispatch: Millis,
}

/// How far the shard is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Disconnected,
    /// Reads what was written before it came.
    Behind {
        head: Sequence,
    },
    CaughtUp,
}

/// What a shard's scheduler knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(super) rules: Rules,
    pub(super) stage: Stage,
    pub(super) position: Sequence,
    pub(super) lag: u64,
    pub(super) board: Board,
    /// Live tasks, without their payloads.
    pub(super) tasks: HashMap<TaskRef, Snapshot>,
    pub(super) aside: BTreeMap<TaskRef, Aside>,
    pub(super) unreadable: u64,
    pub(super) runs: Runs,
    pub(super) questions: Questions,
    /// Tasks that used tokens, while reading what was written before it came.
    pub(super) counted: HashSet<TaskRef>,
    /// A task that was retried after it was forgotten: its history is read before anything else.
    pub(super) wanted: Option<Wanted>,
    /// Organisations whose ledger is being written to.
    pub(super) admitting: BTreeMap<OrgId, Admitting>,
    /// No admission before.
    pub(super) not_before: Moment,
    /// Admitted runs that have not started.
    pub(super) unstarted: BTreeMap<TaskRef, Waits>,
    /// Runs dispatched on the ledger's answer, before the ledger itself showed them.
    pub(crate) ahead: HashSet<(TaskRef, RunNumber)>,
    /// Tasks something is being done for, and until when nothing else is.
    acting: HashMap<TaskRef, Moment>,
    /// Something changed since admissions were last planned.
    pub(super) changed: bool,
}

/// A history to be read.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) task: TaskRef,
    /// When it is asked for again; nothing while it is being read.
    pub(super) again: Option<Moment>,
}

impl State {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            stage: Stage::Disconnected,
            position: Sequence::ZERO,
            lag: 0,
            board: Board::new(),
            tasks: HashMap::new(),
            aside: BTreeMap::new(),
            unreadable: 0,
            runs: Runs::new(rules.lease),
            questions: Questions::default(),
            counted: HashSet::new(),
            wanted: None,
            admitting: BTreeMap::new(),
            not_before: Moment::default(),
            unstarted: BTreeMap::new(),
            ahead: HashSet::new(),
            acting: HashMap::new(),
            changed: true,
            rules,
        }
    }

    /// Takes in what happened; says what is to be done.
    pub(crate) fn react(&mut self, now: Now, input: Input) -> Vec<Effect> {
        match input {
            Input::Connected { head } => {
                self.stage = Stage::Behind { head };
                self.doubt_dispatches(now);
                self.catch_up(now, None);
                vec![]
            }
            Input::Disconnected => {
                self.stage = Stage::Disconnected;
                vec![]
            }
            Input::OtherLog => {
                *self = Self::new(self.rules.clone());
                vec![]
            }
            Input::Entry(entry) => self.entry(now, *entry),
            Input::Beat(beat) => {
                self.board.beat(&beat);
                self.runs.beat(&beat, now);
                self.changed = true;
                vec![]
            }
            Input::Echo { sent } => {
                self.runs.echo(sent, now);
                vec![]
            }
            Input::Idle => self.plan(now),
            Input::Tick => self.tick(now),
            Input::Outcome(outcome) => self.outcome(now, outcome),
        }
    }

    /// Whether the next record may come. Not while a history is being read: what follows on the log
    /// may depend on it.
    pub(crate) fn takes_entries(&self) -> bool {
        self.wanted.is_none()
    }

    /// When time alone makes something due, by the times on the log.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        [self.board.next_wake(), self.questions.next()].into_iter().flatten().min()
    }

    /// How it is doing.
    pub(crate) fn status(&self, now: Now) -> ShardStatus {
        ShardStatus {
            position: self.position,
            lag: self.lag,
            caught_up: self.stage == Stage::CaughtUp,
            listening: self.runs.listening(now),
            counts: self.board.counts(),
            aside: self.aside.values().take(NAMED).cloned().collect(),
            unreadable: self.unreadable,
        }
    }

    /// Sees whether everything written before it came is read. `pending` is what the last record
    /// said was still to come.
    pub(super) fn catch_up(&mut self, now: Now, pending: Option<u64>) {
        if let Stage::Behind { head } = self.stage
            && (self.position >= head || pending == Some(0))
        {
            self.stage = Stage::CaughtUp;
            self.changed = true;
            self.counted = HashSet::new();
            // Of the time before nothing is known.
            self.runs.all_heard(now);
        }
    }

    /// Whether it knows enough to decide.
    pub(super) fn acts(&self) -> bool {
        self.stage == Stage::CaughtUp && self.wanted.is_none()
    }

    fn tick(&mut self, now: Now) -> Vec<Effect> {
        for executor in self.runs.silent(now) {
            self.board.gone(executor);
        }
        self.acting.retain(|_, until| *until > now.moment);
        self.changed = true;
        if let Some(wanted) = &mut self.wanted
            && wanted.again.is_some_and(|at| at <= now.moment)
        {
            wanted.again = None;
            return vec![Effect::Load(wanted.task.clone())];
        }
        if !self.acts() {
            return vec![];
        }
        let mut effects = self.look_after_runs(now);
        effects.extend(self.let_questions_lapse(now));
        effects.extend(self.dispatch_again(now));
        effects.extend(self.plan(now));
        effects
    }

    fn look_after_runs(&mut self, now: Now) -> Vec<Effect> {
        let due = self.runs.due(now);
        due.into_iter().filter_map(|(task, command)| self.act(task, command)).collect()
    }

    fn let_questions_lapse(&mut self, now: Now) -> Vec<Effect> {
        let lapse = |task: &TaskRef| {
            let snapshot = self.tasks.get(task)?;
            let command = Command::LapseApproval { approval: snapshot.open_approval()?.id };
            Some((task.clone(), command))
        };
        let due: Vec<_> = self.questions.due(now.wall).filter_map(lapse).collect();
        due.into_iter().filter_map(|(task, command)| self.act(task, command)).collect()
    }

    /// One thing at a time for each task.
    fn act(&mut self, task: TaskRef, command: Command) -> Option<Effect> {
        if self.acting.contains_key(&task) {
            return None;
        }
        self.acting.insert(task.clone(), Moment(Millis(u64::MAX)));
        Some(Effect::Act { task, command })
    }

    fn outcome(&mut self, now: Now, outcome: Outcome) -> Vec<Effect> {
        match outcome {
            Outcome::Admitted { org, admissions, result } => self.admitted(now, org, admissions, result),
            Outcome::Acted { task, result } => {
                if let Err(NotDone::Rejected(why)) = result {
                    tracing::debug!(org = %task.org, task = %task.task, %why, "not done");
                }
                // What was done shows on the log by then; what was not is tried again.
                self.acting.insert(task, now.moment.plus(AGAIN));
                vec![]
            }
            Outcome::Loaded { task, history: Some(history) } => self.loaded(now, &task, history),
            Outcome::Loaded { history: None, .. } => {
                if let Some(wanted) = &mut self.wanted {
                    wanted.again = Some(now.moment.plus(AGAIN));
                }
                vec![]
            }
        }
    }
}
