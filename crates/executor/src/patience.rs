//! Waiting for a log that is out of reach.

use std::time::Duration;

use longhaul_core::TaskId;
use longhaul_journal::{Error, PortError};

use crate::failure::chain;

/// Waits between tries: longer each time, and not silently.
#[derive(Debug, Default)]
pub(crate) struct Waits(u32);

impl Waits {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(5);

    /// Waits after an error on behalf of a task.
    pub(crate) async fn after(&mut self, task: TaskId, error: &(dyn std::error::Error + Sync + 'static)) {
        if self.0.is_multiple_of(10) {
            tracing::warn!(%task, error = chain(error), "the log does not answer; a run waits for it");
        }
        self.wait().await;
    }

    /// Waits.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(Self::FIRST.saturating_mul(1 << self.0.min(6)).min(Self::LONGEST)).await;
        self.0 = self.0.saturating_add(1);
    }
}

/// Does something with the log or the object store, again and again while they are out of reach.
pub(crate) async fn patiently<T, F>(task: TaskId, mut work: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut waits = Waits::default();
    loop {
        match work().await {
            Err(error @ Error::Port(PortError::Unreachable(_))) => waits.after(task, &error).await,
            outcome => return outcome,
        }
    }
}
