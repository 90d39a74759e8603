//! What lies over a view.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

use crate::app::{App, Confirm, Popup};
use crate::keys;
use crate::text::{fit, pad, width};

use super::{frame, put};

pub(super) fn draw(app: &App, popup: &Popup, area: Rect, buffer: &mut Buffer) {
    match popup {
        Popup::Help { filter, top } => help(app, filter.value(), *top, area, buffer),
        Popup::Confirm(confirm) => ask(app, confirm, area, buffer),
    }
}

/// An area of a size in the middle, as far as there is room, wiped.
fn middle(columns: u16, rows: u16, area: Rect, buffer: &mut Buffer) -> Rect {
    let (columns, rows) = (columns.min(area.width), rows.min(area.height));
    let x = area.x + (area.width - columns) / 2;
    let y = area.y + (area.height - rows) / 2;
    let found = Rect::new(x, y, columns, rows);
    Clear.render(found, buffer);
    found
}

fn help(app: &App, filter: &str, top: usize, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let wanted = filter.to_lowercase();
    let lines: Vec<_> = keys::bindings(app.context())
        .map(|bind| (bind.keys.join(" "), bind.help))
        .filter(|(keys, help)| help.contains(&wanted) || keys.to_lowercase().contains(&wanted))
        .collect();
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(3);
    let found = middle(70, rows, area, buffer);
    let title = if filter.is_empty() {
        " Keys here (type to filter, Esc closes) ".to_owned()
    } else {
        format!(" Keys: {} ", fit(filter, 30))
    };
    let inner = frame(theme, Line::from(title), found, buffer);
    let top = top.min(lines.len().saturating_sub(inner.height.into()));
    for (row, (keys, help)) in (0..inner.height).zip(lines.into_iter().skip(top)) {
        let spans = vec![Span::styled(format!(" {}", pad(&keys, 16)), theme.accent()), Span::raw(help)];
        put(buffer, inner, row, spans);
    }
}

fn ask(app: &App, confirm: &Confirm, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let widest = confirm.lines.iter().map(|line| width(line)).max().unwrap_or(0).max(40);
    let rows = u16::try_from(confirm.lines.len()).unwrap_or(u16::MAX).saturating_add(5);
    let found = middle(u16::try_from(widest + 4).unwrap_or(u16::MAX), rows, area, buffer);
    let inner = frame(theme, Line::from(format!(" {}? ", confirm.title)), found, buffer);
    let columns = usize::from(inner.width).saturating_sub(1);
    for (row, line) in (1..).zip(&confirm.lines) {
        put(buffer, inner, row, vec![Span::raw(format!(" {}", fit(line, columns)))]);
    }
    let last = match &confirm.word {
        None => vec![
            Span::styled(" y", theme.accent()),
            Span::raw(" yes   "),
            Span::styled("Esc", theme.accent()),
            Span::styled(" no", Style::new()),
        ],
        Some(word) => {
            vec![Span::raw(format!(" type {word} and Enter: ")), Span::raw(confirm.typed.value().to_owned())]
        }
    };
    put(buffer, inner, inner.height.saturating_sub(1), last);
}
