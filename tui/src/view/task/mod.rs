//! One task opened: its facts and steps at the left, what one asks to see of it at the right.

mod facts;
mod pane;
mod steps;
mod why;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::{App, Pane};
use crate::text::{short, width};
use crate::theme::glyph;

use super::{frame, put};

pub(super) use facts::{facts, latest};
pub(super) use pane::happening;
pub(super) use steps::lines as steps;

pub(crate) use pane::{len, lines, top};

/// From this width on the pane is beside the facts; below it, under them.
const BESIDE: u16 = 100;
/// Rows of facts and steps where the pane is under them, frame included.
const ABOVE: u16 = 12;

/// The areas of facts and pane.
fn areas(zoomed: bool, area: Rect) -> (Rect, Rect) {
    if zoomed {
        return (Rect { width: 0, height: 0, ..area }, area);
    }
    let [first, second] = if area.width >= BESIDE {
        Layout::horizontal([Constraint::Length(42), Constraint::Min(0)]).areas(area)
    } else {
        let above = (area.height / 2).min(ABOVE);
        Layout::vertical([Constraint::Length(above), Constraint::Min(0)]).areas(area)
    };
    (first, second)
}

/// The inside of the pane, on the screen as it is.
pub(crate) fn pane(app: &App) -> Rect {
    pane_frame(app).inner(ratatui::layout::Margin::new(1, 1))
}

fn pane_frame(app: &App) -> Rect {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let zoomed = app.opened.as_ref().is_some_and(|opened| opened.zoomed);
    areas(zoomed, super::parts(app, area).body).1
}

/// The pane whose name is at a cell of the screen.
pub(super) fn tab_at(app: &App, column: u16, row: u16) -> Option<Pane> {
    let frame = pane_frame(app);
    let within = (frame.x + 2..(frame.x + frame.width).saturating_sub(1)).contains(&column);
    if app.opened.is_none() || row != frame.y || !within {
        return None;
    }
    let mut end = usize::from(frame.x) + 2;
    Pane::ALL.into_iter().find(|pane| {
        end += width(pane.name()) + 1;
        usize::from(column) < end
    })
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(opened) = &app.opened else { return };
    let (left, right) = areas(opened.zoomed, area);
    if opened.zoomed {
        return pane::draw(app, opened, right, buffer);
    }
    let row = app.subject();
    let mut title = vec![Span::raw(format!(" {} ", short(opened.at.task)))];
    if let Some(row) = row {
        let standing = row.standing();
        let word = format!("{} {} ", glyph(standing), standing.word());
        title.push(Span::styled(word, app.theme.standing(standing)));
    }
    let inner = frame(app.theme, Line::from(title), left, buffer);
    // Where there is room for few lines, the steps are beside the facts.
    let (known, beside) = if area.width >= BESIDE {
        (inner, None)
    } else {
        let [known, steps] =
            Layout::horizontal([Constraint::Percentage(55), Constraint::Percentage(45)]).areas(inner);
        (known, Some(steps))
    };
    let lines = row.map(|row| facts(app, row, known.width.into())).unwrap_or_default();
    let used = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(1);
    for (at, spans) in (0..).zip(lines) {
        put(buffer, known, at, spans);
    }
    if let Some(snapshot) = &opened.snapshot {
        let used = used.min(known.height);
        let area = beside.unwrap_or(Rect { y: known.y + used, height: known.height - used, ..known });
        let steps = steps::lines(app, snapshot, area.height.into(), area.width.into());
        for (at, spans) in (0..).zip(steps) {
            put(buffer, area, at, spans);
        }
    }
    pane::draw(app, opened, right, buffer);
}
