//! Data sets: a file or a few, opened read-only, described, and asked.
//!
//! Whatever the data came as, it is one SQLite connection afterwards: the file itself, or a
//! database in memory filled from CSV files. The engine refuses everything but reading, and
//! every query is bounded in rows, bytes and time.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod dataset;
mod delimited;
mod error;
mod guard;
mod inspect;
mod keys;
mod query;
pub mod sample;
mod schema;
mod source;
pub mod words;

pub use dataset::Dataset;
pub use error::{CsvFault, Error, QueryError};
pub use query::{Limits, Rows, Stop};
pub use schema::{Column, ColumnKind, ForeignKey, Schema, Table};
pub use source::Source;
