//! From the abort's call until anybody can read that the task has stopped.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longhaul_client::{Client, NewTask, Until};
use longhaul_core::Status;
use serde_json::json;

use super::Bench;
use crate::error::Error;
use crate::figures::Samples;
use crate::load::rehearsal;
use crate::report::{Figures, Measured};
use crate::stage::{PATIENCE, Setup, Stage};
use crate::worker::{KIND, Work};

/// How far apart the checkpoints are, in milliseconds.
const CHECKPOINTS: u64 = 10;

pub(super) async fn measure(bench: &Bench) -> Result<Measured, Error> {
    let tasks = bench.tasks(200, 10);
    let repetitions = bench.repeat("abort", async |setup| once(bench, &setup, tasks).await).await?;
    let parameters = BTreeMap::from([
        ("tasks", json!(tasks)),
        ("checkpoint_every_ms", json!(CHECKPOINTS)),
        ("shards", json!(bench.shards)),
    ]);
    let notes = [
        "from the begin of the client's abort until its get, asked again and again, says aborted; one task \
         at a time",
        "aborted: a handler that sleeps 10 ms between checkpoints; cut_short: a handler in steps of 10 ms \
         that listens for the abort meanwhile (rehearsal `slow 10000 10`)",
    ];
    Ok(Measured::new("abort", parameters, notes.map(str::to_owned).to_vec(), repetitions))
}

async fn once(
    bench: &Bench,
    setup: &Setup,
    tasks: u32,
) -> Result<(Figures, longhaul_journal::Durability), Error> {
    let setup = Setup { own_handlers: true, ..*setup };
    let stage = Stage::serve(&bench.options, bench.binary.as_ref(), &setup).await?;
    let client = stage.clients(1).await?.remove(0);
    let mut figures = Figures::default();
    let checkpoints = NewTask::new(KIND, "a task to be aborted", &Work::Checkpoints(CHECKPOINTS))?;
    for (name, task) in
        [("aborted", checkpoints), ("cut_short", rehearsal(&format!("slow 10000 {CHECKPOINTS}"))?)]
    {
        abort_one(&client, &task, 0).await?;
        let mut samples = Samples::default();
        for n in 0..tasks {
            samples.push(abort_one(&client, &task, n).await?);
        }
        figures.put_spread(name, &samples);
    }
    let durability = stage.durability();
    drop(client);
    stage.close().await?;
    Ok((figures, durability))
}

async fn abort_one(client: &Client, task: &NewTask, n: u32) -> Result<Duration, Error> {
    let task = client.submit(task.clone()).await?.snapshot.task;
    client.wait_until(task, Until::Started, Some(PATIENCE)).await?;
    // At every place between two checkpoints.
    tokio::time::sleep(Duration::from_millis(20 + u64::from(n) * 7 % CHECKPOINTS)).await;
    let begun = Instant::now();
    client.abort(task, None).await?;
    loop {
        let snapshot = client.get(task).await?;
        match snapshot.status {
            Status::Aborted => return Ok(begun.elapsed()),
            status if status.is_terminal() => {
                let reason = snapshot.reason_text();
                return Err(Error::TaskEnded { status: status.to_string(), reason });
            }
            _ if begun.elapsed() > PATIENCE => {
                return Err(Error::Stuck { what: "an abort".to_owned(), waited: PATIENCE });
            }
            _ => {}
        }
    }
}
