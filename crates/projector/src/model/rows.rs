//! Tasks as rows: how they are loaded, and how what a batch did to one is written.

use longhaul_core::{Sequence, Snapshot, Status, TaskId, TaskRef, Timestamp, Usage};
use longhaul_wire::query::Brief;
use rusqlite::{Connection, OptionalExtension, params};

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

/// Writes what a batch did to a task. `json` is room for its snapshot as text, used again and again.
pub(super) fn save(
    db: &Connection,
    key: &TaskRef,
    touched: &Touched,
    json: &mut Vec<u8>,
) -> Result<(), Error> {
    if !touched.changed {
        return Ok(());
    }
    save_task(db, key, touched, json).map_err(written)?;
    save_facets(db, key, touched).map_err(written)?;
    save_usage(db, key, touched).map_err(written)?;
    save_bells(db, key, touched).map_err(written)
}

const INSERT: &str = "INSERT INTO task VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
                      ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?31, ?30)";

const UPDATE: &str = "UPDATE task SET status = ?3, user = ?4, conversation = ?5, kind = ?6, title = ?7, \
                      search = ?8, dismissed = ?9, sequence = ?10, submitted_at = ?11, updated_at = ?12, \
                      ended_at = ?13, queued_at = ?14, unreadable_at = ?15, unreadable_why = ?16, \
                      submitted = CASE ?17 WHEN 0 THEN NULL ELSE submitted END, note = ?18, attempt = ?19, \
                      run = ?20, next_run = ?21, executor = ?22, step = ?23, step_index = ?24, step_of = ?25, \
                      fraction = ?26, tokens = ?27, artifacts = ?28, started_at = ?29, snapshot = ?30, \
                      foreground = ?31 \
                      WHERE org = ?1 AND task = ?2";

/// What changes while a task lives. It names no column of an order of live tasks: SQLite writes an
/// index anew if a statement sets one of its columns, to whatever value.
const UPDATE_LIVE: &str = "UPDATE task SET status = ?3, title = ?4, search = ?5, dismissed = ?6, \
                           sequence = ?7, updated_at = ?8, queued_at = ?9, note = ?10, attempt = ?11, \
                           run = ?12, next_run = ?13, executor = ?14, step = ?15, step_index = ?16, \
                           step_of = ?17, fraction = ?18, tokens = ?19, artifacts = ?20, started_at = ?21, \
                           snapshot = ?22 WHERE org = ?1 AND task = ?2";

fn save_task(db: &Connection, key: &TaskRef, touched: &Touched, json: &mut Vec<u8>) -> rusqlite::Result<()> {
    let Known { snapshot, unread } = &*touched.known;
    let (snapshot, unread) = (snapshot.as_ref(), unread.as_ref());
    let (org, task) = (key.org.as_str(), key.task.0.as_bytes());
    let title = snapshot.map_or("", |s| s.title.as_str());
    let search = title.to_lowercase();
    json.clear();
    let encoded = snapshot.map(|snapshot| serde_json::to_writer(&mut *json, snapshot)).transpose();
    let encoded = encoded.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    let json = encoded.map(|()| json.as_slice());
    let queued_at = snapshot.filter(|s| s.status == Status::Pending && unread.is_none());
    let queued_at = queued_at.map(|s| s.queued_at.0);
    let brief = snapshot.map(Brief::of);
    let brief = brief.as_ref();
    let note = brief.map_or("", |brief| brief.note.as_str());
    let attempt = brief.map_or(0, |brief| brief.attempt);
    let run = brief.map_or(0, |brief| brief.run.0);
    let next_run = snapshot.map_or(0, |s| s.next_run.0);
    let executor = brief.and_then(|brief| brief.executor);
    let executor = executor.as_ref().map(|id| id.0.as_bytes());
    let step = brief.and_then(|brief| brief.step.as_ref());
    let (step, index, of) = (step.map(|s| s.name.as_str()), step.map(|s| s.index), step.and_then(|s| s.of));
    let fraction = brief.and_then(|brief| brief.fraction);
    let tokens = brief.map_or(0, |brief| brief.tokens.cast_signed());
    let artifacts = brief.map_or(0, |brief| brief.artifacts);
    let started_at = brief.and_then(|brief| brief.started_at).map(|at| at.0);
    if touched.lived
        && let Some(s) = snapshot.filter(|s| unread.is_none() && s.ended_at.is_none())
    {
        let (status, sequence) = (s.status.as_str(), stored(s.sequence.0));
        let updated_at = s.updated_at.0;
        db.prepare_cached(UPDATE_LIVE)?.execute(params![
            org,
            task,
            status,
            title,
            search,
            s.dismissed,
            sequence,
            updated_at,
            queued_at,
            note,
            attempt,
            run,
            next_run,
            executor,
            step,
            index,
            of,
            fraction,
            tokens,
            artifacts,
            started_at,
            json
        ])?;
        return Ok(());
    }
    let seen = unread.map(|unread| unread.stored_at.0).unwrap_or_default();
    db.prepare_cached(if touched.is_new { INSERT } else { UPDATE })?.execute(params![
        org,
        task,
        if unread.is_some() { ASIDE } else { snapshot.map_or(ASIDE, |s| s.status.as_str()) },
        snapshot.map(|s| s.owner.user.as_str()),
        snapshot.and_then(|s| s.owner.conversation.as_ref()).map(|id| id.as_str()),
        snapshot.map(|s| s.kind.as_str()),
        title,
        search,
        snapshot.is_some_and(|s| s.dismissed),
        stored(snapshot.map_or(0, |s| s.sequence.0)),
        snapshot.map_or(seen, |s| s.submitted_at.0),
        snapshot.map_or(seen, |s| s.updated_at.0),
        snapshot.and_then(|s| s.ended_at).map(|at| at.0),
        queued_at,
        unread.map(|unread| stored(unread.at.0)),
        unread.map(|unread| unread.why.as_str()),
        // A row keeps what it says, until an erasure.
        match touched.is_new {
            true => touched.submitted.map(|at| stored(at.0)),
            false => Some(i64::from(!touched.restates)),
        },
        note,
        attempt,
        run,
        next_run,
        executor,
        step,
        index,
        of,
        fraction,
        tokens,
        artifacts,
        started_at,
        json,
        snapshot.is_some_and(|s| !s.lane.is_background()),
    ])?;
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
        let known = match touched.is_new {
            true => None,
            false => db
                .prepare_cached(
                    "SELECT input_tokens, output_tokens, model_calls, queries, exact
                     FROM usage WHERE org = ? AND day = ? AND task = ?",
                )?
                .query_row(params![org, day.0, task], |row| usage(row, 0))
                .optional()?,
        };
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
