//! From answers to findings: what each answer says, in figures, sentences, tables and charts.
//!
//! Every figure here comes out of a query's answer. What an answer does not hold is not said.

mod cells;
mod churn;
mod course;
mod cross;
mod ended;
mod flow;
mod lasting;
mod matrix;
mod movers;
mod period_review;
mod ranking;
mod series;
mod shares;
mod simple;

use longhaul_document::{Align, Block, Column, KeyFigure, Table, Trend};

use super::format::{change, signed_percent};
use super::plan::{Plan, PlannedQuery, Reads};
use crate::data::Rows;

/// What one answer contributes to the document.
#[derive(Debug, Default)]
pub(super) struct Finding {
    /// For the top of the summary.
    pub(super) figures: Vec<KeyFigure>,
    /// For the summary: what a reader with one minute must know, the most important first.
    pub(super) bullets: Vec<String>,
    /// For the body.
    pub(super) sections: Vec<Part>,
}

/// A section of the body.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) heading: String,
    pub(super) blocks: Vec<Block>,
}

/// Reads an answer as the plan says it is to be read.
pub(super) fn find(plan: &Plan, query: &PlannedQuery, rows: &Rows) -> Finding {
    match &query.reads {
        Reads::Series { grain, focus } => {
            let series = series::Series::read(plan, query, rows, *grain);
            match focus {
                Some(focus) => period_review::find(query, &series, *focus),
                None => course::find(plan, query, &series),
            }
        }
        Reads::Shares { by } => shares::find(query, rows, by),
        Reads::Movers { by, now, before, year_before } => {
            movers::find(query, rows, by, &movers::Times::new(now, before, year_before.as_deref()))
        }
        Reads::Matrix { by, grain } => matrix::find(plan, query, rows, by, *grain),
        Reads::Cross { outer, inner } => cross::find(query, rows, outer, inner),
        Reads::Top { .. } => ranking::find(query, rows),
        Reads::Tenths { by } => ranking::tenths(query, rows, by),
        Reads::Recency { quiet_days, lapse_days, as_of } => {
            churn::recency(plan, query, rows, *quiet_days, *lapse_days, *as_of)
        }
        Reads::Retention { grain } => churn::retention(plan, query, rows, *grain),
        Reads::Lapsed { detail, lapse_days } => churn::lapsed(query, rows, detail.as_ref(), *lapse_days),
        Reads::Flow { grain, valued } => flow::find(plan, query, rows, *grain, *valued),
        Reads::Ended { by, valued } => ended::ended(plan, query, rows, by, *valued),
        Reads::Tenure => lasting::tenure(plan, rows),
        Reads::Profiles => lasting::profiles(plan, rows),
        Reads::Spread => simple::spread(query, rows),
        Reads::Listing => simple::listing(plan, rows),
    }
}

impl Finding {
    fn section(heading: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { sections: vec![Part { heading: heading.into(), blocks }], ..Self::default() }
    }
}

fn paragraph(sentences: &[String]) -> Option<Block> {
    let text = sentences.join(" ");
    (!text.trim().is_empty()).then_some(Block::Paragraph { text })
}

fn note(text: impl Into<String>) -> Block {
    Block::Note { text: text.into() }
}

fn left(name: impl Into<String>) -> Column {
    Column { name: name.into(), align: Align::Left }
}

fn right(name: impl Into<String>) -> Column {
    Column { name: name.into(), align: Align::Right }
}

fn table(caption: impl Into<String>, columns: Vec<Column>, rows: Vec<Vec<String>>) -> Table {
    Table { caption: caption.into(), columns, rows, total: None, note: None }
}

/// Takes out the columns in which no row says anything.
fn without_empty_columns(mut table: Table) -> Table {
    let keep: Vec<bool> = (0..table.columns.len())
        .map(|n| {
            let mut cells = table.rows.iter().filter_map(|row| row.get(n));
            n == 0 || cells.any(|cell| !cell.is_empty() && cell != "–")
        })
        .collect();
    let pick = |row: Vec<String>| -> Vec<String> {
        row.into_iter().zip(&keep).filter(|(_, keep)| **keep).map(|(cell, _)| cell).collect()
    };
    let columns = std::mem::take(&mut table.columns);
    table.columns =
        columns.into_iter().zip(&keep).filter(|(_, keep)| **keep).map(|(column, _)| column).collect();
    table.rows = std::mem::take(&mut table.rows).into_iter().map(pick).collect();
    table.total = table.total.take().map(pick);
    table
}

/// A headline figure with its change on what came before.
fn key_figure(label: &str, value: String, now: f64, before: Option<(f64, &str)>) -> KeyFigure {
    let ratio = before.and_then(|(before, name)| change(now, before).map(|c| (c, name)));
    KeyFigure {
        label: label.to_owned(),
        value,
        change: ratio.map(|(c, name)| format!("{} on {name}", signed_percent(c))),
        trend: match ratio {
            Some((c, _)) if c > 0.0005 => Trend::Up,
            Some((c, _)) if c < -0.0005 => Trend::Down,
            _ => Trend::Flat,
        },
    }
}

/// A headline figure without a comparison.
fn plain_figure(label: impl Into<String>, value: impl Into<String>) -> KeyFigure {
    KeyFigure { label: label.into(), value: value.into(), change: None, trend: Trend::Flat }
}
