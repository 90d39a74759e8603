//! Who left, told by an end date, a flag or a status.

use longhaul_document::{Block, Chart, ChartKind, Series as Line};
use serde_json::Value;

use super::cells::{DASH, NOT_GIVEN, amount, as_count, label, of_breakdown};
use super::{Finding, Part, left, paragraph, plain_figure, right, table};
use crate::analyst::format::{percent, share, whole};
use crate::analyst::plan::{Plan, PlannedQuery, Reads};
use crate::analyst::subject::leaves;
use crate::data::Rows;
use crate::words::{Noun, capital};

/// Rates over fewer than these are chance and lead no sentence.
pub(super) const TELLING: f64 = 5.0;

/// What became of those that are no more: customers left, subscriptions ended.
pub(super) fn over(noun: &Noun) -> &'static str {
    if leaves(&noun.one) { "left" } else { "ended" }
}

/// A share in percent, as a chart draws it.
fn drawn_share(ratio: f64) -> f64 {
    crate::analyst::format::drawn(ratio * 100.0)
}

/// One group, and how many of it ended.
struct Group {
    label: String,
    all: f64,
    ended: f64,
    value: f64,
    value_ended: f64,
}

fn group(row: &[Value]) -> Group {
    Group {
        label: label(row.get(1)),
        all: amount(row, 2),
        ended: amount(row, 3),
        value: amount(row, 4),
        value_ended: amount(row, 5),
    }
}

pub(super) fn ended(plan: &Plan, query: &PlannedQuery, rows: &Rows, by: &[Noun], valued: bool) -> Finding {
    let noun = &plan.records;
    let Some(whole_of) = of_breakdown(&rows.rows, 0).first().map(|row| group(row)) else {
        return Finding::default();
    };
    let Some(rate) = share(whole_of.ended, whole_of.all) else {
        return Finding::default();
    };
    let q = &query.measure;
    let valued = valued && q.adds_up();
    let mut finding = Finding::default();
    // Where begins and ends are told month by month, these figures have been named already.
    if !plan.queries.iter().any(|q| matches!(q.reads, Reads::Flow { .. })) {
        finding.figures = vec![
            plain_figure(capital(&noun.many), whole(as_count(whole_of.all))),
            plain_figure(
                capital(over(noun)),
                format!("{} ({})", whole(as_count(whole_of.ended)), percent(rate)),
            ),
        ];
        finding.bullets.push(format!(
            "{} of {} have {}: {}.",
            whole(as_count(whole_of.ended)),
            noun.count(as_count(whole_of.all)),
            over(noun),
            percent(rate)
        ));
    }
    if valued && let Some(lost) = share(whole_of.value_ended, whole_of.value) {
        finding.bullets.push(format!(
            "With them went {} of {} in {}, {}.",
            q.show(whole_of.value_ended),
            q.show(whole_of.value),
            q.label,
            percent(lost)
        ));
    }
    for (n, by) in by.iter().enumerate() {
        let groups: Vec<Group> = of_breakdown(&rows.rows, n + 1).iter().map(|row| group(row)).collect();
        if groups.len() < 2 {
            continue;
        }
        let (bullet, said) = contrast(by, noun, &groups, rate);
        finding.bullets.extend(bullet);
        finding.sections.push(by_group(query, noun, by, &groups, &whole_of, valued, &said));
    }
    if finding.sections.is_empty() {
        let text = finding.bullets.join(" ");
        finding.sections = Finding::section("How many ended", vec![Block::Paragraph { text }]).sections;
    }
    finding
}

/// Where the rate is highest and lowest, among groups large enough to tell.
fn contrast(by: &Noun, noun: &Noun, groups: &[Group], rate: f64) -> (Option<String>, Vec<String>) {
    let mut rated: Vec<(&Group, f64)> = groups
        .iter()
        .filter(|g| g.all >= TELLING && g.label != NOT_GIVEN)
        .filter_map(|g| share(g.ended, g.all).map(|rate| (g, rate)))
        .collect();
    rated.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (Some((high, most)), Some((low, least))) = (rated.first(), rated.last()) else {
        return (None, vec![format!("No {} is large enough for a rate to mean much.", by.one)]);
    };
    let text = if most - least < 0.02 {
        format!("By {} the rates hardly differ.", by.one)
    } else {
        format!(
            "By {}, most {} for {} ({} of {}), fewest for {} ({} of {}).",
            by.one,
            if leaves(&noun.one) { "leave" } else { "end" },
            high.label,
            percent(*most),
            noun.count(as_count(high.all)),
            low.label,
            percent(*least),
            whole(as_count(low.all))
        )
    };
    let mut said = vec![text.clone()];
    let above: Vec<&str> =
        rated.iter().filter(|(_, r)| *r > rate * 1.2).map(|(g, _)| g.label.as_str()).take(4).collect();
    if above.len() > 1 {
        said.push(format!(
            "Clearly above the rate of all ({}) are {}.",
            percent(rate),
            crate::analyst::format::list(&above)
        ));
    }
    ((most - least >= 0.02).then_some(text), said)
}

fn by_group(
    query: &PlannedQuery,
    noun: &Noun,
    by: &Noun,
    groups: &[Group],
    all: &Group,
    valued: bool,
    said: &[String],
) -> Part {
    let q = &query.measure;
    let heading = format!("Churn by {}", by.one);
    let mut columns =
        vec![left(capital(&by.one)), right(capital(&noun.many)), right(capital(over(noun))), right("Rate")];
    if valued {
        columns.push(right(capital(&q.label)));
        columns.push(right(format!("Of it {}", if leaves(&noun.one) { "lost" } else { "ended" })));
    }
    let line = |name: String, g: &Group| {
        let mut line = vec![
            name,
            whole(as_count(g.all)),
            whole(as_count(g.ended)),
            share(g.ended, g.all).map_or(DASH.to_owned(), percent),
        ];
        if valued {
            line.push(q.cell(g.value, all.value));
            line.push(share(g.value_ended, g.value).map_or(DASH.to_owned(), percent));
        }
        line
    };
    let shown = &groups[..groups.len().min(20)];
    let mut made = table(heading.clone(), columns, shown.iter().map(|g| line(g.label.clone(), g)).collect());
    made.total = Some(line("All".to_owned(), all));
    let mut drawn: Vec<&Group> = shown.iter().filter(|g| g.all >= TELLING).take(12).collect();
    drawn.sort_by(|a, b| (b.ended / b.all).total_cmp(&(a.ended / a.all)));
    let chart = Chart {
        caption: format!("Share of {} that {}, by {}", noun.many, over(noun), by.one),
        kind: ChartKind::Ranking,
        labels: drawn.iter().map(|g| g.label.clone()).collect(),
        series: vec![Line {
            name: capital(over(noun)),
            values: drawn.iter().map(|g| share(g.ended, g.all).map(drawn_share)).collect(),
        }],
        unit: Some("%".to_owned()),
    };
    let mut blocks: Vec<Block> = paragraph(said).into_iter().collect();
    if drawn.len() > 1 {
        blocks.push(Block::Chart(chart));
    }
    blocks.push(Block::Table(made));
    Part { heading, blocks }
}
