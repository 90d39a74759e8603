//! The log's clock, seen from this machine.
//!
//! Times on the log are compared with each other, and each was written by another process. So all of
//! them go by one clock, the server's: a process whose machine is an hour off neither begins, ends
//! nor delays anything because of that.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use longhaul_core::Timestamp;
use longhaul_wire::{Shard, topology};
use serde::Deserialize;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::link::{ANSWER, Link};
use crate::clock::now;

/// How often the clocks are compared, besides after each reconnection.
const EVERY: Duration = Duration::from_secs(60);

/// Off by more than this, in milliseconds, a machine's clock is worth a word to its operator.
const WORTH_A_WORD: i64 = 1000;

/// By how much the log's clock is ahead of this machine's, compared now and then for as long as this
/// is held.
pub(super) struct Clock {
    ahead: Arc<AtomicI64>,
    comparing: AbortHandle,
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.comparing.abort();
    }
}

impl Clock {
    /// Compares, and goes on comparing.
    pub(super) async fn new(link: Arc<Link>) -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        compare(&link, &ahead).await;
        let comparing = tokio::spawn(keep(link, Arc::clone(&ahead))).abort_handle();
        Self { ahead, comparing }
    }

    /// In milliseconds; less than nothing if it is behind.
    pub(super) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }
}

async fn keep(link: Arc<Link>, ahead: Arc<AtomicI64>) {
    loop {
        let Ok(number) = link.up(EVERY).await else { continue };
        tokio::select! {
            () = sleep(EVERY) => {}
            () = link.lost(number) => {
                // Maybe another server, with another clock.
                let _ = link.up(EVERY).await;
            }
        }
        compare(&link, &ahead).await;
    }
}

/// The moment an answer was made.
#[derive(Deserialize)]
struct Made {
    ts: Timestamp,
}

/// Asks once what time it is. Without an answer what was known still holds.
async fn compare(link: &Link, ahead: &AtomicI64) {
    let call = format!("$JS.API.STREAM.INFO.{}", topology::log(Shard(0)).name);
    let asked = now();
    let answer = link.request(&call, None, Bytes::from_static(b"{}"), ANSWER).await;
    let answered = now();
    let Some(made) = answer.ok().and_then(|answer| serde_json::from_slice::<Made>(&answer.payload).ok())
    else {
        tracing::debug!("the log does not say what time it is");
        return;
    };
    let before = ahead.load(Ordering::Relaxed);
    let after = settle(before, asked, made.ts, answered);
    ahead.store(after, Ordering::Relaxed);
    if after != before && after.abs() > WORTH_A_WORD {
        tracing::warn!(
            ahead_ms = after,
            "this machine's clock and the log's differ; the log's is used, and this machine's should be set"
        );
    }
}

/// By how much the other clock is ahead if it showed `theirs` at some moment between `asked` and
/// `answered`: what was known as long as that is possible, so that nothing moves without need.
fn settle(known: i64, asked: Timestamp, theirs: Timestamp, answered: Timestamp) -> i64 {
    // All three were cut to milliseconds.
    let least = theirs.0.saturating_sub(answered.0).saturating_sub(1);
    let most = theirs.0.saturating_sub(asked.0).saturating_add(1);
    // A machine's clock that was set back while it asked.
    if least > most { known } else { known.clamp(least, most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(known: i64, asked: i64, theirs: i64, answered: i64) -> i64 {
        settle(known, Timestamp(asked), Timestamp(theirs), Timestamp(answered))
    }

    #[test]
    fn clocks_that_may_be_equal_are() {
        assert_eq!(settled(0, 1000, 1000, 1000), 0);
        assert_eq!(settled(0, 1000, 1040, 1050), 0, "somewhere on the way it may have been 1040");
        assert_eq!(settled(0, 1000, 1001, 1000), 0, "a part of a millisecond");
    }

    #[test]
    fn clocks_that_differ_are_set_right_as_far_as_is_certain() {
        let hour = 3_600_000;
        assert_eq!(settled(0, 1000, hour + 1020, 1050), hour - 31);
        assert_eq!(settled(0, hour + 1000, 1020, hour + 1050), 21 - hour);
        // Then it stays, until it cannot be any more.
        assert_eq!(settled(hour - 31, 2000, hour + 2001, 2002), hour - 2);
        assert_eq!(settled(hour - 2, 3000, hour + 3010, 3050), hour - 2);
        assert_eq!(settled(hour, 1000, 1010, 1020), 11, "the machine's clock was set right");
    }

    #[test]
    fn a_clock_that_jumps_while_asking_proves_nothing() {
        assert_eq!(settled(5, 5000, 5000, 1000), 5);
    }
}
