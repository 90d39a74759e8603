//! Texts that come from outside, made safe once, where they enter.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::Checked;

/// Longest title, in characters.
pub const MAX_TITLE: usize = 200;

/// Longest step name, artifact name, error code or approval action, in characters.
pub const MAX_NAME: usize = 200;

/// Longest message (progress, error, reason), in characters.
pub const MAX_MESSAGE: usize = 2000;

/// Whether a character may reach a terminal, a page or a document: no controls (line feed and
/// tab are the caller's choice), no bidirectional overrides, nothing of zero width.
pub fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// One line of at most `max` characters, everything unsafe left out; line feeds and tabs become
/// spaces. A longer text ends with `…`.
pub fn line(text: &str, max: usize) -> String {
    let mut clean =
        text.chars().map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c }).filter(|c| is_plain(*c));
    let mut out: String = clean.by_ref().take(max).collect();
    if clean.next().is_some() {
        out.pop();
        out.push('…');
    }
    out
}

/// Running text: as [`line()`], but line feeds and tabs stay and nothing is cut.
pub fn block(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || is_plain(*c)).collect()
}

/// Why a text cannot be a title.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTitle {
    /// Nothing but white space.
    #[error("the title is empty; say in a few words what the task is for")]
    Empty,
    /// Longer than [`MAX_TITLE`].
    #[error("the title has {0} characters; at most {MAX_TITLE} are allowed")]
    TooLong(usize),
    /// Holds a control, bidirectional or zero-width character.
    #[error("the title has the unprintable character {0:?}; leave it out")]
    Character(char),
}

/// What a task is for, in a few words: 1 to 200 printable characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Title(Arc<str>);

impl Serialize for Title {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Title {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Checked(|text: &str| Self::new(text)))
    }
}

impl Title {
    /// Checks `text` and makes it a title.
    ///
    /// # Errors
    /// [`InvalidTitle`] for an empty or overlong text or one with unprintable characters.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidTitle> {
        let text = text.as_ref().trim_matches(' ');
        if text.is_empty() {
            return Err(InvalidTitle::Empty);
        }
        if let Some(c) = text.chars().find(|c| !is_plain(*c)) {
            return Err(InvalidTitle::Character(c));
        }
        let length = text.chars().count();
        if length > MAX_TITLE {
            return Err(InvalidTitle::TooLong(length));
        }
        Ok(Self(Arc::from(text)))
    }

    /// What stands in for the title of an erased task.
    pub fn erased() -> Self {
        Self(Arc::from("(erased)"))
    }

    /// The title as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl TryFrom<String> for Title {
    type Error = InvalidTitle;
    fn try_from(text: String) -> Result<Self, InvalidTitle> {
        Self::new(text)
    }
}

impl From<Title> for String {
    fn from(title: Title) -> String {
        title.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_characters_do_not_pass() {
        assert_eq!(line("a\x1b[31m\u{202E}b\nc\0", 50), "a[31mb c");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(block("a\n\tb\u{200B}\x07"), "a\n\tb");
        assert!(Title::new("a\u{202E}b").is_err());
        assert!(Title::new("  ").is_err());
        assert!(Title::new("x".repeat(201)).is_err());
        assert_eq!(Title::new(" Q3 review ").unwrap().as_str(), "Q3 review");
    }

    proptest! {
        #[test]
        fn a_cleaned_line_is_plain_and_short(text in "\\PC{0,30}[\\x00-\\x1f\\u{202A}-\\u{202E}]{0,5}.{0,30}", max in 1_usize..40) {
            let out = line(&text, max);
            prop_assert!(out.chars().all(is_plain));
            prop_assert!(out.chars().count() <= max);
        }
    }
}
