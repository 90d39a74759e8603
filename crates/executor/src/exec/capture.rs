//! Reading what a program prints.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::log::Log;

/// How much is read at a time, in bytes.
const CHUNK: usize = 16 * 1024;

/// A log that fills while its program prints.
pub(super) struct Capture {
    log: Arc<Mutex<Log>>,
    reading: AbortOnDropHandle<()>,
}

impl Capture {
    pub(super) fn new(mut from: pipe::Receiver) -> Self {
        let log = Arc::new(Mutex::new(Log::default()));
        let filled = Arc::clone(&log);
        let reading = tokio::spawn(async move {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            // An error is as good as the end: the pipe is of no use any more.
            while matches!(from.read_buf(&mut chunk).await, Ok(1..)) {
                filled.lock().unwrap_or_else(PoisonError::into_inner).push(&chunk);
                chunk.clear();
            }
        });
        Self { log, reading: AbortOnDropHandle::new(reading) }
    }

    /// What was printed. Waits for the end of it, but not after `until`: what left the program's group
    /// may hold the pipe for ever.
    pub(super) async fn finish(mut self, until: Instant) -> Log {
        // Whether it came to the end makes no difference.
        let _ = timeout_at(until, &mut self.reading).await;
        std::mem::take(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Gives a program its input, and then the end of it.
pub(super) fn feed(mut to: pipe::Sender, input: String) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = to.write_all(input.as_bytes()).await {
            tracing::debug!(%error, "the program does not read its input");
        }
    }))
}
