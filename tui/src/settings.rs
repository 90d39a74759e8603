//! What is remembered from one time to the next.

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::app::{App, Column};
use crate::store::{Sort, SortBy};
use crate::theme::{Glyphs, Palette};

/// What is remembered from one time to the next: only what was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) theme: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) glyphs: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mouse: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bell: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sort: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    reversed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
}

impl Settings {
    /// Reads what was remembered. What this version does not know is passed over: nobody is kept out by
    /// a file that the program itself wrote.
    pub(crate) fn read(text: &str) -> Self {
        toml::from_str(text).unwrap_or_default()
    }

    /// Makes the dashboard as it was.
    pub(crate) fn apply(self, app: &mut App) {
        if let Some(palette) = self.theme.as_deref().and_then(Palette::named) {
            app.theme.palette = palette;
        }
        if let Some(glyphs) = self.glyphs.as_deref().and_then(Glyphs::named) {
            app.theme.glyphs = glyphs;
        }
        app.mouse = self.mouse.unwrap_or(app.mouse);
        app.bell.off = !self.bell.unwrap_or(true);
        if let Some(by) = self.sort.as_deref().and_then(SortBy::named) {
            app.sort = Sort { by, reversed: self.reversed };
        }
        if let Some(columns) = &self.columns {
            app.columns = Some(columns.iter().filter_map(|word| Column::named(word)).collect());
        }
        app.chosen = self;
    }

    /// What there is to remember.
    pub(crate) fn of(app: &App) -> Self {
        let chosen = app.sort != Sort::default();
        let words = |columns: &Vec<Column>| columns.iter().map(|column| column.word().to_owned()).collect();
        Self {
            sort: chosen.then(|| app.sort.by.word().to_owned()),
            reversed: chosen && app.sort.reversed,
            columns: app.columns.as_ref().map(words),
            ..app.chosen.clone()
        }
    }

    /// Writes them, whole or not at all. There is nothing worth saying if that fails: they are a
    /// convenience.
    pub(crate) fn write(&self, path: &Path) {
        let Ok(text) = toml::to_string(self) else { return };
        let Some(folder) = path.parent() else { return };
        if std::fs::create_dir_all(folder).is_err() {
            return;
        }
        if let Ok(mut file) = tempfile::NamedTempFile::new_in(folder)
            && file.write_all(text.as_bytes()).is_ok()
            && let Err(error) = file.persist(path)
        {
            tracing::warn!(%error, "the settings are not remembered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{press, sample};

    #[test]
    fn what_was_chosen_is_there_the_next_time() {
        let mut app = sample(120, 36);
        assert_eq!(Settings::of(&app), Settings::default(), "nothing was chosen");
        press(&mut app, &["s", "s", "S", "M", "c", "Enter", "Esc"]);
        press(&mut app, &[":", "t", "h", "e", "m", "e", " ", "l", "i", "g", "h", "t", "Enter"]);
        let text = toml::to_string(&Settings::of(&app)).unwrap();
        let mut next = sample(120, 36);
        Settings::read(&text).apply(&mut next);
        assert_eq!((next.sort, &next.columns, next.theme), (app.sort, &app.columns, app.theme));
        assert!(next.mouse);
        assert!(!next.columns.as_ref().unwrap().contains(&Column::Id));
    }

    #[test]
    fn whatever_lies_in_the_file_keeps_nobody_out() {
        assert_eq!(Settings::read("theme = 3\n[["), Settings::default());
        let mut app = sample(80, 24);
        Settings::read("theme = \"pink\"\nsort = \"luck\"\ncolumns = [\"id\", \"aura\"]\nnew = 1")
            .apply(&mut app);
        assert_eq!(app.columns, Some(vec![Column::Id]));
    }
}
