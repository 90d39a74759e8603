//! Long research: a slow provider, short slices, executors that are killed. One conversation all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::time::Duration;

use longhaul_client::NewTask;
use longhaul_core::{EventBody, Limits, Millis, RetryPolicy, Snapshot, Status, TaskId};
use longhaul_tests::model::{Fault, Mock, Relay, fixtures};
use longhaul_tests::world::{ended, submit};
use longhaul_tests::{Process, World, eventually};
use serde_json::{Value, json};

const ABOUT: &str = "a full analysis of sales";
/// What each call of the model costs, as its provider says.
const COST: (u64, u64) = (1_000, 100);
const CALLS: usize = 5;

fn fixtures() -> Vec<Value> {
    let sql = |sql: &str| ("c", "execute_sql", json!({"sql": sql, "purpose": "what it says"}));
    let section = |heading: &str, query: u32, label: &str, values: &str| {
        let parts = json!([
            {"kind": "table", "query": query, "caption": heading},
            {"kind": "chart", "query": query, "caption": heading, "chart": "bars", "label": label, "values": [values]}
        ]);
        ("w", "write_section", json!({"heading": heading, "parts": parts}))
    };
    let report = json!({
        "title": "All of it",
        "summary": [{"kind": "figures", "figures": [{"label": "Most", "query": 1, "column": "sales"}]}]
    });
    let turns = [
        vec![sql("SELECT country, round(sum(total), 2) AS sales FROM sales GROUP BY 1 ORDER BY 2 DESC")],
        vec![section("Countries", 1, "country", "sales")],
        vec![sql("SELECT substr(day, 1, 7) AS month, round(sum(total), 2) AS sales FROM sales GROUP BY 1")],
        vec![section("Months", 2, "month", "sales")],
        vec![("r", "write_report", report)],
    ];
    turns.iter().enumerate().map(|(n, calls)| fixtures::counted_calls(ABOUT, n, calls, COST)).collect()
}

struct Stage {
    world: World,
    mock: Mock,
    relay: Relay,
    _scheduler: Process,
    started: u32,
}

impl Stage {
    /// A provider that takes its time for every piece of an answer.
    async fn new() -> Self {
        let mock = Mock::start(&fixtures());
        let relay = Relay::start(mock.address()).await;
        (0..CALLS + 2).for_each(|_| relay.then(Fault::Slow(Duration::from_millis(300))));
        let world = World::new(1).await;
        let sales =
            "day,country,total\n2026-01-03,USA,523.06\n2026-01-04,Canada,303.96\n2026-02-01,USA,100.00\n";
        std::fs::write(world.path().join("sales.csv"), sales).unwrap();
        let scheduler = world.start(&["schedule", "--lease", "3s"]);
        Self { world, mock, relay, _scheduler: scheduler, started: 0 }
    }

    fn worker(&mut self) -> Process {
        self.started += 1;
        let name = format!("reports-{}", self.started);
        let mut command = self.world.command(&["work", "--kind", "report"]);
        command.env("LONGHAUL_MODEL", "mock/m1").env("LONGHAUL_MODEL_KEY", "sk-1");
        command.env("LONGHAUL_MODEL_URL", format!("{}/v1", self.relay.url()));
        command.env("LONGHAUL_DATA", self.world.path().join(&name)).env("LONGHAUL_LOG", "info");
        Process::start(command, self.world.path(), &name)
    }

    async fn submit(&self) -> TaskId {
        let data = self.world.path().join("sales.csv");
        let input = json!({"data": data, "prompt": ABOUT, "model": "mock/m1", "formats": ["markdown"]});
        let limits = Limits { slice: Millis::seconds(1), ..Limits::default() };
        let retry = RetryPolicy { max_attempts: 3, backoff: Millis(100), max_backoff: Millis(100) };
        let task = NewTask::new("report", "Research", &input).unwrap().limits(limits).retry(retry);
        submit(&self.world.client("ann"), task).await
    }

    /// Each step once, each question a continuation of the one before, and a whole report.
    async fn is_one_conversation(&self, task: TaskId, done: &Snapshot) {
        assert_eq!(done.status, Status::Completed, "{}: {:?}", done.reason_text(), done.error);
        assert_eq!(self.mock.unprepared().await, Vec::<Value>::new());
        let mut recorded = self.world.recorded(task).await;
        assert_eq!(recorded.iter().filter(|step| step.starts_with("model ")).count(), CALLS);
        let all = recorded.len();
        recorded.sort();
        recorded.dedup();
        assert_eq!(recorded.len(), all, "each step is recorded once");
        let asked = self.relay.asked();
        let dialogs: Vec<&Vec<Value>> =
            asked.iter().map(|asked| asked.body["messages"].as_array().unwrap()).collect();
        for pair in dialogs.windows(2) {
            assert!(pair[1].starts_with(pair[0]), "{:#?}\n{:#?}", pair[0], pair[1]);
        }
        let (_, file) = self.world.client("ann").download(task, None).await.unwrap();
        let text = String::from_utf8(file.to_vec()).unwrap();
        for told in ["All of it", "Countries", "623.06", "Months", "827.02"] {
            assert!(text.contains(told), "{told:?} is not in\n{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn research_goes_on_over_many_runs_as_one_conversation() {
    let mut stage = Stage::new().await;
    let _worker = stage.worker();
    let task = stage.submit().await;
    let client = stage.world.client("ann");
    // Not before its end: what there is can be read.
    eventually("a draft", async || {
        let snapshot = client.get(task).await.unwrap();
        snapshot.artifacts.iter().any(|file| file.name == "draft.md").then_some(())
    })
    .await;
    let (_, draft) = client.download(task, Some("draft.md")).await.unwrap();
    assert!(String::from_utf8_lossy(&draft).contains("623.06"));
    let done = ended(&client, task).await;
    stage.is_one_conversation(task, &done).await;
    assert!(done.run.0 > 3, "{} runs", done.run);
    assert_eq!((done.attempt, stage.mock.journal().await.len()), (1, CALLS), "nothing is asked twice");
    let usage = done.usage;
    let calls = CALLS as u64;
    assert_eq!((usage.input_tokens, usage.output_tokens), (calls * COST.0, calls * COST.1));
    assert_eq!((usage.model_calls, usage.queries, usage.exact), (5, 2, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_executor_costs_one_asking_more_and_no_count_is_lost() {
    let mut stage = Stage::new().await;
    let mut worker = stage.worker();
    let task = stage.submit().await;
    // In the middle of the second answer.
    eventually("the second question", async || {
        (stage.mock.journal().await.len() == 2 && stage.relay.open() > 0).then_some(())
    })
    .await;
    worker.kill();
    let _other = stage.worker();
    let done = ended(&stage.world.client("ann"), task).await;
    stage.is_one_conversation(task, &done).await;
    assert_eq!(done.attempt, 2);
    let asked = stage.mock.journal().await.len();
    assert!((CALLS..=CALLS + 1).contains(&asked), "{asked} times");
    let (usage, calls) = (done.usage, CALLS as u64);
    assert!(usage.input_tokens >= calls * COST.0 && usage.output_tokens >= calls * COST.1, "{usage:?}");
    assert_eq!(usage.queries, 2);
    // What was swallowed is estimated, once.
    let counted = stage
        .world
        .events(task)
        .await
        .into_iter()
        .filter(|event| matches!(event, EventBody::UsageRecorded { usage, .. } if usage.model_calls > 0));
    assert_eq!(counted.count(), asked);
    assert_eq!(usage.exact, asked == CALLS);
}
