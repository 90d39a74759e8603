//! What nobody should miss, the newest at the top.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

use crate::app::{App, Notice, View};
use crate::text::{fit, width, wrap};
use crate::theme::Tone;

use super::{frame, nothing, put, scrollbar, select};

/// At most so many lines of a notice that is cut are shown below the list.
const WHOLE: usize = 4;

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let title = Line::from(vec![Span::raw(" Inbox "), Span::styled("newest first ", theme.dim())]);
    let inner = frame(theme, title, area, buffer);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let all: Vec<_> = app.notices().collect();
    if all.is_empty() {
        let why: &[&str] = match app.past() {
            Some(_) => &["Nothing by then.", "", "It keeps what came while this dashboard was open."],
            None => &["Nothing to tell."],
        };
        return nothing(theme, why, body, buffer);
    }
    put(buffer, inner, 0, vec![Span::styled("  When     What", theme.dim())]);
    let list = &app.lists[View::Inbox as usize];
    for (row, (place, notice)) in (0..).zip(all.iter().enumerate().skip(list.top).take(body.height.into())) {
        put(buffer, body, row, line(app, notice, body.width));
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, all.len(), body, buffer);
    if let Some(notice) = all.get(list.at) {
        whole(app, notice, list.at - list.top.min(list.at), body, buffer);
    }
}

/// How bad it is by a sign, when it was, and what.
fn line<'a>(app: &App, notice: &Notice, columns: u16) -> Vec<Span<'a>> {
    let sign = match notice.tone {
        Tone::Good => "✓",
        Tone::Warning => "!",
        Tone::Bad => "✗",
    };
    let style = app.theme.tone(notice.tone);
    let when = format!(" {} ", app.when(notice.at));
    let room = usize::from(columns).saturating_sub(1 + width(&when));
    vec![
        Span::styled(sign, style),
        Span::styled(when, app.theme.dim()),
        Span::styled(fit(&notice.text, room), style),
    ]
}

/// The whole of the notice one is on, if its line is cut: over the end of the list that is farther away.
fn whole(app: &App, notice: &Notice, row: usize, body: Rect, buffer: &mut Buffer) {
    let room = usize::from(body.width).saturating_sub(2 + width(&app.when(notice.at)) + 1);
    if width(&notice.text) <= room || usize::from(body.height) < WHOLE + 2 {
        return;
    }
    let mut lines = wrap(&notice.text, usize::from(body.width).saturating_sub(2));
    lines.truncate(WHOLE);
    let height = u16::try_from(lines.len()).unwrap_or(0) + 1;
    let below = body.height.saturating_sub(height);
    let over = match row < usize::from(below) {
        true => Rect { y: body.y + below, height, ..body },
        false => Rect { height, ..body },
    };
    Clear.render(over, buffer);
    let edge = "─".repeat(over.width.into());
    let (edge_row, first) = if over.y == body.y { (height - 1, 0) } else { (0, 1) };
    put(buffer, over, edge_row, vec![Span::styled(edge, app.theme.border())]);
    for (row, text) in (first..).zip(lines) {
        put(buffer, over, row, vec![Span::styled(format!(" {text}"), app.theme.tone(notice.tone))]);
    }
}
