//! The executor's heartbeat.

use std::sync::Arc;
use std::time::Duration;

use longhaul_core::{Beat, Room};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::shared::Shared;

/// Shortest time between two beats: what changes meanwhile goes into one.
const GAP: Duration = Duration::from_millis(20);

/// How long one beat may take to be sent before the next is due instead.
const PATIENCE: Duration = Duration::from_secs(5);

/// Beats for ever: each second, and whenever a run was taken or let go.
pub(crate) async fn beat(shared: Arc<Shared>) {
    let mut every = interval(shared.beat);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = shared.held.changed() => {}
        }
        say(&shared).await;
        sleep(GAP).await;
    }
}

/// Beats once.
pub(crate) async fn say(shared: &Shared) {
    match timeout(PATIENCE, shared.journal.beat(&word(shared))).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a heartbeat was not heard"),
        Err(_) => tracing::debug!("a heartbeat was not heard in time"),
    }
}

/// What there is to say.
fn word(shared: &Shared) -> Beat {
    let draining = shared.leave.borrow().is_some();
    let free = if draining { 0 } else { shared.places.available_permits() };
    let room = |kind: &longhaul_core::Kind| Room {
        kind: kind.clone(),
        places: shared.size,
        free: u32::try_from(free).unwrap_or(u32::MAX),
    };
    Beat {
        executor: shared.id,
        at: shared.journal.now(),
        version: shared.version.clone(),
        host: shared.host.clone(),
        kinds: shared.handlers.keys().map(room).collect(),
        runs: shared.held.runs(),
        draining,
    }
}

/// Where this process runs, for operators: `host/pid`.
pub(crate) fn host() -> String {
    let named = ["/proc/sys/kernel/hostname", "/etc/hostname"].iter().find_map(|path| {
        let name = std::fs::read_to_string(path).ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    });
    format!("{}/{}", named.as_deref().unwrap_or("localhost"), std::process::id())
}
