//! Handlers of the measurement's own: what no built-in kind does.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use longhaul_core::Usage;
use longhaul_executor::{CancellationToken, Executor, Run};
use longhaul_journal::Journal;
use serde::{Deserialize, Serialize};

/// The kind of these tasks.
pub(crate) const KIND: &str = "bench";

/// How many words are under way at once where none is waited for by itself.
const AT_ONCE: u32 = 100;

/// What a measured task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Comes to a checkpoint every so many milliseconds, for ever.
    Checkpoints(u64),
    /// Records so many words, each in the log before the next is said.
    Awaited(u32),
    /// Records so many words, many under way at once.
    Pipelined(u32),
    /// Does so many empty steps.
    Steps(u32),
    /// Says so often how far it is, without waiting for the log.
    Progress(u32),
}

/// How long it took, by the worker's own clock.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Took {
    pub(crate) seconds: f64,
}

async fn work(run: &mut Run, work: Work) -> Result<Took, longhaul_executor::Failure> {
    let begun = Instant::now();
    let word = Usage { queries: 1, ..Usage::default() };
    match work {
        Work::Checkpoints(every) => {
            // A sleep ends at the runtime's next millisecond after it: one after the other they would be late.
            let mut ticks = tokio::time::interval(Duration::from_millis(every));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                run.checkpoint().await?;
            }
        }
        Work::Awaited(count) => {
            for _ in 0..count {
                run.usage(word, None).await?;
            }
        }
        Work::Pipelined(count) => {
            let mut left = count;
            while left > 0 {
                let now = left.min(AT_ONCE);
                try_join_all((0..now).map(|_| run.usage(word, None))).await?;
                left -= now;
            }
        }
        Work::Steps(count) => {
            for n in 0..count {
                run.step(format!("{n}"), async |_| Ok::<_, longhaul_executor::Failure>(())).await?;
            }
        }
        Work::Progress(count) => {
            for n in 0..count {
                run.progress(n as usize, count as usize);
                tokio::task::yield_now().await;
            }
        }
    }
    Ok(Took { seconds: begun.elapsed().as_secs_f64() })
}

/// An executor for what is measured: this crate's own tasks and rehearsals.
pub(crate) fn executor(journal: Journal, places: u32) -> Executor {
    Executor::new(journal).places(places).handle_rehearsal().handle(KIND, work)
}

/// Works as an executor for measurements until `stop` is cancelled: what `longhaul bench` starts as a
/// process of its own.
///
/// # Errors
/// If the log cannot be reached at the beginning.
pub async fn serve(
    journal: Journal,
    places: u32,
    stop: CancellationToken,
) -> Result<(), longhaul_executor::Error> {
    executor(journal, places).run(stop).await
}
