//! Answers: each is one read transaction over the read model, with what is known beside it (boards,
//! beats).

mod bell;
mod brief;
mod count;
mod filter;
mod standing;
mod tasks;

#[cfg(test)]
pub(crate) use {
    brief::{size, statements as brief_statements},
    count::statement as count_statement,
    filter::{Conditions, Part, Place},
    tasks::statements,
};

use longhaul_core::Sequence;
use longhaul_journal::Shard;
use longhaul_wire::query::{self, Positions, Query};
use rusqlite::Connection;

use crate::error::QueryError;
use crate::model::rows::unsigned;
use crate::shared::Shared;

/// A question this projector answers.
pub trait Answer: Query + sealed::Sealed {
    /// Does what must be done before the answer is read.
    #[doc(hidden)]
    fn prepare(&self, _: &Preparing<'_>) -> Result<(), QueryError> {
        Ok(())
    }

    /// Reads the answer.
    #[doc(hidden)]
    fn answer(&self, reading: &Reading<'_>) -> Result<Self::Answer, QueryError>;
}

mod sealed {
    /// Only the questions of the wire format are answered.
    pub trait Sealed {}
}

macro_rules! sealed {
    ($($name:ident),*) => {
        $(impl sealed::Sealed for query::$name {})*
    };
}

sealed!(Get, List, Briefs, Count, Queue, Outlook, UsageOf, Bell, MarkRead, Executors, Slots, Health);

/// What a question that changes something may change.
pub struct Preparing<'a> {
    pub(crate) shared: &'a Shared,
}

/// What an answer is read from: the model as of one moment.
pub struct Reading<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) as_of: Positions,
    pub(crate) shared: &'a Shared,
}

impl<'a> Reading<'a> {
    /// Begins to read: what is written from here on is not seen.
    pub(crate) fn begin(db: &'a Connection, shared: &'a Shared) -> Result<Self, QueryError> {
        // Every shard is named, so that an answer says which there are.
        let mut as_of: Positions = shared.shards.all().map(|shard| (shard, Sequence::ZERO)).collect();
        let mut statement = db.prepare_cached("SELECT shard, sequence FROM position")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            as_of.advance(Shard(row.get(0)?), Sequence(unsigned(row.get(1)?)));
        }
        Ok(Self { db, as_of, shared })
    }

    /// The places an answer about one organisation depends on: its shard's.
    pub(crate) fn as_of_org(&self, org: &longhaul_core::OrgId) -> Positions {
        let shard = self.shared.shards.of(org);
        Positions::at(shard, self.as_of.of(shard))
    }
}

/// How many rows a page has, of at most so many.
fn limit(asked: Option<u32>, most: u32) -> Result<usize, QueryError> {
    match asked.unwrap_or(query::PAGE) {
        n if (1..=most).contains(&n) => Ok(n as usize),
        n => Err(QueryError::Unusable(format!("a page has 1 to {most} rows, not {n}"))),
    }
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => Self::TooSlow(crate::shared::TIME),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<crate::Error> for QueryError {
    fn from(error: crate::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
