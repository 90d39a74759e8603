//! What is drawn: a pure function of [`App`]. One file a view; each gets the area that is its own.

mod approvals;
mod banner;
mod caps;
mod card;
mod charts;
mod chrome;
mod events;
mod executors;
mod inbox;
mod mine;
mod popup;
pub(crate) mod task;
mod tasks;
mod travel;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget as _};

use crate::app::{App, View};
use crate::layout::{Parts, Shape};
use crate::text;
use crate::theme::Theme;

pub(crate) use banner::banner;
pub(crate) use chrome::{Hit, hit};
pub(crate) use executors::executors;
pub(crate) use tasks::said;

/// Draws everything.
pub(crate) fn draw(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    paint(app, area, frame.buffer_mut());
    if let Some(prompt) = &app.prompt {
        let parts = parts(app, area);
        if let Some(at) = chrome::cursor(prompt, parts.prompt) {
            frame.set_cursor_position(at);
        }
    }
}

/// Draws everything into a buffer.
pub(crate) fn paint(app: &App, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    if is_card(app, area) {
        card::draw(app, area, buffer);
    } else {
        let parts = parts(app, area);
        chrome::header(app, parts.header, buffer);
        chrome::tabs(app, parts.tabs, buffer);
        banner::draw(app, parts.banner, buffer);
        body(app, parts.body, buffer);
        if travel::is_shown(app) {
            travel::scrubber(app, parts.scrubber, buffer);
        }
        chrome::prompt(app, parts.prompt, buffer);
        chrome::footer(app, parts.footer, buffer);
    }
    if let Some(popup) = &app.popup {
        popup::draw(app, popup, area, buffer);
    }
    if !is_card(app, area) {
        popup::suggest(app, parts(app, area).prompt, area, buffer);
    }
    app.theme.finish(buffer);
}

fn body(app: &App, area: Rect, buffer: &mut Buffer) {
    if app.opened.is_some() {
        return task::draw(app, area, buffer);
    }
    match app.view {
        View::Tasks => tasks::draw(app, area, buffer),
        View::Approvals => approvals::draw(app, area, buffer),
        View::Executors => executors::draw(app, area, buffer),
        View::Caps => caps::draw(app, area, buffer),
        View::Events => events::draw(app, area, buffer),
        View::Inbox => inbox::draw(app, area, buffer),
        View::Mine => mine::draw(app, area, buffer),
    }
}

/// The parts of the screen, as it is.
pub(crate) fn parts(app: &App, area: Rect) -> Parts {
    let scrubber = if travel::is_shown(app) { travel::ROWS } else { 0 };
    Parts::of(area, !app.alone, banner(app).is_some(), scrubber, prompt_line(app))
}

/// Whether there is only room for a card. One's own tasks need less room than lists with columns.
fn is_card(app: &App, area: Rect) -> bool {
    let narrow = app.alone && area.width >= 24 && area.height >= 8;
    Shape::of(area).card && !narrow
}

/// How many of one's own tasks are in sight.
pub(crate) fn mine_room(body: Rect) -> usize {
    usize::from(body.height.saturating_sub(2)) / mine::LINES
}

/// Whether there is a line where one types, or a short notice.
pub(crate) fn prompt_line(app: &App) -> bool {
    app.prompt.is_some() || app.toast.is_some()
}

/// How many rows a view's body has above the frame of its list, on a screen of a size.
pub(crate) fn above_list(app: &App, view: View, area: Rect) -> u16 {
    match view {
        View::Tasks => tasks::above(Shape::of(area)),
        View::Events => events::above(app),
        _ => 0,
    }
}

/// A frame with a title; gives back what is inside.
fn frame(theme: Theme, title: Line<'_>, area: Rect, buffer: &mut Buffer) -> Rect {
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.border())
        .title_style(theme.title())
        .title(title);
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// Writes one line of spans at a row of an area, cut at its edge. Rows beyond the area are left out.
fn put(buffer: &mut Buffer, area: Rect, row: u16, spans: Vec<Span<'_>>) {
    if row < area.height {
        buffer.set_line(area.x, area.y + row, &Line::from(spans), area.width);
    }
}

/// Paints a row as the one that one is on.
fn select(buffer: &mut Buffer, area: Rect, row: u16, style: Style) {
    if row < area.height {
        buffer.set_style(Rect { y: area.y + row, height: 1, ..area }, style);
    }
}

/// Writes a few words at the right of the lower edge of a frame, where there is room.
fn on_edge(area: Rect, text: &str, style: Style, buffer: &mut Buffer) {
    let wide = u16::try_from(crate::text::width(text)).unwrap_or(u16::MAX);
    if area.height > 0 && wide.saturating_add(2) < area.width {
        let at =
            Rect { x: area.x + area.width - wide - 2, y: area.y + area.height - 1, width: wide, height: 1 };
        over(buffer, at, text, style);
    }
}

/// Writes a text over whatever is there, and takes nothing over from how that is drawn.
fn over(buffer: &mut Buffer, at: Rect, text: &str, style: Style) {
    buffer.set_style(at, Style::reset());
    put(buffer, at, 0, vec![Span::styled(text.to_owned(), style)]);
}

/// Says in the middle of an area why there is nothing in it, and what to do.
fn nothing(theme: Theme, lines: &[&str], area: Rect, buffer: &mut Buffer) {
    let above = area.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(u16::MAX)) / 2;
    for (row, text) in (above..).zip(lines) {
        if row >= area.height {
            break;
        }
        let text = crate::text::fit(text, area.width.into());
        let indent = (usize::from(area.width).saturating_sub(crate::text::width(&text))) / 2;
        put(buffer, area, row, vec![Span::raw(" ".repeat(indent)), Span::styled(text, theme.dim())]);
    }
}

/// The same where the command that opened the dashboard says what to do.
fn greeting(app: &App, why: &str, area: Rect, buffer: &mut Buffer) {
    // As one block: some of its lines belong together.
    let widest = app.host.greeting.iter().map(|line| text::width(line)).max().unwrap_or(0);
    let widest = widest.min(area.width.into());
    let block: Vec<_> = app.host.greeting.iter().map(|line| text::pad(line, widest)).collect();
    let lines: Vec<_> = [why, ""].into_iter().chain(block.iter().map(String::as_str)).collect();
    nothing(app.theme, &lines, area, buffer);
}

/// The mark at the right edge of where one is in a long list.
fn scrollbar(theme: Theme, top: usize, len: usize, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.height);
    if len <= room || area.width == 0 {
        return;
    }
    let size = (room * room / len).max(1);
    let at = (top * (room - size)).div_ceil((len - room).max(1));
    for row in (at..(at + size).min(room)).filter_map(|row| u16::try_from(row).ok()) {
        let x = area.x + area.width;
        if let Some(cell) = buffer.cell_mut((x, area.y + row)) {
            cell.set_symbol("┃").set_style(theme.dim());
        }
    }
}
