//! What records of a shard do to the model, in memory; then as rows.

use std::collections::{BTreeMap, HashMap};

use longhaul_core::board::{Board, Grant};
use longhaul_core::{Commit, OrgId, Policy, Sequence, TaskRef};
use longhaul_journal::{Entry, Parsed, Record, Shard, Shards};
use longhaul_wire::DecodeError;
use rusqlite::{Connection, params};

use super::fold::{Touched, Unread};
use super::rows::{self, stored, written};
use super::{Position, board};
use crate::error::Error;

/// What records of a shard touch, gathered before anything is written.
pub(super) struct Batch {
    pub(super) shard: Shard,
    from: Sequence,
    pub(super) to: Position,
    pub(super) tasks: HashMap<TaskRef, Touched>,
    /// The slots that the records may change: as the rows say, then as they are now.
    pub(super) slots: HashMap<TaskRef, Option<Grant>>,
    policies: BTreeMap<OrgId, (Sequence, Policy)>,
    unreadable: Vec<(Sequence, String, String)>,
}

/// The task a record belongs to, if it lies where that task's history lies.
pub(super) fn task_of(entry: &Entry, shards: Shards) -> Option<TaskRef> {
    match &entry.subject {
        Parsed::Task { shard, org, task } if shards.of(org) == *shard => {
            Some(TaskRef { org: org.clone(), task: *task })
        }
        _ => None,
    }
}

impl Batch {
    pub(super) fn new(shard: Shard, from: Sequence, to: Position) -> Self {
        Self {
            shard,
            from,
            to,
            tasks: HashMap::new(),
            slots: HashMap::new(),
            policies: BTreeMap::new(),
            unreadable: Vec::new(),
        }
    }

    pub(super) fn fold(&mut self, entry: &Entry, shards: Shards, board: &mut Board) {
        match (&entry.record, task_of(entry, shards)) {
            (Ok(Record::Task(commit)), Some(key)) => self.fold_commit(&key, commit, entry.sequence, board),
            (Err(why), Some(key)) => self.put_aside(&key, entry, why, board),
            (Ok(Record::Admissions(commit)), _) => {
                board.admissions(commit, entry.sequence);
            }
            (Ok(Record::Policy(commit)), _) => {
                board.policy(&commit.org, commit.policy);
                self.policies.insert(commit.org.clone(), (entry.sequence, commit.policy));
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
    pub(super) fn save(&self, db: &Connection) -> Result<(), Error> {
        // Ids go with the time of submission, as most orders do: pages are filled one after the other.
        let mut tasks: Vec<(&TaskRef, &Touched)> = self.tasks.iter().collect();
        tasks.sort_unstable_by_key(|(key, _)| key.task);
        for (key, touched) in tasks {
            rows::save(db, key, touched)?;
        }
        for (key, slot) in &self.slots {
            board::save_slot(db, key, *slot).map_err(written)?;
        }
        self.save_rest(db).map_err(written)?;
        self.to.save(db, self.shard, self.from)
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
