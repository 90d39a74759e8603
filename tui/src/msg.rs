//! What can happen to the dashboard.

use longhaul_client::fleet::{Brief, Point, Told, Word};
use longhaul_core::{TaskRef, Timestamp};
use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use crate::app::{Draft, Steer};
use crate::host::Remark;
use crate::records::Answer;

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
    /// What was to be written or read is: with a word on where, or why it is not.
    Done {
        /// Of which task, if of one.
        at: Option<TaskRef>,
        /// What came of it.
        outcome: Result<String, String>,
    },
    /// It was looked for among the tasks that are not listed.
    Found {
        /// What was typed.
        words: String,
        /// The latest that fit and whether there are more; or why nobody can say.
        found: Result<(Vec<Brief>, bool), String>,
    },
    /// A text to read in the pager was fetched.
    Fetched {
        /// Of which task.
        at: TaskRef,
        /// The text, or why there is none.
        text: Result<String, String>,
    },
    /// The log was asked about the past, for so manieth: what it says, or why it says nothing.
    Past(u64, Result<Answer, String>),
    /// A moment is to be gone to.
    Go(Point),
    /// Whoever opened the dashboard says something.
    Remark(Remark),
    /// The editor was closed.
    Edited(Result<Draft, String>),
    /// The pager was closed, or could not be opened.
    Closed(Result<(), String>),
}
