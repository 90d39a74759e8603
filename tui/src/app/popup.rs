//! What lies over a view and takes the keys.

use longhaul_core::TaskRef;
use tui_input::Input;

use super::{Column, Find, Steer};
use crate::diff::Change;
use crate::export::Format;

/// What lies over a view.
#[derive(Debug, Clone)]
pub(crate) enum Popup {
    /// What each key does here.
    Help {
        /// Only lines with this text.
        filter: Input,
        /// The first line in sight.
        top: usize,
    },
    /// Whether it is meant.
    Confirm(Confirm),
    /// Which of several.
    Choose(Choose),
}

/// Which of several: one moves to it and presses Enter.
#[derive(Debug, Clone)]
pub(crate) struct Choose {
    pub(crate) title: &'static str,
    pub(crate) choices: Vec<Choice>,
    /// The one that one is on.
    pub(crate) at: usize,
}

impl Choose {
    /// Moves on, as far as there is something.
    pub(crate) fn go(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by).min(self.choices.len().saturating_sub(1));
    }
}

/// One of several.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// A clean line.
    pub(crate) label: String,
    pub(crate) then: Chosen,
}

/// What comes of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// Branches off after the step of this place in the task's steps.
    Fork(usize),
    /// Writes what is listed.
    Export(Format),
    /// Shows a column, or hides it; the choice stays open.
    Column(Column),
}

/// Whether something is meant. Only `y`, or the word asked for, says yes.
#[derive(Debug, Clone)]
pub(crate) struct Confirm {
    pub(crate) title: String,
    /// What will happen, a clean line each.
    pub(crate) lines: Vec<String>,
    /// What changes, where arguments do.
    pub(crate) changes: Vec<Change>,
    /// The first of the lines and changes in sight.
    pub(crate) top: usize,
    /// No means back to the list: one has pressed Esc on a running task.
    pub(crate) leaves: bool,
    /// Yes leaves the dashboard, and all that ends with it.
    pub(crate) quits: bool,
    /// What to type, where `y` is too easy.
    pub(crate) word: Option<String>,
    pub(crate) typed: Input,
    /// What then happens.
    pub(crate) then: Vec<(TaskRef, Steer)>,
}

impl Confirm {
    /// A question that `y` answers.
    pub(crate) fn new(title: &str, lines: Vec<String>, then: Vec<(TaskRef, Steer)>) -> Self {
        let title = title.to_owned();
        let (changes, typed) = (Vec::new(), Input::default());
        Self { title, lines, changes, top: 0, leaves: false, quits: false, word: None, typed, then }
    }

    /// Scrolls, as far as there is something.
    pub(crate) fn scroll(&mut self, by: isize) {
        let last = (self.lines.len() + self.changes.len()).saturating_sub(1);
        self.top = self.top.saturating_add_signed(by).min(last);
    }
}

/// A line one types.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub(crate) typing: Typing,
    pub(crate) input: Input,
}

/// What a typed line is for.
#[derive(Debug, Clone)]
pub(crate) enum Typing {
    /// Which tasks to list; what held before, for Esc.
    Filter {
        /// The text to go back to.
        before: String,
    },
    /// Which events to list; what held before, for Esc.
    Sift {
        /// The text to go back to.
        before: String,
    },
    /// What to look for in a pane; what was looked for before, for Esc.
    Find {
        /// That.
        before: Option<Find>,
    },
    /// Why a question is answered with no.
    Reject(Vec<(TaskRef, Steer)>),
    /// A command.
    Command,
}

impl Typing {
    /// What stands before the line.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Filter { .. } | Self::Sift { .. } | Self::Find { .. } => "/",
            Self::Reject(_) => "why not? ",
            Self::Command => ":",
        }
    }
}
