//! How long one waits while little goes on: tasks at a steady pace, each timed from the moment it was
//! meant to be submitted, so that a stall counts for everything that it holds up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longhaul_client::Client;
use longhaul_core::TaskId;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Bench;
use crate::bare::Bare;
use crate::error::Error;
use crate::figures::Samples;
use crate::load::{nothing, submit};
use crate::report::{Figures, Measured};
use crate::stage::{Books, PATIENCE, Setup, Stage};
use crate::watcher::Watcher;

/// Submissions a second.
pub(super) const RATE: u32 = 50;

const WARM_UP: u32 = 50;

pub(super) async fn measure(bench: &Bench) -> Result<Measured, Error> {
    let tasks = bench.tasks(1000, 50);
    let repetitions = bench.repeat("latency", async |setup| once(bench, &setup, tasks).await).await?;
    let options = &bench.options;
    let parameters = BTreeMap::from([
        ("tasks", json!(tasks)),
        ("per_second", json!(RATE)),
        ("warm_up", json!(WARM_UP.min(tasks))),
        ("organisations", json!(options.organisations)),
        ("executors", json!(options.executors)),
        ("concurrency", json!(options.concurrency)),
        ("shards", json!(bench.shards)),
    ]);
    let notes = [
        "every span but the last begins when the submission was meant to begin, at a steady pace that does not wait \
         for answers",
        "started: until the watcher sees `started` in the log; visible: until the client's wait for the end \
         returns; acknowledged: until the submission returns; late: how long after its time a submission began",
        "stored: from `submitted` to `started` by the server's clock, whose unit here is 1 ms",
        "bare: until the watcher sees `started`, where two threads that keep and decide nothing stand in for scheduler \
         and executor and no service runs: what the server and the waking of threads cost. Not on a named server",
    ];
    Ok(Measured::new("latency", parameters, notes.map(str::to_owned).to_vec(), repetitions))
}

pub(super) async fn once(
    bench: &Bench,
    setup: &Setup,
    tasks: u32,
) -> Result<(Figures, longhaul_journal::Durability), Error> {
    let options = &bench.options;
    let mut stage = Stage::serve(options, bench.binary.as_ref(), setup).await?;
    let clients = stage.clients(setup.organisations).await?;
    let watcher = Watcher::start(stage.connect.clone()).await?;
    warm_up(&clients, &watcher, WARM_UP.min(tasks)).await?;
    stage.caught_up().await?;
    let mut figures = Figures::default();
    let books = Books::open(&stage, watcher.meter.as_ref());
    drive(&clients, &watcher, tasks, &mut figures).await?;
    figures.put_costs(books.close(), tasks as usize);
    if !bench.is_named() {
        stage.stop_services().await;
        bare(&stage, &clients, &watcher, tasks / 2, &mut figures).await?;
    }
    let durability = stage.durability();
    drop((watcher, clients));
    stage.close().await?;
    Ok((figures, durability))
}

/// Every part has been used once.
pub(super) async fn warm_up(clients: &[Client], watcher: &Watcher, tasks: u32) -> Result<(), Error> {
    let before = watcher.ended();
    submit(clients, tasks, 10, &nothing()?).await?;
    watcher.wait_ended(before + tasks as usize, PATIENCE).await?;
    for client in clients {
        let task = client.submit(nothing()?).await?.snapshot.task;
        client.wait(task, Some(PATIENCE)).await?;
    }
    Ok(())
}

struct Timed {
    task: TaskId,
    meant: Instant,
    late: Duration,
    acknowledged: Duration,
    visible: Duration,
}

/// Submits at a steady pace, and puts down how long everything took.
pub(super) async fn drive(
    clients: &[Client],
    watcher: &Watcher,
    tasks: u32,
    figures: &mut Figures,
) -> Result<(), Error> {
    let clients: Arc<[Client]> = clients.into();
    let before = watcher.ended();
    let mut times = pace(tasks)?;
    let mut running = JoinSet::new();
    while let Some((n, meant)) = times.recv().await {
        let client = clients[n as usize % clients.len()].clone();
        let task = nothing()?;
        running.spawn(async move {
            let late = meant.elapsed();
            let task = client.submit(task).await?.snapshot.task;
            let acknowledged = meant.elapsed();
            client.wait(task, Some(PATIENCE)).await?;
            Ok::<_, Error>(Timed { task, meant, late, acknowledged, visible: meant.elapsed() })
        });
    }
    let mut all = Vec::new();
    while let Some(timed) = running.join_next().await {
        all.push(timed.map_err(|_| Error::BrokeOff("a submission"))??);
    }
    watcher.wait_ended(before + tasks as usize, PATIENCE).await?;
    let (mut late, mut acknowledged, mut started, mut visible, mut stored) = Default::default();
    let add = |samples: &mut Samples, span| samples.push(span);
    for timed in all {
        add(&mut late, timed.late);
        add(&mut acknowledged, timed.acknowledged);
        add(&mut visible, timed.visible);
        let times = watcher.times(timed.task);
        if let (Some(submitted), Some(begun)) = (times.submitted, times.started) {
            add(&mut started, begun.seen.saturating_duration_since(timed.meant));
            add(&mut stored, begun.stored.since(submitted.stored).duration());
        }
    }
    figures.put_spread("started", &started);
    figures.put_spread("visible", &visible);
    figures.put_spread("acknowledged", &acknowledged);
    figures.put_spread("late", &late);
    figures.put_spread("stored", &stored);
    Ok(())
}

/// The same without services: tasks start and never end.
async fn bare(
    stage: &Stage,
    clients: &[Client],
    watcher: &Watcher,
    tasks: u32,
    figures: &mut Figures,
) -> Result<(), Error> {
    let bare = Bare::start(&stage.connect).await?;
    let before = watcher.started();
    let mut times = pace(tasks)?;
    let mut running = JoinSet::new();
    while let Some((n, meant)) = times.recv().await {
        let client = clients[n as usize % clients.len()].clone();
        let task = nothing()?;
        running.spawn(async move { Ok::<_, Error>((client.submit(task).await?.snapshot.task, meant)) });
    }
    let mut all = Vec::new();
    while let Some(submitted) = running.join_next().await {
        all.push(submitted.map_err(|_| Error::BrokeOff("a submission"))??);
    }
    watcher.wait_started(before + tasks as usize, PATIENCE).await?;
    bare.stop()?;
    let mut started = Samples::default();
    for (task, meant) in all {
        if let Some(begun) = watcher.times(task).started {
            started.push(begun.seen.saturating_duration_since(meant));
        }
    }
    figures.put_spread("bare", &started);
    Ok(())
}

/// The moments of submission. They come from a thread that sleeps: the runtime's timers are only good
/// to a millisecond, which is most of what is to be measured.
fn pace(tasks: u32) -> Result<mpsc::UnboundedReceiver<(u32, Instant)>, Error> {
    let (send, times) = mpsc::unbounded_channel();
    let begin = Instant::now() + Duration::from_millis(50);
    let keep_pace = move || {
        for n in 0..tasks {
            let meant = begin + Duration::from_secs(1) * n / RATE;
            std::thread::sleep(meant.saturating_duration_since(Instant::now()));
            if send.send((n, meant)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("pace".to_owned())
        .spawn(keep_pace)
        .map_err(Error::io("start the pacing thread"))?;
    Ok(times)
}
