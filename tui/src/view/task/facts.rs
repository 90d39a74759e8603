//! What is known of a task at a glance: its facts, why it stands as it does, its last events.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::app::{App, Opened};
use crate::store::{Flags, Row, Standing};
use crate::text::{fit, number, pad, short, span, took, width, wrap};
use crate::view::put;

use super::why;

/// What a list knows of a task, line by line.
pub(in crate::view) fn facts<'a>(app: &App, row: &Row, columns: usize) -> Vec<Vec<Span<'a>>> {
    let theme = app.theme;
    let fact = |name: &str, value: String| {
        vec![Span::styled(pad(name, 11), theme.dim()), Span::raw(fit(&value, columns.saturating_sub(11)))]
    };
    let mut lines = vec![vec![Span::styled(fit(row.title.as_str(), columns), theme.title())]];
    let store = &app.store;
    lines.push(fact("org/user", format!("{}/{}", store.name(row.key.org), store.name(row.user))));
    lines.push(fact("kind", store.name(row.kind).to_owned()));
    if !row.conversation.is_empty() {
        lines.push(fact("conv", store.name(row.conversation).to_owned()));
    }
    if row.flags.has(Flags::FOREGROUND) {
        lines.push(fact("lane", "foreground".to_owned()));
    }
    if let Some(id) = row.executor {
        let beat = store.executors().get(&id);
        let age = beat.map(|known| format!("  beat {} ago", span(app.now.since(known.pulse.heard_at))));
        let running = row.status.is_running();
        lines.push(fact("executor", format!("{}{}", short(id), age.filter(|_| running).unwrap_or_default())));
    }
    lines.push(fact("attempt", format!("{}  run {}", row.attempt, row.run)));
    if row.tokens > 0 {
        lines.push(fact("cost", format!("{} tokens", number(row.tokens))));
    }
    if let Some(fraction) = row.fraction {
        let bar = columns.saturating_sub(17);
        let (done, left) = theme.bar(fraction, bar);
        lines.push(vec![
            Span::styled(pad("progress", 11), theme.dim()),
            Span::styled(done, theme.standing(row.standing())),
            Span::styled(left, theme.dim()),
            Span::raw(format!(" {:>3}%", fraction / 10)),
        ]);
    }
    let submitted = app.when(row.submitted_at);
    match row.ended_at.map(|ended| app.when(ended)) {
        None => {
            let age = span(app.then().since(row.submitted_at));
            lines.push(fact("submitted", format!("{submitted}  {age} ago")));
        }
        // Of another day both do not fit into one line.
        Some(ended) if width(&submitted) + width(&ended) + 19 > columns => {
            lines.push(fact("submitted", submitted));
            lines.push(fact("ended", ended));
        }
        Some(ended) => lines.push(fact("submitted", format!("{submitted}  ended {ended}"))),
    }
    if let Some(started) = row.started_at {
        let waited = took(started.since(row.submitted_at));
        let quiet = span(app.then().since(row.updated_at));
        let quiet = if row.ended_at.is_some() { String::new() } else { format!("  heard {quiet} ago") };
        lines.push(fact("started", format!("after {waited}{quiet}")));
    }
    why(app, row, columns, &mut lines);
    lines
}

/// Why it waits, stopped, or what it asks for.
fn why<'a>(app: &App, row: &Row, columns: usize, lines: &mut Vec<Vec<Span<'a>>>) {
    let theme = app.theme;
    let style = theme.standing(row.standing());
    let mut say = |text: String| {
        for line in wrap(&text, columns).into_iter().take(4) {
            lines.push(vec![Span::styled(line, style)]);
        }
    };
    match row.standing() {
        Standing::Held | Standing::Pending | Standing::Retrying => {
            if let Some(waiting) = app.store.waiting(row.key) {
                say(format!("waits: {waiting}"));
                for blocker in waiting.blockers.iter().take(2) {
                    say(format!("in the way: {}", why::blocker(app, row, *blocker)));
                }
            } else if app.past().is_some() && row.standing() == Standing::Pending {
                say("why it waited is not known".to_owned());
            } else if !row.note.is_empty() {
                say(row.note.to_string());
            }
        }
        Standing::Paused => {
            say(format!("asks for: {}", row.note));
            if let Some(open) = app.store.question(row.key) {
                say(format!("lapses in {}", span(open.expires_at.since(app.then()))));
            }
        }
        Standing::Stalled => say("its executor was not heard of lately".to_owned()),
        Standing::Running if row.note.is_empty() => {}
        Standing::Completed => {}
        _ => say(row.note.to_string()),
    }
}

/// The last events of an opened task, newest at the bottom.
pub(in crate::view) fn latest(app: &App, opened: &Opened, area: Rect, buffer: &mut Buffer) {
    put(buffer, area, 0, vec![Span::styled("last events", app.theme.dim())]);
    let room = usize::from(area.height.saturating_sub(1));
    let columns = usize::from(area.width);
    let mut lines: Vec<_> = opened.events().rev().take(room).collect();
    lines.reverse();
    for (at, event) in (1..).zip(lines) {
        let (when, text) = (app.when(event.at), format!("{} {}", event.name, event.text));
        let spans = vec![
            Span::styled(format!("{when} "), app.theme.dim()),
            Span::raw(fit(&text, columns.saturating_sub(width(&when) + 1))),
        ];
        put(buffer, area, at, spans);
    }
}
