//! What nobody should miss, the newest at the top.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::{App, View};
use crate::text::{clock, fit};

use super::{frame, nothing, put, scrollbar, select};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let inner = frame(theme, Line::from(" Inbox (newest first) "), area, buffer);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let all: Vec<_> = app.notices().collect();
    if all.is_empty() {
        let why: &[&str] = match app.past() {
            Some(_) => &["Nothing by then.", "", "It keeps what came while this dashboard was open."],
            None => &["Nothing to tell."],
        };
        return nothing(theme, why, body, buffer);
    }
    let list = &app.lists[View::Inbox as usize];
    for (row, (place, notice)) in (0..).zip(all.iter().enumerate().skip(list.top).take(body.height.into())) {
        let spans = vec![
            Span::styled(format!(" {} ", clock(notice.at)), theme.dim()),
            Span::styled(
                fit(&notice.text, usize::from(body.width).saturating_sub(10)),
                theme.tone(notice.tone),
            ),
        ];
        put(buffer, body, row, spans);
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, all.len(), body, buffer);
}
