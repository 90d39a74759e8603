//! The examples beside `docs/protocol.md`, run as they are: against a real server, beside our own
//! services, through crashes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::process::Command;

use longhaul_client::{NewTask, OnBusy};
use longhaul_core::{Actor, EventBody, Limits, Millis, RetryPolicy, Role, RunNumber, Status, TaskId};
use longhaul_executor::{Executor, Failure, Run};
use longhaul_tests::process::run;
use longhaul_tests::toolchains::{Toolchain, javascript, python};
use longhaul_tests::world::{ended, submit};
use longhaul_tests::{Output, Process, Services, World, eventually};
use serde_json::{Value, json};

/// A script against a world's server, as organisation `acme`.
async fn script(world: &World, of: fn() -> &'static Toolchain, script: &str, args: &[&str]) -> Command {
    // The first time, libraries are fetched.
    let toolchain = tokio::task::spawn_blocking(of).await.unwrap();
    let mut command = toolchain.command(script, args);
    command.args(["--nats", &world.server.url_with_token(), "--org", "acme"]);
    command
}

async fn py(world: &World, name: &str, args: &[&str]) -> Output {
    run(script(world, python, name, args).await).await
}

async fn js(world: &World, name: &str, args: &[&str]) -> Output {
    run(script(world, javascript, name, args).await).await
}

/// An executor in Python that takes `pace` seconds for a word.
async fn shouter(world: &World, name: &str, pace: &str) -> Process {
    let command = script(world, python, "executor.py", &["--pace", pace]).await;
    Process::start(command, world.path(), name)
}

/// Scheduler and projector, but no executor of ours.
async fn without_executors(world: &World, lease: Millis) -> Services {
    let mut services = Services::default();
    let options = longhaul_scheduler::Options { lease, ..longhaul_scheduler::Options::default() };
    services.schedule(world.connect().await, options);
    services.project(world.connect().await, world.path().join("projector")).await;
    services
}

fn shout(words: &str) -> NewTask {
    NewTask::new("shout", "a shout", &json!({ "text": words })).unwrap()
}

fn id(value: &Value) -> TaskId {
    value["task"].as_str().unwrap().parse().unwrap()
}

async fn recorded_by(world: &World, task: TaskId, count: usize) {
    let what = format!("{count} recorded steps");
    eventually(&what, async || (world.recorded(task).await.len() >= count).then_some(())).await;
}

/// The numbers of the runs that started.
async fn runs(world: &World, task: TaskId) -> Vec<RunNumber> {
    let started = world.events(task).await.into_iter().filter_map(|event| match event {
        EventBody::Started { run, .. } => Some(run),
        _ => None,
    });
    started.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_from_end_to_end_in_python() {
    let world = World::new(4).await;
    let _services = without_executors(&world, longhaul_core::LEASE).await;
    let _executor = shouter(&world, "executor", "0.05").await;
    let asked = ["shout", "Hello there", r#"{"text": "hello there"}"#, "--key", "k1", "--user", "ann"];
    let first = py(&world, "submit.py", &asked).await.ok();
    let outcome = first.json();
    assert_eq!(
        (&outcome["status"], &outcome["output"]["inline"]["text"]),
        (&json!("completed"), &json!("HELLO THERE"))
    );
    let task = id(&outcome);
    assert_eq!(task, TaskId::for_key(&"acme".parse().unwrap(), "k1"));

    let client = world.client("ann");
    let snapshot = client.get(task).await.unwrap();
    assert_eq!((snapshot.status, snapshot.ignored), (Status::Completed, 0));
    assert_eq!(world.recorded(task).await, ["word 1", "word 2"]);
    assert_eq!(client.text(task).await.unwrap(), "HELLO THERE ");

    // The same again is the same task; something else under the same key is refused.
    assert_eq!(id(&py(&world, "submit.py", &asked).await.ok().json()), task);
    let other = py(
        &world,
        "submit.py",
        &["shout", "Hello there", r#"{"text": "other"}"#, "--key", "k1", "--user", "ann"],
    )
    .await;
    assert_eq!(other.code, Some(6), "{other:?}");
    assert_eq!(runs(&world, task).await.len(), 1);

    let failed = py(&world, "submit.py", &["shout", "Nothing to shout", "{}"]).await;
    assert_eq!(failed.code, Some(1));
    assert_eq!(failed.json()["error"]["code"], "bad_input");

    let audit = py(&world, "audit.py", &[&task.to_string(), "--json"]).await.ok();
    let lines: Vec<Value> = audit.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(names, world.names(task).await);
    assert!(lines.iter().all(|line| line["ignored"].is_null()), "{lines:?}");
    assert_eq!(lines.last().unwrap()["status"], "completed");
    let nobody = py(&world, "audit.py", &["019aa0b0-0000-7000-8000-000000000001"]).await;
    assert_eq!(nobody.code, Some(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_executor_is_succeeded_and_no_step_is_done_twice() {
    let world = World::new(1).await;
    let _services = without_executors(&world, Millis::seconds(5)).await;
    let mut first = shouter(&world, "first", "0.4").await;
    let client = world.client("ann");
    let patient = RetryPolicy { max_attempts: 5, backoff: Millis(10), ..RetryPolicy::default() };
    let task = submit(&client, shout("one two three four five six seven eight").retry(patient)).await;
    recorded_by(&world, task, 2).await;
    first.kill();
    let _second = shouter(&world, "second", "0.01").await;
    let snapshot = ended(&client, task).await;
    assert_eq!((snapshot.status, snapshot.ignored), (Status::Completed, 0));
    assert_eq!(client.output(task).await.unwrap()["text"], "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT");
    assert_eq!(world.recorded(task).await.len(), 8);
    assert!(world.names(task).await.contains(&"lost"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_executor_writes_nothing_after_it_was_succeeded() {
    let world = World::new(1).await;
    let _services = without_executors(&world, Millis::seconds(5)).await;
    let frozen = shouter(&world, "frozen", "0.4").await;
    let client = world.client("ann");
    let patient = RetryPolicy { max_attempts: 5, backoff: Millis(10), ..RetryPolicy::default() };
    let task = submit(&client, shout("one two three four five six").retry(patient)).await;
    recorded_by(&world, task, 1).await;
    frozen.freeze();
    let _second = shouter(&world, "second", "0.01").await;
    let end = ended(&client, task).await;
    assert_eq!(end.status, Status::Completed);
    frozen.thaw();
    let over = format!("{task} run 1:");
    eventually("it to find its run over", async || frozen.said().contains(&over).then_some(())).await;
    assert_eq!(client.get(task).await.unwrap().sequence, end.sequence);
    assert_eq!(world.recorded(task).await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn aborts_in_python() {
    let world = World::new(4).await;
    let client = world.client("ann");
    let waiting = submit(&client, shout("never")).await;
    let at_once =
        py(&world, "abort.py", &[&waiting.to_string(), "--by", "ann", "--reason", "no need"]).await.ok();
    assert_eq!(at_once.stdout.trim(), "aborted");
    let abort = client.get(waiting).await.unwrap().abort.unwrap();
    assert_eq!((abort.requested_by.as_str(), abort.reason.as_deref()), ("ann", Some("no need")));

    // Somebody asked, and left it at that.
    let left = client.submit(shout("never")).await.unwrap().snapshot;
    let actor = Actor { role: Role::Client, who: "bob".to_owned(), via: "test".to_owned() };
    let asked = vec![EventBody::AbortRequested { by: "bob".to_owned(), reason: None }];
    let asked = longhaul_journal::stamp(left.task, &actor, asked, world.journal.now());
    world.journal.commit(&left.owner.org, &asked, left.sequence).await.unwrap();
    let ended_now = py(&world, "abort.py", &[&left.task.to_string()]).await.ok();
    assert_eq!(ended_now.stdout.trim(), "aborted");
    assert_eq!(world.names(left.task).await, ["submitted", "abort_requested", "aborted"]);

    let _services = without_executors(&world, longhaul_core::LEASE).await;
    let _executor = shouter(&world, "executor", "0.3").await;
    let running = submit(&client, shout(&"on and ".repeat(500))).await;
    recorded_by(&world, running, 2).await;
    let asked = py(&world, "abort.py", &[&running.to_string()]).await.ok();
    assert_eq!(asked.stdout.trim(), "aborting");
    let snapshot = ended(&client, running).await;
    assert_eq!((snapshot.status, snapshot.ignored), (Status::Aborted, 0));
    assert!(snapshot.abort.unwrap().checkpoint.unwrap().starts_with("word "));
    let names = world.names(running).await;
    let asked = names.iter().position(|name| *name == "abort_requested").unwrap();
    assert!(
        !names[asked..].contains(&"step_started"),
        "nothing begins after an abort: {:?}",
        &names[asked..]
    );

    assert_eq!(py(&world, "abort.py", &[&running.to_string()]).await.code, Some(6));
    assert_eq!(py(&world, "abort.py", &["019aa0b0-0000-7000-8000-000000000001"]).await.code, Some(5));
    let submitted = py(&world, "submit.py", &["shout", "x", r#"{"text": "x"}"#, "--detach"]).await.ok();
    ended(&client, id(&submitted.json())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_short_slices_and_a_drain_in_python() {
    let world = World::new(1).await;
    let _services = without_executors(&world, longhaul_core::LEASE).await;
    let mut first = shouter(&world, "first", "0.3").await;
    let client = world.client("ann");
    let words = "a b c d e f g h i j k l";
    let limits = Limits { slice: Millis(500), ..Limits::default() };
    let task = submit(&client, shout(words).limits(limits)).await;
    eventually("a second run", async || (runs(&world, task).await.len() >= 2).then_some(())).await;
    first.terminate();
    assert_eq!(first.ended().await, Some(0), "{}", first.said());
    let _second = shouter(&world, "second", "0.1").await;
    let snapshot = ended(&client, task).await;
    assert_eq!((snapshot.status, snapshot.ignored), (Status::Completed, 0));
    assert_eq!(world.recorded(task).await.len(), 12);
    assert_eq!(client.output(task).await.unwrap()["text"], words.to_uppercase());
    let ends = world.events(task).await.into_iter().filter_map(|event| match event {
        EventBody::Continued { why, .. } => Some(serde_json::to_value(why).unwrap()),
        _ => None,
    });
    let ends: Vec<Value> = ends.collect();
    assert!(ends.contains(&json!("slice")) && ends.contains(&json!("drain")), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_span_ends_a_task_in_python() {
    let world = World::new(1).await;
    let _services = without_executors(&world, longhaul_core::LEASE).await;
    let _executor = shouter(&world, "executor", "0.2").await;
    let client = world.client("ann");
    let limits = Limits { slice: Millis(300), span: Millis(1000), ..Limits::default() };
    let task = submit(&client, shout(&"on and ".repeat(500)).limits(limits)).await;
    let snapshot = ended(&client, task).await;
    assert_eq!((snapshot.status, snapshot.ignored), (Status::Expired, 0), "{:?}", snapshot.reason);
    assert!(snapshot.ran >= Millis(1000), "{:?}", snapshot.ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_in_javascript_and_in_rust_are_the_same() {
    let world = World::new(4).await;
    let _services = without_executors(&world, longhaul_core::LEASE).await;
    let say =
        ["shout", "Hello", r#"{"text": "hello"}"#, "--user", "ann", "--conversation", "chat-7", "--on-busy"];
    let submit = async |on_busy: &str| js(&world, "submit.mjs", &[&say[..], &[on_busy]].concat()).await;

    let first = id(&submit("join").await.ok().json());
    let joined = submit("join").await.ok().json();
    assert_eq!((id(&joined), &joined["joined"]), (first, &json!(true)));
    let rejected = submit("reject").await;
    assert_eq!(rejected.code, Some(6), "{rejected:?}");
    assert!(rejected.stderr.contains(&first.to_string()), "{rejected:?}");
    let second = id(&submit("enqueue").await.ok().json());
    assert_ne!(first, second);

    let client = world.client("ann");
    let ours = shout("ours").conversation("chat-7", OnBusy::Join).unwrap();
    let joined = client.submit(ours.clone()).await.unwrap();
    assert_eq!((joined.snapshot.task, joined.joined), (second, true));
    // Ended ones are in nobody's way.
    client.abort(first, None).await.unwrap();
    client.abort(second, None).await.unwrap();
    let third = client.submit(ours).await.unwrap();
    assert!(third.created);
    assert_eq!(id(&submit("join").await.ok().json()), third.snapshot.task);
}

async fn poem(run: &mut Run, lines: Vec<String>) -> Result<usize, Failure> {
    for (n, line) in lines.iter().enumerate() {
        let line = line.clone();
        run.step(format!("line {n}"), async move |step| {
            step.text(format!("{line}\n")).await?;
            Ok::<_, Failure>(line.len())
        })
        .await?;
    }
    Ok(lines.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_watched_in_javascript() {
    let world = World::new(4).await;
    let mut services = without_executors(&world, longhaul_core::LEASE).await;
    let client = world.client("ann");
    let lines = ["Über allen Gipfeln", "ist Ruh", "\u{1b}[31mred", "…"];
    let task = submit(&client, NewTask::new("poem", "A poem", &lines).unwrap()).await;
    let watch = script(&world, javascript, "watch.mjs", &[&task.to_string()]).await;
    let watching = tokio::spawn(run(watch));
    services.work(Executor::new(world.connect().await).handle("poem", poem));
    ended(&client, task).await;
    let live = watching.await.unwrap().ok();
    let text = client.text(task).await.unwrap();
    assert_eq!(live.stdout, text.replace('\u{1b}', ""));
    for name in ["submitted", "started", "step_completed", "completed"] {
        assert!(live.stderr.contains(&format!(" {name}")), "{}", live.stderr);
    }
    let afterwards = js(&world, "watch.mjs", &[&task.to_string()]).await.ok();
    assert_eq!(afterwards.stdout, live.stdout);

    let keyed = ["poem", "Nothing", "[]", "--key", "k7", "--user", "ann"];
    let keyed = id(&js(&world, "submit.mjs", &keyed).await.ok().json());
    assert_eq!(keyed, TaskId::for_key(&"acme".parse().unwrap(), "k7"));
    js(&world, "watch.mjs", &[&keyed.to_string()]).await.ok();
    let unusable = submit(&client, NewTask::new("poem", "No poem", &json!(7)).unwrap()).await;
    assert_eq!(js(&world, "watch.mjs", &[&unusable.to_string()]).await.code, Some(1));
    assert_eq!(js(&world, "watch.mjs", &["019aa0b0-0000-7000-8000-000000000001"]).await.code, Some(5));
    assert_eq!(js(&world, "watch.mjs", &[]).await.code, Some(2));
}
