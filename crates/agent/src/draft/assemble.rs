//! From a draft and recorded rows to a document.

use longhaul_document::{
    Align, Block, Chart, ChartKind, Column, Document, KeyFigure, Limits, QueryRecord, Section, Series, Table,
    Trend,
};
use serde_json::Value;

use super::cells::{Shape, heading};
use super::prose::not_found;
use super::{Draft, Fault, Kept, Part, Pick};
use crate::analyst::format::{drawn, list, whole};

/// Rows of a table where the draft does not say how many.
const ROWS: usize = 50;
/// Columns that fit on a page.
const COLUMNS: usize = 16;
/// Points of a chart where the draft does not say how many: of lines, of lying bars, of upright ones.
const POINTS: (usize, usize, usize) = (400, 15, 24);
/// Figures of the text that are named when they are in no row.
const NAMED: usize = 8;

/// Fills a draft: every table, chart and large figure from the rows that it names. Figures in the text
/// that no row has are named in a note.
///
/// # Errors
/// Everything that does not fit, at once: a query or a column that there is not, a chart of texts, a
/// section without anything in it.
pub fn assemble(draft: &Draft, kept: &[Kept]) -> Result<Document, Vec<Fault>> {
    let mut filling = Filling { kept, faults: Vec::new() };
    let summary = filling.parts("summary", &draft.summary);
    let mut sections = Vec::with_capacity(draft.sections.len() + 1);
    for (n, chapter) in draft.sections.iter().enumerate() {
        let blocks = filling.parts(&format!("sections[{n}].parts"), &chapter.parts);
        sections.push(Section { heading: chapter.heading.clone(), blocks });
    }
    if draft.sections.is_empty() && draft.summary.is_empty() {
        filling.faults.push(Fault::new("sections", "there is nothing in the report; write at least one"));
    }
    let lost = not_found(draft, kept);
    if !lost.is_empty() {
        let named = list(&lost[..lost.len().min(NAMED)]);
        let more = if lost.len() > NAMED { " and others" } else { "" };
        let text = format!(
            "Of the text, {named}{more} stand in no row that was read: they were computed from the rows, or are wrong."
        );
        sections
            .push(Section { heading: "About the figures".to_owned(), blocks: vec![Block::Note { text }] });
    }
    let mut document = Document {
        title: draft.title.clone(),
        subtitle: draft.subtitle.clone().filter(|line| !line.trim().is_empty()),
        facts: Vec::new(),
        summary,
        sections,
        queries: kept.iter().map(record).collect(),
    };
    document.clean();
    if filling.faults.is_empty()
        && let Err(faults) = document.check(&Limits::default())
    {
        let faults = faults.iter().map(|fault| Fault::new(&fault.place, fault.problem.to_string()));
        filling.faults.extend(faults);
    }
    if filling.faults.is_empty() { Ok(document) } else { Err(filling.faults) }
}

/// A query as a document's table of queries has it.
pub(super) fn record(kept: &Kept) -> QueryRecord {
    QueryRecord {
        purpose: kept.purpose.clone(),
        sql: kept.sql.clone(),
        rows: kept.rows.rows.len() as u64,
        millis: kept.rows.millis,
    }
}

/// A table of the first rows of a query.
pub(super) fn table(kept: &Kept, caption: &str, columns: &[usize], top: usize) -> Table {
    let all = &kept.rows.rows;
    let rows = &all[..all.len().min(top)];
    let shapes: Vec<Shape> = columns.iter().map(|at| shape(kept, *at, rows)).collect();
    let named = columns.iter().zip(&shapes).map(|(at, shape)| Column {
        name: kept.rows.columns.get(*at).map(|name| heading(name)).unwrap_or_default(),
        align: if shape.is_figure() { Align::Right } else { Align::Left },
    });
    let written = rows.iter().map(|row| {
        columns
            .iter()
            .zip(&shapes)
            .map(|(at, shape)| shape.write(row.get(*at).unwrap_or(&Value::Null)))
            .collect()
    });
    let note = (rows.len() < all.len() || kept.rows.truncated).then(|| {
        let more = if kept.rows.truncated { "more than " } else { "" };
        format!("The first {} of {more}{} rows.", whole(rows.len() as u64), whole(all.len() as u64))
    });
    Table {
        caption: caption.to_owned(),
        columns: named.collect(),
        rows: written.collect(),
        total: None,
        note,
    }
}

fn shape(kept: &Kept, at: usize, rows: &[Vec<Value>]) -> Shape {
    let name = kept.rows.columns.get(at).map_or("", String::as_str);
    Shape::of(name, rows.iter().map(|row| row.get(at).unwrap_or(&Value::Null)))
}

struct Filling<'a> {
    kept: &'a [Kept],
    faults: Vec<Fault>,
}

impl<'a> Filling<'a> {
    fn parts(&mut self, place: &str, parts: &[Part]) -> Vec<Block> {
        let filled =
            parts.iter().enumerate().filter_map(|(n, part)| self.part(&format!("{place}[{n}]"), part));
        filled.collect()
    }

    fn part(&mut self, place: &str, part: &Part) -> Option<Block> {
        Some(match part {
            Part::Paragraph { text } => Block::Paragraph { text: text.clone() },
            Part::Bullets { items } => Block::Bullets { items: items.clone() },
            Part::Note { text } => Block::Note { text: text.clone() },
            Part::Figures { figures } => {
                let filled = figures.iter().enumerate();
                let filled =
                    filled.filter_map(|(n, pick)| self.figure(&format!("{place}.figures[{n}]"), pick));
                Block::KeyFigures { figures: filled.collect() }
            }
            Part::Table { query, caption, columns, top } => {
                let kept = self.query(place, *query)?;
                let columns = match columns {
                    Some(names) if !names.is_empty() => self.columns(place, kept, names)?,
                    _ => (0..kept.rows.columns.len().min(COLUMNS)).collect(),
                };
                Block::Table(table(kept, caption, &columns, top.unwrap_or(ROWS).max(1)))
            }
            Part::Chart { query, caption, chart, label, values, top, unit } => {
                let kept = self.query(place, *query)?;
                let label = self.column(place, kept, label)?;
                let columns = self.columns(place, kept, values)?;
                if columns.is_empty() {
                    self.fault(place, "a chart needs at least one column of values");
                    return None;
                }
                let chart = Drawn { kind: *chart, label, columns, top: *top };
                self.chart(place, kept, caption, &chart, unit.clone())?
            }
        })
    }

    fn figure(&mut self, place: &str, pick: &Pick) -> Option<KeyFigure> {
        let kept = self.query(place, pick.query)?;
        let at = self.column(place, kept, &pick.column)?;
        let rows = &kept.rows.rows;
        let Some(row) = pick.row.checked_sub(1).and_then(|row| rows.get(row)) else {
            self.fault(
                place,
                format!("query {} has {} rows, there is no row {}", pick.query, rows.len(), pick.row),
            );
            return None;
        };
        let mut value = shape(kept, at, rows).write(row.get(at).unwrap_or(&Value::Null));
        if let Some(unit) = pick.unit.as_deref().map(str::trim).filter(|unit| !unit.is_empty()) {
            let space = if unit == "%" { "" } else { " " };
            value = format!("{value}{space}{unit}");
        }
        Some(KeyFigure { label: pick.label.clone(), value, change: None, trend: Trend::Flat })
    }

    fn chart(
        &mut self,
        place: &str,
        kept: &Kept,
        caption: &str,
        drawing: &Drawn,
        unit: Option<String>,
    ) -> Option<Block> {
        let (line, ranking, bars) = POINTS;
        let most = match drawing.kind {
            ChartKind::Line => line,
            ChartKind::Ranking => ranking,
            ChartKind::Bars => bars,
        };
        let top = drawing.top.unwrap_or(most).clamp(1, line);
        let rows = &kept.rows.rows[..kept.rows.rows.len().min(top)];
        if rows.is_empty() {
            self.fault(place, "the query gave no rows, so there is nothing to draw; leave the chart out");
            return None;
        }
        let labelled = shape(kept, drawing.label, rows);
        // A label is a name: years and numbers stand as they are.
        let labelled = if labelled.is_figure() { Shape::Plain } else { labelled };
        let mut series = Vec::with_capacity(drawing.columns.len());
        for at in &drawing.columns {
            let name = kept.rows.columns.get(*at).map(String::as_str).unwrap_or_default();
            let cells = rows.iter().map(|row| row.get(*at).unwrap_or(&Value::Null));
            if cells.clone().any(|cell| !cell.is_null() && !cell.is_number()) {
                self.fault(place, format!("the column {name:?} holds texts; values are columns of numbers"));
                return None;
            }
            let values = cells.map(|cell| cell.as_f64().map(drawn)).collect();
            series.push(Series { name: heading(name), values });
        }
        let labels = rows.iter().map(|row| labelled.write(row.get(drawing.label).unwrap_or(&Value::Null)));
        Some(Block::Chart(Chart {
            caption: caption.to_owned(),
            kind: drawing.kind,
            labels: labels.collect(),
            series,
            unit: unit.filter(|unit| !unit.trim().is_empty()),
        }))
    }

    fn query(&mut self, place: &str, number: usize) -> Option<&'a Kept> {
        let found = number.checked_sub(1).and_then(|at| self.kept.get(at));
        if found.is_none() {
            let there = match self.kept.len() {
                0 => "no query gave rows; write without tables, charts and figures".to_owned(),
                1 => "there is query 1".to_owned(),
                n => format!("there are queries 1 to {n}"),
            };
            self.fault(place, format!("there is no query {number}; {there}"));
        }
        found
    }

    fn columns(&mut self, place: &str, kept: &Kept, names: &[String]) -> Option<Vec<usize>> {
        let found: Vec<Option<usize>> = names.iter().map(|name| self.column(place, kept, name)).collect();
        found.into_iter().collect()
    }

    fn column(&mut self, place: &str, kept: &Kept, name: &str) -> Option<usize> {
        let columns = &kept.rows.columns;
        let exact = columns.iter().position(|known| known == name);
        let found =
            exact.or_else(|| columns.iter().position(|known| known.eq_ignore_ascii_case(name.trim())));
        if found.is_none() {
            let there: Vec<String> = columns.iter().map(|known| format!("{known:?}")).collect();
            self.fault(place, format!("the query has no column {name:?}; it has {}", there.join(", ")));
        }
        found
    }

    fn fault(&mut self, place: &str, problem: impl Into<String>) {
        self.faults.push(Fault::new(place, problem));
    }
}

/// What of a chart's columns is drawn, and how.
struct Drawn {
    kind: ChartKind,
    label: usize,
    columns: Vec<usize>,
    top: Option<usize>,
}
