//! A log, a scheduler and an executor that can be killed, with a model that says its script.

use std::sync::Arc;
use std::time::Duration;

use longhaul_agent::render::RenderCommand;
use longhaul_agent::{Agent, KIND, Models, Output, RateLimits, handle_chat, handle_report};
use longhaul_client::{Client, Identity, NewTask};
use longhaul_core::{Actor, Limits, Millis, Policy, RetryPolicy, Role, Snapshot, Status, TaskId};
use longhaul_executor::{CancellationToken, Executor};
use longhaul_journal::memory::Memory;
use longhaul_journal::{Journal, Shards};
use longhaul_model::{Call, Reply, Retry, Said, Scripted, Stop, Tokens, Turn};
use longhaul_scheduler::{Options, Scheduler};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::renderer::script;

/// Longer than anything here may take.
pub(crate) const BOUND: Duration = Duration::from_secs(120);

/// Sets Markdown as a heading of the whole document's JSON, anything else as a page.
pub(crate) const SETS: &str =
    "case $0 in markdown) printf '# '; cat;; *) cat > /dev/null; printf '%%PDF-1.7 a document';; esac";

/// A log with a scheduler that soon takes a run for lost, and an executor that can be killed.
pub(crate) struct Stage {
    pub(crate) client: Client,
    journal: Journal,
    stop: CancellationToken,
    agent: Agent,
    executor: JoinHandle<()>,
    /// A second one, of which the first knows only by the log.
    other: Option<JoinHandle<()>>,
    pub(crate) model: Scripted,
}

impl Stage {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::with(turns, script(SETS), |_| {})
    }

    pub(crate) fn with(
        turns: impl IntoIterator<Item = Turn>,
        renderer: RenderCommand,
        set: impl FnOnce(&mut Agent),
    ) -> Self {
        Self::of(Scripted::new(turns), renderer, set)
    }

    pub(crate) fn of(model: Scripted, renderer: RenderCommand, set: impl FnOnce(&mut Agent)) -> Self {
        let journal = Journal::over(&Memory::new(Shards::ONE));
        let stop = CancellationToken::new();
        let options = Options { lease: Millis(1_500), tick: Duration::from_millis(20), ..Options::default() };
        let scheduler = Scheduler::new(journal.clone(), options);
        tokio::spawn({
            let stop = stop.clone();
            async move { scheduler.run(stop).await }
        });
        let asked = model.clone();
        let mut agent = Agent::new(renderer);
        agent.models = Models::by(move |name| match name {
            "scripted" => Ok(Arc::new(asked.clone())),
            _ => Err(format!("there is no model {name:?}; this executor has scripted")),
        });
        let moment = Duration::from_millis(1);
        agent.retry = Retry { most: 3, first: moment, longest: moment, patience: moment };
        set(&mut agent);
        let executor = start(&journal, &agent);
        let client = Client::new(journal.clone(), Identity::new("acme", "ann", "test").unwrap());
        Self { client, journal, stop, agent, executor, other: None, model }
    }

    /// Starts a second executor, as in another process.
    pub(crate) fn another(&mut self) {
        let agent = Agent { rate_limits: RateLimits::default(), ..self.agent.clone() };
        self.other = Some(start(&self.journal, &agent));
    }

    /// Ends the executor as `kill -9` would, and starts another.
    pub(crate) async fn crash(&mut self) {
        self.executor.abort();
        let _ = (&mut self.executor).await;
        self.executor = start(&self.journal, &self.agent);
    }

    pub(crate) async fn submit(&self, input: Value, limits: Limits) -> TaskId {
        self.submit_as(KIND, input, limits).await
    }

    pub(crate) async fn submit_as(&self, kind: &str, input: Value, limits: Limits) -> TaskId {
        let retry = RetryPolicy { max_attempts: 30, backoff: Millis(10), max_backoff: Millis(10) };
        let task = NewTask::new(kind, "A report", &input).unwrap().limits(limits).retry(retry);
        self.client.submit(task).await.unwrap().snapshot.task
    }

    pub(crate) async fn end(&self, task: TaskId) -> Snapshot {
        self.client.wait(task, Some(BOUND)).await.unwrap()
    }

    pub(crate) async fn run(&self, input: Value, limits: Limits) -> (TaskId, Snapshot) {
        let task = self.submit(input, limits).await;
        (task, self.end(task).await)
    }

    /// Waits until the task's snapshot, or the model, is as wished.
    pub(crate) async fn until(
        &self,
        task: TaskId,
        wished: impl Fn(&Snapshot, &Scripted) -> bool,
    ) -> Snapshot {
        let waiting = async {
            loop {
                let snapshot = self.client.get(task).await.unwrap();
                if wished(&snapshot, &self.model) {
                    return snapshot;
                }
                assert!(!snapshot.status.is_terminal(), "{snapshot:#?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(BOUND, waiting).await.expect("what is waited for comes")
    }

    /// The same, or until the task has ended.
    pub(crate) async fn until_ended_or(&self, task: TaskId, wished: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let waiting = async {
            loop {
                let snapshot = self.client.get(task).await.unwrap();
                if snapshot.status.is_terminal() || wished(&snapshot) {
                    return snapshot;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(BOUND, waiting).await.expect("what is waited for comes")
    }

    /// Says what the organisation may do from now on.
    pub(crate) async fn policy(&self, policy: Policy) {
        let actor = Actor { role: Role::Client, who: "ops".to_owned(), via: "test".to_owned() };
        self.journal.set_policy(&self.client.identity().org, &actor, policy).await.unwrap();
    }

    pub(crate) async fn output(&self, task: TaskId) -> Output {
        serde_json::from_value(self.client.output(task).await.unwrap()).unwrap()
    }

    pub(crate) async fn draft(&self, task: TaskId) -> Value {
        let (_, file) = self.client.download(task, Some("draft.md")).await.unwrap();
        serde_json::from_slice(&file[2..]).unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
        self.executor.abort();
        if let Some(other) = &self.other {
            other.abort();
        }
    }
}

fn start(journal: &Journal, agent: &Agent) -> JoinHandle<()> {
    let executor = Executor::new(journal.clone()).beat_every(Duration::from_millis(50));
    let executor = handle_chat(handle_report(executor, agent.clone()), agent.clone());
    tokio::spawn(async move {
        executor.run(CancellationToken::new()).await.unwrap();
    })
}

pub(crate) fn says(text: &str, calls: &[(&str, Value)]) -> Turn {
    let calls = calls.iter().enumerate().map(|(n, (name, arguments))| Call {
        id: format!("c{n}"),
        name: (*name).to_owned(),
        arguments: Ok(arguments.clone()),
    });
    let calls: Vec<Call> = calls.collect();
    Turn::Reply(Reply {
        text: text.to_owned(),
        stop: if calls.is_empty() { Stop::Ended } else { Stop::Calls },
        calls,
        tokens: Tokens { input: 100, output: 10, exact: true },
        model: "script".to_owned(),
        native: None,
    })
}

pub(crate) fn sql(sql: &str) -> (&'static str, Value) {
    ("execute_sql", json!({"sql": sql, "purpose": "a purpose"}))
}

pub(crate) const BY_COUNTRY: &str = "SELECT BillingCountry AS country, round(sum(Total), 2) AS sales FROM Invoice \
                          GROUP BY 1 ORDER BY 2 DESC";

pub(crate) fn report() -> (&'static str, Value) {
    let parts = json!([
        {"kind": "bullets", "items": ["The USA leads."]},
        {"kind": "table", "query": 1, "caption": "By country", "top": 3},
        {"kind": "chart", "query": 1, "caption": "By country", "chart": "ranking", "label": "country", "values": ["sales"]}
    ]);
    let sections = json!([{"heading": "Countries", "parts": parts}]);
    let summary = json!([
        {"kind": "figures", "figures": [{"label": "USA", "query": 1, "column": "sales"}]},
        {"kind": "paragraph", "text": "The USA leads."}
    ]);
    ("write_report", json!({"title": "Sales by country", "summary": summary, "sections": sections}))
}

pub(crate) fn input() -> Value {
    json!({"data": "sample:chinook", "prompt": "sales by country", "model": "scripted"})
}

pub(crate) fn steps(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.steps.iter().map(|step| step.name.as_str()).collect()
}

pub(crate) fn failed(snapshot: &Snapshot) -> (&str, bool, &str) {
    assert_eq!(snapshot.status, Status::Failed, "{snapshot:#?}");
    let error = snapshot.error.as_ref().unwrap();
    (&error.code, error.retryable, &error.message)
}

/// The answers that the model was told of its last question, by tool.
pub(crate) fn answers(model: &Scripted) -> Vec<(String, Value)> {
    let asked = model.asked();
    let told = asked.last().unwrap().dialog.iter().filter_map(|said| match said {
        Said::Tool { name, answer, .. } => Some((name.clone(), answer.clone())),
        Said::Person { .. } | Said::Model(_) => None,
    });
    told.collect()
}
