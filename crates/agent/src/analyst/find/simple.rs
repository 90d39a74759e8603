//! Findings about data of which little can be said.

use longhaul_document::Block;
use serde_json::Value;

use super::cells::{DASH, amount, label, number};
use super::{Finding, left, paragraph, right, table};
use crate::analyst::format::{cut, figure, whole};
use crate::analyst::plan::{Plan, PlannedQuery};
use crate::data::Rows;
use crate::words::capital;

/// The range of each figure.
pub(super) fn spread(query: &PlannedQuery, rows: &Rows) -> Finding {
    let decimals = |row: &[Value]| {
        let ends = [2, 4, 5].into_iter().filter_map(|n| row.get(n));
        let whole = ends.into_iter().all(|v| v.as_f64().is_none_or(|x| x.fract() == 0.0));
        if whole { 0 } else { query.measure.decimals.max(2) }
    };
    let lines: Vec<Vec<String>> = rows
        .rows
        .iter()
        .filter(|row| row.len() == 6 && amount(row, 1) > 0.0)
        .map(|row| {
            let d = decimals(row);
            let cell = |n: usize, d: u8| number(row, n).map_or(DASH.to_owned(), |x| figure(x, d));
            vec![
                capital(&label(row.first())),
                whole(super::cells::count(row, 1)),
                cell(4, d),
                cell(3, 2),
                cell(5, d),
            ]
        })
        .collect();
    if lines.is_empty() {
        return Finding::default();
    }
    let said: Vec<String> = lines
        .iter()
        .take(2)
        .map(|line| format!("{}: from {} to {}, {} on average.", line[0], line[2], line[4], line[3]))
        .collect();
    let columns = vec![left("Figure"), right("Rows with it"), right("Least"), right("Mean"), right("Most")];
    let mut blocks: Vec<Block> = paragraph(&said).into_iter().collect();
    blocks.push(Block::Table(table("The range of the figures", columns, lines)));
    let mut finding = Finding::section("The figures", blocks);
    finding.bullets.extend(said.into_iter().next());
    finding
}

/// The rows themselves.
pub(super) fn listing(plan: &Plan, rows: &Rows) -> Finding {
    let count = rows.rows.len() as u64;
    let columns = rows.columns.iter().map(|name| left(name.clone())).collect();
    let lines = rows
        .rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|cell| match cell {
                    Value::Null => DASH.to_owned(),
                    Value::String(text) => cut(text, 60),
                    other => other.to_string(),
                })
                .collect()
        })
        .collect();
    let all = plan.rows;
    let text = if all > count {
        format!("The data has {}; the first {count} are listed.", plan.records.count(all))
    } else {
        format!("The data has {}.", plan.records.count(all))
    };
    let made = table(format!("The first {}", plan.records.many), columns, lines);
    let mut finding = Finding::section(
        "The data itself",
        vec![Block::Paragraph { text: text.clone() }, Block::Table(made)],
    );
    finding.bullets.push(if count <= 3 {
        format!("{text} That is too little for comparisons, so the report lists what there is.")
    } else {
        text
    });
    finding
}
