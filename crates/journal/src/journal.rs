//! The journal: records instead of bytes, and outcomes instead of acknowledgements.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longhaul_core::{
    Actor, AdmissionCommit, Commit, CommitId, ConversationClaim, ConversationId, Dispatch, Event, EventBody,
    OrgId, Policy, PolicyCommit, Sequence, Snapshot, TaskId, TaskRef, Timestamp, apply_commit,
};
use longhaul_wire::{EncodeError, Record, Shard, Shards, Subject, commit_id};
use tokio::time::Instant;

use crate::clock::{Clock, new_id};
use crate::entry::Entry;
use crate::error::{CommitError, Error};
use crate::memory::Memory;
use crate::port::{Append, AppendError, Port, PortError, PortInfo};

/// How long an append is tried before the journal gives up.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The first wait before trying again; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The log, as everything above it uses it. Clones share the connection.
#[derive(Clone)]
pub struct Journal {
    pub(crate) port: Arc<dyn Port>,
    shards: Shards,
    clock: Clock,
    deadline: Duration,
}

impl Journal {
    /// A journal over a port, with as many shards as the port was provisioned with.
    pub fn new(port: Arc<dyn Port>) -> Self {
        let shards = Shards::new(port.info().shards).unwrap_or_default();
        Self { port, shards, clock: Clock::System, deadline: DEADLINE }
    }

    /// A journal over a fresh in-memory log. Its clock follows the runtime's.
    pub fn memory(shards: Shards) -> Self {
        Self::over(&Memory::new(shards))
    }

    /// A journal over an in-memory log that others share.
    pub fn over(memory: &Memory) -> Self {
        Self::new(Arc::new(memory.clone())).with_clock(memory.clock())
    }

    /// The same journal with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same journal that tries appends for `deadline` ([`DEADLINE`] otherwise).
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// What the log says of itself.
    pub fn info(&self) -> PortInfo {
        self.port.info()
    }

    /// How many shards the log has.
    pub fn shards(&self) -> Shards {
        self.shards
    }

    /// Now, by the journal's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The last sequence of a shard.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn head(&self, shard: Shard) -> Result<Sequence, Error> {
        Ok(self.port.head(shard).await?)
    }

    /// The state of a task, folded from its whole history; nothing if there is no such task. It sees
    /// every commit acknowledged before.
    ///
    /// # Errors
    /// If the log is not available, or [`Error::Corrupt`] if a record of the task cannot be read.
    pub async fn load(&self, task: &TaskRef) -> Result<Option<Snapshot>, Error> {
        self.fold(None, task, Sequence::ZERO).await
    }

    /// A snapshot with what was written since it was folded.
    ///
    /// # Errors
    /// As [`Journal::load`].
    pub async fn refresh(&self, snapshot: Snapshot) -> Result<Snapshot, Error> {
        let task = TaskRef { org: snapshot.owner.org.clone(), task: snapshot.task };
        let after = snapshot.sequence;
        // Folding never takes a task away: the unchanged one stands in for what cannot happen.
        let unchanged = snapshot.clone();
        Ok(self.fold(Some(snapshot), &task, after).await?.unwrap_or(unchanged))
    }

    async fn fold(
        &self,
        mut state: Option<Snapshot>,
        task: &TaskRef,
        after: Sequence,
    ) -> Result<Option<Snapshot>, Error> {
        let subject = self.subject(task);
        for entry in self.entries(&subject, after).await? {
            match entry.record {
                Ok(Record::Task(commit)) => state = apply_commit(state, &commit, entry.sequence),
                Ok(_) => {}
                Err(source) => {
                    return Err(Error::Corrupt { subject, sequence: entry.sequence, source });
                }
            }
        }
        Ok(state)
    }

    /// Every record of a task, readable or not, oldest first.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn history(&self, task: &TaskRef) -> Result<Vec<Entry>, Error> {
        self.entries(&self.subject(task), Sequence::ZERO).await
    }

    async fn entries(&self, subject: &Subject, after: Sequence) -> Result<Vec<Entry>, Error> {
        let stored = self.port.read(subject, after).await?;
        Ok(stored.into_iter().map(|stored| Entry::new(self.shards, stored)).collect())
    }

    /// The last record under a subject.
    async fn last(&self, subject: &Subject) -> Result<Option<(Record, Sequence)>, Error> {
        let Some(stored) = self.port.last(subject).await? else {
            return Ok(None);
        };
        let entry = Entry::new(self.shards, stored);
        match entry.record {
            Ok(record) => Ok(Some((record, entry.sequence))),
            Err(source) => Err(Error::Corrupt { subject: subject.clone(), sequence: entry.sequence, source }),
        }
    }

    fn subject(&self, task: &TaskRef) -> Subject {
        Subject::task(self.shards, &task.org, task.task)
    }

    /// Appends a commit to its task's history, provided nothing was appended since `expect`. What
    /// may have happened is looked up: the answer is certain unless it says otherwise.
    ///
    /// # Errors
    /// [`CommitError`]; on a conflict load and decide again.
    pub async fn commit(
        &self,
        org: &OrgId,
        commit: &Commit,
        expect: Sequence,
    ) -> Result<Sequence, CommitError> {
        let subject = Subject::task(self.shards, org, commit.task);
        self.append(subject, commit.id, Record::Task(commit.clone()), expect).await
    }

    /// The last sequence of an organisation's ledger: what an admission expects.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn ledger_last(&self, org: &OrgId) -> Result<Sequence, Error> {
        let last = self.port.last(&Subject::ledger(self.shards, org)).await?;
        Ok(last.map_or(Sequence::ZERO, |stored| stored.sequence))
    }

    /// Gives runs a slot, provided nobody admitted anything in the organisation since `expect`.
    ///
    /// # Errors
    /// [`CommitError`]; on a conflict catch up and decide again.
    pub async fn admit(&self, commit: &AdmissionCommit, expect: Sequence) -> Result<Sequence, CommitError> {
        let subject = Subject::ledger(self.shards, &commit.org);
        self.append(subject, commit.id, Record::Admissions(commit.clone()), expect).await
    }

    /// Hands an admitted run to whichever executor takes it. It may be stored more than once.
    ///
    /// # Errors
    /// If it was not acknowledged within the deadline.
    pub async fn dispatch(&self, dispatch: &Dispatch) -> Result<(), Error> {
        let subject = Subject::dispatch(self.shards.of(&dispatch.org), &dispatch.kind);
        let body = self.encode(&subject, &Record::Dispatch(dispatch.clone()))?;
        let mut tries = Tries::new(self.deadline);
        loop {
            let message = Append { subject: subject.clone(), expect: None, body: body.clone() };
            match self.port.append(message).await {
                Ok(_) => return Ok(()),
                Err(AppendError::DidNotHappen(why)) if !is_transient(&why) => return Err(why.into()),
                Err(AppendError::DidNotHappen(why) | AppendError::MayHaveHappened(why)) => {
                    tries.wait().await.map_err(|TimeOver| why)?;
                }
                // Another dispatch of the kind is being stored.
                Err(AppendError::Conflict { .. }) => {
                    tries.wait().await.map_err(|TimeOver| CommitError::Conflict)?;
                }
            }
        }
    }

    /// What an organisation may do; the default until something else was said.
    ///
    /// # Errors
    /// If the log is not available or the policy cannot be read.
    pub async fn policy(&self, org: &OrgId) -> Result<Policy, Error> {
        match self.last(&Subject::policy(self.shards, org)).await? {
            Some((Record::Policy(commit), _)) => Ok(commit.policy),
            _ => Ok(Policy::default()),
        }
    }

    /// Says what an organisation may do from now on. Of two at once the later one holds.
    ///
    /// # Errors
    /// If it was not stored.
    pub async fn set_policy(&self, org: &OrgId, actor: &Actor, policy: Policy) -> Result<Sequence, Error> {
        let subject = Subject::policy(self.shards, org);
        let mut tries = Tries::new(self.deadline);
        loop {
            // Not read, only counted: a policy that cannot be read can be replaced.
            let expect = self.port.last(&subject).await?.map_or(Sequence::ZERO, |last| last.sequence);
            let id: CommitId = new_id();
            let commit = PolicyCommit { id, org: org.clone(), at: self.now(), actor: actor.clone(), policy };
            match self.append(subject.clone(), id, Record::Policy(commit), expect).await {
                Err(CommitError::Conflict) => {
                    tries.wait().await.map_err(|TimeOver| CommitError::Conflict)?;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Who holds a conversation, and where it was said.
    ///
    /// # Errors
    /// If the log is not available or the claim cannot be read.
    pub async fn conversation(
        &self,
        org: &OrgId,
        conversation: &ConversationId,
    ) -> Result<Option<(ConversationClaim, Sequence)>, Error> {
        match self.last(&Subject::conversation(self.shards, org, conversation)).await? {
            Some((Record::Conversation(claim), sequence)) => Ok(Some((claim, sequence))),
            _ => Ok(None),
        }
    }

    /// Takes a conversation, provided nobody took it since `expect`.
    ///
    /// # Errors
    /// [`CommitError`]; on a conflict look again.
    pub async fn claim(&self, claim: &ConversationClaim, expect: Sequence) -> Result<Sequence, CommitError> {
        let subject = Subject::conversation(self.shards, &claim.org, &claim.conversation);
        self.append(subject, claim.id, Record::Conversation(claim.clone()), expect).await
    }

    fn encode(&self, subject: &Subject, record: &Record) -> Result<Bytes, CommitError> {
        let bytes = longhaul_wire::encode(subject.parsed(), record).map_err(|why| match why {
            EncodeError::TooLarge { size, limit } => CommitError::TooLarge { size, limit },
            unusable => CommitError::Unusable(unusable),
        })?;
        let limit = self.port.info().max_message;
        if bytes.len() > limit {
            return Err(CommitError::TooLarge { size: bytes.len(), limit });
        }
        Ok(bytes.into())
    }

    /// Appends until the outcome is known or the time is over.
    async fn append(
        &self,
        subject: Subject,
        id: CommitId,
        record: Record,
        expect: Sequence,
    ) -> Result<Sequence, CommitError> {
        let body = self.encode(&subject, &record)?;
        let mut tries = Tries::new(self.deadline);
        // Once one publish may have happened it may also still be under way, and land at any time
        // until something else takes its place: only a look at the subject tells.
        let mut uncertain = false;
        loop {
            let message = Append { subject: subject.clone(), expect: Some(expect), body: body.clone() };
            let why = match self.port.append(message).await {
                Ok(sequence) => return Ok(sequence),
                Err(AppendError::Conflict { .. }) if !uncertain => return Err(CommitError::Conflict),
                Err(AppendError::Conflict { .. }) => {
                    PortError::Unreachable("the subject is being written to".to_owned())
                }
                Err(AppendError::DidNotHappen(why)) if !is_transient(&why) && !uncertain => {
                    return Err(CommitError::Refused(why));
                }
                Err(AppendError::DidNotHappen(why)) => why,
                Err(AppendError::MayHaveHappened(why)) => {
                    uncertain = true;
                    why
                }
            };
            if uncertain {
                match self.find(&subject, expect, id).await {
                    Ok(Found::Own(sequence)) => return Ok(sequence),
                    Ok(Found::Other) => return Err(CommitError::Conflict),
                    Ok(Found::Nothing) | Err(_) => {}
                }
            }
            if let Err(TimeOver) = tries.wait().await {
                return Err(match uncertain {
                    true => CommitError::Uncertain(why),
                    false => CommitError::Unavailable(why),
                });
            }
        }
    }

    /// What follows `expect` on a subject. One's own message can only be the very next one: if that
    /// is somebody else's, one's own will never be stored.
    async fn find(&self, subject: &Subject, expect: Sequence, id: CommitId) -> Result<Found, PortError> {
        let later = self.port.read(subject, expect).await?;
        Ok(match later.first() {
            None => Found::Nothing,
            Some(next) if commit_id(&next.body) == Some(id) => Found::Own(next.sequence),
            Some(_) => Found::Other,
        })
    }
}

enum Found {
    Own(Sequence),
    Other,
    Nothing,
}

/// Whether trying again may help.
fn is_transient(error: &PortError) -> bool {
    matches!(error, PortError::Unreachable(_))
}

/// Waits between tries: longer each time, never all at the same moment, until the time is over.
pub(crate) struct Tries {
    until: Instant,
    wait: Duration,
}

pub(crate) struct TimeOver;

impl Tries {
    pub(crate) fn new(deadline: Duration) -> Self {
        Self { until: Instant::now() + deadline, wait: FIRST_WAIT }
    }

    pub(crate) async fn wait(&mut self) -> Result<(), TimeOver> {
        if Instant::now() >= self.until {
            return Err(TimeOver);
        }
        tokio::time::sleep(self.wait.mul_f64(0.5 + jitter() / 2.0)).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Ok(())
    }
}

/// A number from 0 to 1 that differs between processes and calls.
fn jitter() -> f64 {
    let (_, low) = uuid::Uuid::now_v7().as_u64_pair();
    f64::from(u32::try_from(low & 0xffff_ffff).unwrap_or_default()) / f64::from(u32::MAX)
}

/// A commit of these events, with fresh ids.
pub fn stamp(task: TaskId, actor: &Actor, bodies: Vec<EventBody>, now: Timestamp) -> Commit {
    let events = bodies.into_iter().map(|body| Event { id: new_id(), body }).collect();
    Commit { id: new_id(), task, at: now, actor: actor.clone(), trace: None, events }
}
