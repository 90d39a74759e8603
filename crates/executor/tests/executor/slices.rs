//! Slices, spans and drains: a task crosses its runs with nothing lost and nothing repeated.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use longhaul_core::*;
use longhaul_executor::{Failure, Run};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::stage::*;

/// Counts, a step of 30 ms and a line of text each, and remembers which steps it did.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<HashMap<String, u32>>>);

impl Counter {
    async fn count(self, run: &mut Run, to: usize) -> Result<u64, Failure> {
        let mut sum = 0;
        for n in 1..=to {
            sum += run
                .step(format!("count {n}"), async |step| {
                    *self.0.lock().unwrap().entry(step.name().to_owned()).or_default() += 1;
                    step.text(format!("{n}\n")).await?;
                    sleep(Duration::from_millis(30)).await;
                    Ok::<_, Failure>(n as u64)
                })
                .await?;
            run.progress(n, to);
        }
        Ok(sum)
    }

    fn handler(&self) -> impl for<'a> longhaul_executor::Handler<'a, usize, u64, Failure> + 'static {
        let counter = self.clone();
        async move |run: &mut Run, to: usize| counter.count(run, to).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_short_slices_loses_and_repeats_nothing() {
    let stage = Stage::new();
    let counter = Counter::default();
    let _one = stage.start(stage.executor().handle("count", counter.handler()));
    let _two = stage.start(stage.executor().handle("count", counter.handler()));
    let task =
        stage.submit(Submission { limits: limits(50, 60_000), ..submission("count", json!(40)) }).await;
    let ended = stage.end(&task).await;
    assert_eq!((ended.status, output(&ended)), (Status::Completed, &json!(820)));
    assert!(ended.run > RunNumber(15) && ended.attempt == 1, "{} runs", ended.run);
    assert!(counter.0.lock().unwrap().values().all(|times| *times == 1));
    let text = stage.text(&task).await;
    let told: String = text.values().map(String::as_str).collect();
    assert_eq!(told, (1..=40).map(|n| format!("{n}\n")).collect::<String>());
    assert_eq!(text.keys().copied().collect::<Vec<_>>(), (0..40).map(|k| 2 * k + 1).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_used_up_span_ends_the_task_at_a_checkpoint() {
    let stage = Stage::new();
    let counter = Counter::default();
    let _working = stage.start(stage.executor().handle("count", counter.handler()));
    let task = stage.submit(Submission { limits: limits(50, 300), ..submission("count", json!(1000)) }).await;
    let ended = stage.end(&task).await;
    assert_eq!(ended.status, Status::Expired);
    assert!(matches!(ended.reason, Reason::SpanExceeded { span: Millis(300), ran } if ran >= Millis(300)));
    assert!(ended.steps.iter().all(|step| step.result.is_some()));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_recorded_nothing_is_not_sliced() {
    let stage = Stage::new();
    let stepless = async |run: &mut Run, (): ()| {
        for _ in 0..100 {
            sleep(Duration::from_millis(30)).await;
            run.checkpoint().await?;
        }
        Ok::<_, Failure>(run.run_number())
    };
    let long = async |run: &mut Run, (): ()| {
        run.step("long", async |_| {
            sleep(Duration::from_secs(60)).await;
            Ok::<_, Failure>(())
        })
        .await?;
        run.step("then", async |_| Ok::<_, Failure>(())).await
    };
    let _working = stage.start(stage.executor().handle("stepless", stepless).handle("long", long));
    let task =
        stage.submit(Submission { limits: limits(50, 60_000), ..submission("stepless", json!(null)) }).await;
    assert_eq!(output(&stage.end(&task).await), &json!(1));
    // A step longer than the slice is recorded, then the slice ends: no endless chain.
    let task =
        stage.submit(Submission { limits: limits(50, 120_000), ..submission("long", json!(null)) }).await;
    assert_eq!(stage.end(&task).await.run, RunNumber(2));
}

#[tokio::test(start_paused = true)]
async fn a_drain_hands_the_runs_over_at_their_checkpoints() {
    let stage = Stage::new();
    let counter = Counter::default();
    let first = stage.start(stage.executor().handle("count", counter.handler()));
    let id = first.id;
    let task = stage.submit(submission("count", json!(20))).await;
    stage.until(&task, "under way", |snapshot| snapshot.steps.len() > 3).await;
    first.drain().await;
    let waiting = stage.get(&task).await;
    assert_eq!(waiting.reason, Reason::Continued { why: Continuation::Drain });
    assert_eq!(waiting.executor, Some(id));
    let mut beats = stage.journal.beats().await.unwrap();
    let last = beats.next().await.unwrap().unwrap();
    assert!(last.draining && last.runs.is_empty() && last.kinds.iter().all(|room| room.free == 0));
    let _second = stage.start(stage.executor().handle("count", counter.handler()));
    let ended = stage.end(&task).await;
    assert_eq!((output(&ended), ended.run, ended.attempt), (&json!(210), RunNumber(2), 1));
    assert!(counter.0.lock().unwrap().values().all(|times| *times == 1));
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_bounded_and_beats_to_its_end() {
    let stage = Stage::new();
    let reached = Arc::new(Notify::new());
    let tell = Arc::clone(&reached);
    let stuck = async move |run: &mut Run, (): ()| {
        let first = run.attempt() == 1;
        run.step("stuck", async |_| {
            tell.notify_one();
            if first { std::future::pending().await } else { Ok::<_, Failure>("done".to_owned()) }
        })
        .await
    };
    let retry = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let executor = stage.executor().drain_within(Duration::from_secs(20)).handle("stuck", stuck.clone());
    let working = stage.start(executor);
    let task = stage.submit(Submission { retry, ..submission("stuck", json!(null)) }).await;
    within("the step", reached.notified()).await;
    let (journal, began) = (stage.journal.clone(), Instant::now());
    let held = tokio::spawn(async move {
        let mut beats = journal.beats().await.unwrap();
        let mut last_held = began;
        while let Some(Ok(beat)) = beats.next().await {
            if beat.draining && beat.runs.is_empty() {
                return last_held - began;
            }
            last_held = Instant::now();
        }
        panic!("the beats ended");
    });
    working.drain().await;
    assert_eq!(began.elapsed().as_secs(), 20);
    assert!(within("the last beat", held).await.unwrap() >= Duration::from_secs(18));
    // Nothing was said in the log: the lease finds it.
    assert_eq!(stage.get(&task).await.status, Status::Running);
    let _next = stage.start(stage.executor().handle("stuck", stuck));
    stage.lose(&task).await;
    assert_eq!(output(&stage.end(&task).await), &json!("done"));
}

#[tokio::test(start_paused = true)]
async fn a_draining_executor_takes_nothing_new() {
    let stage = Stage::new();
    let reached = Arc::new(Notify::new());
    let tell = Arc::clone(&reached);
    let slow = async move |_: &mut Run, (): ()| {
        tell.notify_one();
        sleep(Duration::from_secs(5)).await;
        Ok::<_, Failure>(())
    };
    let working = stage.start(stage.executor().handle("slow", slow));
    let first = stage.submit(submission("slow", json!(null))).await;
    within("the first", reached.notified()).await;
    working.stop.cancel();
    tokio::task::yield_now().await;
    let second = stage.submit(submission("slow", json!(null))).await;
    // What can end within the drain does.
    assert_eq!(stage.end(&first).await.status, Status::Completed);
    working.drain().await;
    assert_eq!(stage.get(&second).await.status, Status::Pending);
}
