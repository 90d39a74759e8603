//! An opened data set.

use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempPath;

use super::error::{Error, QueryError};
use super::guard::{self, Refusals};
use super::inspect::inspect;
use super::load;
use super::query::{self, Limits, Rows, Stop, reason};
use super::schema::Schema;
use super::source::{Found, Source};

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
            Found::Files(paths) => {
                let (connection, loaded) = load::files(&paths, &name, limits, stop)?;
                (connection, None, loaded)
            }
        };
        let unusable =
            |error: rusqlite::Error| Error::Database { place: name.clone(), reason: reason(&error) };
        let mut schema = inspect(&mut connection, &name, limits, stop)?;
        load::describe(&mut schema, loaded);
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
