//! `longhaul doctor` beside a system that is at work, and over logs that are not as they should be.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_tests::World;
use longhaul_tests::world::{rehearsal, submit};
use tokio_util::sync::CancellationToken;

/// How often a busy system is looked at.
const LOOKS: usize = 8;

/// Submits and aborts without a pause, so that the log grows all the time, until it is stopped.
async fn traffic(client: longhaul_client::Client, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let task = submit(&client, rehearsal("slow 3 5")).await;
        if task.0.as_u128() % 3 == 0 {
            client.abort(task, None).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_system_at_work_is_found_healthy_every_time() {
    let world = World::new(2).await;
    let services = world.services(8).await;
    let stop = CancellationToken::new();
    let writers: Vec<_> = ["ann", "bob"]
        .map(|user| tokio::spawn(traffic(world.client(user), stop.clone())))
        .into_iter()
        .collect();
    for look in 0..LOOKS {
        let out = world.run(&["doctor", "--sample", "20"]).await;
        assert_eq!(out.code, Some(0), "look {look}: {}{}", out.stdout, out.stderr);
    }
    stop.cancel();
    for writer in writers {
        writer.await.unwrap();
    }
    services.stop().await;
}
