//! Reading of CSV files: bytes to text, text to records, records to typed tables.
//!
//! Nothing is guessed silently: what was decided without certainty is a remark, which ends up
//! in the document. What cannot be decided is a [`FileFault`](super::FileFault) that names the line.

mod cell;
mod column;
mod date;
mod decode;
mod header;
mod load;
mod sniff;

pub(crate) use header::unique;
pub(crate) use load::{load, quote};
