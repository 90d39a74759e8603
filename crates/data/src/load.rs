//! Files into tables of a database in memory: the same for every format, so that whatever is
//! loaded is described, guarded and bounded alike.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, params_from_iter};

use crate::delimited::quote;
use crate::error::{Error, FileFault};
use crate::guard;
use crate::query::{Limits, Stop, reason};
use crate::schema::Schema;
use crate::source::{extension, file_name};
use crate::words::words;
use crate::{delimited, json, parquet};

/// A page of SQLite's: the unit in which a database in memory is bounded.
const PAGE_BYTES: u64 = 4096;
/// Tables in memory take up to this many times the bytes that files may have.
const MEMORY_PER_FILE_BYTE: u64 = 4;
/// How many rows are read between two looks at whether to stop.
const ROWS_PER_LOOK: u64 = 1_000;
/// Columns that a table may have.
pub(crate) const MOST_COLUMNS: usize = 500;

/// A table that was made of a file: what is known of it beside what the database tells.
pub(crate) struct Loaded {
    /// The table's name.
    pub(crate) table: String,
    /// What was decided without certainty, or left out, while reading.
    pub(crate) remarks: Vec<String>,
    /// The currency or `%` of a column.
    pub(crate) units: Vec<(String, &'static str)>,
}

/// Why a file did not become a table.
#[derive(Debug)]
pub(crate) enum LoadError {
    Fault(FileFault),
    Database(rusqlite::Error),
    TooManyRows,
    /// One part of the file would take too much memory, before it comes to the database.
    TooLargeUnpacked,
    Stopped,
}

impl From<FileFault> for LoadError {
    fn from(fault: FileFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<rusqlite::Error> for LoadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl LoadError {
    fn into_error(self, path: &Path, format: Format, limits: &Limits) -> Error {
        let place = path.display().to_string();
        match self {
            Self::Fault(fault) => {
                let path = path.to_owned();
                match format {
                    Format::Delimited => Error::Csv { path, fault },
                    Format::Json => Error::Json { path, fault },
                    Format::Parquet => Error::Parquet { path, fault },
                }
            }
            Self::Database(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                Error::TooLargeUnpacked { place, limit: memory(limits) }
            }
            Self::Database(error) => Error::Database { place, reason: reason(&error) },
            Self::TooManyRows => Error::TooManyRows { place, limit: limits.file_rows },
            Self::TooLargeUnpacked => Error::TooLargeUnpacked { place, limit: memory(limits) },
            Self::Stopped => Error::Stopped,
        }
    }
}

/// How many rows may still be read, and whether to go on.
pub(crate) struct Allowance<'a> {
    left: u64,
    stop: &'a Stop,
}

impl<'a> Allowance<'a> {
    pub(crate) fn new(rows: u64, stop: &'a Stop) -> Self {
        Self { left: rows, stop }
    }

    /// Counts one row.
    pub(crate) fn row(&mut self) -> Result<(), LoadError> {
        self.left = self.left.checked_sub(1).ok_or(LoadError::TooManyRows)?;
        if self.left.is_multiple_of(ROWS_PER_LOOK) { self.look() } else { Ok(()) }
    }

    /// Looks at whether to stop.
    pub(crate) fn look(&self) -> Result<(), LoadError> {
        if self.stop.is_asked() { Err(LoadError::Stopped) } else { Ok(()) }
    }

    /// Rows that may still be read.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }
}

/// A value of a format that says what its values are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Decimal(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Integer(n) => ToSqlOutput::Borrowed(ValueRef::Integer(*n)),
            Self::Decimal(x) => ToSqlOutput::Borrowed(ValueRef::Real(*x)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// Makes a table of `columns` (name, declared type) and of the rows that `rows` hands to its
/// argument. If that fails, there is no table.
pub(crate) fn fill<V: ToSql>(
    connection: &mut Connection,
    table: &str,
    columns: &[(String, &'static str)],
    rows: impl FnOnce(&mut dyn FnMut(&[V]) -> Result<(), LoadError>) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let declared: Vec<String> =
        columns.iter().map(|(name, kind)| format!("{} {kind}", quote(name))).collect();
    let transaction = connection.transaction()?;
    transaction.execute_batch(&format!("CREATE TABLE {} ({})", quote(table), declared.join(", ")))?;
    {
        let places = vec!["?"; columns.len()].join(", ");
        let mut statement =
            transaction.prepare(&format!("INSERT INTO {} VALUES ({places})", quote(table)))?;
        rows(&mut |cells| {
            statement.execute(params_from_iter(cells))?;
            Ok(())
        })?;
    }
    transaction.commit()?;
    Ok(())
}

/// What a file is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Delimited,
    Json,
    Parquet,
}

impl Format {
    /// By its first bytes or by its name. What is neither is CSV, whose reader says what it is instead.
    fn of(path: &Path, bytes: &[u8]) -> Self {
        match extension(path).as_str() {
            _ if bytes.starts_with(parquet::MAGIC) => Self::Parquet,
            "parquet" | "pq" => Self::Parquet,
            "json" | "ndjson" | "jsonl" => Self::Json,
            _ => Self::Delimited,
        }
    }
}

/// Bytes of memory that the tables of all files together may take.
fn memory(limits: &Limits) -> u64 {
    limits.file_bytes.saturating_mul(MEMORY_PER_FILE_BYTE)
}

/// Loads files into a database in memory, a table each.
pub(crate) fn files(
    paths: &[PathBuf],
    name: &str,
    limits: &Limits,
    stop: &Stop,
) -> Result<(Connection, Vec<Loaded>), Error> {
    let too_large = |bytes| Error::TooLarge { place: name.to_owned(), bytes, limit: limits.file_bytes };
    let mut total = 0;
    for path in paths {
        total += fs::metadata(path).map_err(unreadable(path))?.len();
    }
    if total > limits.file_bytes {
        return Err(too_large(total));
    }
    let unusable =
        |error: rusqlite::Error| Error::Database { place: name.to_owned(), reason: reason(&error) };
    let mut connection = Connection::open_in_memory().map_err(unusable)?;
    guard::distrust(&connection).map_err(unusable)?;
    let pages = memory(limits) / PAGE_BYTES + 256;
    connection.execute_batch(&format!("PRAGMA max_page_count = {pages}")).map_err(unusable)?;
    let mut loaded = Vec::with_capacity(paths.len());
    let mut left = limits.file_bytes;
    let mut allowance = Allowance::new(limits.file_rows, stop);
    for path in paths {
        // The size that was asked for may not be the size that is read: a file that grows.
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(unreadable(path))?;
        file.take(left + 1).read_to_end(&mut bytes).map_err(unreadable(path))?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| too_large(limits.file_bytes + 1))?;
        let table = table_name(path, &loaded);
        let format = Format::of(path, &bytes);
        let made = match format {
            Format::Delimited => delimited::load(&mut connection, &table, &bytes, &mut allowance),
            Format::Json => json::load(&mut connection, &table, &bytes, &mut allowance),
            Format::Parquet => parquet::load(&mut connection, &table, bytes, &mut allowance),
        };
        loaded.push(made.map_err(|error| error.into_error(path, format, limits))?);
    }
    Ok((connection, loaded))
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Unreadable { path: path.to_owned(), source }
}

/// A table's name from its file's: letters, figures and underscores, never taken twice.
fn table_name(path: &Path, taken: &[Loaded]) -> String {
    let stem = path.with_extension("");
    let mut name: String =
        file_name(&stem).chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).take(60).collect();
    let bad_start = name.starts_with(|c: char| c.is_numeric());
    if words(&name).is_empty() || bad_start || name.to_lowercase().starts_with("sqlite_") {
        name = format!("table_{name}");
    }
    let is_taken = |name: &str| taken.iter().any(|t| t.table.eq_ignore_ascii_case(name));
    let mut unique = name.clone();
    let mut copy = 2;
    while is_taken(&unique) {
        unique = format!("{name}_{copy}");
        copy += 1;
    }
    unique
}

/// Adds what the files said to what the database tells.
pub(crate) fn describe(schema: &mut Schema, loaded: Vec<Loaded>) {
    let many = loaded.len() > 1;
    for file in loaded {
        if let Some(table) = schema.tables.iter_mut().find(|t| t.name == file.table) {
            for (name, unit) in file.units {
                if let Some(column) = table.columns.iter_mut().find(|c| c.name == name) {
                    column.unit = Some(unit.to_owned());
                }
            }
        }
        for remark in file.remarks {
            schema.remarks.push(if many { format!("{}: {remark}", file.table) } else { remark });
        }
    }
}
