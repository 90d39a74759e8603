//! How many events there were, second by second.

use std::collections::VecDeque;

use longhaul_core::Timestamp;

/// How many seconds are kept.
const SECONDS: usize = 240;

/// How many events there were, second by second; the last is not over yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rate {
    seconds: VecDeque<u64>,
    /// The second of the last.
    second: i64,
}

impl Rate {
    /// Moves on to a time.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        let second = now.0.div_euclid(1000);
        let over = usize::try_from(second.saturating_sub(self.second)).unwrap_or(0).min(SECONDS);
        self.seconds.extend(std::iter::repeat_n(0, over));
        self.seconds.drain(..self.seconds.len().saturating_sub(SECONDS));
        self.second = self.second.max(second);
    }

    /// Counts events that are heard now.
    pub(crate) fn count(&mut self, events: usize) {
        if let Some(last) = self.seconds.back_mut() {
            *last += events as u64;
        }
    }

    /// The last whole second's.
    pub(crate) fn last(&self) -> u64 {
        self.seconds.iter().rev().nth(1).copied().unwrap_or(0)
    }

    /// The last `n` whole seconds, oldest first; those before the beginning are 0.
    pub(crate) fn seconds(&self, n: usize) -> Vec<u64> {
        let whole = self.seconds.iter().rev().skip(1).copied();
        let mut seconds: Vec<u64> = whole.chain(std::iter::repeat(0)).take(n).collect();
        seconds.reverse();
        seconds
    }
}
