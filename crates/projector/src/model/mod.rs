//! The read model: what the log says, as rows. [`Model::take_in`] folds records in memory,
//! [`Model::write`] writes rows and position in one transaction; both are synchronous and know no network.

mod batch;
mod board;
pub(crate) mod fold;
pub(crate) mod rows;
mod schema;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use longhaul_core::{OrgId, Sequence, TaskId, TaskRef, Timestamp, UserId};
use longhaul_journal::{Change, Entry, Shard, Shards};
use longhaul_wire::query::Positions;
use rusqlite::{Connection, params};

use batch::Batch;
pub(crate) use board::Boards;
use fold::{Known, Touched};
use rows::{stored, unsigned, written};
pub(crate) use schema::Place;
pub(crate) use schema::dump;

use crate::error::Error;

/// Live tasks kept in memory. Beyond this those that wait are not: it is long until their turn comes, and
/// then they are read again. Beyond twice as many all are dropped.
const HOT: usize = 20_000;

/// Most bytes of records that are folded and not written. What their tasks take in memory is a few times
/// as much.
const BYTES: usize = 32 << 20;

/// The writing side of the read model.
pub(crate) struct Model {
    db: Connection,
    shards: Shards,
    /// How far the rows go.
    written: BTreeMap<Shard, Position>,
    /// What is folded beyond that. The boards are as far as this.
    unwritten: BTreeMap<Shard, Batch>,
    /// Tasks that have not ended, as their rows say.
    hot: HashMap<TaskRef, Box<Known>>,
    boards: Arc<Boards>,
    /// The journal beside the database may still hold something erased.
    sweep: bool,
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
            written: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            hot: HashMap::new(),
            boards,
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
        self.unwritten.clear();
        self.written = load_positions(&self.db)?;
        self.boards.reset(board::load(&self.db, self.shards)?);
        Ok(())
    }

    /// How far a shard is folded, in memory.
    pub(crate) fn position(&self, shard: Shard) -> Sequence {
        self.folded(shard).sequence
    }

    fn folded(&self, shard: Shard) -> Position {
        let unwritten = self.unwritten.get(&shard).map(|batch| batch.to);
        unwritten.or_else(|| self.written.get(&shard).copied()).unwrap_or_default()
    }

    /// Every row that follows from the log, as text, sorted.
    pub(crate) fn rows(&self) -> Result<Vec<String>, Error> {
        dump(&self.db)
    }

    /// How far the rows of every shard go.
    pub(crate) fn positions(&self) -> Positions {
        let at = |shard| self.written.get(&shard).map_or(Sequence::ZERO, |position| position.sequence);
        self.shards.all().map(|shard| (shard, at(shard))).collect()
    }

    /// Whether there is something to write.
    pub(crate) fn is_ahead(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Whether what is not written is as much as one transaction should take: `records`, or [`BYTES`].
    pub(crate) fn is_full(&self, records: usize) -> bool {
        let sum = |of: fn(&Batch) -> usize| self.unwritten.values().map(of).sum::<usize>();
        sum(|batch| batch.records) >= records || sum(|batch| batch.bytes) >= BYTES
    }

    /// Folds records of each shard, in order, in memory; all or nothing. Those folded already are passed
    /// over.
    pub(crate) fn take_in(&mut self, gathered: &BTreeMap<Shard, Vec<Entry>>) -> Result<(), Error> {
        let mut fresh = Vec::new();
        for (shard, entries) in gathered {
            fresh.push((*shard, self.fresh(*shard, entries)?));
        }
        fresh.retain(|(_, entries)| !entries.is_empty());
        // What may fail comes before anything is folded.
        for (shard, entries) in &fresh {
            let at = self.folded(*shard);
            let Self { db, hot, unwritten, shards, .. } = self;
            let batch = unwritten.entry(*shard).or_insert_with(|| Batch::new(*shard, at));
            batch.load(entries, *shards, |key| match hot.remove(key) {
                Some(known) => Ok(Some(known)),
                None => Ok(rows::load(db, key)?.map(Box::new)),
            })?;
        }
        for (shard, entries) in fresh {
            if let Some(batch) = self.unwritten.get_mut(&shard) {
                self.boards.with(shard, |board| batch.fold_all(entries, self.shards, board));
            }
        }
        Ok(())
    }

    /// Writes what was taken in, and how far that is; all or nothing. If it fails, nothing is lost, and
    /// it can be tried again. Returns which tasks changed.
    pub(crate) fn write(&mut self) -> Result<Vec<TaskChange>, Error> {
        if self.unwritten.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.db.transaction().map_err(written)?;
        for batch in self.unwritten.values() {
            batch.save(&all, &self.boards)?;
        }
        all.commit().map_err(written)?;

        let batches = std::mem::take(&mut self.unwritten);
        self.written.extend(batches.iter().map(|(shard, batch)| (*shard, batch.to)));
        self.sweep |= batches.values().any(|batch| batch.erases);
        self.sweep = self.sweep && !swept(&self.db);
        Ok(self.keep(batches))
    }

    /// What of these is not folded yet.
    fn fresh<'e>(&self, shard: Shard, entries: &'e [Entry]) -> Result<&'e [Entry], Error> {
        let last = self.folded(shard);
        if entries.iter().any(|entry| entry.sequence == last.sequence && Position::of(entry) != last) {
            return Err(Error::OtherLog { shard, folded: last.sequence });
        }
        Ok(&entries[entries.partition_point(|entry| entry.sequence <= last.sequence)..])
    }

    /// Keeps what is live, forgets what has ended.
    fn keep(&mut self, batches: BTreeMap<Shard, Batch>) -> Vec<TaskChange> {
        let mut changes = Vec::new();
        if self.hot.len() > 2 * HOT {
            self.hot.clear();
        }
        for (key, Touched { known, changed, .. }) in batches.into_values().flat_map(|batch| batch.tasks) {
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

    /// Folds and writes records of each shard.
    pub(crate) fn fold(&mut self, gathered: &BTreeMap<Shard, Vec<Entry>>) -> Result<Vec<TaskChange>, Error> {
        self.take_in(gathered)?;
        self.write()
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
