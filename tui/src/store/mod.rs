//! All tasks, in memory: what every list shows.
//!
//! Fed by [`Word`](longhaul_client::fleet::Word)s, owned by the one thread that draws. Rows are compact
//! and keep their place, so that an index is good for as long as the store; texts that repeat are kept
//! once, and so are rows that are the same now as at the moment of the past that is shown.
//! Counts are kept as rows change. The order is made anew only when it is stale and somebody looks.

mod count;
mod intern;
mod moved;
mod order;
mod past;
mod row;
mod standing;
mod strip;
mod talk;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use longhaul_client::fleet::{Brief, Pulse};
use longhaul_core::beat::LEASE;
use longhaul_core::board::Waiting;
use longhaul_core::{ExecutorId, Millis, TaskId, TaskRef, Timestamp};
use longhaul_wire::query::Queued;
use longhaul_wire::view::ApprovalView;

pub(crate) use count::Counts;
pub(crate) use intern::Sym;
pub(crate) use order::{Order, Sort, SortBy};
pub(crate) use row::{Flags, Row};
pub(crate) use standing::Standing;
pub(crate) use strip::{BEATS, Strip};
pub(crate) use talk::Talk;

use intern::Interner;
use moved::Moved;

/// A heartbeat older than this is late: its runs are shown as stalled.
pub(crate) const LATE: Millis = Millis::seconds(3);

/// An executor that was silent for so long is forgotten, unless a task that runs names it.
const FORGOTTEN: Millis = Millis::minutes(10);
/// How often those are looked for.
const LOOK: Millis = Millis::minutes(1);

/// What names a row: a task id alone is not unique across organisations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) org: Sym,
    pub(crate) task: TaskId,
}

/// All tasks.
#[derive(Default)]
pub(crate) struct Store {
    rows: Vec<Arc<Row>>,
    index: HashMap<Key, u32>,
    names: Interner,
    counts: Counts,
    /// Why tasks wait, as the projector last said; only of those that are pending.
    waits: HashMap<Key, Waiting>,
    /// The conversations that tasks wait for, as the projector last said.
    talks: Vec<Talk>,
    /// What paused tasks ask for.
    questions: HashMap<Key, ApprovalView>,
    /// The last heartbeat of each executor.
    executors: HashMap<ExecutorId, Executor>,
    /// When executors to forget were looked for.
    looked_at: Option<Timestamp>,
    moved: Moved,
    /// Tasks of which nothing can be read.
    pub(crate) unreadable: u64,
}

/// An executor, as last heard.
#[derive(Debug, Clone)]
pub(crate) struct Executor {
    pub(crate) pulse: Pulse,
    /// Its beat is late.
    pub(crate) late: bool,
    /// The last of its beats after which it was told to have fallen silent, by its clock.
    told: Option<Timestamp>,
    /// The beats before it.
    pub(crate) strip: Strip,
}

impl Executor {
    /// Whether its runs are taken to be lost: it was not heard for as long as it may hold them unheard.
    pub(crate) fn is_lost(&self, now: Timestamp) -> bool {
        now.since(self.pulse.heard_at) > LEASE
    }
}

impl Store {
    /// How many stand how; hidden ones do not count.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Changes whenever the order of rows may have.
    pub(crate) fn version(&self) -> u64 {
        self.moved.version()
    }

    /// The rows whose place in an order may be another one than it was at a version, some of them twice;
    /// nothing if that may be any.
    pub(crate) fn moved_since(&self, version: u64) -> Option<impl Iterator<Item = u32>> {
        self.moved.since(version)
    }

    /// A row's place in memory.
    pub(crate) fn at(&self, key: Key) -> Option<u32> {
        self.index.get(&key).copied()
    }

    /// A row by its place in memory.
    pub(crate) fn row(&self, at: u32) -> &Row {
        &self.rows[at as usize]
    }

    /// A row by its key.
    pub(crate) fn get(&self, key: Key) -> Option<&Row> {
        self.index.get(&key).map(|at| self.row(*at))
    }

    /// The key of a task, if it is known.
    pub(crate) fn key(&self, task: &TaskRef) -> Option<Key> {
        let key = Key { org: self.names.find(task.org.as_str())?, task: task.task };
        self.index.contains_key(&key).then_some(key)
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Every row, with its place.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u32, &Row)> {
        (0..).zip(self.rows.iter().map(AsRef::as_ref))
    }

    /// The text a symbol stands for.
    pub(crate) fn name(&self, sym: Sym) -> &str {
        self.names.get(sym)
    }

    /// The address of a row's task.
    pub(crate) fn address(&self, row: &Row) -> Option<TaskRef> {
        Some(TaskRef { org: self.name(row.key.org).parse().ok()?, task: row.key.task })
    }

    /// Why a task waits, if the projector said so.
    pub(crate) fn waiting(&self, key: Key) -> Option<&Waiting> {
        self.waits.get(&key)
    }

    /// The conversations that tasks wait for.
    pub(crate) fn talks(&self) -> &[Talk] {
        &self.talks
    }

    /// What a task asks for, if it waits for an answer.
    pub(crate) fn question(&self, key: Key) -> Option<&ApprovalView> {
        self.questions.get(&key)
    }

    /// Every question that waits for an answer.
    pub(crate) fn questions(&self) -> impl Iterator<Item = (Key, &ApprovalView)> {
        self.questions.iter().map(|(key, question)| (*key, question))
    }

    /// The executors, by id.
    pub(crate) fn executors(&self) -> &HashMap<ExecutorId, Executor> {
        &self.executors
    }

    /// Takes a task as it stands now. What is older than what is known is passed over.
    pub(crate) fn put(&mut self, brief: Brief) {
        let known = self.key(&brief.at).and_then(|key| self.get(key));
        if known.is_none_or(|row| row.sequence <= brief.sequence) {
            self.set(brief);
        }
    }

    /// Takes a task as it stood at some time, whatever is known of it.
    fn set(&mut self, mut brief: Brief) {
        let key = Key { org: self.names.intern(brief.at.org.as_str()), task: brief.at.task };
        let late = brief.executor.and_then(|id| self.executors.get(&id)).is_some_and(|known| known.late);
        let at = self.index.get(&key).copied();
        let listed = brief.waiting.take();
        match brief.question.take() {
            Some(question) => drop(self.questions.insert(key, *question)),
            None => drop(self.questions.remove(&key)),
        }
        let mut row = Row::new(key, brief, &mut self.names);
        if row.status != longhaul_core::Status::Pending {
            self.waits.remove(&key);
        } else if let Some(waiting) = listed {
            self.waits.insert(key, waiting);
        }
        row.flags.set(Flags::LATE, late);
        row.flags.set(Flags::HELD, self.waits.get(&key).is_some_and(is_held));
        match at {
            Some(at) => {
                let before = &self.rows[at as usize];
                row.submitted = row.submitted.or(before.submitted);
                self.exchange(at, row);
            }
            None => {
                let at = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
                self.counts.add(&row);
                self.index.insert(key, at);
                self.rows.push(Arc::new(row));
                self.moved.one(at);
            }
        }
    }

    /// Takes heartbeats. Gives back those of the others that fell silent.
    pub(crate) fn beats(&mut self, pulses: Vec<Pulse>, now: Timestamp) -> Vec<ExecutorId> {
        let heard: HashSet<_> = pulses.iter().map(|pulse| pulse.beat.executor).collect();
        for pulse in pulses {
            let id = pulse.beat.executor;
            let Some(known) = self.executors.get_mut(&id) else {
                let mut strip = Strip::default();
                strip.take(None, &pulse);
                self.executors.insert(id, Executor { pulse, late: false, told: None, strip });
                continue;
            };
            // The last one of each is said again to whoever begins to listen anew.
            if known.pulse.beat.at != pulse.beat.at {
                known.strip.take(Some(&known.pulse), &pulse);
            }
            known.pulse = pulse;
        }
        let mut silent = self.watch_beats(now);
        silent.retain(|id| !heard.contains(id));
        silent
    }

    /// Notices whose beats are late now, and whose are no longer. Gives back those that fell silent, once
    /// after each beat.
    pub(crate) fn watch_beats(&mut self, now: Timestamp) -> Vec<ExecutorId> {
        self.forget_executors(now);
        let mut turned = HashMap::new();
        for (id, executor) in &mut self.executors {
            let late = now.since(executor.pulse.heard_at) > LATE;
            if late != executor.late {
                executor.late = late;
                turned.insert(*id, late);
            }
        }
        if turned.is_empty() {
            return Vec::new();
        }
        // Who said he would leave, and holds nothing, has left.
        self.executors
            .retain(|_, one| !one.late || !one.pulse.beat.draining || !one.pulse.beat.runs.is_empty());
        let held = self.rows().filter(|(_, row)| row.status.is_running());
        let held = held.filter_map(|(at, row)| Some((at, *turned.get(&row.executor?)?)));
        for (at, late) in held.collect::<Vec<_>>() {
            self.flag(at, Flags::LATE, late);
        }
        let mut silent: Vec<_> = turned.into_iter().filter(|(_, late)| *late).map(|(id, _)| id).collect();
        silent.retain(|id| {
            let Some(one) = self.executors.get_mut(id) else { return false };
            one.told.replace(one.pulse.beat.at) != Some(one.pulse.beat.at)
        });
        silent
    }

    /// Forgets executors that have long been lost. At first one looks later: the tasks may not be here yet.
    fn forget_executors(&mut self, now: Timestamp) {
        let looked_at = *self.looked_at.get_or_insert(now);
        let old = |one: &Executor| now.since(one.pulse.heard_at) > FORGOTTEN;
        if now.since(looked_at) < LOOK || !self.executors.values().any(old) {
            return;
        }
        self.looked_at = Some(now);
        let running = self.rows.iter().filter(|row| row.status.is_running());
        let named: HashSet<_> = running.filter_map(|row| row.executor).collect();
        self.executors.retain(|id, one| named.contains(id) || !old(one));
    }

    /// Takes what the projector says of the queue. Tasks that no longer wait are forgotten there.
    pub(crate) fn queue(&mut self, queued: Queued) {
        let complete = queued.tasks.len() as u64 == queued.total;
        let mut named = HashMap::with_capacity(queued.tasks.len());
        for task in queued.tasks {
            if let Some(org) = self.names.find(task.org.as_str()) {
                named.insert(Key { org, task: task.task }, task.waiting);
            }
        }
        if complete {
            let gone: Vec<_> = self.waits.keys().filter(|key| !named.contains_key(key)).copied().collect();
            for key in gone {
                self.waits.remove(&key);
                if let Some(at) = self.index.get(&key).copied() {
                    self.flag(at, Flags::HELD, false);
                }
            }
        }
        for (key, waiting) in named {
            let Some(at) = self.index.get(&key).copied() else { continue };
            if self.row(at).status == longhaul_core::Status::Pending {
                self.flag(at, Flags::HELD, is_held(&waiting));
                self.waits.insert(key, waiting);
            }
        }
        self.talks = talk::talks(self.waits.iter());
    }

    fn flag(&mut self, at: u32, flag: Flags, on: bool) {
        let row = &mut self.rows[at as usize];
        if row.flags.has(flag) == on {
            return;
        }
        let before = row.standing();
        self.counts.remove(row);
        Arc::make_mut(row).flags.set(flag, on);
        self.counts.add(row);
        if row.standing() != before {
            self.moved.one(at);
        }
    }

    fn exchange(&mut self, at: u32, row: Row) {
        let before = &mut self.rows[at as usize];
        self.counts.remove(before);
        self.counts.add(&row);
        let moves = row.standing() != before.standing()
            || row.flags.has(Flags::HIDDEN) != before.flags.has(Flags::HIDDEN)
            || row.title != before.title;
        // Its room is used again, unless somebody in the past is looking at it.
        match Arc::get_mut(before) {
            Some(own) => *own = row,
            None => *before = Arc::new(row),
        }
        if moves {
            self.moved.one(at);
        }
    }
}

/// Whether something that others do or allow is in the way, not merely its own time or turn.
fn is_held(waiting: &Waiting) -> bool {
    use longhaul_core::board::WaitReason;
    !matches!(
        waiting.reason,
        WaitReason::Next
            | WaitReason::Admitted { .. }
            | WaitReason::NotBefore { .. }
            | WaitReason::RetryBackoff { .. }
    )
}
