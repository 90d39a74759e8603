//! How long they lasted, and what sets those apart that left.

use longhaul_document::Block;
use serde_json::Value;

use super::cells::{DASH, amount, as_count, count, label, number};
use super::ended::{TELLING, over};
use super::{Finding, left, paragraph, right, table, without_empty_columns};
use crate::analyst::format::{change, figure, lower_first, percent, share, signed_percent, whole};
use crate::analyst::plan::Plan;
use crate::data::Rows;
use crate::words::capital;

/// How long they last: in which class of months the danger is greatest.
pub(super) fn tenure(plan: &Plan, rows: &Rows) -> Finding {
    let noun = &plan.records;
    let name = |row: &[Value]| {
        let (from, to) = (count(row, 0), count(row, 1));
        match (from, to) {
            (0, 1) => "First month".to_owned(),
            (from, to) if to >= 10_000 => format!("After {from} months"),
            (from, to) => format!("Months {} to {to}", from + 1),
        }
    };
    // Classes that hardly any reached have no rate to speak of.
    let classes: Vec<(String, f64, f64, f64)> = rows
        .rows
        .iter()
        .filter(|row| amount(row, 3) > 0.0)
        .map(|row| {
            let months = amount(row, 1).min(amount(row, 0) + 24.0) - amount(row, 0);
            (name(row), amount(row, 2), amount(row, 3), months)
        })
        .collect();
    if classes.is_empty() {
        return Finding::default();
    }
    let risky = classes
        .iter()
        .filter(|(_, ended, reached, _)| *reached >= TELLING && *ended > 0.0)
        .filter_map(|c| Some((c, share(c.1, c.2)? / c.3.max(1.0))))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let mut finding = Finding::default();
    let mut said = Vec::new();
    if let Some(((name, ended, reached, _), _)) = risky {
        let text = format!(
            "The danger is greatest in the {}: {} of {} that reached it ended there.",
            lower_first(name),
            whole(as_count(*ended)),
            whole(as_count(*reached))
        )
        .replace("in the after", "after")
        .replace("in the months", "in months");
        finding.bullets.push(text.clone());
        said.push(text);
    }
    let columns =
        vec![left("Time since the start"), right("Reached it"), right("Ended in it"), right("Rate")];
    let lines = classes
        .iter()
        .map(|(name, ended, reached, _)| {
            vec![
                name.clone(),
                whole(as_count(*reached)),
                whole(as_count(*ended)),
                share(*ended, *reached).map_or(DASH.to_owned(), percent),
            ]
        })
        .collect();
    let mut blocks: Vec<Block> = paragraph(&said).into_iter().collect();
    blocks.push(Block::Table(table(format!("When {} end", noun.many), columns, lines)));
    finding.sections = Finding::section(format!("How long {} last", noun.many), blocks).sections;
    finding
}

/// In which figures those that ended differ from those that stayed.
pub(super) fn profiles(plan: &Plan, rows: &Rows) -> Finding {
    let noun = &plan.records;
    let mut figures: Vec<(String, f64, f64)> = rows
        .rows
        .iter()
        .filter_map(|row| Some((label(row.first()), number(row, 1)?, number(row, 2)?)))
        .collect();
    if figures.is_empty() {
        return Finding::default();
    }
    let contrast = |ended: f64, kept: f64| {
        let scale = ended.abs().max(kept.abs());
        if scale > 0.0 { (ended - kept) / scale } else { 0.0 }
    };
    figures.sort_by(|a, b| contrast(b.1, b.2).abs().total_cmp(&contrast(a.1, a.2).abs()));
    let mut finding = Finding::default();
    let mut said = Vec::new();
    if let Some((name, ended, kept)) = figures.first().filter(|f| contrast(f.1, f.2).abs() > 0.05) {
        let text = format!(
            "Those that {} differ most in {}: {} on average, against {} for those that stayed.",
            over(noun),
            name.strip_prefix("average ").unwrap_or(name),
            figure(*ended, 2),
            figure(*kept, 2)
        );
        finding.bullets.push(text.clone());
        said.push(text);
    }
    let columns = vec![left("Mean of"), right(capital(over(noun))), right("Stayed"), right("Difference")];
    let lines = figures
        .iter()
        .map(|(name, ended, kept)| {
            vec![
                capital(name.strip_prefix("average ").unwrap_or(name)),
                figure(*ended, 2),
                figure(*kept, 2),
                change(*ended, *kept).map_or(DASH.to_owned(), signed_percent),
            ]
        })
        .collect();
    let mut blocks: Vec<Block> = paragraph(&said).into_iter().collect();
    blocks.push(Block::Table(without_empty_columns(table(
        format!("{} that {} and that stayed", capital(&noun.many), over(noun)),
        columns,
        lines,
    ))));
    finding.sections = Finding::section("What sets them apart", blocks).sections;
    finding
}
