//! Submission: idempotent by key for ever, and polite in conversations.
//!
//! A conversation is claimed before the task is submitted. A crash between the two leaves a claim
//! whose task does not exist, which counts for nothing once its writer had time to go on.

use std::time::Duration;

use longhaul_core::board::Candidate;
use longhaul_core::{
    Command, ConversationClaim, ConversationId, Digest, IdempotencyKey, InheritedStep, Lineage, Owner,
    Payload, Rejection, Sequence, Snapshot, Status, Submission, TaskId, TaskRef,
};
use longhaul_journal::{ActError, Body, CommitError};
use longhaul_wire::digest::canonical_digest;
use longhaul_wire::query;
use serde_json::json;

use crate::{Client, Error, NewTask, OnBusy};

/// How long a claim may be ahead of its task before it counts as abandoned.
const CLAIM_GRACE: Duration = Duration::from_secs(3);
/// How often a claim whose task is not there yet is looked at again.
const CLAIM_LOOK: Duration = Duration::from_millis(50);

/// The answer to a submission.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The task as it stands: the new one, the one the key names, or the one joined.
    pub snapshot: Snapshot,
    /// Whether this call brought it into being.
    pub created: bool,
    /// Whether the answer is the conversation's live task instead of a new one.
    pub joined: bool,
}

impl Client {
    /// Submits a task. Once this returns, the task is in the log and will not be lost.
    ///
    /// # Errors
    /// [`Error::KeyConflict`], [`Error::Busy`], [`Error::NotContinuable`], [`Error::Invalid`] for an
    /// input that is too large, or what the log says.
    pub async fn submit(&self, new: NewTask) -> Result<Submitted, Error> {
        let mut lineage = Lineage { continues: new.continues, parent: new.parent, ..Lineage::default() };
        let mut inherited = Vec::new();
        let mut context = None;
        if let Some(earlier) = new.continues {
            let earlier = self.continuable(earlier).await?;
            lineage.continues = Some(earlier.task);
            context = earlier.output.clone();
            if earlier.status != Status::Completed {
                inherited = recorded_steps(&earlier);
            }
        }
        self.submit_as(new, lineage, inherited, context).await
    }

    /// What a projector needs to say whether a task would start now, or why and where it would wait.
    pub fn candidate(&self, new: &NewTask) -> Candidate {
        Candidate {
            owner: self.owner(new),
            kind: new.kind.clone(),
            priority: new.priority,
            lane: new.lane,
            not_before: new.not_before,
        }
    }

    fn owner(&self, new: &NewTask) -> Owner {
        Owner {
            org: self.identity.org.clone(),
            user: self.identity.user.clone(),
            conversation: new.conversation.clone(),
        }
    }

    pub(crate) async fn submit_as(
        &self,
        mut new: NewTask,
        lineage: Lineage,
        inherited: Vec<InheritedStep>,
        context: Option<Payload>,
    ) -> Result<Submitted, Error> {
        let key = new
            .key
            .as_ref()
            .map(|key| IdempotencyKey { key: key.clone(), body: body_digest(&new, &lineage) });
        let task = match &key {
            Some(known) => TaskId::for_key(&self.identity.org, &known.key),
            None => longhaul_journal::new_id(),
        };
        let at = self.at(task);
        let input = Body::of(new.input.take())?;
        // A task that is there already claims no conversation and stores no object anew.
        if let Some(known) = &key
            && (new.conversation.is_some() || matches!(input, Body::Apart(_)))
            && let Some(snapshot) = self.journal.load(&at).await?
        {
            return same_key(snapshot, known);
        }
        // In the foreground it speaks beside what is live there.
        if let Some(conversation) = self.owner(&new).line(new.lane)
            && let Some(live) = self.claim(conversation, task, new.on_busy).await?
        {
            return Ok(Submitted { snapshot: live, created: false, joined: true });
        }
        let submission = Submission {
            owner: self.owner(&new),
            kind: new.kind,
            title: new.title,
            input: self.journal.store_body(input).await?,
            limits: new.limits,
            retry: new.retry,
            priority: new.priority,
            lane: new.lane,
            not_before: new.not_before,
            labels: new.labels.into_iter().collect(),
            lineage,
            key: key.clone(),
            inherited,
            context,
        };
        // Not looked for first: if it is there, the log says so.
        match self.journal.act_on(None, &at, &self.actor(), &Command::Submit(Box::new(submission))).await {
            Ok(done) => Ok(Submitted { snapshot: done.snapshot, created: true, joined: false }),
            // Somebody with the same key was faster.
            Err(ActError::Rejected(Rejection::Exists { .. })) => match (key, self.journal.load(&at).await?) {
                (Some(known), Some(snapshot)) => same_key(snapshot, &known),
                _ => Err(Error::Refused(Rejection::Exists { task })),
            },
            Err(other) => Err(other.into()),
        }
    }

    /// The task that `continues` names, if it may be continued.
    async fn continuable(&self, task: TaskId) -> Result<Snapshot, Error> {
        let earlier = self.get(task).await?;
        let unfinished_too = self.journal.policy(&self.identity.org).await?.continue_unfinished;
        let allowed = match earlier.status {
            Status::Completed => !earlier.erased,
            Status::Failed | Status::Aborted => unfinished_too && !earlier.erased,
            _ => false,
        };
        if allowed { Ok(earlier) } else { Err(Error::NotContinuable { task, status: earlier.status }) }
    }

    /// Takes the conversation for `task`, or gives its live task to join.
    async fn claim(
        &self,
        conversation: &ConversationId,
        task: TaskId,
        on_busy: OnBusy,
    ) -> Result<Option<Snapshot>, Error> {
        let org = &self.identity.org;
        loop {
            let held = self.journal.conversation(org, conversation).await?;
            let expect = held.as_ref().map_or(Sequence::ZERO, |(_, sequence)| *sequence);
            if let Some((claim, _)) = held.filter(|(claim, _)| claim.task != task)
                && let Some(live) = self.live_holder(&claim).await?
            {
                match on_busy {
                    OnBusy::Join => return Ok(Some(live)),
                    OnBusy::Reject => return Err(Error::Busy { task: live.task, status: live.status }),
                    OnBusy::Enqueue => {}
                    OnBusy::Interrupt => self.interrupt(conversation, live.task, task).await?,
                }
            }
            let claim = ConversationClaim {
                id: longhaul_journal::new_id(),
                conversation: conversation.clone(),
                org: org.clone(),
                task,
                at: self.journal.now(),
            };
            match self.journal.claim(&claim, expect).await {
                Ok(_) => return Ok(None),
                Err(CommitError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
    }

    /// Aborts what is live in a conversation: the task that holds it, and those it was queued behind,
    /// which only a projector knows.
    async fn interrupt(
        &self,
        conversation: &ConversationId,
        holder: TaskId,
        by: TaskId,
    ) -> Result<(), Error> {
        let reason = format!("interrupted by task {by}");
        self.abort(holder, Some(&reason)).await?;
        let filter = query::Filter {
            org: Some(self.identity.org.clone()),
            conversation: Some(conversation.clone()),
            status: vec![Status::Pending, Status::Running, Status::Paused],
            dismissed: true,
            ..query::Filter::default()
        };
        let question = query::List { filter, limit: Some(query::MAX_PAGE), ..query::List::default() };
        // Without a projector the newest is interrupted all the same; the rest runs before this one.
        let Ok(page) = self.query(&question).await else { return Ok(()) };
        let in_line =
            page.items.iter().filter(|item| item.view.as_ref().is_none_or(|view| view.lane.is_background()));
        for other in in_line.map(|item| item.task).filter(|other| *other != by && *other != holder) {
            self.abort(other, Some(&reason)).await?;
        }
        Ok(())
    }

    /// The live task that holds a claim. A claim may be a moment ahead of its task.
    async fn live_holder(&self, claim: &ConversationClaim) -> Result<Option<Snapshot>, Error> {
        let holder = TaskRef { org: claim.org.clone(), task: claim.task };
        let deadline = tokio::time::Instant::now() + CLAIM_GRACE;
        loop {
            if let Some(snapshot) = self.journal.load(&holder).await? {
                return Ok(Some(snapshot).filter(|snapshot| !snapshot.status.is_terminal()));
            }
            if tokio::time::Instant::now() >= deadline {
                return Ok(None);
            }
            tokio::time::sleep(CLAIM_LOOK).await;
        }
    }
}

/// The task a key names, if it was submitted with the same body.
fn same_key(snapshot: Snapshot, key: &IdempotencyKey) -> Result<Submitted, Error> {
    if snapshot.key.as_ref().is_some_and(|known| known.body == key.body) {
        return Ok(Submitted { snapshot, created: false, joined: false });
    }
    Err(Error::KeyConflict { key: key.key.clone(), task: snapshot.task })
}

/// What makes two submissions the same: everything the submitter said but the key.
fn body_digest(new: &NewTask, lineage: &Lineage) -> Digest {
    let labels: std::collections::BTreeMap<_, _> =
        new.labels.iter().map(|(key, value)| (key.to_string(), value)).collect();
    let mut body = json!({
        "kind": new.kind,
        "title": new.title,
        "input": new.input,
        "conversation": new.conversation,
        "limits": new.limits,
        "retry": new.retry,
        "priority": new.priority,
        "not_before": new.not_before,
        "labels": labels,
        "lineage": lineage,
    });
    // Not said by default, so that keys given before there were lanes stand for the same.
    if !new.lane.is_background() {
        body["lane"] = json!(new.lane);
    }
    canonical_digest(&body)
}

/// The recorded steps of a task, for one that begins with them.
pub(crate) fn recorded_steps(earlier: &Snapshot) -> Vec<InheritedStep> {
    let recorded = earlier.steps.iter().filter_map(|step| {
        step.result.clone().map(|result| InheritedStep { step: step.name.clone(), result })
    });
    recorded.collect()
}
