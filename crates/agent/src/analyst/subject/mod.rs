//! What the data is about: which table holds what happened, when, how much, to whom.
//!
//! Everything here is read off names, types, keys and counts. Where a guess decides what a figure
//! means, the document says what it was.

mod dimension;
mod fact;
mod joins;
mod measure;
mod time;

pub(crate) use dimension::{Dimension, Role, is_place, leaves};
pub(crate) use fact::{Fact, facts};
pub(crate) use joins::{Expr, ident};
pub(crate) use measure::Measure;
pub use measure::{Adding, Quantity};
pub(crate) use time::of_column;
