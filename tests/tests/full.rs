//! No room left, in a stream or on the server: writes are refused and say what to do, reads go on,
//! nothing acknowledged is lost, and everything goes on once there is room.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::time::Duration;

use longhaul_client::{Client, Error, NewTask};
use longhaul_core::*;
use longhaul_tests::fault::{reconfigure, told};
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{Process, World, eventually};
use serde_json::json;

/// How much more there is room for, in bytes.
const ROOM: u64 = 2 << 20;

struct Parts {
    _services: Vec<Process>,
    /// Runs from before there was no room until after.
    running: Vec<TaskId>,
}

async fn busy(world: &World, client: &Client) -> Parts {
    let services = vec![
        world.start(&["schedule"]),
        world.start(&["project"]),
        world.start(&["work", "--kind", "rehearsal"]),
    ];
    let mut running = Vec::new();
    for _ in 0..4 {
        running.push(submit(client, rehearsal("slow 150 50")).await);
    }
    for task in &running {
        eventually("a step", async || (!world.recorded(*task).await.is_empty()).then_some(())).await;
    }
    Parts { _services: services, running }
}

/// Submits large tasks until one is refused; gives those that were acknowledged, and the refusal.
async fn fill(client: &Client) -> (Vec<TaskId>, Error) {
    let mut acknowledged = Vec::new();
    loop {
        let input = json!({ "say": "x".repeat(40_000) });
        match client.submit(NewTask::new("rehearsal", "large", &input).unwrap()).await {
            Ok(done) => acknowledged.push(done.snapshot.task),
            Err(error) => return (acknowledged, error),
        }
        assert!(acknowledged.len() < 1000, "it is never full");
    }
}

fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(why) = source {
        text += &format!(": {why}");
        source = why.source();
    }
    text
}

/// What holds while there is no room.
async fn is_full(world: &World, client: &Client, acknowledged: &[TaskId], refusal: &Error, remedy: &str) {
    let said = whole(refusal);
    assert!(said.contains("no room") && said.contains(remedy), "{said}");
    assert!(
        matches!(refusal, Error::Journal(why) if !why.is_transient()),
        "at once, not after a while: {said}"
    );
    for task in acknowledged {
        client.get(*task).await.unwrap();
    }
    // The command line says the same, at once.
    let out = world.run(&["submit", "rehearsal", "--input", &format!("\"{}\"", "x".repeat(40_000))]).await;
    assert_eq!(out.code, Some(6), "{out:?}");
    assert!(out.stderr.contains("no room") && out.stderr.contains(remedy), "{}", out.stderr);
    let listed = world.run(&["ls", "-o", "json", "-n", "100"]).await.ok().json();
    assert!(!listed.as_array().unwrap().is_empty());
}

async fn all_goes_on(world: &World, client: &Client, parts: &Parts, acknowledged: &[TaskId]) {
    let later = submit(client, rehearsal("hello")).await;
    for task in parts.running.iter().chain(acknowledged).chain([&later]) {
        let done = ended(client, *task).await;
        assert_eq!((done.status, done.attempt), (Status::Completed, 1), "{}", done.reason_text());
    }
    for task in &parts.running {
        assert_eq!(world.recorded(*task).await.len(), 150);
    }
    told(&world.journal).await.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_refuses_and_goes_on_when_it_is_given_room() {
    let world = World::new(1).await;
    let client = world.client("ann");
    let parts = busy(&world, &client).await;
    let (url, token) = (world.server.url(), world.server.token());
    reconfigure(url, token, "LH_LOG_0", |config, bytes| config["max_bytes"] = json!(bytes + ROOM)).await;
    let (acknowledged, refusal) = fill(&client).await;
    is_full(&world, &client, &acknowledged, &refusal, "max_bytes").await;
    // Long enough for what runs to meet the end of the room.
    tokio::time::sleep(Duration::from_secs(3)).await;
    reconfigure(url, token, "LH_LOG_0", |config, _| config["max_bytes"] = json!(-1)).await;
    all_goes_on(&world, &client, &parts, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_refuses_and_goes_on_when_it_is_given_room() {
    let mut world = World::new(1).await;
    let client = world.client("ann");
    let parts = busy(&world, &client).await;
    world.server.set_max_file_store(Some(ROOM));
    world.server.restart().await.unwrap();
    let (acknowledged, refusal) = fill(&client).await;
    is_full(&world, &client, &acknowledged, &refusal, "max_file_store").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.server.set_max_file_store(None);
    world.server.restart().await.unwrap();
    all_goes_on(&world, &client, &parts, &acknowledged).await;
}
