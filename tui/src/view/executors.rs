//! Who runs tasks: beats, places, versions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::{App, View};
use crate::store::{Executor, Standing};
use crate::text::{fit, pad, short, span};
use crate::theme::glyph;

use super::{frame, nothing, put, scrollbar, select, travel};

/// The executors, in the order they are listed: by host, then by id.
pub(crate) fn executors(app: &App) -> Vec<&Executor> {
    let mut all: Vec<_> = app.store.executors().values().collect();
    all.sort_by(|a, b| {
        let of = |one: &Executor| (one.pulse.beat.host.clone(), one.pulse.beat.executor);
        of(a).cmp(&of(b))
    });
    all
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    if let Some(past) = app.past() {
        return travel::executors(app, past, area, buffer);
    }
    let theme = app.theme;
    let inner = frame(theme, Line::from(" Executors "), area, buffer);
    let all = executors(app);
    if all.is_empty() {
        return nothing(theme, &["No executor was heard of.", "", "longhaul work starts one"], inner, buffer);
    }
    let host = usize::from(inner.width).saturating_sub(48);
    let heading = format!(
        "  {}{}{}{}{}",
        pad("ID", 8),
        pad("State", 10),
        pad("Heartbeat", 11),
        pad("Runs", 10),
        pad("Host", host)
    );
    put(buffer, inner, 0, vec![Span::styled(heading, theme.dim())]);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let list = &app.lists[View::Executors as usize];
    for (row, (place, one)) in (0..).zip(all.iter().enumerate().skip(list.top).take(body.height.into())) {
        let beat = &one.pulse.beat;
        let standing = if one.late { Standing::Stalled } else { Standing::Running };
        let state = match (one.late, beat.draining) {
            (true, _) => "late",
            (false, true) => "draining",
            (false, false) => "up",
        };
        let places = beat.kinds.iter().map(|room| room.places).max().unwrap_or(0);
        let style = theme.standing(standing);
        let spans = vec![
            Span::styled(format!("{} ", glyph(standing)), style),
            Span::raw(pad(&short(beat.executor), 8)),
            Span::styled(pad(state, 10), style),
            Span::styled(pad(&format!("{} ago", span(app.now.since(one.pulse.heard_at))), 11), style),
            Span::raw(pad(&format!("{}/{places}", beat.runs.len()), 10)),
            Span::raw(pad(&beat.host, host)),
            Span::styled(fit(&beat.version, 7), theme.dim()),
        ];
        put(buffer, body, row, spans);
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, all.len(), body, buffer);
}
