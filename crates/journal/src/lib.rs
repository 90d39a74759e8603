//! The log on NATS JetStream, its in-memory twin and its failure-injecting twin, behind one port.
//!
//! [`Journal`] is what the rest of Longhaul uses: it appends commits with a certain outcome, reads
//! and folds one task, follows a shard, hands out dispatched runs. Below it a [`port::Port`] moves
//! bytes: over JetStream, or over [`memory::Memory`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod act;
mod append;
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
mod take;
mod tries;

pub use act::Outcome;
pub use append::{DEADLINE, stamp};
pub use clock::{Clock, new_id, now};
pub use entry::{Entry, Follower};
pub use error::{ActError, CommitError, Error};
pub use journal::Journal;
pub use longhaul_wire::live::{Change, Changed, TextDelta};
pub use longhaul_wire::{Parsed, Record, Shard, Shards};
pub use nats::{Auth, ConnectOptions};
pub use objects::{MAX_INLINE, MAX_OBJECT, MAX_PAYLOAD};
pub use port::{Answer, Durability, PortError, PortInfo, Request, ServiceSpec};
pub use take::Taken;
