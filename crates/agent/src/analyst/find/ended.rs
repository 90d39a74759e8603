//! Who left, told by an end date, a flag or a status.

use longhaul_document::{Block, Chart, ChartKind, Series as Line};
use serde_json::Value;

use super::cells::{DASH, NOT_GIVEN, amount, as_count, count, label, number, of_breakdown};
use super::{Finding, Part, left, note, paragraph, plain_figure, right, table, without_empty_columns};
use crate::analyst::format::{figure, percent, share, whole};
use crate::analyst::period::{Grain, Period};
use crate::analyst::plan::{Plan, PlannedQuery, Reads};
use crate::analyst::subject::leaves;
use crate::data::Rows;
use crate::words::{Noun, capital};

/// Rates over fewer than these are chance and lead no sentence.
const TELLING: f64 = 5.0;

/// What became of those that are no more: customers left, subscriptions ended.
fn over(noun: &Noun) -> &'static str {
    if leaves(&noun.one) { "left" } else { "ended" }
}

/// A share in percent, as a chart draws it.
fn drawn_share(ratio: f64) -> f64 {
    crate::analyst::format::drawn(ratio * 100.0)
}

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
    /// Ends per hundred that ran when the period began.
    fn rate(&self) -> Option<f64> {
        share(self.ended, self.running)
    }
}

pub(super) fn flow(plan: &Plan, query: &PlannedQuery, rows: &Rows, grain: Grain, valued: bool) -> Finding {
    let noun = &plan.records;
    let one = grain.name();
    let mut turns: Vec<Turn> = Vec::new();
    for row in &rows.rows {
        let key = row.first().and_then(Value::as_str).unwrap_or_default();
        let Some(period) = Period::from_key(grain, key) else {
            continue;
        };
        // A period in which nothing began or ended is no row, and still one to be counted.
        while let Some(last) = turns.last().filter(|last| last.period.plus(1) < period) {
            let silent = Turn {
                period: last.period.plus(1),
                begun: 0.0,
                ended: 0.0,
                running: last.running + last.begun - last.ended,
                value: 0.0,
                whole: true,
            };
            turns.push(silent);
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
    let heading = format!("{} begun and ended, {one} by {one}", capital(&noun.many));
    let Some(last) = turns.last() else {
        return Finding::section(heading, vec![note(format!("No {} has a date.", noun.one))]);
    };
    let still = last.running + last.begun - last.ended;
    let begun: f64 = turns.iter().map(|t| t.begun).sum();
    let ended: f64 = turns.iter().map(|t| t.ended).sum();
    let end = last.period.end();
    let data_end = plan.extent.map_or(end, |extent| extent.last.max(last.period.start()));
    if let Some(last) = turns.last_mut() {
        let missing =
            crate::analyst::period::day_number(end) - 1 - crate::analyst::period::day_number(data_end);
        let length =
            crate::analyst::period::day_number(end) - crate::analyst::period::day_number(last.period.start());
        last.whole = missing * 4 <= length;
    }
    let rates: Vec<(&Turn, f64)> = turns
        .iter()
        .filter(|t| t.whole && t.running >= TELLING)
        .filter_map(|t| t.rate().map(|rate| (t, rate)))
        .collect();
    let mut finding = Finding {
        figures: vec![
            plain_figure(format!("{} begun", capital(&noun.many)), whole(as_count(begun))),
            plain_figure("Ended", whole(as_count(ended))),
            plain_figure("Still running", whole(as_count(still))),
        ],
        ..Finding::default()
    };
    finding.bullets.push(format!(
        "Of {} begun, {} have ended ({}); {} are still running.",
        noun.count(as_count(begun)),
        whole(as_count(ended)),
        share(ended, begun).map_or(DASH.to_owned(), percent),
        whole(as_count(still))
    ));
    let mut said = Vec::new();
    if !rates.is_empty() {
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let mean = rates.iter().map(|(_, rate)| rate).sum::<f64>() / rates.len() as f64;
        finding.figures.push(plain_figure(format!("Churn per {one}"), percent(mean)));
        let text = format!("On average {} of the running {} ended in a {one}.", percent(mean), noun.many);
        finding.bullets.push(text.clone());
        said.push(text);
        if let (Some(worst), Some(best)) =
            (rates.iter().max_by(|a, b| a.1.total_cmp(&b.1)), rates.iter().min_by(|a, b| a.1.total_cmp(&b.1)))
            && rates.len() > 3
        {
            said.push(format!(
                "The worst {one} was {} with {}, the best {} with {}.",
                worst.0.period.label(),
                percent(worst.1),
                best.0.period.label(),
                percent(best.1)
            ));
        }
    }
    if rates.len() >= 6 {
        let half = rates.len() / 2;
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let mean = |part: &[(&Turn, f64)]| part.iter().map(|(_, r)| r).sum::<f64>() / part.len() as f64;
        let (early, late) = (mean(&rates[..half]), mean(&rates[rates.len() - half..]));
        let text = format!(
            "Churn {}: {} a {one} in the earlier half of the time, {} in the later.",
            if late > early * 1.1 {
                "is rising"
            } else if late < early * 0.9 {
                "is falling"
            } else {
                "holds its level"
            },
            percent(early),
            percent(late)
        );
        finding.bullets.push(text.clone());
        said.push(text);
    }
    let shown = &turns[turns.len().saturating_sub(16)..];
    let q = &query.measure;
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
    let caption =
        if shown.len() < turns.len() { format!("The last {} {one}s", shown.len()) } else { heading.clone() };
    let mut blocks: Vec<Block> = paragraph(&said).into_iter().collect();
    if turns.len() > 2 {
        let drawn: Vec<&Turn> = turns[turns.len().saturating_sub(60)..].iter().filter(|t| t.whole).collect();
        blocks.push(Block::Chart(Chart {
            caption: format!("{} begun and ended by {one}", capital(&noun.many)),
            kind: ChartKind::Line,
            labels: drawn.iter().map(|t| t.period.short()).collect(),
            series: vec![
                Line { name: "Begun".to_owned(), values: drawn.iter().map(|t| Some(t.begun)).collect() },
                Line { name: "Ended".to_owned(), values: drawn.iter().map(|t| Some(t.ended)).collect() },
            ],
            unit: None,
        }));
    }
    blocks.push(Block::Table(table(caption, columns, lines)));
    finding.sections = Finding::section(heading, blocks).sections;
    finding
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
            crate::analyst::format::lower_first(name),
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
                crate::analyst::format::change(*ended, *kept)
                    .map_or(DASH.to_owned(), crate::analyst::format::signed_percent),
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
