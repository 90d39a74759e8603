//! What is listed, as text for other programs.

use std::fmt::Write as _;

use longhaul_core::Timestamp;
use serde_json::{Value, json};

use crate::app::App;
use crate::store::Row;

/// As what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON document a line.
    Ndjson,
    /// One JSON array.
    Json,
    /// A table with a heading.
    Csv,
}

impl Format {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Ndjson, Self::Json, Self::Csv];

    /// Its name, and how such a file ends.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    /// The format of that name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// The names of what is said of a task, in the order of a table.
const FIELDS: [&str; 20] = [
    "org",
    "task",
    "user",
    "conversation",
    "kind",
    "title",
    "status",
    "standing",
    "note",
    "waits",
    "step",
    "fraction",
    "attempt",
    "run",
    "tokens",
    "artifacts",
    "submitted_at",
    "started_at",
    "ended_at",
    "sequence",
];

/// Longest text in a cell, in characters.
const LONGEST: usize = 2000;

/// Tasks in the order in which they are listed.
pub(crate) fn tasks(app: &App, rows: &[u32], format: Format) -> String {
    let all = rows.iter().map(|at| values(app, app.store.row(*at)));
    let object = |values: [Value; FIELDS.len()]| {
        FIELDS.iter().map(|name| (*name).to_owned()).zip(values).collect::<serde_json::Map<_, _>>()
    };
    let mut out = String::new();
    match format {
        Format::Ndjson => {
            for values in all {
                // Writing to a string does not fail.
                let _ = writeln!(out, "{}", Value::Object(object(values)));
            }
        }
        Format::Json => {
            let all: Vec<Value> = all.map(|values| Value::Object(object(values))).collect();
            let _ = writeln!(out, "{:#}", Value::Array(all));
        }
        Format::Csv => {
            out.push_str(&FIELDS.join(","));
            out.push('\n');
            for values in all {
                let cells: Vec<String> = values.iter().map(cell).collect();
                out.push_str(&cells.join(","));
                out.push('\n');
            }
        }
    }
    out
}

fn values(app: &App, row: &Row) -> [Value; FIELDS.len()] {
    let store = &app.store;
    // A file may end up on a terminal.
    let clean = |text: &str| json!(longhaul_core::text::line(text, LONGEST));
    let name = |sym| match store.name(sym) {
        "" => Value::Null,
        text => clean(text),
    };
    let time = |at: Option<Timestamp>| at.map_or(Value::Null, |at| json!(at.to_string()));
    [
        name(row.key.org),
        json!(row.key.task.to_string()),
        name(row.user),
        name(row.conversation),
        name(row.kind),
        clean(row.title.as_str()),
        json!(row.status.as_str()),
        json!(row.standing().word()),
        clean(&row.note),
        store.waiting(row.key).map_or(Value::Null, |waiting| clean(&waiting.to_string())),
        name(row.step),
        row.fraction.map_or(Value::Null, |part| json!(f64::from(part) / 1000.0)),
        json!(row.attempt),
        json!(row.run),
        json!(row.tokens),
        json!(row.artifacts),
        time(Some(row.submitted_at)),
        time(row.started_at),
        time(row.ended_at),
        json!(row.sequence.0),
    ]
}

/// A cell of a table. Text that a spreadsheet would take for a formula gets a quote before it: what a
/// task is called must not be able to run anything.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.as_str(),
        other => return other.to_string(),
    };
    let formula = text.starts_with(['=', '+', '-', '@']);
    let quoted = formula || text.contains(['"', ',', '\n', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample;

    #[test]
    fn every_format_has_every_task_that_is_listed() {
        let app = sample(80, 24);
        let rows = app.order.rows();
        let lines = tasks(&app, rows, Format::Ndjson);
        let read: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let whole: Vec<Value> = serde_json::from_str(&tasks(&app, rows, Format::Json)).unwrap();
        assert_eq!(read, whole);
        assert_eq!(read.len(), rows.len());
        assert_eq!(read[0]["task"], json!(app.store.row(rows[0]).key.task.to_string()));
        let table = tasks(&app, rows, Format::Csv);
        assert_eq!(table.lines().count(), rows.len() + 1);
        assert!(table.starts_with("org,task,user"));
    }

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(cell(&json!("=HYPERLINK(\"x\")")), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(cell(&json!("a,b")), "\"a,b\"");
        assert_eq!(cell(&json!("plain")), "plain");
        assert_eq!(cell(&json!(-3)), "-3");
        assert_eq!(cell(&Value::Null), "");
    }
}
