//! What one types after `:`.

use crate::app::{App, Column, Notice, View};
use crate::effect::Effect;
use crate::export::Format;
use crate::keys::Act;
use crate::point::point;
use crate::store::{SortBy, Standing};
use crate::text::{fit, short};
use crate::theme::{Glyphs, Palette, Tone};

use super::{act, errand, seek, steer, travel};

/// A command.
#[derive(Debug)]
pub(crate) struct Command {
    /// Its name, then its aliases.
    pub(crate) names: &'static [&'static str],
    /// What may follow it.
    pub(crate) takes: &'static str,
    /// A line for people.
    pub(crate) help: &'static str,
    does: Does,
}

/// What a command does.
#[derive(Debug, Clone, Copy)]
enum Does {
    /// The same as a key.
    Act(Act),
    Tasks,
    Task,
    Sort,
    Columns,
    Theme,
    Glyphs,
    Bell,
    Bulk,
    Export,
    Fork,
    Erase,
    At,
}

const fn command(
    names: &'static [&'static str],
    takes: &'static str,
    help: &'static str,
    does: Does,
) -> Command {
    Command { names, takes, help, does }
}

/// The commands. Of those that fit what is typed equally well the first counts.
const COMMANDS: &[Command] = &[
    command(&["tasks", "filter", "ls"], "[WORDS]", "the list of tasks, filtered", Does::Tasks),
    command(&["task", "get", "open", "show"], "ID", "open a task by the end of its id", Does::Task),
    command(&["mine", "downloads", "my"], "", "my tasks", Does::Act(Act::Go(View::Mine))),
    command(&["approvals", "questions"], "", "what waits for you", Does::Act(Act::Go(View::Approvals))),
    command(&["executors", "workers"], "", "executors", Does::Act(Act::Go(View::Executors))),
    command(&["caps", "slots", "budgets"], "", "caps and budgets", Does::Act(Act::Go(View::Caps))),
    command(&["events", "health", "log"], "", "events and health", Does::Act(Act::Go(View::Events))),
    command(&["inbox", "notifications"], "", "inbox", Does::Act(Act::Go(View::Inbox))),
    command(&["abort", "stop", "cancel"], "", "stop at the next checkpoint", Does::Act(Act::Abort)),
    command(&["approve", "yes"], "", "approve what a task asks for", Does::Act(Act::Approve)),
    command(&["modify", "edit"], "", "approve it with other arguments", Does::Act(Act::Modify)),
    command(&["reject", "no"], "", "reject it, with a reason", Does::Act(Act::Reject)),
    command(&["retry"], "", "try again from the last recorded step", Does::Act(Act::Retry)),
    command(&["rerun", "again", "copy-task"], "", "the same input as a new task", Does::Act(Act::Rerun)),
    command(&["fork", "branch"], "[STEP]", "branch off after a step", Does::Fork),
    command(&["remove", "dismiss", "hide", "delete"], "", "hide an ended task", Does::Act(Act::Delete)),
    command(&["erase"], "", "delete an ended task's data for good", Does::Erase),
    command(&["download", "save"], "", "write what a task made here", Does::Act(Act::Download)),
    command(&["pager", "less"], "", "read its text or output in $PAGER", Does::Act(Act::Page)),
    command(&["export"], "[ndjson|json|csv]", "write what is listed, or a task's history", Does::Export),
    command(&["why"], "", "why it waits, or why it stopped", Does::Act(Act::Why)),
    command(&["bulk"], "ACTION", "ask it of all that is listed: abort, retry, …", Does::Bulk),
    command(&["mark-all"], "", "mark all that is listed, or none", Does::Act(Act::MarkAll)),
    command(&["sort"], "COLUMN", "sort; once more: the other way round", Does::Sort),
    command(&["columns"], "[NAMES]", "choose the columns", Does::Columns),
    command(&["copy", "yank"], "", "copy the id", Does::Act(Act::Copy)),
    command(&["theme", "colours", "colors"], "dark|light|16|mono", "change the colours", Does::Theme),
    command(&["glyphs"], "unicode|ascii", "change the signs", Does::Glyphs),
    command(&["bell"], "on|off", "ring for approvals and failures, or do not", Does::Bell),
    command(&["mouse"], "", "mouse on or off", Does::Act(Act::Mouse)),
    command(&["redraw"], "", "draw everything anew", Does::Act(Act::Redraw)),
    command(&["at", "past", "time"], "TIME|SEQ", "everything as it was then: 12:29, 10m, 1163131", Does::At),
    command(&["help", "keys"], "", "what each key does here", Does::Act(Act::Help)),
    command(&["quit", "exit", "q"], "", "quit", Does::Act(Act::Quit)),
];

/// The commands that fit what is typed so far, the best first.
pub(crate) fn suggestions(typed: &str) -> Vec<&'static Command> {
    let word = typed.trim_start().split(' ').next().unwrap_or_default().to_lowercase();
    let rank = |command: &&'static Command| command.names.iter().filter_map(|name| fits(name, &word)).min();
    let mut found: Vec<_> = COMMANDS.iter().filter_map(|command| Some((rank(&command)?, command))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, command)| command).collect()
}

/// How well a name fits: the same, beginning so, or having the letters in this order; nothing if not.
fn fits(name: &str, word: &str) -> Option<usize> {
    if name == word {
        return Some(0);
    }
    if name.starts_with(word) {
        return Some(1);
    }
    let mut letters = name.chars();
    let within = word.chars().all(|c| letters.any(|letter| letter == c));
    // The shorter the name, the more of it was typed.
    within.then_some(2 + name.len())
}

/// What is typed with the command's name in full; nothing if it fits none.
pub(super) fn complete(typed: &str) -> Option<String> {
    let found = suggestions(typed).first()?.names[0];
    let rest = typed.trim_start().split_once(' ').map_or("", |(_, rest)| rest);
    Some(format!("{found} {rest}"))
}

/// Does what was typed.
pub(super) fn run(app: &mut App, typed: &str) -> Vec<Effect> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Vec::new();
    }
    let rest = typed.split_once(' ').map_or("", |(_, rest)| rest.trim());
    let Some(command) = suggestions(typed).into_iter().next() else {
        return refuse(app, format!("no command is called {}: ? shows the keys", fit(typed, 40)));
    };
    match command.does {
        Does::Act(what) => return act::act(app, what),
        Does::Tasks => {
            let effects = act::go_to(app, View::Tasks);
            act::set_filter(app, &words(rest));
            return effects.into_iter().chain(seek::search(app)).collect();
        }
        Does::Task => return open(app, rest),
        Does::Sort => match SortBy::named(rest) {
            Some(by) => act::sort_by(app, by),
            None => return refuse(app, names("sort by", SortBy::ALL.map(SortBy::word))),
        },
        Does::Columns if rest.is_empty() => act::columns(app),
        Does::Columns => {
            let named = rest.split([',', ' ']).filter(|word| !word.is_empty()).map(Column::named);
            match named.collect::<Option<Vec<_>>>() {
                Some(columns) => app.columns = Some(columns),
                None => return refuse(app, names("columns", Column::ALL.map(Column::word))),
            }
        }
        Does::Theme => match Palette::named(rest) {
            Some(palette) => {
                app.theme.palette = palette;
                app.chosen.theme = Some(rest.to_owned());
            }
            None => return refuse(app, names("theme", ["dark", "light", "16", "mono"])),
        },
        Does::Glyphs => match Glyphs::named(rest) {
            Some(glyphs) => {
                app.theme.glyphs = glyphs;
                app.chosen.glyphs = Some(rest.to_owned());
            }
            None => return refuse(app, names("glyphs", ["unicode", "ascii"])),
        },
        Does::Bell => match rest {
            "on" | "off" => {
                app.bell.off = rest == "off";
                app.chosen.bell = Some(rest == "on");
            }
            _ => return refuse(app, names("bell", ["on", "off"])),
        },
        Does::Bulk => return bulk(app, rest),
        Does::Export if rest.is_empty() || app.opened.is_some() => return errand::export(app),
        Does::Export => match Format::named(rest) {
            Some(format) => return errand::export_as(app, format),
            None => return refuse(app, names("export", Format::ALL.map(Format::word))),
        },
        Does::Fork if rest.is_empty() => return act::act(app, Act::Fork),
        Does::Fork => steer::fork(app, rest),
        Does::Erase => return steer::erase(app),
        Does::At => match point(rest, travel::end(app)) {
            Ok(point) => return travel::go(app, point),
            Err(why) => return refuse(app, why),
        },
    }
    Vec::new()
}

/// The words of a filter; a standing alone asks for that standing.
fn words(typed: &str) -> String {
    let word = |word: &str| match Standing::ALL.into_iter().any(|standing| standing.word() == word) {
        true => format!("status:{word}"),
        false => word.to_owned(),
    };
    typed.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// Opens the one task whose id has this in it, at its end rather than elsewhere.
fn open(app: &mut App, id: &str) -> Vec<Effect> {
    let wanted = id.trim_start_matches("run_").to_lowercase();
    if wanted.is_empty() {
        return refuse(app, "which task? :task 0083a0".to_owned());
    }
    let rows = || app.store.rows().map(|(_, row)| row);
    let at_end = rows().filter(|row| row.key.task.to_string().ends_with(&wanted));
    let mut found: Vec<_> = at_end.take(2).collect();
    if found.is_empty() {
        found = rows().filter(|row| row.key.task.to_string().contains(&wanted)).take(2).collect();
    }
    match found.as_slice() {
        [only] => {
            let at = app.store.address(only);
            at.map(|at| act::open_task(app, at)).unwrap_or_default()
        }
        [] => refuse(app, format!("no task known here has {} in its id", fit(&wanted, 40))),
        [one, other, ..] => {
            let both = format!("{} and {}", short(one.key.task), short(other.key.task));
            refuse(app, format!("{both} have {} in their id: type more of it", fit(&wanted, 40)))
        }
    }
}

/// Asks something of all that is listed.
fn bulk(app: &mut App, what: &str) -> Vec<Effect> {
    if app.alone {
        return refuse(app, "only one's own tasks are here: actions are for one at a time".to_owned());
    }
    let wanted = suggestions(what).into_iter().next().filter(|_| !what.is_empty());
    let does = match wanted.map(|command| command.does) {
        Some(Does::Act(
            act @ (Act::Abort | Act::Retry | Act::Rerun | Act::Delete | Act::Approve | Act::Reject),
        )) => act,
        _ => return refuse(app, names("bulk", ["abort", "retry", "rerun", "remove", "approve", "reject"])),
    };
    let effects = act::go_to(app, View::Tasks);
    app.marks.clear();
    app.marks.add(app.order.rows().iter().map(|at| app.store.row(*at).key));
    effects.into_iter().chain(act::act(app, does)).collect()
}

fn names<const N: usize>(what: &str, known: [&str; N]) -> String {
    format!("{what}: {}", known.join(", "))
}

fn refuse(app: &mut App, text: String) -> Vec<Effect> {
    app.say(Notice { at: app.now, tone: Tone::Warning, text, about: None });
    Vec::new()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_commands_have_a_name_in_common() {
        let mut known = HashSet::new();
        for name in COMMANDS.iter().flat_map(|command| command.names) {
            assert!(known.insert(name), "{name}");
        }
    }

    #[test]
    fn a_few_letters_suffice() {
        let first = |typed: &str| suggestions(typed).first().map(|command| command.names[0]);
        assert_eq!(first("workers"), Some("executors"));
        assert_eq!(first("ab"), Some("abort"));
        assert_eq!(first("dnl"), Some("download"), "letters in this order");
        assert_eq!(first("q"), Some("quit"));
        assert_eq!(first("xyz"), None);
        assert_eq!(complete("th light"), Some("theme light".to_owned()));
        assert_eq!(words("failed billing"), "status:failed billing");
    }

    #[test]
    fn every_command_is_written_down() {
        let told =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/dashboard.md")).unwrap();
        for Command { names, takes, help, .. } in COMMANDS {
            let also: Vec<_> = names[1..].iter().map(|name| format!("`{name}`")).collect();
            let (also, takes) = (also.join(" "), takes.replace('|', "\\|"));
            let row = format!("| `:{}` | {also} | {takes} | {help} |", names[0]);
            assert!(told.contains(&row), "docs/dashboard.md lacks:\n{row}");
        }
    }
}
