//! A history from a file as a source: the same views, no server.

use futures::future::BoxFuture;
use longhaul_client::Client;
use longhaul_client::fleet::{Scope, Told, Word};
use longhaul_core::{TaskRef, Timestamp};
use tokio::sync::mpsc;

use crate::app::Steer;
use crate::records::Records;
use crate::source::{Files, Live, Source};

/// A log that does not grow: a history from a file.
pub struct Recorded {
    client: Client,
    scope: Scope,
    ends_at: Timestamp,
    /// What is read of one task is read as from any log.
    log: Live,
}

impl Recorded {
    /// What a client of a [recorded](longhaul_client::fleet::Recorded) log sees in scope, at whose end
    /// it begins.
    pub fn new(client: Client, scope: Scope, ends_at: Timestamp) -> Self {
        let log = Live::new(client.clone(), scope.clone());
        Self { client, scope, ends_at, log }
    }
}

impl Source for Recorded {
    fn words(&self, to: mpsc::Sender<Word>) -> BoxFuture<'static, ()> {
        let (client, scope) = (self.client.clone(), self.scope.clone());
        Box::pin(async move {
            if let Err(error) = client.recorded(&scope, to).await {
                tracing::error!(%error, "the history cannot be read");
            }
        })
    }

    fn story(&self, at: TaskRef, to: mpsc::Sender<Told>) -> BoxFuture<'static, ()> {
        self.log.story(at, to)
    }

    fn steer(&self, _: TaskRef, _: Steer) -> BoxFuture<'static, Result<String, String>> {
        Box::pin(async { Err("this is a file: it can be looked at, not acted on".to_owned()) })
    }

    fn files(&self, at: TaskRef) -> BoxFuture<'static, Result<Files, String>> {
        self.log.files(at)
    }

    fn history(&self, at: TaskRef) -> BoxFuture<'static, Result<Vec<u8>, String>> {
        self.log.history(at)
    }

    fn records(&self) -> Records {
        self.log.records()
    }

    fn ends_at(&self) -> Option<Timestamp> {
        Some(self.ends_at)
    }

    fn now(&self) -> Timestamp {
        self.client.journal().now()
    }

    fn is_live(&self) -> bool {
        false
    }
}
