//! What a conversation remembers.
//!
//! Each of its tasks gives, as a member of its output, what it adds ([`Memory`]). Merged in the order in
//! which they were submitted that is what the conversation knows, and the input of its next task: so
//! nobody but the log keeps conversations, and a handler needs no way to other tasks.

mod told;

use longhaul_document::{Block, Document};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::told::known;
use crate::analyst::format::cut;
use crate::data::Source;
use crate::draft::Kept;
use crate::path::AtHand;

/// Turns that are remembered, the newest.
const TURNS: usize = 20;
/// Characters of each side of a turn.
const TURN: usize = 2_000;
/// Rows of an answer.
const ROWS: usize = 200;
/// Bytes of all answers together: beyond it the oldest are forgotten.
const ANSWERS: usize = 256 * 1024;
/// Bytes of a document that is remembered.
const DOCUMENT: usize = 1024 * 1024;
/// Files that are remembered, the newest.
const FILES: usize = 20;

/// What a conversation remembers, or what one of its tasks adds to that.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// The data that was spoken of last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Source>,
    /// What was said, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// The rows that were read, the oldest first; each query once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Kept>,
    /// The last document that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Document>,
    /// The names of the files that were made, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// Something that was asked, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// By the person.
    pub asked: String,
    /// To the person.
    pub answered: String,
}

impl Memory {
    /// What is remembered once a later task has added its own.
    #[must_use]
    pub fn merge(mut self, later: Self) -> Self {
        self.answers.retain(|known| !later.answers.iter().any(|new| is_same(new, known)));
        self.answers.extend(later.answers);
        self.turns.extend(later.turns);
        self.files.retain(|name| !later.files.contains(name));
        self.files.extend(later.files);
        Self { data: later.data.or(self.data), document: later.document.or(self.document), ..self }.bounded()
    }

    /// The same within bounds: the newest of everything.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        newest(&mut self.turns, TURNS);
        for turn in &mut self.turns {
            turn.asked = cut(&turn.asked, TURN);
            turn.answered = cut(&turn.answered, TURN);
        }
        for answer in &mut self.answers {
            answer.rows.truncated |= answer.rows.rows.len() > ROWS;
            answer.rows.rows.truncate(ROWS);
        }
        let mut room = ANSWERS;
        let fits = |answer: &&Kept| {
            let size = serde_json::to_vec(answer).map_or(usize::MAX, |json| json.len());
            let fits = size <= room;
            room = if fits { room - size } else { 0 };
            fits
        };
        let fitting = self.answers.iter().rev().take_while(fits).count();
        newest(&mut self.answers, fitting);
        let small =
            |document: &Document| serde_json::to_vec(document).is_ok_and(|json| json.len() <= DOCUMENT);
        self.document = self.document.filter(small);
        newest(&mut self.files, FILES);
        self
    }

    /// What of it can be asked about without new queries.
    #[must_use]
    pub fn at_hand(&self) -> AtHand {
        let mut at_hand = AtHand::default();
        if let Some(document) = &self.document {
            at_hand = at_hand.with(texts(document));
        }
        for answer in &self.answers {
            let cells = answer.rows.rows.iter().flatten().filter_map(Value::as_str);
            let columns = answer.rows.columns.iter().map(String::as_str);
            at_hand = at_hand.with([answer.purpose.as_str()].into_iter().chain(columns).chain(cells));
        }
        at_hand
    }

    /// A turn more.
    #[must_use]
    pub(crate) fn said(mut self, asked: &str, answered: &str) -> Self {
        self.turns.push(Turn { asked: asked.to_owned(), answered: answered.to_owned() });
        self
    }
}

/// Whether two answers are of the same query over the same columns.
fn is_same(one: &Kept, other: &Kept) -> bool {
    one.sql.trim() == other.sql.trim() && one.rows.columns == other.rows.columns
}

fn newest<T>(all: &mut Vec<T>, most: usize) {
    all.drain(..all.len().saturating_sub(most));
}

/// What a document speaks of: what was asked for, its headings, and what its tables and charts show.
fn texts(document: &Document) -> Vec<&str> {
    let mut texts = vec![document.title.as_str()];
    texts.extend(document.subtitle.as_deref());
    // The words of the request, which the data may not have.
    texts.extend(document.facts.iter().map(|(_, value)| value.as_str()));
    let body = document.sections.iter().flat_map(|section| &section.blocks);
    for block in document.summary.iter().chain(body) {
        match block {
            Block::Table(table) => {
                texts.push(&table.caption);
                texts.extend(table.columns.iter().map(|column| column.name.as_str()));
                texts.extend(table.rows.iter().flatten().map(String::as_str));
            }
            Block::Chart(chart) => texts.push(&chart.caption),
            Block::KeyFigures { figures } => texts.extend(figures.iter().map(|one| one.label.as_str())),
            Block::Paragraph { .. } | Block::Bullets { .. } | Block::Note { .. } => {}
        }
    }
    texts.extend(document.sections.iter().map(|section| section.heading.as_str()));
    texts
}

#[cfg(test)]
mod tests;
