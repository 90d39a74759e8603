//! What can happen to the dashboard.

use longhaul_client::fleet::{Told, Word};
use longhaul_core::{TaskRef, Timestamp};
use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use crate::app::Steer;

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) enum Msg {
    /// It is now this late.
    Tick(Timestamp),
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The source of all tasks said something.
    Word(Word),
    /// The opened task has something new.
    Told(TaskRef, Told),
    /// What was asked of a task was answered: with a word on it, or with why not.
    Answered {
        /// Of which task.
        at: TaskRef,
        /// What was asked.
        steer: Steer,
        /// What came of it.
        outcome: Result<String, String>,
    },
}
