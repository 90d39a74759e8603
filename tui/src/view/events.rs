//! What happens in the whole log, the newest at the top.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::{App, View};
use crate::text::{number, short};

use super::{frame, nothing, put, scrollbar, select, task};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let inner = frame(theme, Line::from(" Events (newest first) "), area, buffer);
    let health = format!(
        "  we are {} behind · projector {} behind · {} unreadable",
        number(app.behind),
        app.lag().map_or_else(|| "?".to_owned(), number),
        number(app.unreadable + app.store.unreadable)
    );
    put(buffer, inner, 0, vec![Span::styled(health, theme.dim())]);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    if app.tail.is_empty() {
        return nothing(theme, &["Nothing has happened since you came."], body, buffer);
    }
    let list = &app.lists[View::Events as usize];
    let shown = app.tail.iter().rev().enumerate().skip(list.top).take(body.height.into());
    for (row, (place, event)) in (0..).zip(shown) {
        let mut spans = vec![Span::styled(format!("{} ", short(event.task.task)), theme.dim())];
        spans.extend(task::happening(app, event, usize::from(body.width).saturating_sub(7)));
        put(buffer, body, row, spans);
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, app.tail.len(), body, buffer);
}
