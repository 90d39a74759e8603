//! Appending with a certain outcome.

use std::time::Duration;

use bytes::Bytes;
use longhaul_core::{
    Actor, AdmissionCommit, Commit, CommitId, ConversationClaim, Event, EventBody, OrgId, Policy,
    PolicyCommit, Sequence, TaskId, Timestamp,
};
use longhaul_wire::{EncodeError, Record, Subject, commit_id};

use crate::clock::new_id;
use crate::error::{CommitError, Error};
use crate::journal::Journal;
use crate::port::{Append, AppendError, PortError};
use crate::tries::{TimeOver, Tries, again, is_transient};

/// How long an append is tried before the journal gives up.
pub const DEADLINE: Duration = Duration::from_secs(30);

impl Journal {
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
        let subject = Subject::task(self.shards(), org, commit.task);
        self.append(subject, commit.id, Record::Task(commit.clone()), expect).await
    }

    /// Gives runs a slot, provided nobody admitted anything in the organisation since `expect`.
    ///
    /// # Errors
    /// [`CommitError`]; on a conflict catch up and decide again.
    pub async fn admit(&self, commit: &AdmissionCommit, expect: Sequence) -> Result<Sequence, CommitError> {
        let subject = Subject::ledger(self.shards(), &commit.org);
        self.append(subject, commit.id, Record::Admissions(commit.clone()), expect).await
    }

    /// Says what an organisation may do from now on. Of two at once the later one holds.
    ///
    /// # Errors
    /// If it was not stored.
    pub async fn set_policy(&self, org: &OrgId, actor: &Actor, policy: Policy) -> Result<Sequence, Error> {
        let subject = Subject::policy(self.shards(), org);
        let mut tries = Tries::new(self.deadline);
        loop {
            // Not read, only counted: a policy that cannot be read can be replaced.
            let last = again(self.deadline, || self.port.last(&subject)).await?;
            let expect = last.map_or(Sequence::ZERO, |last| last.sequence);
            let id: CommitId = new_id();
            let commit = PolicyCommit {
                id,
                org: org.clone(),
                at: self.now(),
                actor: actor.clone(),
                policy: policy.clone(),
            };
            match self.append(subject.clone(), id, Record::Policy(commit), expect).await {
                Err(CommitError::Conflict) => {
                    tries.wait().await.map_err(|TimeOver| Error::Contended)?;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Takes a conversation, provided nobody took it since `expect`.
    ///
    /// # Errors
    /// [`CommitError`]; on a conflict look again.
    pub async fn claim(&self, claim: &ConversationClaim, expect: Sequence) -> Result<Sequence, CommitError> {
        let subject = Subject::conversation(self.shards(), &claim.org, &claim.conversation);
        self.append(subject, claim.id, Record::Conversation(claim.clone()), expect).await
    }

    fn encode(&self, subject: &Subject, record: &Record) -> Result<Bytes, CommitError> {
        let bytes = longhaul_wire::encode(subject.parsed(), record).map_err(|why| match why {
            EncodeError::TooLarge { size, limit } => CommitError::TooLarge { size, limit },
            unusable => CommitError::Unusable(unusable),
        })?;
        if bytes.len() > self.limit {
            return Err(CommitError::TooLarge { size: bytes.len(), limit: self.limit });
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
            let (why, conflict) = match self.port.append(message).await {
                Ok(sequence) => return Ok(sequence),
                // Maybe with one's own: an earlier publish, or an earlier call with the same commit.
                Err(AppendError::Conflict { .. }) => {
                    (PortError::Unreachable("the subject is being written to".to_owned()), true)
                }
                Err(AppendError::DidNotHappen(why)) if !is_transient(&why) && !uncertain => {
                    return Err(CommitError::Refused(why));
                }
                Err(AppendError::DidNotHappen(why)) => (why, false),
                Err(AppendError::MayHaveHappened(why)) => {
                    uncertain = true;
                    (why, false)
                }
            };
            if conflict || uncertain {
                match self.find(&subject, expect, id).await {
                    Ok(Found::Own(sequence)) => return Ok(sequence),
                    Ok(Found::Other) => return Err(CommitError::Conflict),
                    // Nothing has changed: what was decided still holds.
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

/// A commit of these events, with fresh ids.
pub fn stamp(task: TaskId, actor: &Actor, bodies: Vec<EventBody>, now: Timestamp) -> Commit {
    let events = bodies.into_iter().map(|body| Event { id: new_id(), body }).collect();
    Commit { id: new_id(), task, at: now, actor: actor.clone(), trace: None, events }
}
