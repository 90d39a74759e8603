//! The keys in force: the table, with what a file of one's own puts in place of it.

use std::collections::{BTreeMap, HashMap};

use ratatui::crossterm::event::KeyEvent;
use serde::Deserialize;

use crate::app::View;

use super::table::{Line, TABLE};
use super::{Act, Context, Scope, name};

/// What some keys do somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Bind {
    pub(crate) act: Act,
    /// Names of keys; none: only a command does it.
    pub(crate) keys: Vec<String>,
    scope: Scope,
    /// A word or two for the footer; empty: not there.
    pub(crate) hint: &'static str,
    /// A line for the help.
    pub(crate) help: &'static str,
}

/// Why a file of keys is not taken. None of it is then: half a table is worse than the one that is
/// known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadKeys {
    #[error("it is no table of keys: {0}")]
    Malformed(String),
    #[error("nothing is called {name:?}; there are {known}")]
    UnknownAct { name: String, known: String },
    #[error("{key:?}, for {act}, is the name of no key; write it like x, C-d, M-a, F5, Enter, Space, PgUp")]
    UnknownKey { act: String, key: String },
    #[error("{key} would mean both {one} and {other}")]
    Clash { key: String, one: &'static str, other: &'static str },
    #[error("no key would be left to {0}")]
    NoWayOut(&'static str),
}

/// One key, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    One(String),
    Several(Vec<String>),
}

/// The keys in force.
#[derive(Debug, Clone)]
pub(crate) struct Keymap {
    binds: Vec<Bind>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::of(|line| line.keys.iter().map(|key| (*key).to_owned()).collect())
    }
}

impl Keymap {
    fn of(mut keys: impl FnMut(&Line) -> Vec<String>) -> Self {
        let bind = |line: &Line| Bind {
            act: line.act,
            keys: keys(line),
            scope: line.scope,
            hint: line.hint,
            help: line.help,
        };
        Self { binds: TABLE.iter().map(bind).collect() }
    }

    /// The table with a file's keys in place of its own:
    ///
    /// ```toml
    /// abort = "X"
    /// approve = ["a", "F2"]
    /// ```
    ///
    /// # Errors
    /// [`BadKeys`] if a name is unknown, if a key would mean two things in one place, or if there would
    /// be no way out of one.
    pub(crate) fn read(text: &str) -> Result<Self, BadKeys> {
        let malformed = |error: toml::de::Error| BadKeys::Malformed(crate::text::fit(error.message(), 200));
        let given: BTreeMap<String, Given> = toml::from_str(text).map_err(malformed)?;
        let mut own: HashMap<String, Vec<String>> = HashMap::new();
        for (act, keys) in given {
            if !TABLE.iter().any(|line| line.name == act) {
                let known: Vec<_> = TABLE.iter().map(|line| line.name).collect();
                return Err(BadKeys::UnknownAct { name: act, known: known.join(", ") });
            }
            let keys = match keys {
                Given::One(key) => vec![key],
                Given::Several(keys) => keys,
            };
            if let Some(key) = keys.iter().find(|key| !is_key(key)) {
                return Err(BadKeys::UnknownKey { act, key: key.clone() });
            }
            own.insert(act, keys);
        }
        let map = Self::of(|line| match own.get(line.name) {
            Some(keys) => keys.clone(),
            None => line.keys.iter().map(|key| (*key).to_owned()).collect(),
        });
        map.check()?;
        Ok(map)
    }

    fn check(&self) -> Result<(), BadKeys> {
        for context in View::ALL.into_iter().map(Context::List).chain([Context::Task]) {
            let acts: Vec<Act> = self.taken(context)?.values().map(|bind| bind.act).collect();
            if !acts.iter().any(|act| matches!(act, Act::Quit | Act::QuitNow)) {
                return Err(BadKeys::NoWayOut("quit"));
            }
            if !acts.contains(&Act::Back) {
                return Err(BadKeys::NoWayOut("go back"));
            }
        }
        // In the past its own keys go before those of the view; the way out is the view's.
        self.taken(Context::Past).map(drop)
    }

    /// Which keys mean something in a context; none may mean two things.
    fn taken(&self, context: Context) -> Result<HashMap<&str, &Bind>, BadKeys> {
        let mut taken: HashMap<&str, &Bind> = HashMap::new();
        for bind in self.bindings(context) {
            for key in &bind.keys {
                if let Some(before) = taken.insert(key, bind).filter(|before| before.act != bind.act) {
                    let (one, other) = (before.help, bind.help);
                    return Err(BadKeys::Clash { key: key.clone(), one, other });
                }
            }
        }
        Ok(taken)
    }

    /// What a key does in a context.
    pub(crate) fn act(&self, context: Context, key: &KeyEvent) -> Option<Act> {
        let name = name(key)?;
        self.bindings(context).find(|bind| bind.keys.contains(&name)).map(|bind| bind.act)
    }

    /// What works in a context, in the order of the table.
    pub(crate) fn bindings(&self, context: Context) -> impl Iterator<Item = &Bind> {
        self.binds.iter().filter(move |bind| bind.scope.covers(context))
    }
}

/// Whether a name is one that [`name`] gives.
fn is_key(text: &str) -> bool {
    const NAMED: [&str; 15] = [
        "Space",
        "Enter",
        "Esc",
        "Tab",
        "Up",
        "Down",
        "Left",
        "Right",
        "PgUp",
        "PgDn",
        "Home",
        "End",
        "Del",
        "Backspace",
        "S-Tab",
    ];
    let plain = text.strip_prefix("C-").or_else(|| text.strip_prefix("M-")).unwrap_or(text);
    let function = plain.strip_prefix('F').and_then(|n| n.parse::<u8>().ok());
    let one = plain.chars().count() == 1 && plain.chars().all(|c| !c.is_whitespace() && !c.is_control());
    one || NAMED.contains(&plain) || function.is_some_and(|n| (1..=24).contains(&n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_itself_is_sound() {
        assert_eq!(Keymap::default().check(), Ok(()));
        for line in TABLE {
            assert!(line.keys.iter().all(|key| is_key(key)), "{:?}", line.keys);
        }
    }

    #[test]
    fn a_file_changes_only_what_it_names() {
        let map = Keymap::read("abort = \"X\"\napprove = [\"a\", \"F2\"]\n").unwrap();
        let at = |key: &str| map.act(Context::Task, &crate::testing::key(key));
        assert_eq!(
            (at("X"), at("x"), at("a"), at("R")),
            (Some(Act::Abort), None, Some(Act::Approve), Some(Act::Retry))
        );
        assert!(Keymap::read("").is_ok());
    }

    #[test]
    fn what_would_lock_one_in_or_mean_two_things_is_refused() {
        let why = |text: &str| Keymap::read(text).unwrap_err().to_string();
        assert_eq!(
            why("abort = \"a\""),
            "a would mean both approve what a task asks for and stop at the next checkpoint"
        );
        assert_eq!(why("quit = []\nquit-now = []"), "no key would be left to quit");
        assert!(why("escape = []\nclose = []\nback = []").contains("go back"));
        assert!(why("fly = \"f\"").starts_with("nothing is called \"fly\""));
        assert!(why("abort = \"Ctrl+x\"").contains("is the name of no key"));
        assert!(why("abort = 3").starts_with("it is no table of keys"));
    }

    #[test]
    fn every_key_is_written_down() {
        let told =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/dashboard.md")).unwrap();
        for line in TABLE {
            let keys: Vec<_> = line.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
            let row = format!("| {} | `{}` | {} |", keys.join(" "), line.name, line.help);
            assert!(told.contains(&row), "docs/dashboard.md lacks:\n{row}");
        }
    }
}
