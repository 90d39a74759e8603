//! What services and screens use: submit, follow, steer and read tasks.
//!
//! A [`Client`] speaks for one user of one organisation. Whatever it decides it decides on the log
//! itself, with an expectation, so that any number of clients, in any processes, agree. Lists,
//! counts and the bell are asked of a projector; a single task is always read from the log.
//!
//! ```no_run
//! # async fn example(journal: longhaul_journal::Journal) -> Result<(), longhaul_client::Error> {
//! use longhaul_client::{Client, Identity, NewTask};
//!
//! let client = Client::new(journal, Identity::new("acme", "ann", "docs")?);
//! let task = NewTask::new("report", "Quarterly review", &serde_json::json!({"data": "sales.csv"}))?;
//! let submitted = client.submit(task).await?;
//! let ended = client.wait(submitted.snapshot.task, None).await?;
//! println!("{}", ended.reason_text());
//! # Ok(()) }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod act;
mod error;
mod files;
pub mod fleet;
mod lineage;
mod new_task;
mod query;
mod read;
mod submit;
mod text;
mod watch;

use std::sync::Arc;

use longhaul_core::{Actor, OrgId, Role, TaskId, TaskRef, UserId};
use longhaul_journal::Journal;
use tokio::sync::Notify;

pub use act::{AbortAnswer, AbortOutcome};
pub use error::Error;
pub use lineage::{ForkAt, Rerun};
pub use new_task::{NewTask, OnBusy};
pub use read::Until;
pub use submit::Submitted;
pub use text::TextPart;
pub use watch::{Update, Watch};

/// Whom a client speaks for, and through what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The organisation.
    pub org: OrgId,
    /// The user.
    pub user: UserId,
    /// Through what: `cli`, `http`, a service's name. Recorded with every event.
    pub via: String,
}

impl Identity {
    /// Checks the ids.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub fn new(org: &str, user: &str, via: &str) -> Result<Self, Error> {
        Ok(Self { org: OrgId::new(org)?, user: UserId::new(user)?, via: via.to_owned() })
    }
}

/// Speaks for one user. Cheap to clone; clones share their connection and their following.
#[derive(Clone)]
pub struct Client {
    journal: Journal,
    identity: Identity,
    hub: Arc<watch::Hub>,
    /// Told when what is out of reach is to be tried at once.
    hurry: Arc<Notify>,
}

impl Client {
    /// A client over `journal`.
    pub fn new(journal: Journal, identity: Identity) -> Self {
        let hub = Arc::new(watch::Hub::new(journal.clone()));
        Self { journal, identity, hub, hurry: Arc::default() }
    }

    /// The same connection, speaking for somebody else.
    #[must_use]
    pub fn speaking_for(&self, identity: Identity) -> Self {
        Self { identity, ..self.clone() }
    }

    /// Whom it speaks for.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Has everything that waits before it tries again to reach the log try at once: the connection, and
    /// what follows the log in this client and its clones.
    pub fn reconnect(&self) {
        self.journal.reconnect();
        self.hurry.notify_waiters();
    }

    /// The log underneath.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    fn actor(&self) -> Actor {
        Actor { role: Role::Client, who: self.identity.user.to_string(), via: self.identity.via.clone() }
    }

    /// A task of the client's organisation.
    fn at(&self, task: TaskId) -> TaskRef {
        TaskRef { org: self.identity.org.clone(), task }
    }
}
