//! How long to wait before the next attempt to connect, and that the wait can be cut short.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use longhaul_core::CommitId;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::clock::new_id;

/// The longest wait between two rounds of attempts to connect.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// The wait before each round of attempts to connect.
#[derive(Default)]
pub(super) struct Haste {
    /// Rounds since the last connection.
    rounds: AtomicUsize,
    hurry: Notify,
}

impl Haste {
    /// There is a connection: the next round is the first again.
    pub(super) fn begin_anew(&self) {
        self.rounds.store(0, Ordering::Relaxed);
    }

    /// Ends a wait, or the next one.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Waits for the next round.
    pub(super) async fn wait(&self) {
        let before = self.rounds.fetch_add(1, Ordering::Relaxed);
        tokio::select! {
            () = sleep(delay(before)) => {}
            () = self.hurry.notified() => {}
        }
    }
}

/// After so many rounds: almost at once, then longer and longer, never all clients at the same moment.
fn delay(before: usize) -> Duration {
    let doublings = u32::try_from(before).unwrap_or(u32::MAX);
    let full = Duration::from_millis(10).saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_DELAY);
    let (_, random) = new_id::<CommitId>().0.as_u64_pair();
    full.mul_f64(0.5 + f64::from(u32::try_from(random & 0xff).unwrap_or_default()) / 512.0)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn waits_between_attempts_are_bounded() {
        for rounds in 0..200 {
            assert!(delay(rounds) <= LONGEST_DELAY, "{rounds}");
            assert!(delay(rounds) >= Duration::from_millis(5), "{rounds}");
        }
        assert!(delay(usize::MAX) >= LONGEST_DELAY / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_before_an_attempt_can_be_cut_short() {
        let haste = Haste::default();
        haste.rounds.store(100, Ordering::Relaxed);
        let begun = Instant::now();
        // Before it waits, and while it does.
        haste.hurry();
        haste.wait().await;
        tokio::join!(haste.wait(), async { haste.hurry() });
        assert_eq!(begun.elapsed(), Duration::ZERO);
        haste.wait().await;
        assert!(begun.elapsed() >= LONGEST_DELAY / 2);
    }
}
