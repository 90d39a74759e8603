//! Following tasks live: one follower per shard and process, fanned out in the process.
//!
//! A watcher is only told that its task has something new; it then reads the task's own subject from
//! where it is. So a slow watcher costs no memory, misses nothing, and sees exactly the log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longhaul_core::{Commit, Sequence, Snapshot, TaskId, TaskRef, apply_commit};
use longhaul_journal::{Follower, Journal};
use longhaul_wire::{Parsed, Shard};
use tokio::sync::{Mutex as AsyncMutex, watch};

use crate::{Client, Error};

/// How long a broken follower waits before it starts again.
const AGAIN: Duration = Duration::from_millis(500);

/// Something new about a watched task.
#[derive(Debug, Clone)]
pub struct Update {
    /// The commits since the last update, each with its place.
    pub commits: Vec<(Sequence, Commit)>,
    /// The task after them.
    pub snapshot: Snapshot,
}

/// A watched task.
pub struct Watch {
    journal: Journal,
    at: TaskRef,
    snapshot: Snapshot,
    wakes: watch::Receiver<u64>,
    /// Told of something new that is not read yet: outlives a dropped wait.
    woken: bool,
    // The hub follows as long as somebody watches.
    _hub: Arc<Hub>,
}

impl Watch {
    /// The task as of the last update.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Waits for the next change. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// What the log says.
    pub async fn changed(&mut self) -> Result<Update, Error> {
        loop {
            if !self.woken {
                // The sender lives in the hub, which this watch holds: it cannot be gone.
                let _ = self.wakes.changed().await;
                self.woken = true;
            }
            self.wakes.mark_unchanged();
            let commits = self.journal.commits_after(&self.at, self.snapshot.sequence).await?;
            let before = Some(self.snapshot.clone());
            let fold =
                |state, (sequence, commit): &(Sequence, Commit)| apply_commit(state, commit, *sequence);
            let snapshot = commits.iter().fold(before, fold);
            self.woken = false;
            if let Some(snapshot) = snapshot.filter(|_| !commits.is_empty()) {
                self.snapshot = snapshot.clone();
                return Ok(Update { commits, snapshot });
            }
        }
    }
}

impl Client {
    /// Follows a task from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the log says.
    pub async fn watch(&self, task: TaskId) -> Result<Watch, Error> {
        let at = self.at(task);
        // First listen, then look: a change in between wakes once too often instead of never.
        let wakes = self.hub.listen(&at).await?;
        let snapshot = self.get(task).await?;
        Ok(Watch { journal: self.journal.clone(), at, snapshot, wakes, woken: false, _hub: self.hub.clone() })
    }
}

type Listeners = Arc<Mutex<HashMap<TaskId, watch::Sender<u64>>>>;

/// Follows the shards somebody watches.
pub(crate) struct Hub {
    journal: Journal,
    listeners: Listeners,
    followed: AsyncMutex<HashMap<Shard, tokio::task::JoinHandle<()>>>,
}

impl Hub {
    pub(crate) fn new(journal: Journal) -> Self {
        Self { journal, listeners: Listeners::default(), followed: AsyncMutex::default() }
    }

    /// Wakes on every commit of the task from now on.
    async fn listen(&self, at: &TaskRef) -> Result<watch::Receiver<u64>, Error> {
        let wakes = {
            let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.retain(|_, sender| sender.receiver_count() > 0);
            listeners.entry(at.task).or_insert_with(|| watch::Sender::new(0)).subscribe()
        };
        let shard = self.journal.shards().of(&at.org);
        let mut followed = self.followed.lock().await;
        if let Entry::Vacant(place) = followed.entry(shard) {
            let head = self.journal.head(shard).await?;
            let follower = self.journal.follow(shard, head).await?;
            let fan_out = fan_out(self.journal.clone(), shard, head, follower, self.listeners.clone());
            place.insert(tokio::spawn(fan_out));
        }
        Ok(wakes)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        for follower in self.followed.get_mut().values() {
            follower.abort();
        }
    }
}

async fn fan_out(journal: Journal, shard: Shard, head: Sequence, follower: Follower, listeners: Listeners) {
    let mut seen = head;
    let mut follower = Some(follower);
    loop {
        match &mut follower {
            Some(open) => match open.next().await {
                Some(Ok(entry)) => {
                    seen = entry.sequence;
                    if let Parsed::Task { task, .. } = entry.subject {
                        wake(&listeners, task);
                    }
                }
                Some(Err(error)) => {
                    tracing::warn!(%shard, %error, "following broke; it is started again");
                    follower = None;
                }
                None => follower = None,
            },
            None => {
                tokio::time::sleep(AGAIN).await;
                follower = journal.follow(shard, seen).await.ok();
                if follower.is_some() {
                    wake_all(&listeners);
                }
            }
        }
    }
}

fn wake(listeners: &Listeners, task: TaskId) {
    let listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = listeners.get(&task) {
        sender.send_modify(|count| *count += 1);
    }
}

fn wake_all(listeners: &Listeners) {
    let listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
    for sender in listeners.values() {
        sender.send_modify(|count| *count += 1);
    }
}
