//! What waits for a person, the soonest expiry first.

use longhaul_wire::view::ApprovalView;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::{App, View};
use crate::store::{Key, Standing};
use crate::text::{fit, pad, pad_left, short, span, wrap};
use crate::theme::glyph;

use super::{frame, nothing, put, scrollbar, select};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let all = app.questions();
    let direction = if area.width >= 100 {
        Layout::horizontal([Constraint::Percentage(45), Constraint::Percentage(55)])
    } else {
        Layout::vertical([Constraint::Percentage(40), Constraint::Percentage(60)])
    };
    let [left, right] = direction.areas(area);
    if all.is_empty() {
        let inner = frame(theme, Line::from(" Waiting for you "), area, buffer);
        return nothing(theme, &["Nothing waits for an answer."], inner, buffer);
    }
    let inner = frame(theme, Line::from(" Waiting for you (soonest expiry first) "), left, buffer);
    // What is asked for is short, as names of tools are; what for gets the rest.
    let room = usize::from(inner.width).saturating_sub(20);
    let [what, why] = if room >= 30 { [room / 2, room - room / 2] } else { [room, 0] };
    let heading =
        format!("  {}{}{}{}", pad("ID", 8), pad("Wants to", what), pad("Task", why), pad_left("Lapses", 9));
    put(buffer, inner, 0, vec![Span::styled(heading, theme.dim())]);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let list = &app.lists[View::Approvals as usize];
    for (row, (place, (key, open))) in
        (0..).zip(all.iter().enumerate().skip(list.top).take(body.height.into()))
    {
        let style = theme.standing(Standing::Paused);
        let spans = vec![
            Span::styled(format!("{} ", glyph(Standing::Paused)), style),
            Span::styled(pad(&short(key.task), 8), theme.dim()),
            Span::raw(pad(&column(&open.action, what), what)),
            Span::raw(pad(&column(title(app, *key), why), why)),
            Span::styled(pad_left(&span(open.expires_at.since(app.then())), 9), style),
        ];
        put(buffer, body, row, spans);
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, all.len(), body, buffer);
    if let Some((key, open)) = all.get(list.at) {
        request(app, *key, open, right, buffer);
    }
}

/// A text that leaves room before the next one.
fn column(text: &str, columns: usize) -> String {
    fit(text, columns.saturating_sub(1))
}

fn title(app: &App, key: Key) -> &str {
    app.store.get(key).map_or("", |row| row.title.as_str())
}

fn request(app: &App, key: Key, open: &ApprovalView, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let title = format!(" {} by {} ", fit(&open.action, 40), short(key.task));
    let inner = frame(theme, Line::from(title), area, buffer);
    let columns = usize::from(inner.width);
    let mut lines = Vec::new();
    if let Some(row) = app.store.get(key) {
        lines.push(format!("task       {}", row.title));
        lines.push(format!("for        {}", app.store.name(row.user)));
    }
    lines.push(format!("lapses in  {}", span(open.expires_at.since(app.then()))));
    if let Some(note) = &open.note {
        lines.extend(wrap(&format!("because    {note}"), columns));
    }
    lines.push(String::new());
    lines.push("arguments".to_owned());
    let json = serde_json::to_string_pretty(&open.arguments).unwrap_or_default();
    lines.extend(wrap(&json, columns));
    let room = usize::from(inner.height);
    let cut = lines.len().checked_sub(room).filter(|more| *more > 0);
    for (row, text) in (0..inner.height).zip(&lines) {
        put(buffer, inner, row, vec![Span::raw(fit(text, columns))]);
    }
    if let Some(more) = cut {
        let note = format!("… {} more lines: Enter, then Asked", more + 1);
        put(
            buffer,
            inner,
            inner.height.saturating_sub(1),
            vec![Span::styled(pad(&note, columns), theme.dim())],
        );
    }
}
