//! `longhaul doctor` beside a system that is at work, and over logs that are not as they should be.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use longhaul_broker::{Durability, Server, ServerConfig};
use longhaul_client::Client;
use longhaul_core::{Sequence, Status};
use longhaul_journal::Shard;
use longhaul_journal::port::Port as _;
use longhaul_tests::process::{Output, longhaul, run};
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{Process, World, eventually};
use tokio_util::sync::CancellationToken;

/// How often a busy system is looked at.
const LOOKS: usize = 8;

/// Submits, aborts and erases, so that the log grows all the time, until it is stopped.
async fn traffic(client: Client, stop: CancellationToken) {
    let mut done = Vec::new();
    for n in 0.. {
        if stop.is_cancelled() {
            return;
        }
        let task = submit(&client, rehearsal("slow 3 5")).await;
        if n % 3 == 0 {
            client.abort(task, None).await.unwrap();
        }
        done.push(task);
        // Aborted while it waited, or else long ago.
        if n % 6 == 5
            && let Some(task) = done.first().copied()
            && client.journal().load(&at(task)).await.unwrap().is_some_and(|s| s.status.is_terminal())
        {
            client.erase(task).await.unwrap();
            done.remove(0);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn at(task: longhaul_core::TaskId) -> longhaul_core::TaskRef {
    longhaul_core::TaskRef { org: longhaul_core::OrgId::new("acme").unwrap(), task }
}

/// The checks of an answer in JSON, by name: verdict and advice.
fn check(out: &Output, name: &str) -> (String, String) {
    let checks = out.json();
    let check = checks.as_array().unwrap().iter().find(|check| check["check"] == name);
    let check = check.unwrap_or_else(|| panic!("no check {name}: {out:?}"));
    let text = |member: &str| check[member].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("advice"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_system_at_work_is_found_healthy_every_time() {
    let world = World::new(2).await;
    let services = world.services(8).await;
    let stop = CancellationToken::new();
    let writers = ["ann", "bob"].map(|user| tokio::spawn(traffic(world.client(user), stop.clone())));
    for look in 0..LOOKS {
        let file = format!("look-{look}.ndjson");
        let out = world.run(&["doctor", "--sample", "20", "--export", &file]).await;
        assert_eq!(out.code, Some(0), "look {look}: {}{}", out.stdout, out.stderr);
        let again = world.run(&["doctor", "--bundle", &file]).await;
        assert_eq!(again.code, Some(0), "look {look}: {}{}", again.stdout, again.stderr);
    }
    stop.cancel();
    for writer in writers {
        writer.await.unwrap();
    }
    services.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_behind_its_back_is_a_gap_and_nobody_is_told_to_delete_the_rest() {
    let world = World::new(1).await;
    let _services = world.services(2).await;
    let client = world.client("ann");
    for _ in 0..4 {
        let task = submit(&client, rehearsal("hello")).await;
        assert_eq!(ended(&client, task).await.status, Status::Completed);
    }
    let whole = world.run(&["doctor", "-o", "json"]).await.ok();
    assert_eq!(check(&whole, "gaps").0, "ok");
    let head = world.journal.head(Shard(0)).await.unwrap();
    // The beginning of the first task, something in the middle, and the end of the log.
    let gone = [Sequence(1), Sequence(7), Sequence(8), head];
    world.port().await.forget(Shard(0), &gone).await.unwrap();
    let out = world.run(&["doctor", "-o", "json", "--export", "lost.ndjson"]).await;
    assert_eq!(out.code, Some(1), "{out:?}");
    assert!(out.stderr.contains("does not hold: 1: the record is missing"), "{}", out.stderr);
    let (verdict, advice) = check(&out, "gaps");
    assert_eq!(verdict, "fail");
    assert!(advice.contains("keep") || advice.contains("Keep"), "{advice}");
    let found = out.json().to_string();
    assert!(found.contains("7: the records up to 8 are missing"), "{found}");
    assert!(found.contains(&format!("{head}: the record is missing")), "{found}");
    assert_eq!(check(&out, "submissions").0, "fail", "a task that was never submitted");
    assert!(!found.contains("delete the projector"), "{found}");
    let kept = world.run(&["doctor", "--bundle", "lost.ndjson", "-o", "json"]).await;
    assert_eq!((kept.code, check(&kept, "gaps").0.as_str()), (Some(1), "fail"), "{kept:?}");
    assert_eq!(check(&kept, "file").0, "ok", "the file is as it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_interrupted_leaves_no_file() {
    let world = World::new(1).await;
    submit(&world.client("ann"), rehearsal("hello")).await;
    let folder = world.path().join("exports");
    std::fs::create_dir(&folder).unwrap();
    let names =
        || std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    for signal in [Process::terminate, Process::interrupt] {
        // Doctor listens for executors for seconds, and the file lies there meanwhile.
        let mut doctor = world.start(&["doctor", "--export", folder.join("log.ndjson").to_str().unwrap()]);
        eventually("the export to begin", async || (!names().is_empty()).then_some(())).await;
        assert!(names().iter().all(|name| name != "log.ndjson"), "{:?}", names());
        signal(&doctor);
        assert_eq!(doctor.ended().await, Some(130), "{}", doctor.said());
        assert_eq!(names().len(), 0, "{:?}", names());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_may_go_through_a_pipe() {
    let world = World::new(2).await;
    let _services = world.services(2).await;
    let client = world.client("ann");
    ended(&client, submit(&client, rehearsal("hello")).await).await;
    let out = world.run(&["doctor", "--export", "-"]).await.ok();
    assert!(out.stdout.starts_with("{\"history\":2,\"shards\":2}\n"), "{}", out.stdout);
    assert!(out.stdout.lines().last().unwrap().starts_with("{\"end\":"), "{}", out.stdout);
    assert!(out.stderr.contains("ok    gaps"), "{}", out.stderr);
    let audit = |text: String| {
        let mut command = world.command(&["doctor", "--bundle", "-"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let whole = audit(out.stdout.clone());
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    let lines: Vec<&str> = out.stdout.lines().collect();
    let cut = audit(lines[..lines.len() - 1].join("\n") + "\n");
    assert_eq!(cut.status.code(), Some(1), "{cut:?}");
    assert!(String::from_utf8_lossy(&cut.stdout).contains("FAIL  file"), "{cut:?}");
    std::fs::write(world.path().join("there.ndjson"), "mine").unwrap();
    let refused = world.run(&["doctor", "--export", "there.ndjson"]).await;
    assert!(refused.code == Some(2) && refused.stderr.contains("name another file"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(world.path().join("there.ndjson")).unwrap(), "mine");
}

/// A server with nothing on it.
async fn bare(folder: &Path) -> Server {
    let options = longhaul_broker::Options::from_env();
    let found = tokio::task::spawn_blocking(move || {
        longhaul_broker::locate(&options, &mut longhaul_broker::talk_on_stderr())
    });
    let binary = found.await.unwrap().unwrap_or_else(|error| panic!("{error}"));
    let config = ServerConfig { durability: Durability::Relaxed, ..ServerConfig::new(folder.join("bare")) };
    Server::start(&binary, config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_makes_no_log() {
    let home = tempfile::tempdir().unwrap();
    let server = bare(home.path()).await;
    let command = |args: &[&str]| {
        let mut command = longhaul(home.path(), args);
        command.env("LONGHAUL_NATS", server.url()).env("LONGHAUL_TOKEN", server.token());
        command.env("LONGHAUL_NATS_MONITOR", server.monitoring_url());
        command
    };
    let id = "00000000-0000-7000-8000-000000000000";
    for args in
        [&["doctor"][..], &["ls"], &["get", id], &["replay", "--all"], &["notifications"], &["abort", id]]
    {
        let out = run(command(args)).await;
        assert_eq!(out.code, Some(7), "{args:?}: {out:?}");
        assert!(out.stderr.contains("there is no log here"), "{args:?}: {out:?}");
    }
    // Who asks for more than the server promises makes none either.
    let refused = run(command(&["schedule", "--durability", "strict"])).await;
    assert!(refused.stderr.contains("what is in force is Relaxed"), "{refused:?}");
    assert!(run(command(&["ls"])).await.stderr.contains("there is no log here"));
    // So whoever makes it may still say how many shards it has.
    let mut service = command(&["project", "--shards", "3"]);
    service.env("LONGHAUL_LOG", "info").env("LONGHAUL_DATA", home.path().join("data"));
    let project = Process::start(service, home.path(), "project");
    eventually("the projector to run", async || project.said().contains(" runs").then_some(())).await;
    let streams = run(command(&["doctor", "-o", "json"])).await;
    assert!(streams.stdout.contains("3 shards of the log"), "{streams:?}");
    let other = run(command(&["schedule", "--shards", "2"])).await;
    assert!(other.stderr.contains("the log has 3 shards, and 2 were asked for"), "{other:?}");
    // Nor does looking start a server where none ever was.
    let nowhere = run(longhaul(home.path(), &["doctor", "--data", "nowhere"])).await;
    assert_eq!(nowhere.code, Some(7), "{nowhere:?}");
    assert!(nowhere.stderr.contains("there is no log in nowhere"), "{nowhere:?}");
    assert!(!home.path().join("nowhere/nats").exists());
}
