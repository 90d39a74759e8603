//! What the report agent promises, tried from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests may panic")]

mod analyst;
mod chat;
mod consent;
mod csv_files;
mod documents;
mod drafts;
mod folders;
mod guards;
mod handler;
mod limits;
mod long;
mod model;
mod paths;
mod renderer;
mod stage;
mod support;
mod tools;
mod wording;
