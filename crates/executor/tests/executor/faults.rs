//! The same under a log that fails in every way a log may: nothing is recorded twice, nothing is
//! lost, an abort is never overtaken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longhaul_core::*;
use longhaul_executor::{Executor, Failure, Run};
use longhaul_journal::Journal;
use longhaul_journal::faulty::{Faults, Faulty};
use serde_json::json;
use tokio::time::sleep;

use crate::stage::*;

const STEPS: u64 = 8;

/// An executor over a log that fails by a seed.
fn faulty(stage: &Stage, seed: u64) -> Executor {
    let port = Faulty::new(Arc::new(stage.memory.clone()), seed, Faults::MANY);
    let journal = Journal::new(Arc::new(port)).with_clock(stage.memory.clock());
    // So short that outcomes stay unknown now and then.
    Executor::new(journal.with_deadline(Duration::from_millis(4)))
}

/// Sums up in steps, says every number, records a query each, keeps the sum as a file. Remembers how
/// often each step was done.
#[derive(Clone, Default)]
struct Summer(Arc<Mutex<HashMap<(TaskId, String), u32>>>);

impl Summer {
    async fn sum(self, run: &mut Run) -> Result<u64, Failure> {
        let (task, mut sum) = (run.task(), 0);
        for n in 1..=STEPS {
            sum = run
                .step(format!("add {n}"), async |step| {
                    *self.0.lock().unwrap().entry((task, step.name().to_owned())).or_default() += 1;
                    for _ in 0..5 {
                        step.text(format!("{n}")).await?;
                        sleep(Duration::from_millis(7)).await;
                    }
                    step.spend_query().await?;
                    Ok::<_, Failure>(sum + n)
                })
                .await?;
            run.progress(usize::try_from(n)?, usize::try_from(STEPS)?);
        }
        run.artifact("sum.txt", "text/plain", sum.to_string().into_bytes()).await?;
        Ok(sum)
    }

    fn handler(&self) -> impl for<'a> longhaul_executor::Handler<'a, (), u64, Failure> + 'static {
        let summer = self.clone();
        async move |run: &mut Run, (): ()| summer.sum(run).await
    }

    fn times(&self, task: &TaskRef) -> Vec<u32> {
        let done = self.0.lock().unwrap();
        done.iter().filter(|((of, _), _)| *of == task.task).map(|(_, times)| *times).collect()
    }
}

fn expected_text() -> String {
    (1..=STEPS).map(|n| n.to_string().repeat(5)).collect()
}

#[tokio::test(start_paused = true)]
async fn one_executor_does_and_records_everything_exactly_once() {
    for seed in 0..15 {
        eprintln!("seed {seed}");
        let stage = Stage::new();
        let summer = Summer::default();
        let working = stage.start(faulty(&stage, seed).handle("sum", summer.handler()));
        let mut tasks = Vec::new();
        for _ in 0..4 {
            tasks.push(stage.submit(submission("sum", json!(null))).await);
        }
        for task in &tasks {
            let ended = stage.end(task).await;
            assert_eq!(
                (ended.status, output(&ended), ended.run),
                (Status::Completed, &json!(36), RunNumber(1))
            );
            assert_eq!(ended.usage.queries, u32::try_from(STEPS).unwrap());
            assert_eq!(summer.times(task), vec![1; usize::try_from(STEPS).unwrap()]);
            let text: String = stage.text(task).await.into_values().collect();
            assert_eq!(text, expected_text());
        }
        working.kill().await;
    }
}

#[tokio::test(start_paused = true)]
async fn executors_that_are_killed_again_and_again_lose_and_repeat_no_recorded_step() {
    for seed in 0..6 {
        eprintln!("seed {seed}");
        let stage = Stage::new();
        let summer = Summer::default();
        let start = |n: u64| stage.start(faulty(&stage, seed * 1000 + n).handle("sum", summer.handler()));
        let mut working = vec![start(0), start(1)];
        let mut tasks = Vec::new();
        for _ in 0..6 {
            let retry = RetryPolicy { max_attempts: 1000, ..RetryPolicy::default() };
            tasks.push(stage.submit(Submission { retry, ..submission("sum", json!(null)) }).await);
        }
        for round in 2..30 {
            sleep(Duration::from_millis(97 + 31 * (seed + round) % 150)).await;
            working.swap_remove(usize::try_from(round % 2).unwrap()).kill().await;
            working.push(start(round));
            bury(&stage, &tasks, &working).await;
        }
        for task in &tasks {
            while !stage.get(task).await.status.is_terminal() {
                sleep(Duration::from_secs(20)).await;
                bury(&stage, &tasks, &[]).await;
            }
            let ended = stage.end(task).await;
            assert_eq!((ended.status, output(&ended)), (Status::Completed, &json!(36)));
            assert_eq!(ended.steps.len() as u64, STEPS);
        }
        for working in working {
            working.kill().await;
        }
    }
}

/// Declares lost what no living executor may hold: as a scheduler does that hears no heartbeat.
async fn bury(stage: &Stage, tasks: &[TaskRef], living: &[Working]) {
    for task in tasks {
        let snapshot = stage.get(task).await;
        let lives = living.iter().any(|working| Some(working.id) == snapshot.executor);
        if snapshot.status.is_running() && !lives {
            let command = Command::DeclareLost { run: snapshot.run, last_beat: None, lease: LEASE };
            // It may have ended meanwhile.
            let _ = stage.act(task, &scheduler(), command).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_acknowledged_abort_is_never_overtaken() {
    for seed in 0..20_u64 {
        eprintln!("seed {seed}");
        let stage = Stage::new();
        let summer = Summer::default();
        let working = stage.start(faulty(&stage, seed).handle("sum", summer.handler()));
        let mut tasks = Vec::new();
        for _ in 0..6 {
            tasks.push(stage.submit(submission("sum", json!(null))).await);
        }
        for task in &tasks {
            sleep(Duration::from_millis(seed * 13 % 110)).await;
            let asked = stage.abort(task).await;
            let ended = stage.end(task).await;
            match asked {
                Ok(_) => assert_eq!(ended.status, Status::Aborted, "{ended:#?}"),
                Err(_) => assert_eq!(ended.status, Status::Completed),
            }
            let events = stage.events(task).await;
            let after = events.iter().skip_while(|event| event.name() != "abort_requested").skip(1);
            for event in after {
                assert!(
                    !matches!(event.name(), "started" | "step_started" | "completed" | "failed"),
                    "{event:?}"
                );
            }
        }
        working.kill().await;
    }
}
