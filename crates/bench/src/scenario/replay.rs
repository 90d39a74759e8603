//! How fast history is read again: followed and decoded, folded into snapshots, made into a read model.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use longhaul_core::{Sequence, Snapshot, TaskId, apply_commit};
use longhaul_journal::{Journal, Shard};
use longhaul_wire::Record;
use serde_json::json;

use super::Bench;
use crate::bulk::{Loaded, Shape, load};
use crate::error::Error;
use crate::report::{Case, Figures, Measured, Repetition};
use crate::stage::Stage;
use crate::start;
use crate::watcher::Watcher;

/// How many records are folded at once, as the projector does.
const BATCH: usize = 1000;

/// In how many organisations the histories lie.
const ORGANISATIONS: u32 = 16;

pub(super) async fn measure(bench: &Bench) -> Result<Measured, Error> {
    let events = u64::from(bench.tasks(1_000_000, 10_000));
    let tasks = events.div_ceil(Shape::Full.events());
    let durability = bench.durabilities().into_iter().next().flatten();
    let mut stage = Stage::open(&bench.options, bench.binary.as_ref(), &bench.setup(durability)).await?;
    let clients = stage.clients(ORGANISATIONS).await?;
    bench.tell(format!("replay: writing {tasks} histories"));
    let begun = Instant::now();
    let loaded = load(&clients, tasks, Shape::Full, &*bench.options.tell).await?;
    let writing = begun.elapsed();
    let mut repetitions = Vec::new();
    for number in 1..=bench.options.repeat {
        let mut figures = once(&stage, loaded).await?;
        if number == 1 {
            figures.put("written_records_per_second", "1/s", loaded.records as f64 / writing.as_secs_f64());
            if let Some(bytes) = stage.log_bytes() {
                figures.put("log_per_event", "bytes", bytes as f64 / loaded.events as f64);
            }
        }
        let repetition = figures.into_repetition(stage.durability(), Case::new(), number);
        bench.tell(format!("replay, {number}: {}", super::gist(&repetition)));
        repetitions.push(repetition);
    }
    starts(bench, &mut stage, &mut repetitions).await?;
    let parameters = BTreeMap::from([
        ("events", json!(loaded.events)),
        ("records", json!(loaded.records)),
        ("tasks", json!(loaded.tasks)),
        ("organisations", json!(ORGANISATIONS)),
        ("shards", json!(stage.journal.shards().get())),
    ]);
    drop(clients);
    stage.close().await?;
    let notes = [
        "each task has ten events in six records: submitted, started, two steps, text, progress, cost, completed",
        "followed: read from the server and decoded, one shard after the other; folded: with the snapshots of \
         all tasks that live; fold_alone: the time of the fold itself; rebuilt: the projector's read model from \
         nothing, in this process",
        "reading does not depend on the durability",
    ];
    Ok(Measured::new("replay", parameters, notes.map(str::to_owned).to_vec(), repetitions))
}

async fn once(stage: &Stage, loaded: Loaded) -> Result<Figures, Error> {
    let mut figures = Figures::default();
    let mut rate = |name: &str, events: u64, span: Duration| {
        figures.put(format!("{name}_per_second"), "1/s", events as f64 / span.as_secs_f64().max(1e-9));
    };
    let begun = Instant::now();
    let (events, _) = read(&stage.journal, false).await?;
    rate("followed", events, begun.elapsed());
    let begun = Instant::now();
    let (events, folding) = read(&stage.journal, true).await?;
    rate("folded", events, begun.elapsed());
    rate("fold_alone", events, folding);
    let model = crate::stage::folder_in(stage.folder())?;
    let begun = Instant::now();
    longhaul_projector::rebuild(stage.journal.clone(), longhaul_projector::Options::new(model.path()))
        .await?;
    rate("rebuilt", loaded.events, begun.elapsed());
    figures.put("read_model_per_task", "bytes", start::size(model.path()) as f64 / loaded.tasks as f64);
    Ok(figures)
}

/// Reads all there is now; how many events there are, and how long folding them took.
async fn read(journal: &Journal, fold: bool) -> Result<(u64, Duration), Error> {
    let (mut events, mut folding) = (0, Duration::ZERO);
    for shard in journal.shards().all() {
        let (more, span) = read_shard(journal, shard, fold).await?;
        events += more;
        folding += span;
    }
    Ok((events, folding))
}

async fn read_shard(journal: &Journal, shard: Shard, fold: bool) -> Result<(u64, Duration), Error> {
    let head = journal.head(shard).await?;
    let mut follower = journal.follow(shard, Sequence::ZERO).await?;
    let mut live: HashMap<TaskId, Snapshot> = HashMap::new();
    let (mut events, mut folding, mut place) = (0, Duration::ZERO, Sequence::ZERO);
    while place < head {
        let batch = follower.next_batch(BATCH).await?;
        place = batch.last().map_or(head, |last| last.sequence);
        let begun = Instant::now();
        for entry in batch {
            let Ok(Record::Task(commit)) = entry.record else { continue };
            events += commit.events.len() as u64;
            if fold {
                let before = live.remove(&commit.task);
                let after = apply_commit(before, &commit, entry.sequence);
                // Who has ended is not asked for again.
                if let Some(after) = after.filter(|after| !after.status.is_terminal()) {
                    live.insert(commit.task, after);
                }
            }
        }
        folding += begun.elapsed();
    }
    Ok((events, folding))
}

/// How long the services take to begin on such a log.
async fn starts(bench: &Bench, stage: &mut Stage, repetitions: &mut [Repetition]) -> Result<(), Error> {
    let watcher = Watcher::start(stage.connect.clone()).await?;
    for repetition in repetitions {
        let spans = start::services(stage, &bench.setup(None), &watcher).await?;
        repetition.figures.extend(spans.figures);
        stage.stop_services().await;
    }
    Ok(())
}
