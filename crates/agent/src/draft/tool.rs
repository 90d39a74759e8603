//! The tools by which a model hands in its report.

use longhaul_model::Tool;
use serde_json::{Value, json};

/// The tool by which a model hands in its report, and ends its work.
pub const WRITE_REPORT: &str = "write_report";

/// The tool by which a model writes one section of it, and goes on.
pub const WRITE_SECTION: &str = "write_section";

/// How both fill what they show.
const FILLED: &str = "Tables, charts and large figures are filled from the rows of the queries you ran: name the \
                      query and its columns, never type rows. If something does not fit you are told what, and hand \
                      it in again.";

/// Both, for a model that works its way through a report.
#[must_use]
pub fn tools() -> [Tool; 2] {
    [section(), tool()]
}

fn section() -> Tool {
    Tool {
        name: WRITE_SECTION.to_owned(),
        description: format!(
            "Writes one section of the report; what is written is kept. One of the same heading takes its place. {FILLED}"
        ),
        parameters: json!({
            "type": "object",
            "properties": {"heading": text("the heading"), "parts": parts("what stands under it, in order")},
            "required": ["heading", "parts"]
        }),
    }
}

/// What a model is told of [`WRITE_REPORT`]. One flat shape for all kinds of parts: not every provider reads
/// schemas that offer alternatives.
#[must_use]
pub fn tool() -> Tool {
    Tool {
        name: WRITE_REPORT.to_owned(),
        description: format!(
            "Hands in the finished report; this ends the work. Sections that were written already stand first and are \
             not handed in again. {FILLED}"
        ),
        parameters: json!({
            "type": "object",
            "properties": {
                "title": text("says what the report is about, in a few words"),
                "subtitle": text("one line under the title: the period, the scope"),
                "summary": parts("what a reader with one minute must know: figures, then bullets"),
                "sections": {
                    "type": "array",
                    "description": "what was not written by write_section",
                    "items": {
                        "type": "object",
                        "properties": {"heading": text("the heading"), "parts": parts("what stands under it, in order")},
                        "required": ["heading", "parts"]
                    }
                }
            },
            "required": ["title", "summary"]
        }),
    }
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn number(description: &str) -> Value {
    json!({"type": "integer", "minimum": 1, "description": description})
}

fn parts(description: &str) -> Value {
    json!({
        "type": "array",
        "description": description,
        "items": {
            "type": "object",
            "properties": {
                "kind": {
                    "type": "string",
                    "enum": ["paragraph", "bullets", "note", "figures", "table", "chart"],
                    "description": "paragraph and note have text; bullets have items; figures have figures; \
                                    table has query, caption, and if wished columns and top; chart has query, \
                                    caption, chart, label, values, and if wished top and unit"
                },
                "text": text("of a paragraph or note: plain text, no markup"),
                "items": {"type": "array", "items": {"type": "string"}, "description": "of bullets"},
                "figures": {
                    "type": "array",
                    "description": "at most four large figures, each one cell of a query's rows",
                    "items": {
                        "type": "object",
                        "properties": {
                            "label": text("what it measures"),
                            "query": number("the query's number"),
                            "column": text("the column's name, as the query gave it"),
                            "row": number("the row, counted from 1; 1 if left out"),
                            "unit": text("what stands after it, such as USD")
                        },
                        "required": ["label", "query", "column"]
                    }
                },
                "query": number("of a table or chart: the query's number"),
                "caption": text("of a table or chart: what it shows"),
                "columns": {
                    "type": "array", "items": {"type": "string"},
                    "description": "of a table: the query's columns to show, in order; all if left out"
                },
                "chart": {
                    "type": "string", "enum": ["bars", "ranking", "line"],
                    "description": "ranking for groups by size, line for change over time, bars otherwise"
                },
                "label": text("of a chart: the column of the labels"),
                "values": {
                    "type": "array", "items": {"type": "string"},
                    "description": "of a chart: the columns of numbers, one series each"
                },
                "top": number("of a table or chart: only the first so many rows"),
                "unit": text("of a chart: the unit of the values")
            },
            "required": ["kind"]
        }
    })
}
