//! Data sets: a file or a few, opened read-only, described, and asked.
//!
//! A PostgreSQL database is asked where it lies, in transactions that can only read.
//!
//! Files are one SQLite connection afterwards: the database that the file is, or one in memory
//! filled from CSV, JSON and Parquet. The engine refuses everything but reading, and every query
//! is bounded in rows, bytes and time.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

// What tests share with those beside this crate names it from outside.
#[cfg(test)]
extern crate self as longhaul_data;

mod dataset;
mod delimited;
mod engine;
mod error;
mod guard;
mod inspect;
mod json;
mod keys;
mod load;
mod parquet;
mod postgres;
mod query;
pub mod sample;
mod schema;
mod source;
pub mod words;

pub use dataset::Dataset;
pub use error::{Error, FileFault, QueryError};
pub use postgres::{ConnectionError, ConnectionSettings, Connections};
pub use query::{Limits, Rows, Stop};
pub use schema::{Column, ColumnKind, Dialect, ForeignKey, Schema, Table};
pub use source::Source;
