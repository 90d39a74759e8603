//! The clients: they submit, try again until they are answered, abort, decide, retry, and write down
//! what they were told.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longhaul_client::{AbortOutcome, Client, Error, Identity, NewTask, Submitted};
use longhaul_core::{Decision, OrgId, Rejection, Status, TaskId};
use longhaul_journal::{CommitError, Journal};
use tokio::task::JoinSet;

use super::dice::Dice;
use super::ledger::Ledger;
use super::record::Record;
use super::sky::Sky;
use super::workload::{Again, Wish};

/// How long one try of a client may take. Shorter than the longest fault: some outcomes stay unknown.
const TRY: Duration = Duration::from_secs(3);
/// The wait between a client's tries.
const PAUSE: Duration = Duration::from_millis(150);

/// A submission that was answered, and who goes on with it.
pub struct FollowUp {
    client: Client,
    wish: Wish,
    submitted: Submitted,
}

/// What all clients share.
pub struct Crowd {
    seed: u64,
    clients: Vec<Client>,
    witness: PathBuf,
    next: AtomicU64,
    /// What was acknowledged.
    pub ledger: Arc<Ledger>,
    sky: Arc<Sky>,
    record: Arc<Record>,
}

impl Crowd {
    /// Clients over some connections.
    pub fn new(
        seed: u64,
        journals: Vec<Journal>,
        witness: PathBuf,
        sky: Arc<Sky>,
        record: Arc<Record>,
    ) -> Self {
        let clients = journals.into_iter().map(|journal| {
            let identity = Identity::new("acme", "nobody", "storm").unwrap();
            Client::new(journal.with_deadline(TRY), identity)
        });
        let clients = clients.collect();
        Self { seed, clients, witness, next: AtomicU64::new(0), ledger: Arc::default(), sky, record }
    }

    /// How many wishes were begun.
    pub fn begun(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    fn client(&self, n: u64, org: &str, user: &str) -> Client {
        let at = usize::try_from(n).unwrap_or(0) % self.clients.len();
        self.clients[at].speaking_for(Identity::new(org, user, "storm").unwrap())
    }

    /// Submits the next wish, to its acknowledgement or refusal.
    pub async fn one(self: &Arc<Self>) -> Option<FollowUp> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let wish = Wish::draw(self.seed, n, &self.clients[0], &self.witness);
        let client = self.client(n, wish.org, &wish.user);
        let twin = (wish.again == Again::AtOnce).then(|| {
            let (crowd, client, wish) =
                (Arc::clone(self), self.client(n + 1, wish.org, &wish.user), wish.clone());
            tokio::spawn(async move { crowd.submit(&client, &wish).await })
        });
        let submitted = self.submit(&client, &wish).await;
        if let Some(twin) = twin {
            let twin = twin.await.unwrap();
            self.same(&wish, submitted.as_ref(), twin.as_ref());
        }
        submitted.map(|submitted| FollowUp { client, wish, submitted })
    }

    /// Submits until there is an answer. Without a key a client cannot try again: it would be another
    /// task.
    async fn submit(&self, client: &Client, wish: &Wish) -> Option<Submitted> {
        loop {
            match client.submit(wish.task.clone()).await {
                Ok(done) => {
                    let s = &done.snapshot;
                    if done.joined {
                        self.record.count("joined");
                    } else if self.ledger.submitted(&s.owner.org, s.task, s.title.as_str()) && !done.created {
                        self.record.count("found its own submission again");
                    }
                    return Some(done);
                }
                Err(Error::Busy { .. }) => {
                    self.record.count("refused: conversation busy");
                    return None;
                }
                Err(error) if error.is_transient() => {
                    self.unanswered(&error);
                    if wish.key.is_none() {
                        self.record.count("submissions given up, outcome not known");
                        return None;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    self.record.finding(format!("submission {} was refused: {}", wish.n, told(&error)));
                    return None;
                }
            }
        }
    }

    /// One key is one task.
    fn same(&self, wish: &Wish, one: Option<&Submitted>, other: Option<&Submitted>) {
        self.record.count("submitted again under the same key");
        let (Some(one), Some(other)) = (one, other) else { return };
        // One of the two may have joined a live task instead; it was told so.
        if one.snapshot.task != other.snapshot.task && !one.joined && !other.joined {
            self.record.finding(format!(
                "key {:?} is two tasks: {} and {}",
                wish.key, one.snapshot.task, other.snapshot.task
            ));
        }
        if one.created && other.created {
            self.record.finding(format!("key {:?} was created twice", wish.key));
        }
    }

    /// What a client does once its submission was answered.
    pub async fn afterwards(self: Arc<Self>, submitted: FollowUp) {
        let FollowUp { client, wish, submitted } = submitted;
        let task = submitted.snapshot.task;
        match wish.again {
            Again::Later => {
                let again = self.submit(&client, &wish).await;
                self.same(&wish, Some(&submitted), again.as_ref());
            }
            Again::Other if !submitted.joined => self.conflict(&client, &wish).await,
            _ => {}
        }
        if let Some(wait) = wish.abort_after {
            tokio::time::sleep(wait).await;
            self.abort(&client, task).await;
        } else if wish.retry {
            self.retry_once(&client, task).await;
        }
    }

    /// The same key with another body is refused for ever.
    async fn conflict(&self, client: &Client, wish: &Wish) {
        let Some(key) = &wish.key else { return };
        let other = NewTask::new("rehearsal", "another body", &"hello").unwrap();
        let other = other.idempotency_key(key).unwrap();
        loop {
            match client.submit(other.clone()).await {
                Err(Error::KeyConflict { .. }) => return self.record.count("refused: key with another body"),
                Err(error) if error.is_transient() => {
                    self.unanswered(&error);
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(_) => return self.record.finding(format!("key {key:?} was taken with another body")),
                Err(error) => return self.record.finding(format!("key {key:?}: {}", told(&error))),
            }
        }
    }

    async fn abort(&self, client: &Client, task: TaskId) {
        loop {
            match client.abort(task, Some("storm")).await {
                Ok(answer) if answer.outcome == AbortOutcome::EndedAlready => {
                    return self.record.count("aborts too late");
                }
                Ok(_) => return self.ledger.aborted(&client.identity().org, task),
                Err(error) if error.is_transient() => {
                    self.unanswered(&error);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    return self.record.finding(format!("abort of {task}: {}", told(&error)));
                }
            }
        }
    }

    /// A person who tries once more what failed.
    async fn retry_once(&self, client: &Client, task: TaskId) {
        let ended = loop {
            match self.sky.status(task) {
                Some(status) if status.is_terminal() => break status,
                _ => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        };
        if !matches!(ended, Status::Failed | Status::Expired) {
            return;
        }
        loop {
            match client.retry(task).await {
                Ok(_) => return self.record.count("retries acknowledged"),
                // It was, by a try whose answer was lost.
                Err(Error::Refused(Rejection::NotEnded { .. })) => return,
                Err(error) if error.is_transient() => {
                    self.unanswered(&error);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    return self.record.finding(format!("retry of {task}: {}", told(&error)));
                }
            }
        }
    }

    /// Decides whatever waits for it, for as long as it is polled.
    pub async fn decide(self: Arc<Self>) {
        let mut deciding: JoinSet<TaskId> = JoinSet::new();
        let mut under_way = std::collections::HashSet::new();
        loop {
            for (task, org) in self.sky.paused() {
                if under_way.insert(task) {
                    let crowd = Arc::clone(&self);
                    deciding.spawn(async move {
                        crowd.decide_one(&org, task).await;
                        task
                    });
                }
            }
            while let Some(Ok(task)) = deciding.try_join_next() {
                under_way.remove(&task);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn decide_one(&self, org: &OrgId, task: TaskId) {
        let (n, _) = task.0.as_u64_pair();
        let mut dice = Dice::of(self.seed, "decisions", n);
        tokio::time::sleep(dice.millis(0, 800)).await;
        let client = self.client(n, org.as_str(), "boss");
        let decision = dice.weighted(&[(7, 0), (2, 1), (1, 2)]);
        let decision = match decision {
            0 => Decision::Approved,
            1 => Decision::Rejected { reason: Some("no".to_owned()) },
            _ => Decision::Modified { arguments: serde_json::json!({"what": "something else"}) },
        };
        let Ok(snapshot) = client.get(task).await else { return };
        let Some(open) = snapshot.open_approval() else { return };
        match client.decide(task, open.id, open.digest, decision).await {
            Ok(_) => {
                self.record.count("decisions acknowledged");
                self.ledger.decided(org, task, open.id);
            }
            // Looked at again when it is still seen to wait.
            Err(error) if error.is_transient() => self.unanswered(&error),
            // Aborted, or decided by a try whose answer was lost.
            Err(Error::Refused(_)) => self.record.count("decisions refused"),
            Err(error) => self.record.finding(format!("decision on {task}: {}", told(&error))),
        }
    }

    fn unanswered(&self, error: &Error) {
        use longhaul_journal::Error as Log;
        self.record.count(match error {
            Error::Commit(CommitError::Uncertain(_))
            | Error::Journal(Log::Commit(CommitError::Uncertain(_))) => "client commits with unknown outcome",
            Error::Commit(_) | Error::Journal(Log::Commit(_)) => "client commits that did not happen",
            Error::Journal(Log::Contended) => "client commits where others were faster",
            _ => "client reads that failed",
        });
    }
}

/// With its causes.
fn told(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push_str(&format!(": {error}"));
        cause = error.source();
    }
    words
}
