//! What happens in the whole log, the newest at the top, and how well this is known.

use longhaul_client::fleet::Link;
use longhaul_wire::query::Positions;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::{App, View};
use crate::text::{fit, number, short, span};
use crate::theme::Tone;

use super::{frame, nothing, put, scrollbar, select, task};

/// Lines of health above the list, the first of which is a list's heading elsewhere.
pub(super) fn above(app: &App) -> u16 {
    u16::try_from(health(app).len()).unwrap_or(0).saturating_sub(1)
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let inner = frame(theme, title(app), area, buffer);
    let health = health(app);
    let above = u16::try_from(health.len()).unwrap_or(0).min(inner.height);
    for (row, (text, style)) in (0..above).zip(health) {
        put(buffer, inner, row, vec![Span::styled(fit(&text, inner.width.into()), style)]);
    }
    let body = Rect { y: inner.y + above, height: inner.height - above, ..inner };
    if app.tail.len() == 0 {
        let why: &[&str] = match (app.tail.kept(), app.sift.text().is_empty()) {
            (0, _) => &["Nothing has happened since you came."],
            (_, true) => &["Only what does not matter has happened since you came.", "", "e shows it"],
            (_, false) => &["Nothing matches.", "", "Esc clears the filter"],
        };
        return nothing(theme, why, body, buffer);
    }
    let list = &app.lists[View::Events as usize];
    let shown = app.tail.newest().enumerate().skip(list.top).take(body.height.into());
    for (row, (place, event)) in (0..).zip(shown) {
        let mut spans = vec![Span::styled(format!("{} ", short(event.task.task)), theme.dim())];
        spans.extend(task::happening(app, event, usize::from(body.width).saturating_sub(7)));
        put(buffer, body, row, spans);
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, app.tail.len(), body, buffer);
    if list.top > 0 {
        let text = format!(" {} newer, g to see ", number(list.top as u64));
        super::on_edge(area, &text, theme.tone(Tone::Warning), buffer);
    }
}

/// What is listed of what.
fn title(app: &App) -> Line<'static> {
    let theme = app.theme;
    let mut spans = vec![Span::raw(" Events "), Span::styled("newest first ", theme.dim())];
    if !app.sift.text().is_empty() {
        spans.push(Span::styled(format!("/{} ", fit(app.sift.text(), 40)), theme.accent()));
    }
    if let Some(began) = app.began.filter(|_| app.past().is_none()) {
        let text = format!("since {}, when this opened ", app.when(began));
        spans.push(Span::styled(text, theme.dim()));
    }
    if app.tail.len() < app.tail.kept() {
        let text = format!("{} of {} ", number(app.tail.len() as u64), number(app.tail.kept() as u64));
        spans.push(Span::styled(text, theme.dim()));
    }
    if app.tail.dropped() > 0 {
        let text = format!("{} older ones are not kept ", number(app.tail.dropped()));
        spans.push(Span::styled(text, theme.dim()));
    }
    Line::from(spans)
}

/// How the log, this reader and the projector are, a line each; and what cannot be read, if anything.
fn health(app: &App) -> Vec<(String, Style)> {
    let (theme, now) = (app.theme, app.now);
    let mut lines = Vec::new();
    let ends = match &app.link {
        Some(Link::Up { heads, .. }) => format!("ends at {}", places(heads)),
        Some(Link::Down { why, .. }) => format!("out of reach: {why}"),
        None => "not reached yet".to_owned(),
    };
    let behind = match app.lag.catching_up(now) {
        Some((behind, age)) => format!("we are {} behind, {} old", number(behind), span(age)),
        None => format!("we are {} behind", number(app.lag.behind())),
    };
    lines.push((format!(" log        {ends} · {behind}"), theme.dim()));
    lines.push(match (app.condition(), app.lag.silent_since, &app.projector) {
        (_, Some(since), _) => {
            (format!(" projector  none answers for {}", span(now.since(since))), theme.tone(Tone::Warning))
        }
        (Some(known), ..) => {
            let old = match app.lag.lags(now) {
                Some((_, Some(age))) => format!(", {} old", span(age)),
                _ => String::new(),
            };
            let behind = number(app.lag.records().unwrap_or(0));
            let at = places(&known.as_of);
            let text =
                format!(" projector  folded to {at} · {behind} behind{old} · version {}", known.version);
            match &known.trouble {
                Some(why) => (format!(" projector  {why} · folded to {at}"), theme.tone(Tone::Bad)),
                None => (text, if old.is_empty() { theme.dim() } else { theme.tone(Tone::Warning) }),
            }
        }
        _ => (" projector  not heard of yet".to_owned(), theme.dim()),
    });
    if app.unreadable() > 0 {
        let aside = app.condition().map_or(0, |known| known.unreadable).max(app.store.unreadable);
        let text = format!(
            " unreadable {} records here, {} tasks put aside: longhaul doctor names them",
            number(app.unreadable),
            number(aside)
        );
        lines.push((text, theme.tone(Tone::Bad)));
    }
    lines
}

/// Places in the log, those of several shards with their shards.
fn places(places: &Positions) -> String {
    let all: Vec<_> = places.iter().collect();
    match all.as_slice() {
        [(_, at)] => at.to_string(),
        all => all.iter().map(|(shard, at)| format!("{}/{at}", shard.0)).collect::<Vec<_>>().join(" "),
    }
}
