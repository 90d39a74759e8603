//! A document as data: what a report consists of, before it is typeset.
//!
//! The writer (the built-in analyst, a language model) fills these types; the typesetter draws
//! them. Every text in here is data, never markup: nothing in it can change how the document is
//! made. All types are plain serde, so that a document can cross a process border as JSON.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

use serde::{Deserialize, Serialize};

mod check;
mod clean;
mod format;

pub use check::{Fault, Faults, Limits, Problem};
pub use format::{Format, UnknownFormat};

/// A whole report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The title on the first page.
    pub title: String,
    /// One line under the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// Label and value pairs under the title: data source, period, prepared for, date.
    #[serde(default)]
    pub facts: Vec<(String, String)>,
    /// What a reader with one minute must know.
    pub summary: Vec<Block>,
    /// The body.
    pub sections: Vec<Section>,
    /// Every query that was run for the document, in order; printed as the last table.
    #[serde(default)]
    pub queries: Vec<QueryRecord>,
}

/// A headed part of the body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// What stands under it, in order.
    pub blocks: Vec<Block>,
}

/// One piece of content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Block {
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
    /// Large figures side by side, at most four in a row.
    KeyFigures {
        /// The figures.
        figures: Vec<KeyFigure>,
    },
    /// A table.
    Table(Table),
    /// A chart.
    Chart(Chart),
    /// A remark set apart: a caveat, a definition, how a figure was computed.
    Note {
        /// The text.
        text: String,
    },
}

/// One large figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFigure {
    /// What it measures.
    pub label: String,
    /// The figure as shown, unit included.
    pub value: String,
    /// The change against what it is compared with, as shown, such as `+4.2 % on Q3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Which way that is.
    #[serde(default)]
    pub trend: Trend,
}

/// The direction of a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// More than before.
    Up,
    /// Less than before.
    Down,
    /// As before, or nothing to compare with.
    #[default]
    Flat,
}

/// A table; every row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What the table shows.
    pub caption: String,
    /// The columns, left to right.
    pub columns: Vec<Column>,
    /// The rows, cells already formatted.
    pub rows: Vec<Vec<String>>,
    /// A last row of totals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Vec<String>>,
    /// A line under the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The heading.
    pub name: String,
    /// How its cells are aligned: figures to the right.
    #[serde(default)]
    pub align: Align,
}

/// Alignment of a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Text.
    #[default]
    Left,
    /// Figures.
    Right,
}

/// A chart; every series has as many values as there are labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// What the chart shows; the caption under it.
    pub caption: String,
    /// How it is drawn.
    pub kind: ChartKind,
    /// The categories or moments along the axis.
    pub labels: Vec<String>,
    /// One line or group of bars each.
    pub series: Vec<Series>,
    /// The unit of the values, such as `USD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// How a [`Chart`] is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// Upright bars, side by side for several series.
    Bars,
    /// Lying bars: for rankings with long labels.
    Ranking,
    /// Lines: for change over time.
    Line,
}

/// One series of a [`Chart`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its values; `None` is a gap.
    pub values: Vec<Option<f64>>,
}

/// A query that was run for the document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRecord {
    /// What it was asked for.
    pub purpose: String,
    /// The SQL as run.
    pub sql: String,
    /// How many rows it gave.
    pub rows: u64,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writers of documents, models among them, depend on this shape.
    const JSON: &str = r#"{
        "title": "Review",
        "facts": [["Source", "sales.csv"]],
        "summary": [{"key_figures": {"figures": [
            {"label": "Sales", "value": "1 200 USD", "change": "+4 %", "trend": "up"}
        ]}}],
        "sections": [{"heading": "Sales", "blocks": [
            {"paragraph": {"text": "They grew."}},
            {"bullets": {"items": ["North"]}},
            {"note": {"text": "Net of tax."}},
            {"table": {
                "caption": "By year",
                "columns": [{"name": "Year", "align": "left"}, {"name": "USD", "align": "right"}],
                "rows": [["2025", "1 150"], ["2026", "1 200"]],
                "total": ["Both", "2 350"]
            }},
            {"chart": {
                "caption": "By year",
                "kind": "bars",
                "labels": ["2025", "2026"],
                "series": [{"name": "Sales", "values": [1150.0, null]}],
                "unit": "USD"
            }}
        ]}],
        "queries": [{"purpose": "years", "sql": "select 1", "rows": 2, "millis": 3}]
    }"#;

    #[test]
    fn json_keeps_its_shape() {
        let document: Document = serde_json::from_str(JSON).unwrap();
        document.check(&Limits::default()).unwrap();
        let expected: serde_json::Value = serde_json::from_str(JSON).unwrap();
        assert_eq!(serde_json::to_value(&document).unwrap(), expected);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let json = JSON.replace("\"queries\"", "\"querries\"");
        let error = serde_json::from_str::<Document>(&json).unwrap_err().to_string();
        assert!(error.contains("querries"), "{error}");
    }
}
