//! The rules a document must keep before it is typeset.

use std::fmt;

use crate::clean::is_forbidden;
use crate::{Block, Chart, Document, KeyFigure, QueryRecord, Table};

/// How large a document may be.
///
/// The defaults are far beyond what one reads, and small enough that typesetting stays a matter of
/// seconds and tens of megabytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text in the whole document.
    pub total_text: usize,
    /// Characters in a paragraph, a bullet, a note or a query.
    pub text: usize,
    /// Characters in a title, a heading, a label, a caption, a cell.
    pub line: usize,
    /// Label and value pairs under the title.
    pub facts: usize,
    /// Sections.
    pub sections: usize,
    /// Blocks in the summary, and in each section.
    pub blocks: usize,
    /// Bullets in a list.
    pub bullets: usize,
    /// Figures in a block of key figures.
    pub figures: usize,
    /// Columns in a table.
    pub columns: usize,
    /// Rows in a table, without its total.
    pub rows: usize,
    /// Cells in all tables together.
    pub cells: usize,
    /// Series in a chart.
    pub series: usize,
    /// Labels in a chart, and so values in each of its series.
    pub points: usize,
    /// The largest value in a chart, either side of zero.
    pub magnitude: u64,
    /// Queries in the last table.
    pub queries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total_text: 1 << 20,
            text: 20_000,
            line: 1_000,
            facts: 20,
            sections: 60,
            blocks: 100,
            bullets: 100,
            figures: 12,
            columns: 16,
            rows: 2_000,
            cells: 20_000,
            series: 8,
            points: 400,
            magnitude: 1_000_000_000_000_000,
            queries: 500,
        }
    }
}

/// One rule that a document breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Fault {
    /// The path in the document's JSON, such as `sections[2].blocks[0].table.rows[5]`.
    pub place: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with a part of a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A title, a name or a list that must say something says nothing.
    #[error("must not be empty")]
    Empty,
    /// A text or a list is larger than its limit.
    #[error("has {actual} {unit}, at most {limit} are allowed")]
    TooLarge {
        /// How many there are.
        actual: usize,
        /// How many there may be.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
    /// A row does not fit its table, or a series its chart.
    #[error("has {actual} {unit}, but there are {expected} {of}")]
    Mismatch {
        /// How many there are.
        actual: usize,
        /// How many there must be.
        expected: usize,
        /// Of what.
        unit: &'static str,
        /// What they are counted against.
        of: &'static str,
    },
    /// A value in a chart is infinite or not a number.
    #[error("is not a finite number; use null for a gap")]
    NotFinite,
    /// A value in a chart is too far from zero to be drawn.
    #[error("is beyond ±{limit}; use a larger unit")]
    TooFar {
        /// The largest value allowed.
        limit: u64,
    },
    /// A text holds a character that cannot be seen.
    #[error("holds the invisible character U+{:04X}; remove it", u32::from(*.character))]
    Forbidden {
        /// The first such character.
        character: char,
    },
}

/// Every rule that a document breaks, at least one; the first [`Faults::MOST`] of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// How many faults are gathered before the rest is left out: enough to mend a document by.
    pub const MOST: usize = 40;

    /// The faults, in the document's order.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("; ")?;
            }
            write!(formatter, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl Document {
    /// Checks that the document is whole, consistent and within `limits`.
    ///
    /// Meant for a document that was [cleaned](Document::clean) before: a character that cleaning
    /// would take out is a fault.
    ///
    /// # Errors
    ///
    /// The rules it breaks, each with its place.
    pub fn check(&self, limits: &Limits) -> Result<(), Faults> {
        let mut check = Check { limits, faults: Vec::new(), text: 0, cells: 0 };
        check.document(self);
        if check.faults.is_empty() { Ok(()) } else { Err(Faults(check.faults)) }
    }
}

/// A check under way.
struct Check<'a> {
    limits: &'a Limits,
    faults: Vec<Fault>,
    /// Bytes of text so far.
    text: usize,
    /// Cells of tables so far.
    cells: usize,
}

impl Check<'_> {
    fn document(&mut self, document: &Document) {
        let limits = self.limits;
        self.named("title", &document.title);
        self.optional("subtitle", document.subtitle.as_deref());
        self.size("facts", document.facts.len(), limits.facts, "pairs");
        for (index, (label, value)) in document.facts.iter().enumerate() {
            self.named(&format!("facts[{index}][0]"), label);
            self.line(&format!("facts[{index}][1]"), value);
        }
        self.blocks("summary", &document.summary);
        self.size("sections", document.sections.len(), limits.sections, "sections");
        for (index, section) in document.sections.iter().enumerate() {
            self.named(&format!("sections[{index}].heading"), &section.heading);
            self.blocks(&format!("sections[{index}].blocks"), &section.blocks);
        }
        self.size("queries", document.queries.len(), limits.queries, "queries");
        for (index, QueryRecord { purpose, sql, .. }) in document.queries.iter().enumerate() {
            self.line(&format!("queries[{index}].purpose"), purpose);
            self.lines(&format!("queries[{index}].sql"), sql);
        }
        self.size("document", self.cells, limits.cells, "cells in its tables");
        self.size("document", self.text, limits.total_text, "bytes of text");
    }

    fn blocks(&mut self, place: &str, blocks: &[Block]) {
        self.size(place, blocks.len(), self.limits.blocks, "blocks");
        for (index, block) in blocks.iter().enumerate() {
            let place = format!("{place}[{index}]");
            match block {
                Block::Paragraph { text } => self.lines(&format!("{place}.paragraph.text"), text),
                Block::Note { text } => self.lines(&format!("{place}.note.text"), text),
                Block::Bullets { items } => {
                    let place = format!("{place}.bullets.items");
                    self.filled(&place, items.len(), self.limits.bullets, "bullets");
                    for (index, item) in items.iter().enumerate() {
                        self.lines(&format!("{place}[{index}]"), item);
                    }
                }
                Block::KeyFigures { figures } => {
                    self.figures(&format!("{place}.key_figures.figures"), figures)
                }
                Block::Table(table) => self.table(&format!("{place}.table"), table),
                Block::Chart(chart) => self.chart(&format!("{place}.chart"), chart),
            }
        }
    }

    fn figures(&mut self, place: &str, figures: &[KeyFigure]) {
        self.filled(place, figures.len(), self.limits.figures, "figures");
        for (index, figure) in figures.iter().enumerate() {
            self.named(&format!("{place}[{index}].label"), &figure.label);
            self.named(&format!("{place}[{index}].value"), &figure.value);
            self.optional(&format!("{place}[{index}].change"), figure.change.as_deref());
        }
    }

    fn table(&mut self, place: &str, table: &Table) {
        let Table { caption, columns, rows, total, note } = table;
        self.named(&format!("{place}.caption"), caption);
        self.filled(&format!("{place}.columns"), columns.len(), self.limits.columns, "columns");
        for (index, column) in columns.iter().enumerate() {
            self.line(&format!("{place}.columns[{index}].name"), &column.name);
        }
        self.size(&format!("{place}.rows"), rows.len(), self.limits.rows, "rows");
        for (index, row) in rows.iter().enumerate() {
            self.row(&format!("{place}.rows[{index}]"), row, columns.len());
        }
        if let Some(total) = total {
            self.row(&format!("{place}.total"), total, columns.len());
        }
        self.optional(&format!("{place}.note"), note.as_deref());
    }

    fn row(&mut self, place: &str, row: &[String], columns: usize) {
        self.cells += row.len();
        self.same(place, row.len(), columns, "cells", "columns");
        for (index, cell) in row.iter().enumerate() {
            self.line(&format!("{place}[{index}]"), cell);
        }
    }

    fn chart(&mut self, place: &str, chart: &Chart) {
        self.named(&format!("{place}.caption"), &chart.caption);
        self.optional(&format!("{place}.unit"), chart.unit.as_deref());
        self.filled(&format!("{place}.labels"), chart.labels.len(), self.limits.points, "labels");
        for (index, label) in chart.labels.iter().enumerate() {
            self.line(&format!("{place}.labels[{index}]"), label);
        }
        self.filled(&format!("{place}.series"), chart.series.len(), self.limits.series, "series");
        for (index, series) in chart.series.iter().enumerate() {
            let place = format!("{place}.series[{index}]");
            // With a single series the caption says it all; in a legend every name must be there.
            if chart.series.len() > 1 {
                self.named(&format!("{place}.name"), &series.name);
            } else {
                self.line(&format!("{place}.name"), &series.name);
            }
            self.same(&place, series.values.len(), chart.labels.len(), "values", "labels");
            for (index, value) in series.values.iter().enumerate() {
                if let Some(problem) = value.and_then(|value| self.value_problem(value)) {
                    self.fault(&format!("{place}.values[{index}]"), problem);
                }
            }
        }
    }

    fn value_problem(&self, value: f64) -> Option<Problem> {
        let limit = self.limits.magnitude;
        if !value.is_finite() {
            Some(Problem::NotFinite)
        } else if value.abs() > limit as f64 {
            Some(Problem::TooFar { limit })
        } else {
            None
        }
    }

    /// A line that must say something.
    fn named(&mut self, place: &str, text: &str) {
        if text.trim().is_empty() {
            self.fault(place, Problem::Empty);
        }
        self.line(place, text);
    }

    fn optional(&mut self, place: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.line(place, text);
        }
    }

    fn line(&mut self, place: &str, text: &str) {
        self.characters(place, text, self.limits.line);
    }

    fn lines(&mut self, place: &str, text: &str) {
        self.characters(place, text, self.limits.text);
    }

    fn characters(&mut self, place: &str, text: &str, limit: usize) {
        self.text += text.len();
        // Bytes are at hand and never fewer than characters.
        if text.len() > limit {
            self.size(place, text.chars().count(), limit, "characters");
        }
        if let Some(character) = text.chars().find(|&character| is_forbidden(character)) {
            self.fault(place, Problem::Forbidden { character });
        }
    }

    /// A list that must have something in it.
    fn filled(&mut self, place: &str, actual: usize, limit: usize, unit: &'static str) {
        if actual == 0 {
            self.fault(place, Problem::Empty);
        }
        self.size(place, actual, limit, unit);
    }

    fn size(&mut self, place: &str, actual: usize, limit: usize, unit: &'static str) {
        if actual > limit {
            self.fault(place, Problem::TooLarge { actual, limit, unit });
        }
    }

    fn same(&mut self, place: &str, actual: usize, expected: usize, unit: &'static str, of: &'static str) {
        if actual != expected {
            self.fault(place, Problem::Mismatch { actual, expected, unit, of });
        }
    }

    fn fault(&mut self, place: &str, problem: Problem) {
        if self.faults.len() < Faults::MOST {
            self.faults.push(Fault { place: place.to_owned(), problem });
        }
    }
}

#[cfg(test)]
mod tests;
