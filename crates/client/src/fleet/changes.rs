//! What happens in the log, folded.

use std::collections::HashMap;

use futures::future::FutureExt as _;
use futures::stream::{self, StreamExt as _};
use longhaul_core::{Commit, EventBody, Payload, Sequence, Snapshot, TaskRef, apply_commit};
use longhaul_journal::{Entry, Follower, Journal, Unread};
use longhaul_wire::{Parsed, Record, Shard};

use super::{AGAIN, BATCH, Brief, Changes, Fleet, GATHER, Gone, Happening, Scope, Word};

/// How many states are kept at most. One that is not kept is read again when its task changes.
const KEPT: usize = 20_000;
/// How many histories are read at once.
const AT_ONCE: usize = 16;

impl Fleet {
    /// Tells how all tasks stand, then what changes.
    pub(super) async fn tasks(&self) -> Gone {
        loop {
            match self.tasks_until_broken().await {
                Ok(()) => {}
                Err(gone) => return gone,
            }
            // The log is not what it was (a backup was restored, its end was lost), or following is
            // forbidden: whatever was told may be wrong.
            if let Err(gone) = self.pause(AGAIN).await {
                return gone;
            }
            if let Err(gone) = self.tell(Word::Anew).await {
                return gone;
            }
        }
    }

    async fn tasks_until_broken(&self) -> Result<(), Gone> {
        let first = self.first_page().await?;
        let as_of = first.head.as_of.clone();
        self.tell(Word::From(as_of.clone())).await?;
        let shards = stream::FuturesUnordered::new();
        for shard in self.shards() {
            shards.push(self.follow(shard, as_of.of(shard)));
        }
        // The first that breaks ends all of them.
        let mut followed = std::pin::pin!(async move {
            let mut shards = shards;
            shards.next().await.unwrap_or(Ok(()))
        });
        tokio::select! {
            broken = &mut followed => return broken,
            told = self.list(first) => told?,
        }
        followed.await
    }

    /// Follows a shard until that is no longer possible.
    async fn follow(&self, shard: Shard, after: Sequence) -> Result<(), Gone> {
        let journal = &self.client.journal;
        let mut fold = Fold { journal: journal.clone(), scope: self.scope.clone(), states: HashMap::new() };
        let mut after = after;
        loop {
            let follower = tokio::select! {
                follower = journal.follow(shard, after) => follower,
                () = self.words.closed() => return Err(Gone),
            };
            let mut follower = match follower {
                Ok(follower) => follower,
                Err(error) if error.is_transient() => {
                    self.pause(AGAIN).await?;
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%shard, %error, "the log cannot be followed; everything is read anew");
                    return Ok(());
                }
            };
            while let Some(batch) = self.gather(&mut follower, &fold).await? {
                after = batch.last().map_or(after, Unread::sequence);
                let changes = fold.take(shard, batch).await;
                self.tell(Word::Happened(Box::new(changes))).await?;
            }
        }
    }

    /// The next records, as many as come within a moment; nothing if no more come from here. What is
    /// of no concern is passed over, but for the last: it tells how far was read.
    async fn gather(&self, follower: &mut Follower, fold: &Fold) -> Result<Option<Vec<Unread>>, Gone> {
        let first = tokio::select! {
            first = follower.next_unread() => first,
            () = self.words.closed() => return Err(Gone),
        };
        let Some(Ok(first)) = first else { return Ok(None) };
        self.pause(GATHER).await?;
        let mut batch = vec![first];
        for _ in 1..BATCH {
            match follower.next_unread().now_or_never() {
                Some(Some(Ok(record))) => {
                    if batch.last().is_some_and(|last| !fold.concerns(last)) {
                        batch.pop();
                    }
                    batch.push(record);
                }
                // An error shows itself again at the next call.
                _ => break,
            }
        }
        Ok(Some(batch))
    }
}

/// States of tasks to which things happen.
struct Fold {
    journal: Journal,
    scope: Scope,
    states: HashMap<TaskRef, Snapshot>,
}

impl Fold {
    fn concerns(&self, record: &Unread) -> bool {
        matches!(record.subject(), Parsed::Task { org, .. } if self.scope.includes(org))
    }

    async fn take(&mut self, shard: Shard, batch: Vec<Unread>) -> Changes {
        let mut changes = Changes {
            shard,
            up_to: Sequence::ZERO,
            stored_at: self.journal.now(),
            behind: 0,
            tasks: Vec::new(),
            events: Vec::new(),
            unreadable: 0,
        };
        let mut commits: Vec<(TaskRef, Sequence, Commit)> = Vec::with_capacity(batch.len());
        for record in batch {
            let concerns = self.concerns(&record);
            changes.up_to = record.sequence();
            if !concerns {
                continue;
            }
            let Entry { sequence, stored_at, pending, record, subject, .. } = record.read();
            (changes.stored_at, changes.behind) = (stored_at, pending);
            match (subject, record) {
                (Parsed::Task { org, task, .. }, Ok(Record::Task(commit))) => {
                    commits.push((TaskRef { org, task }, sequence, commit));
                }
                (_, Err(_)) => changes.unreadable += 1,
                _ => {}
            }
        }
        let mut changed = self.load_unknown(&commits, &mut changes).await;
        for (at, sequence, commit) in commits {
            changes.events.extend(Happening::of(&at, sequence, &commit));
            let known = self.states.remove(&at);
            // What was read from its history may be ahead of the batch.
            let state = match known {
                Some(known) if known.sequence >= sequence => Some(known),
                known => apply_commit(known, &commit, sequence).map(slim),
            };
            if let Some(state) = state {
                let submitted = matches!(commit.events.first(), Some(event)
                    if matches!(event.body, EventBody::Submitted(_)))
                .then_some(sequence);
                let place = changed.entry(at.clone()).or_default();
                *place = submitted.or(*place);
                self.states.insert(at, state);
            }
        }
        for (at, submitted) in changed {
            let Some(state) = self.states.get(&at) else { continue };
            changes.tasks.push(Brief { submitted, ..Brief::of(state) });
            if state.status.is_terminal() {
                self.states.remove(&at);
            }
        }
        self.forget();
        changes
    }

    /// Reads the histories of tasks whose state is not known. One that cannot be read is put aside:
    /// it stays as it was.
    async fn load_unknown(
        &mut self,
        commits: &[(TaskRef, Sequence, Commit)],
        changes: &mut Changes,
    ) -> HashMap<TaskRef, Option<Sequence>> {
        let begins = |commit: &Commit| matches!(commit.events.first(), Some(event) if matches!(event.body, EventBody::Submitted(_)));
        let mut unknown: Vec<TaskRef> = Vec::new();
        let mut begun: HashMap<&TaskRef, ()> = HashMap::new();
        for (at, _, commit) in commits {
            if begins(commit) {
                begun.insert(at, ());
            } else if !self.states.contains_key(at) && !begun.contains_key(at) {
                begun.insert(at, ());
                unknown.push(at.clone());
            }
        }
        let load = |at: TaskRef| {
            let journal = self.journal.clone();
            async move {
                let state = journal.load(&at).await;
                (at, state)
            }
        };
        let loaded: Vec<_> = stream::iter(unknown).map(load).buffer_unordered(AT_ONCE).collect().await;
        let mut changed = HashMap::new();
        for (at, state) in loaded {
            match state {
                Ok(Some(state)) => {
                    changed.insert(at.clone(), None);
                    self.states.insert(at, slim(state));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(task = %at.task, %error, "a task that changed cannot be read");
                    changes.unreadable += 1;
                }
            }
        }
        changed
    }

    fn forget(&mut self) {
        if self.states.len() > KEPT {
            self.states.retain(|_, state| state.status.is_running());
        }
        if self.states.len() > KEPT {
            self.states.clear();
        }
    }
}

/// Without what neither a list shows nor the fold looks at.
fn slim(mut state: Snapshot) -> Snapshot {
    state.input = Payload::Gone;
    state.context = None;
    state.output = state.output.map(|_| Payload::Gone);
    for result in state.steps.iter_mut().filter_map(|step| step.result.as_mut()) {
        *result = Payload::Gone;
    }
    state
}
