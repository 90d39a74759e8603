//! Slots and budgets: who has how many, and who waits.

use longhaul_wire::query::Slot;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::{App, View};
use crate::store::Standing;
use crate::text::{number, pad};

use super::{frame, nothing, put, scrollbar, select};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let title = match app.past() {
        Some(_) => " Caps (slots taken then, the caps as they are now) ",
        None => " Caps ",
    };
    let inner = frame(theme, Line::from(title), area, buffer);
    let Some(taken) = &app.slots else {
        return nothing(theme, &["Not known yet: the projector tells."], inner, buffer);
    };
    put(buffer, inner, 0, vec![Span::styled("  Who                  Slots", theme.dim())]);
    let org = [(format!("organisation {}", app.me.org), taken.organisation)];
    let users = taken.users.iter().map(|user| (user.user.to_string(), user.slots));
    let all: Vec<(String, Slot)> = org.into_iter().chain(users).collect();
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let list = &app.lists[View::Caps as usize];
    for (row, (place, (name, slot))) in
        (0..).zip(all.iter().enumerate().skip(list.top).take(body.height.into()))
    {
        let full = slot.running >= slot.cap;
        let style = theme.standing(if full { Standing::Paused } else { Standing::Running });
        let filled = u64::from(slot.running) * 1000 / u64::from(slot.cap.max(1));
        let bar = usize::from(body.width).saturating_sub(52).min(60);
        let (done, left) = theme.bar(u16::try_from(filled).unwrap_or(1000).min(1000), bar);
        let waiting =
            if slot.waiting > 0 { format!("{} waiting", number(slot.waiting)) } else { String::new() };
        let spans = vec![
            Span::raw("  "),
            Span::raw(pad(name, 20)),
            Span::raw(" "),
            Span::styled(done, style),
            Span::styled(left, theme.dim()),
            Span::styled(
                format!(" {:>3}/{:<3} {:4} ", slot.running, slot.cap, if full { "FULL" } else { "" }),
                style,
            ),
            Span::raw(waiting),
        ];
        put(buffer, body, row, spans);
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, all.len(), body, buffer);
}
