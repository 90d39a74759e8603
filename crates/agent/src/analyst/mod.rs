//! The built-in analyst: a report without a language model.
//!
//! It works in three plain functions, so that what each gives can be recorded and taken up again
//! elsewhere: [`plan`] reads the schema and the request, [`write`] turns the answers of the plan's
//! queries into a document; between the two, whoever runs the report runs the queries.

mod ask;
mod case;
mod find;
pub(crate) mod format;
pub(crate) mod period;
pub(crate) mod plan;
mod planner;
mod questions;
mod request;
mod subject;
mod writer;

pub use crate::words::Noun;
pub use period::{Extent, Grain, Period, Window};
pub use plan::{Kind, Plan, PlannedQuery, Reads};
pub use planner::{Brief, plan};
pub use subject::{Adding, Quantity};
pub use writer::{Answer, gist, write};
