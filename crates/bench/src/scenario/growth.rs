//! How cost grows: with what has ended, with shards, with executors, with organisations.

use std::collections::BTreeMap;
use std::time::Instant;

use longhaul_journal::Durability;
use serde_json::json;

use super::{Bench, latency, throughput};
use crate::bulk::{Shape, load};
use crate::error::Error;
use crate::figures::Samples;
use crate::load::{nothing, submit};
use crate::report::{Case, Figures, Measured, Repetition};
use crate::stage::{Books, PATIENCE, Setup, Stage};
use crate::start;
use crate::watcher::Watcher;

/// In how many organisations the finished tasks lie.
const ORGANISATIONS: u32 = 16;

/// In how many the tasks lie where shards are compared.
const SPREAD: u32 = 64;

/// How many shards and executors are tried.
const SHARDS: [u16; 3] = [1, 4, 8];
const EXECUTORS: [u32; 4] = [1, 2, 4, 8];

pub(super) async fn measure(bench: &Bench) -> Result<Measured, Error> {
    let quick = bench.options.quick;
    let finished: &[u64] = if quick { &[100, 500] } else { &[10_000, 100_000, 1_000_000] };
    let organisations: &[u32] = if quick { &[1, 10] } else { &[1, 10, 100, 1000] };
    let tasks = bench.tasks(10_000, 200);
    let paced = if quick { 25 } else { 500 };
    let flood = bench.tasks(5_000, 200);
    let mut repetitions = Vec::new();
    for durability in bench.durabilities() {
        finished_tasks(bench, durability, finished, paced, &mut repetitions).await?;
        for shards in SHARDS {
            // What a named log has cannot be chosen.
            let shards = if bench.is_named() { bench.shards } else { shards };
            // Enough for every shard to have some: an organisation lies in one.
            let setup = Setup { shards: Some(shards), organisations: SPREAD, ..bench.setup(durability) };
            let case = Case::from([("shards", u64::from(shards))]);
            pace_and_flow(bench, &setup, &case, tasks, paced, &mut repetitions).await?;
            if bench.is_named() {
                break;
            }
        }
        for executors in EXECUTORS {
            let setup = Setup { executors, ..bench.setup(durability) };
            let case = Case::from([("executors", u64::from(executors))]);
            pace_and_flow(bench, &setup, &case, tasks, paced, &mut repetitions).await?;
        }
        for count in organisations {
            fairness(bench, durability, *count, flood, &mut repetitions).await?;
        }
    }
    let parameters = BTreeMap::from([
        ("tasks", json!(tasks)),
        ("paced_tasks", json!(paced)),
        ("per_second", json!(latency::RATE)),
        ("flood", json!(flood)),
        ("concurrency", json!(bench.options.concurrency)),
        ("organisations", json!(bench.options.organisations)),
        ("organisations_over_shards", json!(SPREAD)),
    ]);
    let notes = [
        "finished: so many tasks of three events each have ended before; the server is killed and started on that \
         log, then the services, each timed, then 50 tasks a second are submitted; memory is what is resident after that",
        "organisations: the first submits a flood of no-op tasks; while it lasts every other organisation \
         submits one; last_organisation: from its submission until the watcher sees it start; others: the same \
         for all of them; first_waited: the same for the last task of the flood",
    ];
    Ok(Measured::new("growth", parameters, notes.map(str::to_owned).to_vec(), repetitions))
}

fn keep(bench: &Bench, repetitions: &mut Vec<Repetition>, repetition: Repetition) {
    let case: Vec<_> = repetition.case.iter().map(|(name, value)| format!("{value} {name}")).collect();
    let gist = super::gist(&repetition);
    bench.tell(format!("growth, {}, {}: {gist}", repetition.durability, case.join(", ")));
    repetitions.push(repetition);
}

/// The same log, longer and longer.
async fn finished_tasks(
    bench: &Bench,
    durability: Option<Durability>,
    sizes: &[u64],
    paced: u32,
    repetitions: &mut Vec<Repetition>,
) -> Result<(), Error> {
    let setup = bench.setup(durability);
    let mut stage = Stage::open(&bench.options, bench.binary.as_ref(), &setup).await?;
    let past = stage.clients(ORGANISATIONS).await?;
    let mut there = 0;
    for size in sizes {
        let loaded = load(&past, size - there, Shape::Short, &*bench.options.tell).await?;
        there += loaded.tasks;
        for number in 1..=bench.options.repeat {
            let mut figures = Figures::default();
            if let Some(span) = stage.restart_server().await? {
                figures.put("server_start", "s", span.as_secs_f64());
            }
            let watcher = Watcher::start(stage.connect.clone()).await?;
            figures.figures.extend(start::services(&mut stage, &setup, &watcher).await?.figures);
            let clients = stage.clients(bench.options.organisations).await?;
            latency::warm_up(&clients, &watcher, 50).await?;
            let books = Books::open(&stage, watcher.meter.as_ref());
            latency::drive(&clients, &watcher, paced, &mut figures).await?;
            figures.put_costs(books.close(), paced as usize);
            figures.put_memory();
            if let Some(bytes) = stage.log_bytes() {
                figures.put("log", "bytes", bytes as f64);
            }
            let case = Case::from([("finished", *size)]);
            keep(bench, repetitions, figures.into_repetition(stage.durability(), case, number));
            drop(watcher);
            stage.stop_services().await;
        }
    }
    drop(past);
    stage.close().await
}

/// Throughput and waits, each on a log of its own.
async fn pace_and_flow(
    bench: &Bench,
    setup: &Setup,
    case: &Case,
    tasks: u32,
    paced: u32,
    repetitions: &mut Vec<Repetition>,
) -> Result<(), Error> {
    for number in 1..=bench.options.repeat {
        let (mut figures, durability) = throughput::once(bench, setup, tasks).await?;
        figures.put_memory();
        let (waits, _) = latency::once(bench, setup, paced).await?;
        let waits = waits
            .figures
            .into_iter()
            .filter(|one| ["started", "visible"].iter().any(|kind| one.name.starts_with(kind)));
        figures.figures.extend(waits);
        keep(bench, repetitions, figures.into_repetition(durability, case.clone(), number));
    }
    Ok(())
}

/// A flood by the first organisation, and one task of each other.
async fn fairness(
    bench: &Bench,
    durability: Option<Durability>,
    count: u32,
    flood: u32,
    repetitions: &mut Vec<Repetition>,
) -> Result<(), Error> {
    let options = &bench.options;
    let setup = bench.setup(durability);
    for number in 1..=options.repeat {
        let mut stage = Stage::serve(options, bench.binary.as_ref(), &setup).await?;
        let clients = stage.clients(count).await?;
        let watcher = Watcher::start(stage.connect.clone()).await?;
        latency::warm_up(&clients[..1], &watcher, 50).await?;
        stage.caught_up().await?;
        let before = watcher.ended();
        let first = clients[..1].to_vec();
        let (writers, task) = (options.writers, nothing()?);
        let flooding = tokio::spawn(async move { submit(&first, flood, writers, &task).await });
        // The flood is under way, and has a queue behind it.
        watcher.wait_ended(before + flood as usize / 20, PATIENCE).await?;
        let mut others = Vec::new();
        for client in &clients[1..] {
            let begun = Instant::now();
            others.push((client.submit(nothing()?).await?.snapshot.task, begun));
        }
        let flooded = flooding.await.map_err(|_| Error::BrokeOff("the flood"))??;
        let all = before + flood as usize + others.len();
        watcher.wait_ended(all, PATIENCE).await?;

        let mut figures = Figures::default();
        let mut waits = Samples::default();
        for (task, begun) in &others {
            if let Some(started) = watcher.times(*task).started {
                waits.push(started.seen.saturating_duration_since(*begun));
            }
        }
        if let Some(last) = waits.last() {
            figures.put("last_organisation", "ms", last);
        }
        figures.put_spread("others", &waits);
        let mut first = Samples::default();
        for (_, task) in flooded.tasks {
            let times = watcher.times(task);
            if let (Some(submitted), Some(started)) = (times.submitted, times.started) {
                first.push(started.seen.saturating_duration_since(submitted.seen));
            }
        }
        figures.put_spread("first_waited", &first);
        let case = Case::from([("organisations", u64::from(count))]);
        keep(bench, repetitions, figures.into_repetition(stage.durability(), case, number));
        drop((watcher, clients));
        stage.close().await?;
    }
    Ok(())
}
