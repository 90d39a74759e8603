//! A terminal too small for lists: the counts that matter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::app::App;
use crate::store::Standing;
use crate::text::{clock, date, fit, number, span, width};
use crate::theme::{Tone, glyph};

use super::put;

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let columns = usize::from(area.width);
    let mut lines: Vec<(String, ratatui::style::Style)> = Vec::new();
    let title = format!("longhaul {}Z", clock(app.then()));
    let quits = format!("{title}  q quit");
    let roomy = width(&quits) <= columns;
    lines.push((if roomy { quits } else { title }, theme.title()));
    if let Some(past) = app.past() {
        let badge = if app.travel.ends_at.is_some() { "FILE" } else { "PAST" };
        lines.push((format!("{badge} {}", date(past.moment.at)), theme.banner(Tone::Warning)));
    }
    if let Some(banner) = super::banner(app) {
        lines.push((banner.within(columns + 1).trim_start().to_owned(), theme.banner(banner.tone)));
    }
    if app.link.is_some() && app.down_since.is_none() && !app.listed && app.past().is_none() {
        lines.push((super::chrome::loading(app), theme.tone(Tone::Warning)));
    }
    if let Some((behind, age)) = app.lag.catching_up(app.now).filter(|_| app.down_since.is_none()) {
        let text = format!("catching up {}, {} old", number(behind), span(age));
        lines.push((text, theme.tone(Tone::Warning)));
    }
    if app.unreadable() > 0 {
        lines.push((format!("{} unreadable", number(app.unreadable())), theme.tone(Tone::Bad)));
    }
    let urgent = Standing::ALL.into_iter().filter(|standing| standing.wants_attention());
    let mut calm = true;
    for standing in urgent {
        let n = app.count(standing);
        if n > 0 {
            calm = false;
            lines.push((
                format!("{} {} {}", glyph(standing), number(n), standing.word()),
                theme.standing(standing),
            ));
        }
    }
    if calm && (app.listed || app.past().is_some()) {
        lines.push(("nothing needs you".to_owned(), theme.tone(Tone::Good)));
    }
    for standing in [Standing::Running, Standing::Held, Standing::Pending] {
        lines.push((
            format!("{} {} {}", glyph(standing), number(app.count(standing)), standing.word()),
            theme.standing(standing),
        ));
    }
    if !roomy {
        lines.push(("q quit".to_owned(), theme.dim()));
    }
    for (row, (text, style)) in (0..area.height).zip(lines) {
        put(buffer, area, row, vec![Span::styled(fit(&text, columns), style)]);
    }
}
