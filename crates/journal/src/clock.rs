//! Clocks and fresh ids: what the pure core is handed from outside.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longhaul_core::{ApprovalId, CommitId, EventId, ExecutorId, TaskId, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;

/// Where a journal takes its time from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The system's clock.
    System,
    /// The system's clock as it was at `base`, moved on by the runtime's: where a test pauses and
    /// advances the runtime's time, the written times move with it.
    Runtime {
        /// The moment it began.
        base: Timestamp,
        /// The runtime's instant at that moment.
        start: Instant,
    },
}

impl Clock {
    /// A clock that follows the runtime's from now on.
    pub fn runtime() -> Self {
        Self::Runtime { base: now(), start: Instant::now() }
    }

    /// Now, by this clock.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => now(),
            Self::Runtime { base, start } => Timestamp(base.0.saturating_add(millis(start.elapsed()))),
        }
    }
}

/// Now, by the system's clock.
pub fn now() -> Timestamp {
    Timestamp(match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => millis(since),
        Err(before) => -millis(before.duration()),
    })
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// An id that can be made afresh.
pub trait FreshId {
    /// Wraps a UUID.
    fn from_uuid(uuid: Uuid) -> Self;
}

macro_rules! fresh {
    ($($id:ty),*) => {
        $(impl FreshId for $id {
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
        })*
    };
}

fresh!(TaskId, EventId, CommitId, ApprovalId, ExecutorId);

/// A fresh id: a UUID v7, so that ids sort by the time they were made.
#[expect(clippy::disallowed_methods, reason = "this is the one place where ids are made")]
pub fn new_id<T: FreshId>() -> T {
    T::from_uuid(Uuid::now_v7())
}
