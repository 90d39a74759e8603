//! Tasks in great numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use longhaul_client::{Client, NewTask};
use longhaul_executor::REHEARSAL;
use serde_json::json;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::figures::Samples;

/// A task that does nothing: no step, no text, a small result.
pub(crate) fn nothing() -> Result<NewTask, Error> {
    rehearsal("slow 0 0")
}

/// A task that is rehearsed.
pub(crate) fn rehearsal(command: &str) -> Result<NewTask, Error> {
    Ok(NewTask::new(REHEARSAL, "a measured task", &json!(command))?)
}

/// Submits `count` tasks, spread over the clients in turn, at most `writers` at once; gives how long
/// each acknowledgement took.
pub(crate) async fn submit(
    clients: &[Client],
    count: u32,
    writers: u32,
    task: &NewTask,
) -> Result<Samples, Error> {
    let next = Arc::new(AtomicU32::new(0));
    let mut running = JoinSet::new();
    for _ in 0..writers.min(count).max(1) {
        let (next, clients, task) = (Arc::clone(&next), clients.to_vec(), task.clone());
        running.spawn(async move {
            let mut spans = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return Ok::<_, Error>(spans);
                }
                let begun = Instant::now();
                clients[n as usize % clients.len()].submit(task.clone()).await?;
                spans.push(begun.elapsed());
            }
        });
    }
    let mut samples = Samples::default();
    while let Some(spans) = running.join_next().await {
        let spans = spans.map_err(|_| Error::BrokeOff("a writer"))??;
        spans.into_iter().for_each(|span| samples.push(span));
    }
    Ok(samples)
}
