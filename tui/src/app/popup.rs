//! What lies over a view and takes the keys.

use tui_input::Input;

use super::Steer;
use longhaul_core::TaskRef;

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
}

/// Whether something is meant. Only `y`, or the word asked for, says yes.
#[derive(Debug, Clone)]
pub(crate) struct Confirm {
    pub(crate) title: String,
    /// What will happen, a clean line each.
    pub(crate) lines: Vec<String>,
    /// What to type, where `y` is too easy.
    pub(crate) word: Option<String>,
    pub(crate) typed: Input,
    /// What then happens.
    pub(crate) then: Vec<(TaskRef, Steer)>,
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
    /// Why a question is answered with no.
    Reject(Vec<(TaskRef, Steer)>),
}

impl Typing {
    /// What stands before the line.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Filter { .. } => "/",
            Self::Reject(_) => "why not? ",
        }
    }
}
