//! How long the services take to begin, as one sees it from outside.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::load::nothing;
use crate::report::Figures;
use crate::stage::{PATIENCE, Setup, Stage};
use crate::watcher::Watcher;

/// Starts the services on a log that is there, one after another, and times each: the projector until it
/// has folded everything (from nothing, and once more from where it was), the scheduler until a waiting
/// task has started. They run afterwards.
pub(crate) async fn services(stage: &mut Stage, setup: &Setup, watcher: &Watcher) -> Result<Figures, Error> {
    let mut figures = Figures::default();
    let mut put = |name: &str, span: Duration| figures.put(name, "s", span.as_secs_f64());
    stage.forget_read_model()?;
    for name in ["projector_start_from_nothing", "projector_start"] {
        let begun = Instant::now();
        stage.project().await?;
        stage.caught_up_within(PATIENCE * 10).await?;
        put(name, begun.elapsed());
        if name != "projector_start" {
            stage.stop_services().await;
        }
    }
    for _ in 0..setup.executors {
        stage.work(setup.places, setup.own_handlers).await?;
    }
    stage.ready(setup.executors).await?;
    let client = stage.clients(1).await?.remove(0);
    let before = watcher.started();
    client.submit(nothing()?).await?;
    let begun = Instant::now();
    stage.schedule().await?;
    watcher.wait_started(before + 1, PATIENCE * 5).await?;
    put("scheduler_start", begun.elapsed());
    Ok(figures)
}

/// How many bytes lie in a folder.
pub(crate) fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => size(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .sum()
}
