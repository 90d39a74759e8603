//! What a document can be set as.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a document can be set as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Pages to print or pass on.
    #[default]
    Pdf,
    /// One file for a browser.
    Html,
    /// Text for wikis, chats and version control.
    Markdown,
    /// A Word file, to go on writing.
    Docx,
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no format; there are pdf, html, markdown and docx")]
pub struct UnknownFormat(String);

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Pdf, Self::Html, Self::Markdown, Self::Docx];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Docx => "docx",
        }
    }

    /// What the names of such files end with, the point left out.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            other => other.name(),
        }
    }

    /// The media type of such files.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Html => "text/html; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// By its name or by how its files end.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_ascii_lowercase();
        let found = Self::ALL.into_iter().find(|format| format.name() == word || format.ending() == word);
        found.ok_or(UnknownFormat(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_known_by_its_words() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
            assert_eq!(format.ending().to_uppercase().parse(), Ok(format));
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
        let error = "word".parse::<Format>().unwrap_err().to_string();
        assert!(error.contains("docx"), "{error}");
    }
}
