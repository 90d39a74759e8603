//! No-op tasks from end to end, as many as go through.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;

use super::Bench;
use crate::afterwards::{ended, span, wait_ended};
use crate::error::Error;
use crate::load::{nothing, submit};
use crate::report::{Figures, Measured};
use crate::stage::{Books, PATIENCE, Setup, Stage};

/// Tasks that go through before anything is measured: connections, consumers and caches are there.
const WARM_UP: u32 = 200;

pub(super) async fn measure(bench: &Bench) -> Result<Measured, Error> {
    let tasks = bench.tasks(10_000, 500);
    let repetitions = bench.repeat("throughput", async |setup| once(bench, &setup, tasks).await).await?;
    let options = &bench.options;
    let parameters = BTreeMap::from([
        ("tasks", json!(tasks)),
        ("warm_up", json!(WARM_UP.min(tasks))),
        ("writers", json!(options.writers)),
        ("organisations", json!(options.organisations)),
        ("executors", json!(options.executors)),
        ("concurrency", json!(options.concurrency)),
        ("shards", json!(bench.shards)),
    ]);
    let notes = vec![
        "wall time is from the record of the first submission to that of the last end, as the server dated \
         them; CPU time is that of every process, until the projector has folded the last record"
            .to_owned(),
        "each organisation has a policy whose caps do not bind".to_owned(),
    ];
    Ok(Measured::new("throughput", parameters, notes, repetitions))
}

/// One repetition.
pub(super) async fn once(
    bench: &Bench,
    setup: &Setup,
    tasks: u32,
) -> Result<(Figures, longhaul_journal::Durability), Error> {
    let options = &bench.options;
    let mut stage = Stage::serve(options, bench.binary.as_ref(), setup).await?;
    let clients = stage.clients(setup.organisations).await?;
    let task = nothing()?;

    let warm_up = WARM_UP.min(tasks);
    submit(&clients, warm_up, options.writers, &task).await?;
    wait_ended(&mut stage, &clients, warm_up.into(), PATIENCE).await?;
    stage.caught_up().await?;

    let begins = stage.here().await?;
    let before = ended(&clients).await?;
    let books = Books::open(&stage, None);
    let begun = Instant::now();
    let submission = submit(&clients, tasks, options.writers, &task).await?;
    let submitted = begun.elapsed();
    wait_ended(&mut stage, &clients, before + u64::from(tasks), PATIENCE).await?;
    stage.caught_up().await?;
    let costs = books.close();
    let wall = span(&stage.connect, &begins).await?.wall().unwrap_or_else(|| begun.elapsed());

    let mut figures = Figures::default();
    figures.put("tasks_per_second", "1/s", f64::from(tasks) / wall.as_secs_f64());
    figures.put("wall", "s", wall.as_secs_f64());
    figures.put("submissions_per_second", "1/s", f64::from(tasks) / submitted.as_secs_f64());
    figures.put_spread("acknowledged", &submission.acknowledged);
    figures.put_costs(costs, tasks as usize);
    let durability = stage.durability();
    drop(clients);
    stage.close().await?;
    Ok((figures, durability))
}
