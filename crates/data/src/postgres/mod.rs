//! Data in a PostgreSQL database, asked where it lies.
//!
//! Nothing is kept open: each query has a session of its own, a transaction in it that can only read
//! and is always rolled back, and bounds in rows, bytes and time on both sides. See
//! `docs/decisions` for what keeps the database safe, and from what.

mod ask;
mod connections;
mod guard;
mod inspect;
mod plan;
/// The server of the tests beside this crate.
#[cfg(test)]
#[path = "../../tests/data/server.rs"]
mod server;
mod session;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use crate::error::{Error, QueryError};
use crate::query::{Limits, Rows, Stop};
use crate::schema::Schema;
pub use connections::{ConnectionError, ConnectionSettings, Connections};
use session::Broken;

/// The database of a connection.
pub(crate) struct Postgres {
    config: Config,
}

impl Postgres {
    /// Reaches the database for the first time and describes it.
    pub(crate) fn open(
        name: &str,
        connections: &Connections,
        limits: &Limits,
        stop: &Stop,
    ) -> Result<(Self, Schema), Error> {
        let unknown = || Error::UnknownConnection {
            name: name.chars().take(60).collect(),
            known: connections.names().map(str::to_owned).collect(),
        };
        let config = connections.get(name).ok_or_else(unknown)?.clone();
        // Time to reach it comes on top of the time to describe it, which is kept an eye on there.
        let millis = limits.schema_millis.saturating_add(limits.query_millis);
        let schema = session::run(&config, millis, stop, async |client| {
            inspect::inspect(client, name, limits.schema_millis).await
        });
        let unreachable = |reason: String| Error::Unreachable { name: name.to_owned(), reason };
        let schema = schema.map_err(|broken| match broken {
            Broken::Engine(error) => unreachable(session::reason(&error)),
            Broken::Unreachable(reason) => unreachable(reason),
            Broken::Role(reason) => Error::Role { name: name.to_owned(), reason },
            Broken::TooSlow => unreachable(format!("describing it took longer than {millis} ms")),
            Broken::Stopped => Error::Stopped,
        })?;
        Ok((Self { config }, schema))
    }

    /// Looks whether a statement would be run, without running it.
    pub(crate) fn check(&mut self, sql: &str, limits: &Limits, stop: &Stop) -> Result<(), QueryError> {
        let sql = guard::check(sql)?;
        let checked = session::run(&self.config, limits.query_millis, stop, async |client| {
            Ok(ask::prepare(client, &sql).await.map(drop))
        });
        invalid_or(checked, limits)
    }

    /// What a statement would take, by the engine's own plan.
    pub(crate) fn figures(
        &mut self,
        sql: &str,
        limits: &Limits,
        stop: &Stop,
    ) -> Result<BTreeMap<String, u64>, QueryError> {
        let sql = guard::check(sql)?;
        let figures =
            session::run(&self.config, limits.query_millis, stop, async |client| {
                match ask::prepare(client, &sql).await {
                    Ok(prepared) => plan::figures(client, &prepared).await.map(Ok),
                    Err(broken) => Ok(Err(broken)),
                }
            });
        invalid_or(figures, limits)
    }

    /// Runs one reading statement.
    pub(crate) fn query(&mut self, sql: &str, limits: &Limits, stop: &Stop) -> Result<Rows, QueryError> {
        let sql = guard::check(sql)?;
        let answer =
            session::run(&self.config, limits.query_millis, stop, async |client| {
                match ask::prepare(client, &sql).await {
                    Ok(prepared) => ask::run(client, &prepared, limits).await.map(Ok),
                    Err(broken) => Ok(Err(broken)),
                }
            });
        invalid_or(answer, limits)
    }
}

/// What the engine says of a statement before it runs it, is about the statement.
fn invalid_or<T>(answer: Result<Result<T, Broken>, Broken>, limits: &Limits) -> Result<T, QueryError> {
    match answer {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(broken)) => Err(match query_error(broken, limits) {
            QueryError::Failed { reason } => QueryError::Invalid { reason },
            other => other,
        }),
        Err(broken) => Err(query_error(broken, limits)),
    }
}

fn query_error(broken: Broken, limits: &Limits) -> QueryError {
    match broken {
        Broken::Engine(error) => {
            let reason = session::reason(&error);
            let refused = [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::INSUFFICIENT_PRIVILEGE];
            if error.code().is_some_and(|code| refused.contains(code)) {
                return QueryError::Refused { reason };
            }
            QueryError::Failed { reason }
        }
        Broken::Unreachable(reason) => {
            QueryError::Failed { reason: format!("the database cannot be reached: {reason}") }
        }
        Broken::Role(reason) => QueryError::Refused { reason },
        Broken::TooSlow => QueryError::TooSlow { millis: limits.query_millis },
        Broken::Stopped => QueryError::Stopped,
    }
}
