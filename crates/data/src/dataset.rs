//! An opened data set.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempPath;

use super::delimited;
use super::error::{Error, QueryError};
use super::guard::{self, Refusals};
use super::inspect::inspect;
use super::query::{self, Limits, Rows, Stop, reason};
use super::schema::Schema;
use super::source::{Found, Source, file_name};
use crate::words::words;

/// A data set that can be asked. It is described once, when it is opened, and can only be read.
pub struct Dataset {
    connection: Connection,
    schema: Schema,
    refusals: Refusals,
    limits: Limits,
    stop: Stop,
    /// The sample lies in a file of its own, which goes with the data set.
    _file: Option<TempPath>,
}

/// A page of SQLite's: the unit in which a database in memory is bounded.
const PAGE_BYTES: u64 = 4096;
/// A table in memory takes up to this many times the bytes of its CSV file.
const MEMORY_PER_CSV_BYTE: u64 = 4;

impl Dataset {
    /// Opens `source` and describes it. `roots` are the only folders whose files may be read;
    /// none means any.
    ///
    /// # Errors
    ///
    /// The files cannot be read, are not what they should be, or exceed `limits`; or `stop` was
    /// asked meanwhile.
    pub fn open(source: &Source, roots: &[PathBuf], limits: &Limits, stop: &Stop) -> Result<Self, Error> {
        let name = source.name();
        let (mut connection, file, loaded) = match source.find(roots)? {
            Found::Sample => {
                let file = sample_file()?;
                (open_sqlite(&file, &name)?, Some(file), Vec::new())
            }
            Found::Sqlite(path) => (open_sqlite(&path, &name)?, None, Vec::new()),
            Found::Delimited(paths) => {
                let (connection, loaded) = load_files(&paths, &name, limits, stop)?;
                (connection, None, loaded)
            }
        };
        let unusable =
            |error: rusqlite::Error| Error::Database { place: name.clone(), reason: reason(&error) };
        let mut schema = inspect(&mut connection, &name, limits, stop)?;
        describe(&mut schema, loaded);
        let refusals = guard::lock(&mut connection).map_err(unusable)?;
        Ok(Self { connection, schema, refusals, limits: limits.clone(), stop: stop.clone(), _file: file })
    }

    /// The tables and what they hold.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Stops what runs now, and everything after it.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Looks whether a statement is one that [`Dataset::query`] would run, without running it.
    ///
    /// # Errors
    ///
    /// It is not one reading statement; it wants more than reading; it is not valid.
    pub fn check(&mut self, sql: &str) -> Result<(), QueryError> {
        guard::check(sql)?;
        self.refusals.take();
        let answer = query::prepare(&self.connection, sql);
        match (answer, self.refusals.take()) {
            (Err(_), Some(reason)) => Err(QueryError::Refused { reason }),
            (answer, _) => answer,
        }
    }

    /// Runs one reading statement.
    ///
    /// # Errors
    ///
    /// It is not one; it wants more than reading; it is not valid; it took too long.
    pub fn query(&mut self, sql: &str) -> Result<Rows, QueryError> {
        if self.stop.is_asked() {
            return Err(QueryError::Stopped);
        }
        guard::check(sql)?;
        self.refusals.take();
        let answer = query::run(&mut self.connection, sql, &self.limits, &self.stop);
        match (answer, self.refusals.take()) {
            (Err(_), Some(reason)) => Err(QueryError::Refused { reason }),
            (answer, _) => answer,
        }
    }
}

fn open_sqlite(path: &Path, name: &str) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        guard::distrust(&connection)?;
        // The first look at the file tells whether it is a database.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        Ok(connection)
    };
    open()
        .map_err(|error: rusqlite::Error| Error::Database { place: name.to_owned(), reason: reason(&error) })
}

fn sample_file() -> Result<TempPath, Error> {
    let write = || {
        let mut file = tempfile::Builder::new().prefix("longhaul-sample-").suffix(".sqlite").tempfile()?;
        file.write_all(crate::sample::chinook())?;
        file.flush()?;
        Ok(file.into_temp_path())
    };
    write().map_err(|source| Error::Unreadable { path: std::env::temp_dir(), source })
}

/// What is known of the tables beside what the database tells.
type Loaded = Vec<delimited::Loaded>;

fn load_files(
    paths: &[PathBuf],
    name: &str,
    limits: &Limits,
    stop: &Stop,
) -> Result<(Connection, Loaded), Error> {
    let too_large = |bytes| Error::TooLarge { place: name.to_owned(), bytes, limit: limits.csv_bytes };
    let mut total = 0;
    for path in paths {
        total += fs::metadata(path).map_err(unreadable(path))?.len();
    }
    if total > limits.csv_bytes {
        return Err(too_large(total));
    }
    let unusable =
        |error: rusqlite::Error| Error::Database { place: name.to_owned(), reason: reason(&error) };
    let mut connection = Connection::open_in_memory().map_err(unusable)?;
    guard::distrust(&connection).map_err(unusable)?;
    let pages = limits.csv_bytes.saturating_mul(MEMORY_PER_CSV_BYTE) / PAGE_BYTES + 256;
    connection.execute_batch(&format!("PRAGMA max_page_count = {pages}")).map_err(unusable)?;
    let mut loaded: Loaded = Vec::with_capacity(paths.len());
    let mut left = limits.csv_bytes;
    for path in paths {
        // The size that was asked for may not be the size that is read: a file that grows.
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(unreadable(path))?;
        file.take(left + 1).read_to_end(&mut bytes).map_err(unreadable(path))?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| too_large(limits.csv_bytes + 1))?;
        let table = table_name(path, &loaded);
        loaded.push(
            delimited::load(&mut connection, &table, &bytes, stop).map_err(|error| error.into_error(path))?,
        );
    }
    Ok((connection, loaded))
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Unreadable { path: path.to_owned(), source }
}

/// A table's name from its file's: letters, figures and underscores, never taken twice.
fn table_name(path: &Path, taken: &Loaded) -> String {
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

fn describe(schema: &mut Schema, loaded: Loaded) {
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
