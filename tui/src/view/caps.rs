//! Slots and budgets: who has how many, and who waits.

use longhaul_core::Period;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::{App, Cap, View, Whose};
use crate::store::Standing;
use crate::text::{fit, number, pad, pad_left, short};

use super::{frame, nothing, put, scrollbar, select};

/// Columns beside the bar: the name, the figures, who waits.
const BESIDE: usize = 2 + NAME + 1 + FIGURES + 1 + 5 + WAITING;
const NAME: usize = 22;
const FIGURES: usize = 11;
const WAITING: usize = 27;
/// The longest bar.
const BAR: usize = 60;

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    // Where all organisations are listed these are still of one's own alone.
    let whose = if app.me.everything { format!("of {} only ", fit(&app.me.org, 24)) } else { String::new() };
    let then = if app.past().is_some() { "(slots taken then, the caps as they are now) " } else { "" };
    let inner = frame(theme, Line::from(format!(" Caps {whose}{then}")), area, buffer);
    let Some(caps) = app.caps() else {
        return nothing(theme, &["Not known yet: the projector tells."], inner, buffer);
    };
    let bar = usize::from(inner.width).saturating_sub(BESIDE).min(BAR);
    let heading = format!("  {} {}{}", pad("Who", NAME), pad("", bar), pad_left("Taken", FIGURES));
    put(buffer, inner, 0, vec![Span::styled(heading, theme.dim())]);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let list = &app.lists[View::Caps as usize];
    for (row, (place, cap)) in (0..).zip(caps.iter().enumerate().skip(list.top).take(body.height.into())) {
        put(buffer, body, row, line(app, cap, bar));
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, caps.len(), body, buffer);
}

fn line<'a>(app: &App, cap: &Cap, bar: usize) -> Vec<Span<'a>> {
    let theme = app.theme;
    let style = theme.standing(if cap.is_full() { Standing::Paused } else { Standing::Running });
    let filled = (cap.taken.saturating_mul(1000)).checked_div(cap.most).unwrap_or(1000).min(1000);
    let (done, left) = theme.bar(u16::try_from(filled).unwrap_or(1000), bar);
    let figures = format!("{}/{}", number(cap.taken), number(cap.most));
    let (word, waiting) = (if cap.is_full() { "FULL" } else { "" }, waiting(cap));
    vec![
        Span::raw(format!("  {} ", pad(&fit(&name(app, cap), NAME), NAME))),
        Span::styled(done, style),
        Span::styled(left, theme.dim()),
        Span::styled(format!("{} {}", pad_left(&figures, FIGURES), pad(word, 5)), style),
        Span::raw(fit(&waiting, WAITING + BAR)),
    ]
}

fn name(app: &App, cap: &Cap) -> String {
    match &cap.whose {
        Whose::Organisation => format!("organisation {}", app.me.org),
        Whose::Budget(Period::Day) => "tokens today".to_owned(),
        Whose::Budget(Period::Ever) => "tokens in all".to_owned(),
        Whose::User(user) => user.to_string(),
        Whose::Foreground(user) => format!("{user}, foreground"),
        Whose::Conversation(name, _) => format!("conversation {name}"),
    }
}

fn waiting(cap: &Cap) -> String {
    match (&cap.whose, cap.waiting) {
        (Whose::Conversation(_, holder), n) => format!("{} waiting, behind {}", number(n), short(holder)),
        (Whose::Budget(_), _) if cap.is_full() => "nothing new starts".to_owned(),
        (_, 0) => String::new(),
        (_, n) => format!("{} waiting", number(n)),
    }
}
