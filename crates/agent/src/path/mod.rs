//! Which way a request goes: answered at once from what a conversation knows, or as a task of its own.
//!
//! The choice is pure, and data: with its reason it can be recorded, shown and overruled.

mod at_hand;
mod reason;
mod words;

use longhaul_document::Format;
use serde::{Deserialize, Serialize};

pub use self::at_hand::AtHand;
pub use self::reason::UnknownPath;
pub(crate) use self::reason::wish;
use self::words::Heard;

/// A way that a request can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// Answered inline, from what is at hand.
    Fast,
    /// As a task, with queries of its own.
    Slow,
}

/// Who chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// These rules.
    Rules,
    /// The person who asks.
    Person,
    /// The model that was to answer.
    Model,
}

/// A choice, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The way.
    pub path: Path,
    /// Why.
    pub reason: Reason,
    /// Who chose.
    pub by: By,
}

/// Why a request goes its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The person said so.
    ToldSo,
    /// It is about nothing in the data: a greeting, thanks, a question about how this works.
    Talk,
    /// It points back at something, and there is nothing yet.
    NothingAtHand,
    /// It wants what is at hand in another format.
    Exports {
        /// Which, where it is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<Format>,
    },
    /// It wants what is at hand in fewer words.
    Summarises,
    /// It wants what is at hand in another form.
    Reshapes,
    /// All that it asks about is at hand.
    AsksOfWhatIsKnown {
        /// The words of it that say what it is about.
        words: Vec<String>,
    },
    /// It asks for a document, and not all for it is at hand.
    AsksForDocument {
        /// The word that says so.
        word: String,
    },
    /// It asks about what is not at hand.
    NeedsAnalysis {
        /// The words of it that nothing at hand speaks of.
        missing: Vec<String>,
    },
    /// The model that was to answer found that what is at hand does not do.
    ModelNeedsData,
}

/// Chooses the way of a request in a conversation; `told` is what the person said about it, if anything.
#[must_use]
pub fn choose(request: &str, at_hand: &AtHand, told: Option<Path>) -> Choice {
    if let Some(path) = told {
        return Choice { path, reason: Reason::ToldSo, by: By::Person };
    }
    let (path, reason) = judged(&Heard::new(request), at_hand);
    Choice { path, reason, by: By::Rules }
}

fn judged(heard: &Heard, at_hand: &AtHand) -> (Path, Reason) {
    let missing: Vec<String> =
        heard.subjects.iter().filter(|word| !at_hand.speaks_of(word)).cloned().collect();
    // Fresh figures, another look, a reason why: rows that were read do not hold them.
    let known = missing.is_empty() && heard.fresh.is_none();
    let points = heard.points_back || heard.subjects.is_empty();
    if let Some(change) = heard.change.clone().filter(|_| points && known) {
        return if at_hand.is_empty() { (Path::Fast, Reason::NothingAtHand) } else { (Path::Fast, change) };
    }
    if heard.subjects.is_empty() && heard.document.is_none() && heard.fresh.is_none() {
        return match (heard.points_back, at_hand.is_empty()) {
            (true, true) => (Path::Fast, Reason::NothingAtHand),
            (true, false) => (Path::Fast, Reason::AsksOfWhatIsKnown { words: Vec::new() }),
            (false, _) => (Path::Fast, Reason::Talk),
        };
    }
    let asks_of_known = known && !at_hand.is_empty() && (heard.points_back || !heard.subjects.is_empty());
    if asks_of_known {
        return (Path::Fast, Reason::AsksOfWhatIsKnown { words: heard.subjects.clone() });
    }
    if let Some(word) = heard.document.clone() {
        return (Path::Slow, Reason::AsksForDocument { word });
    }
    let missing = if missing.is_empty() { heard.fresh.iter().cloned().collect() } else { missing };
    (Path::Slow, Reason::NeedsAnalysis { missing })
}
