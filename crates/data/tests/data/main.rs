//! What data sets hold and answer, format by format.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod figures;
mod json_files;
mod orders;
mod parquet_files;
mod postgres;
mod postgres_refusals;
mod same_answers;
mod server;
mod support;
