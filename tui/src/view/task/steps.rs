//! The steps of a task, and what became of an abort.

use longhaul_core::Snapshot;
use longhaul_core::snapshot::Step;
use ratatui::text::Span;

use crate::app::App;
use crate::store::Standing;
use crate::text::{fit, pad, pad_left, span, took, wrap};
use crate::theme::Tone;

/// The abort that was asked for, and the steps, in at most `room` lines: those around the one under
/// way, if there are more.
pub(in crate::view) fn lines<'a>(
    app: &App,
    snapshot: &Snapshot,
    room: usize,
    columns: usize,
) -> Vec<Vec<Span<'a>>> {
    let theme = app.theme;
    let mut lines = abort(app, snapshot, columns);
    let room = room.saturating_sub(lines.len());
    let steps = &snapshot.steps;
    let of = steps.iter().filter_map(|step| step.of).max().unwrap_or(0) as usize;
    let more = if snapshot.status.is_terminal() { 0 } else { of.saturating_sub(steps.len()) };
    let fits = room.saturating_sub(usize::from(more > 0));
    // The last ones are those that matter: the one under way is among them.
    let hidden = if steps.len() > fits { steps.len() - fits.saturating_sub(1).min(steps.len()) } else { 0 };
    if hidden > 0 {
        lines.push(vec![Span::styled(format!(" … {hidden} before"), theme.dim())]);
    }
    lines.extend(steps.iter().skip(hidden).map(|step| line(app, snapshot, step, columns)));
    if more > 0 {
        lines.push(vec![Span::styled(format!(" ◌ {more} more"), theme.dim())]);
    }
    lines
}

fn line<'a>(app: &App, snapshot: &Snapshot, step: &Step, columns: usize) -> Vec<Span<'a>> {
    let theme = app.theme;
    let under_way = step.result.is_none() && step.run == snapshot.run && snapshot.status.is_running();
    let (sign, standing) = match (&step.result, under_way) {
        (Some(_), _) => ("✓", Standing::Completed),
        (None, true) => ("►", Standing::Running),
        (None, false) => ("∎", Standing::Aborted),
    };
    let lasted = match (step.completed_at, under_way) {
        (Some(done), _) => took(done.since(step.started_at)),
        (None, true) => span(app.then().since(step.started_at)),
        (None, false) => String::new(),
    };
    let name = format!("{}. {}", step.index + 1, step.name);
    vec![
        Span::styled(format!(" {sign} "), theme.standing(standing)),
        Span::raw(pad(&name, columns.saturating_sub(11))),
        Span::styled(pad_left(&lasted, 7), theme.dim()),
    ]
}

/// When an abort was asked for, where the task stopped, and what ran in between.
fn abort<'a>(app: &App, snapshot: &Snapshot, columns: usize) -> Vec<Vec<Span<'a>>> {
    let Some(abort) = &snapshot.abort else { return Vec::new() };
    let mut lines = Vec::new();
    let asked = format!("abort asked {} by {}", app.when(abort.requested_at), abort.requested_by);
    lines.push(vec![Span::styled(fit(&asked, columns), app.theme.tone(Tone::Warning))]);
    let mut say = |text: String| {
        lines.extend(wrap(&text, columns).into_iter().take(3).map(|line| vec![Span::raw(line)]));
    };
    if let Some(reason) = &abort.reason {
        say(format!("because: {reason}"));
    }
    if let Some(stopped) = abort.observed_at {
        let at = abort.checkpoint.as_deref().unwrap_or("before it ran");
        let after = took(stopped.since(abort.requested_at));
        say(format!("stopped {} ({after} later) at {at}", app.when(stopped)));
    }
    if !abort.steps_after.is_empty() {
        say(format!("ran in between: {}", abort.steps_after.join(", ")));
    }
    lines.push(Vec::new());
    lines
}
