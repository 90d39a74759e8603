//! When the terminal is rung.

use longhaul_core::{Millis, Timestamp};

/// It is rung at most once in this time.
const PAUSE: Millis = Millis::seconds(10);

/// The terminal's bell: for approvals and failures, and not often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bell {
    /// It never rings.
    pub(crate) off: bool,
    rang: Option<Timestamp>,
}

impl Bell {
    /// Whether it is to be rung now; if so, it is taken to be.
    pub(crate) fn ring(&mut self, now: Timestamp) -> bool {
        let rests = self.rang.is_some_and(|at| now.since(at) < PAUSE);
        if self.off || rests {
            return false;
        }
        self.rang = Some(now);
        true
    }
}
