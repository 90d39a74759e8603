//! Running one query within its bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::QueryError;

/// The bounds of reading: of files, and of each query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Rows that one query may give; further ones are left out and the answer says so.
    pub rows: usize,
    /// Bytes of text that one query may give, likewise.
    pub result_bytes: usize,
    /// Milliseconds that one query may take.
    pub query_millis: u64,
    /// Milliseconds that describing the data set may take; what is not described by then is
    /// listed without figures.
    pub schema_millis: u64,
    /// Bytes of files that are loaded into memory (CSV, JSON, Parquet), all of a data set together.
    pub file_bytes: u64,
    /// Rows that are loaded from them, likewise. A file of few bytes may unpack to very many.
    pub file_rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 1_000,
            result_bytes: 1024 * 1024,
            query_millis: 15_000,
            schema_millis: 30_000,
            file_bytes: 128 * 1024 * 1024,
            file_rows: 5_000_000,
        }
    }
}

/// Asks whoever reads or queries to stop. Clones ask the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks. What runs ends with an error soon; nothing new begins.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a query gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The columns, left to right.
    pub columns: Vec<String>,
    /// The rows: null, numbers, texts.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows than a limit let through.
    pub truncated: bool,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// The longest text that a cell keeps.
pub(super) const LONGEST_CELL: usize = 2_000;
/// How many steps of SQLite's machine pass between two looks at the clock: about a millisecond.
const STEPS_PER_LOOK: i32 = 5_000;

/// Ends what the connection does at `deadline` or when `stop` is asked.
pub(super) fn bound(
    connection: &mut Connection,
    deadline: Instant,
    stop: &Stop,
) -> Result<(), rusqlite::Error> {
    let stop = stop.clone();
    let over = move || stop.is_asked() || Instant::now() >= deadline;
    connection.progress_handler(STEPS_PER_LOOK, Some(over))
}

/// Takes the bound of [`bound`] away again.
pub(super) fn unbound(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    connection.progress_handler(0, None::<fn() -> bool>)
}

/// Has `sql` read by the engine of a connection that is guarded already; runs nothing.
pub(super) fn prepare(connection: &Connection, sql: &str) -> Result<(), QueryError> {
    match connection.prepare(sql) {
        Ok(statement) if statement.readonly() => Ok(()),
        Ok(_) => Err(QueryError::Refused { reason: "it would write".to_owned() }),
        Err(rusqlite::Error::MultipleStatement) => {
            Err(QueryError::NotAQuery { reason: "this is more than one statement".to_owned() })
        }
        Err(error) => Err(QueryError::Invalid { reason: reason(&error) }),
    }
}

/// Runs `sql` on a connection that is guarded already.
pub(super) fn run(
    connection: &mut Connection,
    sql: &str,
    limits: &Limits,
    stop: &Stop,
) -> Result<Rows, QueryError> {
    let began = Instant::now();
    let deadline = began + Duration::from_millis(limits.query_millis);
    let failed = |error: rusqlite::Error| classify(&error, deadline, limits, stop);
    bound(connection, deadline, stop).map_err(failed)?;
    let answer = read(connection, sql, limits).map_err(|error| match error {
        ReadError::Prepare(error) => match classify(&error, deadline, limits, stop) {
            QueryError::Failed { reason } => QueryError::Invalid { reason },
            other => other,
        },
        ReadError::Writes => QueryError::Refused { reason: "it would write".to_owned() },
        ReadError::Step(error) => failed(error),
    });
    unbound(connection).map_err(failed)?;
    let mut rows = answer?;
    rows.millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(rows)
}

enum ReadError {
    Prepare(rusqlite::Error),
    Writes,
    Step(rusqlite::Error),
}

fn read(connection: &Connection, sql: &str, limits: &Limits) -> Result<Rows, ReadError> {
    let mut statement = connection.prepare(sql).map_err(ReadError::Prepare)?;
    if !statement.readonly() {
        return Err(ReadError::Writes);
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query([]).map_err(ReadError::Step)?;
    let mut rows = Vec::new();
    let mut bytes = 0;
    let mut truncated = false;
    while let Some(row) = found.next().map_err(ReadError::Step)? {
        if rows.len() == limits.rows {
            truncated = true;
            break;
        }
        let mut cells = Vec::with_capacity(columns.len());
        for n in 0..columns.len() {
            let cell = json(row.get_ref(n).map_err(ReadError::Step)?);
            bytes += cell.as_str().map_or(8, str::len);
            cells.push(cell);
        }
        if bytes > limits.result_bytes {
            truncated = true;
            break;
        }
        rows.push(cells);
    }
    Ok(Rows { columns, rows, truncated, millis: 0 })
}

fn classify(error: &rusqlite::Error, deadline: Instant, limits: &Limits, stop: &Stop) -> QueryError {
    if let rusqlite::Error::MultipleStatement = error {
        return QueryError::NotAQuery { reason: "this is more than one statement".to_owned() };
    }
    let interrupted = error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted);
    if interrupted && stop.is_asked() {
        return QueryError::Stopped;
    }
    if interrupted || Instant::now() >= deadline {
        return QueryError::TooSlow { millis: limits.query_millis };
    }
    QueryError::Failed { reason: reason(error) }
}

/// What SQLite said, without the code and without the statement that rusqlite adds.
pub(super) fn reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

/// A value as JSON: what JSON cannot hold is said in words or left out.
pub(super) fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => n.into(),
        // Infinity becomes null.
        ValueRef::Real(x) => x.into(),
        ValueRef::Text(bytes) => cut(bytes).into(),
        ValueRef::Blob(bytes) => format!("({} bytes)", bytes.len()).into(),
    }
}

/// A text as a cell keeps it.
pub(super) fn cut(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(LONGEST_CELL)];
    let mut text = String::from_utf8_lossy(head).into_owned();
    if bytes.len() > LONGEST_CELL {
        text.push('…');
    }
    text
}

/// A count from a row: SQLite has no unsigned numbers, and no count is below zero.
pub(super) fn count(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}
