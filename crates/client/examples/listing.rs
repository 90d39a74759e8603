//! How soon a dashboard that connects knows all tasks: a nats-server of its own, a projector in a
//! process of its own, and the fleet as a dashboard hears it.
//!
//! ```text
//! cargo run --release -p longhaul-client --example listing -- <tasks> <KiB of input> <pending of a hundred>
//! ```
//!
//! Of the others one in a hundred is paused, three have failed, the rest has completed.

use std::error::Error;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use longhaul_broker::{Options, Server, ServerConfig, locate, talk_on_stderr};
use longhaul_client::fleet::{Scope, Word};
use longhaul_client::{Client, Identity};
use longhaul_core::{
    Actor, AdmissionReason, ApprovalId, Digest, EventBody, ExecutorId, Kind, OrgId, Owner, Payload, Role,
    RunNumber, Sequence, Submission, TaskError, TaskId, Timestamp, Title, Usage, UserId,
};
use longhaul_journal::nats::{Auth, ConnectOptions, Nats};
use longhaul_journal::port::{Append, Port};
use longhaul_journal::{Journal, Record, new_id, now, stamp};
use longhaul_projector::Projector;
use longhaul_wire::query::{BriefPage, Briefs, Filter, Health, MAX_BRIEFS};
use longhaul_wire::{Shards, Subject, encode};
use serde_json::json;
use tokio_util::sync::CancellationToken;

type Failed = Box<dyn Error + Send + Sync>;

/// Records on their way at the same time.
const AT_ONCE: usize = 512;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["project", url, token, folder] => project(url, token, folder).await,
        [tasks, input, pending] => {
            measure(Shape { tasks: tasks.parse()?, input: input.parse()?, pending: pending.parse()? }).await
        }
        _ => Err("say <tasks> <KiB of input> <pending of a hundred>".into()),
    }
}

/// What is there to be listed.
#[derive(Clone, Copy)]
struct Shape {
    tasks: usize,
    /// In KiB.
    input: usize,
    /// Of a hundred.
    pending: usize,
}

fn options(url: &str, token: &str) -> ConnectOptions {
    ConnectOptions { auth: Auth::Token(token.to_owned()), ..ConnectOptions::new(url) }
}

async fn project(url: &str, token: &str, folder: &str) -> Result<(), Failed> {
    let journal = Journal::connect(&options(url, token)).await?;
    let projector = Projector::open(journal, longhaul_projector::Options::new(folder)).await?;
    Ok(projector.run(CancellationToken::new()).await?)
}

/// Ended with the measurement.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn measure(shape: Shape) -> Result<(), Failed> {
    let binary =
        tokio::task::spawn_blocking(|| locate(&Options::from_env(), &mut talk_on_stderr())).await??;
    let directory = tempfile::tempdir()?;
    let config = ServerConfig {
        durability: longhaul_broker::Durability::Relaxed,
        ..ServerConfig::new(directory.path().join("nats"))
    };
    let server = Server::start(&binary, config).await?;
    let options = options(server.url(), server.token());
    let journal = Journal::connect(&options).await?;
    write(Arc::new(Nats::connect(&options).await?), shape).await?;

    let folder = directory.path().join("projector");
    let mut project = Command::new(std::env::current_exe()?);
    project.args(["project", server.url(), server.token()]).arg(&folder);
    let service = Service(project.spawn()?);
    let client = Client::new(journal, Identity::new("acme", "ann", "example")?);
    while !client.query(&Health::default()).await.is_ok_and(|known| known.tasks == shape.tasks as u64) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for _ in 0..3 {
        pages(&client).await?;
        dashboard(&options).await?;
    }
    drop(service);
    Ok(server.stop().await?)
}

/// Asks page by page, as a simple program would.
async fn pages(client: &Client) -> Result<(), Failed> {
    let (mut after, mut bytes, mut tasks) = (None, 0, 0);
    let (mut asked, mut read) = (Duration::ZERO, Duration::ZERO);
    loop {
        let filter = Filter::default();
        let question = Briefs { filter, after, limit: Some(MAX_BRIEFS), ..Briefs::default() };
        let begun = Instant::now();
        let answer = client.query(&question).await?;
        asked += begun.elapsed();
        let json = serde_json::to_vec(&answer)?;
        bytes += json.len();
        let begun = Instant::now();
        let page: BriefPage = serde_json::from_slice(&json)?;
        read += begun.elapsed();
        tasks += page.tasks.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    say(&format!(
        "one by one: {tasks} tasks, {bytes} bytes; asked and read in {:.0} ms, of which reading takes {:.0} ms",
        millis(asked),
        millis(read)
    ));
    Ok(())
}

/// Connects and listens as a dashboard does.
async fn dashboard(options: &ConnectOptions) -> Result<(), Failed> {
    let begun = Instant::now();
    let journal = Journal::connect(options).await?;
    let client = Client::new(journal, Identity::new("acme", "ann", "example")?);
    let connected = begun.elapsed();
    let (sender, mut words) = tokio::sync::mpsc::channel(64);
    let fleet = tokio::spawn(async move { client.fleet(Scope::Everything, sender).await });
    let (mut first, mut counted, mut tasks) = (None, None, Vec::new());
    while let Some(word) = words.recv().await {
        match word {
            Word::Counted { .. } => counted = Some(begun.elapsed()),
            Word::Listed { tasks: more, last, .. } => {
                first.get_or_insert(begun.elapsed());
                tasks.extend(more);
                if last {
                    break;
                }
            }
            _ => {}
        }
    }
    say(&format!(
        "a dashboard: connected after {:.0} ms, the first tasks after {:.0}, counts after {:.0}, all {} after {:.0}",
        millis(connected),
        millis(first.unwrap_or_default()),
        millis(counted.unwrap_or_default()),
        tasks.len(),
        millis(begun.elapsed())
    ));
    drop(words);
    Ok(fleet.await?)
}

/// Writes the histories.
async fn write(nats: Arc<Nats>, shape: Shape) -> Result<(), Failed> {
    let (org, input) = (OrgId::new("acme")?, "x".repeat(shape.input << 10));
    let write = |n: usize| {
        let (nats, org, input) = (Arc::clone(&nats), org.clone(), input.clone());
        async move {
            let task: TaskId = new_id();
            let subject = Subject::task(Shards::ONE, &org, task);
            for (role, bodies) in history(n, n % 100 < shape.pending, &org, input)? {
                let who = "example".to_owned();
                let actor = Actor { role, who: who.clone(), via: who };
                let record = Record::Task(stamp(task, &actor, bodies, now()));
                let body = encode(subject.parsed(), &record)?.into();
                nats.append(Append { subject: subject.clone(), expect: None, body }).await?;
            }
            Ok::<_, Failed>(())
        }
    };
    stream::iter(0..shape.tasks).map(write).buffer_unordered(AT_ONCE).try_collect().await
}

fn history(
    n: usize,
    pending: bool,
    org: &OrgId,
    input: String,
) -> Result<Vec<(Role, Vec<EventBody>)>, Failed> {
    let user = UserId::new(format!("user-{}", n % 40))?;
    let run = RunNumber(1);
    let submission = Submission::new(
        Owner { org: org.clone(), user, conversation: None },
        Kind::new("report")?,
        Title::new(format!("Quarterly review of region {n}"))?,
        Payload::Inline(json!({ "prompt": "by country", "more": input })),
    );
    let mut all = vec![(Role::Client, vec![EventBody::Submitted(Box::new(submission))])];
    if pending {
        return Ok(all);
    }
    let executor: ExecutorId = new_id();
    let (version, ledger, why) = ("1".to_owned(), Sequence(1), AdmissionReason::First);
    let mut bodies = vec![EventBody::Started { run, executor, version, ledger, why }];
    for index in 0..3 {
        let step = format!("step {}", index + 1);
        let result = Payload::Inline(json!({"rows": 128, "sum": 1_048_576.25, "unit": "EUR"}));
        bodies.push(EventBody::StepStarted { run, step: step.clone(), index, of: Some(3) });
        bodies.push(EventBody::StepCompleted { run, step, index, result });
    }
    let usage = Usage { input_tokens: 1200, output_tokens: 300, model_calls: 1, queries: 1, exact: true };
    bodies.push(EventBody::UsageRecorded { run, usage, model: None });
    bodies.push(EventBody::Progressed {
        run,
        fraction: Some(1.0),
        message: Some("writing".to_owned()),
        waits: None,
    });
    all.push((Role::Executor, bodies));
    let (code, message) = ("data_unavailable".to_owned(), "the database does not answer".to_owned());
    let end = match n % 100 {
        96 => EventBody::ApprovalRequested {
            run,
            approval: new_id::<ApprovalId>(),
            action: "send the review".to_owned(),
            arguments: json!({"to": "board@example.com"}),
            digest: Digest([7; 32]),
            schema: None,
            note: None,
            expires_at: Timestamp(now().0 + 3_600_000),
        },
        97.. => EventBody::Failed { run, error: TaskError { code, message, retryable: false } },
        _ => EventBody::Completed { run, output: Payload::Inline(json!({"steps": 3})) },
    };
    all.push((Role::Executor, vec![end]));
    Ok(all)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::print_stdout, reason = "what it measured is what it is for")]
fn say(line: &str) {
    println!("{line}");
}
