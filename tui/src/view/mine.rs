//! One's own tasks, as a person sees them: like a browser's list of downloads. Two lines a task, the
//! newest first; what has ended stays until it is removed.

use longhaul_core::Status;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::{App, View};
use crate::keys::Act;
use crate::store::{Row, Standing};
use crate::text::{fit, pad, pad_left, span, took, width};
use crate::theme::{Tone, glyph};
use crate::update::underway;

use super::{chrome, frame, greeting, nothing, put, scrollbar, select, tasks};

/// Lines of a task.
pub(super) const LINES: usize = 2;

/// Widest bar: it is rough, and a wide one would promise more.
const BAR: usize = 24;

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let rows = app.mine.rows();
    let inner = frame(theme, title(app, rows), area, buffer);
    if rows.is_empty() {
        if app.listed && !app.host.greeting.is_empty() {
            return greeting(app, "Nothing of yours yet.", inner, buffer);
        }
        let lines: &[&str] = if app.listed {
            &[
                "Nothing of yours yet.",
                "",
                "longhaul report DATA \"quarterly review\"",
                "",
                "What you start shows here.",
            ]
        } else {
            &["Reading the list…"]
        };
        return nothing(theme, lines, inner, buffer);
    }
    let list = &app.lists[View::Mine as usize];
    let shown = rows.iter().enumerate().skip(list.top).take(usize::from(inner.height) / LINES);
    for (at, (place, row)) in (0..inner.height).step_by(LINES).zip(shown) {
        let row = app.store.row(*row);
        put(buffer, inner, at, first(app, row, inner.width.into()));
        put(buffer, inner, at + 1, second(app, row, inner.width.into()));
        if place == list.at {
            select(buffer, inner, at, theme.selected());
            select(buffer, inner, at + 1, theme.selected());
        }
    }
    scrollbar(theme, list.top * LINES, rows.len() * LINES, inner, buffer);
}

fn title(app: &App, rows: &[u32]) -> Line<'static> {
    let count =
        |which: fn(Status) -> bool| rows.iter().filter(|at| which(app.store.row(**at).status)).count();
    let open = count(|status| !status.is_terminal());
    let mut spans = vec![Span::raw(" My tasks ")];
    if !rows.is_empty() {
        let text = format!("{open} under way, {} ended ", rows.len() - open);
        spans.push(Span::styled(text, app.theme.dim()));
    }
    Line::from(spans)
}

/// What it is for, and where it stands.
fn first<'a>(app: &App, row: &Row, columns: usize) -> Vec<Span<'a>> {
    let (theme, standing) = (app.theme, row.standing());
    let age = pad_left(&span(row.age(app.then())), 8);
    let state = match underway(app, row) {
        Some((doing, slow)) => {
            Span::styled(pad(doing, 11), theme.tone(if slow { Tone::Bad } else { Tone::Warning }))
        }
        None => Span::styled(pad(standing.word(), 11), theme.standing(standing)),
    };
    let room = columns.saturating_sub(2 + 11 + width(&age));
    vec![
        Span::styled(glyph(standing), theme.glyph_style(standing)),
        Span::raw(" "),
        Span::styled(pad(row.title.as_str(), room), theme.title()),
        state,
        Span::styled(age, theme.dim()),
    ]
}

/// What it is doing, or why it stands as it does; and what one can do about it.
fn second<'a>(app: &App, row: &Row, columns: usize) -> Vec<Span<'a>> {
    let (theme, standing) = (app.theme, row.standing());
    let mut spans = vec![Span::raw("  ")];
    let mut room = columns.saturating_sub(2);
    let hints = hints(app, row);
    let wide: usize = hints.iter().map(|(key, what)| width(key) + width(what) + 3).sum();
    // A bar and a step in words matter more than hints, which the footer has as well.
    let hints = if room >= wide + 30 { hints } else { Vec::new() };
    if !hints.is_empty() {
        room = room.saturating_sub(wide);
    }
    if let Some(fraction) = row.fraction.filter(|_| !row.status.is_terminal()) {
        let bar = BAR.min(room / 3);
        let (done, left) = theme.bar(fraction, bar);
        spans.push(Span::styled(done, theme.standing(standing)));
        spans.push(Span::styled(left, theme.dim()));
        spans.push(Span::raw(pad_left(&format!("{}%", fraction / 10), 5) + "  "));
        room = room.saturating_sub(bar + 7);
    }
    let style = match standing {
        Standing::Failed | Standing::Expired | Standing::Paused | Standing::Stalled => {
            theme.standing(standing)
        }
        _ => theme.dim(),
    };
    let text = match standing {
        Standing::Paused => format!("asks for {}", row.note),
        Standing::Held | Standing::Pending | Standing::Retrying => match app.store.waiting(row.key) {
            Some(waiting) => format!("waits: {waiting}"),
            None => tasks::said(app, row),
        },
        Standing::Completed => {
            // What it waited before is not its own.
            let began = row.started_at.unwrap_or(row.submitted_at);
            let lasted = took(row.ended_at.unwrap_or(row.updated_at).since(began));
            match row.artifacts {
                0 => format!("ran {lasted}"),
                _ => format!("{}, ran {lasted}", tasks::said(app, row)),
            }
        }
        Standing::Stalled => format!("{}: not heard of lately", tasks::said(app, row)),
        _ => tasks::said(app, row),
    };
    if hints.is_empty() {
        spans.push(Span::styled(fit(&text, room), style));
        return spans;
    }
    spans.push(Span::styled(pad(&text, room), style));
    for (key, what) in hints {
        spans.push(Span::styled(format!("  {key}"), theme.accent()));
        spans.push(Span::styled(format!(" {what}"), theme.dim()));
    }
    spans
}

/// What one can do about it: the keys as they are in force.
fn hints(app: &App, row: &Row) -> Vec<(String, &'static str)> {
    let acts: &[(Act, &str)] = match row.status {
        Status::Pending | Status::Running => &[(Act::Abort, "stop")],
        Status::Paused => &[(Act::Approve, "approve"), (Act::Reject, "reject")],
        Status::Aborting => &[],
        Status::Failed | Status::Expired => {
            &[(Act::Retry, "try again"), (Act::Rerun, "run again"), (Act::Delete, "remove")]
        }
        Status::Aborted => &[(Act::Retry, "go on"), (Act::Rerun, "run again"), (Act::Delete, "remove")],
        Status::Completed => {
            &[(Act::Download, "download"), (Act::Rerun, "run again"), (Act::Delete, "remove")]
        }
    };
    let context = app.context();
    let key = |wanted: Act| {
        app.keys.bindings(context).find(|bind| bind.act == wanted).and_then(|bind| bind.keys.first().cloned())
    };
    let acts = acts.iter().filter(|(act, _)| chrome::can(app, *act));
    acts.filter_map(|(act, what)| Some((key(*act)?, *what))).collect()
}
