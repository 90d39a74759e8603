//! The keys as they are without a file of one's own.

use crate::app::View;

use super::{Act, Scope};

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) act: Act,
    /// What a file of keys calls it.
    pub(crate) name: &'static str,
    /// Names of keys: `j`, `C-d`, `Enter`, `S-Tab`.
    pub(crate) keys: &'static [&'static str],
    pub(crate) scope: Scope,
    /// A word or two for the footer; empty: not there.
    pub(crate) hint: &'static str,
    /// A line for the help.
    pub(crate) help: &'static str,
}

const fn line(
    act: Act,
    name: &'static str,
    keys: &'static [&'static str],
    scope: Scope,
    hint: &'static str,
    help: &'static str,
) -> Line {
    Line { act, name, keys, scope, hint, help }
}

/// The table. The first line that fits counts; hints come in this order.
pub(crate) const TABLE: &[Line] = &[
    line(Act::Open, "open", &["Enter", "l", "Right"], Scope::Lists, "open", "open what one is on"),
    line(Act::Back, "back", &["h", "Left"], Scope::Task, "back", "back to the list"),
    line(Act::Approve, "approve", &["a"], Scope::OneTask, "approve", "approve what a task asks for"),
    line(
        Act::Modify,
        "modify",
        &["m"],
        Scope::OneTask,
        "modify",
        "approve it with other arguments, in $EDITOR",
    ),
    line(Act::Reject, "reject", &["r"], Scope::OneTask, "reject", "reject it, with a reason"),
    line(Act::Abort, "abort", &["x"], Scope::OneTask, "abort", "stop at the next checkpoint"),
    line(Act::Retry, "retry", &["R"], Scope::OneTask, "retry", "try again from the last recorded step"),
    line(
        Act::Download,
        "download",
        &["o"],
        Scope::OneTask,
        "download",
        "write its files, or its output, here",
    ),
    line(Act::Page, "page", &["O"], Scope::OneTask, "", "read its text or output in $PAGER"),
    line(Act::Rerun, "rerun", &["C"], Scope::OneTask, "again", "run the same input again as a new task"),
    line(Act::Fork, "fork", &["F"], Scope::OneTask, "", "branch off after one of its steps, as a new task"),
    line(Act::Delete, "delete", &["D", "Del"], Scope::OneTask, "remove", "hide an ended task from lists"),
    line(Act::Why, "why", &["w"], Scope::OneTask, "why", "why it waits, or why it stopped"),
    line(Act::Follow, "follow", &["f"], Scope::Task, "follow", "follow the end, or stop following"),
    line(Act::Level, "level", &["e"], Scope::Task, "level", "show every event, or only those that matter"),
    line(Act::Find, "find", &["/"], Scope::Task, "find", "look for text in the pane"),
    line(Act::FindNext, "find-next", &["n"], Scope::Task, "next", "to the next line that has it"),
    line(Act::FindPrevious, "find-previous", &["N"], Scope::Task, "", "to the line before that has it"),
    line(Act::Wrap, "wrap", &["W"], Scope::Task, "", "wrap long lines, or cut them"),
    line(Act::Filter, "filter", &["/"], Scope::Events, "filter", "show only events that match"),
    line(Act::FilterNot, "filter-not", &["!"], Scope::Events, "", "show only events that do not match"),
    line(Act::Level, "level", &["e"], Scope::Events, "level", "show every event, or only those that matter"),
    line(Act::Zoom, "zoom", &["z"], Scope::Task, "", "the pane alone, or with the facts beside it"),
    line(Act::Filter, "filter", &["/"], Scope::Tasks, "filter", "show only what matches"),
    line(Act::FilterNot, "filter-not", &["!"], Scope::Tasks, "", "show only what does not match"),
    line(Act::FindNext, "find-next", &["n"], Scope::Tasks, "", "to the next match of the last filter"),
    line(Act::FindPrevious, "find-previous", &["N"], Scope::Tasks, "", "to the match before"),
    line(Act::Command, "command", &[":"], Scope::All, "command", "type a command; Tab completes it"),
    line(Act::SortNext, "sort", &["s"], Scope::Tasks, "sort", "sort by the next column"),
    line(Act::SortReverse, "sort-reverse", &["S"], Scope::Tasks, "", "sort the other way round"),
    line(Act::Columns, "columns", &["c"], Scope::Tasks, "", "choose the columns"),
    line(Act::Mark, "mark", &["Space"], Scope::Tasks, "", "mark, or take the mark away"),
    line(Act::MarkRange, "mark-range", &["V"], Scope::Tasks, "", "mark all from the last mark to here"),
    line(Act::MarkAll, "mark-all", &["*"], Scope::Tasks, "", "mark all that is listed, or none"),
    line(Act::Copy, "copy", &["y"], Scope::OneTask, "", "copy the id, or those that are marked"),
    line(Act::CopyCommand, "copy-command", &["Y"], Scope::OneTask, "", "copy the command that shows it"),
    line(Act::Export, "export", &["E"], Scope::Exports, "", "write what is listed, or a task's history"),
    line(Act::Past, "past", &["t"], Scope::All, "time", "into the past, and back to now"),
    line(Act::EventBack, "event-back", &["["], Scope::Past, "] event", "back by one record"),
    line(Act::EventNext, "event-next", &["]"], Scope::Past, "", "on by one record"),
    line(
        Act::TurnBack,
        "change-back",
        &["{"],
        Scope::Past,
        "} change",
        "back to before the last change of a status",
    ),
    line(Act::TurnNext, "change-next", &["}"], Scope::Past, "", "on to the next change of a status"),
    line(Act::MinuteBack, "minute-back", &["("], Scope::Past, ") minute", "back by a minute"),
    line(Act::MinuteNext, "minute-next", &[")"], Scope::Past, "", "on by a minute"),
    line(Act::Play, "play", &["Space"], Scope::Past, "play", "play on from here, or stop"),
    line(Act::Faster, "faster", &["+", "="], Scope::Past, "", "play faster"),
    line(Act::Slower, "slower", &["-"], Scope::Past, "", "play slower"),
    line(Act::Down, "down", &["j", "Down"], Scope::All, "", "down"),
    line(Act::Up, "up", &["k", "Up"], Scope::All, "", "up"),
    line(Act::HalfDown, "half-down", &["C-d"], Scope::All, "", "half a page down"),
    line(Act::HalfUp, "half-up", &["C-u"], Scope::All, "", "half a page up"),
    line(Act::PageDown, "page-down", &["PgDn", "C-f"], Scope::All, "", "a page down"),
    line(Act::PageUp, "page-up", &["PgUp", "C-b"], Scope::All, "", "a page up"),
    line(Act::Top, "top", &["g", "Home"], Scope::All, "", "to the first"),
    line(Act::Bottom, "bottom", &["G", "End"], Scope::All, "", "to the last"),
    line(Act::Go(View::Tasks), "tasks", &["1"], Scope::All, "", "tasks"),
    line(Act::Go(View::Approvals), "approvals", &["2"], Scope::All, "", "approvals"),
    line(Act::Go(View::Executors), "executors", &["3"], Scope::All, "", "executors"),
    line(Act::Go(View::Caps), "caps", &["4"], Scope::All, "", "caps and budgets"),
    line(Act::Go(View::Events), "events", &["5"], Scope::All, "", "events and health"),
    line(Act::Go(View::Inbox), "inbox", &["6", "i"], Scope::All, "", "inbox"),
    line(Act::Go(View::Mine), "mine", &["7", "d"], Scope::All, "", "my tasks, as a list of downloads"),
    line(Act::NextPane, "next", &["Tab"], Scope::All, "", "next view, or next pane of an opened task"),
    line(Act::PreviousPane, "previous", &["S-Tab"], Scope::All, "", "the one before"),
    line(Act::Mouse, "mouse", &["M"], Scope::All, "", "mouse on or off"),
    line(Act::Redraw, "redraw", &["C-l"], Scope::All, "", "draw everything anew"),
    line(Act::Stop, "escape", &["Esc"], Scope::Task, "stop", "stop it if it runs (asks first), else back"),
    line(Act::Back, "escape", &["Esc"], Scope::Lists, "", "back: filter, popup, view"),
    line(Act::Reconnect, "reconnect", &["F5"], Scope::All, "", "try at once to reach the log again"),
    line(Act::Suspend, "suspend", &["C-z"], Scope::All, "", "stop for a while; fg comes back"),
    line(Act::QuitNow, "quit-now", &["C-c"], Scope::All, "", "quit from anywhere"),
    line(Act::Back, "close", &["q"], Scope::Task, "", "back to the list"),
    line(Act::Help, "help", &["?"], Scope::All, "help", "this help"),
    line(Act::Quit, "quit", &["q"], Scope::Lists, "quit", "quit"),
];
