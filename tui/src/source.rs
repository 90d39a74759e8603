//! Where what is shown comes from.
//!
//! The dashboard knows only this: words about all tasks, the story of one, and a way to ask something of
//! one. The log as it grows is one source, a file or a past moment are others.

use futures::future::BoxFuture;
use longhaul_audit::{HistoryWriter, Stored};
use longhaul_client::fleet::{Brief, Scope, Told, Word};
use longhaul_client::{AbortOutcome, Client, Error, ForkAt, Identity, Rerun};
use longhaul_core::{Decision, TaskRef};
use longhaul_wire::query;
use tokio::sync::mpsc;

use crate::app::{Origin, Steer};
use crate::records::Records;

/// Files with their names.
pub type Files = Vec<(String, Vec<u8>)>;

/// Where what is shown comes from.
pub trait Source: Send + Sync + 'static {
    /// Tells of all tasks until the receiver is dropped.
    fn words(&self, to: mpsc::Sender<Word>) -> BoxFuture<'static, ()>;

    /// Tells of one task until the receiver is dropped.
    fn story(&self, at: TaskRef, to: mpsc::Sender<Told>) -> BoxFuture<'static, ()>;

    /// Asks something of a task. The answer is a word for the one who asked: what came of it, or why
    /// it did not.
    fn steer(&self, at: TaskRef, steer: Steer) -> BoxFuture<'static, Result<String, String>>;

    /// What a task made: its files with their names, or its output if it made none. Or why there is
    /// nothing.
    fn files(&self, at: TaskRef) -> BoxFuture<'static, Result<Files, String>> {
        let why = format!("the files of {} are not in here", crate::text::short(at.task));
        Box::pin(async move { Err(why) })
    }

    /// A task's whole history, oldest first, as a file that can be opened again. Or why there is none.
    fn history(&self, at: TaskRef) -> BoxFuture<'static, Result<Vec<u8>, String>> {
        let why = format!("the history of {} cannot be read from here", crate::text::short(at.task));
        Box::pin(async move { Err(why) })
    }

    /// Tries at once to reach what is out of reach.
    fn reconnect(&self) {}

    /// Tasks that are not among those told of, because they ended too long ago: the latest that fit.
    /// Whether there are more, or why nobody can say.
    fn search(&self, filter: query::Filter) -> BoxFuture<'static, Result<(Vec<Brief>, bool), String>> {
        drop(filter);
        Box::pin(async { Ok((Vec::new(), false)) })
    }

    /// The log itself: any moment of it.
    fn records(&self) -> Records;

    /// When the last record was stored, if there will be no more: there the dashboard begins.
    fn ends_at(&self) -> Option<longhaul_core::Timestamp> {
        None
    }

    /// Now, by the clock the tasks' times are of.
    fn now(&self) -> longhaul_core::Timestamp;

    /// What it is.
    #[doc(hidden)]
    fn is_live(&self) -> bool;
}

impl dyn Source {
    pub(crate) fn origin(&self) -> Origin {
        if self.is_live() { Origin::Live } else { Origin::File }
    }
}

/// The log as it grows.
pub struct Live {
    client: Client,
    scope: Scope,
}

impl Live {
    /// What a client sees in scope.
    pub fn new(client: Client, scope: Scope) -> Self {
        Self { client, scope }
    }

    /// The client, in a task's organisation.
    fn speaking_for(&self, at: &TaskRef) -> Client {
        let identity = Identity { org: at.org.clone(), ..self.client.identity().clone() };
        self.client.speaking_for(identity)
    }
}

async fn files(client: &Client, at: &TaskRef) -> Result<Files, Error> {
    let snapshot = client.get(at.task).await?;
    let mut files = Vec::new();
    for artifact in snapshot.files() {
        let bytes = client.content(artifact).await?;
        files.push((artifact.name.clone(), bytes.to_vec()));
    }
    if files.is_empty() {
        let name = format!("output-{}", crate::text::short(at.task));
        let (ending, text) = match client.output(at.task).await? {
            serde_json::Value::String(text) => ("txt", text),
            value => ("json", format!("{value:#}\n")),
        };
        files.push((format!("{name}.{ending}"), text.into_bytes()));
    }
    Ok(files)
}

/// A task's records as `doctor --export` writes a log's.
async fn history(client: &Client, at: &TaskRef) -> Result<Vec<u8>, String> {
    let journal = client.journal();
    let mut writer = HistoryWriter::new(journal.shards());
    let mut lines = vec![writer.header()];
    for entry in journal.history(at).await.map_err(|error| chain(&error))? {
        let stored = Stored {
            sequence: entry.sequence,
            stored_at: entry.stored_at,
            subject: entry.subject,
            record: entry.record,
        };
        lines.push(writer.record(&stored).map_err(|error| chain(&error))?);
    }
    if lines.len() == 1 {
        return Err("nothing of it is on the log".to_owned());
    }
    lines.push(writer.end());
    Ok((lines.join("\n") + "\n").into_bytes())
}

impl Source for Live {
    fn words(&self, to: mpsc::Sender<Word>) -> BoxFuture<'static, ()> {
        let (client, scope) = (self.client.clone(), self.scope.clone());
        Box::pin(async move { client.fleet(scope, to).await })
    }

    fn story(&self, at: TaskRef, to: mpsc::Sender<Told>) -> BoxFuture<'static, ()> {
        let client = self.client.clone();
        Box::pin(async move { client.story(at, to).await })
    }

    fn steer(&self, at: TaskRef, steer: Steer) -> BoxFuture<'static, Result<String, String>> {
        let client = self.speaking_for(&at);
        Box::pin(async move { ask(&client, &at, steer).await.map_err(|error| chain(&error)) })
    }

    fn files(&self, at: TaskRef) -> BoxFuture<'static, Result<Files, String>> {
        let client = self.speaking_for(&at);
        Box::pin(async move { files(&client, &at).await.map_err(|error| chain(&error)) })
    }

    fn history(&self, at: TaskRef) -> BoxFuture<'static, Result<Vec<u8>, String>> {
        let client = self.client.clone();
        Box::pin(async move { history(&client, &at).await })
    }

    fn reconnect(&self) {
        self.client.reconnect();
    }

    fn search(&self, filter: query::Filter) -> BoxFuture<'static, Result<(Vec<Brief>, bool), String>> {
        let client = self.client.clone();
        let org = match &self.scope {
            Scope::Organisation(org) => Some(org.clone()),
            Scope::Everything => filter.org.clone(),
        };
        let question = query::Briefs {
            filter: query::Filter { org, ..filter },
            limit: Some(query::MAX_BRIEFS),
            ..query::Briefs::default()
        };
        Box::pin(async move {
            let page = client.briefs(&question).await.map_err(|error| chain(&error))?;
            Ok((page.tasks, page.next.is_some()))
        })
    }

    fn records(&self) -> Records {
        Records::new(self.client.clone(), self.scope.clone())
    }

    fn now(&self) -> longhaul_core::Timestamp {
        self.client.journal().now()
    }

    fn is_live(&self) -> bool {
        true
    }
}

async fn ask(client: &Client, at: &TaskRef, steer: Steer) -> Result<String, Error> {
    let done = steer.done().to_owned();
    match steer {
        Steer::Abort => {
            let answer = client.abort(at.task, None).await?;
            return Ok(match answer.outcome {
                AbortOutcome::AtOnce | AbortOutcome::Stopped => "aborted".to_owned(),
                AbortOutcome::Asked => "abort asked for: it stops at its next checkpoint".to_owned(),
                AbortOutcome::AskedBefore => "an abort was asked for before".to_owned(),
                AbortOutcome::EndedAlready => format!("it was {} already", answer.snapshot.status),
            });
        }
        Steer::Approve { approval, digest } => {
            client.decide(at.task, approval, digest, Decision::Approved).await?;
        }
        Steer::Modify { approval, digest, arguments } => {
            client.decide(at.task, approval, digest, Decision::Modified { arguments }).await?;
        }
        Steer::Reject { approval, digest, reason } => {
            client.decide(at.task, approval, digest, Decision::Rejected { reason }).await?;
        }
        Steer::Retry => {
            client.retry(at.task).await?;
        }
        Steer::Rerun => {
            let new = client.rerun(at.task, Rerun::default()).await?;
            return Ok(format!("submitted again as {}", crate::text::short(new.snapshot.task)));
        }
        Steer::Fork { step } => {
            let new = client.fork(at.task, ForkAt::Step(step), Rerun::default()).await?;
            return Ok(format!("forked as {}", crate::text::short(new.snapshot.task)));
        }
        Steer::Dismiss => {
            client.dismiss(at.task).await?;
        }
        Steer::Erase => {
            client.erase(at.task).await?;
        }
    }
    Ok(done)
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(why) = cause {
        let why_text = why.to_string();
        if !told.ends_with(&why_text) {
            told = format!("{told}: {why_text}");
        }
        cause = why.source();
    }
    longhaul_core::text::line(&told, 400)
}
