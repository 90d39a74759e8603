//! The boards, and the rows they are restored from after a restart.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use longhaul_core::board::{Board, Grant};
use longhaul_core::{OrgId, Policy, RunNumber, Sequence, TaskId, TaskRef};
use longhaul_journal::{Parsed, Shard, Shards};
use longhaul_wire::Subject;
use rusqlite::{Connection, params};

use super::fold::Day;
use super::rows::{self, stored, unsigned};
use crate::error::Error;

/// One board a shard. The lock is held for folding in memory and for looking, never for writing to
/// the disk.
#[derive(Default)]
pub(crate) struct Boards(Mutex<Vec<Board>>);

impl Boards {
    /// Looks at one shard's board, or folds into it.
    pub(crate) fn with<T>(&self, shard: Shard, look: impl FnOnce(&mut Board) -> T) -> T {
        let mut boards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = usize::from(shard.0);
        if boards.len() <= at {
            boards.resize_with(at + 1, Board::new);
        }
        look(&mut boards[at])
    }

    /// Every board in turn.
    pub(crate) fn each(&self, look: impl FnMut(&mut Board)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().for_each(look);
    }

    pub(super) fn reset(&self, boards: Vec<Board>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = boards;
    }
}

/// The boards as the rows say. Whose turn it is among equals is not in the rows: a board that was
/// restored may name another place within a round than one that saw everything.
pub(super) fn load(db: &Connection, shards: Shards) -> Result<Vec<Board>, Error> {
    let mut boards: Vec<Board> = shards.all().map(|_| Board::new()).collect();
    let mut on = |org: &OrgId, put: &mut dyn FnMut(&mut Board)| {
        if let Some(board) = boards.get_mut(usize::from(shards.of(org).0)) {
            put(board);
        }
    };
    for (org, policy) in rows(db, "SELECT org, policy FROM policy", |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (org, policy): (String, Vec<u8>) = (org, policy);
        let org = org_id(&org)?;
        let policy: Policy = json("policy", &policy)?;
        on(&org, &mut |board| board.policy(&org, policy.clone()));
    }
    let spent = "SELECT org, day, input_tokens, output_tokens FROM usage";
    let spent: Vec<(String, i64, i64, i64)> =
        rows(db, spent, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut by_day: BTreeMap<(String, i64), u64> = BTreeMap::new();
    for (org, day, input, output) in spent {
        let sum = by_day.entry((org, day)).or_default();
        *sum = sum.saturating_add(unsigned(input)).saturating_add(unsigned(output));
    }
    for ((org, day), tokens) in by_day {
        let org = org_id(&org)?;
        on(&org, &mut |board| board.spent(&org, Day(day).start(), tokens));
    }
    let live = "SELECT task, snapshot FROM task WHERE ended_at IS NULL AND unreadable_at IS NULL";
    let live: Vec<([u8; 16], Vec<u8>)> = rows(db, live, |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (task, snapshot) in live {
        let snapshot = rows::parse(task_id(task), &snapshot)?;
        on(&snapshot.owner.org, &mut |board| board.task(&snapshot));
    }
    let slots = "SELECT org, task, run, ledger, place, why FROM slot ORDER BY ledger, place";
    let slots: Vec<SlotRow> = rows(db, slots, |row| {
        Ok(SlotRow {
            org: row.get(0)?,
            task: row.get(1)?,
            run: RunNumber(row.get(2)?),
            ledger: Sequence(unsigned(row.get(3)?)),
            index: row.get(4)?,
            why: row.get(5)?,
        })
    })?;
    for SlotRow { org, task, run, ledger, index, why } in slots {
        let grant = Grant { run, ledger, index, why: json("slot", &why)? };
        let task = TaskRef { org: org_id(&org)?, task: task_id(task) };
        on(&task.org, &mut |board| board.grant(&task, grant));
    }
    let subjects: Vec<String> = rows(db, "SELECT subject FROM unreadable", |row| row.get(0))?;
    for subject in subjects {
        let subject = Subject::parse(&subject).map_err(|e| Error::Damaged { what: e.to_string() })?;
        if let Some(board) = boards.get_mut(usize::from(subject.shard().0)) {
            cannot_read(board, &subject, shards);
        }
    }
    Ok(boards)
}

/// What a record that cannot be read means for the board it would have been folded into.
pub(super) fn cannot_read(board: &mut Board, subject: &Parsed, shards: Shards) {
    if let Parsed::Ledger { shard, org } = subject
        && shards.of(org) == *shard
    {
        board.ledger_unreadable(org);
    }
}

struct SlotRow {
    org: String,
    task: [u8; 16],
    run: RunNumber,
    ledger: Sequence,
    index: u32,
    why: Vec<u8>,
}

fn task_id(bytes: [u8; 16]) -> TaskId {
    TaskId(uuid::Uuid::from_bytes(bytes))
}

fn org_id(text: &str) -> Result<OrgId, Error> {
    OrgId::new(text).map_err(|e| Error::Damaged { what: e.to_string() })
}

fn json<T: serde::de::DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|e| Error::Damaged { what: format!("a row of {what}: {e}") })
}

fn rows<T>(
    db: &Connection,
    sql: &str,
    row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    let read = |sql| db.prepare(sql)?.query_map([], row)?.collect();
    let read: rusqlite::Result<Vec<T>> = read(sql);
    read.map_err(|source| Error::Database { what: "read", source })
}

fn encoded<T: serde::Serialize>(value: &T) -> rusqlite::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

pub(super) fn save_policy(
    db: &Connection,
    org: &OrgId,
    sequence: Sequence,
    policy: &Policy,
) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO policy (org, sequence, policy) VALUES (?, ?, ?)")?
        .execute(params![org.as_str(), stored(sequence.0), encoded(policy)?])?;
    Ok(())
}

/// Keeps the slot a task has beside it, or that it has none.
pub(super) fn save_slot(db: &Connection, key: &TaskRef, slot: Option<Grant>) -> rusqlite::Result<()> {
    let (org, task) = (key.org.as_str(), key.task.0.as_bytes());
    let Some(grant) = slot else {
        db.prepare_cached("DELETE FROM slot WHERE org = ? AND task = ?")?.execute(params![org, task])?;
        return Ok(());
    };
    db.prepare_cached(
        "INSERT OR REPLACE INTO slot (org, task, run, ledger, place, why) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        org,
        task,
        grant.run.0,
        stored(grant.ledger.0),
        grant.index,
        encoded(&grant.why)?
    ])?;
    Ok(())
}
