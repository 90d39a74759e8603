//! A report as a language model writes it: words of its own, and for every table, chart and large figure
//! the query that it comes from.
//!
//! The figures themselves are filled in by [`assemble`], from the recorded rows. So a model can choose
//! what is shown, but not what it says.

mod assemble;
mod cells;
mod prose;
mod tool;
mod unfinished;

use serde::{Deserialize, Serialize};

pub use self::assemble::assemble;
pub use self::tool::{WRITE_REPORT, WRITE_SECTION, tool, tools};
pub(crate) use self::unfinished::{of_rows, unfinished};
use crate::data::Rows;
pub use longhaul_document::ChartKind;

/// A query that was answered, and is kept for the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// What it was asked for.
    pub purpose: String,
    /// The statement.
    pub sql: String,
    /// The answer.
    pub rows: Rows,
}

/// A report as it is written: the arguments of the tool [`WRITE_REPORT`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The title.
    pub title: String,
    /// One line under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// What a reader with one minute must know.
    pub summary: Vec<Part>,
    /// The body; what was written one by one stands before it.
    #[serde(default)]
    pub sections: Vec<Chapter>,
}

impl Draft {
    /// A report with a title and nothing in it.
    pub(crate) fn named(title: &str) -> Self {
        Self { title: title.to_owned(), subtitle: None, summary: Vec::new(), sections: Vec::new() }
    }
}

/// A headed part of the body: the arguments of the tool [`WRITE_SECTION`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// The heading.
    pub heading: String,
    /// What stands under it.
    pub parts: Vec<Part>,
}

/// One piece of content. Queries are named by their numbers, counted from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Part {
    /// Running text.
    Paragraph {
        /// The text.
        text: String,
    },
    /// A bulleted list.
    Bullets {
        /// One text per bullet.
        items: Vec<String>,
    },
    /// A remark set apart.
    Note {
        /// The text.
        text: String,
    },
    /// Large figures side by side.
    Figures {
        /// The figures.
        figures: Vec<Pick>,
    },
    /// A table of a query's rows.
    Table {
        /// The query.
        query: usize,
        /// What it shows.
        caption: String,
        /// Its columns, left to right; all of the query's if nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
        /// How many rows at most, from the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        top: Option<usize>,
    },
    /// A chart of a query's rows.
    Chart {
        /// The query.
        query: usize,
        /// What it shows.
        caption: String,
        /// How it is drawn.
        chart: ChartKind,
        /// The column of the labels.
        label: String,
        /// The columns of the values, one series each.
        values: Vec<String>,
        /// How many rows at most, from the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        top: Option<usize>,
        /// The unit of the values.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
    },
}

/// A large figure: one cell of a query's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// What it measures.
    pub label: String,
    /// The query.
    pub query: usize,
    /// The column.
    pub column: String,
    /// The row, counted from 1.
    #[serde(default = "first")]
    pub row: usize,
    /// What stands after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

fn first() -> usize {
    1
}

/// Why a draft is no report, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Fault {
    /// The path in the draft's JSON, such as `sections[2].parts[0]`.
    pub place: String,
    /// What is wrong there, and what would be right.
    pub problem: String,
}

impl Fault {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}
