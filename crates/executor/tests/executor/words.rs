//! What a run says: text, progress, usage, budgets, files.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use longhaul_core::*;
use longhaul_executor::{Budget, Failure, Run};
use longhaul_wire::sha256;
use serde_json::json;
use tokio::time::sleep;

use crate::stage::*;

fn count(events: &[EventBody], name: &str) -> usize {
    events.iter().filter(|event| event.name() == name).count()
}

#[tokio::test(start_paused = true)]
async fn progress_is_coalesced_and_ends_at_its_last_word() {
    let stage = Stage::new();
    let busy = async |run: &mut Run, (): ()| {
        for n in 0..10_000 {
            run.progress(n, 20_000);
            run.message(format!("at {n}"));
            if n % 10 == 0 {
                sleep(Duration::from_millis(1)).await;
            }
        }
        run.step("last", async |_| Ok::<_, Failure>(())).await?;
        Err::<(), _>(Failure::permanent("enough", "enough"))
    };
    let _working = stage.start(stage.executor().handle("busy", busy));
    let task = stage.submit(submission("busy", json!(null))).await;
    let ended = stage.end(&task).await;
    assert_eq!(ended.progress.message.as_deref(), Some("at 9999"));
    assert_eq!(ended.progress.fraction, Some(0.5));
    // Two seconds of it, four words a second.
    let words = count(&stage.events(&task).await, "progressed");
    assert!((3..=20).contains(&words), "{words} words");
}

#[tokio::test(start_paused = true)]
async fn text_is_said_live_and_kept_in_few_pieces() {
    let stage = Stage::new();
    let tells = async |run: &mut Run, (): ()| {
        run.text("Once ").await?;
        run.step("middle", async |step| {
            for word in ["upon ", "a\x1b[31m ", "time\u{202E} "] {
                step.text(word).await?;
                sleep(Duration::from_millis(1)).await;
            }
            Ok::<_, Failure>(())
        })
        .await?;
        for _ in 0..500 {
            run.text("there was ä ").await?;
        }
        Ok::<_, Failure>(())
    };
    let mut said = submission("tells", json!(null));
    let task = TaskRef { org: said.owner.org.clone(), task: longhaul_journal::new_id() };
    said.title = Title::new("a tale").unwrap();
    let mut live = stage.journal.listen_text(&task).await.unwrap();
    stage.act(&task, &client(), Command::Submit(Box::new(said))).await.unwrap();
    let _working = stage.start(stage.executor().handle("tells", tells));
    stage.end(&task).await;
    let kept = stage.text(&task).await;
    let expected =
        [(0, "Once ".to_owned()), (1, "upon a[31m time ".to_owned()), (2, "there was ä ".repeat(500))];
    assert_eq!(kept, expected.into());
    assert!(count(&stage.events(&task).await, "text_appended") < 10);

    let mut heard = std::collections::BTreeMap::<u32, String>::new();
    while heard.get(&2).is_none_or(|text| text.len() < kept[&2].len()) {
        let delta = within("the live text", live.next()).await.unwrap();
        assert_eq!(delta.run, RunNumber(1));
        let segment = heard.entry(delta.segment).or_default();
        assert_eq!(segment.len() as u64, delta.offset);
        segment.push_str(&delta.text);
    }
    assert_eq!(heard, kept);
}

#[tokio::test(start_paused = true)]
async fn text_of_a_later_run_replaces_what_was_said_at_the_same_place() {
    let stage = Stage::new();
    let tells = async |run: &mut Run, (): ()| {
        run.text(format!("attempt {}: ", run.attempt())).await?;
        run.step("kept", async |step| step.text("kept").await).await?;
        if run.attempt() == 1 {
            run.text("this is forgotten").await?;
            return Err(Failure::retryable("again", "again"));
        }
        run.text("the end").await
    };
    let retry = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let _working = stage.start(stage.executor().handle("tells", tells));
    let task = stage.submit(Submission { retry, ..submission("tells", json!(null)) }).await;
    stage.end(&task).await;
    let text: String = stage.text(&task).await.into_values().collect();
    assert_eq!(text, "attempt 2: keptthe end");
}

#[tokio::test(start_paused = true)]
async fn writers_of_much_text_wait_for_a_log_that_is_down_and_lose_nothing() {
    let stage = Stage::new();
    let pours = async |run: &mut Run, (): ()| {
        for n in 0..100 {
            run.text(format!("{n:>10000}")).await?;
            sleep(Duration::from_millis(1)).await;
        }
        Ok::<_, Failure>(())
    };
    let _working = stage.start(stage.executor().handle("pours", pours));
    let task = stage.submit(submission("pours", json!(null))).await;
    stage.until(&task, "telling", |snapshot| !snapshot.text.is_empty()).await;
    stage.memory.stop();
    // Longer than the lease, and than an append is tried.
    sleep(Duration::from_secs(100)).await;
    stage.memory.start();
    let ended = stage.end(&task).await;
    assert_eq!((ended.status, ended.run), (Status::Completed, RunNumber(1)));
    let text: String = stage.text(&task).await.into_values().collect();
    assert_eq!(text, (0..100).map(|n| format!("{n:>10000}")).collect::<String>());
}

#[tokio::test(start_paused = true)]
async fn queries_and_tokens_are_counted_against_the_budget() {
    let stage = Stage::new();
    let spends = async |run: &mut Run, (): ()| {
        let first = run.budget();
        let mut ran = 0;
        while run.step("query", async |step| step.spend_query().await).await? {
            ran += 1;
        }
        run.usage(
            Usage { input_tokens: 70, output_tokens: 50, model_calls: 1, ..Usage::default() },
            Some("m"),
        )
        .await?;
        assert!(run.budget().is_spent());
        Ok::<_, Failure>((ran, first.tokens_left, run.budget().queries_left, run.budget().tokens_left))
    };
    let _working = stage.start(stage.executor().handle("spends", spends));
    let bounded = Limits { queries: Some(3), tokens: Some(100), ..Limits::default() };
    let task = stage.submit(Submission { limits: bounded, ..submission("spends", json!(null)) }).await;
    let ended = stage.end(&task).await;
    assert_eq!(output(&ended), &json!([3, 100, 0, 0]));
    assert_eq!((ended.usage.queries, ended.usage.tokens(), ended.usage.model_calls), (3, 120, 1));
}

#[tokio::test(start_paused = true)]
async fn without_bounds_nothing_is_ever_spent() {
    let stage = Stage::new();
    let spends = async |run: &mut Run, (): ()| {
        assert!(run.spend_query().await?);
        let nothing = Budget { queries: None, queries_left: None, tokens: None, tokens_left: None };
        Ok::<_, Failure>(run.budget() == nothing && !run.budget().is_spent())
    };
    let _working = stage.start(stage.executor().handle("spends", spends));
    let task = stage.submit(submission("spends", json!(null))).await;
    let ended = stage.end(&task).await;
    assert_eq!((output(&ended), ended.usage.queries), (&json!(true), 1));
}

#[tokio::test(start_paused = true)]
async fn files_are_kept_and_named_by_digest() {
    let stage = Stage::new();
    let files = async |run: &mut Run, (): ()| {
        run.artifact("report.pdf", "application/pdf", "draft".as_bytes()).await?;
        run.step("print", async |step| {
            step.artifact("report.pdf", "application/pdf", vec![7; 100_000]).await
        })
        .await?;
        let mut refused = Vec::new();
        for (name, media_type) in
            [("../up", "a/b"), ("", "a/b"), ("a\n", "a/b"), ("a", "text"), ("a", "a/b\r\nX: y")]
        {
            refused.push(run.artifact(name, media_type, Bytes::new()).await.unwrap_err().code().to_owned());
        }
        Ok::<_, Failure>(refused)
    };
    let _working = stage.start(stage.executor().handle("files", files));
    let task = stage.submit(submission("files", json!(null))).await;
    let ended = stage.end(&task).await;
    let (name, media) = ("bad_artifact_name", "bad_media_type");
    assert_eq!(output(&ended), &json!([name, name, name, media, media]));
    let [file] = ended.artifacts.as_slice() else { panic!("{:?}", ended.artifacts) };
    assert_eq!((file.name.as_str(), file.size, file.sha256), ("report.pdf", 100_000, sha256(&[7; 100_000])));
    assert_eq!(stage.journal.get(file.sha256).await.unwrap(), vec![7; 100_000]);
}
