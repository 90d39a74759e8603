//! The `report` kind on an executor, over the in-memory log.

use std::time::Duration;

use longhaul_agent::render::RenderCommand;
use longhaul_agent::{Agent, KIND, Output, handle_report};
use longhaul_client::{Client, Identity, NewTask, Until};
use longhaul_core::{Limits, Snapshot, Status, TaskId};
use longhaul_executor::{CancellationToken, Executor};
use longhaul_journal::memory::Memory;
use longhaul_journal::{Journal, Shards};
use longhaul_scheduler::Scheduler;
use serde_json::{Value, json};

use crate::renderer::{GOOD, gone, script};

/// Longer than anything here may take.
const BOUND: Option<Duration> = Some(Duration::from_secs(120));

/// A log with a scheduler and an executor of reports.
struct Stage {
    client: Client,
    stop: CancellationToken,
}

impl Stage {
    fn new(renderer: RenderCommand) -> Self {
        Self::with(Agent::new(renderer))
    }

    fn with(agent: Agent) -> Self {
        let journal = Journal::over(&Memory::new(Shards::ONE));
        let stop = CancellationToken::new();
        let scheduler = Scheduler::new(journal.clone(), longhaul_scheduler::Options::default());
        let executor = handle_report(Executor::new(journal.clone()), agent);
        tokio::spawn({
            let stop = stop.clone();
            async move { scheduler.run(stop).await }
        });
        tokio::spawn(executor.run(stop.clone()));
        let client = Client::new(journal, Identity::new("acme", "ann", "test").unwrap());
        Self { client, stop }
    }

    async fn submit(&self, input: Value, limits: Limits) -> TaskId {
        let task = NewTask::new(KIND, "A report", &input).unwrap().limits(limits);
        self.client.submit(task).await.unwrap().snapshot.task
    }

    async fn end(&self, task: TaskId) -> Snapshot {
        self.client.wait(task, BOUND).await.unwrap()
    }

    async fn run(&self, input: Value) -> (TaskId, Snapshot) {
        let task = self.submit(input, Limits::default()).await;
        (task, self.end(task).await)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn code(snapshot: &Snapshot) -> (&str, bool, &str) {
    let error = snapshot.error.as_ref().unwrap();
    (&error.code, error.retryable, &error.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_a_pdf() {
    let stage = Stage::new(script(GOOD));
    let (task, ended) =
        stage.run(json!({"data": "sample:chinook", "prompt": "quarterly review of 2010"})).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    let steps: Vec<&str> = ended.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(steps, ["planning", "query 1", "query 2", "query 3", "drafting", "rendering"]);
    assert_eq!((ended.usage.queries, ended.usage.tokens()), (3, 0));
    let output: Output = serde_json::from_value(stage.client.output(task).await.unwrap()).unwrap();
    assert_eq!(output.title, "Quarterly review of 2010: Q4 2010");
    assert_eq!(output.artifact, "quarterly-review-of-2010-q4-2010.pdf");
    assert_eq!(output.queries, 3);
    assert!(output.summary[0].starts_with("Revenue was 117.86 in Q4 2010"), "{:?}", output.summary);
    let (artifact, bytes) = stage.client.download(task, None).await.unwrap();
    assert_eq!(
        (artifact.name.as_str(), artifact.media_type.as_str()),
        ("quarterly-review-of-2010-q4-2010.pdf", "application/pdf")
    );
    assert_eq!(&bytes[..], b"%PDF-1.7 a document");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_asked_for_is_a_file_of_its_own() {
    // The script's first argument is the format.
    let each =
        "cat > /dev/null; case $0 in pdf) printf %%PDF;; docx) printf PK;; markdown) printf '# x';; esac";
    let stage = Stage::new(script(each));
    let input = json!({
        "data": "sample:chinook", "prompt": "by country", "file_name": "Countries.pdf",
        "formats": ["docx", "markdown", "pdf"]
    });
    let (task, ended) = stage.run(input).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    let output: Output = serde_json::from_value(stage.client.output(task).await.unwrap()).unwrap();
    assert_eq!(output.artifacts, ["Countries.docx", "Countries.md", "Countries.pdf"]);
    let (artifact, bytes) = stage.client.download(task, Some("Countries.md")).await.unwrap();
    assert_eq!(artifact.media_type, "text/markdown; charset=utf-8");
    assert_eq!(&bytes[..], b"# x");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_names_are_kept() {
    let stage = Stage::new(script(GOOD));
    let input =
        json!({"data": "sample:chinook", "prompt": "by country", "file_name": "Countries", "queries": 9});
    let limits = Limits { queries: Some(1), ..Limits::default() };
    let task = stage.submit(input, limits).await;
    let ended = stage.end(task).await;
    assert_eq!((ended.status, ended.usage.queries), (Status::Completed, 1));
    assert_eq!(ended.artifacts.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["Countries.pdf"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_become_a_report_fails_for_good() {
    let stage = Stage::new(script(GOOD));
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.csv");
    std::fs::write(&bad, "a,b\n1,2\n3,4,5\n").unwrap();
    for (input, expected, told) in [
        (json!({"data": "/nowhere/sales.csv", "prompt": "x"}), "data_unavailable", "/nowhere/sales.csv"),
        (json!({"data": [], "prompt": "x"}), "data_unavailable", "empty list"),
        (json!({"data": bad, "prompt": "x"}), "data_unusable", "line 3: 3 fields"),
        (json!({"data": "sample:chinook"}), "bad_input", "prompt"),
        (json!({"data": 7, "prompt": "x"}), "bad_input", "a path, or a list of paths"),
        (json!({"data": "sample:chinook", "prompt": "x", "file_name": "../x"}), "bad_request", "file name"),
        (json!({"data": "sample:chinook", "prompt": "x".repeat(20_000)}), "bad_request", "shorter"),
        (json!({"data": "sample:chinook", "prompt": "x", "queries": 1000}), "bad_request", "50"),
        (
            json!({"data": "sample:chinook", "prompt": "x", "skills": "/nowhere"}),
            "skills_unusable",
            "/nowhere",
        ),
    ] {
        let (_, ended) = stage.run(input.clone()).await;
        assert_eq!(ended.status, Status::Failed, "{input}");
        let (code, retryable, message) = code(&ended);
        assert_eq!((code, retryable), (expected, false), "{input}: {message}");
        assert!(message.contains(told), "{input}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typesetter_that_fails_can_be_tried_again_and_nothing_else_is_done_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mended = folder.path().join("mended");
    let stage = Stage::new(script(&format!(
        "test -e {} || {{ echo 'no paper' >&2; exit 1; }}; {GOOD}",
        mended.display()
    )));
    let (task, ended) = stage.run(json!({"data": "sample:chinook", "prompt": "top customers"})).await;
    assert_eq!(ended.status, Status::Failed);
    assert_eq!(code(&ended), ("render_failed", true, "setting the document failed: no paper"));
    std::fs::write(&mended, "").unwrap();
    stage.client.retry(task).await.unwrap();
    let ended = stage.end(task).await;
    assert_eq!((ended.status, ended.attempt), (Status::Completed, 2), "{ended:#?}");
    // The queries of the first attempt were recorded and not run again.
    assert_eq!(ended.usage.queries, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_ends_the_typesetter() {
    let folder = tempfile::tempdir().unwrap();
    let number = folder.path().join("number");
    let stage = Stage::new(script(&format!("echo $$ > {}; exec sleep 600", number.display())));
    let task = stage.submit(json!({"data": "sample:chinook", "prompt": "churn"}), Limits::default()).await;
    let renders = |s: &Snapshot| s.current_step().is_some_and(|step| step.name == "rendering");
    let mut watch = stage.client.watch(task).await.unwrap();
    while !renders(watch.snapshot()) || !number.exists() {
        tokio::select! {
            changed = watch.changed() => { changed.unwrap(); }
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
    stage.client.abort(task, None).await.unwrap();
    let ended = stage.client.wait_until(task, Until::Ended, BOUND).await.unwrap();
    assert_eq!((ended.status, ended.usage.queries), (Status::Aborted, 3));
    gone(&number).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_ends_the_reading_of_slow_data() {
    // Every look at the second column costs a millisecond: minutes for all of them.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slow.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, \
               amount INTEGER AS (length(replace(printf('%.*c', 400000, 'x'), 'x', 'yy')) + id));
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
               INSERT INTO orders (id) SELECT i FROM n;",
        )
        .unwrap();
    drop(connection);
    let limits = longhaul_agent::data::Limits { schema_millis: 3_600_000, ..Default::default() };
    let stage = Stage::with(Agent { limits, ..Agent::new(script(GOOD)) });
    let task = stage.submit(json!({"data": path, "prompt": "overview"}), Limits::default()).await;
    let mut watch = stage.client.watch(task).await.unwrap();
    while watch.snapshot().progress.message.is_none() {
        watch.changed().await.unwrap();
    }
    stage.client.abort(task, None).await.unwrap();
    let ended = stage.end(task).await;
    // Reading all of it would take minutes. On a busy machine the abort may arrive when the first query
    // has begun; that one is counted, and no further one begins.
    assert_eq!(ended.status, Status::Aborted);
    assert!(ended.usage.queries <= 1, "{} queries", ended.usage.queries);
}

#[tokio::test(flavor = "multi_thread")]
async fn roots_are_kept_and_skills_are_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sales.csv"), "day,region,amount\n2024-01-01,N,5\n2024-01-02,S,6\n")
        .unwrap();
    let skills = tempfile::tempdir().unwrap();
    std::fs::write(
        skills.path().join("board.md"),
        "---\nname: board-pack\ndescription: For the board.\nrequest: revenue by region\n---\nShort.\n",
    )
    .unwrap();
    let stage = Stage::with(Agent { roots: vec![folder.path().to_owned()], ..Agent::new(script(GOOD)) });
    let (_, ended) = stage.run(json!({"data": "/etc/hostname", "prompt": "x"})).await;
    assert_eq!(code(&ended).0, "data_unavailable");
    let input = json!({"data": folder.path(), "prompt": "the board pack, please", "skills": skills.path()});
    let (task, ended) = stage.run(input).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    let output = stage.client.output(task).await.unwrap();
    assert_eq!(output["title"], "Revenue by region");
}
