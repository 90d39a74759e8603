//! Ways and reasons in words.

use std::fmt;
use std::str::FromStr;

use longhaul_document::Format;

use super::words::Heard;
use super::{Choice, Path, Reason};
use crate::analyst::format::list;
use crate::words::words;

/// Words of a request that are named in a reason.
const NAMED: usize = 6;

impl Path {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Slow => "slow",
        }
    }
}

impl FromStr for Path {
    type Err = UnknownPath;

    fn from_str(text: &str) -> Result<Self, UnknownPath> {
        match text {
            "fast" => Ok(Self::Fast),
            "slow" => Ok(Self::Slow),
            other => Err(UnknownPath(other.to_owned())),
        }
    }
}

/// A word that names no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no path; there are fast (answered at once) and slow (as a task)")]
pub struct UnknownPath(String);

impl Reason {
    /// The word for it, as labels have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ToldSo => "told_so",
            Self::Talk => "talk",
            Self::NothingAtHand => "nothing_at_hand",
            Self::Exports { .. } => "exports",
            Self::Summarises => "summarises",
            Self::Reshapes => "reshapes",
            Self::AsksOfWhatIsKnown { .. } => "asks_of_what_is_known",
            Self::AsksForDocument { .. } => "asks_for_document",
            Self::NeedsAnalysis { .. } => "needs_analysis",
            Self::ModelNeedsData => "model_needs_data",
        }
    }
}

/// Half a sentence, after "because".
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |words: &[String]| list(&words[..words.len().min(NAMED)]);
        match self {
            Self::ToldSo => f.write_str("you said so"),
            Self::Talk => f.write_str("it asks for no figures"),
            Self::NothingAtHand => f.write_str("it points back, and nothing is at hand yet"),
            Self::Exports { format: Some(format) } => write!(f, "it wants what is at hand as {format}"),
            Self::Exports { format: None } => f.write_str("it wants what is at hand as a file"),
            Self::Summarises => f.write_str("it wants what is at hand in fewer words"),
            Self::Reshapes => f.write_str("it wants what is at hand in another form"),
            Self::AsksOfWhatIsKnown { words } if words.is_empty() => {
                f.write_str("it asks about what is at hand")
            }
            Self::AsksOfWhatIsKnown { words } => write!(f, "what it asks about is at hand: {}", named(words)),
            Self::AsksForDocument { word } => write!(f, "it asks for a document ({word})"),
            Self::NeedsAnalysis { missing } if missing.is_empty() => f.write_str("it needs new figures"),
            Self::NeedsAnalysis { missing } => {
                write!(f, "it asks for more than is at hand: {}", named(missing))
            }
            Self::ModelNeedsData => f.write_str("the model needs more than is at hand"),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.name(), self.reason)
    }
}

/// What a request says about the file it wants, whichever way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    /// It wants a document.
    pub(crate) document: bool,
    /// It names a format.
    pub(crate) format: Option<Format>,
}

/// Reads the wish of a request.
pub(crate) fn wish(request: &str) -> Wish {
    let heard = Heard::new(request);
    let exported = match heard.change {
        Some(Reason::Exports { format }) => format,
        _ => None,
    };
    let format = exported.or_else(|| words(request).iter().find_map(|word| word.parse().ok()));
    Wish { document: heard.document.is_some() || format.is_some(), format }
}
