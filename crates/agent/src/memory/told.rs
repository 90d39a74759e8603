//! What a model is told that a conversation remembers.

use serde_json::{Value, json};

use super::Memory;
use crate::analyst::format::cut;
use crate::analyst::sentences;

/// Bytes of all rows together.
const ROWS: usize = 32 * 1024;
/// Characters of each sentence of the document.
const SENTENCE: usize = 600;

/// What is at hand, for a model: rows as far as there is room, the newest query first to be heard.
pub(crate) fn known(memory: &Memory) -> Value {
    let mut room = ROWS;
    let mut queries: Vec<Value> = Vec::with_capacity(memory.answers.len());
    for (n, answer) in memory.answers.iter().enumerate().rev() {
        let rows = &answer.rows.rows;
        let fits = |row: &&Vec<Value>| {
            let size: usize = row.iter().map(|cell| cell.to_string().len() + 1).sum();
            room = room.saturating_sub(size + 2);
            room > 0
        };
        let told: Vec<&Vec<Value>> = rows.iter().take_while(fits).collect();
        let mut query = json!({
            "query": n + 1,
            "purpose": answer.purpose,
            "columns": answer.rows.columns,
            "rows": told,
        });
        if told.len() < rows.len() || answer.rows.truncated {
            query["note"] = format!("the first {} rows of more", told.len()).into();
        }
        queries.push(query);
    }
    queries.reverse();
    let document = memory.document.as_ref().map(|document| {
        let summary: Vec<String> = sentences(document).iter().map(|said| cut(said, SENTENCE)).collect();
        let headings: Vec<&str> = document.sections.iter().map(|part| part.heading.as_str()).collect();
        json!({"title": document.title, "summary": summary, "sections": headings})
    });
    json!({
        "data": memory.data.as_ref().map(crate::data::Source::name),
        "document": document,
        "files": memory.files,
        "queries": queries,
    })
}
