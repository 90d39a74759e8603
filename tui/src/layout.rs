//! What fits into a terminal of a size. Nothing is ever refused: what has no room is left out.

use ratatui::layout::{Constraint, Layout, Rect};

/// Below this there is only a card with the counts that matter.
const CARD: (u16, u16) = (60, 15);

/// What fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Only a card.
    pub(crate) card: bool,
    /// Charts in frames; else one line of figures.
    pub(crate) charts: bool,
    /// The side pane beside a list, in columns.
    pub(crate) side: Option<u16>,
    /// Columns for organisation and user.
    pub(crate) wide: bool,
}

impl Shape {
    /// What fits into an area.
    pub(crate) fn of(area: Rect) -> Self {
        let side = match area.width {
            140.. => Some(50),
            110..140 => Some(40),
            _ => None,
        };
        Self {
            card: area.width < CARD.0 || area.height < CARD.1,
            charts: area.height >= 30,
            side,
            wide: area.width >= 140,
        }
    }
}

/// The parts of the whole screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) header: Rect,
    pub(crate) tabs: Rect,
    /// One line; empty if there is nothing to warn of.
    pub(crate) banner: Rect,
    pub(crate) body: Rect,
    /// Where one is in time; empty if that is now.
    pub(crate) scrubber: Rect,
    /// The line where one types, or a short notice; empty if there is none.
    pub(crate) prompt: Rect,
    pub(crate) footer: Rect,
}

impl Parts {
    /// Divides the screen.
    pub(crate) fn of(area: Rect, tabs: bool, banner: bool, scrubber: u16, prompt: bool) -> Self {
        let [header, tabs, banner, body, scrubber, prompt, footer] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(u16::from(tabs)),
            Constraint::Length(u16::from(banner)),
            Constraint::Min(0),
            Constraint::Length(scrubber),
            Constraint::Length(u16::from(prompt)),
            Constraint::Length(1),
        ])
        .areas(area);
        Self { header, tabs, banner, body, scrubber, prompt, footer }
    }
}

/// The rows a list in a frame has room for, of a body of a size; used by `update` to keep the row one
/// is on in sight.
pub(crate) fn list_room(area: Rect, above: u16) -> usize {
    // The frame and the heading.
    usize::from(area.height.saturating_sub(above).saturating_sub(3))
}
