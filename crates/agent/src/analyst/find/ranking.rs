//! Who is first, and how much hangs on the first.

use longhaul_document::{Block, Chart, ChartKind, Series as Line};
use serde_json::Value;

use super::cells::{DASH, amount, as_count, count, date, label, mean, number};
use super::{Finding, left, note, paragraph, plain_figure, right, table, without_empty_columns};
use crate::analyst::format::{drawn, list, long_date, number_word, ordinal, percent, share, whole};
use crate::analyst::plan::{PlannedQuery, Reads};
use crate::analyst::subject::Quantity;
use crate::data::Rows;
use crate::words::{Noun, capital};

/// A share of the whole from which few have a good part of it.
const GOOD_PART: f64 = 0.25;
/// Names that a sentence on a tie gives.
const MOST_NAMED: usize = 3;

/// One place of the ranking.
struct Place {
    label: String,
    detail: Option<String>,
    value: f64,
    records: Option<f64>,
    last: Option<jiff::civil::Date>,
}

pub(super) fn find(query: &PlannedQuery, rows: &Rows) -> Finding {
    let Reads::Top { by, detail, count: asked, lowest } = &query.reads else {
        return Finding::default();
    };
    let q = &query.measure;
    let records_at = 3;
    let actors_at = records_at + usize::from(query.records.is_some());
    // Who is ranked by what he does himself is not counted again.
    let has_actors = query.actors.is_some();
    let first_at = actors_at + usize::from(has_actors);
    let places: Vec<Place> = rows
        .rows
        .iter()
        .filter(|row| number(row, 2).is_some())
        .map(|row| Place {
            label: label(row.first()),
            detail: row.get(1).filter(|v| !v.is_null()).map(|v| label(Some(v))),
            value: amount(row, 2),
            records: query.records.as_ref().and_then(|_| number(row, records_at)),
            last: date(row, first_at + 1),
        })
        .collect();
    let heading = format!("The {} {}", if *lowest { "last" } else { "first" }, by.count(places.len() as u64));
    let Some(first) = places.first() else {
        let text = match rows.rows.len() {
            0 => format!("There is no {} to rank.", by.one),
            _ => format!(
                "No {} can be ranked: the {} of each is not given, or too large to be computed.",
                by.one, q.label
            ),
        };
        return Finding { bullets: vec![text.clone()], ..Finding::section(heading, vec![note(text)]) };
    };
    let head: &[Value] = rows.rows.first().map_or(&[], Vec::as_slice);
    let all = count(head, first_at + 2);
    let total = amount(head, first_at + 3);
    let sums = q.adds_up() && places.iter().all(|p| p.value >= 0.0);
    let together: f64 = places.iter().map(|p| p.value).sum();
    let part = share(together, total).filter(|_| sums);

    let mut finding = Finding::default();
    finding.figures.push(plain_figure(
        if *lowest { "Last" } else { "First" },
        format!("{} ({})", first.label, q.headline(first.value)),
    ));
    if let Some(part) = part {
        finding.figures.push(plain_figure(
            format!("The {} {} together", if *lowest { "last" } else { "first" }, places.len()),
            percent(part),
        ));
    }
    finding.figures.push(plain_figure(format!("{} in all", capital(&by.many)), whole(all)));
    finding.bullets = bullets(query, by, detail.as_ref(), &places, *lowest, all, part);
    let left_out = (rows.rows.len() - places.len()) as u64;
    if left_out > 0 {
        finding.bullets.insert(
            0,
            format!(
                "The list leaves out {}, where the {} is not given, or too large to be computed.",
                by.count(left_out),
                q.label
            ),
        );
    }
    let said = sentences(query, by, &places, all, total);
    let mut blocks = Vec::new();
    blocks.extend(paragraph(&said));
    if places.len() > 1 {
        blocks.push(Block::Chart(Chart {
            caption: heading.clone(),
            kind: ChartKind::Ranking,
            labels: places.iter().take(20).map(|p| p.label.clone()).collect(),
            series: vec![Line {
                name: capital(&q.label),
                values: places.iter().take(20).map(|p| Some(drawn(p.value))).collect(),
            }],
            unit: q.unit.clone(),
        }));
    }
    blocks.push(Block::Table(tabled(query, by, detail.as_ref(), &places, total, sums, &heading)));
    if all < u64::from(*asked) {
        blocks.push(note(format!("There are only {}.", by.count(all))));
    }
    finding.sections = Finding::section(heading, blocks).sections;
    finding
}

fn named(place: &Place) -> String {
    match &place.detail {
        Some(detail) => format!("{} ({detail})", place.label),
        None => place.label.clone(),
    }
}

fn bullets(
    query: &PlannedQuery,
    by: &Noun,
    detail: Option<&Noun>,
    places: &[Place],
    lowest: bool,
    all: u64,
    part: Option<f64>,
) -> Vec<String> {
    let q = &query.measure;
    let Some(first) = places.first() else {
        return Vec::new();
    };
    let text = match tied(places, q) {
        1 => alone(q, first, places.get(1), lowest),
        n => shared(q, by, &places[..n], lowest, n == places.len() && all > n as u64),
    };
    let mut bullets = vec![text];
    if let Some(part) = part.filter(|_| all > places.len() as u64) {
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let even = places.len() as f64 / all as f64;
        let said = if lowest { "" } else { weight(part, even) };
        bullets.push(format!(
            "The {} {} of {} ({} of them) have {} of the {}{said}.",
            if lowest { "last" } else { "first" },
            number_word(places.len() as u64),
            by.count(all),
            percent(even),
            percent(part),
            q.label
        ));
    }
    bullets.extend(detail.and_then(|detail| gathered(detail, places)));
    bullets
}

/// How many of the first have what reads as the same value.
fn tied(places: &[Place], q: &Quantity) -> usize {
    let shown: Vec<String> = places.iter().map(|place| q.show(place.value)).collect();
    shown.iter().take_while(|value| Some(*value) == shown.first()).count().max(1)
}

fn alone(q: &Quantity, first: &Place, second: Option<&Place>, lowest: bool) -> String {
    let value = q.show(first.value);
    let begin = if lowest {
        format!("{} has the lowest {}, {value}", named(first), q.label)
    } else {
        format!("{} is first with {} of {value}", named(first), q.label)
    };
    let follows = second.map_or_else(String::new, |second| {
        let link = if lowest { "followed by" } else { "ahead of" };
        format!(", {link} {} with {}", named(second), q.show(second.value))
    });
    format!("{begin}{follows}.")
}

/// Several have the same; `open` says that further ones, behind the list's end, may have it too.
fn shared(q: &Quantity, by: &Noun, tied: &[Place], lowest: bool, open: bool) -> String {
    let mut names: Vec<String> = tied.iter().take(MOST_NAMED).map(named).collect();
    let more = tied.len() - names.len();
    if more > 0 {
        names.push(format!("{} other {}", number_word(more as u64), by.for_count(more as u64)));
    }
    let place = if lowest { "last" } else { "first" };
    let value = q.show(tied.first().map_or(0.0, |place| place.value));
    let others = if open { "; others behind them may have as much" } else { "" };
    format!("{} share the {place} place with {} of {value} each{others}.", list(&names), q.label)
}

/// How much the first have for their number. *Far more* is said only where the largest tenth
/// then has a quarter of the whole at least, so that [`tenths`] never says the opposite.
fn weight(part: f64, even: f64) -> &'static str {
    let times = part / even;
    if times >= 2.5 && part >= GOOD_PART {
        ", far more than their number"
    } else if times >= 1.1 && part < 0.1 {
        ", more than their number, but little of the whole"
    } else if times >= 1.1 {
        ", more than their number"
    } else if even <= 0.5 {
        ", hardly more than their number"
    } else {
        // Most of them have most of it in any case.
        ""
    }
}

/// Whether many of the first share a country, an artist.
fn gathered(detail: &Noun, places: &[Place]) -> Option<String> {
    let details: Vec<&str> = places.iter().filter_map(|p| p.detail.as_deref()).collect();
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in &details {
        match counts.iter_mut().find(|(seen, _)| seen == name) {
            Some((_, n)) => *n += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let (name, n) = *counts.first()?;
    if places.len() < 4 {
        return None;
    }
    Some(if n == 1 {
        format!("Each of them is from another {}.", detail.one)
    } else {
        format!(
            "{} of the {} share one {}: {name}.",
            capital(&number_word(n as u64)),
            number_word(places.len() as u64),
            detail.one
        )
    })
}

fn sentences(query: &PlannedQuery, by: &Noun, places: &[Place], all: u64, total: f64) -> Vec<String> {
    let q = &query.measure;
    let mut said = Vec::new();
    if let (Some(first), Some(last)) = (places.first(), places.last())
        && places.len() > 2
    {
        let (from, to) = (q.show(first.value), q.show(last.value));
        let nth = ordinal(places.len());
        said.push(if from == to {
            format!("From the first to the {nth} the {} {} level at {to}.", q.label, q.verb("is", "are"))
        } else {
            format!(
                "From the first to the {nth} the {} {} from {from} to {to}.",
                q.label,
                q.verb("goes", "go")
            )
        });
    }
    if q.adds_up() && all > 1 && total > 0.0 {
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let average = total / all as f64;
        said.push(format!("The average {} has {}.", by.one, q.with_decimals(2).show(average)));
    }
    let latest = places.iter().filter_map(|p| p.last).max();
    if let Some(latest) = latest
        && let Some(quiet) = places
            .iter()
            .filter_map(|p| Some((p, p.last?)))
            .min_by_key(|(_, last)| *last)
            .filter(|(_, last)| {
                crate::analyst::period::day_number(latest) - crate::analyst::period::day_number(*last) > 180
            })
    {
        said.push(format!(
            "{} has been silent longest: the last date is {}.",
            quiet.0.label,
            long_date(quiet.1)
        ));
    }
    said
}

fn tabled(
    query: &PlannedQuery,
    by: &Noun,
    detail: Option<&Noun>,
    places: &[Place],
    total: f64,
    sums: bool,
    heading: &str,
) -> longhaul_document::Table {
    let q = &query.measure;
    let largest = places.iter().map(|p| p.value.abs()).fold(0.0, f64::max);
    // Where each is one record, counting them says nothing.
    let counted = query.records.as_ref().filter(|_| places.iter().any(|p| p.records != Some(1.0)));
    let mut columns = vec![right("#"), left(capital(&by.one))];
    columns.extend(detail.map(|d| left(capital(&d.one))));
    columns.push(right(capital(&q.label)));
    columns.push(right("Share"));
    if let Some(noun) = counted {
        columns.push(right(capital(&noun.many)));
        if query.counts_add_up {
            columns.push(right("Average"));
        }
    }
    columns.push(right("Last date"));
    let rows = places
        .iter()
        .enumerate()
        .map(|(n, p)| {
            let mut row = vec![(n + 1).to_string(), p.label.clone()];
            if detail.is_some() {
                row.push(p.detail.clone().unwrap_or_else(|| DASH.to_owned()));
            }
            row.push(q.cell(p.value, largest));
            row.push(share(p.value, total).filter(|_| sums).map_or(String::new(), percent));
            if counted.is_some() {
                row.push(p.records.map_or(DASH.to_owned(), |r| whole(as_count(r))));
                if query.counts_add_up {
                    let each = p.records.filter(|r| *r > 0.0 && q.adds_up()).map(|r| p.value / r);
                    row.push(each.map_or(String::new(), mean));
                }
            }
            row.push(p.last.map_or(String::new(), |day| day.to_string()));
            row
        })
        .collect();
    without_empty_columns(table(heading, columns, rows))
}

/// How the whole is spread over tenths of the ranked.
pub(super) fn tenths(query: &PlannedQuery, rows: &Rows, by: &Noun) -> Finding {
    let q = &query.measure;
    let tenths: Vec<(u64, f64)> = rows.rows.iter().map(|row| (count(row, 1), amount(row, 2))).collect();
    let total: f64 = tenths.iter().map(|(_, value)| value).sum();
    let all: u64 = tenths.iter().map(|(n, _)| n).sum();
    let negative = tenths.iter().any(|(_, value)| *value < 0.0);
    if tenths.len() < 10 || total <= 0.0 || negative {
        return Finding::default();
    }
    let heading = format!("How much depends on few {}", by.many);
    let first = tenths[0].1 / total;
    let upper: f64 = tenths[..5].iter().map(|(_, v)| v).sum::<f64>() / total;
    let last = tenths[9].1 / total;
    let verdict = if first >= 0.5 {
        format!("Much depends on few {}", by.many)
    } else if first >= GOOD_PART {
        format!("A few {} carry a good part", by.many)
    } else {
        format!("{} {} spread widely", capital(&q.label), q.verb("is", "are"))
    };
    let text = format!(
        "{verdict}: the largest tenth of the {} ({} of {}) has {}, the larger half {}, the smallest tenth {}.",
        by.many,
        whole(tenths[0].0),
        whole(all),
        percent(first),
        percent(upper),
        percent(last)
    );
    let chart = Chart {
        caption: format!("{} by tenths of the {}, largest first", capital(&q.label), by.many),
        kind: ChartKind::Bars,
        labels: (1..=10).map(|n| n.to_string()).collect(),
        series: vec![Line {
            name: capital(&q.label),
            values: tenths.iter().map(|(_, value)| Some(drawn(*value))).collect(),
        }],
        unit: q.unit.clone(),
    };
    let mut finding = Finding::section(
        heading,
        [paragraph(std::slice::from_ref(&text)), Some(Block::Chart(chart))].into_iter().flatten().collect(),
    );
    finding.bullets.push(text);
    finding
}
