//! What there is of a report that is not finished.

use longhaul_document::{Block, Document, QueryRecord, Section};

use super::Kept;
use super::assemble::table;
use crate::analyst::format::cut;

/// Rows of each table.
const ROWS: usize = 50;
/// Columns of each table.
const COLUMNS: usize = 16;
/// Characters of what was said.
const LONGEST: usize = 20_000;

/// What is known of a report that is not written: what was said on the way and the rows that were read.
/// Nothing if there is neither.
pub(crate) fn unfinished(request: &str, said: &[String], kept: &[Kept]) -> Option<Document> {
    let said: Vec<&String> = said.iter().filter(|text| !text.trim().is_empty()).collect();
    if said.is_empty() && kept.is_empty() {
        return None;
    }
    let mut sections = Vec::new();
    if !said.is_empty() {
        let blocks = said.iter().map(|text| Block::Paragraph { text: cut(text, LONGEST) }).collect();
        sections.push(Section { heading: "Said on the way".to_owned(), blocks });
    }
    for query in kept {
        let columns: Vec<usize> = (0..query.rows.columns.len().min(COLUMNS)).collect();
        let heading = cut(&query.purpose, 200);
        let block = if query.rows.rows.is_empty() || columns.is_empty() {
            Block::Paragraph { text: "The query gave no rows.".to_owned() }
        } else {
            Block::Table(table(query, &heading, &columns, ROWS))
        };
        sections.push(Section { heading, blocks: vec![block] });
    }
    let queries = kept.iter().map(|query| QueryRecord {
        purpose: query.purpose.clone(),
        sql: query.sql.clone(),
        rows: query.rows.rows.len() as u64,
        millis: query.rows.millis,
    });
    let mut document = Document {
        title: format!("Draft: {}", cut(request.trim(), 200)),
        subtitle: None,
        facts: Vec::new(),
        summary: vec![Block::Note {
            text: "The report was not finished. This is what there was of it.".to_owned(),
        }],
        sections,
        queries: queries.collect(),
    };
    document.clean();
    Some(document)
}
