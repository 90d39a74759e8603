//! The bottom of a terminal whose upper part is its own history.
//!
//! Finished lines are printed once, above lines that are drawn anew each time. Nothing is addressed by its
//! place on the screen, only from the line in which one types: so what scrolls away is the terminal's, and
//! no answer of the terminal has to be waited for.

use std::io::{self, Write};

use ratatui::backend::IntoCrossterm as _;
use ratatui::crossterm::cursor::{Hide, MoveToColumn, MoveUp, Show};
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::style::{ContentStyle, Print, PrintStyledContent};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
use ratatui::text::Line;

use super::view::Bottom;
use crate::theme::Theme;

/// The terminal, for as long as this lives.
pub(super) struct Inline {
    theme: Theme,
    /// Columns of each line drawn last, down to the one in which one types.
    above: Vec<usize>,
    taken: bool,
}

impl Inline {
    /// Takes the terminal: keys are heard as they are pressed.
    pub(super) fn take(theme: Theme) -> io::Result<Self> {
        let mut inline = Self { theme, above: Vec::new(), taken: false };
        inline.come_back()?;
        Ok(inline)
    }

    /// Takes the terminal again; what it shows is somebody else's now.
    pub(super) fn come_back(&mut self) -> io::Result<()> {
        self.above.clear();
        enable_raw_mode()?;
        self.taken = true;
        execute!(io::stdout(), EnableBracketedPaste)
    }

    /// Prints finished lines and draws the bottom below them, in one write.
    pub(super) fn draw(&mut self, finished: &[Line<'_>], bottom: &Bottom, columns: u16) -> io::Result<()> {
        let mut out = Vec::new();
        queue!(out, BeginSynchronizedUpdate, Hide)?;
        self.erase(&mut out, columns)?;
        for line in finished {
            self.write(&mut out, line)?;
            queue!(out, Print("\r\n"))?;
        }
        let last = bottom.lines.len().saturating_sub(1);
        for (n, line) in bottom.lines.iter().enumerate() {
            self.write(&mut out, line)?;
            if n < last {
                queue!(out, Print("\r\n"))?;
            }
        }
        let (row, column) = bottom.cursor;
        up(&mut out, last.saturating_sub(row))?;
        let column = u16::try_from(column).unwrap_or(u16::MAX).min(columns.saturating_sub(1));
        queue!(out, MoveToColumn(column), Show, EndSynchronizedUpdate)?;
        let drawn = bottom.lines.iter().take(row);
        self.above = drawn.map(Line::width).collect();
        let mut terminal = io::stdout().lock();
        terminal.write_all(&out)?;
        terminal.flush()
    }

    /// Takes the bottom away and gives the terminal back: what follows is printed where it was.
    pub(super) fn leave(&mut self, columns: u16) {
        if !std::mem::take(&mut self.taken) {
            return;
        }
        let mut out = Vec::new();
        // What fails here has nowhere to be told.
        let _ = self.erase(&mut out, columns);
        let _ = queue!(out, DisableBracketedPaste, Show);
        let mut terminal = io::stdout().lock();
        let _ = terminal.write_all(&out).and_then(|()| terminal.flush());
        let _ = disable_raw_mode();
        self.above.clear();
    }

    /// Goes to where the bottom begins and takes it away. A terminal that became narrower has broken its
    /// lines.
    fn erase(&self, out: &mut Vec<u8>, columns: u16) -> io::Result<()> {
        let columns = usize::from(columns).max(1);
        let rows: usize = self.above.iter().map(|width| width.div_ceil(columns).max(1)).sum();
        queue!(out, MoveToColumn(0))?;
        up(out, rows)?;
        queue!(out, Clear(ClearType::FromCursorDown))
    }

    fn write(&self, out: &mut Vec<u8>, line: &Line<'_>) -> io::Result<()> {
        for span in &line.spans {
            let text = self.theme.spelled(&span.content);
            let style = line.style.patch(span.style);
            if style == ratatui::style::Style::default() {
                queue!(out, Print(text))?;
            } else {
                let style: ContentStyle = style.into_crossterm();
                queue!(out, PrintStyledContent(style.apply(text)))?;
            }
        }
        Ok(())
    }
}

impl Drop for Inline {
    fn drop(&mut self) {
        let columns = ratatui::crossterm::terminal::size().map_or(80, |(columns, _)| columns);
        self.leave(columns);
    }
}

/// Goes up; by none is no movement, which a terminal would take for one.
fn up(out: &mut Vec<u8>, rows: usize) -> io::Result<()> {
    match u16::try_from(rows) {
        Ok(0) | Err(_) => Ok(()),
        Ok(rows) => queue!(out, MoveUp(rows)),
    }
}
