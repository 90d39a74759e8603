//! The port: the little that Longhaul asks of a log, so that the same code runs over JetStream, over
//! memory, and over a twin that fails on purpose.
//!
//! A port moves bytes under subjects. It knows nothing of tasks: encoding, folding and deciding
//! happen above it.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use longhaul_core::{Digest, Sequence, Timestamp};
use longhaul_wire::cell::{Cell, MAX_CELL};
use longhaul_wire::{Shard, Subject};

/// A message to append.
#[derive(Debug, Clone)]
pub struct Append {
    /// Where.
    pub subject: Subject,
    /// The last sequence the writer has seen on this subject; 0 for none. Without it the append is
    /// unconditional.
    pub expect: Option<Sequence>,
    /// The message.
    pub body: Bytes,
}

/// A stored message.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Where.
    pub subject: Subject,
    /// Its place in the shard.
    pub sequence: Sequence,
    /// When the server stored it.
    pub stored_at: Timestamp,
    /// The message.
    pub body: Bytes,
    /// How many later messages the shard had when this one was read; 0 means caught up.
    pub pending: u64,
}

/// How an append that was not acknowledged ended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody wrote to the subject since: load, decide again.
    #[error("another writer was faster on {subject}")]
    Conflict {
        /// Which subject.
        subject: Subject,
    },
    /// It certainly did not happen; trying again is safe.
    #[error("the append did not happen")]
    DidNotHappen(#[source] PortError),
    /// It may have happened: read the subject and look for one's own commit id.
    #[error("whether the append happened is unknown")]
    MayHaveHappened(#[source] PortError),
}

/// What went wrong below, in the port's own terms.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PortError {
    /// The server cannot be reached, or does not answer in time.
    #[error("the server is out of reach: {0}")]
    Unreachable(String),
    /// The server refuses to store: full, too large, not permitted.
    #[error("the server refuses: {0}")]
    Refused(String),
    /// What is there is not what Longhaul provisioned.
    #[error("{0}")]
    Misconfigured(String),
    /// Nothing is there under this name.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The bytes are not what their name says.
    #[error("{0}")]
    Corrupt(String),
}

/// Why a cell was not replaced.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SwapError {
    /// It holds something else by now, or may: look again.
    #[error("the cell has changed")]
    Changed,
    /// It is out of reach.
    #[error("the cell is out of reach")]
    Unavailable(#[from] PortError),
}

/// How a service answers: with bytes, or with a code and a text.
pub type Answer = Result<Bytes, (u16, String)>;

/// A request to a service, and how to answer it.
pub trait Request: Send + Sync {
    /// Which endpoint.
    fn endpoint(&self) -> &str;
    /// The question.
    fn body(&self) -> &Bytes;
    /// Answers it.
    fn answer(self: Box<Self>, answer: Answer) -> BoxFuture<'static, Result<(), PortError>>;
}

/// A service's description for discovery.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    /// Its name: `longhaul`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// For people.
    pub description: String,
    /// Its endpoints; requests go to `<name>.<endpoint>`.
    pub endpoints: Vec<String>,
}

/// What the log says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortInfo {
    /// How many shards it was provisioned with.
    pub shards: u16,
    /// What survives which fault, as found in force.
    pub durability: Durability,
    /// The server and its version, for people.
    pub server: String,
    /// Largest message, in bytes.
    pub max_message: usize,
}

/// What an acknowledgement promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// fsync before the acknowledgement: survives the power loss of every machine.
    Strict,
    /// fsync every second: survives a killed server, but a power loss may cost the last second, and
    /// a young log whole.
    Relaxed,
    /// Memory only: the twins.
    None,
    /// The server does not say.
    Unknown,
}

/// Refuses what is too large for a cell.
pub(crate) fn check_cell(cell: &Cell, body: &[u8]) -> Result<(), PortError> {
    let size = body.len();
    if size <= MAX_CELL {
        return Ok(());
    }
    Err(PortError::Refused(format!(
        "the cell {cell} would have {size} bytes; at most {MAX_CELL} are allowed"
    )))
}

/// The log.
pub trait Port: Send + Sync + 'static {
    /// What the log says of itself.
    fn info(&self) -> PortInfo;

    /// By how many milliseconds the log's own clock is ahead of this machine's, as far as is known.
    fn ahead(&self) -> i64 {
        0
    }

    /// Tries at once to reach the log, if it is out of reach. Nothing needs this: it is tried again anyway.
    fn reconnect(&self) {}

    /// Appends one message; its place in the shard is the answer.
    fn append(&self, message: Append) -> BoxFuture<'_, Result<Sequence, AppendError>>;

    /// Appends messages of one shard, each to another subject. Whether they are stored all or nothing
    /// is the port's affair; each message gets its own outcome, in the order given.
    fn append_batch(&self, messages: Vec<Append>) -> BoxFuture<'_, Vec<Result<Sequence, AppendError>>> {
        Box::pin(async move {
            let mut outcomes = Vec::with_capacity(messages.len());
            for message in messages {
                outcomes.push(self.append(message).await);
            }
            outcomes
        })
    }

    /// The whole history of one subject after `after`, oldest first. A strong read: it sees every
    /// append acknowledged before it was called.
    fn read<'a>(
        &'a self,
        subject: &'a Subject,
        after: Sequence,
    ) -> BoxFuture<'a, Result<Vec<Stored>, PortError>>;

    /// The last message of one subject; as strong as [`Port::read`].
    fn last<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Option<Stored>, PortError>>;

    /// The message of a subject at a known place, if it is there. Not a strong read: a copy of the log
    /// that is behind may not have it yet.
    fn at<'a>(
        &'a self,
        subject: &'a Subject,
        sequence: Sequence,
    ) -> BoxFuture<'a, Result<Option<Stored>, PortError>>;

    /// The shard's last sequence.
    fn head(&self, shard: Shard) -> BoxFuture<'_, Result<Sequence, PortError>>;

    /// Every message of a shard after `after`, then those to come, in order, without gaps. The stream
    /// survives reconnection by itself and ends only with an error it cannot recover from.
    fn follow(
        &self,
        shard: Shard,
        after: Sequence,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<Stored, PortError>>, PortError>>;

    /// Makes stored messages unreadable for ever (an erased task's payload). Those that are gone
    /// already are no error.
    fn forget<'a>(&'a self, shard: Shard, sequences: &'a [Sequence]) -> BoxFuture<'a, Result<(), PortError>>;

    /// Replaces the last beat under a name.
    fn beat<'a>(&'a self, executor: &'a str, body: Bytes) -> BoxFuture<'a, Result<(), PortError>>;

    /// The last beat of each name, then those to come.
    fn beats(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, PortError>>, PortError>>;

    /// The value of a cell and its version, if it has one. Not a strong read: [`Port::swap`] tells whether
    /// it was the last one. Asked once, without patience.
    fn cell<'a>(&'a self, cell: &'a Cell) -> BoxFuture<'a, Result<Option<(Sequence, Bytes)>, PortError>>;

    /// Replaces the value of a cell, provided its version is `expect`; 0 if it has none. Versions only
    /// grow. A swap whose outcome is not known counts as [`SwapError::Changed`].
    fn swap<'a>(
        &'a self,
        cell: &'a Cell,
        expect: Sequence,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Sequence, SwapError>>;

    /// Says something to whoever listens right now; nothing is kept.
    fn say<'a>(&'a self, subject: &'a str, body: Bytes) -> BoxFuture<'a, Result<(), PortError>>;

    /// What is said on subjects that match `pattern` from now on.
    fn listen<'a>(
        &'a self,
        pattern: &'a str,
    ) -> BoxFuture<'a, Result<BoxStream<'static, (String, Bytes)>, PortError>>;

    /// Stores an object under its digest. Storing it again changes nothing.
    fn put(&self, digest: Digest, body: Bytes) -> BoxFuture<'_, Result<(), PortError>>;

    /// An object, checked against its digest.
    fn get(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, PortError>>;

    /// Removes an object. One that is gone already is no error.
    fn remove(&self, digest: Digest) -> BoxFuture<'_, Result<(), PortError>>;

    /// Answers requests to a service, shared with every other process that serves it.
    fn serve(
        &self,
        service: ServiceSpec,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Box<dyn Request>>, PortError>>;

    /// Asks a service: `<name>.<endpoint>`. [`PortError::NotFound`] if nobody serves it,
    /// [`PortError::Unreachable`] if nobody answers in time.
    fn ask<'a>(
        &'a self,
        subject: &'a str,
        body: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Answer, PortError>>;
}
