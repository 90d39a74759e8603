//! What can be set.

use std::time::Duration;

use longhaul_core::{LEASE, Millis};
use longhaul_journal::Shard;

/// How a scheduler works. The defaults suit every deployment; tests want shorter times.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its name on the log and on screens: through what it writes.
    pub name: String,
    /// The shards it serves; all of them if nothing is said.
    pub shards: Option<Vec<Shard>>,
    /// How old a run's heartbeat may get before the run is declared lost. 15 s by default; not less
    /// than a few beats of the executors.
    pub lease: Millis,
    /// How often it looks at its clocks. 250 ms by default.
    pub tick: Duration,
    /// After how long an admitted run that has not started is dispatched again; doubled each time, up
    /// to a minute. 5 s by default.
    pub redispatch: Millis,
    /// How long what is under way may take at the end. 5 s by default.
    pub farewell: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "scheduler".to_owned(),
            shards: None,
            lease: LEASE,
            tick: Duration::from_millis(250),
            redispatch: Millis::seconds(5),
            farewell: Duration::from_secs(5),
        }
    }
}

impl Options {
    /// How often it beats to hear itself.
    pub(crate) fn echo(&self) -> Duration {
        (self.lease.duration() / 10).clamp(Duration::from_millis(20), Duration::from_secs(1))
    }
}
