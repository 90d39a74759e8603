//! Questions to a projector: lists, counts, places in the queue, usage, the bell.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use longhaul_core::Snapshot;
use longhaul_journal::{Changed, PortError};
use longhaul_wire::query::{self, Positions, Query};
use serde::de::DeserializeOwned;

use crate::{Client, Error};

/// How long a projector may take to answer: it waits up to 10 s to have folded far enough.
const PATIENCE: Duration = Duration::from_secs(15);

/// Reads an answer to a question, or a part of it.
pub(crate) fn read<Q: Query, T: DeserializeOwned>(answer: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(answer).map_err(malformed::<Q>)
}

fn malformed<Q: Query>(source: serde_json::Error) -> Error {
    longhaul_journal::Error::Malformed { what: Q::ENDPOINT.to_owned(), source }.into()
}

impl Client {
    /// Asks a projector; any of those that run may answer. To read one's own write, ask with
    /// `at_least` set to [`Client::place`].
    ///
    /// # Errors
    /// [`Error::Query`] if the question is refused, [`Error::Journal`] if nobody answers.
    pub async fn query<Q: Query>(&self, question: &Q) -> Result<Q::Answer, Error> {
        read::<Q, _>(&self.ask(question).await?)
    }

    /// A projector's answer, not looked into.
    pub(crate) async fn ask<Q: Query>(&self, question: &Q) -> Result<Bytes, Error> {
        let body = serde_json::to_vec(question).map_err(malformed::<Q>)?;
        let endpoint = format!("{}.{}", query::SERVICE, Q::ENDPOINT);
        match self.journal.ask(&endpoint, Bytes::from(body), PATIENCE).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err((code, message))) => Err(Error::Query { code, message }),
            Err(PortError::NotFound(_)) => Err(Error::NoProjector),
            Err(error) => Err(longhaul_journal::Error::from(error).into()),
        }
    }

    /// Where in the log a snapshot stands: what a projector must have folded to know it.
    pub fn place(&self, snapshot: &Snapshot) -> Positions {
        Positions::at(self.journal.shards().of(&snapshot.owner.org), snapshot.sequence)
    }

    /// Where the log of the client's organisation ends now: who is asked with this as `at_least` knows of
    /// everything that was acknowledged before.
    ///
    /// # Errors
    /// What the log says.
    pub async fn here(&self) -> Result<Positions, Error> {
        let shard = self.journal.shards().of(&self.identity.org);
        Ok(Positions::at(shard, self.journal.head(shard).await?))
    }

    /// Says of each change of the organisation's tasks, or of the client's user's own, from now on. A
    /// word may be lost or repeated: it is a reason to look, not a state.
    ///
    /// # Errors
    /// What the log says.
    pub async fn changes(&self, own: bool) -> Result<BoxStream<'static, Changed>, Error> {
        let user = own.then_some(&self.identity.user);
        Ok(self.journal.listen_changes(&self.identity.org, user).await?.boxed())
    }

    /// What the bell shows the client's user, of everything that has happened by now.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn notifications(
        &self,
        unread: bool,
        limit: Option<u32>,
    ) -> Result<query::Notifications, Error> {
        let question = query::Bell {
            org: self.identity.org.clone(),
            user: self.identity.user.clone(),
            unread,
            after: None,
            before: None,
            limit,
            at_least: self.here().await?,
        };
        self.query(&question).await
    }
}
