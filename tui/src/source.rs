//! Where what is shown comes from.
//!
//! The dashboard knows only this: words about all tasks, the story of one, and a way to ask something of
//! one. The log as it grows is one source, a file or a past moment are others.

use futures::future::BoxFuture;
use longhaul_client::fleet::{Scope, Told, Word};
use longhaul_client::{AbortOutcome, Client, Error, Identity, Rerun};
use longhaul_core::{Decision, TaskRef};
use tokio::sync::mpsc;

use crate::app::{Origin, Steer};

/// Where what is shown comes from.
pub trait Source: Send + Sync + 'static {
    /// Tells of all tasks until the receiver is dropped.
    fn words(&self, to: mpsc::Sender<Word>) -> BoxFuture<'static, ()>;

    /// Tells of one task until the receiver is dropped.
    fn story(&self, at: TaskRef, to: mpsc::Sender<Told>) -> BoxFuture<'static, ()>;

    /// Asks something of a task. The answer is a word for the one who asked: what came of it, or why
    /// it did not.
    fn steer(&self, at: TaskRef, steer: Steer) -> BoxFuture<'static, Result<String, String>>;

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
        let identity = Identity { org: at.org.clone(), ..self.client.identity().clone() };
        let client = self.client.speaking_for(identity);
        Box::pin(async move { ask(&client, &at, steer).await.map_err(|error| chain(&error)) })
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
        Steer::Dismiss => {
            client.dismiss(at.task).await?;
        }
    }
    Ok(done)
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
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
