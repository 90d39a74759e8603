//! Taking runs: places, repetitions, beats, servers that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use longhaul_core::*;
use longhaul_executor::{Failure, Run};
use longhaul_journal::port::{Append, Port};
use longhaul_journal::{Shards, new_id};
use longhaul_wire::Subject;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::stage::*;

#[tokio::test(start_paused = true)]
async fn no_more_runs_are_held_than_there_are_places_of_all_kinds_together() {
    let stage = Stage::new();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let busy = async move |_: &mut Run, (): ()| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        sleep(Duration::from_millis(100)).await;
        now.fetch_sub(1, Ordering::SeqCst);
        Ok::<_, Failure>(most.load(Ordering::SeqCst))
    };
    let executor = stage.executor().places(3).handle("a", busy.clone()).handle("b", busy);
    let _working = stage.start(executor);
    let mut tasks = Vec::new();
    for n in 0..20 {
        tasks.push(stage.submit(submission(if n % 2 == 0 { "a" } else { "b" }, json!(null))).await);
    }
    let mut most = 0;
    for task in &tasks {
        most = most.max(output(&stage.end(task).await).as_u64().unwrap());
    }
    assert_eq!(most, 3);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_dispatch_starts_its_run_once() {
    let stage = Stage::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let slow = async move |_: &mut Run, (): ()| {
        counted.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_secs(10)).await;
        Ok::<_, Failure>(())
    };
    let _one = stage.start(stage.executor().handle("slow", slow.clone()));
    let _two = stage.start(stage.executor().handle("slow", slow));
    let task = stage.submit(submission("slow", json!(null))).await;
    let pending = stage.get(&task).await;
    for _ in 0..5 {
        admit(&stage.journal, &task.org, &pending).await;
        sleep(Duration::from_secs(3)).await;
    }
    stage.end(&task).await;
    admit(&stage.journal, &task.org, &pending).await;
    sleep(Duration::from_secs(120)).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let started = stage.events(&task).await;
    assert_eq!(started.iter().filter(|event| event.name() == "started").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_due_waits_for_its_time() {
    let stage = Stage::new();
    let nothing = async |_: &mut Run, (): ()| Ok::<_, Failure>(());
    let _working = stage.start(stage.executor().handle("later", nothing));
    let at = stage.journal.now().plus(Millis::seconds(90));
    let task = stage.submit(Submission { not_before: Some(at), ..submission("later", json!(null)) }).await;
    // Somebody admits it too early.
    let pending = stage.get(&task).await;
    admit(&stage.journal, &task.org, &pending).await;
    let ended = stage.end(&task).await;
    assert!(ended.started_at.unwrap() >= at);
    assert_eq!(ended.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_be_read_is_put_aside_and_stops_nothing_else() {
    let stage = Stage::new();
    let reached = Arc::new(Notify::new());
    let tell = Arc::clone(&reached);
    let work = async move |run: &mut Run, wait: bool| {
        if wait {
            tell.notify_one();
            run.cancelled().await;
            run.checkpoint().await?;
        }
        Ok::<_, Failure>(())
    };
    let _working = stage.start(stage.executor().places(1).handle("work", work));
    let poison = |task: &TaskRef, expect| {
        let subject = Subject::task(Shards::ONE, &task.org, task.task);
        Append { subject, expect: Some(expect), body: r#"{"v":99,"made":"by a later version"}"#.into() }
    };
    // Unreadable from the beginning.
    let task = TaskRef { org: OrgId::new("acme").unwrap(), task: new_id() };
    stage.memory.append(poison(&task, Sequence::ZERO)).await.unwrap();
    let dispatch = Dispatch {
        org: task.org.clone(),
        task: task.task,
        run: RunNumber(1),
        kind: Kind::new("work").unwrap(),
        ledger: Sequence(1),
        why: AdmissionReason::First,
        only: None,
    };
    hand_out(&stage.journal, &dispatch);
    let fine = stage.submit(submission("work", json!(false))).await;
    assert_eq!(stage.end(&fine).await.status, Status::Completed);
    // Unreadable while it runs: its handler goes, and its place is free.
    let held = stage.submit(submission("work", json!(true))).await;
    within("the handler", reached.notified()).await;
    let last = stage.get(&held).await.sequence;
    stage.memory.append(poison(&held, last)).await.unwrap();
    let fine = stage.submit(submission("work", json!(false))).await;
    assert_eq!(stage.end(&fine).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn beats_tell_what_is_held_and_what_is_free() {
    let stage = Stage::new();
    let (reached, on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&reached), Arc::clone(&on));
    let slow = async move |_: &mut Run, (): ()| {
        tell.notify_one();
        wait.notified().await;
        Ok::<_, Failure>(())
    };
    let executor =
        stage.executor().places(2).version("7.1").handle("slow", slow.clone()).handle("other", slow);
    let mut beats = stage.journal.beats().await.unwrap();
    let working = stage.start(executor);
    let idle = within("a beat", beats.next()).await.unwrap().unwrap();
    assert_eq!((idle.executor, idle.version.as_str(), idle.draining), (working.id, "7.1", false));
    assert!(idle.host.ends_with(&format!("/{}", std::process::id())));
    let rooms = idle.kinds.iter().map(|room| (room.kind.as_str(), room.places, room.free));
    assert_eq!(rooms.collect::<Vec<_>>(), [("other", 2, 2), ("slow", 2, 2)]);
    let task = stage.submit(submission("slow", json!(null))).await;
    within("the handler", reached.notified()).await;
    let mut held = within("a beat", beats.next()).await.unwrap().unwrap();
    while held.runs.is_empty() {
        held = within("a beat", beats.next()).await.unwrap().unwrap();
    }
    assert!(held.holds(&task, RunNumber(1)));
    assert_eq!(held.kinds[1].free, 1);
    // Each second, whether or not anything happens.
    let next = within("a beat", beats.next()).await.unwrap().unwrap();
    assert!(next.at.since(held.at) <= Millis(1100));
    on.notify_one();
    stage.end(&task).await;
    let mut free = within("a beat", beats.next()).await.unwrap().unwrap();
    while !free.runs.is_empty() {
        free = within("a beat", beats.next()).await.unwrap().unwrap();
    }
    assert!(free.kinds.iter().all(|room| room.free == 2));
    assert!(free.at.since(stage.get(&task).await.ended_at.unwrap()) < Millis(900), "it beats at once");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_and_comes_back_costs_time_and_nothing_else() {
    let stage = Stage::new();
    let done = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&done);
    let work = async move |run: &mut Run, (): ()| {
        for n in 0..20 {
            run.step(format!("step {n}"), async |step| {
                counted.fetch_add(1, Ordering::SeqCst);
                step.artifact(format!("{n}.txt"), "text/plain", vec![n; 10]).await?;
                Ok::<_, Failure>("x".repeat(70_000))
            })
            .await?;
            sleep(Duration::from_secs(1)).await;
        }
        Ok::<_, Failure>(())
    };
    let _working = stage.start(stage.executor().handle("work", work));
    let task = stage.submit(submission("work", json!(null))).await;
    for n in 1..=3 {
        stage.until(&task, "under way", |snapshot| snapshot.artifacts.len() >= n * 5).await;
        stage.memory.stop();
        sleep(Duration::from_secs(45)).await;
        stage.memory.start();
    }
    let ended = stage.end(&task).await;
    assert_eq!((ended.status, ended.run, ended.artifacts.len()), (Status::Completed, RunNumber(1), 20));
    assert_eq!(done.load(Ordering::SeqCst), 20);
    // And the next one is taken as ever.
    let next = stage.submit(submission("work", json!(null))).await;
    assert_eq!(stage.end(&next).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn organisations_in_every_shard_are_served() {
    let stage = Stage::with(Shards::new(4).unwrap());
    let slow = async |run: &mut Run, (): ()| -> Result<(), Failure> {
        run.cancelled().await;
        run.checkpoint().await
    };
    let _working = stage.start(stage.executor().handle("slow", slow));
    for org in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let mut said = submission("slow", json!(null));
        said.owner.org = OrgId::new(org).unwrap();
        let task = stage.submit(said).await;
        admit(&stage.journal, &task.org, &stage.get(&task).await).await;
        stage.until(&task, "running", |snapshot| snapshot.status == Status::Running).await;
        stage.abort(&task).await.unwrap();
        assert_eq!(stage.end(&task).await.status, Status::Aborted);
    }
}
