//! A state of the model: the log as far as anybody may still depend on it, what every process holds in
//! memory, and what is on its way.

use longhaul_core::RunNumber;

use super::laws::{Law, Past};
use super::pure::{Deed, Rec, Seen, Snap};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) tasks: Vec<Task>,
    /// How many commits the ledger has.
    pub(crate) ledger: u32,
    /// Boards as schedulers may see them: the latest last, those before it as many as a scheduler may
    /// lag behind. A scheduler keeps nothing else that it could not read again.
    pub(crate) views: Vec<Seen>,
    /// Appends to the ledger under way, one for each scheduler at most.
    pub(crate) admissions: Vec<Request>,
    pub(crate) executors: [Executor; 2],
    /// Whoever wants one thing of one task, and tries until it is done or refused.
    pub(crate) errands: Vec<Errand>,
    /// Appends under way whose senders are gone.
    pub(crate) strays: Vec<Request>,
    /// How many tasks the submitting client has submitted, or is about to.
    pub(crate) submitted: usize,
    /// The id of the next executor that starts.
    pub(crate) unborn: u8,
    pub(crate) left: Chances,
    pub(crate) broken: Option<Law>,
}

/// A task, by its history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Task {
    pub(crate) snap: Snap,
    /// What the laws have to know of its history.
    pub(crate) past: Past,
    /// Runs the ledger admits, as bits.
    pub(crate) admitted: u32,
    /// Runs that were handed out, as bits. A dispatch may be delivered again at any time.
    pub(crate) dispatched: u32,
}

/// An append under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Request {
    /// The task whose history it is for; nothing for the ledger.
    pub(crate) task: Option<usize>,
    /// How many commits the subject must have; nothing if that does not matter.
    pub(crate) expect: Option<u32>,
    pub(crate) record: Rec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Executor {
    /// Fresh at each start.
    pub(crate) id: u8,
    pub(crate) doing: Doing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Doing {
    Nothing,
    /// It took a dispatch.
    Starting {
        task: usize,
        run: RunNumber,
        request: Request,
    },
    /// It holds a run, or believes so.
    Holding {
        task: usize,
        run: RunNumber,
        view: Snap,
        said: Said,
    },
}

/// What became of the last thing a run said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Said {
    Known,
    Sent(Request),
    /// It is on the log, as the first to follow what was known; but the answer was lost.
    Unsure {
        landed: Snap,
        record: Rec,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Errand {
    pub(crate) task: usize,
    pub(crate) deed: Deed,
    pub(crate) request: Option<Request>,
}

/// How often something may still happen that does not happen by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Chances {
    /// A process loses its memory.
    pub(crate) crashes: u8,
    /// An append is done, and its answer does not arrive.
    pub(crate) lost_answers: u8,
    /// A run is declared lost although its executor is there, only slow.
    pub(crate) slow: u8,
    pub(crate) aborts: u8,
    pub(crate) retries: u8,
    pub(crate) slices: u8,
    pub(crate) fails: u8,
    pub(crate) asks: u8,
}

impl Executor {
    /// Whether its beats name the run.
    pub(crate) fn holds(&self, id: u8, of: usize, number: RunNumber) -> bool {
        match self.doing {
            Doing::Nothing => false,
            Doing::Starting { task, run, .. } | Doing::Holding { task, run, .. } => {
                self.id == id && task == of && run == number
            }
        }
    }
}
