//! Steps: recorded once, given back, numbered, keyed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use longhaul_core::*;
use longhaul_executor::{Failure, Run};
use serde_json::json;
use tokio::sync::Notify;

use crate::stage::*;

#[derive(serde::Deserialize)]
struct Album {
    photos: Vec<String>,
}

async fn thumbnails(run: &mut Run, album: Album) -> Result<Vec<String>, Failure> {
    let mut made = Vec::new();
    for (n, photo) in album.photos.iter().enumerate() {
        made.push(run.step(format!("shrink {photo}"), async |step| Ok::<_, Failure>(step.key())).await?);
        run.progress(n + 1, album.photos.len());
    }
    Ok(made)
}

#[tokio::test(start_paused = true)]
async fn more_steps_than_were_announced_are_counted_too() {
    let stage = Stage::new();
    let more = async |run: &mut Run, (): ()| {
        run.steps_of(2);
        for name in ["a", "b", "c"] {
            run.step(name, async |_| Ok::<_, Failure>(())).await?;
        }
        Ok::<_, Failure>(())
    };
    let _working = stage.start(stage.executor().handle("more", more));
    let task = stage.submit(submission("more", json!(null))).await;
    let of: Vec<_> = stage.end(&task).await.steps.iter().map(|step| step.of).collect();
    assert_eq!(of, [Some(2), Some(2), Some(3)]);
}

#[tokio::test(start_paused = true)]
async fn a_task_goes_through_its_steps() {
    let stage = Stage::new();
    let working = stage.start(stage.executor().handle("thumbnails", thumbnails));
    let task = stage.submit(submission("thumbnails", json!({"photos": ["a", "b", "a"]}))).await;
    let ended = stage.end(&task).await;
    assert_eq!(ended.status, Status::Completed);
    let id = task.task;
    assert_eq!(
        output(&ended),
        &json!([format!("{id}/shrink a"), format!("{id}/shrink b"), format!("{id}/shrink a (2)")])
    );
    let names: Vec<_> = ended.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["shrink a", "shrink b", "shrink a (2)"]);
    assert_eq!(ended.executor, Some(working.id));
    working.drain().await;
}

/// Adds up numbers, one step each, and stays in the third until told to go on.
#[derive(Clone, Default)]
struct Adder {
    begun: Arc<Mutex<Vec<String>>>,
    reached: Arc<Notify>,
    on: Arc<Notify>,
    calls: Arc<AtomicUsize>,
}

impl Adder {
    async fn add(self, run: &mut Run, numbers: Vec<u64>) -> Result<u64, Failure> {
        let first = self.calls.fetch_add(1, Ordering::SeqCst) == 0;
        let mut sum = 0;
        for number in numbers {
            sum = run
                .step(format!("add {number}"), async |step| {
                    self.begun.lock().unwrap().push(step.name().to_owned());
                    if number == 3 && first {
                        self.reached.notify_one();
                        self.on.notified().await;
                    }
                    Ok::<_, Failure>(sum + number)
                })
                .await?;
        }
        Ok(sum)
    }

    fn handler(&self) -> impl for<'a> longhaul_executor::Handler<'a, Vec<u64>, u64, Failure> + 'static {
        let adder = self.clone();
        async move |run: &mut Run, numbers: Vec<u64>| adder.add(run, numbers).await
    }
}

fn patient(kind: &str, input: serde_json::Value) -> Submission {
    Submission { retry: RetryPolicy { max_attempts: 3, ..RetryPolicy::default() }, ..submission(kind, input) }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_the_next_run_goes_on_from_the_last_recorded_step() {
    let stage = Stage::new();
    let adder = Adder::default();
    let first = stage.start(stage.executor().handle("add", adder.handler()));
    let task = stage.submit(patient("add", json!([1, 2, 3, 4]))).await;
    within("the third step", adder.reached.notified()).await;
    first.kill().await;
    let second = stage.start(stage.executor().handle("add", adder.handler()));
    assert_eq!(stage.get(&task).await.status, Status::Running);
    stage.lose(&task).await;
    let ended = stage.end(&task).await;
    assert_eq!((ended.status, output(&ended)), (Status::Completed, &json!(10)));
    assert_eq!((ended.run, ended.attempt, ended.executor), (RunNumber(3), 2, Some(second.id)));
    assert_eq!(*adder.begun.lock().unwrap(), ["add 1", "add 2", "add 3", "add 3", "add 4"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_taken_over_is_cut_off_at_once() {
    let stage = Stage::new();
    let (reached, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, guard) = (Arc::clone(&reached), Arc::clone(&gone));
    let stuck = async move |run: &mut Run, (): ()| {
        if run.attempt() > 1 {
            return Ok(());
        }
        let _told = TellDrop(guard);
        run.step("stuck", async |_| {
            tell.notify_one();
            std::future::pending::<Result<(), Failure>>().await
        })
        .await
    };
    let _working = stage.start(stage.executor().places(1).handle("stuck", stuck));
    let task = stage.submit(patient("stuck", json!(null))).await;
    within("the step", reached.notified()).await;
    stage.lose(&task).await;
    within("the end of the handler", gone.notified()).await;
    // The only place is free again.
    assert_eq!(stage.end(&task).await.status, Status::Completed);
}

/// Tells when it is dropped.
struct TellDrop(Arc<Notify>);

impl Drop for TellDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_step_is_not_recorded_and_done_again_by_a_retry() {
    let stage = Stage::new();
    let tries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&tries);
    let flaky = async move |run: &mut Run, (): ()| {
        run.step("good", async |_| Ok::<_, Failure>(1)).await?;
        run.step("bad", async |_| match seen.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Failure::retryable("busy", "the service is busy; it is tried again")),
            n => Ok(n),
        })
        .await
    };
    let _working = stage.start(stage.executor().handle("flaky", flaky));
    let task = stage.submit(patient("flaky", json!(null))).await;
    let ended = stage.end(&task).await;
    assert_eq!((ended.status, ended.attempt, output(&ended)), (Status::Completed, 2, &json!(1)));
    let started = stage.events(&task).await.into_iter().filter_map(|event| match event {
        EventBody::StepStarted { step, .. } => Some(step),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<_>>(), ["good", "bad", "bad"]);
}

#[tokio::test(start_paused = true)]
async fn large_results_go_through_the_object_store() {
    let stage = Stage::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let large = async move |run: &mut Run, (): ()| {
        let text = run.step("make", async |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Failure>("x".repeat(200_000))
        });
        let length = text.await?.len();
        if run.attempt() == 1 {
            return Err(Failure::retryable("again", "once more"));
        }
        Ok(length)
    };
    let _working = stage.start(stage.executor().handle("large", large));
    let task = stage.submit(patient("large", json!(null))).await;
    let ended = stage.end(&task).await;
    assert_eq!(output(&ended), &json!(200_000));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(matches!(ended.steps[0].result, Some(Payload::Stored { size, .. }) if size > 200_000));
}

#[tokio::test(start_paused = true)]
async fn a_recorded_result_of_another_form_fails_clearly() {
    let stage = Stage::new();
    let changed = async |run: &mut Run, (): ()| {
        if run.attempt() == 1 {
            run.step("make", async |_| Ok::<_, Failure>(json!({"rows": "many"}))).await?;
            return Err(Failure::retryable("again", "once more"));
        }
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Made {
            rows: u32,
        }
        Ok(run.step("make", async |_| Ok::<_, Failure>(Made { rows: 1 })).await?.rows)
    };
    let _working = stage.start(stage.executor().handle("changed", changed));
    let task = stage.submit(patient("changed", json!(null))).await;
    let error = stage.end(&task).await.error.unwrap();
    assert_eq!((error.code.as_str(), error.retryable), ("unreadable", false));
    assert!(error.message.contains("step \"make\"") && error.message.contains("rows"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn inherited_steps_are_given_back_and_lineage_is_known() {
    let stage = Stage::new();
    let branch = async |run: &mut Run, (): ()| {
        let planned: String = run.step("plan", async |_| Err(Failure::permanent("planned", "twice"))).await?;
        let before: Option<u32> = run.continued_output().await?;
        Ok::<_, Failure>((
            planned,
            before,
            run.lineage().rerun_of.is_some(),
            run.recorded::<String>("plan").await?,
        ))
    };
    let _working = stage.start(stage.executor().handle("branch", branch));
    let task = stage
        .submit(Submission {
            inherited: vec![InheritedStep { step: "plan".into(), result: Payload::Inline(json!("p")) }],
            context: Some(Payload::Inline(json!(7))),
            lineage: Lineage { rerun_of: Some(longhaul_journal::new_id()), ..Lineage::default() },
            ..submission("branch", json!(null))
        })
        .await;
    assert_eq!(output(&stage.end(&task).await), &json!(["p", 7, true, "p"]));
}
