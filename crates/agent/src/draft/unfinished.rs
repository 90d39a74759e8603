//! Documents of rows that nobody has written about: of a report that is not finished, or was not asked for.

use longhaul_document::{Block, Document, Section};

use super::assemble::{record, table};
use super::{Chapter, Draft, Kept, assemble};
use crate::analyst::format::cut;

/// Rows of each table.
const ROWS: usize = 50;
/// Columns of each table.
const COLUMNS: usize = 16;
/// Characters of what was said.
const LONGEST: usize = 20_000;

/// What is known of a report that is not written: the sections there are, what was said on the way and
/// the rows that were read. Nothing if there is none of it.
pub(crate) fn unfinished(
    request: &str,
    written: &[Chapter],
    said: &[String],
    kept: &[Kept],
) -> Option<Document> {
    let said: Vec<&String> = said.iter().filter(|text| !text.trim().is_empty()).collect();
    if written.is_empty() && said.is_empty() && kept.is_empty() {
        return None;
    }
    // Each was looked at when it was written: it fits.
    let draft = Draft { sections: written.to_vec(), ..Draft::named("Draft") };
    let filled = if written.is_empty() { None } else { assemble(&draft, kept).ok() };
    let mut sections = filled.map(|document| document.sections).unwrap_or_default();
    if !said.is_empty() {
        let blocks = said.iter().map(|text| Block::Paragraph { text: cut(text, LONGEST) }).collect();
        sections.push(Section { heading: "Said on the way".to_owned(), blocks });
    }
    sections.extend(kept.iter().map(section));
    let mut document = Document {
        title: format!("Draft: {}", cut(request.trim(), 200)),
        subtitle: None,
        facts: Vec::new(),
        summary: vec![Block::Note {
            text: "The report was not finished. This is what there was of it.".to_owned(),
        }],
        sections,
        queries: kept.iter().map(record).collect(),
    };
    document.clean();
    Some(document)
}

/// The rows that were read, a table each, the newest first. Nothing if there are none.
pub(crate) fn of_rows(kept: &[Kept]) -> Option<Document> {
    let newest = kept.last()?;
    let mut document = Document {
        title: cut(&newest.purpose, 200),
        subtitle: None,
        facts: Vec::new(),
        summary: vec![Block::Paragraph {
            text: "The rows that were read, as the data gave them.".to_owned(),
        }],
        sections: kept.iter().rev().map(section).collect(),
        queries: kept.iter().map(record).collect(),
    };
    document.clean();
    Some(document)
}

/// What a query gave, as a table under its purpose.
fn section(query: &Kept) -> Section {
    let columns: Vec<usize> = (0..query.rows.columns.len().min(COLUMNS)).collect();
    let heading = cut(&query.purpose, 200);
    let block = if query.rows.rows.is_empty() || columns.is_empty() {
        Block::Paragraph { text: "The query gave no rows.".to_owned() }
    } else {
        Block::Table(table(query, &heading, &columns, ROWS))
    };
    Section { heading, blocks: vec![block] }
}
