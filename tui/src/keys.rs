//! Which key does what: one table, which a file may change. It feeds dispatch, the help and the footer.

mod map;
mod table;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::app::View;

pub(crate) use map::Keymap;
#[cfg(test)]
pub(crate) use table::TABLE;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    Up,
    Down,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    Top,
    Bottom,
    Open,
    Back,
    Quit,
    /// Out of wherever one is.
    QuitNow,
    Go(View),
    NextPane,
    PreviousPane,
    Filter,
    FilterNot,
    /// Looks for text in what one reads.
    Find,
    FindNext,
    FindPrevious,
    Command,
    Columns,
    SortNext,
    SortReverse,
    Mark,
    MarkRange,
    MarkAll,
    Approve,
    Modify,
    Reject,
    Abort,
    Retry,
    Rerun,
    Delete,
    Fork,
    Download,
    Page,
    Export,
    /// Why it waits or stopped.
    Why,
    /// A Stop button: asks a running task that one watches to stop; else goes back.
    Stop,
    Copy,
    CopyCommand,
    Follow,
    Level,
    /// Long lines wrapped, or cut.
    Wrap,
    /// The pane alone, or with the facts beside it.
    Zoom,
    /// Into the past, and back to now.
    Past,
    EventBack,
    EventNext,
    TurnBack,
    TurnNext,
    MinuteBack,
    MinuteNext,
    Play,
    Faster,
    Slower,
    Help,
    Redraw,
    Reconnect,
    Suspend,
    Mouse,
}

/// Where a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Context {
    /// A view's list.
    List(View),
    /// A task opened.
    Task,
    /// The past: over any of these, and before them.
    Past,
}

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everywhere.
    All,
    /// In the list of tasks.
    Tasks,
    /// Wherever one task is meant: the lists of tasks, the opened task, the approvals.
    OneTask,
    /// Where there is something to export.
    Exports,
    /// In the opened task.
    Task,
    /// In the list of events.
    Events,
    /// In every list.
    Lists,
    /// In the past.
    Past,
}

impl Scope {
    fn covers(self, context: Context) -> bool {
        match self {
            Self::All => context != Context::Past,
            Self::Past => context == Context::Past,
            Self::Tasks => context == Context::List(View::Tasks),
            Self::OneTask => {
                matches!(context, Context::Task | Context::List(View::Tasks | View::Approvals | View::Mine))
            }
            Self::Exports => matches!(context, Context::Task | Context::List(View::Tasks | View::Mine)),
            Self::Task => context == Context::Task,
            Self::Events => context == Context::List(View::Events),
            Self::Lists => matches!(context, Context::List(_)),
        }
    }
}

/// A key's name in the table.
fn name(key: &KeyEvent) -> Option<String> {
    let (control, alt) =
        (key.modifiers.contains(KeyModifiers::CONTROL), key.modifiers.contains(KeyModifiers::ALT));
    let plain = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if control => c.to_ascii_lowercase().to_string(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::Tab => "Tab".to_owned(),
        KeyCode::BackTab => return Some("S-Tab".to_owned()),
        KeyCode::Up => "Up".to_owned(),
        KeyCode::Down => "Down".to_owned(),
        KeyCode::Left => "Left".to_owned(),
        KeyCode::Right => "Right".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::Delete => "Del".to_owned(),
        KeyCode::Backspace => "Backspace".to_owned(),
        KeyCode::F(n) => format!("F{n}"),
        _ => return None,
    };
    Some(match (control, alt) {
        (true, _) => format!("C-{plain}"),
        (false, true) => format!("M-{plain}"),
        (false, false) => plain,
    })
}
