//! What a conversation with a model begins with.

use std::fmt::Write as _;

use jiff::civil::Date;
use longhaul_model::Tool;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::Table;
use crate::draft;
use crate::tools::Tools;

/// What a conversation begins with: all that its system prompt is made of. Recorded, so that a later run
/// goes on with the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// The model, as tasks name it.
    pub(crate) model: String,
    /// The day.
    pub(crate) day: Date,
    /// The data set's name.
    pub(crate) source: String,
    /// Its tables, one a line.
    pub(crate) tables: String,
    /// Its whole description, as `get_schema` answers.
    pub(crate) schema: Value,
    /// The skills at hand, one a line.
    pub(crate) skills: String,
    /// How many queries may be run.
    pub(crate) queries: u32,
    /// What the model may call.
    pub(crate) tools: Vec<Tool>,
    /// How many tokens the model can read, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<u64>,
}

/// Bytes of the tables in the system prompt; `get_schema` tells of the rest.
const TABLES: usize = 12 * 1024;
/// Bytes of the skills in it.
const SKILLS: usize = 8 * 1024;

const REPORT: &str = include_str!("../prompts/report.md");

impl Opening {
    pub(crate) fn new(model: String, day: Date, tools: &Tools, queries: u32) -> Self {
        let (schema, skills) = (tools.get_schema(), tools.skills());
        let told = skills.iter().map(|skill| format!("- {}: {}", skill.name, skill.description));
        Self {
            model,
            day,
            source: schema.source.clone(),
            tables: first_lines(schema.tables.iter().map(line), TABLES),
            schema: serde_json::to_value(schema).unwrap_or_default(),
            skills: first_lines(told, SKILLS),
            queries,
            tools: callable(tools),
            context: None,
        }
    }

    /// What the model is told before all else.
    pub(crate) fn system(&self) -> String {
        format!(
            "{REPORT}\nToday is {}. You have {} queries.\n\nThe data set {:?} has these tables:\n{}\n\nSkills:\n{}\n",
            self.day, self.queries, self.source, self.tables, self.skills
        )
    }
}

/// The tools over the data, and those that write.
fn callable(tools: &Tools) -> Vec<Tool> {
    let over_data = tools.definitions().into_iter().map(|tool| Tool {
        name: tool.name.to_owned(),
        description: tool.description,
        parameters: tool.input_schema,
    });
    over_data.chain(draft::tools()).collect()
}

/// A table in one line: its rows, its columns and what they hold.
fn line(table: &Table) -> String {
    let mut line = format!("- {:?}", table.name);
    if let Some(rows) = table.rows {
        // Writing to a string does not fail.
        let _ = write!(line, " ({rows} rows)");
    }
    let columns = table.columns.iter().map(|column| {
        let kind = serde_json::to_value(column.kind).ok();
        let kind = kind.as_ref().and_then(Value::as_str).unwrap_or("?").to_owned();
        let key = table.foreign_keys.iter().find(|key| key.column == column.name);
        let leads = key.map(|key| format!(" -> {:?}.{:?}", key.table, key.to)).unwrap_or_default();
        format!("{:?} {kind}{leads}", column.name)
    });
    let columns: Vec<String> = columns.collect();
    line + ": " + &columns.join(", ")
}

/// As many lines as there is room for, and how many are left out.
fn first_lines(lines: impl Iterator<Item = String>, room: usize) -> String {
    let (mut text, mut left_out) = (String::new(), 0);
    for line in lines {
        if text.len() + line.len() > room {
            left_out += 1;
        } else {
            text.push_str(&line);
            text.push('\n');
        }
    }
    if left_out > 0 {
        // Writing to a string does not fail.
        let _ = writeln!(text, "({left_out} more)");
    }
    text.trim_end().to_owned()
}
