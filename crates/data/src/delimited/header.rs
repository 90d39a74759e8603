//! The header of a CSV file: is there one, and what are the columns called.

use std::collections::HashSet;

use super::cell::{self, NumberStyle, NumberValue};
use super::date::{self, DateOrder};
use super::sniff::Dialect;
use crate::FileFault;
use crate::load::MOST_COLUMNS;

/// The names of the columns.
pub(crate) struct Header {
    /// Unique, printable, never empty.
    pub(crate) names: Vec<String>,
    /// Whether the file itself gave the name.
    pub(crate) named: Vec<bool>,
    pub(crate) remarks: Vec<String>,
}

const LONGEST_NAME: usize = 100;
/// A single heading with more words than this is a sentence.
const MOST_WORDS: usize = 8;

pub(super) fn read(record: &csv::StringRecord, line: u64, dialect: &Dialect) -> Result<Header, FileFault> {
    if record.len() > MOST_COLUMNS {
        return Err(FileFault::at(
            line,
            format!("{} columns, more than the {MOST_COLUMNS} that are read", record.len()),
            "leave out the columns the report does not need",
        ));
    }
    if let Some(cell) = record.iter().find(|cell| is_data(cell)) {
        return Err(FileFault::at(
            line,
            format!("`{}` is a value, not the name of a column", shorten(cell)),
            "write a header line above the records",
        ));
    }
    if record.iter().all(|cell| cell.trim().is_empty()) {
        return Err(FileFault::at(line, "no column has a name", "write a header line above the records"));
    }
    if let (1, Some(only)) = (record.len(), record.get(0))
        && is_sentence(only)
    {
        return Err(FileFault::at(
            line,
            "this reads like running text: no comma, semicolon, tab or vertical bar splits it into columns",
            "name a file with a header line and one record per line",
        ));
    }
    if record.iter().any(|cell| cell.len() > LONGEST_NAME * 4) {
        return Err(FileFault::at(
            line,
            format!(
                "a column name of more than {} characters, split at each {}",
                LONGEST_NAME * 4,
                dialect.delimiter_name()
            ),
            "write a header line with short names",
        ));
    }
    Ok(unique(record.iter()))
}

fn is_sentence(cell: &str) -> bool {
    let cell = cell.trim();
    cell.ends_with(['.', '!', '?', ',', ';'])
        || cell.contains(", ")
        || cell.split_whitespace().count() > MOST_WORDS
        || cell.len() > LONGEST_NAME
}

/// Names that a table can have, from those that a file gives its columns.
pub(crate) fn unique<'a>(given: impl Iterator<Item = &'a str>) -> Header {
    let mut taken = HashSet::new();
    let mut header = Header { names: Vec::new(), named: Vec::new(), remarks: Vec::new() };
    for (n, cell) in given.enumerate() {
        let given = clean(cell);
        let wanted = if given.is_empty() { format!("column_{}", n + 1) } else { given.clone() };
        // SQL does not tell `Name` from `name`.
        let mut unique = wanted.clone();
        let mut copy = 2;
        while !taken.insert(unique.to_lowercase()) {
            unique = format!("{wanted}_{copy}");
            copy += 1;
        }
        if unique != wanted {
            header.remarks.push(format!("Two columns are called {wanted}; the later one is {unique} here."));
        }
        header.named.push(!given.is_empty());
        header.names.push(unique);
    }
    header
}

fn clean(cell: &str) -> String {
    let words: Vec<&str> =
        cell.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LONGEST_NAME).collect()
}

fn shorten(cell: &str) -> String {
    cell.trim().chars().take(30).collect()
}

/// A cell that no one would call a column by: a figure, a date. A year may head a column.
fn is_data(cell: &str) -> bool {
    let cell = cell.trim();
    let orders = [DateOrder::YearFirst, DateOrder::DayFirst, DateOrder::MonthFirst];
    if orders.iter().any(|order| date::moment(cell, *order).is_some()) {
        return true;
    }
    [NumberStyle::Point, NumberStyle::Comma]
        .into_iter()
        .filter_map(|style| cell::number(cell, style))
        .any(|number| !matches!(number.value, NumberValue::Integer(1000..=2999)))
}
