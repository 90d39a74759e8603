//! Where a handler and the writer of its run meet: what is said on one side, what the log says on
//! the other.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longhaul_core::{Act, Rejection, Sequence, Snapshot, Usage};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outbox::{Entry, Outbox};

/// How much may wait for the log before whoever writes text is held back, in bytes.
const FULL: usize = 256 * 1024;

/// How much may wait before it goes to the log without further delay, in bytes.
const MUCH: usize = 32 * 1024;

/// Why something said is not in the log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refused {
    /// The run has ended.
    Over,
    /// The rules do not allow it.
    Rejected(Rejection),
    /// It is larger than a record may be, in bytes.
    TooLarge { size: usize, limit: usize },
    /// Nobody could read it back.
    Unusable(String),
}

/// How whoever said something hears of its fate.
pub(crate) type Receipt = oneshot::Sender<Result<(), Refused>>;

/// What there is to do for the writer.
pub(crate) enum Work {
    /// Somebody else wrote to the task.
    News,
    /// This is to be written.
    Write(Vec<Entry<Receipt>>),
}

pub(crate) struct Desk {
    inner: Mutex<Inner>,
    /// The writer has something to do.
    work: Notify,
    /// There is room again, or the run is over.
    room: Notify,
    /// An abort is asked for.
    aborting: CancellationToken,
    /// The run has ended: nothing more is written.
    over: CancellationToken,
    /// The handler must go at once: its run was taken from it.
    cut: CancellationToken,
}

#[derive(Default)]
struct Inner {
    outbox: Outbox<Receipt>,
    /// Up to here somebody else has written to the task.
    news: Sequence,
    usage: Usage,
    /// What this run has said in each segment, in bytes.
    said: HashMap<u32, u64>,
}

impl Desk {
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let desk = Self {
            inner: Mutex::default(),
            work: Notify::new(),
            room: Notify::new(),
            aborting: CancellationToken::new(),
            over: CancellationToken::new(),
            cut: CancellationToken::new(),
        };
        desk.publish(snapshot);
        desk
    }

    // A panic while the lock is held cannot leave half a change behind that matters more than the
    // panic itself.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something and waits until it is in the log.
    pub(crate) async fn say(&self, act: Act) -> Result<(), Refused> {
        let (receipt, fate) = oneshot::channel();
        self.push(act, Some(receipt))?;
        fate.await.unwrap_or(Err(Refused::Over))
    }

    /// Says something that goes to the log soon, if the run is still under way.
    pub(crate) fn mention(&self, act: Act) {
        // What a run says after its end is of no use to anybody.
        let _ = self.push(act, None);
    }

    fn push(&self, act: Act, receipt: Option<Receipt>) -> Result<(), Refused> {
        let mut inner = self.lock();
        if self.over.is_cancelled() {
            return Err(Refused::Over);
        }
        inner.outbox.push(act, receipt);
        drop(inner);
        self.work.notify_one();
        Ok(())
    }

    /// Appends a piece of text to a segment once there is room, and gives the place in the segment
    /// where it begins, in bytes.
    pub(crate) async fn append_text(&self, segment: u32, text: &str) -> Result<u64, Refused> {
        loop {
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            if let Some(offset) = self.try_append_text(segment, text)? {
                return Ok(offset);
            }
            room.await;
        }
    }

    /// As [`Desk::append_text`]; nothing if there is no room.
    fn try_append_text(&self, segment: u32, text: &str) -> Result<Option<u64>, Refused> {
        let mut inner = self.lock();
        if self.over.is_cancelled() {
            return Err(Refused::Over);
        }
        if inner.outbox.bytes() >= FULL {
            return Ok(None);
        }
        inner.outbox.push(Act::AppendText { segment, text: text.to_owned() }, None);
        let said = inner.said.entry(segment).or_default();
        let offset = *said;
        *said += text.len() as u64;
        drop(inner);
        self.work.notify_one();
        Ok(Some(offset))
    }

    /// What the task has used so far.
    pub(crate) fn usage(&self) -> Usage {
        self.lock().usage
    }

    /// Fires when an abort is asked for, or the run has ended.
    pub(crate) fn aborting(&self) -> &CancellationToken {
        &self.aborting
    }

    /// Fires when the run has ended.
    pub(crate) fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// Fires when the handler must go at once.
    pub(crate) fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// Somebody else wrote to the task at `sequence`.
    pub(crate) fn news(&self, sequence: Sequence) {
        let mut inner = self.lock();
        inner.news = inner.news.max(sequence);
        drop(inner);
        self.work.notify_one();
    }

    /// Waits until there is something to do for the writer, who knows the task up to `known`. What
    /// nobody waits for goes out when `due` has come.
    pub(crate) async fn next(&self, known: Sequence, due: Instant) -> Work {
        loop {
            let waiting = {
                let mut inner = self.lock();
                if std::mem::take(&mut inner.news) > known {
                    return Work::News;
                }
                let outbox = &mut inner.outbox;
                let waiting = !outbox.is_empty();
                if waiting && (outbox.is_awaited() || outbox.bytes() >= MUCH || due <= Instant::now()) {
                    let entries = outbox.take();
                    drop(inner);
                    self.room.notify_waiters();
                    return Work::Write(entries);
                }
                waiting
            };
            tokio::select! {
                () = self.work.notified() => {}
                () = tokio::time::sleep_until(due), if waiting => {}
            }
        }
    }

    /// What the log now says of the task, as far as the handler has to know.
    pub(crate) fn publish(&self, snapshot: &Snapshot) {
        self.lock().usage = snapshot.usage;
        if snapshot.abort.is_some() {
            self.aborting.cancel();
        }
    }

    /// The run has ended. Whoever waits for something hears so; with `cut` the handler is not even
    /// given the time to hear it.
    pub(crate) fn end(&self, cut: bool) {
        let rest = {
            let mut inner = self.lock();
            self.over.cancel();
            inner.outbox.drain()
        };
        if cut {
            self.cut.cancel();
        }
        self.aborting.cancel();
        self.room.notify_waiters();
        for receipt in rest.into_iter().filter_map(|entry| entry.receipt) {
            // Nobody may be waiting any more.
            let _ = receipt.send(Err(Refused::Over));
        }
    }
}

/// How long what nobody waits for is gathered after a commit. A history has at most 50,000 events:
/// the first hour of a chatty run is recorded finely, what follows more coarsely.
pub(crate) fn pace(events: u64) -> Duration {
    if events < longhaul_core::decide::MANY_EVENTS {
        Duration::from_millis(250)
    } else {
        Duration::from_secs(2)
    }
}
