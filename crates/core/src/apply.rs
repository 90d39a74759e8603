//! The fold: `apply(snapshot, event) -> snapshot`.
//!
//! It never fails. What the decider would not have allowed, and a careless or hostile writer wrote
//! all the same, is ignored and counted: an event of a run that is not the current one, a word its
//! writer's role may not say, anything after the end but what may follow it.

use crate::event::{Actor, AdmissionReason, Commit, Decision, Event, EventBody, Expiry};
use crate::id::{RunNumber, Sequence, TaskId};
use crate::payload::TaskError;
use crate::snapshot::{Abort, Approval, Decided, Progress, Reason, Segment, Snapshot, Status, Step};
use crate::time::{Millis, Timestamp};

/// Whether an event changed the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It did.
    Yes,
    /// The fold refused it.
    Ignored(Ignored),
}

/// Why the fold refused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// An event of a task that was never submitted.
    #[error("the task was not submitted")]
    NoTask,
    /// A second submission.
    #[error("the task exists already")]
    Exists,
    /// The writer's role may not say this.
    #[error("a writer of this role may not say this")]
    Role,
    /// Another run than the current one wrote it.
    #[error("it names a run that is not the current one")]
    Fenced,
    /// It does not follow from the status.
    #[error("it does not follow from the status")]
    Status,
    /// It names a step, segment or approval that does not fit.
    #[error("it does not fit what is recorded")]
    Mismatch,
    /// It belongs to another task.
    #[error("it names another task")]
    OtherTask,
}

/// Folds one commit. Returns the state after it and how many of its events were refused.
pub fn apply_commit(state: Option<Snapshot>, commit: &Commit, sequence: Sequence) -> Option<Snapshot> {
    let mut state = state;
    for event in &commit.events {
        apply(&mut state, commit.task, event, &commit.actor, commit.at);
    }
    if let Some(snapshot) = &mut state {
        snapshot.sequence = sequence;
    }
    state
}

/// Folds one event of `task`, written `at` by `actor`, into `state`.
pub fn apply(
    state: &mut Option<Snapshot>,
    task: TaskId,
    event: &Event,
    actor: &Actor,
    at: Timestamp,
) -> Applied {
    let outcome = match (state.as_mut(), &event.body) {
        _ if !event.body.may_be_said_by(actor.role) => Err(Ignored::Role),
        (None, EventBody::Submitted(said)) => {
            *state = Some(Snapshot::new(task, said, at));
            Ok(())
        }
        // The commits before an erasure may be gone.
        (None, EventBody::Erased { skeleton, .. }) if skeleton.status.is_terminal() => {
            *state = Some(Snapshot::from_skeleton(task, skeleton));
            Ok(())
        }
        (None, _) => Err(Ignored::NoTask),
        (Some(_), EventBody::Submitted(_)) => Err(Ignored::Exists),
        (Some(snapshot), _) if snapshot.task != task => Err(Ignored::OtherTask),
        (Some(snapshot), body) => fold(snapshot, body, at),
    };
    if let Some(snapshot) = state {
        match outcome {
            Ok(()) => {
                snapshot.events += 1;
                snapshot.updated_at = snapshot.updated_at.max(at);
            }
            Err(_) => snapshot.ignored += 1,
        }
    }
    match outcome {
        Ok(()) => Applied::Yes,
        Err(why) => Applied::Ignored(why),
    }
}

/// Refused unless it follows from the status.
fn require(allowed: bool) -> Result<(), Ignored> {
    if allowed { Ok(()) } else { Err(Ignored::Status) }
}

/// The run must be the current one and under way.
fn current(snapshot: &Snapshot, run: RunNumber) -> Result<(), Ignored> {
    if run != snapshot.run {
        return Err(Ignored::Fenced);
    }
    require(snapshot.status.is_running())
}

fn fold(s: &mut Snapshot, body: &EventBody, at: Timestamp) -> Result<(), Ignored> {
    match body {
        EventBody::Submitted(_) => Err(Ignored::Exists),
        EventBody::Started { run, executor, why, .. } => {
            // An abort that was recorded is never overtaken, whoever writes.
            require(s.status == Status::Pending && s.abort.is_none())?;
            if *run != s.next_run {
                return Err(Ignored::Fenced);
            }
            s.run = *run;
            s.next_run = run.next();
            s.status = Status::Running;
            s.reason = Reason::Admitted { why: *why };
            s.executor = Some(*executor);
            s.run_started_at = Some(at);
            s.started_at.get_or_insert(at);
            s.not_before = None;
            Ok(())
        }
        EventBody::StepStarted { run, step, index, of } => {
            current(s, *run)?;
            step_started(s, *run, step, *index, *of, at)
        }
        EventBody::Progressed { run, fraction, message, waits } => {
            current(s, *run)?;
            let message = message.clone().or_else(|| s.progress.message.take());
            let fraction = fraction.or(s.progress.fraction);
            s.progress = Progress { fraction, message, waits: waits.clone() };
            Ok(())
        }
        EventBody::StepCompleted { run, step, index, result } => {
            current(s, *run)?;
            let known = s.steps.iter_mut().find(|known| known.name == *step);
            let known = known.filter(|known| known.result.is_none() && known.index == *index);
            let known = known.ok_or(Ignored::Mismatch)?;
            known.result = Some(result.clone());
            known.completed_at = Some(at);
            if let Some(abort) = &mut s.abort {
                abort.steps_after.push(step.clone());
            }
            Ok(())
        }
        EventBody::TextAppended { run, segment, offset, text } => {
            current(s, *run)?;
            text_appended(s, *run, *segment, *offset, text.len() as u64)
        }
        EventBody::UsageRecorded { run, usage, .. } => {
            current(s, *run)?;
            s.usage = s.usage.plus(*usage);
            Ok(())
        }
        EventBody::ArtifactStored { run, artifact } => {
            current(s, *run)?;
            s.artifacts.retain(|known| known.name != artifact.name);
            s.artifacts.push(artifact.clone());
            Ok(())
        }
        EventBody::ApprovalRequested {
            run,
            approval,
            action,
            arguments,
            digest,
            schema,
            note,
            expires_at,
        } => {
            current(s, *run)?;
            require(s.status == Status::Running)?;
            s.approvals.push(Approval {
                id: *approval,
                run: *run,
                action: action.clone(),
                arguments: arguments.clone(),
                digest: *digest,
                schema: schema.clone(),
                note: note.clone(),
                requested_at: at,
                expires_at: *expires_at,
                decision: None,
            });
            end_run(s, at);
            s.status = Status::Paused;
            s.reason = Reason::AwaitingApproval { approval: *approval };
            Ok(())
        }
        EventBody::ApprovalDecided { approval, decision, by } => {
            require(s.status == Status::Paused)?;
            let open = s.approvals.last_mut().filter(|open| open.id == *approval && open.decision.is_none());
            let open = open.ok_or(Ignored::Mismatch)?;
            open.decision = Some(Decided { decision: decision.clone(), by: by.clone(), at });
            queue(s, at, AdmissionReason::Resumed, Reason::Decided { approval: *approval });
            Ok(())
        }
        EventBody::AbortRequested { by, reason } => {
            require(!s.status.is_terminal() && s.abort.is_none())?;
            s.abort = Some(Abort {
                requested_at: at,
                requested_by: by.clone(),
                reason: reason.clone(),
                observed_at: None,
                checkpoint: None,
                steps_after: Vec::new(),
            });
            s.status = if s.status == Status::Running { Status::Aborting } else { s.status };
            if s.status == Status::Aborting {
                s.reason = Reason::AbortRequested { by: by.clone() };
            }
            Ok(())
        }
        EventBody::Continued { run, why } => {
            current(s, *run)?;
            require(s.status == Status::Running)?;
            end_run(s, at);
            queue(s, at, AdmissionReason::Continued, Reason::Continued { why: *why });
            Ok(())
        }
        EventBody::Lost { run, last_beat, .. } => {
            current(s, *run)?;
            // What it did after its last word is unknown: only what was heard counts as run.
            end_run(s, last_beat.unwrap_or(at));
            s.failures += 1;
            let reason = Reason::Reassigned { run: *run, last_beat: *last_beat };
            // Queued for a moment only: the same commit says retried, aborted or expired.
            queue(s, at, AdmissionReason::Reassigned, reason);
            Ok(())
        }
        EventBody::Completed { run, output } => {
            current(s, *run)?;
            require(s.status == Status::Running)?;
            end_run(s, at);
            s.output = Some(output.clone());
            s.progress.fraction = Some(1.0);
            end(s, Status::Completed, Reason::Finished, at);
            Ok(())
        }
        EventBody::Failed { run, error } => {
            current(s, *run)?;
            require(s.status == Status::Running)?;
            end_run(s, at);
            s.failures += 1;
            failed(s, error, at);
            Ok(())
        }
        EventBody::Aborted { run, checkpoint } => {
            let abort = s.abort.as_mut().ok_or(Ignored::Status)?;
            if s.status.is_terminal() {
                return Err(Ignored::Status);
            }
            if s.status.is_running() && *run != Some(s.run) {
                return Err(Ignored::Fenced);
            }
            abort.observed_at = Some(at);
            abort.checkpoint.clone_from(checkpoint);
            let by = abort.requested_by.clone();
            end_run(s, at);
            end(s, Status::Aborted, Reason::Aborted { by, checkpoint: checkpoint.clone() }, at);
            Ok(())
        }
        EventBody::Expired { run, why } => {
            require(!s.status.is_terminal() && s.abort.is_none())?;
            if s.status.is_running() && *run != Some(s.run) {
                return Err(Ignored::Fenced);
            }
            end_run(s, at);
            end(s, Status::Expired, expiry(why), at);
            Ok(())
        }
        EventBody::Retried { attempt, by, not_before } => {
            let after_loss = s.status == Status::Pending
                && s.abort.is_none()
                && matches!(s.reason, Reason::Reassigned { .. })
                // A retry leaves a number out: this one is the first since the run was lost.
                && s.next_run == s.run.next();
            let reopens = matches!(s.status, Status::Failed | Status::Aborted | Status::Expired);
            require(reopens || after_loss)?;
            if *attempt != s.attempt + 1 || s.erased {
                return Err(Ignored::Mismatch);
            }
            retried(s, *attempt, by.is_some(), *not_before, at);
            Ok(())
        }
        EventBody::Dismissed { .. } => {
            require(s.status.is_terminal())?;
            s.dismissed = true;
            Ok(())
        }
        // Whoever lags behind an erasure never sees what it deleted: the end, say, or a whole attempt.
        EventBody::Erased { skeleton, .. } if skeleton.status.is_terminal() && skeleton.events > s.events => {
            *s = Snapshot::from_skeleton(s.task, skeleton);
            Ok(())
        }
        // The fold's own skeleton, not the writer's: both are the same unless the writer lies.
        EventBody::Erased { .. } => {
            require(s.status.is_terminal())?;
            *s = Snapshot::from_skeleton(s.task, &s.skeleton());
            Ok(())
        }
    }
}

fn step_started(
    s: &mut Snapshot,
    run: RunNumber,
    name: &str,
    index: u32,
    of: Option<u32>,
    at: Timestamp,
) -> Result<(), Ignored> {
    if let Some(known) = s.steps.iter_mut().find(|known| known.name == name) {
        if known.result.is_some() || known.index != index {
            return Err(Ignored::Mismatch);
        }
        known.run = run;
        known.started_at = at;
        known.of = of;
        return Ok(());
    }
    if index as usize != s.steps.len() {
        return Err(Ignored::Mismatch);
    }
    s.steps.push(Step {
        name: name.to_owned(),
        index,
        run,
        started_at: at,
        completed_at: None,
        result: None,
        of,
    });
    Ok(())
}

fn text_appended(
    s: &mut Snapshot,
    run: RunNumber,
    segment: u32,
    offset: u64,
    length: u64,
) -> Result<(), Ignored> {
    match s.text.iter_mut().find(|known| known.segment == segment) {
        Some(known) if known.run == run && known.length == offset => known.length += length,
        // A later run tells the segment anew.
        Some(known) if known.run < run && offset == 0 => {
            known.run = run;
            known.length = length;
        }
        None if offset == 0 => s.text.push(Segment { segment, run, length }),
        _ => return Err(Ignored::Mismatch),
    }
    Ok(())
}

fn end_run(s: &mut Snapshot, at: Timestamp) {
    if let Some(started) = s.run_started_at.filter(|_| s.status.is_running()) {
        s.ran = Millis(s.ran.0 + at.since(started).0);
    }
    s.progress.waits = None;
}

fn queue(s: &mut Snapshot, at: Timestamp, admit_as: AdmissionReason, reason: Reason) {
    s.status = Status::Pending;
    s.reason = reason;
    s.admit_as = admit_as;
    s.queued_at = at;
}

fn end(s: &mut Snapshot, status: Status, reason: Reason, at: Timestamp) {
    s.status = status;
    s.reason = reason;
    s.ended_at = Some(at);
}

fn failed(s: &mut Snapshot, error: &TaskError, at: Timestamp) {
    s.error = Some(error.clone());
    end(s, Status::Failed, Reason::Error { error: error.code.clone() }, at);
}

fn expiry(why: &Expiry) -> Reason {
    match why {
        Expiry::Span { span, ran } => Reason::SpanExceeded { span: *span, ran: *ran },
        Expiry::Heartbeat { last_beat, lease } => {
            Reason::HeartbeatLost { last_beat: *last_beat, lease: *lease }
        }
    }
}

fn retried(s: &mut Snapshot, attempt: u32, asked: bool, not_before: Option<Timestamp>, at: Timestamp) {
    let admit_as = match s.reason {
        Reason::Reassigned { .. } => AdmissionReason::Reassigned,
        _ => AdmissionReason::Retried,
    };
    if !matches!(s.reason, Reason::Reassigned { .. }) {
        let error = s.error.as_ref().map(|error| error.code.clone());
        s.reason = Reason::Retrying { attempt, error };
    }
    let reason = s.reason.clone();
    queue(s, at, admit_as, reason);
    s.attempt = attempt;
    if asked {
        s.failures = 0;
    }
    // A number that an admission may have named before the end is never used again.
    s.next_run = s.next_run.next();
    s.ran = Millis(0);
    s.not_before = not_before;
    s.abort = None;
    s.ended_at = None;
    s.dismissed = false;
    // A refusal was of this attempt: the next one asks again. What was allowed stays allowed.
    s.approvals.retain(|approval| {
        let decided = approval.decision.as_ref().map(|answer| &answer.decision);
        matches!(decided, Some(Decision::Approved | Decision::Modified { .. }))
    });
    s.progress = Progress::default();
}
