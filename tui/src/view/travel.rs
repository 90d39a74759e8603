//! Where one is in time: two lines above the footer, and what the past has instead of heartbeats.

use longhaul_core::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::{App, Jump, Past, View};
use crate::store::Standing;
use crate::text::{dated, fit, number, pad, short, span, width};
use crate::theme::{Tone, glyph};

use super::{frame, nothing, put, scrollbar, select};

/// Rows of the scrubber.
pub(crate) const ROWS: u16 = 2;

/// Whether there is anything of the past to be drawn.
pub(crate) fn is_shown(app: &App) -> bool {
    app.past().is_some() || app.travel.jump.is_some()
}

/// The badge, the moment, what happened last; and the line on which it lies.
pub(super) fn scrubber(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let badge = if app.travel.ends_at.is_some() { " FILE " } else { " PAST " };
    let mut said = vec![Span::styled(badge, theme.banner(Tone::Warning)), Span::raw(" ")];
    if let Some(past) = app.past() {
        said.extend(moment(app, past, area.width));
    }
    let under_way = match &app.travel.jump {
        None => None,
        Some(Jump::Seeking) => Some("looking for the moment…".to_owned()),
        Some(Jump::Waiting(_)) if !app.listed => Some("reading the list…".to_owned()),
        Some(Jump::Waiting(_)) => Some("reading on up to there…".to_owned()),
        Some(Jump::Reading(_, _, n)) => Some(format!("reading {} tasks that lived then…", number(*n as u64))),
    };
    if let Some(under_way) = under_way {
        said.push(Span::styled(under_way, theme.accent()));
    }
    put(buffer, area, 0, said);
    if let Some(bar) = bar(app, area.width.into()) {
        put(buffer, area, 1, bar);
    }
}

/// The moment in words.
fn moment<'a>(app: &App, past: &Past, columns: u16) -> Vec<Span<'a>> {
    let theme = app.theme;
    let mut places = past.moment.positions.iter();
    let place = match (places.next(), places.next()) {
        (Some((_, sequence)), None) => format!("seq {sequence}  "),
        _ => String::new(),
    };
    let at = past.moment.at;
    let ago = format!("  {} ago", span(app.now.since(at)));
    let mut said =
        vec![Span::raw(place), Span::styled(dated(at), theme.title()), Span::styled(ago, theme.dim())];
    if past.playing {
        said.push(Span::styled(format!("  ► {} times as fast", past.times()), theme.accent()));
    } else if past.speed > 0 {
        said.push(Span::styled(format!("  × {}", past.times()), theme.dim()));
    }
    said.push(Span::raw("  "));
    if app.travel.jump.is_some() {
        return said;
    }
    // What the last record said: its last event is what counts.
    let used: usize = said.iter().map(|span| width(&span.content)).sum();
    let room = usize::from(columns).saturating_sub(used + 8);
    let event = past.last().and_then(|step| step.events.last());
    if let Some(event) = event.filter(|_| room > 12) {
        let text = format!("{} {} {}", event.name, short(event.task.task), event.text);
        said.push(Span::raw(fit(&text, room)));
    } else if past.last().is_none() && past.is_first {
        said.push(Span::styled("nothing had happened yet", theme.dim()));
    }
    said
}

/// The times a scrubber marks: those of the opened task, else when tasks failed.
fn marks(app: &App, past: &Past) -> Vec<Timestamp> {
    let live = past.live.store();
    let opened = app.opened.as_ref().and_then(|opened| live.get(live.key(&opened.at)?));
    match opened {
        Some(row) => [Some(row.submitted_at), row.started_at, row.ended_at].into_iter().flatten().collect(),
        None => past.marks.clone(),
    }
}

/// The whole log as a line: what lies behind the moment, the moment, what was still to come.
fn bar<'a>(app: &App, columns: usize) -> Option<Vec<Span<'a>>> {
    let (past, (from, to)) = (app.past()?, app.span_of_time()?);
    let columns = columns.saturating_sub(2).max(1);
    let place = |at: Timestamp| column(at, from, to, columns);
    let here = place(past.moment.at);
    let mut marked = vec![false; columns];
    for at in marks(app, past) {
        if (from..=to).contains(&at) {
            marked[place(at)] = true;
        }
    }
    let line = |range: std::ops::Range<usize>, mark: char, plain: char| -> String {
        range.map(|at| if marked[at] { mark } else { plain }).collect()
    };
    let theme = app.theme;
    Some(vec![
        Span::raw(" "),
        Span::styled(line(0..here, '╪', '━'), theme.standing(Standing::Running)),
        Span::styled("┃", theme.tone(Tone::Warning)),
        Span::styled(line(here + 1..columns, '┼', '─'), theme.dim()),
    ])
}

/// In which of some columns a time lies.
fn column(at: Timestamp, from: Timestamp, to: Timestamp, columns: usize) -> usize {
    let (all, part) = (i128::from(to.0) - i128::from(from.0), i128::from(at.0) - i128::from(from.0));
    let last = columns.saturating_sub(1);
    if all <= 0 {
        return last;
    }
    usize::try_from(part.clamp(0, all) * last as i128 / all).unwrap_or(last).min(last)
}

/// The time at a column of the scrubber's line.
pub(crate) fn time_at(app: &App, area: Rect, at: u16) -> Option<Timestamp> {
    let (from, to) = app.span_of_time()?;
    let columns = i64::from(area.width.saturating_sub(2).max(1));
    let column = i64::from(at.saturating_sub(area.x + 1)).min(columns - 1);
    let all = to.0.saturating_sub(from.0);
    Some(Timestamp(from.0 + all / (columns - 1).max(1) * column))
}

/// Who held runs then: all that the log says of executors.
pub(super) fn executors(app: &App, past: &Past, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let inner = frame(theme, Line::from(" Executors that held runs then "), area, buffer);
    let said = "  Heartbeats are not on the log: who was up, where, with how many places is not known.";
    put(buffer, inner, 0, vec![Span::styled(fit(said, inner.width.into()), theme.dim())]);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    if past.executors.is_empty() {
        return nothing(theme, &["No task ran then."], body, buffer);
    }
    let list = &app.lists[View::Executors as usize];
    let shown = past.executors.iter().enumerate().skip(list.top).take(body.height.into());
    for (row, (place, (id, runs))) in (0..).zip(shown) {
        let style = theme.standing(Standing::Running);
        let spans = vec![
            Span::styled(format!("{} ", glyph(Standing::Running)), style),
            Span::raw(pad(&short(id), 8)),
            Span::styled(format!("{runs} {}", if *runs == 1 { "run" } else { "runs" }), Style::new()),
        ];
        put(buffer, body, row, spans);
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, past.executors.len(), body, buffer);
}
