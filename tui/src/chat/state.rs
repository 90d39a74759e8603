//! What the terminal knows of a conversation.

use std::collections::VecDeque;

use longhaul_core::TaskId;
use ratatui::crossterm::event::KeyEvent;
use ratatui::text::Line;
use tui_input::Input;

use super::told::{Live, Told};
use crate::theme::Theme;

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has so many columns and rows.
    Resize(u16, u16),
    /// Whoever keeps the conversation says something.
    Told(Told),
    /// Time has passed.
    Tick,
}

/// The answer under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Turn {
    pub(super) task: Option<TaskId>,
    /// What it does.
    pub(super) doing: String,
    /// The end of the answer so far: a line that is not full.
    pub(super) rest: String,
    /// Whether some of it was shown.
    pub(super) shown: bool,
    /// Whether it was told to stop.
    pub(super) stopping: bool,
}

/// A conversation, as the terminal shows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Chat {
    pub(super) theme: Theme,
    /// Columns and rows.
    pub(super) size: (u16, u16),
    pub(super) conversation: String,
    /// What is typed.
    pub(super) input: Input,
    /// What was entered before, the oldest first.
    pub(super) history: Vec<String>,
    /// Which of it is shown, and what was typed before that.
    pub(super) recalled: Option<(usize, String)>,
    /// Lines that wait until the one before is dealt with.
    pub(super) queue: VecDeque<String>,
    /// Whether a line is being dealt with.
    pub(super) busy: bool,
    pub(super) turn: Option<Turn>,
    /// Tasks that go on beside it, the oldest first.
    pub(super) live: Vec<Live>,
    /// Whether it is asked which of them shall stop.
    pub(super) asks_which: bool,
    /// What is finished and not yet printed.
    pub(super) finished: Vec<Line<'static>>,
    /// What a key is answered with, until the next.
    pub(super) hint: Option<String>,
    /// Counts ticks: what moves, moves by it.
    pub(super) tick: usize,
    /// Whether it is over.
    pub(super) left: bool,
    /// Whether the program is to be stopped for a while.
    pub(super) suspend: bool,
}

impl Chat {
    /// Whether something moves by itself.
    pub(super) fn moves(&self) -> bool {
        self.busy
    }
}
