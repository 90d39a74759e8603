//! What the report agent promises, tried from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests may panic")]

mod csv_files;
mod folders;
mod guards;
mod support;
