//! Trying again: in growing steps, never everybody at the same moment, until the time is over.

use std::future::Future;
use std::time::Duration;

use longhaul_core::CommitId;
use tokio::time::Instant;

use crate::clock::new_id;
use crate::port::PortError;

/// The first wait before trying again; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Waits between tries.
pub(crate) struct Tries {
    until: Instant,
    wait: Duration,
}

/// There is no time left for another try.
pub(crate) struct TimeOver;

impl Tries {
    pub(crate) fn new(deadline: Duration) -> Self {
        Self { until: Instant::now() + deadline, wait: FIRST_WAIT }
    }

    pub(crate) async fn wait(&mut self) -> Result<(), TimeOver> {
        if Instant::now() >= self.until {
            return Err(TimeOver);
        }
        tokio::time::sleep(self.wait.mul_f64(0.5 + jitter() / 2.0)).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Ok(())
    }
}

/// Asks something that changes nothing until there is an answer, or an error that stays.
pub(crate) async fn again<T, F>(deadline: Duration, mut ask: impl FnMut() -> F) -> Result<T, PortError>
where
    F: Future<Output = Result<T, PortError>>,
{
    let mut tries = Tries::new(deadline);
    loop {
        match ask().await {
            Err(why) if is_transient(&why) => tries.wait().await.map_err(|TimeOver| why)?,
            outcome => return outcome,
        }
    }
}

/// Whether trying again may help.
pub(crate) fn is_transient(error: &PortError) -> bool {
    matches!(error, PortError::Unreachable(_))
}

/// A number from 0 to 1 that differs between processes and calls.
fn jitter() -> f64 {
    let (_, low) = new_id::<CommitId>().0.as_u64_pair();
    f64::from(u32::try_from(low & 0xffff_ffff).unwrap_or_default()) / f64::from(u32::MAX)
}
