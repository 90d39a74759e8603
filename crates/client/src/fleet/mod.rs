//! Many tasks at once, as they stand and as they change: what a dashboard shows.
//!
//! First a projector's lists say how everything stands, as of a place in the log; then the log itself
//! is followed from that place. What changes is folded here by [`apply_commit`](longhaul_core::apply_commit),
//! as everywhere else: a task whose state is not in memory is read from its own history first. So what
//! comes out is never a guess, and never behind the log by more than its reader.
//!
//! Everything comes as [`Word`]s on one bounded channel: a slow reader stops the following, and the log
//! keeps what it has not seen. Words are coalesced: of a task only its last state in a batch is told.

mod beats;
mod brief;
mod changes;
mod happening;
mod lists;
mod moment;
mod past;
mod recorded;
mod standing;
mod story;
mod stretch;

use std::time::Duration;

use longhaul_core::{Beat, OrgId, Sequence, Timestamp};
use longhaul_wire::Shard;
use longhaul_wire::query::{BudgetState, Condition, Positions, Queued, SlotsTaken, Tally};
use tokio::sync::mpsc;

use crate::Client;

pub use happening::Happening;
pub use longhaul_wire::query::Brief;
pub use moment::{Moment, Point};
pub use past::{Step, StoryThen};
pub use recorded::{Recorded, RecordedError};
pub use story::Told;
pub use stretch::Stretch;

/// How long changes are gathered into one word.
const GATHER: Duration = Duration::from_millis(30);
/// How many records make one word at most.
const BATCH: usize = 512;
/// How many tasks that have ended are listed, or a few more: the latest submitted. Those that have not
/// ended are listed whatever their number.
pub const LISTED: u64 = 200_000;
/// How long to wait before what failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Whose tasks are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One organisation's.
    Organisation(OrgId),
    /// Everybody's: for operators.
    Everything,
}

impl Scope {
    fn includes(&self, org: &OrgId) -> bool {
        match self {
            Self::Organisation(own) => own == org,
            Self::Everything => true,
        }
    }

    fn org(&self) -> Option<&OrgId> {
        match self {
            Self::Organisation(own) => Some(own),
            Self::Everything => None,
        }
    }
}

/// Something the fleet has to say.
#[derive(Debug, Clone)]
pub enum Word {
    /// What was told before no longer holds: the log is another one than it was. Everything follows
    /// anew.
    Anew,
    /// The log is followed from these places: what is told from now on is of the log as it was there,
    /// and of what has come since.
    From(Positions),
    /// How many tasks there are, hidden ones left out: told once, early, where the projector says it.
    Counted {
        /// By status.
        tally: Tally,
        /// About so many have ended and are too old to be listed. [`Client::briefs`] finds them.
        older: u64,
    },
    /// A page of tasks, as the projector has them: first those that have not ended, then the others,
    /// the latest first. One of a lower sequence than is known is old news.
    Listed {
        /// The tasks.
        tasks: Vec<Brief>,
        /// Tasks of the page of which nothing can be read.
        unreadable: u32,
        /// The last page.
        last: bool,
    },
    /// What happened in the log.
    Happened(Box<Changes>),
    /// Heartbeats heard since the last such word, one for each executor at most.
    Beats(Vec<Pulse>),
    /// The link to the log: told each time it was tried.
    Link(Link),
    /// How the projector is; nothing: none answers.
    Projector(Option<Box<Condition>>),
    /// What waits and why, as far as one page tells.
    Queue(Box<Queued>),
    /// How the slots of the client's own organisation stand.
    Slots(Box<SlotsTaken>),
    /// How the token budget of the client's own organisation stands; nothing: it has none.
    Budget(Option<BudgetState>),
}

/// What happened in a stretch of the log.
#[derive(Debug, Clone)]
pub struct Changes {
    /// In which shard.
    pub shard: Shard,
    /// Read up to here.
    pub up_to: Sequence,
    /// When the server stored the last of it.
    pub stored_at: Timestamp,
    /// How many later records there were when this was read: how far this reader is behind.
    pub behind: u64,
    /// Each task that changed, as it stands after all of it.
    pub tasks: Vec<Brief>,
    /// What happened, event by event, oldest first.
    pub events: Vec<Happening>,
    /// Records that could not be read.
    pub unreadable: u32,
}

/// A heartbeat, and when it was heard.
#[derive(Debug, Clone)]
pub struct Pulse {
    /// What was said.
    pub beat: Beat,
    /// When it was heard, by the log's clock. What was said before this client listened counts from
    /// the time written on it.
    pub heard_at: Timestamp,
}

/// The link to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The log answered.
    Up {
        /// How long that took.
        took: Duration,
        /// The last places of the shards.
        heads: Positions,
        /// When.
        at: Timestamp,
    },
    /// It did not.
    Down {
        /// Why.
        why: String,
        /// When it is tried again.
        next: Timestamp,
    },
}

/// Many tasks at once.
struct Fleet {
    client: Client,
    scope: Scope,
    words: mpsc::Sender<Word>,
}

/// The reader has gone: there is nobody to tell.
struct Gone;

impl Client {
    /// Tells `words` of all tasks in scope until the receiver is dropped. It never gives up: what is
    /// out of reach is tried again, and said.
    pub async fn fleet(&self, scope: Scope, words: mpsc::Sender<Word>) {
        let fleet = Fleet { client: self.clone(), scope, words };
        // The first to notice that the reader has gone ends all of it.
        tokio::select! {
            Gone = fleet.tasks() => {}
            Gone = fleet.beats() => {}
            Gone = fleet.link() => {}
            Gone = fleet.standing() => {}
        }
    }
}

impl Fleet {
    async fn tell(&self, word: Word) -> Result<(), Gone> {
        self.words.send(word).await.map_err(|_| Gone)
    }

    /// Waits, unless the reader goes first, or nobody wants to wait.
    async fn pause(&self, pause: Duration) -> Result<(), Gone> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.client.hurry.notified() => Ok(()),
            () = self.words.closed() => Err(Gone),
        }
    }

    fn shards(&self) -> Vec<Shard> {
        let shards = self.client.journal.shards();
        match &self.scope {
            Scope::Organisation(org) => vec![shards.of(org)],
            Scope::Everything => shards.all().collect(),
        }
    }
}
