//! The auditor: whether a log keeps what is promised, read from its records alone.
//!
//! An [`Audit`] is a fold of one shard of the log, record by record, in order. It goes by the same
//! `apply` as every other reader and by a count of slots of its own, and says what breaks which
//! [`Rule`], where, and what was expected there: see [`Finding`]. What only the outside knows, above
//! all what was acknowledged, is said at the end: see [`Outside`].
//!
//! ```
//! # use longhaul_audit::{Audit, Entry, Outside, Recall};
//! # use longhaul_core::TaskRef;
//! # use longhaul_wire::{Shard, Shards};
//! # fn history(_: &TaskRef) -> Vec<Entry<'static>> { Vec::new() }
//! # let log: Vec<Entry<'static>> = Vec::new();
//! let mut audit = Audit::new(Shards::ONE, Shard(0));
//! for entry in log {
//!     // Tasks that have ended are let go of; should one go on, it is asked for.
//!     while let Err(Recall { task }) = audit.read(entry) {
//!         audit.recall(&task, history(&task));
//!     }
//! }
//! let report = audit.report(&Outside::default());
//! assert_eq!(report.findings, []);
//! ```
//!
//! What it holds: the states of the tasks that live, and a mark of 8 bytes for each that has ended.
//!
//! [`Stored`] is a record in a file, so that the log of a failure can be kept and read again:
//! [`HistoryWriter`] gives its lines, [`History`] reads and audits it.
//!
//! Nothing here does I/O, waits, or reads a clock.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod audit;
mod broken;
mod conclude;
mod difference;
mod entry;
mod file;
mod finding;
mod gaps;
mod history;
mod known;
mod live;
mod report;
mod sample;
mod slots;

pub use audit::{Audit, Recall};
pub use difference::{Change, changes, difference, shown};
pub use entry::Entry;
pub use file::{Extent, History, HistoryWriter};
pub use finding::{Finding, Rule};
pub use history::{Header, LineError, Stored, whole};
pub use known::{Fate, Known, Step};
pub use report::{Figures, Outside, Report, Sums, Unfinished};
