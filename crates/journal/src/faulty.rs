//! The failure-injecting twin: a port that fails on purpose, in every way the port's contract allows.
//!
//! What it does follows from a seed and the order of calls, so that a failure that was found comes
//! again. It never does what a real log never does: an acknowledged append is stored, a refused one
//! is not, a follower sees everything in order until its stream ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use longhaul_core::{Digest, Sequence};
use longhaul_wire::cell::Cell;
use longhaul_wire::{Shard, Subject};

use crate::port::{
    Answer, Append, AppendError, Port, PortError, PortInfo, Request, ServiceSpec, Stored, SwapError,
};

/// How often what goes wrong, each in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// An append does not happen, and says so.
    pub did_not_happen: u64,
    /// An append happens, and its acknowledgement is lost.
    pub unheard: u64,
    /// An append does not happen, and that is not known.
    pub lost: u64,
    /// An append's acknowledgement is lost, and it happens a while later, or is refused then.
    pub late: u64,
    /// A conflict is reported though nobody wrote: another write was in flight and failed.
    pub conflict: u64,
    /// Something that only reads, or may be repeated, fails.
    pub unreachable: u64,
    /// A stream ends with an error after this item.
    pub broken: u64,
    /// Something said is not heard.
    pub unsaid: u64,
    /// A call takes a while.
    pub slow: u64,
    /// The longest such while.
    pub longest: Duration,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        did_not_happen: 0,
        unheard: 0,
        lost: 0,
        late: 0,
        conflict: 0,
        unreachable: 0,
        broken: 0,
        unsaid: 0,
        slow: 0,
        longest: Duration::from_millis(50),
    };

    /// A bad day: about every third append has an unclear or unwelcome outcome.
    pub const MANY: Self = Self {
        did_not_happen: 60,
        unheard: 60,
        lost: 60,
        late: 60,
        conflict: 30,
        unreachable: 60,
        broken: 20,
        unsaid: 100,
        slow: 200,
        longest: Duration::from_millis(50),
    };
}

/// A port that fails on purpose. Clones share the schedule.
#[derive(Clone)]
pub struct Faulty {
    port: Arc<dyn Port>,
    faults: Faults,
    dice: Arc<Dice>,
}

/// Numbers that follow from a seed: splitmix64.
struct Dice(AtomicU64);

impl Dice {
    fn throw(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        let mut z = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True `often` times in a thousand.
    fn hit(&self, often: u64) -> bool {
        self.throw() % 1000 < often
    }
}

fn fault(what: &str) -> PortError {
    PortError::Unreachable(format!("on purpose: {what}"))
}

/// What becomes of an append.
#[derive(Clone, Copy)]
enum Fate {
    Acknowledged,
    DidNotHappen,
    Unheard,
    Lost,
    Late,
    Conflict,
}

impl Faulty {
    /// A port that fails as `faults` says, by a schedule that follows from `seed`.
    pub fn new(port: Arc<dyn Port>, seed: u64, faults: Faults) -> Self {
        Self { port, faults, dice: Arc::new(Dice(AtomicU64::new(seed))) }
    }

    fn fate(&self) -> Fate {
        let Faults { did_not_happen, unheard, lost, late, conflict, .. } = self.faults;
        let mut thrown = self.dice.throw() % 1000;
        for (fate, often) in [
            (Fate::DidNotHappen, did_not_happen),
            (Fate::Unheard, unheard),
            (Fate::Lost, lost),
            (Fate::Late, late),
            (Fate::Conflict, conflict),
        ] {
            if thrown < often {
                return fate;
            }
            thrown -= often;
        }
        Fate::Acknowledged
    }

    fn some_while(&self) -> Duration {
        let longest = u64::try_from(self.faults.longest.as_micros()).unwrap_or(u64::MAX).max(1);
        Duration::from_micros(self.dice.throw() % longest)
    }

    /// Before anything: maybe a while, maybe a failure.
    async fn hurdle(&self, what: &str) -> Result<(), PortError> {
        if self.dice.hit(self.faults.slow) {
            tokio::time::sleep(self.some_while()).await;
        }
        if self.dice.hit(self.faults.unreachable) { Err(fault(what)) } else { Ok(()) }
    }

    async fn append_somehow(&self, message: Append) -> Result<Sequence, AppendError> {
        if self.dice.hit(self.faults.slow) {
            tokio::time::sleep(self.some_while()).await;
        }
        match self.fate() {
            Fate::Acknowledged => self.port.append(message).await,
            Fate::DidNotHappen => Err(AppendError::DidNotHappen(fault("the append did not happen"))),
            Fate::Lost => Err(AppendError::MayHaveHappened(fault("the append was lost"))),
            // Only where one is expected can there be one.
            Fate::Conflict if message.expect.is_some() => {
                Err(AppendError::Conflict { subject: message.subject })
            }
            Fate::Conflict => self.port.append(message).await,
            Fate::Unheard => {
                // Also a refusal may go unheard.
                let _ = self.port.append(message).await;
                Err(AppendError::MayHaveHappened(fault("the acknowledgement was lost")))
            }
            Fate::Late => {
                let (port, delay) = (Arc::clone(&self.port), self.some_while());
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let _ = port.append(message).await;
                });
                Err(AppendError::MayHaveHappened(fault("the append is late")))
            }
        }
    }

    /// As an append, but for what a swap makes of an outcome that is not known.
    async fn swap_somehow(&self, cell: &Cell, expect: Sequence, body: Bytes) -> Result<Sequence, SwapError> {
        if self.dice.hit(self.faults.slow) {
            tokio::time::sleep(self.some_while()).await;
        }
        match self.fate() {
            Fate::Acknowledged => self.port.swap(cell, expect, body).await,
            Fate::DidNotHappen => Err(SwapError::Unavailable(fault("the swap did not happen"))),
            Fate::Lost | Fate::Conflict => Err(SwapError::Changed),
            Fate::Unheard => {
                let _ = self.port.swap(cell, expect, body).await;
                Err(SwapError::Changed)
            }
            Fate::Late => {
                let (port, delay, cell) = (Arc::clone(&self.port), self.some_while(), cell.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let _ = port.swap(&cell, expect, body).await;
                });
                Err(SwapError::Changed)
            }
        }
    }

    /// A stream that ends with an error now and then.
    fn break_some<T: Send + 'static>(
        &self,
        inner: BoxStream<'static, Result<T, PortError>>,
    ) -> BoxStream<'static, Result<T, PortError>> {
        let faulty = self.clone();
        stream::unfold(Some(inner), move |inner| {
            let faulty = faulty.clone();
            async move {
                let mut inner = inner?;
                if faulty.dice.hit(faulty.faults.slow) {
                    tokio::time::sleep(faulty.some_while()).await;
                }
                if faulty.dice.hit(faulty.faults.broken) {
                    return Some((Err(fault("the stream broke")), None));
                }
                let next = inner.next().await?;
                Some((next, Some(inner)))
            }
        })
        .boxed()
    }
}

impl Port for Faulty {
    fn info(&self) -> PortInfo {
        self.port.info()
    }

    fn ahead(&self) -> i64 {
        self.port.ahead()
    }

    fn reconnect(&self) {
        self.port.reconnect();
    }

    fn append(&self, message: Append) -> BoxFuture<'_, Result<Sequence, AppendError>> {
        Box::pin(self.append_somehow(message))
    }

    fn read<'a>(
        &'a self,
        subject: &'a Subject,
        after: Sequence,
    ) -> BoxFuture<'a, Result<Vec<Stored>, PortError>> {
        Box::pin(async move {
            self.hurdle("reading").await?;
            self.port.read(subject, after).await
        })
    }

    fn last<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Option<Stored>, PortError>> {
        Box::pin(async move {
            self.hurdle("reading the last").await?;
            self.port.last(subject).await
        })
    }

    fn at<'a>(
        &'a self,
        subject: &'a Subject,
        sequence: Sequence,
    ) -> BoxFuture<'a, Result<Option<Stored>, PortError>> {
        Box::pin(async move {
            self.hurdle("reading one").await?;
            self.port.at(subject, sequence).await
        })
    }

    fn head(&self, shard: Shard) -> BoxFuture<'_, Result<Sequence, PortError>> {
        Box::pin(async move {
            self.hurdle("reading the head").await?;
            self.port.head(shard).await
        })
    }

    fn follow(
        &self,
        shard: Shard,
        after: Sequence,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<Stored, PortError>>, PortError>> {
        Box::pin(async move {
            self.hurdle("following").await?;
            Ok(self.break_some(self.port.follow(shard, after).await?))
        })
    }

    fn forget<'a>(&'a self, shard: Shard, sequences: &'a [Sequence]) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move {
            self.hurdle("forgetting").await?;
            self.port.forget(shard, sequences).await
        })
    }

    fn beat<'a>(&'a self, executor: &'a str, body: Bytes) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move {
            self.hurdle("beating").await?;
            self.port.beat(executor, body).await
        })
    }

    fn beats(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, PortError>>, PortError>> {
        Box::pin(async move {
            self.hurdle("listening to beats").await?;
            Ok(self.break_some(self.port.beats().await?))
        })
    }

    fn cell<'a>(&'a self, cell: &'a Cell) -> BoxFuture<'a, Result<Option<(Sequence, Bytes)>, PortError>> {
        Box::pin(async move {
            self.hurdle("reading a cell").await?;
            self.port.cell(cell).await
        })
    }

    fn swap<'a>(
        &'a self,
        cell: &'a Cell,
        expect: Sequence,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Sequence, SwapError>> {
        Box::pin(self.swap_somehow(cell, expect, body))
    }

    fn say<'a>(&'a self, subject: &'a str, body: Bytes) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move {
            if self.dice.hit(self.faults.unsaid) {
                return Ok(());
            }
            self.port.say(subject, body).await
        })
    }

    fn listen<'a>(
        &'a self,
        pattern: &'a str,
    ) -> BoxFuture<'a, Result<BoxStream<'static, (String, Bytes)>, PortError>> {
        Box::pin(async move {
            self.hurdle("listening").await?;
            self.port.listen(pattern).await
        })
    }

    fn put(&self, digest: Digest, body: Bytes) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(async move {
            self.hurdle("storing an object").await?;
            self.port.put(digest, body).await
        })
    }

    fn get(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, PortError>> {
        Box::pin(async move {
            self.hurdle("fetching an object").await?;
            self.port.get(digest).await
        })
    }

    fn remove(&self, digest: Digest) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(async move {
            self.hurdle("removing an object").await?;
            self.port.remove(digest).await
        })
    }

    fn serve(
        &self,
        service: ServiceSpec,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Box<dyn Request>>, PortError>> {
        Box::pin(async move {
            self.hurdle("serving").await?;
            self.port.serve(service).await
        })
    }

    fn ask<'a>(
        &'a self,
        subject: &'a str,
        body: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Answer, PortError>> {
        Box::pin(async move {
            self.hurdle("asking").await?;
            self.port.ask(subject, body, timeout).await
        })
    }
}
