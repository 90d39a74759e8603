//! The read model: what the log says, as rows. [`Model::fold`] takes a batch of records and writes
//! rows and position in one transaction; it is synchronous and knows no network.

mod batch;
mod board;
pub(crate) mod fold;
pub(crate) mod rows;
mod schema;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use longhaul_core::{EventBody, OrgId, Sequence, TaskId, TaskRef, Timestamp, UserId};
use longhaul_journal::{Change, Entry, Record, Shard, Shards};
use longhaul_wire::query::Positions;
use rusqlite::{Connection, params};

use batch::{Batch, task_of};
pub(crate) use board::Boards;
use fold::{Known, Touched};
use rows::{stored, unsigned, written};
pub(crate) use schema::Place;
pub(crate) use schema::dump;

use crate::error::Error;

/// Live tasks kept in memory. Beyond this those that wait are not: it is long until their turn comes, and
/// then they are read again. Beyond twice as many all are dropped.
const HOT: usize = 20_000;

/// The writing side of the read model.
pub(crate) struct Model {
    db: Connection,
    shards: Shards,
    positions: BTreeMap<Shard, Position>,
    /// Tasks that have not ended, as their rows say.
    hot: HashMap<TaskRef, Box<Known>>,
    boards: Arc<Boards>,
    /// The journal beside the database may still hold something erased.
    sweep: bool,
    /// The boards are ahead of the rows: a transaction failed.
    unsure: bool,
}

/// How far a shard is folded, and by what its last record is known again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) sequence: Sequence,
    stored_at: Timestamp,
    bytes: u64,
}

/// A task's snapshot changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskChange {
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    pub(crate) task: TaskId,
    pub(crate) change: Change,
}

/// Whether a record erases a task.
fn erases(entry: &Entry) -> bool {
    matches!(&entry.record, Ok(Record::Task(commit))
        if commit.events.iter().any(|event| matches!(event.body, EventBody::Erased { .. })))
}

/// Empties the journal beside the database; not while somebody reads from it.
fn swept(db: &Connection) -> bool {
    let busy = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    busy.is_ok_and(|busy| busy == 0)
}

impl Model {
    /// The model in a directory, as far as it was folded; made anew if it is of another version.
    pub(crate) fn open(
        place: &Place,
        shards: Shards,
        anew: bool,
        boards: Arc<Boards>,
    ) -> Result<Self, Error> {
        let db = place.open(shards, anew)?;
        let mut model = Self {
            db,
            shards,
            positions: BTreeMap::new(),
            hot: HashMap::new(),
            boards,
            unsure: false,
            sweep: false,
        };
        model.reload()?;
        Ok(model)
    }

    /// Empties the model: the log it was folded from is gone.
    pub(crate) fn start_over(&mut self) -> Result<(), Error> {
        schema::start_over(&mut self.db, self.shards)?;
        self.reload()
    }

    /// Takes everything in memory from the rows.
    fn reload(&mut self) -> Result<(), Error> {
        self.hot.clear();
        self.positions = load_positions(&self.db)?;
        self.boards.reset(board::load(&self.db, self.shards)?);
        self.unsure = false;
        Ok(())
    }

    /// How far a shard is folded.
    pub(crate) fn position(&self, shard: Shard) -> Sequence {
        self.positions.get(&shard).map_or(Sequence::ZERO, |position| position.sequence)
    }

    /// Every row that follows from the log, as text, sorted.
    pub(crate) fn rows(&self) -> Result<Vec<String>, Error> {
        dump(&self.db)
    }

    /// How far every shard is folded.
    pub(crate) fn positions(&self) -> Positions {
        self.shards.all().map(|shard| (shard, self.position(shard))).collect()
    }

    /// Folds records of each shard, in order; all or nothing. Those folded already are passed over.
    /// Returns which tasks changed.
    pub(crate) fn fold(&mut self, gathered: &BTreeMap<Shard, Vec<Entry>>) -> Result<Vec<TaskChange>, Error> {
        if self.unsure {
            self.reload()?;
        }
        let mut fresh = Vec::new();
        for (shard, entries) in gathered {
            fresh.push((*shard, self.fresh(*shard, entries)?));
        }
        fresh.retain(|(_, entries)| !entries.is_empty());
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        // From here on the boards may be ahead of the rows.
        self.unsure = true;
        let mut batches = Vec::new();
        for (shard, entries) in &fresh {
            batches.push(self.fold_shard(*shard, entries)?);
        }
        let all = self.db.transaction().map_err(written)?;
        for batch in &batches {
            batch.save(&all)?;
        }
        all.commit().map_err(written)?;
        self.unsure = false;

        self.positions.extend(batches.iter().map(|batch| (batch.shard, batch.to)));
        self.sweep |= fresh.iter().any(|(_, entries)| entries.iter().any(erases));
        self.sweep = self.sweep && !swept(&self.db);
        Ok(self.keep(batches))
    }

    /// What of these is not folded yet.
    fn fresh<'e>(&self, shard: Shard, entries: &'e [Entry]) -> Result<&'e [Entry], Error> {
        let last = self.positions.get(&shard).copied().unwrap_or_default();
        if entries.iter().any(|entry| entry.sequence == last.sequence && Position::of(entry) != last) {
            return Err(Error::OtherLog { shard, folded: last.sequence });
        }
        Ok(&entries[entries.partition_point(|entry| entry.sequence <= last.sequence)..])
    }

    /// Folds records of one shard in memory.
    fn fold_shard(&mut self, shard: Shard, entries: &[Entry]) -> Result<Batch, Error> {
        let from = self.position(shard);
        let to = entries.last().map(Position::of).unwrap_or_default();
        let mut batch = self.load(Batch::new(shard, from, to), entries)?;
        self.boards.with(shard, |board| {
            batch.slots.iter_mut().for_each(|(key, slot)| *slot = board.granted(key));
            entries.iter().for_each(|entry| batch.fold(entry, self.shards, board));
            // What is left are those that changed.
            batch.slots.retain(|key, slot| {
                let before = std::mem::replace(slot, board.granted(key));
                before != *slot
            });
        });
        Ok(batch)
    }

    /// Reads what is known of every task that the records are about.
    fn load(&mut self, mut batch: Batch, entries: &[Entry]) -> Result<Batch, Error> {
        for entry in entries {
            if let Ok(Record::Admissions(commit)) = &entry.record {
                let named = commit.admissions.iter();
                batch
                    .slots
                    .extend(named.map(|one| (TaskRef { org: commit.org.clone(), task: one.task }, None)));
            }
            let Some(key) = task_of(entry, self.shards) else { continue };
            if batch.tasks.contains_key(&key) {
                continue;
            }
            // If the batch fails, everything in memory is dropped.
            let known = match self.hot.remove(&key) {
                Some(known) => Some(known),
                None => rows::load(&self.db, &key)?.map(Box::new),
            };
            batch.slots.insert(key.clone(), None);
            batch.tasks.insert(key, Touched::new(known));
        }
        Ok(batch)
    }

    /// Keeps what is live, forgets what has ended.
    fn keep(&mut self, batches: Vec<Batch>) -> Vec<TaskChange> {
        let mut changes = Vec::new();
        if self.hot.len() > 2 * HOT {
            self.hot.clear();
        }
        for (key, Touched { known, changed, .. }) in batches.into_iter().flat_map(|batch| batch.tasks) {
            let Some(snapshot) = &known.snapshot else { continue };
            if changed {
                changes.push(TaskChange {
                    org: key.org.clone(),
                    user: snapshot.owner.user.clone(),
                    task: key.task,
                    change: Change { status: snapshot.status, sequence: snapshot.sequence },
                });
            }
            let soon = snapshot.status.is_running() || self.hot.len() < HOT;
            if soon && !snapshot.status.is_terminal() && known.unread.is_none() {
                self.hot.insert(key, known);
            }
        }
        changes.sort_by_key(|change| change.change.sequence);
        changes
    }
}

impl Position {
    fn of(entry: &Entry) -> Self {
        Self { sequence: entry.sequence, stored_at: entry.stored_at, bytes: entry.bytes as u64 }
    }

    /// Moves a shard's position on from where this model believes it is.
    fn save(&self, db: &Connection, shard: Shard, from: Sequence) -> Result<(), Error> {
        let moved = db
            .prepare_cached(
                "INSERT INTO position (shard, sequence, stored_at, bytes) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (shard) DO UPDATE SET sequence = ?2, stored_at = ?3, bytes = ?4
                 WHERE sequence = ?5",
            )
            .and_then(|mut statement| {
                let (to, from) = (stored(self.sequence.0), stored(from.0));
                statement.execute(params![shard.0, to, self.stored_at.0, stored(self.bytes), from])
            })
            .map_err(written)?;
        if moved == 1 {
            return Ok(());
        }
        Err(Error::Damaged { what: format!("shard {shard} is not at {from}; another program wrote to it") })
    }
}

fn load_positions(db: &Connection) -> Result<BTreeMap<Shard, Position>, Error> {
    let load = || -> rusqlite::Result<_> {
        db.prepare("SELECT shard, sequence, stored_at, bytes FROM position")?
            .query_map([], |row| {
                let sequence = Sequence(unsigned(row.get(1)?));
                let position =
                    Position { sequence, stored_at: Timestamp(row.get(2)?), bytes: unsigned(row.get(3)?) };
                Ok((Shard(row.get(0)?), position))
            })?
            .collect()
    };
    load().map_err(written)
}

#[cfg(test)]
impl Model {
    /// Folds records of one shard.
    pub(crate) fn fold_one(&mut self, shard: Shard, entries: &[Entry]) -> Result<Vec<TaskChange>, Error> {
        self.fold(&BTreeMap::from([(shard, entries.to_vec())]))
    }

    /// The connection, for tests that look or disturb.
    pub(crate) fn db(&mut self) -> &mut Connection {
        &mut self.db
    }

    /// Every snapshot there is a row for.
    pub(crate) fn snapshots(&self) -> Vec<(TaskRef, longhaul_core::Snapshot)> {
        let mut statement =
            self.db.prepare("SELECT org, snapshot FROM task WHERE snapshot IS NOT NULL").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)));
        let snapshot = |(org, json): (String, Vec<u8>)| {
            let snapshot: longhaul_core::Snapshot = serde_json::from_slice(&json).unwrap();
            (TaskRef { org: OrgId::new(org).unwrap(), task: snapshot.task }, snapshot)
        };
        rows.unwrap().map(|row| snapshot(row.unwrap())).collect()
    }

    /// What each organisation used.
    pub(crate) fn usage_by_org(&self) -> Vec<(String, longhaul_core::Usage)> {
        let sql =
            "SELECT org, input_tokens, output_tokens, model_calls, queries, exact FROM usage ORDER BY org";
        let mut statement = self.db.prepare(sql).unwrap();
        let rows =
            statement.query_map([], |row| Ok((row.get::<_, String>(0)?, rows::usage(row, 1)?))).unwrap();
        let mut sums: BTreeMap<String, longhaul_core::Usage> = BTreeMap::new();
        for row in rows {
            let (org, used) = row.unwrap();
            let sum = sums.entry(org).or_default();
            *sum = sum.plus(used);
        }
        sums.into_iter().collect()
    }
}
