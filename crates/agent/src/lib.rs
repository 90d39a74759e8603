//! The report agent: data tools, the built-in analyst, documents.
//!
//! A report is made in four steps, each of which gives plain data that can be recorded:
//! *planning* (a [`Schema`](data::Schema) and a request become a plan of queries), *querying*
//! (the queries become answers), *drafting* (plan and answers become a document), *rendering*
//! (the document becomes files, in a child process each).
//!
//! The data is read through the same tools that a language model would call: see [`tools`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

pub mod analyst;
mod handler;
pub mod render;
pub mod skills;
pub mod tools;
mod words;

pub use handler::{Agent, Input, KIND, Output, handle_report};
/// Data sets, and one that ships with the program.
pub use longhaul_data::{self as data, sample};
/// What a document can be set as.
pub use longhaul_document::Format as DocumentFormat;
