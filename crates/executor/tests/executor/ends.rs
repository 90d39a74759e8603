//! How tasks end when their handlers do not end well.

use std::time::Duration;

use futures::future::join_all;
use longhaul_core::*;
use longhaul_executor::{CancellationToken, Error, Failure, Run};
use serde_json::json;
use tokio::time::sleep;

use crate::stage::*;

#[derive(serde::Deserialize)]
struct Album {
    #[expect(dead_code, reason = "only its form matters")]
    photos: Vec<Photo>,
}

#[derive(serde::Deserialize)]
struct Photo {
    #[expect(dead_code, reason = "only its form matters")]
    width: u32,
}

async fn error_of(stage: &Stage, said: Submission) -> TaskError {
    let task = stage.submit(said).await;
    let ended = stage.end(&task).await;
    assert_eq!(ended.status, Status::Failed, "{ended:#?}");
    ended.error.unwrap()
}

#[tokio::test(start_paused = true)]
async fn bad_input_names_the_field() {
    let stage = Stage::new();
    let _working =
        stage.start(stage.executor().handle("album", async |_: &mut Run, _: Album| Ok::<_, Failure>(())));
    let error =
        error_of(&stage, submission("album", json!({"photos": [{"width": 1}, {"width": "x"}]}))).await;
    assert_eq!((error.code.as_str(), error.retryable), ("bad_input", false));
    assert!(error.message.contains("photos[1].width"), "{}", error.message);
    let gone = Payload::Stored { sha256: Digest([7; 32]), size: 100_000 };
    let error = error_of(&stage, Submission { input: gone, ..submission("album", json!(null)) }).await;
    assert_eq!(error.code, "unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_the_task_and_nothing_else() {
    let stage = Stage::new();
    let panics = async |run: &mut Run, how: String| {
        run.step("first", async |_| Ok::<_, Failure>(())).await?;
        match how.as_str() {
            "text" => panic!("no {how} today"),
            "number" => std::panic::panic_any(7),
            _ => Ok::<_, Failure>(how),
        }
    };
    let _working = stage.start(stage.executor().places(1).handle("panics", panics));
    let retry = RetryPolicy { max_attempts: 5, ..RetryPolicy::default() };
    let error = error_of(&stage, Submission { retry, ..submission("panics", json!("text")) }).await;
    let expected = TaskError {
        code: "handler_panicked".into(),
        message: "the handler panicked: no text today".into(),
        retryable: false,
    };
    assert_eq!(error, expected);
    let error = error_of(&stage, submission("panics", json!("number"))).await;
    assert_eq!(error.message, "the handler panicked: without a message");
    let fine = stage.submit(submission("panics", json!("fine"))).await;
    assert_eq!(stage.end(&fine).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn errors_keep_their_code_and_their_causes() {
    let stage = Stage::new();
    let fails = async |_: &mut Run, own: bool| match own {
        true => Err(Failure::retryable("no_data", "the ledger of 2011 is not there yet; try tomorrow")),
        false => Ok("x".parse::<u32>()?),
    };
    let _working = stage.start(stage.executor().handle("fails", fails));
    let error = error_of(&stage, submission("fails", json!(true))).await;
    assert_eq!((error.code.as_str(), error.retryable), ("no_data", true));
    let error = error_of(&stage, submission("fails", json!(false))).await;
    assert_eq!((error.code.as_str(), error.message.as_str()), ("error", "invalid digit found in string"));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_fails_clearly() {
    let stage = Stage::new();
    let large = async |run: &mut Run, (): ()| {
        run.step("large", async |_| Ok::<_, Failure>("x".repeat(65 * 1024 * 1024))).await
    };
    let _working = stage.start(stage.executor().handle("large", large));
    let error = error_of(&stage, submission("large", json!(null))).await;
    assert_eq!((error.code.as_str(), error.retryable), ("result_too_large", false));
    assert!(error.message.contains("67108864"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn a_large_output_goes_through_the_object_store() {
    let stage = Stage::new();
    let large = async |_: &mut Run, (): ()| Ok::<_, Failure>("x".repeat(100_000));
    let _working = stage.start(stage.executor().handle("large", large));
    let task = stage.submit(submission("large", json!(null))).await;
    let output = stage.end(&task).await.output.unwrap();
    assert!(matches!(output, Payload::Stored { .. }));
    assert_eq!(stage.journal.load_payload(&output).await.unwrap().as_str().unwrap().len(), 100_000);
}

#[tokio::test(start_paused = true)]
async fn a_history_that_is_full_ends_its_task() {
    let stage = Stage::new();
    let chatty = async |run: &mut Run, (): ()| -> Result<(), Failure> {
        loop {
            let many =
                join_all((0..256).map(|_| run.usage(Usage { queries: 1, ..Usage::default() }, None))).await;
            // Even a handler that does not care does not go on for ever.
            let _ = many.into_iter().collect::<Result<Vec<_>, _>>();
            sleep(Duration::from_millis(1)).await;
        }
    };
    let _working = stage.start(stage.executor().handle("chatty", chatty));
    let task = stage.submit(submission("chatty", json!(null))).await;
    // A history as long as this is not read more often than needed.
    sleep(Duration::from_secs(5)).await;
    let ended = stage.end(&task).await;
    let error = ended.error.unwrap();
    assert_eq!((error.code.as_str(), error.retryable), ("too_many_events", false));
    assert_eq!(ended.events, longhaul_core::decide::MAX_EVENTS + 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_not_the_runs_own_ends_in_a_failure() {
    let stage = Stage::new();
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
    let keeps = async move |run: &mut Run, (): ()| -> Result<(), Failure> {
        if let Some(stop) = kept.lock().unwrap().take() {
            return Err(stop);
        }
        let stop = run.approval("go on", ()).await.err();
        *kept.lock().unwrap() = stop;
        Ok(())
    };
    let _working = stage.start(stage.executor().handle("keeps", keeps));
    let asking = stage.submit(submission("keeps", json!(null))).await;
    stage.until(&asking, "paused", |snapshot| snapshot.status == Status::Paused).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(error_of(&stage, submission("keeps", json!(null))).await.code, "stopped");
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_cannot_work_says_why() {
    let stage = Stage::new();
    let nothing = async |_: &mut Run, (): ()| Ok::<_, Failure>(());
    let run = |executor: longhaul_executor::Executor| executor.run(CancellationToken::new());
    assert!(matches!(run(stage.executor()).await, Err(Error::NoHandler)));
    assert!(matches!(run(stage.executor().handle("a.b", nothing)).await, Err(Error::Kind(_))));
    let twice = stage.executor().handle("a", nothing).handle("a", nothing);
    assert!(matches!(run(twice).await, Err(Error::TwoHandlers(_))));
    assert!(matches!(run(stage.executor().handle("a", nothing).places(0)).await, Err(Error::NoPlace)));
    stage.memory.stop();
    assert!(matches!(run(stage.executor().handle("a", nothing)).await, Err(Error::Journal(_))));
}
