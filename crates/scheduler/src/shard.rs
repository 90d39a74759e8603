//! The loop of one shard: inputs in, effects out.

use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use longhaul_core::{Actor, Timestamp};
use longhaul_journal::{Entry, Journal};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::ear::{Heard, millis};
use crate::feed::{Fed, feed};
use crate::perform::perform;
use crate::react::{Effect, Input, Moment, Now, Rules, State};
use crate::status::{Board, publish};

/// Effects under way at once; further ones wait.
const AT_ONCE: usize = 256;

/// Batches read ahead.
const AHEAD: usize = 2;

/// What a shard's loop works with.
pub(crate) struct Shift {
    pub(crate) journal: Journal,
    pub(crate) actor: Actor,
    pub(crate) rules: Rules,
    pub(crate) tick: Duration,
    pub(crate) farewell: Duration,
    /// When the scheduler's clock began.
    pub(crate) start: Instant,
    pub(crate) heard: mpsc::Receiver<Heard>,
    pub(crate) status: Board,
    pub(crate) cancel: CancellationToken,
}

impl Shift {
    /// Serves the shard until cancelled.
    ///
    /// # Errors
    /// If following it broke down: a bug.
    pub(crate) async fn serve(mut self) -> Result<(), JoinError> {
        let mut state = State::new(self.rules.clone());
        let (to, mut fed) = mpsc::channel(AHEAD);
        let feed = AbortOnDropHandle::new(tokio::spawn(feed(self.journal.clone(), self.rules.shard, to)));
        tokio::pin!(feed);
        let mut ticks = interval(self.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut backlog: VecDeque<Entry> = VecDeque::new();
        let mut waiting: VecDeque<Effect> = VecDeque::new();
        let mut performing = FuturesUnordered::new();
        loop {
            while state.takes_entries()
                && let Some(entry) = backlog.pop_front()
            {
                waiting.extend(state.react(self.now(), Input::Entry(Box::new(entry))));
            }
            waiting.extend(state.react(self.now(), Input::Idle));
            while performing.len() < AT_ONCE
                && let Some(effect) = waiting.pop_front()
            {
                performing.push(perform(self.journal.clone(), self.actor.clone(), effect));
            }
            let wake = self.wake(state.next_wake());
            let input = tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                _ = ticks.tick() => {
                    publish(&self.status, self.rules.shard, state.status(self.now()));
                    Input::Tick
                }
                Some(outcome) = performing.next() => match outcome {
                    Some(outcome) => Input::Outcome(outcome),
                    None => continue,
                },
                Some(heard) = self.heard.recv() => match heard {
                    Heard::Beat(beat) => Input::Beat(beat),
                    Heard::Echo { sent } => Input::Echo { sent },
                },
                Some(fed) = fed.recv(), if backlog.is_empty() => match fed {
                    Fed::Connected { head } => Input::Connected { head },
                    Fed::Batch(batch) => {
                        backlog.extend(batch);
                        continue;
                    }
                    Fed::Disconnected => Input::Disconnected,
                    Fed::OtherLog => Input::OtherLog,
                },
                () = sleep_until(wake) => Input::Tick,
                // It ends by itself only when nobody listens.
                Err(broken) = &mut feed => return Err(broken),
            };
            waiting.extend(state.react(self.now(), input));
        }
        // What is under way may end; what does not is done by others, or after the next start.
        let all = async { while performing.next().await.is_some() {} };
        if timeout(self.farewell, all).await.is_err() {
            tracing::warn!(shard = %self.rules.shard, "some of what was under way at the end was left");
        }
        Ok(())
    }

    fn now(&self) -> Now {
        Now { moment: Moment(millis(self.start.elapsed())), wall: self.journal.now() }
    }

    /// When to look again because of a time on the log; not more often than it can help.
    fn wake(&self, at: Option<Timestamp>) -> Instant {
        const SHORTEST: Duration = Duration::from_millis(1);
        const LONGEST: Duration = Duration::from_secs(3600);
        let wait = at.map_or(LONGEST, |at| at.since(self.journal.now()).duration().clamp(SHORTEST, LONGEST));
        Instant::now() + wait
    }
}
