//! Tests of the scheduler: the synchronous half alone, then the whole over the log's twins.

pub(crate) mod facts;
mod lab;
mod reactions;
mod whole;
