//! Executors in processes of their own, which are told to end, or are killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use longhaul_core::{Continuation, Reason, Status, TaskRef};
use longhaul_executor::exec::ExecPolicy;
use longhaul_executor::{Executor, Failure, Run};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::exec::{gone, written};
use crate::stage::*;

/// Tells the tests that are started by others in which place they are to write.
const PLACE: &str = "EXECUTOR_TEST_PLACE";

/// Starts a test of this file in a process of its own.
fn start(test: &str, place: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([&format!("killed::{test}"), "--exact", "--ignored"])
        .env(PLACE, place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The file in which a started test tells of itself; nothing if it was not started by another.
fn told() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(|place| PathBuf::from(place).join("told"))
}

#[tokio::test]
async fn a_killed_executor_takes_whole_process_groups_with_it() {
    let place = TempDir::new().unwrap();
    let mut executor = start("an_executor_to_be_killed", place.path());
    let pids = written(&place.path().join("told")).await;
    executor.kill().unwrap();
    executor.wait().unwrap();
    for pid in pids.split_whitespace() {
        gone(pid).await;
    }
}

#[tokio::test]
#[ignore = "another test here starts it, in a process of its own"]
async fn an_executor_to_be_killed() {
    let Some(told) = told() else {
        return;
    };
    let stage = Stage::new();
    let _working = stage.start(stage.executor().handle_exec(ExecPolicy::new().any(["LANGUAGE"])));
    // The program ignores what it can, and so does what it starts.
    let file = told.display();
    let text =
        format!("trap '' TERM HUP; sleep 1000 & echo $$ $! > '{file}.new'; mv '{file}.new' '{file}'; wait");
    let task = stage.submit(submission("exec", json!({"program": "sh", "args": ["-c", text]}))).await;
    stage.end(&task).await;
}

#[tokio::test]
async fn told_to_end_it_drains_and_told_again_it_leaves() {
    for (test, again) in [("an_executor_to_be_drained", false), ("an_executor_that_cannot_be_drained", true)]
    {
        for signal in [Signal::TERM, Signal::INT] {
            let place = TempDir::new().unwrap();
            let mut executor = start(test, place.path());
            written(&place.path().join("told")).await;
            kill_process(Pid::from_child(&executor), signal).unwrap();
            let status = within("its end", async {
                loop {
                    if let Some(status) = executor.try_wait().unwrap() {
                        return status;
                    }
                    sleep(Duration::from_millis(50)).await;
                    if again {
                        let _ = kill_process(Pid::from_child(&executor), signal);
                    }
                }
            });
            assert!(status.await.success(), "{test}");
        }
    }
}

/// Serves a handler until told to end, and says when the task is under way.
async fn serve(stage: &Stage, task: &TaskRef, told: &Path, executor: Executor) {
    let telling = async {
        stage.until(task, "under way", |snapshot| !snapshot.steps.is_empty()).await;
        std::fs::write(told, "at work\n").unwrap();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        served = executor.serve() => served.unwrap(),
        () = telling => {}
    }
}

#[tokio::test]
#[ignore = "another test here starts it, in a process of its own"]
async fn an_executor_to_be_drained() {
    let Some(told) = told() else {
        return;
    };
    let count = async |run: &mut Run, (): ()| -> Result<(), Failure> {
        loop {
            run.step("count", async |_| {
                sleep(Duration::from_millis(10)).await;
                Ok::<_, Failure>(())
            })
            .await?;
        }
    };
    let stage = Stage::new();
    let task = stage.submit(submission("count", json!(null))).await;
    serve(&stage, &task, &told, stage.executor().handle("count", count)).await;
    let left = stage.get(&task).await;
    assert_eq!(left.reason, Reason::Continued { why: Continuation::Drain });
}

#[tokio::test]
#[ignore = "another test here starts it, in a process of its own"]
async fn an_executor_that_cannot_be_drained() {
    let Some(told) = told() else {
        return;
    };
    let stuck = async |run: &mut Run, (): ()| {
        run.step("stuck", async |_| std::future::pending::<Result<(), Failure>>().await).await
    };
    let stage = Stage::new();
    let task = stage.submit(submission("count", json!(null))).await;
    let executor = stage.executor().drain_within(Duration::from_secs(100_000)).handle("count", stuck);
    serve(&stage, &task, &told, executor).await;
    assert_eq!(stage.get(&task).await.status, Status::Running);
}
