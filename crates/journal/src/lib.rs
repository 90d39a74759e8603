//! The log on NATS JetStream, its in-memory twin and its failure-injecting twin, behind one port.
//!
//! [`Journal`] is what the rest of Longhaul uses: it appends commits with a certain outcome, reads
//! and folds one task, follows a shard, hands runs to executors. Below it a [`port::Port`] moves
//! bytes: over JetStream ([`nats::Nats`]), over [`memory::Memory`], or over [`faulty::Faulty`],
//! which fails on purpose. All three are held to one suite of checks.
//!
//! ```
//! use longhaul_core::{Actor, Command, Role, Status, TaskRef};
//! use longhaul_journal::{Journal, Shards, new_id};
//!
//! # async fn example(submission: longhaul_core::Submission) -> Result<(), Box<dyn std::error::Error>> {
//! let journal = Journal::memory(Shards::ONE);
//! let ada = Actor { role: Role::Client, who: "ada".to_owned(), via: "cli".to_owned() };
//! let task = TaskRef { org: submission.owner.org.clone(), task: new_id() };
//! journal.act(&task, &ada, &Command::Submit(Box::new(submission))).await?;
//!
//! let abort = Command::RequestAbort { by: "ada".to_owned(), reason: None };
//! let outcome = journal.act(&task, &ada, &abort).await?;
//! assert_eq!(outcome.snapshot.status, Status::Aborted);
//! assert_eq!(journal.load(&task).await?, Some(outcome.snapshot));
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod act;
mod append;
mod cells;
pub mod clock;
#[doc(hidden)]
pub mod conformance;
mod entry;
mod error;
pub mod faulty;
mod forget;
mod journal;
mod live;
pub mod memory;
pub mod nats;
mod objects;
pub mod port;
mod tries;

pub use act::Outcome;
pub use append::{DEADLINE, stamp};
pub use cells::Cells;
pub use clock::{Clock, new_id, now};
pub use entry::{Entry, Follower, Unread};
pub use error::{ActError, CommitError, Error};
pub use journal::Journal;
pub use live::UnreadBeat;
pub use longhaul_wire::live::{Change, Changed, TextDelta};
pub use longhaul_wire::{Parsed, Record, Shard, Shards};
pub use nats::{Auth, ConnectOptions};
pub use objects::{Body, MAX_INLINE, MAX_OBJECT, MAX_PAYLOAD};
pub use port::{Answer, Durability, PortError, PortInfo, Request, ServiceSpec, SwapError};
