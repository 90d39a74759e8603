//! Listening to heartbeats, one's own among them.
//!
//! The scheduler beats like an executor that takes nothing. As all beats come in one order, an own
//! beat that comes back proves that every beat sent before it was heard: without that proof nobody is
//! judged by silence.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{BoxFuture, OptionFuture};
use futures::stream::BoxStream;
use longhaul_core::{Beat, ExecutorId, Millis, Timestamp};
use longhaul_journal::{Error, Journal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::react::Moment;

/// How long before beats are listened to again after that failed.
const PAUSE: Duration = Duration::from_millis(200);

/// Own beats that may be under way.
const UNDER_WAY: usize = 64;

/// What is heard.
#[derive(Debug, Clone)]
pub(crate) enum Heard {
    Beat(Arc<Beat>),
    Echo { sent: Moment },
}

/// Listens, and tells every shard.
pub(crate) struct Ear {
    pub(crate) journal: Journal,
    /// Under which name it beats.
    pub(crate) own: ExecutorId,
    /// For operators: who this is.
    pub(crate) host: String,
    /// When the scheduler's clock began.
    pub(crate) start: Instant,
    /// How often it beats.
    pub(crate) every: Duration,
    /// The first beat of an executor that is older may be all that is left of it.
    pub(crate) fresh: Millis,
    pub(crate) to: Vec<mpsc::Sender<Heard>>,
}

#[derive(Default)]
struct Memory {
    /// The last beat of each executor.
    last: HashMap<ExecutorId, (Arc<Beat>, Instant)>,
    /// Own beats that have not come back, oldest first.
    sent: VecDeque<(Timestamp, Moment)>,
}

impl Ear {
    /// Listens for ever.
    pub(crate) async fn listen(self) {
        let mut memory = Memory::default();
        loop {
            match self.journal.beats().await {
                Ok(beats) => self.hear(beats, &mut memory).await,
                Err(error) => {
                    tracing::warn!(%error, "heartbeats cannot be listened to; it is tried again");
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Hears until the beats end.
    async fn hear(&self, mut beats: BoxStream<'static, Result<Beat, Error>>, memory: &mut Memory) {
        let mut every = interval(self.every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut saying: Option<BoxFuture<'_, Result<(), Error>>> = None;
        loop {
            tokio::select! {
                _ = every.tick(), if saying.is_none() => {
                    let beat = self.beat();
                    memory.sent.push_back((beat.at, Moment(millis(self.start.elapsed()))));
                    memory.sent.drain(..memory.sent.len().saturating_sub(UNDER_WAY));
                    saying = Some(Box::pin(async move { self.journal.beat(&beat).await }));
                    memory.forget(self.every * 1000);
                }
                Some(said) = OptionFuture::from(saying.as_mut()) => {
                    saying = None;
                    if let Err(error) = said {
                        tracing::debug!(%error, "the own heartbeat was not heard");
                    }
                }
                beat = beats.next() => match beat {
                    Some(Ok(beat)) => self.tell(beat, memory).await,
                    Some(Err(error)) => tracing::debug!(%error, "a heartbeat was not heard"),
                    None => return,
                },
            }
        }
    }

    async fn tell(&self, beat: Beat, memory: &mut Memory) {
        let heard = match beat.executor == self.own {
            true => memory.came_back(beat.at).map(|sent| Heard::Echo { sent }),
            false => memory.is_news(&beat, self.journal.now(), self.fresh).map(Heard::Beat),
        };
        if let Some(heard) = heard {
            for shard in &self.to {
                // A shard that is gone needs nothing.
                let _ = shard.send(heard.clone()).await;
            }
        }
    }

    fn beat(&self) -> Beat {
        Beat {
            executor: self.own,
            at: self.journal.now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: self.host.clone(),
            kinds: vec![],
            runs: vec![],
            draining: false,
        }
    }
}

impl Memory {
    /// When the own beat that says `at` was sent, if it has not come back before. Of two that say the
    /// same the earlier one counts: that proves less.
    fn came_back(&mut self, at: Timestamp) -> Option<Moment> {
        let place = self.sent.iter().position(|(said, _)| *said == at)?;
        self.sent.drain(..=place).next_back().map(|(_, sent)| sent)
    }

    /// The beat, if it tells anything new. The last beats come again after a reconnection, and the
    /// first that is heard of an executor may have been its last.
    fn is_news(&mut self, beat: &Beat, now: Timestamp, fresh: Millis) -> Option<Arc<Beat>> {
        let known = self.last.get(&beat.executor);
        if known.is_some_and(|(last, _)| **last == *beat) {
            return None;
        }
        let news = known.is_some() || now.since(beat.at) <= fresh;
        let beat = Arc::new(beat.clone());
        self.last.insert(beat.executor, (Arc::clone(&beat), Instant::now()));
        news.then_some(beat)
    }

    fn forget(&mut self, after: Duration) {
        self.last.retain(|_, (_, heard)| heard.elapsed() < after);
    }
}

pub(crate) fn millis(span: Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}
