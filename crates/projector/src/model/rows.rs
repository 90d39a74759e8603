//! Tasks as rows: how they are loaded, and how what a batch did to one is written.

use longhaul_core::{Sequence, Snapshot, Status, TaskId, TaskRef, Timestamp, Usage};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::fold::{Known, Touched, Unread};
use crate::error::Error;

/// The status of a task that was put aside, as the row says it; no status of the domain.
pub(crate) const ASIDE: &str = "unreadable";

pub(super) fn written(source: rusqlite::Error) -> Error {
    Error::Database { what: "written", source }
}

/// SQLite has no unsigned integers: what is beyond is as good as the greatest.
pub(crate) fn stored(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The inverse of [`stored`].
pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

/// A snapshot as it is kept.
pub(crate) fn parse(task: TaskId, json: &[u8]) -> Result<Snapshot, Error> {
    serde_json::from_slice(json).map_err(|e| Error::Damaged { what: format!("the row of task {task}: {e}") })
}

/// What the model knows of a task.
pub(super) fn load(db: &Connection, key: &TaskRef) -> Result<Option<Known>, Error> {
    let sql =
        "SELECT snapshot, unreadable_at, unreadable_why, submitted_at FROM task WHERE org = ? AND task = ?";
    let row = db
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_row(params![key.org.as_str(), key.task.0.as_bytes()], |row| {
                    let snapshot: Option<Vec<u8>> = row.get(0)?;
                    let at: Option<i64> = row.get(1)?;
                    let why: Option<String> = row.get(2)?;
                    Ok((snapshot, at, why, Timestamp(row.get(3)?)))
                })
                .optional()
        })
        .map_err(written)?;
    let Some((snapshot, at, why, stored_at)) = row else { return Ok(None) };
    let snapshot = snapshot.map(|json| parse(key.task, &json)).transpose()?;
    let unread = at.map(|at| Unread { at: Sequence(unsigned(at)), stored_at, why: why.unwrap_or_default() });
    Ok(Some(Known { snapshot, unread }))
}

/// Writes what a batch did to a task.
pub(super) fn save(db: &Connection, key: &TaskRef, touched: &Touched) -> Result<(), Error> {
    if !touched.changed {
        return Ok(());
    }
    save_task(db, key, &touched.known).map_err(written)?;
    save_facets(db, key, touched).map_err(written)?;
    save_usage(db, key, touched).map_err(written)?;
    save_bells(db, key, touched).map_err(written)
}

fn save_task(db: &Connection, key: &TaskRef, known: &Known) -> rusqlite::Result<()> {
    let snapshot = known.snapshot.as_ref();
    let unread = known.unread.as_ref();
    let title = snapshot.map_or("", |s| s.title.as_str());
    let json = snapshot.map(serde_json::to_vec).transpose();
    let json = json.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    let seen = unread.map(|unread| unread.stored_at.0).unwrap_or_default();
    db.prepare_cached(
        "INSERT INTO task (org, task, status, user, conversation, kind, title, search, dismissed, sequence,
             submitted_at, updated_at, ended_at, queued_at, unreadable_at, unreadable_why, snapshot)
         VALUES (:org, :task, :status, :user, :conversation, :kind, :title, :search, :dismissed, :sequence,
             :submitted_at, :updated_at, :ended_at, :queued_at, :unreadable_at, :unreadable_why, :snapshot)
         ON CONFLICT (org, task) DO UPDATE SET status = excluded.status, user = excluded.user,
             conversation = excluded.conversation, kind = excluded.kind, title = excluded.title,
             search = excluded.search, dismissed = excluded.dismissed, sequence = excluded.sequence,
             submitted_at = excluded.submitted_at, updated_at = excluded.updated_at,
             ended_at = excluded.ended_at, queued_at = excluded.queued_at, unreadable_at = excluded.unreadable_at,
             unreadable_why = excluded.unreadable_why, snapshot = excluded.snapshot",
    )?
    .execute(named_params! {
        ":org": key.org.as_str(),
        ":task": key.task.0.as_bytes(),
        ":status": if unread.is_some() { ASIDE } else { snapshot.map_or(ASIDE, |s| s.status.as_str()) },
        ":user": snapshot.map(|s| s.owner.user.as_str()),
        ":conversation": snapshot.and_then(|s| s.owner.conversation.as_ref()).map(|id| id.as_str()),
        ":kind": snapshot.map(|s| s.kind.as_str()),
        ":title": title,
        ":search": title.to_lowercase(),
        ":dismissed": snapshot.is_some_and(|s| s.dismissed),
        ":sequence": stored(snapshot.map_or(0, |s| s.sequence.0)),
        ":submitted_at": snapshot.map_or(seen, |s| s.submitted_at.0),
        ":updated_at": snapshot.map_or(seen, |s| s.updated_at.0),
        ":ended_at": snapshot.and_then(|s| s.ended_at).map(|at| at.0),
        ":queued_at": snapshot.filter(|s| s.status == Status::Pending && unread.is_none()).map(|s| s.queued_at.0),
        ":unreadable_at": unread.map(|unread| stored(unread.at.0)),
        ":unreadable_why": unread.map(|unread| unread.why.as_str()),
        ":snapshot": json,
    })?;
    Ok(())
}

/// Labels and lineage: said once, at submission, and gone with an erasure.
fn save_facets(db: &Connection, key: &TaskRef, touched: &Touched) -> rusqlite::Result<()> {
    let (org, task) = (key.org.as_str(), key.task.0.as_bytes());
    if touched.restates {
        db.prepare_cached("DELETE FROM label WHERE org = ? AND task = ?")?.execute(params![org, task])?;
        db.prepare_cached("DELETE FROM lineage WHERE org = ? AND task = ?")?.execute(params![org, task])?;
    }
    let Some(snapshot) = touched.known.snapshot.as_ref().filter(|_| touched.is_new || touched.restates)
    else {
        return Ok(());
    };
    for (label, value) in &snapshot.labels {
        db.prepare_cached("INSERT INTO label (org, key, value, task) VALUES (?, ?, ?, ?)")?
            .execute(params![org, label.as_str(), value, task])?;
    }
    let from = &snapshot.lineage;
    let ancestors = [
        ("rerun_of", from.rerun_of),
        ("forked_from", from.forked_from.map(|point| point.task)),
        ("continues", from.continues),
        ("parent", from.parent),
    ];
    for (how, ancestor) in ancestors {
        let Some(ancestor) = ancestor else { continue };
        db.prepare_cached("INSERT INTO lineage (org, ancestor, how, task) VALUES (?, ?, ?, ?)")?
            .execute(params![org, ancestor.0.as_bytes(), how, task])?;
    }
    Ok(())
}

fn save_usage(db: &Connection, key: &TaskRef, touched: &Touched) -> rusqlite::Result<()> {
    let (org, task) = (key.org.as_str(), key.task.0.as_bytes());
    if touched.restates {
        db.prepare_cached("DELETE FROM usage WHERE org = ? AND task = ?")?.execute(params![org, task])?;
    }
    for (day, used) in &touched.usage {
        let known = db
            .prepare_cached(
                "SELECT input_tokens, output_tokens, model_calls, queries, exact
                 FROM usage WHERE org = ? AND day = ? AND task = ?",
            )?
            .query_row(params![org, day.0, task], |row| usage(row, 0))
            .optional()?;
        let sum = known.unwrap_or_default().plus(*used);
        db.prepare_cached(
            "INSERT OR REPLACE INTO usage
                 (org, day, task, input_tokens, output_tokens, model_calls, queries, exact)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            org,
            day.0,
            task,
            stored(sum.input_tokens),
            stored(sum.output_tokens),
            sum.model_calls,
            sum.queries,
            sum.exact
        ])?;
    }
    Ok(())
}

/// Five columns from `first` on as usage.
pub(crate) fn usage(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Usage> {
    Ok(Usage {
        input_tokens: unsigned(row.get(first)?),
        output_tokens: unsigned(row.get(first + 1)?),
        model_calls: row.get(first + 2)?,
        queries: row.get(first + 3)?,
        exact: row.get(first + 4)?,
    })
}

fn save_bells(db: &Connection, key: &TaskRef, touched: &Touched) -> rusqlite::Result<()> {
    let (org, task) = (key.org.as_str(), key.task.0.as_bytes());
    if touched.silences {
        db.prepare_cached("DELETE FROM notification WHERE org = ? AND task = ?")?
            .execute(params![org, task])?;
    } else if touched.settles {
        db.prepare_cached(
            "UPDATE notification SET settled = 1 WHERE org = ? AND task = ? AND status = 'paused'",
        )?
        .execute(params![org, task])?;
    }
    for bell in &touched.bells {
        db.prepare_cached(
            "INSERT INTO notification (org, user, sequence, task, status, at, settled)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            org,
            bell.user.as_str(),
            stored(bell.sequence.0),
            task,
            bell.status.as_str(),
            bell.at.0,
            bell.settled
        ])?;
    }
    Ok(())
}
