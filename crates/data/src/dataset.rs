//! An opened data set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::{Engine, Sqlite};
use crate::error::{Error, QueryError};
use crate::postgres::{Connections, Postgres};
use crate::query::{Limits, Rows, Stop};
use crate::schema::Schema;
use crate::source::{Found, Source};

/// A data set that can be asked. It is described once, when it is opened, and can only be read.
///
/// Everything here blocks: call it on a thread that may.
pub struct Dataset {
    engine: Engine,
    schema: Schema,
    limits: Limits,
    stop: Stop,
}

impl Dataset {
    /// Opens a `source` that is files and describes it. `roots` are the only folders whose files may
    /// be read; none means any.
    ///
    /// # Errors
    ///
    /// The files cannot be read, are not what they should be, or exceed `limits`; or `stop` was
    /// asked meanwhile. A connection to a database is not known here.
    pub fn open(source: &Source, roots: &[PathBuf], limits: &Limits, stop: &Stop) -> Result<Self, Error> {
        Self::open_with(source, roots, &Connections::default(), limits, stop)
    }

    /// Opens `source` as [`Dataset::open`] does; it may name one of the `connections` too.
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::open`]; or there is no connection of that name, its database is out of
    /// reach, or its role may do more than read.
    pub fn open_with(
        source: &Source,
        roots: &[PathBuf],
        connections: &Connections,
        limits: &Limits,
        stop: &Stop,
    ) -> Result<Self, Error> {
        let name = source.name();
        let sqlite = |(sqlite, schema)| (Engine::Sqlite(sqlite), schema);
        let (engine, schema) = match source.find(roots)? {
            Found::Sample => sqlite(Sqlite::sample(&name, limits, stop)?),
            Found::Sqlite(path) => sqlite(Sqlite::open(&path, &name, limits, stop)?),
            Found::Files(paths) => sqlite(Sqlite::load(&paths, &name, limits, stop)?),
            Found::Postgres(connection) => {
                let (postgres, schema) = Postgres::open(&connection, connections, limits, stop)?;
                (Engine::Postgres(Box::new(postgres)), schema)
            }
        };
        Ok(Self { engine, schema, limits: limits.clone(), stop: stop.clone() })
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
        self.engine.check(sql, &self.limits, &self.stop)
    }

    /// What a statement would take, without running it: `rows_read`, the rows of the tables it reads,
    /// each table once; of a PostgreSQL database also `cost`, as its planner has it. A figure that is not
    /// known is left out.
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::check`].
    pub fn figures(&mut self, sql: &str) -> Result<BTreeMap<String, u64>, QueryError> {
        self.engine.figures(sql, &self.schema, &self.limits, &self.stop)
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
        self.engine.query(sql, &self.limits, &self.stop)
    }
}
