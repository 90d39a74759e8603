//! What lies over a view.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

use crate::app::{App, Choose, Chosen, Column, Confirm, Popup, Typing};
use crate::diff::Change;
use crate::keys::Context;
use crate::layout::Shape;
use crate::text::{fit, pad, width};
use crate::theme::{Theme, Tone};
use crate::update::suggestions;

use super::{frame, put, select};

pub(super) fn draw(app: &App, popup: &Popup, area: Rect, buffer: &mut Buffer) {
    match popup {
        Popup::Help { filter, top } => help(app, filter.value(), *top, area, buffer),
        Popup::Confirm(confirm) => ask(app, confirm, area, buffer),
        Popup::Choose(choose) => offer(app, choose, area, buffer),
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
    let past = app.past().map(|_| Context::Past);
    let lines: Vec<_> = past
        .into_iter()
        .chain([app.context()])
        .flat_map(|context| app.keys.bindings(context))
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
    let changes = confirm.changes.iter().map(|change| told(theme, change));
    let said = confirm.lines.iter().map(|line| (line.clone(), Style::new()));
    let lines: Vec<_> = said.chain(changes).collect();
    let widest = lines.iter().map(|(line, _)| width(line)).max().unwrap_or(0).max(40);
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(5);
    let found = middle(u16::try_from(widest + 4).unwrap_or(u16::MAX), rows, area, buffer);
    let inner = frame(theme, Line::from(format!(" {}? ", confirm.title)), found, buffer);
    let columns = usize::from(inner.width).saturating_sub(1);
    let room = usize::from(inner.height).saturating_sub(2);
    let top = confirm.top.min(lines.len().saturating_sub(room));
    for (row, (line, style)) in (1..).zip(lines.iter().skip(top).take(room)) {
        put(buffer, inner, row, vec![Span::styled(format!(" {}", fit(line, columns)), *style)]);
    }
    let last = match &confirm.word {
        None => vec![
            Span::styled(" y", theme.accent()),
            Span::raw(" yes   "),
            Span::styled("Esc", theme.accent()),
            Span::raw(if confirm.leaves { " no, back to the list" } else { " no" }),
            Span::styled(if lines.len() > room { "   Up Down scroll" } else { "" }, theme.dim()),
        ],
        Some(word) => {
            vec![Span::raw(format!(" type {word} and Enter: ")), Span::raw(confirm.typed.value().to_owned())]
        }
    };
    put(buffer, inner, inner.height.saturating_sub(1), last);
}

/// A line of a difference: its sign tells what the colour tells.
fn told(theme: Theme, change: &Change) -> (String, Style) {
    match change {
        Change::Same(line) => (format!("  {line}"), theme.dim()),
        Change::Out(line) => (format!("- {line}"), theme.tone(Tone::Bad)),
        Change::In(line) => (format!("+ {line}"), theme.tone(Tone::Good)),
        Change::Skipped(1) => ("  … 1 line alike".to_owned(), theme.dim()),
        Change::Skipped(n) => (format!("  … {n} lines alike"), theme.dim()),
    }
}

fn offer(app: &App, choose: &Choose, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let shown = app.columns.clone().unwrap_or_else(|| Column::usual(Shape::of(area).wide));
    let labels: Vec<String> = choose
        .choices
        .iter()
        .map(|choice| match choice.then {
            Chosen::Column(column) if shown.contains(&column) => format!("[x] {}", choice.label),
            Chosen::Column(_) => format!("[ ] {}", choice.label),
            _ => choice.label.clone(),
        })
        .collect();
    let widest =
        labels.iter().map(|label| width(label)).max().unwrap_or(0).max(width(choose.title) + 4).max(30);
    let rows = u16::try_from(labels.len()).unwrap_or(u16::MAX).saturating_add(3);
    let found = middle(u16::try_from(widest + 4).unwrap_or(u16::MAX), rows, area, buffer);
    let inner = frame(theme, Line::from(format!(" {} ", choose.title)), found, buffer);
    let room = usize::from(inner.height).saturating_sub(1).max(1);
    let top = (choose.at + 1).saturating_sub(room);
    for (row, (place, label)) in (0..inner.height).zip(labels.iter().enumerate().skip(top).take(room)) {
        let text = pad(&format!(" {label}"), inner.width.into());
        put(buffer, inner, row, vec![Span::raw(text)]);
        if place == choose.at {
            select(buffer, inner, row, theme.selected());
        }
    }
    let keys = vec![
        Span::styled(" Enter", theme.accent()),
        Span::raw(" takes it   "),
        Span::styled("Esc", theme.accent()),
        Span::raw(" closes"),
    ];
    put(buffer, inner, inner.height.saturating_sub(1), keys);
}

/// How many commands are suggested at once.
const SUGGESTED: usize = 8;

/// The commands that fit what is typed, above the line one types.
pub(super) fn suggest(app: &App, prompt: Rect, area: Rect, buffer: &mut Buffer) {
    let Some(line) = app.prompt.as_ref().filter(|line| matches!(line.typing, Typing::Command)) else {
        return;
    };
    let theme = app.theme;
    let found: Vec<_> = suggestions(line.input.value()).into_iter().take(SUGGESTED).collect();
    let rows = u16::try_from(found.len()).unwrap_or(0).min(prompt.y.saturating_sub(area.y));
    let over = Rect { y: prompt.y - rows, height: rows, width: area.width.min(76), ..prompt };
    Clear.render(over, buffer);
    for (row, command) in (0..rows).zip(found) {
        let name = pad(&format!(" :{} {}", command.names[0], command.takes), 32);
        let spans = vec![
            Span::styled(name, if row == 0 { theme.accent() } else { Style::new() }),
            Span::styled(fit(command.help, usize::from(over.width).saturating_sub(33)), theme.dim()),
        ];
        put(buffer, over, row, spans);
        if row == 0 {
            select(buffer, over, row, theme.selected());
        }
    }
}
