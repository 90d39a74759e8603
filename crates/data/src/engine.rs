//! What runs the queries of a data set: one seam for all engines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempPath;

use crate::error::{Error, QueryError};
use crate::guard::{self, Watch};
use crate::inspect::inspect;
use crate::load;
use crate::postgres::Postgres;
use crate::query::{self, Limits, Rows, Stop, reason};
use crate::schema::Schema;

/// The figure of a statement: rows of the tables that it reads.
pub(crate) const ROWS_READ: &str = "rows_read";

/// An engine with data to ask, which it lets nobody change.
pub(crate) enum Engine {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl Engine {
    /// Looks whether a statement would be run, without running it.
    pub(crate) fn check(&mut self, sql: &str, limits: &Limits, stop: &Stop) -> Result<(), QueryError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.check(sql),
            Self::Postgres(postgres) => postgres.check(sql, limits, stop),
        }
    }

    /// What a statement would take, by the names of the figures.
    pub(crate) fn figures(
        &mut self,
        sql: &str,
        schema: &Schema,
        limits: &Limits,
        stop: &Stop,
    ) -> Result<BTreeMap<String, u64>, QueryError> {
        match self {
            Self::Sqlite(sqlite) => {
                let rows = sqlite.rows_read(sql, schema)?;
                Ok(rows.map(|rows| (ROWS_READ.to_owned(), rows)).into_iter().collect())
            }
            Self::Postgres(postgres) => postgres.figures(sql, limits, stop),
        }
    }

    /// Runs one reading statement.
    pub(crate) fn query(&mut self, sql: &str, limits: &Limits, stop: &Stop) -> Result<Rows, QueryError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query(sql, limits, stop),
            Self::Postgres(postgres) => postgres.query(sql, limits, stop),
        }
    }
}

/// A connection that is locked to reading.
pub(crate) struct Sqlite {
    connection: Connection,
    watch: Watch,
    /// The sample lies in a file of its own, which goes with the data set.
    _file: Option<TempPath>,
}

impl Sqlite {
    /// Opens a database file.
    pub(crate) fn open(
        path: &Path,
        name: &str,
        limits: &Limits,
        stop: &Stop,
    ) -> Result<(Self, Schema), Error> {
        Self::lock(open_file(path, name)?, name, limits, stop, None)
    }

    /// Opens the sample that ships with the program.
    pub(crate) fn sample(name: &str, limits: &Limits, stop: &Stop) -> Result<(Self, Schema), Error> {
        let file = sample_file()?;
        Self::lock(open_file(&file, name)?, name, limits, stop, Some(file))
    }

    /// Loads files into a database in memory.
    pub(crate) fn load(
        paths: &[PathBuf],
        name: &str,
        limits: &Limits,
        stop: &Stop,
    ) -> Result<(Self, Schema), Error> {
        let (connection, loaded) = load::files(paths, name, limits, stop)?;
        let (sqlite, mut schema) = Self::lock(connection, name, limits, stop, None)?;
        load::describe(&mut schema, loaded);
        Ok((sqlite, schema))
    }

    fn lock(
        mut connection: Connection,
        name: &str,
        limits: &Limits,
        stop: &Stop,
        file: Option<TempPath>,
    ) -> Result<(Self, Schema), Error> {
        let schema = inspect(&mut connection, name, limits, stop)?;
        let watch = guard::lock(&mut connection)
            .map_err(|error| Error::Database { place: name.to_owned(), reason: reason(&error) })?;
        Ok((Self { connection, watch, _file: file }, schema))
    }

    fn check(&mut self, sql: &str) -> Result<(), QueryError> {
        self.tables(sql).map(drop)
    }

    /// The tables that a statement reads.
    fn tables(&mut self, sql: &str) -> Result<BTreeSet<String>, QueryError> {
        guard::check(sql)?;
        self.watch.take();
        let answer = query::prepare(&self.connection, sql);
        let seen = self.watch.take();
        or_refused(answer, seen.refused)?;
        Ok(seen.reads)
    }

    /// The rows of the tables that a statement reads; nothing where they were not counted.
    fn rows_read(&mut self, sql: &str, schema: &Schema) -> Result<Option<u64>, QueryError> {
        let reads = self.tables(sql)?;
        let known = schema.tables.iter().filter(|table| reads.contains(&table.name));
        Ok(known.map(|table| table.rows).sum())
    }

    fn query(&mut self, sql: &str, limits: &Limits, stop: &Stop) -> Result<Rows, QueryError> {
        guard::check(sql)?;
        self.watch.take();
        let answer = query::run(&mut self.connection, sql, limits, stop);
        or_refused(answer, self.watch.take().refused)
    }
}

/// What the authorizer refused is why a statement failed.
fn or_refused<T>(answer: Result<T, QueryError>, refused: Option<String>) -> Result<T, QueryError> {
    match (answer, refused) {
        (Err(_), Some(reason)) => Err(QueryError::Refused { reason }),
        (answer, _) => answer,
    }
}

fn open_file(path: &Path, name: &str) -> Result<Connection, Error> {
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
