//! What is said to whoever listens right now, heartbeats, and questions to services.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use longhaul_core::{Beat, Dispatch, ExecutorId, Kind, OrgId, TaskId, TaskRef, UserId};
use longhaul_wire::live::{self, Change, Changed, TextDelta};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::journal::Journal;
use crate::port::{Answer, PortError, Request, ServiceSpec};
use crate::tries::again;

impl Journal {
    /// Replaces an executor's last heartbeat.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn beat(&self, beat: &Beat) -> Result<(), Error> {
        Ok(self.port.beat(&beat.executor.to_string(), json(beat, "the heartbeat")?).await?)
    }

    /// The same as [`Journal::beats`], each read only as far as to know whose it is: for those who only need
    /// some of them.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn unread_beats(&self) -> Result<BoxStream<'static, Result<UnreadBeat, Error>>, Error> {
        let beats = again(self.deadline, || self.port.beats()).await?;
        Ok(beats
            .filter_map(|body| async move {
                match body {
                    Ok(body) => UnreadBeat::new(body).map(Ok),
                    Err(why) => Some(Err(Error::from(why))),
                }
            })
            .boxed())
    }

    /// The last heartbeat of each executor, then those to come. What cannot be read is left out.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn beats(&self) -> Result<BoxStream<'static, Result<Beat, Error>>, Error> {
        let beats = again(self.deadline, || self.port.beats()).await?;
        Ok(beats
            .filter_map(|body| async move {
                match body {
                    Ok(body) => readable("heartbeat", &body).map(Ok),
                    Err(why) => Some(Err(Error::from(why))),
                }
            })
            .boxed())
    }

    /// Hands an admitted run to an executor, if it listens. It may be lost, and may be repeated: what
    /// counts is the ledger it follows from, and who appends `started` first.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn dispatch(&self, dispatch: &Dispatch, to: ExecutorId) -> Result<(), Error> {
        Ok(self.port.say(&live::run(&dispatch.kind, to), json(dispatch, "the dispatch")?).await?)
    }

    /// Runs of a kind that are handed to an executor from now on. Some may be missing or come twice.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn listen_runs(
        &self,
        kind: &Kind,
        executor: ExecutorId,
    ) -> Result<BoxStream<'static, Dispatch>, Error> {
        let subject = live::run(kind, executor);
        let handed = again(self.deadline, || self.port.listen(&subject)).await?;
        let kind = kind.clone();
        Ok(handed
            .filter_map(move |(_, body)| {
                let dispatch = readable::<Dispatch>("dispatch", &body);
                std::future::ready(dispatch.filter(|dispatch| dispatch.kind == kind))
            })
            .boxed())
    }

    /// Says a piece of text to whoever watches the task right now.
    ///
    /// # Errors
    /// If the log is not available; the durable text is in the history anyway.
    pub async fn say_text(&self, task: &TaskRef, delta: &TextDelta) -> Result<(), Error> {
        Ok(self.port.say(&live::text(task), json(delta, "the text")?).await?)
    }

    /// The pieces of a task's text from now on. Some may be missing or come twice: their offsets
    /// tell.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn listen_text(&self, task: &TaskRef) -> Result<BoxStream<'static, TextDelta>, Error> {
        let subject = live::text(task);
        let said = again(self.deadline, || self.port.listen(&subject)).await?;
        Ok(said.filter_map(|(_, body)| async move { readable("piece of text", &body) }).boxed())
    }

    /// Says that a snapshot changed.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn say_change(
        &self,
        org: &OrgId,
        user: &UserId,
        task: TaskId,
        change: &Change,
    ) -> Result<(), Error> {
        Ok(self.port.say(&live::change(org, user, task), json(change, "the change")?).await?)
    }

    /// What changes from now on in an organisation, or of one of its users. Some may be missing or
    /// come twice.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn listen_changes(
        &self,
        org: &OrgId,
        user: Option<&UserId>,
    ) -> Result<BoxStream<'static, Changed>, Error> {
        let pattern = live::changes(org, user);
        let said = again(self.deadline, || self.port.listen(&pattern)).await?;
        Ok(said
            .filter_map(|(subject, body)| async move {
                let change = readable("change", &body)?;
                Changed::new(&subject, change)
            })
            .boxed())
    }

    /// Answers questions to a service, shared with every other process that serves it.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn serve(&self, service: ServiceSpec) -> Result<BoxStream<'static, Box<dyn Request>>, Error> {
        Ok(again(self.deadline, || self.port.serve(service.clone())).await?)
    }

    /// Asks a service: `endpoint` is `<name>.<endpoint>`.
    ///
    /// # Errors
    /// If nobody answers within `timeout`, or nobody serves it.
    pub async fn ask(&self, endpoint: &str, question: Bytes, timeout: Duration) -> Result<Answer, PortError> {
        self.port.ask(endpoint, question, timeout).await
    }
}

/// A heartbeat that was not read yet.
#[derive(Debug, Clone)]
pub struct UnreadBeat {
    /// Whose it is.
    pub executor: ExecutorId,
    body: Bytes,
}

impl UnreadBeat {
    fn new(body: Bytes) -> Option<Self> {
        #[derive(Deserialize)]
        struct Whose {
            executor: ExecutorId,
        }
        let Whose { executor } = readable("heartbeat", &body)?;
        Some(Self { executor, body })
    }

    /// Reads it; nothing if it cannot be read.
    pub fn read(&self) -> Option<Beat> {
        readable("heartbeat", &self.body)
    }
}

fn json<T: Serialize>(value: &T, what: &str) -> Result<Bytes, Error> {
    let bytes = serde_json::to_vec(value);
    bytes.map(Bytes::from).map_err(|source| Error::Malformed { what: what.to_owned(), source })
}

/// What anybody may have said: if it is not what was expected, it is as if it were not said.
fn readable<T: DeserializeOwned>(what: &str, body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).inspect_err(|why| tracing::debug!(what, %why, "not readable, left out")).ok()
}
