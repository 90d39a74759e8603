//! A new version comes: every service is stopped with SIGTERM and replaced, one after the other, while
//! tasks run. No task loses or repeats a step, and none uses up an attempt.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use longhaul_core::{EventBody, Status, TaskId};
use longhaul_tests::fault::{runs, told};
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{Process, World, eventually};

const WORK: &[&str] = &["work", "--kind", "rehearsal", "--places", "12"];

/// Each kind of service twice.
const SERVICES: [&[&str]; 6] = [&["schedule"], &["schedule"], &["project"], &["project"], WORK, WORK];

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_all_services_costs_no_step_and_no_attempt() {
    let world = World::new(2).await;
    let mut services: Vec<Process> = SERVICES.iter().map(|args| world.start(args)).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let submitting: Vec<_> = (0..4)
        .map(|n| {
            let (client, stop) = (world.client(&format!("user-{n}")), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut tasks: Vec<TaskId> = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    tasks.push(submit(&client, rehearsal("slow 30 50")).await);
                    // As many as may run at once, and two that wait.
                    if let Some(earlier) = tasks.len().checked_sub(8) {
                        ended(&client, tasks[earlier]).await;
                    }
                }
                tasks
            })
        })
        .collect();
    eventually("work", async || {
        let told = told(&world.journal).await;
        let begun =
            |(events, _): &(Vec<EventBody>, _)| events.iter().any(|event| event.name() == "step_completed");
        (told.tasks.values().filter(|task| begun(task)).count() >= 16).then_some(())
    })
    .await;
    for (at, args) in SERVICES.iter().enumerate() {
        services[at].terminate();
        let code = services[at].ended().await;
        assert_eq!(code, Some(0), "{}", services[at].said());
        services[at] = world.start(args);
        runs(&services[at]).await;
    }
    stop.store(true, Ordering::Relaxed);
    let client = world.client("ann");
    for submitting in submitting {
        for task in submitting.await.unwrap() {
            let done = ended(&client, task).await;
            assert_eq!((done.status, done.attempt), (Status::Completed, 1), "{}", done.reason_text());
            assert_eq!(world.recorded(task).await.len(), 30);
        }
    }
    let told = told(&world.journal).await;
    told.assert_sound();
    let mut handed_over = 0;
    for (events, state) in told.tasks.values() {
        let state = state.as_ref().unwrap();
        let begun = events.iter().filter(|event| event.name() == "step_started").count();
        assert_eq!(begun, 30, "a step was begun again: {events:?}");
        assert!(events.iter().all(|event| event.name() != "lost"), "{events:?}");
        handed_over += u32::from(state.run.0 > 1);
    }
    assert!(handed_over > 0, "no run was handed over: the restart came when nothing ran");
}
