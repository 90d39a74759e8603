//! The decider: `decide(snapshot, command, context) -> events or a refusal`.
//!
//! Pure: time comes in with the context, ids with the command. Clients, schedulers and executors
//! all decide with this code, and append what it gives with the snapshot's sequence as expectation:
//! who has not seen the latest event is refused by the log and decides again.

use crate::command::{Act, Command};
use crate::event::{Continuation, Decision, EventBody, Expiry, Waits};
use crate::fits::fits;
use crate::id::{ApprovalId, RunNumber};
use crate::payload::TaskError;
use crate::rejection::Rejection;
use crate::snapshot::Snapshot;
use crate::status::Status;
use crate::text;
use crate::time::{Millis, Timestamp};

/// Events a task may have before its runs are told to end: a history must stay readable.
pub const MAX_EVENTS: u64 = 50_000;

/// Events from which on a task is shown as unusually long.
pub const MANY_EVENTS: u64 = 10_000;

/// Longest text in one event, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// How long a run may outlast its span before the scheduler ends it from outside: time for the
/// handler to reach a checkpoint.
pub const SPAN_GRACE: Millis = Millis::seconds(15);

/// What a decision may depend on besides the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Now, by the clock of whoever decides.
    pub now: Timestamp,
}

/// Decides. An empty list means that what is asked for holds already.
///
/// # Errors
/// A [`Rejection`] where the rules do not allow the command in this state.
pub fn decide(
    state: Option<&Snapshot>,
    command: &Command,
    context: Context,
) -> Result<Vec<EventBody>, Rejection> {
    let s = match (state, command) {
        (None, Command::Submit(said)) => return Ok(vec![EventBody::Submitted(said.clone())]),
        (Some(s), Command::Submit(_)) => return Err(Rejection::Exists { task: s.task }),
        (None, _) => return Err(Rejection::NotFound),
        (Some(s), _) => s,
    };
    match command {
        Command::Submit(_) => Err(Rejection::Exists { task: s.task }),
        Command::RequestAbort { by, reason } => request_abort(s, by, reason.as_deref()),
        Command::DecideApproval { approval, digest, decision, by } => {
            let open = open_approval(s, *approval)?;
            if open.digest != *digest {
                return Err(Rejection::OtherArguments { approval: *approval });
            }
            if open.expires_at <= context.now {
                return Err(Rejection::Lapsed { approval: *approval, expired_at: open.expires_at });
            }
            if *decision == Decision::Lapsed {
                return Err(unusable("the decision", "a person approves, modifies or rejects"));
            }
            if let (Decision::Modified { arguments }, Some(schema)) = (decision, &open.schema)
                && let Err(misfit) = fits(schema, arguments)
            {
                return Err(Rejection::Misfit { approval: *approval, misfit });
            }
            let decision = match decision {
                Decision::Rejected { reason } => {
                    Decision::Rejected { reason: reason.as_deref().map(message) }
                }
                other => other.clone(),
            };
            Ok(vec![EventBody::ApprovalDecided { approval: *approval, decision, by: name(by) }])
        }
        Command::Retry { by } => match s.status {
            _ if s.erased => Err(Rejection::Erased),
            Status::Failed | Status::Aborted | Status::Expired => {
                Ok(vec![EventBody::Retried { attempt: s.attempt + 1, by: Some(name(by)), not_before: None }])
            }
            Status::Completed => Err(Rejection::NothingToRetry),
            status => Err(Rejection::NotEnded { status }),
        },
        Command::Dismiss { by } => ended(s).map(|()| match s.dismissed {
            true => vec![],
            false => vec![EventBody::Dismissed { by: name(by) }],
        }),
        Command::Erase { by } => ended(s).map(|()| match s.erased {
            true => vec![],
            false => vec![EventBody::Erased { by: name(by), skeleton: Box::new(s.skeleton()) }],
        }),
        Command::Start { run, executor, version, ledger, why } => {
            if s.status != Status::Pending {
                return Err(Rejection::NotPending { status: s.status });
            }
            if s.abort.is_some() {
                return Err(Rejection::Aborting);
            }
            if *run != s.next_run {
                return Err(Rejection::Fenced { run: *run, current: s.next_run });
            }
            if let Some(at) = s.not_before.filter(|at| *at > context.now) {
                return Err(Rejection::NotDue { at });
            }
            Ok(vec![EventBody::Started {
                run: *run,
                executor: *executor,
                version: name(version),
                ledger: *ledger,
                why: *why,
            }])
        }
        Command::Run { run, act } => {
            if *run != s.run {
                return Err(Rejection::Fenced { run: *run, current: s.run });
            }
            if !s.status.is_running() {
                return Err(Rejection::NotRunning { run: *run, status: s.status });
            }
            self::act(s, *run, act, context)
        }
        Command::DeclareLost { run, last_beat, lease } => declare_lost(s, *run, *last_beat, *lease, context),
        Command::LapseApproval { approval } => {
            let open = open_approval(s, *approval)?;
            if open.expires_at > context.now {
                return Err(Rejection::NotDue { at: open.expires_at });
            }
            Ok(vec![EventBody::ApprovalDecided {
                approval: *approval,
                decision: Decision::Lapsed,
                by: "longhaul".to_owned(),
            }])
        }
        Command::Expire => expire(s, context),
    }
}

fn unusable(what: &str, why: &str) -> Rejection {
    Rejection::Unusable { what: what.to_owned(), why: why.to_owned() }
}

fn name(text: &str) -> String {
    text::line(text, text::MAX_NAME)
}

fn message(text: &str) -> String {
    text::line(text, text::MAX_MESSAGE)
}

fn ended(s: &Snapshot) -> Result<(), Rejection> {
    if s.status.is_terminal() { Ok(()) } else { Err(Rejection::NotEnded { status: s.status }) }
}

fn open_approval(s: &Snapshot, asked: ApprovalId) -> Result<&crate::snapshot::Approval, Rejection> {
    if let Some(decided) = s.approvals.iter().find(|known| known.id == asked)
        && let Some(answer) = &decided.decision
    {
        return Err(Rejection::Decided {
            approval: asked,
            decision: answer.decision.clone(),
            by: answer.by.clone(),
            at: answer.at,
        });
    }
    match s.open_approval() {
        None => Err(Rejection::NoApproval { status: s.status }),
        Some(open) if open.id != asked => Err(Rejection::OtherApproval { asked, open: open.id }),
        Some(open) => Ok(open),
    }
}

fn request_abort(s: &Snapshot, by: &str, reason: Option<&str>) -> Result<Vec<EventBody>, Rejection> {
    let asked = EventBody::AbortRequested { by: name(by), reason: reason.map(message) };
    match s.status {
        Status::Running => Ok(vec![asked]),
        Status::Aborting => Ok(vec![]),
        // Asked already, by a writer who left it at that.
        Status::Pending | Status::Paused if s.abort.is_some() => {
            Ok(vec![EventBody::Aborted { run: None, checkpoint: None }])
        }
        // Nothing is under way: the request itself ends the task.
        Status::Pending | Status::Paused => {
            Ok(vec![asked, EventBody::Aborted { run: None, checkpoint: None }])
        }
        Status::Completed | Status::Failed | Status::Aborted | Status::Expired => {
            Err(Rejection::Ended { status: s.status, at: s.ended_at })
        }
    }
}

fn declare_lost(
    s: &Snapshot,
    run: RunNumber,
    last_beat: Option<Timestamp>,
    lease: Millis,
    context: Context,
) -> Result<Vec<EventBody>, Rejection> {
    if run != s.run {
        return Err(Rejection::Fenced { run, current: s.run });
    }
    let Some(executor) = s.executor.filter(|_| s.status.is_running()) else {
        return Err(Rejection::NotRunning { run, status: s.status });
    };
    let lost = EventBody::Lost { run, executor, last_beat, lease };
    let next = if s.status == Status::Aborting {
        // An abort asked for is never lost: there is nothing left to stop.
        EventBody::Aborted { run: Some(run), checkpoint: None }
    } else if s.failures + 1 < s.retry.max_attempts {
        EventBody::Retried {
            attempt: s.attempt + 1,
            by: None,
            not_before: Some(context.now.plus(s.retry.wait(s.failures + 1))),
        }
    } else {
        EventBody::Expired { run: Some(run), why: Expiry::Heartbeat { last_beat, lease } }
    };
    Ok(vec![lost, next])
}

fn expire(s: &Snapshot, context: Context) -> Result<Vec<EventBody>, Rejection> {
    if s.status.is_terminal() {
        return Err(Rejection::Ended { status: s.status, at: s.ended_at });
    }
    if !s.status.is_running() {
        return Err(Rejection::NotRunning { run: s.run, status: s.status });
    }
    let (span, ran) = (s.limits.span, s.ran_until(context.now));
    let allowed = Millis(span.0.saturating_add(SPAN_GRACE.0));
    if ran < allowed {
        return Err(Rejection::NotDue { at: context.now.plus(Millis(allowed.0 - ran.0)) });
    }
    if s.status == Status::Aborting {
        return Ok(vec![EventBody::Aborted { run: Some(s.run), checkpoint: None }]);
    }
    Ok(vec![EventBody::Expired { run: Some(s.run), why: Expiry::Span { span, ran } }])
}

/// What a run under way may do. Once an abort is asked for, whatever would end the run ends it as
/// aborted, and nothing new begins; what is done already (results, usage, text) is still recorded.
fn act(s: &Snapshot, run: RunNumber, act: &Act, context: Context) -> Result<Vec<EventBody>, Rejection> {
    let aborting = s.status == Status::Aborting;
    let aborted = |checkpoint: &str| {
        Ok(vec![EventBody::Aborted { run: Some(run), checkpoint: Some(name(checkpoint)) }])
    };
    let ends = matches!(act, Act::Continue(_) | Act::Complete { .. } | Act::Fail { .. } | Act::StopAt { .. });
    if !ends && s.events >= MAX_EVENTS {
        return Err(Rejection::TooManyEvents { events: s.events });
    }
    match act {
        Act::StartStep { .. } | Act::RequestApproval { .. } if aborting => Err(Rejection::Aborting),
        Act::StartStep { step, of } => start_step(s, run, step, *of),
        Act::Progress { fraction, message: said, waits } => {
            let fraction = match fraction {
                // A hundredth of a percent is more than any bar shows.
                Some(f) if f.is_finite() => Some((f.clamp(0.0, 1.0) * 10_000.0).round() / 10_000.0),
                Some(_) => return Err(unusable("the progress", "it is not a number from 0 to 1")),
                None => None,
            };
            let message = said.as_deref().map(message);
            let waits = waits.as_ref().map(|waits| Waits {
                code: name(&waits.code),
                provider: name(&waits.provider),
                until: waits.until,
            });
            let known = &s.progress;
            if (fraction.is_none() || fraction == known.fraction)
                && (message.is_none() || message == known.message)
                && waits == known.waits
            {
                return Ok(vec![]);
            }
            Ok(vec![EventBody::Progressed { run, fraction, message, waits }])
        }
        Act::CompleteStep { step, result } => match s.steps.iter().find(|known| known.name == *step) {
            Some(known) if known.result.is_some() => Err(Rejection::StepRecorded { step: step.clone() }),
            Some(known) if known.run == run => Ok(vec![EventBody::StepCompleted {
                run,
                step: step.clone(),
                index: known.index,
                result: result.clone(),
            }]),
            _ => Err(Rejection::StepNotStarted { step: step.clone() }),
        },
        Act::AppendText { segment, text } => append_text(s, run, *segment, text),
        Act::RecordUsage { usage, model } => {
            Ok(vec![EventBody::UsageRecorded { run, usage: *usage, model: model.as_deref().map(name) }])
        }
        Act::StoreArtifact(artifact) => {
            if !is_file_name(&artifact.name) {
                let why = "an artifact's name is one path component of 1 to 200 printable characters";
                return Err(unusable(&format!("the artifact name {:?}", artifact.name), why));
            }
            Ok(vec![EventBody::ArtifactStored { run, artifact: artifact.clone() }])
        }
        Act::RequestApproval { approval, action, arguments, digest, schema, note, expires_at } => {
            Ok(vec![EventBody::ApprovalRequested {
                run,
                approval: *approval,
                action: name(action),
                arguments: arguments.clone(),
                digest: *digest,
                schema: schema.clone(),
                note: note.as_deref().map(message),
                expires_at: *expires_at,
            }])
        }
        Act::Continue(_) if aborting => aborted(s.current_step().map_or("start", |step| &step.name)),
        Act::Continue(why) => Ok(continue_or_expire(s, run, *why, context)),
        Act::Complete { .. } if aborting => aborted("end"),
        Act::Complete { output } => Ok(vec![EventBody::Completed { run, output: output.clone() }]),
        Act::Fail { .. } if aborting => aborted("end"),
        Act::Fail { error } => Ok(fail(s, run, error, context)),
        Act::StopAt { checkpoint } if aborting => aborted(checkpoint),
        Act::StopAt { .. } => Err(Rejection::NoAbort),
    }
}

/// Whether `name` is one path component that is safe to write anywhere.
pub fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().count() <= text::MAX_NAME
        && name.chars().all(|c| text::is_plain(c) && !matches!(c, '/' | '\\'))
        && !matches!(name, "." | "..")
}

fn start_step(
    s: &Snapshot,
    run: RunNumber,
    step: &str,
    of: Option<u32>,
) -> Result<Vec<EventBody>, Rejection> {
    if step.is_empty() || step != name(step) {
        let why = "a step's name is 1 to 200 printable characters on one line";
        return Err(unusable(&format!("the step name {step:?}"), why));
    }
    let known = s.steps.iter().find(|known| known.name == step);
    let index = match known {
        Some(known) if known.result.is_some() => {
            return Err(Rejection::StepRecorded { step: step.to_owned() });
        }
        Some(known) if known.run == run => return Ok(vec![]),
        Some(known) => known.index,
        None => u32::try_from(s.steps.len()).unwrap_or(u32::MAX),
    };
    Ok(vec![EventBody::StepStarted { run, step: step.to_owned(), index, of }])
}

fn append_text(s: &Snapshot, run: RunNumber, segment: u32, text: &str) -> Result<Vec<EventBody>, Rejection> {
    if text.is_empty() {
        return Ok(vec![]);
    }
    if text.len() > MAX_TEXT {
        return Err(unusable("the text", "one append takes at most 64 KiB; send it in parts"));
    }
    let offset = s
        .text
        .iter()
        .find(|known| known.segment == segment && known.run == run)
        .map_or(0, |known| known.length);
    Ok(vec![EventBody::TextAppended { run, segment, offset, text: text.to_owned() }])
}

fn continue_or_expire(s: &Snapshot, run: RunNumber, why: Continuation, context: Context) -> Vec<EventBody> {
    let (span, ran) = (s.limits.span, s.ran_until(context.now));
    if ran >= span {
        return vec![EventBody::Expired { run: Some(run), why: Expiry::Span { span, ran } }];
    }
    vec![EventBody::Continued { run, why }]
}

fn fail(s: &Snapshot, run: RunNumber, error: &TaskError, context: Context) -> Vec<EventBody> {
    let error =
        TaskError { code: name(&error.code), message: message(&error.message), retryable: error.retryable };
    let again = error.retryable && s.failures + 1 < s.retry.max_attempts;
    let mut events = vec![EventBody::Failed { run, error }];
    if again {
        events.push(EventBody::Retried {
            attempt: s.attempt + 1,
            by: None,
            not_before: Some(context.now.plus(s.retry.wait(s.failures + 1))),
        });
    }
    events
}
