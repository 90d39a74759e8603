//! Why a task stands as it does, in sentences: what holds it, who is in the way, who stopped it and
//! where, and what one can do.

use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::{Snapshot, Status, TaskId};
use ratatui::style::Style;

use crate::app::{App, Opened};
use crate::store::{Key, Row, Standing};
use crate::text::{fit, number, short, span, took, wrap};
use crate::theme::Tone;

/// The lines, at most `columns` wide, each with how it is drawn.
pub(super) fn lines(app: &App, opened: &Opened, columns: usize) -> Vec<(String, Style)> {
    let mut told = Told { columns, lines: Vec::new() };
    let row = app.store.key(&opened.at).and_then(|key| app.store.get(key));
    let (Some(row), Some(snapshot)) = (row, opened.snapshot.as_deref()) else { return Vec::new() };
    let standing = row.standing();
    told.say(&format!("It is {}.", standing.word()), app.theme.standing(standing));
    told.gap();
    match standing {
        Standing::Held | Standing::Pending | Standing::Retrying => waits(app, row, snapshot, &mut told),
        Standing::Paused => asks(app, snapshot, &mut told),
        Standing::Running | Standing::Stalled => runs(app, row, snapshot, &mut told),
        Standing::Failed | Standing::Expired => failed(app, row, snapshot, &mut told),
        Standing::Aborting | Standing::Aborted | Standing::Completed => {}
    }
    stopped(app, snapshot, &mut told);
    attempts(app, opened, &mut told);
    told.lines
}

/// Lines as they come.
struct Told {
    columns: usize,
    lines: Vec<(String, Style)>,
}

impl Told {
    fn say(&mut self, text: &str, style: Style) {
        self.lines.extend(wrap(text, self.columns).into_iter().map(|line| (line, style)));
    }

    fn plain(&mut self, text: &str) {
        self.say(text, Style::new());
    }

    fn gap(&mut self) {
        self.lines.push((String::new(), Style::new()));
    }
}

fn waits(app: &App, row: &Row, snapshot: &Snapshot, told: &mut Told) {
    told.plain(&format!(
        "It waits since {}, {}.",
        app.when(snapshot.queued_at),
        ago(app, snapshot.queued_at)
    ));
    let Some(waiting) = app.store.waiting(row.key) else {
        if app.past().is_some() {
            return told.plain("What held it then is not on the log: the projector only tells of now.");
        }
        told.plain("What holds it is not known: the projector has not told, or none answers.");
        return;
    };
    told.plain(&format!("Held by: {}.", held_by(app, waiting)));
    if ranked(waiting) {
        told.plain(&match waiting.place {
            1 => "It is the next one in that queue.".to_owned(),
            place => format!("Its place in that queue is {place}: {} come before it.", place - 1),
        });
    }
    if let Some(at) = waiting.not_before.filter(|at| *at > app.now) {
        told.plain(&format!("Not before {}, in {}.", app.when(at), span(at.since(app.now))));
    }
    if !waiting.blockers.is_empty() {
        told.gap();
        told.plain("In the way:");
        for task in &waiting.blockers {
            told.plain(&format!("  {}", blocker(app, row, *task)));
        }
    }
    told.gap();
    told.say(what_helps(waiting), app.theme.dim());
}

/// What holds it, in a sentence with figures.
fn held_by(app: &App, waiting: &Waiting) -> String {
    match &waiting.reason {
        WaitReason::NotBefore { at } => format!("its own time, {}", app.when(*at)),
        WaitReason::RetryBackoff { at, attempt } => {
            format!("the pause before attempt {attempt}, which begins at {}", app.when(*at))
        }
        WaitReason::TokenBudget { used, budget, .. } => {
            format!("{} ({} of {})", waiting.reason, number(*used), number(*budget))
        }
        WaitReason::NoExecutor { kind } => {
            let known = app.executors_there();
            format!("{}; {known} executors are heard of, none with {kind}", waiting.reason)
        }
        reason => reason.to_string(),
    }
}

/// Whether there is a queue in which it has a place.
fn ranked(waiting: &Waiting) -> bool {
    !matches!(
        waiting.reason,
        WaitReason::NotBefore { .. }
            | WaitReason::RetryBackoff { .. }
            | WaitReason::Admitted { .. }
            | WaitReason::Next
    )
}

fn what_helps(waiting: &Waiting) -> &'static str {
    match waiting.reason {
        WaitReason::UserCap { .. } => {
            "It starts when one of the user's tasks ends; x on one of them makes room."
        }
        WaitReason::ForegroundCap { .. } => "It starts when one of the user's foreground tasks ends.",
        WaitReason::OrganisationCap { .. } => "It starts when one of the organisation's tasks ends.",
        WaitReason::Conversation { .. } => "It starts when the conversation's task before it has ended.",
        WaitReason::TokenBudget { .. } => "It starts when the budget is raised, or its period is over.",
        WaitReason::NoExecutor { .. } => "It starts as soon as an executor for this kind runs.",
        WaitReason::ExecutorsBusy { .. } => {
            "It starts when a place is free; more executors make more places."
        }
        WaitReason::LedgerUnreadable => {
            "Nothing of this organisation starts until the schedulers are upgraded."
        }
        WaitReason::NotBefore { .. } | WaitReason::RetryBackoff { .. } => "It starts by itself.",
        WaitReason::Admitted { .. } | WaitReason::Next => "It starts at once.",
    }
}

/// A task that is in the way: who it is, as far as it is known here.
pub(super) fn blocker(app: &App, row: &Row, task: TaskId) -> String {
    let Some(other) = app.store.get(Key { org: row.key.org, task }) else { return short(task) };
    let (title, user) = (fit(other.title.as_str(), 40), app.store.name(other.user));
    let since = span(app.then().since(other.started_at.unwrap_or(other.submitted_at)));
    format!("{} {title}, of {user}, {} for {since}", short(task), other.standing().word())
}

fn asks(app: &App, snapshot: &Snapshot, told: &mut Told) {
    let Some(open) = snapshot.open_approval() else { return };
    told.plain(&format!("It asks for: {}", fit(&open.action, 200)));
    told.plain(&format!("Asked at {}, {}.", app.when(open.requested_at), ago(app, open.requested_at)));
    let left = span(open.expires_at.since(app.then()));
    told.plain(&format!("It lapses at {}, in {left}.", app.when(open.expires_at)));
    told.gap();
    told.say("a approves, m approves with changes, r rejects.", app.theme.dim());
}

fn runs(app: &App, row: &Row, snapshot: &Snapshot, told: &mut Told) {
    let held = row.executor.and_then(|id| app.store.executors().get(&id).map(|known| (id, known)));
    match held {
        Some((id, known)) => {
            let heard = span(app.now.since(known.pulse.heard_at));
            told.plain(&format!("Executor {} on {} runs it.", short(id), fit(&known.pulse.beat.host, 60)));
            told.plain(&format!("Its last heartbeat was {heard} ago."));
        }
        None if app.past().is_some() => {
            told.plain("Whether its executor was heard of then is not on the log.");
        }
        None => told.plain("The executor that runs it has not been heard of here."),
    }
    if let Some(step) = snapshot.current_step() {
        let name = fit(&step.name, 80);
        told.plain(&format!(
            "In step {name} since {}, {}.",
            app.when(step.started_at),
            ago(app, step.started_at)
        ));
    }
    if let Some(waits) = &snapshot.progress.waits {
        told.plain(&format!(
            "It waits for {} until {}, and keeps its slot. It goes on by itself.",
            fit(&waits.to_string(), 80),
            app.when(waits.until)
        ));
    }
    if row.standing() == Standing::Stalled {
        told.gap();
        told.say(
            "If it stays silent, its run is taken to be lost and the task goes on elsewhere from its last recorded step.",
            app.theme.dim(),
        );
    }
}

fn failed(app: &App, row: &Row, snapshot: &Snapshot, told: &mut Told) {
    match &snapshot.error {
        Some(error) => {
            told.say(
                &format!("{}: {}", fit(&error.code, 80), fit(&error.message, 2000)),
                app.theme.tone(Tone::Bad),
            );
            let again = if error.retryable { "It may succeed later." } else { "It would fail again." };
            told.plain(again);
        }
        None => told.plain(&row.note),
    }
    if let Some(ended) = snapshot.ended_at {
        told.plain(&format!("It ended at {}, {}.", app.when(ended), ago(app, ended)));
    }
    told.plain(&format!("That was attempt {} of {}.", snapshot.attempt, snapshot.retry.max_attempts));
    if let Some(step) = snapshot.steps.iter().rfind(|step| step.result.is_some()) {
        told.plain(&format!("Its last recorded step is {}: R goes on from there.", fit(&step.name, 80)));
    }
}

/// Who asked it to stop, when, where it did, and what ran in between.
fn stopped(app: &App, snapshot: &Snapshot, told: &mut Told) {
    let Some(abort) = &snapshot.abort else { return };
    let by = fit(&abort.requested_by, 80);
    told.plain(&format!(
        "{by} asked it to stop at {}, {}.",
        app.when(abort.requested_at),
        ago(app, abort.requested_at)
    ));
    if let Some(reason) = &abort.reason {
        told.plain(&format!("Because: {}", fit(reason, 2000)));
    }
    match (abort.observed_at, snapshot.status) {
        (Some(stopped), _) => {
            let at = match &abort.checkpoint {
                Some(checkpoint) => format!("at the checkpoint {}", fit(checkpoint, 80)),
                None => "before it ran".to_owned(),
            };
            let after = took(stopped.since(abort.requested_at));
            told.plain(&format!("It stopped at {}, {after} later, {at}.", app.when(stopped)));
            match abort.steps_after.as_slice() {
                [] => told.plain("Nothing else ran to its end in between."),
                steps => told.plain(&format!("In between ended: {}.", fit(&steps.join(", "), 1000))),
            }
        }
        (None, Status::Aborting) => {
            let step = snapshot.current_step().map(|step| fit(&step.name, 80));
            let step = step.map_or_else(|| "its next checkpoint".to_owned(), |step| format!("step {step}"));
            told.plain(&format!("It stops after {step}."));
        }
        (None, status) => told.plain(&format!("It was {status} before it came to a checkpoint.")),
    }
}

/// What ended its attempts before.
fn attempts(app: &App, opened: &Opened, told: &mut Told) {
    const ENDS: [&str; 3] = ["lost", "failed", "retried"];
    let mut ends = opened.events().filter(|event| ENDS.contains(&event.name)).peekable();
    if ends.peek().is_some() {
        told.gap();
        told.plain("Before:");
    }
    for event in ends {
        told.say(&format!("  {} {} {}", app.when(event.at), event.name, event.text), app.theme.dim());
    }
}

fn ago(app: &App, at: longhaul_core::Timestamp) -> String {
    format!("{} ago", span(app.then().since(at)))
}
