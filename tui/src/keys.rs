//! Which key does what: one table. It feeds dispatch, the help and the footer.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::app::View;

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
    Go(View),
    NextPane,
    PreviousPane,
    Filter,
    FilterNot,
    SortNext,
    SortReverse,
    Mark,
    MarkRange,
    MarkAll,
    Approve,
    Reject,
    Abort,
    Retry,
    Rerun,
    Delete,
    Copy,
    CopyCommand,
    Follow,
    Level,
    Help,
    Redraw,
    Mouse,
}

/// Where a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Context {
    /// A view's list.
    List(View),
    /// A task opened.
    Task,
}

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everywhere.
    All,
    /// In the list of tasks.
    Tasks,
    /// Wherever one task is meant: the list, the opened task, the approvals.
    OneTask,
    /// In the opened task.
    Task,
    /// In every list.
    Lists,
}

impl Scope {
    fn covers(self, context: Context) -> bool {
        match self {
            Self::All => true,
            Self::Tasks => context == Context::List(View::Tasks),
            Self::OneTask => {
                matches!(context, Context::Task | Context::List(View::Tasks | View::Approvals))
            }
            Self::Task => context == Context::Task,
            Self::Lists => matches!(context, Context::List(_)),
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Bind {
    pub(crate) act: Act,
    /// Names of keys: `j`, `C-d`, `Enter`, `S-Tab`.
    pub(crate) keys: &'static [&'static str],
    pub(crate) scope: Scope,
    /// A word or two for the footer; empty: not there.
    pub(crate) hint: &'static str,
    /// A line for the help.
    pub(crate) help: &'static str,
}

const fn bind(
    act: Act,
    keys: &'static [&'static str],
    scope: Scope,
    hint: &'static str,
    help: &'static str,
) -> Bind {
    Bind { act, keys, scope, hint, help }
}

/// The table. The first line that fits counts; hints come in this order.
pub(crate) const TABLE: &[Bind] = &[
    bind(Act::Open, &["Enter", "l", "Right"], Scope::Lists, "open", "open what one is on"),
    bind(Act::Back, &["Esc", "h", "Left"], Scope::Task, "back", "back to the list"),
    bind(Act::Approve, &["a"], Scope::OneTask, "approve", "approve what a task asks for"),
    bind(Act::Reject, &["r"], Scope::OneTask, "reject", "reject it, with a reason"),
    bind(Act::Abort, &["x"], Scope::OneTask, "abort", "stop at the next checkpoint"),
    bind(Act::Retry, &["R"], Scope::OneTask, "retry", "try again from the last recorded step"),
    bind(Act::Rerun, &["C"], Scope::OneTask, "", "run the same input again as a new task"),
    bind(Act::Delete, &["D"], Scope::OneTask, "", "hide an ended task from lists"),
    bind(Act::Follow, &["f"], Scope::Task, "follow", "follow the end, or stop following"),
    bind(Act::Level, &["e"], Scope::Task, "level", "show every event, or only those that matter"),
    bind(Act::Filter, &["/"], Scope::Tasks, "filter", "show only what matches"),
    bind(Act::FilterNot, &["!"], Scope::Tasks, "", "show only what does not match"),
    bind(Act::SortNext, &["s"], Scope::Tasks, "sort", "sort by the next column"),
    bind(Act::SortReverse, &["S"], Scope::Tasks, "", "sort the other way round"),
    bind(Act::Mark, &["Space"], Scope::Tasks, "", "mark, or take the mark away"),
    bind(Act::MarkRange, &["V"], Scope::Tasks, "", "mark all from the last mark to here"),
    bind(Act::MarkAll, &["*"], Scope::Tasks, "", "mark all that is listed, or none"),
    bind(Act::Copy, &["y"], Scope::OneTask, "", "copy the id, or those that are marked"),
    bind(Act::CopyCommand, &["Y"], Scope::OneTask, "", "copy the command that shows it"),
    bind(Act::Down, &["j", "Down"], Scope::All, "", "down"),
    bind(Act::Up, &["k", "Up"], Scope::All, "", "up"),
    bind(Act::HalfDown, &["C-d"], Scope::All, "", "half a page down"),
    bind(Act::HalfUp, &["C-u"], Scope::All, "", "half a page up"),
    bind(Act::PageDown, &["PgDn", "C-f"], Scope::All, "", "a page down"),
    bind(Act::PageUp, &["PgUp", "C-b"], Scope::All, "", "a page up"),
    bind(Act::Top, &["g", "Home"], Scope::All, "", "to the first"),
    bind(Act::Bottom, &["G", "End"], Scope::All, "", "to the last"),
    bind(Act::Go(View::Tasks), &["1"], Scope::All, "", "tasks"),
    bind(Act::Go(View::Approvals), &["2"], Scope::All, "", "approvals"),
    bind(Act::Go(View::Executors), &["3"], Scope::All, "", "executors"),
    bind(Act::Go(View::Caps), &["4"], Scope::All, "", "caps and budgets"),
    bind(Act::Go(View::Events), &["5"], Scope::All, "", "events and health"),
    bind(Act::Go(View::Inbox), &["6", "i"], Scope::All, "", "inbox"),
    bind(Act::NextPane, &["Tab"], Scope::All, "", "next view, or next pane of an opened task"),
    bind(Act::PreviousPane, &["S-Tab"], Scope::All, "", "the one before"),
    bind(Act::Mouse, &["M"], Scope::All, "", "mouse on or off"),
    bind(Act::Redraw, &["C-l"], Scope::All, "", "draw everything anew"),
    bind(Act::Back, &["Esc"], Scope::All, "", "back: filter, popup, view"),
    bind(Act::Quit, &["C-c"], Scope::All, "", "quit at once"),
    bind(Act::Back, &["q"], Scope::Task, "", "back to the list"),
    bind(Act::Help, &["?"], Scope::All, "help", "this help"),
    bind(Act::Quit, &["q"], Scope::Lists, "quit", "quit"),
];

/// What a key does in a context.
pub(crate) fn act(context: Context, key: &KeyEvent) -> Option<Act> {
    let name = name(key)?;
    bindings(context).find(|bind| bind.keys.contains(&name.as_str())).map(|bind| bind.act)
}

/// What works in a context, in the order of the table.
pub(crate) fn bindings(context: Context) -> impl Iterator<Item = &'static Bind> {
    TABLE.iter().filter(move |bind| bind.scope.covers(context))
}

/// A key's name in the table.
pub(crate) fn name(key: &KeyEvent) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Every context there is.
    fn contexts() -> impl Iterator<Item = Context> {
        View::ALL.into_iter().map(Context::List).chain([Context::Task])
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for context in contexts() {
            let mut taken: HashMap<&str, Act> = HashMap::new();
            for bind in bindings(context) {
                for key in bind.keys {
                    let before = taken.insert(key, bind.act);
                    assert!(before.is_none_or(|act| act == bind.act), "{key} in {context:?}: {before:?}");
                }
            }
        }
    }

    #[test]
    fn there_is_a_way_out_of_everywhere() {
        for context in contexts() {
            assert!(bindings(context).any(|bind| bind.act == Act::Quit), "{context:?}");
            assert!(bindings(context).any(|bind| bind.act == Act::Back), "{context:?}");
        }
    }
}
