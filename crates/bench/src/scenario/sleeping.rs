//! What tasks that only wait take of an executor's memory.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;

use super::Bench;
use crate::error::Error;
use crate::load::{nothing, rehearsal, submit};
use crate::report::{Cost, Figures, Measured};
use crate::stage::{Books, PATIENCE, Setup, Stage};
use crate::watcher::Watcher;

/// How long the sleepers are looked at.
const NIGHT: Duration = Duration::from_secs(5);

const WARM_UP: u32 = 200;

pub(super) async fn measure(bench: &Bench) -> Result<Measured, Error> {
    let tasks = bench.tasks(1000, 50);
    let repetitions = bench.repeat("sleeping", async |setup| once(bench, &setup, tasks).await).await?;
    let parameters = BTreeMap::from([("tasks", json!(tasks)), ("warm_up", json!(WARM_UP.min(tasks)))]);
    let notes = [
        "each task is inside one step that sleeps (rehearsal `slow 1 3600000`), all in one executor; memory \
         is what is resident, before they are submitted and five seconds after the last has started",
    ];
    Ok(Measured::new("sleeping", parameters, notes.map(str::to_owned).to_vec(), repetitions))
}

async fn once(
    bench: &Bench,
    setup: &Setup,
    tasks: u32,
) -> Result<(Figures, longhaul_journal::Durability), Error> {
    let options = &bench.options;
    let setup = Setup { executors: 1, places: tasks, ..*setup };
    let mut stage = Stage::serve(options, bench.binary.as_ref(), &setup).await?;
    let clients = stage.clients(options.organisations).await?;
    let watcher = Watcher::start(stage.connect.clone()).await?;
    submit(&clients, WARM_UP.min(tasks), options.writers, &nothing()?).await?;
    watcher.wait_ended(WARM_UP.min(tasks) as usize, PATIENCE).await?;
    stage.caught_up().await?;

    let before = Books::open(&stage, None).close();
    let begun = watcher.started();
    let sleepers = submit(&clients, tasks, options.writers, &rehearsal("slow 1 3600000")?).await?;
    watcher.wait_started(begun + tasks as usize, PATIENCE).await?;
    let books = Books::open(&stage, None);
    tokio::time::sleep(NIGHT).await;
    let after = books.close();

    let mut figures = Figures::default();
    // Inside this process the executor is part of the client.
    let who = if before.iter().any(|cost| cost.process == "executor") { "executor" } else { "client" };
    let (empty, full) = (memory(&before, who), memory(&after, who));
    figures.put(format!("{who}_before"), "bytes", empty);
    figures.put(format!("{who}_with_sleepers"), "bytes", full);
    figures.put(format!("{who}_added"), "bytes", full - empty);
    figures.put("added_per_task", "bytes", (full - empty) / f64::from(tasks));
    let spent = after.iter().find(|cost| cost.process == who).map_or(0.0, |cost| cost.cpu_ms);
    figures.put(format!("{who}_cpu_per_second"), "ms", spent / NIGHT.as_secs_f64());
    figures.processes = after;

    let ended = watcher.ended();
    stream::iter(sleepers.tasks.into_iter().map(|(client, task)| {
        let client = clients[client].clone();
        async move { client.abort(task, Some("measured")).await.map(drop) }
    }))
    .buffer_unordered(options.writers as usize)
    .try_collect::<()>()
    .await?;
    watcher.wait_ended(ended + tasks as usize, PATIENCE).await?;
    let durability = stage.durability();
    drop((watcher, clients));
    stage.close().await?;
    Ok((figures, durability))
}

fn memory(costs: &[Cost], process: &str) -> f64 {
    let bytes = costs.iter().find(|cost| cost.process == process).and_then(|cost| cost.memory_bytes);
    bytes.unwrap_or_default() as f64
}
