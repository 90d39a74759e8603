//! The report agent: data tools, the built-in analyst, documents.
//!
//! A report by the built-in analyst is made in steps, each of which gives plain data that can be
//! recorded: *planning* (a [`Schema`](data::Schema) and a request become a plan of queries), each
//! *query* (it becomes an answer), *drafting* (plan and answers become a document), *rendering* (the
//! document becomes files, in a child process each). A language model takes turns and calls tools
//! instead of planning and querying, each a step too, and hands in a [`Draft`](draft::Draft).
//!
//! Both read the data through the same tools: see [`tools`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

pub mod analyst;
mod chat;
pub mod draft;
mod handler;
mod limit;
pub mod memory;
mod models;
pub mod path;
pub mod render;
pub mod skills;
mod talk;
pub mod tools;
mod words;

pub use chat::{Answered, CHAT, ChatInput, Start, handle_chat};
pub use handler::{Agent, Input, KIND, Output, handle_report};
pub use limit::RateLimits;
/// Data sets, and one that ships with the program.
pub use longhaul_data::{self as data, sample};
/// What a document can be set as.
pub use longhaul_document::Format as DocumentFormat;
pub use models::Models;
