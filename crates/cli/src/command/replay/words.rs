//! History in words: what an event says, who said it, where a task stands.

use longhaul_audit::Fate;
use longhaul_core::{
    Actor, AdmissionCommit, AdmissionReason, Continuation, Decision, EventBody, Expiry, Payload, Period,
    Policy, Role, Snapshot, Status, Submission, TaskId, Timestamp, Usage,
};

use crate::time::local;

/// How many admissions of one commit are named.
const NAMED: usize = 4;

/// What an event says, in a few words, with its telling figures.
pub(super) fn event(body: &EventBody) -> String {
    let said = match body {
        EventBody::Submitted(said) => submitted(said),
        EventBody::Started { run, executor, version, why, .. } => {
            format!("run {run} on {} version {version}, {}", short(&executor.to_string()), admitted_as(*why))
        }
        EventBody::StepStarted { step, index, of, .. } => format!("{step} ({})", place(*index, *of)),
        EventBody::Progressed { fraction, message, .. } => {
            [fraction.map(percent), message.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        EventBody::StepCompleted { step, result, .. } => format!("{step}, {}", payload(result)),
        EventBody::TextAppended { segment, offset, text, .. } => {
            format!("segment {segment} at {offset}, {} bytes: {text}", text.len())
        }
        EventBody::UsageRecorded { usage, model, .. } => {
            let model = model.as_ref().map(|model| format!(" by {model}")).unwrap_or_default();
            format!("{}{model}", used(usage))
        }
        EventBody::ArtifactStored { artifact, .. } => {
            format!("{} ({}, {} bytes)", artifact.name, artifact.media_type, artifact.size)
        }
        EventBody::ApprovalRequested { action, arguments, note, expires_at, .. } => {
            let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
            format!("{action} {arguments}{note} until {}", local(*expires_at))
        }
        EventBody::ApprovalDecided { decision, by, .. } => decided(decision, by),
        EventBody::AbortRequested { by, reason } => format!("by {by}{}", because(reason.as_deref())),
        EventBody::Continued { run, why } => match why {
            Continuation::Slice => format!("run {run} reached its slice"),
            Continuation::Drain => format!("run {run}, its executor shuts down"),
        },
        EventBody::Lost { run, executor, last_beat, lease } => {
            format!("run {run} on {}, {}", short(&executor.to_string()), silent(*last_beat, *lease))
        }
        EventBody::Completed { run, output } => format!("run {run}, {}", payload(output)),
        EventBody::Failed { run, error } => {
            let retryable = if error.retryable { ", retryable" } else { "" };
            format!("run {run}, {}{retryable}: {}", error.code, error.message)
        }
        EventBody::Aborted { checkpoint, .. } => match checkpoint {
            Some(checkpoint) => format!("at {checkpoint}"),
            None => "nothing was under way".to_owned(),
        },
        EventBody::Expired { why, .. } => match why {
            Expiry::Span { span, ran } => format!("ran {ran} of {span}"),
            Expiry::Heartbeat { last_beat, lease } => silent(*last_beat, *lease),
        },
        EventBody::Retried { attempt, by, not_before } => {
            let by = by.as_ref().map_or("by its retry policy".to_owned(), |by| format!("by {by}"));
            format!("attempt {attempt} {by}{}", delayed(*not_before))
        }
        EventBody::Dismissed { by } | EventBody::Erased { by, .. } => format!("by {by}"),
    };
    format!("{} {said}", body.name())
}

fn submitted(said: &Submission) -> String {
    let conversation = said.owner.conversation.as_ref();
    let conversation = conversation.map(|id| format!(" in {id}")).unwrap_or_default();
    format!(
        "{} \"{}\" for {}{conversation}{}, input {}",
        said.kind,
        said.title,
        said.owner.user,
        delayed(said.not_before),
        payload(&said.input)
    )
}

fn decided(decision: &Decision, by: &str) -> String {
    match decision {
        Decision::Approved => format!("approved by {by}"),
        Decision::Modified { arguments } => format!("modified by {by}: {arguments}"),
        Decision::Rejected { reason } => format!("rejected by {by}{}", because(reason.as_deref())),
        Decision::Lapsed => "nobody answered in time".to_owned(),
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

fn delayed(not_before: Option<Timestamp>) -> String {
    not_before.map(|at| format!(", not before {}", local(at))).unwrap_or_default()
}

fn silent(last_beat: Option<Timestamp>, lease: longhaul_core::Millis) -> String {
    match last_beat {
        Some(at) => format!("last heard of {}, lease {lease}", local(at)),
        None => format!("never heard of, lease {lease}"),
    }
}

fn payload(payload: &Payload) -> String {
    match payload {
        Payload::Inline(value) if value.is_null() => "empty".to_owned(),
        Payload::Inline(value) => format!("{} bytes", value.to_string().len()),
        Payload::Stored { size, .. } => format!("{size} bytes in the object store"),
        Payload::Gone => "erased".to_owned(),
    }
}

fn percent(fraction: f64) -> String {
    format!("{:.0} %", fraction * 100.0)
}

fn place(index: u32, of: Option<u32>) -> String {
    let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
    format!("{}{of}", index.saturating_add(1))
}

fn used(usage: &Usage) -> String {
    let mut parts = Vec::new();
    if usage.tokens() > 0 || usage.model_calls > 0 {
        let Usage { input_tokens, output_tokens, model_calls, .. } = usage;
        let calls = counted(*model_calls, "call", "calls");
        parts.push(format!("{input_tokens} tokens in, {output_tokens} out, {calls}"));
    }
    if usage.queries > 0 || parts.is_empty() {
        parts.push(counted(usage.queries, "query", "queries"));
    }
    if !usage.exact {
        parts.push("estimated".to_owned());
    }
    parts.join(", ")
}

/// A number of things.
pub(crate) fn counted(n: impl Into<u64>, one: &str, many: &str) -> String {
    let n = n.into();
    format!("{n} {}", if n == 1 { one } else { many })
}

fn admitted_as(why: AdmissionReason) -> &'static str {
    match why {
        AdmissionReason::First => "first",
        AdmissionReason::Continued => "continued",
        AdmissionReason::Retried => "retried",
        AdmissionReason::Resumed => "resumed",
        AdmissionReason::Reassigned => "reassigned",
    }
}

/// What became of an event: the status after it, or why it changed nothing.
pub(super) fn outcome(fate: Fate, after: Option<&Snapshot>) -> String {
    match (fate, after) {
        (Fate::Applied, Some(snapshot)) => format!("→ {}", snapshot.status),
        (Fate::Applied, None) => String::new(),
        (Fate::Ignored(why), _) => format!("(ignored: {why})"),
        (Fate::Aside, _) => "(not folded: the task is put aside)".to_owned(),
    }
}

/// Who wrote something, through what.
pub(super) fn who(actor: &Actor) -> String {
    let role = match actor.role {
        Role::Client => "client",
        Role::Executor => "executor",
        Role::Scheduler => "scheduler",
    };
    format!("{role} {} via {}", short(&actor.who), actor.via)
}

/// A UUID by its end, which tells those made at the same time apart; anything else as it is.
pub(crate) fn short(id: &str) -> String {
    match uuid::Uuid::try_parse(id) {
        Ok(_) => format!("…{}", &id[id.len().saturating_sub(8)..]),
        Err(_) => id.to_owned(),
    }
}

/// Where a task stands, beside its status.
pub(super) fn standing(s: &Snapshot) -> String {
    let mut parts = Vec::new();
    if s.run.0 > 0 {
        let attempt = if s.attempt > 1 { format!(", attempt {}", s.attempt) } else { String::new() };
        parts.push(format!("run {}{attempt}", s.run));
    }
    if s.status != Status::Running {
        parts.push(s.reason_text());
    }
    if let Some(step) = s.current_step() {
        let recorded = if step.result.is_some() { " recorded" } else { "" };
        parts.push(format!("step {} ({}){recorded}", step.name, place(step.index, step.of)));
    }
    let progress = [s.progress.fraction.map(percent), s.progress.message.clone()];
    let progress: Vec<String> = progress.into_iter().flatten().collect();
    if !progress.is_empty() {
        parts.push(progress.join(" "));
    }
    if s.usage != Usage::default() {
        parts.push(used(&s.usage));
    }
    if !s.artifacts.is_empty() {
        parts.push(counted(s.artifacts.len() as u64, "file", "files"));
    }
    parts.join(" · ")
}

/// Runs that were given a slot.
pub(super) fn admitted(commit: &AdmissionCommit) -> String {
    let named = commit.admissions.iter().take(NAMED).map(|one| {
        format!("{} run {} of {}, {}", short_task(one.task), one.run, one.user, admitted_as(one.why))
    });
    let mut named: Vec<String> = named.collect();
    let more = commit.admissions.len().saturating_sub(NAMED);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    format!("admitted {}", named.join("; "))
}

/// A task by the end of its id.
pub(super) fn short_task(task: TaskId) -> String {
    short(&task.to_string())
}

/// What an organisation may do from now on.
pub(super) fn policy(policy: &Policy) -> String {
    let caps = policy.caps;
    let rules = policy
        .tools
        .iter()
        .map(|rule| format!("; a person approves {}", crate::command::policy::written(rule)));
    let asks: String = rules.collect();
    let budget = policy.budget.map(|budget| match budget.per {
        Period::Day => format!(", {} tokens a day", budget.tokens),
        Period::Ever => format!(", {} tokens in all", budget.tokens),
    });
    format!(
        "policy: {} running tasks of a user, {} of the organisation, {} in a conversation, {} of a user in the \
         foreground; weight {}{}{}{asks}",
        caps.user,
        caps.organisation,
        caps.conversation,
        caps.foreground,
        policy.weight,
        budget.unwrap_or_default(),
        if policy.continue_unfinished { "; unfinished tasks can be continued" } else { "" }
    )
}
