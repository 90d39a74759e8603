//! Begins and ends, period by period.

use longhaul_document::{Block, Chart, ChartKind, Series as Line, Table};
use serde_json::Value;

use super::cells::{DASH, amount, as_count};
use super::ended::TELLING;
use super::{Finding, left, note, paragraph, plain_figure, right, table};
use crate::analyst::format::{percent, share, whole};
use crate::analyst::period::{Grain, Period};
use crate::analyst::plan::{Plan, PlannedQuery};
use crate::data::Rows;
use crate::words::capital;

/// Rows of the table.
const TABLED: usize = 16;
/// Points of the chart.
const DRAWN: usize = 60;

/// One period's begins and ends.
struct Turn {
    period: Period,
    begun: f64,
    ended: f64,
    running: f64,
    value: f64,
    whole: bool,
}

impl Turn {
    /// The share of those that ran when the period began that ended in it.
    fn rate(&self) -> Option<f64> {
        share(self.ended, self.running)
    }

    /// How many ran when it was over.
    fn left(&self) -> f64 {
        self.running + self.begun - self.ended
    }
}

pub(super) fn find(plan: &Plan, query: &PlannedQuery, rows: &Rows, grain: Grain, valued: bool) -> Finding {
    let noun = &plan.records;
    let one = grain.name();
    let heading = format!("{} begun and ended, {one} by {one}", capital(&noun.many));
    let turns = read(plan, rows, grain);
    let Some(last) = turns.last() else {
        return Finding::section(heading, vec![note(format!("No {} has a date.", noun.one))]);
    };
    let begun: f64 = turns.iter().map(|t| t.begun).sum();
    let ended: f64 = turns.iter().map(|t| t.ended).sum();
    let rates: Vec<(&Turn, f64)> = turns
        .iter()
        .filter(|t| t.whole && t.running >= TELLING)
        .filter_map(|t| t.rate().map(|rate| (t, rate)))
        .collect();
    let mut finding = Finding {
        figures: vec![
            plain_figure(format!("{} begun", capital(&noun.many)), whole(as_count(begun))),
            plain_figure("Ended", whole(as_count(ended))),
            plain_figure("Still running", whole(as_count(last.left()))),
        ],
        ..Finding::default()
    };
    finding.figures.extend(mean(&rates).map(|m| plain_figure(format!("Churn per {one}"), percent(m))));
    finding.bullets.push(format!(
        "Of {} begun, {} have ended ({}); {} are still running.",
        noun.count(as_count(begun)),
        whole(as_count(ended)),
        share(ended, begun).map_or(DASH.to_owned(), percent),
        whole(as_count(last.left()))
    ));
    let mut said: Vec<String> = level(plan, &rates, one).into_iter().collect();
    let course = course(&rates, one);
    finding.bullets.extend(said.iter().chain(&course).cloned());
    said.extend(extremes(&rates, one));
    said.extend(course);
    let mut blocks: Vec<Block> = paragraph(&said).into_iter().collect();
    if turns.len() > 2 {
        blocks.push(Block::Chart(chart(plan, &turns, one)));
    }
    blocks.push(Block::Table(tabled(query, &turns, grain, valued, &heading)));
    finding.sections = Finding::section(heading, blocks).sections;
    finding
}

fn read(plan: &Plan, rows: &Rows, grain: Grain) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for row in &rows.rows {
        let key = row.first().and_then(Value::as_str).unwrap_or_default();
        let Some(period) = Period::from_key(grain, key) else {
            continue;
        };
        // A period in which nothing began or ended is no row, and still one to be counted.
        while let Some(last) = turns.last().filter(|last| last.period.plus(1) < period) {
            let (period, running) = (last.period.plus(1), last.left());
            turns.push(Turn { period, begun: 0.0, ended: 0.0, running, value: 0.0, whole: true });
        }
        turns.push(Turn {
            period,
            begun: amount(row, 1),
            ended: amount(row, 2),
            running: amount(row, 3),
            value: amount(row, 4),
            whole: true,
        });
    }
    // The last begin may lie well before the last end: where begins are no longer known whole, a
    // period cannot be compared.
    for turn in &mut turns {
        turn.whole = plan.extent.is_none_or(|extent| extent.completes(turn.period));
    }
    turns
}

#[expect(clippy::cast_precision_loss, reason = "a mean")]
fn mean(rates: &[(&Turn, f64)]) -> Option<f64> {
    (!rates.is_empty()).then(|| rates.iter().map(|(_, rate)| rate).sum::<f64>() / rates.len() as f64)
}

fn level(plan: &Plan, rates: &[(&Turn, f64)], one: &str) -> Option<String> {
    let many = &plan.records.many;
    Some(format!("On average {} of the running {many} ended in a {one}.", percent(mean(rates)?)))
}

fn extremes(rates: &[(&Turn, f64)], one: &str) -> Option<String> {
    let worst = rates.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let best = rates.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    (rates.len() > 3).then(|| {
        format!(
            "The worst {one} was {} with {}, the best {} with {}.",
            worst.0.period.label(),
            percent(worst.1),
            best.0.period.label(),
            percent(best.1)
        )
    })
}

/// Whether churn rises or falls, from the earlier half of the time to the later.
fn course(rates: &[(&Turn, f64)], one: &str) -> Option<String> {
    let half = rates.len() / 2;
    let (early, late) = (mean(&rates[..half])?, mean(&rates[rates.len() - half..])?);
    let way = match () {
        () if late > early * 1.1 => "is rising",
        () if late < early * 0.9 => "is falling",
        () => "holds its level",
    };
    (rates.len() >= 6).then(|| {
        format!(
            "Churn {way}: {} a {one} in the earlier half of the time, {} in the later.",
            percent(early),
            percent(late)
        )
    })
}

fn chart(plan: &Plan, turns: &[Turn], one: &str) -> Chart {
    let drawn: Vec<&Turn> = turns[turns.len().saturating_sub(DRAWN)..].iter().filter(|t| t.whole).collect();
    let line = |name: &str, value: fn(&Turn) -> f64| Line {
        name: name.to_owned(),
        values: drawn.iter().map(|t| Some(value(t))).collect(),
    };
    Chart {
        caption: format!("{} begun and ended by {one}", capital(&plan.records.many)),
        kind: ChartKind::Line,
        labels: drawn.iter().map(|t| t.period.short()).collect(),
        series: vec![line("Begun", |t| t.begun), line("Ended", |t| t.ended)],
        unit: None,
    }
}

fn tabled(query: &PlannedQuery, turns: &[Turn], grain: Grain, valued: bool, heading: &str) -> Table {
    let q = &query.measure;
    let one = grain.name();
    let shown = &turns[turns.len().saturating_sub(TABLED)..];
    let mut columns = vec![
        left(capital(one)),
        right("Running at its start"),
        right("Begun"),
        right("Ended"),
        right("Churn"),
    ];
    if valued {
        columns.push(right(format!("{} ended", capital(&q.label))));
    }
    let largest = turns.iter().map(|t| t.value).fold(0.0, f64::max);
    let lines = shown
        .iter()
        .map(|t| {
            let name = capital(&t.period.label());
            let mut line = vec![
                if t.whole { name } else { format!("{name} (part)") },
                whole(as_count(t.running)),
                whole(as_count(t.begun)),
                whole(as_count(t.ended)),
                t.rate().map_or(DASH.to_owned(), percent),
            ];
            if valued {
                line.push(q.cell(t.value, largest));
            }
            line
        })
        .collect();
    let caption = if shown.len() < turns.len() {
        format!("The last {} {one}s", shown.len())
    } else {
        heading.to_owned()
    };
    table(caption, columns, lines)
}
