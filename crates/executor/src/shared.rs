//! What the parts of one executor share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use longhaul_core::{Actor, ExecutorId, Kind, Role};
use longhaul_journal::Journal;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::handler::Erased;
use crate::held::Held;
use crate::recent::Recent;
use crate::voice::Voice;

pub(crate) struct Shared {
    pub(crate) journal: Journal,
    pub(crate) id: ExecutorId,
    pub(crate) version: String,
    pub(crate) host: String,
    pub(crate) handlers: BTreeMap<Kind, Erased>,
    /// How many runs it holds at once.
    pub(crate) size: u32,
    /// One permit for each further run it may hold.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) held: Arc<Held>,
    /// What came by lately, by shard.
    pub(crate) recent: Vec<Arc<Recent>>,
    /// How often it beats.
    pub(crate) beat: Duration,
    /// When it leaves, once it shuts down.
    pub(crate) leave: watch::Receiver<Option<Instant>>,
    pub(crate) voice: Voice,
}

impl Shared {
    /// As whom it writes.
    pub(crate) fn actor(&self) -> Actor {
        Actor { role: Role::Executor, who: self.id.to_string(), via: "executor".to_owned() }
    }
}
