//! What records of a shard do to the model, in memory; then as rows.

use std::collections::{BTreeMap, HashMap};

use longhaul_core::board::{Board, Grant};
use longhaul_core::{Commit, EventBody, OrgId, Policy, Sequence, TaskRef};
use longhaul_journal::{Entry, Parsed, Record, Shard, Shards};
use longhaul_wire::DecodeError;
use rusqlite::{Connection, params};

use super::fold::{Known, Touched, Unread};
use super::rows::{self, stored, written};
use super::{Boards, Position, board};
use crate::error::Error;

/// What records of a shard touch, gathered before anything is written. A task is written once, however
/// many of them are about it.
pub(super) struct Batch {
    shard: Shard,
    /// How far the rows go.
    from: Sequence,
    /// How far this goes.
    pub(super) to: Position,
    /// How many records it is of, and their bytes.
    pub(super) records: usize,
    pub(super) bytes: usize,
    /// Whether one of them erases a task.
    pub(super) erases: bool,
    pub(super) tasks: HashMap<TaskRef, Touched>,
    /// The slots that the records may have changed, as the rows say.
    slots: HashMap<TaskRef, Option<Grant>>,
    /// Whose slots the next records may change: not looked up yet.
    named: Vec<TaskRef>,
    policies: BTreeMap<OrgId, (Sequence, Policy)>,
    unreadable: Vec<(Sequence, String, String)>,
}

/// The task a record belongs to, if it lies where that task's history lies.
fn task_of(entry: &Entry, shards: Shards) -> Option<TaskRef> {
    match &entry.subject {
        Parsed::Task { shard, org, task } if shards.of(org) == *shard => {
            Some(TaskRef { org: org.clone(), task: *task })
        }
        _ => None,
    }
}

/// Whether a record erases a task.
fn erases(entry: &Entry) -> bool {
    matches!(&entry.record, Ok(Record::Task(commit))
        if commit.events.iter().any(|event| matches!(event.body, EventBody::Erased { .. })))
}

impl Batch {
    /// Nothing yet, beyond a place.
    pub(super) fn new(shard: Shard, at: Position) -> Self {
        Self {
            shard,
            from: at.sequence,
            to: at,
            records: 0,
            bytes: 0,
            erases: false,
            tasks: HashMap::new(),
            slots: HashMap::new(),
            named: Vec::new(),
            policies: BTreeMap::new(),
            unreadable: Vec::new(),
        }
    }

    /// Learns what is known of every task that records are about. If that fails nothing is folded, and
    /// what was learned stays.
    pub(super) fn load(
        &mut self,
        entries: &[Entry],
        shards: Shards,
        mut known: impl FnMut(&TaskRef) -> Result<Option<Box<Known>>, Error>,
    ) -> Result<(), Error> {
        for entry in entries {
            if let Ok(Record::Admissions(commit)) = &entry.record {
                let named = commit.admissions.iter();
                self.named.extend(named.map(|one| TaskRef { org: commit.org.clone(), task: one.task }));
            }
            let Some(key) = task_of(entry, shards) else { continue };
            if self.tasks.contains_key(&key) {
                continue;
            }
            let known = known(&key)?;
            self.named.push(key.clone());
            self.tasks.insert(key, Touched::new(known));
        }
        Ok(())
    }

    /// Folds records whose tasks are loaded.
    pub(super) fn fold_all(&mut self, entries: &[Entry], shards: Shards, board: &mut Board) {
        for key in std::mem::take(&mut self.named) {
            self.slots.entry(key).or_insert_with_key(|key| board.granted(key));
        }
        for entry in entries {
            self.fold(entry, shards, board);
            self.bytes += entry.bytes;
            self.erases |= erases(entry);
        }
        self.records += entries.len();
        self.to = entries.last().map_or(self.to, Position::of);
    }

    fn fold(&mut self, entry: &Entry, shards: Shards, board: &mut Board) {
        match (&entry.record, task_of(entry, shards)) {
            (Ok(Record::Task(commit)), Some(key)) => self.fold_commit(&key, commit, entry.sequence, board),
            (Err(why), Some(key)) => self.put_aside(&key, entry, why, board),
            (Ok(Record::Admissions(commit)), _) => {
                board.admissions(commit, entry.sequence);
            }
            (Ok(Record::Policy(commit)), _) => {
                board.policy(&commit.org, commit.policy.clone());
                self.policies.insert(commit.org.clone(), (entry.sequence, commit.policy.clone()));
            }
            // Claims matter at submission.
            (Ok(Record::Conversation(_)), _) => {}
            (Err(why), None) => self.cannot_read(entry, why.to_string(), shards, board),
            (Ok(Record::Task(_)), None) => {
                let why = "it lies in a shard that is not its organisation's".to_owned();
                self.cannot_read(entry, why, shards, board);
            }
        }
    }

    /// A record that belongs to no task, or to none that lies here.
    fn cannot_read(&mut self, entry: &Entry, why: String, shards: Shards, board: &mut Board) {
        let subject = entry.subject.subject().to_string();
        tracing::warn!(%subject, sequence = %entry.sequence, why, "a record cannot be read");
        board::cannot_read(board, &entry.subject, shards);
        self.unreadable.push((entry.sequence, subject, why));
    }

    fn fold_commit(&mut self, key: &TaskRef, commit: &Commit, sequence: Sequence, board: &mut Board) {
        let Some(touched) = self.tasks.get_mut(key) else { return };
        let (tokens, at) = touched.fold(commit, sequence);
        if touched.known.unread.is_some() {
            return;
        }
        if let Some(snapshot) = &touched.known.snapshot {
            board.task(snapshot);
        }
        board.spent(&key.org, at, tokens);
    }

    fn put_aside(&mut self, key: &TaskRef, entry: &Entry, why: &DecodeError, board: &mut Board) {
        let Some(touched) = self.tasks.get_mut(key) else { return };
        if touched.known.unread.is_none() {
            tracing::warn!(org = %key.org, task = %key.task, sequence = %entry.sequence, %why, "a task is put aside");
        }
        touched.put_aside(Unread { at: entry.sequence, stored_at: entry.stored_at, why: why.to_string() });
        board.set_aside(key);
    }

    /// Writes everything, and the position.
    pub(super) fn save(&self, db: &Connection, boards: &Boards) -> Result<(), Error> {
        // Ids go with the time of submission, as most orders do: pages are filled one after the other.
        let mut tasks: Vec<(&TaskRef, &Touched)> = self.tasks.iter().collect();
        tasks.sort_unstable_by_key(|(key, _)| key.task);
        let mut json = Vec::new();
        for (key, touched) in tasks {
            rows::save(db, key, touched, &mut json)?;
        }
        for (key, slot) in boards.with(self.shard, |board| self.changed_slots(board)) {
            board::save_slot(db, key, slot).map_err(written)?;
        }
        self.save_rest(db).map_err(written)?;
        self.to.save(db, self.shard, self.from)
    }

    fn changed_slots(&self, board: &Board) -> Vec<(&TaskRef, Option<Grant>)> {
        let now = self.slots.iter().map(|(key, before)| (key, *before, board.granted(key)));
        now.filter(|(_, before, now)| before != now).map(|(key, _, now)| (key, now)).collect()
    }

    fn save_rest(&self, db: &Connection) -> rusqlite::Result<()> {
        for (org, (sequence, policy)) in &self.policies {
            board::save_policy(db, org, *sequence, policy)?;
        }
        for (sequence, subject, why) in &self.unreadable {
            db.prepare_cached("INSERT INTO unreadable (shard, sequence, subject, why) VALUES (?, ?, ?, ?)")?
                .execute(params![self.shard.0, stored(sequence.0), subject, why])?;
        }
        Ok(())
    }
}
