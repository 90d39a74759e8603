//! A run of the model as a story.

use longhaul_core::EventBody;

use super::pure::{Deed, Move, Rec, Record};
use super::state::{Doing, State};
use super::world::{From, Step, World};

pub(crate) fn tell(world: &World, before: &State, step: Step, after: &State) -> String {
    match step {
        Step::Wants { task, deed } => {
            format!("{} reads task {}, and sends what follows", wants(deed), task + 1)
        }
        Step::Again { errand } => {
            let errand = before.errands[errand];
            let sent = after.errands.iter().any(|other| {
                (other.task, other.deed) == (errand.task, errand.deed) && other.request.is_some()
            });
            let then = if sent { "and sends what follows" } else { "and has nothing left to say" };
            format!("{} reads task {} again, {then}", wants(errand.deed), errand.task + 1)
        }
        Step::Plans { view, record } => {
            let lag = before.views.iter().rev().position(|seen| *seen == view).unwrap_or(0);
            let lag = if lag == 0 { String::new() } else { format!(", which is {lag} behind,") };
            format!("a scheduler looks at its board{lag} and sends: {}", said(world, record))
        }
        Step::HandsOut { task, run } => format!("a scheduler hands out run {run} of task {}", task + 1),
        Step::Takes { executor, task, run } => {
            let id = before.executors[executor].id;
            let own = matches!(after.executors[executor].doing, Doing::Holding { .. });
            let then = if own { "finds that it is its own" } else { "sends its start" };
            format!("executor {id} takes run {run} of task {}, and {then}", task + 1)
        }
        Step::Acts { executor, next } => {
            format!("the handler on executor {} sends: {}", before.executors[executor].id, what(next))
        }
        Step::Looks { executor } => {
            let id = before.executors[executor].id;
            let then = match after.executors[executor].doing {
                Doing::Nothing => "and learns that its run is over",
                Doing::Holding { said: super::state::Said::Sent(_), .. } => "NOT, but says it again",
                _ => "at what the log says of its run",
            };
            format!("executor {id} looks {then}")
        }
        Step::Lands { from, answered } => {
            let record = World::request(before, from).map(|request| said(world, request.record));
            let lost = if answered { "" } else { "; the answer is lost" };
            let refused = refused(before, from, after);
            let record = record.unwrap_or_default();
            format!("the log takes from {}: {record}{lost}{refused}", who(before, from))
        }
        Step::Crashes { from } => {
            let sent = World::request(before, from);
            let sent = if sent.is_some() { "; what it sent may still arrive" } else { "" };
            format!("CRASH of {}{sent}", who(before, from))
        }
    }
}

/// Which executors hear at the same time that what they sent cannot be taken any more.
fn refused(before: &State, from: From, after: &State) -> String {
    let sent = |state: &State, at: usize| World::request(state, From::Executor(at)).is_some();
    let others = (0..before.executors.len()).filter(|at| From::Executor(*at) != from);
    let refused = others.filter(|at| sent(before, *at) && !sent(after, *at));
    refused.map(|at| format!("; executor {} is refused", before.executors[at].id)).collect()
}

fn wants(deed: Deed) -> &'static str {
    match deed {
        Deed::Submit => "the submitting client",
        Deed::Abort => "the aborting client",
        Deed::Answer => "whoever is asked",
        Deed::Retry => "a client who wants another attempt",
        Deed::DeclareLost(_) => "a scheduler that has not heard of a run",
        Deed::Start(..) | Deed::Run(..) => "an executor",
    }
}

fn what(next: Move) -> &'static str {
    match next {
        Move::BeginStep => "a step begins",
        Move::RecordStep => "the step's result",
        Move::Complete => "it is complete",
        Move::Stop => "it stops at a checkpoint",
        Move::Slice => "the slice is over",
        Move::Fail => "it failed",
        Move::Ask => "a question to a person",
    }
}

fn who(state: &State, from: From) -> String {
    match from {
        From::Scheduler(_) => "a scheduler".to_owned(),
        From::Executor(at) => format!("executor {}", state.executors[at].id),
        From::Errand(at) => wants(state.errands[at].deed).to_owned(),
        From::Stray(_) => "somebody who is gone".to_owned(),
    }
}

/// What a record says.
fn said(world: &World, record: Rec) -> String {
    match world.pure.record(record) {
        Record::Ledger(admissions) => {
            let runs: Vec<String> = admissions
                .iter()
                .map(|one| format!("run {} of task {}", one.run, one.task.0.as_u128()))
                .collect();
            format!("admitted {}", runs.join(", "))
        }
        Record::Task(commit) => {
            let events: Vec<String> = commit.events.iter().map(|event| event_said(&event.body)).collect();
            format!("task {}: {}", commit.task.0.as_u128(), events.join(", "))
        }
    }
}

fn event_said(body: &EventBody) -> String {
    match body {
        EventBody::Retried { attempt, .. } => format!("retried (attempt {attempt})"),
        EventBody::StepStarted { step, .. } | EventBody::StepCompleted { step, .. } => {
            format!("{} ({step})", body.name())
        }
        _ => body.run().map_or(body.name().to_owned(), |run| format!("{} (run {run})", body.name())),
    }
}
