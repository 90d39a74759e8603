//! What one task alone can record, word after word.

use std::collections::BTreeMap;

use longhaul_client::{Client, NewTask};
use longhaul_core::Status;
use serde_json::json;

use super::Bench;
use crate::error::Error;
use crate::report::{Figures, Measured};
use crate::stage::{Books, PATIENCE, Setup, Stage};
use crate::worker::{KIND, Took, Work};

pub(super) async fn measure(bench: &Bench) -> Result<Measured, Error> {
    let updates = bench.tasks(10_000, 200);
    let repetitions = bench.repeat("progress", async |setup| once(bench, &setup, updates).await).await?;
    let parameters = BTreeMap::from([
        ("updates", json!(updates)),
        ("steps", json!(updates / 4)),
        ("shards", json!(bench.shards)),
    ]);
    let notes = [
        "timed inside the handler of one task that has the machine to itself",
        "awaited: each word is acknowledged by the log before the next is said; pipelined: a hundred at once; \
         steps: begun and recorded, two words each; said: progress as handlers tell it, which does not wait \
         and of which the log keeps the latest a few times a second",
    ];
    Ok(Measured::new("progress", parameters, notes.map(str::to_owned).to_vec(), repetitions))
}

async fn once(
    bench: &Bench,
    setup: &Setup,
    updates: u32,
) -> Result<(Figures, longhaul_journal::Durability), Error> {
    let setup = Setup { own_handlers: true, ..*setup };
    let stage = Stage::serve(&bench.options, bench.binary.as_ref(), &setup).await?;
    let client = stage.clients(1).await?.remove(0);
    took(&client, Work::Awaited(10)).await?;
    let mut figures = Figures::default();
    let steps = updates / 4;
    let mut per_second = |name: &str, count: u32, seconds: f64| {
        figures.put(format!("{name}_per_second"), "1/s", f64::from(count) / seconds.max(1e-9));
    };
    let books = Books::open(&stage, None);
    per_second("awaited", updates, took(&client, Work::Awaited(updates)).await?);
    let costs = books.close();
    per_second("pipelined", updates, took(&client, Work::Pipelined(updates)).await?);
    per_second("steps", steps, took(&client, Work::Steps(steps)).await?);
    per_second("said", updates, took(&client, Work::Progress(updates)).await?);
    let all: f64 = costs.iter().map(|cost| cost.cpu_ms).sum();
    figures.put("cpu_per_awaited_word", "ms", all / f64::from(updates));
    figures.processes = costs;
    let durability = stage.durability();
    drop(client);
    stage.close().await?;
    Ok((figures, durability))
}

/// Runs one task to its end; how many seconds its handler took.
async fn took(client: &Client, work: Work) -> Result<f64, Error> {
    let task = NewTask::new(KIND, "a task that tells how far it is", &work)?;
    let task = client.submit(task).await?.snapshot.task;
    let snapshot = client.wait(task, Some(PATIENCE * 5)).await?;
    if snapshot.status != Status::Completed {
        let reason = snapshot.reason_text();
        return Err(Error::TaskEnded { status: snapshot.status.to_string(), reason });
    }
    let output = client.output(task).await?;
    let took: Took = serde_json::from_value(output)
        .map_err(|why| Error::Unfit(format!("the measured task gave no time: {why}")))?;
    Ok(took.seconds)
}
