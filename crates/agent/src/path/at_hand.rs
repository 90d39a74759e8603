//! What a conversation has at hand.

use std::collections::BTreeSet;

use super::words::{alike, subject};
use crate::words::words;

/// What a conversation has at hand: the words that its documents and answers speak of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtHand {
    pieces: usize,
    words: BTreeSet<String>,
}

impl AtHand {
    /// With one thing more: a document by its title and headings, an answer by its purpose, its columns and
    /// the texts in its rows.
    #[must_use]
    pub fn with<S: AsRef<str>>(mut self, texts: impl IntoIterator<Item = S>) -> Self {
        self.pieces += 1;
        for text in texts {
            self.words.extend(words(text.as_ref()).iter().map(|word| subject(word)));
        }
        self
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces == 0
    }

    /// Whether something at hand speaks of a word, or of one that a slip of the finger makes of it.
    #[must_use]
    pub fn speaks_of(&self, word: &str) -> bool {
        self.words.contains(word) || self.words.iter().any(|known| alike(known, word))
    }
}
