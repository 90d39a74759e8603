//! One suite of checks for everything that implements the port. Each check fails by panicking.
//!
//! [`port::CHECKS`] hold the port itself to its word; they need one that does not fail on purpose.
//! [`journal::CHECKS`] hold the journal above it to its own, over any port, a failing one included.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a check fails by panicking")]

pub mod journal;
pub mod port;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use longhaul_core::{
    Actor, Command, ConversationId, Kind, OrgId, Owner, Payload, Role, Submission, TaskId, TaskRef, UserId,
};
use serde_json::json;

use crate::port::Port;
use crate::{Journal, Outcome, new_id};

/// What is checked, and what must be known of it.
#[derive(Clone)]
pub struct Bed {
    /// The port. Checks share its log: each works in organisations and kinds of its own.
    pub port: Arc<dyn Port>,
    /// A second connection to the same log; may be the same.
    pub other: Arc<dyn Port>,
}

/// A check: its name, and what it does.
pub type Check = (&'static str, fn(Bed) -> BoxFuture<'static, ()>);

/// Runs checks one after the other. Gives the names of those that failed; each has said why.
pub async fn run(bed: &Bed, checks: &[Check]) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for (name, check) in checks {
        tracing::info!(name, "check");
        // Spawned, so that a panic ends this check only.
        if tokio::spawn(check(bed.clone())).await.is_err() {
            failed.push(*name);
        }
    }
    failed
}

impl Bed {
    /// A bed of one connection.
    pub fn new(port: Arc<dyn Port>) -> Self {
        Self { other: Arc::clone(&port), port }
    }

    fn journal(&self) -> Journal {
        Journal::new(Arc::clone(&self.port))
    }

    fn other_journal(&self) -> Journal {
        Journal::new(Arc::clone(&self.other))
    }

    /// What must happen some time, and soon.
    async fn soon<T>(&self, what: &str, happens: impl Future<Output = T>) -> T {
        const BOUND: Duration = Duration::from_secs(60);
        match tokio::time::timeout(BOUND, happens).await {
            Ok(happened) => happened,
            Err(_) => panic!("{what} did not happen within {BOUND:?}"),
        }
    }
}

/// A name that nobody used before.
fn fresh(prefix: &str) -> String {
    format!("{prefix}-{}", new_id::<TaskId>().0.simple())
}

fn fresh_org() -> OrgId {
    OrgId::new(fresh("org")).unwrap()
}

fn fresh_kind() -> Kind {
    Kind::new(fresh("kind")).unwrap()
}

fn fresh_conversation() -> ConversationId {
    ConversationId::new(fresh("conversation")).unwrap()
}

fn fresh_task(org: &OrgId) -> TaskRef {
    TaskRef { org: org.clone(), task: new_id() }
}

fn actor(role: Role) -> Actor {
    Actor { role, who: "somebody".to_owned(), via: "conformance".to_owned() }
}

fn submission(org: &OrgId) -> Submission {
    let owner = Owner { org: org.clone(), user: UserId::new("ada").unwrap(), conversation: None };
    let input = Payload::Inline(json!({ "of": "the check" }));
    serde_json::from_value(json!({
        "owner": owner, "kind": "check", "title": "A check", "input": input,
    }))
    .unwrap()
}

/// Submits a task that says no more than it must.
async fn submit(journal: &Journal, task: &TaskRef) -> Outcome {
    let command = Command::Submit(Box::new(submission(&task.org)));
    journal.act(task, &actor(Role::Client), &command).await.unwrap()
}

/// The list of checks, named as their functions are.
macro_rules! checks {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Every check of this module.
        pub const CHECKS: &[super::Check] =
            &[$((stringify!($name), |bed| Box::pin($name(bed)))),*];
    };
}
use checks;
