//! The NATS micro service: questions in, answers out.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use longhaul_journal::{Answer as Reply, Request, ServiceSpec};
use longhaul_wire::query::{
    self, Bell, Briefs, Count, ENDPOINTS, Executors, Get, Health, List, MarkRead, Outlook, Query, Queue,
    SERVICE, Slots, UsageOf,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::follow::caught_up;
use crate::handle::Handle;

/// Questions under way at the same time, those that wait to be folded far enough included.
const AT_ONCE: usize = 256;

/// The wait before the service is offered again after the log was out of reach.
const AGAIN: Duration = Duration::from_secs(1);

/// Largest question, in bytes.
const QUESTION: usize = 64 * 1024;

/// Answers questions until cancelled, then lets those under way end. Nothing is answered before what
/// the log held at the start is folded: another projector may know more, and an empty list from a model
/// that is being built would be believed.
pub(crate) async fn serve(handle: Handle, cancel: CancellationToken) {
    cancel.run_until_cancelled(caught_up(&handle.shared)).await;
    let answers = TaskTracker::new();
    let free = Arc::new(Semaphore::new(AT_ONCE));
    while !cancel.is_cancelled() {
        let offered = cancel.run_until_cancelled(handle.journal().serve(spec())).await;
        let Some(offered) = offered else { break };
        match offered {
            Ok(mut questions) => {
                while let Some(Some(question)) = cancel.run_until_cancelled(questions.next()).await {
                    let (handle, free) = (handle.clone(), Arc::clone(&free));
                    answers.spawn(respond(handle, free, question));
                }
            }
            Err(error) => tracing::warn!(%error, "the query service cannot be offered; it is tried again"),
        }
        cancel.run_until_cancelled(tokio::time::sleep(AGAIN)).await;
    }
    answers.close();
    answers.wait().await;
}

fn spec() -> ServiceSpec {
    ServiceSpec {
        name: SERVICE.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: "Lists, counts, queue, usage and notifications of tasks, from a projector".to_owned(),
        endpoints: ENDPOINTS.iter().map(|endpoint| (*endpoint).to_owned()).collect(),
    }
}

async fn respond(handle: Handle, free: Arc<Semaphore>, question: Box<dyn Request>) {
    let reply = match free.try_acquire() {
        Ok(_permit) => reply(&handle, question.endpoint(), question.body()).await,
        Err(_) => Err(QueryError::Busy),
    };
    let limit = handle.journal().info().max_message;
    let reply: Reply = match reply {
        Ok(answer) if answer.len() > limit => {
            let size = answer.len();
            Err((
                413,
                format!(
                    "the answer has {size} bytes, a message at most {limit}; ask for fewer rows, or read the task's history from the log"
                ),
            ))
        }
        Ok(answer) => Ok(answer.into()),
        Err(error) => Err((error.code(), error.to_string())),
    };
    if let Err(error) = question.answer(reply).await {
        tracing::debug!(%error, "an answer was not sent");
    }
}

async fn reply(handle: &Handle, endpoint: &str, question: &[u8]) -> Result<Vec<u8>, QueryError> {
    match endpoint {
        Get::ENDPOINT => answer::<Get>(handle, question).await,
        List::ENDPOINT => answer::<List>(handle, question).await,
        Briefs::ENDPOINT => answer::<Briefs>(handle, question).await,
        Count::ENDPOINT => answer::<Count>(handle, question).await,
        Queue::ENDPOINT => answer::<Queue>(handle, question).await,
        Outlook::ENDPOINT => answer::<Outlook>(handle, question).await,
        UsageOf::ENDPOINT => answer::<UsageOf>(handle, question).await,
        Bell::ENDPOINT => answer::<Bell>(handle, question).await,
        MarkRead::ENDPOINT => answer::<MarkRead>(handle, question).await,
        Executors::ENDPOINT => answer::<Executors>(handle, question).await,
        Slots::ENDPOINT => answer::<Slots>(handle, question).await,
        Health::ENDPOINT => answer::<Health>(handle, question).await,
        other => Err(QueryError::NoEndpoint(other.chars().take(80).collect())),
    }
}

async fn answer<Q: Answer>(handle: &Handle, question: &[u8]) -> Result<Vec<u8>, QueryError> {
    if question.len() > QUESTION {
        let size = question.len();
        return Err(QueryError::Unusable(format!(
            "the question has {size} bytes; at most {QUESTION} are read"
        )));
    }
    // Asked by hand, nothing is as good as an empty object.
    let question = if question.is_empty() { b"{}" } else { question };
    let unusable = |error: serde_json::Error| {
        let why = longhaul_core::text::line(&error.to_string(), 300);
        QueryError::Unusable(format!(
            "the question to {}.{} is not usable: {why}",
            query::SERVICE,
            Q::ENDPOINT
        ))
    };
    let question: Q = serde_json::from_slice(question).map_err(unusable)?;
    let answer = handle.ask(question).await?;
    serde_json::to_vec(&answer).map_err(|error| QueryError::Internal(error.to_string()))
}
