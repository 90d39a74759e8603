//! Tasks in great numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use longhaul_client::{Client, NewTask};
use longhaul_core::TaskId;
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

/// What became of many submissions.
#[derive(Debug, Default)]
pub(crate) struct Submitted {
    /// How long each acknowledgement took.
    pub(crate) acknowledged: Samples,
    /// The tasks, each with the place of the client that submitted it.
    pub(crate) tasks: Vec<(usize, TaskId)>,
}

/// Submits `count` tasks, spread over the clients in turn, at most `writers` at once.
pub(crate) async fn submit(
    clients: &[Client],
    count: u32,
    writers: u32,
    task: &NewTask,
) -> Result<Submitted, Error> {
    let next = Arc::new(AtomicU32::new(0));
    let mut running = JoinSet::new();
    for _ in 0..writers.min(count).max(1) {
        let (next, clients, task) = (Arc::clone(&next), clients.to_vec(), task.clone());
        running.spawn(async move {
            let mut own = Submitted::default();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return Ok::<_, Error>(own);
                }
                let begun = Instant::now();
                let client = n as usize % clients.len();
                let submitted = clients[client].submit(task.clone()).await?;
                own.acknowledged.push(begun.elapsed());
                own.tasks.push((client, submitted.snapshot.task));
            }
        });
    }
    let mut all = Submitted::default();
    while let Some(own) = running.join_next().await {
        let own = own.map_err(|_| Error::BrokeOff("a writer"))??;
        all.acknowledged.append(own.acknowledged);
        all.tasks.extend(own.tasks);
    }
    Ok(all)
}
