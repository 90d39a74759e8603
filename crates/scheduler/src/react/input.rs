//! What happens to a shard's scheduler, and what it wants done.

use std::sync::Arc;

use longhaul_core::{
    Admission, Beat, Command, Dispatch, ExecutorId, Millis, OrgId, Rejection, Sequence, TaskRef, Timestamp,
};
use longhaul_journal::Entry;

/// A moment of the scheduler's own monotonic clock, since it began. Leases count on this.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) Millis);

impl Moment {
    pub(crate) fn plus(self, span: Millis) -> Self {
        Self(Millis(self.0.0.saturating_add(span.0)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub(crate) fn since(self, earlier: Self) -> Millis {
        Millis(self.0.0.saturating_sub(earlier.0.0))
    }
}

/// Now, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// The monotonic one.
    pub(crate) moment: Moment,
    /// The one that times on the log are compared with.
    pub(crate) wall: Timestamp,
}

/// What happens.
#[derive(Debug)]
pub(crate) enum Input {
    /// The shard is followed, for the first time or again; it ends here at present.
    Connected { head: Sequence },
    /// The shard is not followed any more.
    Disconnected,
    /// The log is not the one that was followed: begin anew.
    OtherLog,
    /// The next record.
    Entry(Box<Entry>),
    /// An executor's beat that was not heard before.
    Beat(Arc<Beat>),
    /// The scheduler's own beat, sent at this moment, came back: every beat before it was heard.
    Echo { sent: Moment },
    /// Nothing more is ready: time to see who can be admitted.
    Idle,
    /// Time has passed.
    Tick,
    /// What came of an effect.
    Outcome(Outcome),
}

/// What is to be done. All of it may be done twice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Append to an organisation's ledger.
    Admit { org: OrgId, admissions: Vec<Admission>, expect: Sequence },
    /// Hand an admitted run to an executor.
    Dispatch { dispatch: Dispatch, to: ExecutorId },
    /// Decide and commit, for a task.
    Act { task: TaskRef, command: Command },
    /// Read a task's whole history.
    Load(TaskRef),
}

/// What came of an effect.
#[derive(Debug)]
pub(crate) enum Outcome {
    Admitted {
        org: OrgId,
        admissions: Vec<Admission>,
        result: Result<Sequence, NotAdmitted>,
    },
    Acted {
        task: TaskRef,
        result: Result<(), NotDone>,
    },
    /// Nothing if the log did not answer.
    Loaded {
        task: TaskRef,
        history: Option<Vec<Entry>>,
    },
}

/// Why nothing was appended to a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    /// Another scheduler was faster.
    Conflict,
    /// The log did not do it.
    Failed,
}

/// Why a command had no effect.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// The rules do not allow it now.
    Rejected(Rejection),
    /// The log did not do it.
    Failed,
}
