//! What stands beside the tasks: the link, the projector, the queue, the slots.

use std::time::Duration;

use longhaul_core::{Millis, Sequence};
use longhaul_journal::Journal;
use longhaul_wire::query::{Health, MAX_PAGE, Positions, Queue, Slots, UsageOf};
use tokio::time::Instant;

use super::{Fleet, Gone, Link, Word};
use crate::Error;

/// How often the log is asked whether it is there.
const PROBE: Duration = Duration::from_secs(1);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_millis(900);
/// How often the projector is asked how things stand.
const LOOK: Duration = Duration::from_secs(2);
/// How long it may take to say how it is: nothing has to be read for that.
const SILENCE: Duration = Duration::from_secs(5);

impl Fleet {
    /// Says whether the log answers, again and again.
    pub(super) async fn link(&self) -> Gone {
        let journal = self.client.journal.clone().with_deadline(PATIENCE);
        loop {
            let begun = Instant::now();
            let probed = tokio::time::timeout(PATIENCE, self.heads(&journal)).await;
            let at = journal.now();
            let link = match probed {
                Ok(Ok(heads)) => Link::Up { took: begun.elapsed(), heads, at },
                Ok(Err(error)) => Link::Down { why: told(&error), next: after_probe(at) },
                Err(_) => Link::Down { why: "the server does not answer".to_owned(), next: after_probe(at) },
            };
            if let Err(gone) = self.tell(Word::Link(link)).await {
                return gone;
            }
            if let Err(gone) = self.pause(PROBE).await {
                return gone;
            }
        }
    }

    async fn heads(&self, journal: &Journal) -> Result<Positions, longhaul_journal::Error> {
        let mut heads = Positions::default();
        for shard in self.shards() {
            let head: Sequence = journal.head(shard).await?;
            heads.advance(shard, head);
        }
        Ok(heads)
    }

    /// Asks the projector how things stand, again and again.
    pub(super) async fn standing(&self) -> Gone {
        loop {
            let looked = tokio::select! {
                looked = self.look() => looked,
                () = self.words.closed() => return Gone,
            };
            if let Err(gone) = looked {
                return gone;
            }
            if let Err(gone) = self.pause(LOOK).await {
                return gone;
            }
        }
    }

    async fn look(&self) -> Result<(), Gone> {
        match tokio::time::timeout(SILENCE, self.client.query(&Health::default())).await {
            Ok(Ok(condition)) => self.tell(Word::Projector(Some(Box::new(condition)))).await?,
            Ok(Err(Error::NoProjector)) => return self.tell(Word::Projector(None)).await,
            // The link says so.
            Ok(Err(_)) => return Ok(()),
            // It was asked and hangs, unless nothing comes through at all.
            Err(_) => {
                let journal = self.client.journal.clone().with_deadline(PATIENCE);
                return match self.heads(&journal).await {
                    Ok(_) => self.tell(Word::Projector(None)).await,
                    Err(_) => Ok(()),
                };
            }
        }
        let org = self.scope.org().cloned();
        let queue = Queue { org, limit: Some(MAX_PAGE), ..Queue::default() };
        if let Ok(queued) = self.client.query(&queue).await {
            self.tell(Word::Queue(Box::new(queued))).await?;
        }
        let org = self.client.identity.org.clone();
        if let Ok(slots) = self.client.query(&Slots { org, at_least: Positions::default() }).await {
            let bounded = slots.policy.budget.is_some();
            self.tell(Word::Slots(Box::new(slots))).await?;
            self.budget(bounded).await?;
        }
        Ok(())
    }
}

impl Fleet {
    /// Tells how the budget stands, if there is one.
    async fn budget(&self, bounded: bool) -> Result<(), Gone> {
        if !bounded {
            return self.tell(Word::Budget(None)).await;
        }
        // Only the budget is wanted, not what was used on which day.
        let now = Some(self.client.journal.now());
        let org = self.client.identity.org.clone();
        let question = UsageOf { org, since: now, until: now, at_least: Positions::default() };
        match self.client.query(&question).await {
            Ok(used) => self.tell(Word::Budget(used.budget)).await,
            Err(_) => Ok(()),
        }
    }
}

fn after_probe(at: longhaul_core::Timestamp) -> longhaul_core::Timestamp {
    at.plus(Millis(u64::try_from(PROBE.as_millis()).unwrap_or(1000)))
}

/// An error with its cause, on one line.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
