//! The fold.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use longhaul_core::board::Board;
use longhaul_core::{
    Commit, CommitId, EventBody, Ignored, OrgId, Sequence, Skeleton, Snapshot, TaskId, TaskRef, Timestamp,
};
use longhaul_wire::{DecodeError, Parsed, Record, Shard, Shards};

use crate::broken::broken;
use crate::difference::changes;
use crate::entry::Entry;
use crate::finding::{Findings, Rule};
use crate::gaps::Gaps;
use crate::known::{Fate, erased};
use crate::live::{Class, Live};
use crate::report::Figures;
use crate::sample::Sample;
use crate::slots::Slots;

/// How many of an organisation's last commits beside its tasks' histories are remembered. Whoever
/// writes one again after a lost acknowledgement does so within seconds.
const RECENT: usize = 64;

/// A fold of one shard of the log, in order, that says what does not hold.
pub struct Audit {
    pub(crate) shards: Shards,
    shard: Shard,
    /// The last record read.
    pub(crate) last: Sequence,
    pub(crate) gaps: Gaps,
    /// When the last record was stored; never goes back.
    pub(crate) moment: Timestamp,
    /// Tasks that have not ended, and those that were put aside.
    pub(crate) live: HashMap<TaskRef, Live>,
    /// Marks of those that have ended.
    ended: HashSet<u64>,
    /// Marks of those with an abort on record, or that may have had one before they were erased.
    aborted: HashSet<u64>,
    marks: RandomState,
    recent: HashMap<OrgId, VecDeque<(CommitId, Sequence)>>,
    pub(crate) slots: Slots,
    pub(crate) board: Board,
    /// Tasks with events and no submission, and the first of those events. The rest of a history
    /// whose erasure was interrupted looks like that until the erasing record comes.
    pub(crate) strays: BTreeMap<TaskRef, Sequence>,
    pub(crate) found: Findings,
    pub(crate) figures: Figures,
    sample: Sample,
}

/// The audit has let go of a task that had ended, and a record of it follows. Give its history to
/// [`Audit::recall`], then the record to [`Audit::read`] again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the history of task {} of {} is needed once more", task.task, task.org)]
pub struct Recall {
    /// The task.
    pub task: TaskRef,
}

/// What a record breaks that cannot be read.
fn unread(why: &DecodeError) -> Rule {
    match why {
        DecodeError::Newer { .. } | DecodeError::UnknownEvent { .. } => Rule::Newer,
        _ => Rule::Records,
    }
}

/// What an erasure keeps for the time when the rest is gone, against what the history gave.
fn kept(after: &Snapshot, kept: &Skeleton, task: &TaskRef, at: Sequence, found: &mut Findings) {
    let before = Skeleton { events: after.events.saturating_sub(1), ..after.skeleton() };
    if before == *kept {
        return;
    }
    let value = |skeleton: &Skeleton| serde_json::to_value(skeleton).unwrap_or_default();
    let first = changes(&value(&before), &value(kept)).into_iter().next();
    let rule = if before.usage == kept.usage { Rule::Refold } else { Rule::Usage };
    found.task(rule, at, task, || {
        let how = first.map(|first| first.told("its history", "what its erasure keeps"));
        how.unwrap_or_else(|| "its erasure keeps something else than was there".to_owned())
    });
}

impl Audit {
    /// Of one shard of a log, before its first record.
    pub fn new(shards: Shards, shard: Shard) -> Self {
        Self {
            shards,
            shard,
            last: Sequence::ZERO,
            gaps: Gaps::default(),
            moment: Timestamp(0),
            live: HashMap::new(),
            ended: HashSet::new(),
            aborted: HashSet::new(),
            marks: RandomState::new(),
            recent: HashMap::new(),
            slots: Slots::default(),
            board: Board::new(),
            strays: BTreeMap::new(),
            found: Findings::new(shard),
            figures: Figures::default(),
            sample: Sample::new(0, 0),
        }
    }

    /// Takes a sample of about `size` tasks on the way: those that changed last, and some of all.
    /// Another `seed` gives another sample.
    #[must_use]
    pub fn sampling(self, size: usize, seed: u64) -> Self {
        Self { sample: Sample::new(size, seed), ..self }
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// [`Recall`] if the state of a task is needed that was let go of. Nothing has happened then:
    /// after [`Audit::recall`] the same record is to be read again.
    pub fn read(&mut self, entry: Entry<'_>) -> Result<(), Recall> {
        let task = entry.task(self.shards);
        if let Some(task) = &task
            && !self.live.contains_key(task)
            && self.ended.contains(&self.mark(task))
        {
            return Err(Recall { task: task.clone() });
        }
        let Entry { sequence, .. } = entry;
        if sequence > self.last {
            self.gaps.between(self.last, sequence);
        } else {
            let (last, late) = (self.last, self.gaps.fill(sequence));
            self.found.log(Rule::Gaps, sequence, || match late {
                true => format!("the record comes after {last}"),
                false => "the record is there twice".to_owned(),
            });
        }
        self.last = self.last.max(sequence);
        self.moment = self.moment.max(entry.stored_at);
        self.figures.records += 1;
        match (entry.record, task) {
            (Ok(Record::Admissions(commit)), _) => {
                self.once(&commit.org, commit.id, sequence);
                self.slots.admissions(commit, sequence, &mut self.found);
                self.board.admissions(commit, sequence);
            }
            (Ok(Record::Policy(commit)), _) => {
                self.once(&commit.org, commit.id, sequence);
                self.slots.policy(commit, sequence);
                self.board.policy(&commit.org, commit.policy.clone());
            }
            (Ok(Record::Conversation(claim)), _) => self.once(&claim.org, claim.id, sequence),
            (_, Some(task)) if self.live.get(&task).is_some_and(|live| sequence < live.erased_at) => {}
            (Ok(Record::Task(commit)), Some(task)) => {
                self.change(task, sequence, |audit, task, live| audit.fold(task, commit, sequence, live));
            }
            (Err(why), Some(task)) => {
                self.change(task, sequence, |audit, task, live| audit.put_aside(task, why, sequence, live));
            }
            (record, None) => self.unreadable(entry.subject, record.err(), sequence),
        }
        Ok(())
    }

    /// Takes in a task's history as far as it was read already; what lies behind that is passed over,
    /// unless it erased what was read.
    pub fn recall<'a>(&mut self, task: &TaskRef, history: impl IntoIterator<Item = Entry<'a>>) {
        let mut live = Live::default();
        for entry in history {
            match entry.record {
                Ok(Record::Task(commit)) if entry.sequence > self.last => {
                    let seen = live.state().map_or(0, |state| state.events);
                    if let Some(kept) = erased(commit).filter(|kept| seen < kept.events) {
                        live.erased(commit, kept, entry.sequence);
                        break;
                    }
                }
                _ if entry.sequence > self.last => {}
                Ok(Record::Task(commit)) => live.fold(commit, entry.sequence, |_| {}),
                Ok(_) => {}
                Err(_) => live.known.put_aside(entry.sequence),
            }
            live.sequence = entry.sequence.min(self.last);
        }
        self.live.insert(task.clone(), live);
    }

    /// What the log holds so far.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The shard.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// The tasks that have not ended.
    pub fn live(&self) -> impl Iterator<Item = &Snapshot> {
        let live = self.live.values().filter_map(Live::state);
        live.filter(|snapshot| !snapshot.status.is_terminal())
    }

    /// The sample of tasks.
    pub fn sample(&self) -> Vec<TaskRef> {
        self.sample.tasks()
    }

    /// Whether the log says anything of a task.
    pub(crate) fn knows(&self, task: &TaskRef) -> bool {
        let live = self.live.get(task).is_some_and(|live| !live.known.is_nothing());
        live || self.ended.contains(&self.mark(task))
    }

    /// Whether an abort of the task is on record.
    pub(crate) fn was_aborted(&self, task: &TaskRef) -> bool {
        self.aborted.contains(&self.mark(task))
    }

    /// Two tasks with one mark only cost a [`Recall`].
    fn mark(&self, task: &TaskRef) -> u64 {
        self.marks.hash_one(task)
    }

    /// Does something to a task, and counts what it is before and after.
    fn change(
        &mut self,
        task: TaskRef,
        sequence: Sequence,
        act: impl FnOnce(&mut Self, &TaskRef, &mut Live),
    ) {
        let mut live = self.live.remove(&task).unwrap_or_default();
        let (before, cost) = (live.class(), live.usage());
        act(self, &task, &mut live);
        live.sequence = sequence;
        let (after, costs) = (live.class(), live.usage());
        if before != after {
            self.shift(before, |n| n.saturating_sub(1));
            self.shift(after, |n| n.saturating_add(1));
        }
        if before.is_none() && after.is_some() {
            self.sample.appears(&task);
        }
        if after.is_some() {
            self.sample.changes(&task, sequence);
        }
        if cost != costs {
            let sums = self.figures.usage.entry(task.org.clone()).or_default();
            *sums = sums.replace(cost.into(), costs.into());
        }
        if let Some(Class::In(status)) = after
            && status.is_terminal()
        {
            self.ended.insert(self.mark(&task));
        } else if after.is_some() {
            self.live.insert(task, live);
        }
    }

    fn fold(&mut self, task: &TaskRef, commit: &Commit, sequence: Sequence, live: &mut Live) {
        if let Some((_, before)) = live.commits.iter().find(|(id, _)| *id == commit.id) {
            let what = || format!("commit {} is stored twice, first at {before}", commit.id);
            self.found.task(Rule::Submissions, sequence, task, what);
        }
        let (spent, mark, commits) = (live.usage().tokens(), self.mark(task), live.commits.len() as u64);
        let Self { figures, found, slots, strays, aborted, gaps, .. } = self;
        live.fold(commit, sequence, |step| {
            figures.events += 1;
            let applied = step.fate == Fate::Applied;
            match &step.event.body {
                EventBody::Submitted(said) if applied => {
                    let named = said.key.as_ref().map(|key| TaskId::for_key(&task.org, &key.key));
                    if let Some(named) = named.filter(|named| *named != task.task) {
                        let what = || format!("it was submitted under a key that names task {named}");
                        found.task(Rule::Submissions, sequence, task, what);
                    }
                }
                EventBody::Erased { skeleton, .. } => {
                    strays.remove(task);
                    let here = match step.after.filter(|_| applied && step.before.is_some()) {
                        Some(after) => {
                            kept(after, skeleton, task, sequence, found);
                            after.events.saturating_sub(1)
                        }
                        None => {
                            aborted.insert(mark);
                            commits
                        }
                    };
                    gaps.erased(skeleton.events.saturating_sub(here));
                }
                EventBody::AbortRequested { .. } if applied => {
                    aborted.insert(mark);
                    figures.aborts += 1;
                }
                EventBody::Started { run, ledger, .. } if applied => {
                    slots.begins(task, (*run, *ledger), sequence, found);
                }
                _ => {}
            }
            if step.fate == Fate::Ignored(Ignored::NoTask) {
                strays.entry(task.clone()).or_insert(sequence);
                return;
            }
            if let Some((rule, how)) = broken(&step) {
                found.task(rule, sequence, task, || format!("by {}, {how}", commit.actor.who));
            }
        });
        let Some(state) = live.state() else { return self.forget(task) };
        if state.usage != live.spent {
            let (is, expected) = (state.usage, live.spent);
            let what = || format!("its usage is {is:?}, the sum of its events {expected:?}");
            self.found.task(Rule::Usage, sequence, task, what);
        }
        self.slots.task(task, state, sequence);
        self.board.task(state);
        self.board.spent(&task.org, commit.at, state.usage.tokens().saturating_sub(spent));
    }

    fn put_aside(&mut self, task: &TaskRef, why: &DecodeError, sequence: Sequence, live: &mut Live) {
        if live.known.unreadable.is_none() {
            self.found.task(unread(why), sequence, task, || why.to_string());
        }
        self.foreign(why, &task.org, sequence);
        live.known.put_aside(sequence);
        self.forget(task);
    }

    /// Nothing is known of a task any more.
    fn forget(&mut self, task: &TaskRef) {
        self.slots.put_aside(task);
        self.board.set_aside(task);
    }

    /// A record of no task that cannot be read, or lies where it does not belong.
    fn unreadable(&mut self, subject: &Parsed, why: Option<&DecodeError>, sequence: Sequence) {
        if let (Some(_), Parsed::Ledger { org, .. } | Parsed::Policy { org, .. }) = (why, subject) {
            self.slots.blind(org);
        }
        if let (Some(_), Parsed::Ledger { org, .. }) = (why, subject) {
            self.board.ledger_unreadable(org);
        }
        if let Some(why) = why {
            self.foreign(why, subject.org(), sequence);
        }
        self.found.log(why.map_or(Rule::Records, unread), sequence, || {
            let why = why
                .map_or("it lies in another shard than its organisation".to_owned(), |why| why.to_string());
            format!("under {}: {why}", subject.subject())
        });
    }

    /// A record that names another organisation than the one it lies under.
    fn foreign(&mut self, why: &DecodeError, org: &OrgId, sequence: Sequence) {
        if let DecodeError::WrongPlace { what: "organisation", .. } = why {
            self.found.org(Rule::Owners, sequence, org, || why.to_string());
        }
    }

    /// A commit beside the tasks' histories.
    fn once(&mut self, org: &OrgId, id: CommitId, sequence: Sequence) {
        let recent = self.recent.entry(org.clone()).or_default();
        if let Some((_, before)) = recent.iter().find(|(known, _)| *known == id) {
            let what = || format!("commit {id} is stored twice, first at {before}");
            self.found.org(Rule::Submissions, sequence, org, what);
        }
        if recent.len() >= RECENT {
            recent.pop_front();
        }
        recent.push_back((id, sequence));
    }

    fn shift(&mut self, class: Option<Class>, step: fn(u64) -> u64) {
        let Some(class) = class else { return };
        let tally = &mut self.figures.tasks;
        tally.total = step(tally.total);
        match class {
            Class::Aside => tally.unreadable = step(tally.unreadable),
            Class::In(status) => {
                let n = tally.status.entry(status).or_default();
                *n = step(*n);
                if *n == 0 {
                    tally.status.remove(&status);
                }
            }
        }
    }
}
