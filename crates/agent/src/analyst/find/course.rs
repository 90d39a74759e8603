//! How something went over time: its level, its peaks, its seasons, its years.

use longhaul_document::{Block, Chart, ChartKind, Series as Line, Table};

use super::cells::{DASH, as_count, average_of, mean};
use super::period_review::counted;
use super::series::{Point, Series};
use super::{Finding, key_figure, left, note, paragraph, plain_figure, right, table};
use crate::analyst::format::{change, compared, drawn, month_name, percent, signed_percent, whole};
use crate::analyst::period::Grain;
use crate::analyst::plan::{Plan, PlannedQuery};
use crate::analyst::subject::Adding;
use crate::words::capital;

/// Points that a chart shows at most, the latest.
const DRAWN: usize = 120;
/// Rows that a table of periods has at most.
const TABLED: usize = 16;
/// From this share of the mean on, a season is one.
const SEASON: f64 = 0.1;

pub(super) fn find(plan: &Plan, query: &PlannedQuery, series: &Series) -> Finding {
    let q = &query.measure;
    let one = series.grain.name();
    let heading = format!("{} by {one}", capital(&q.label));
    if series.points.is_empty() {
        let text = format!("No {} has a date in this time.", plan.records.one);
        return Finding { bullets: vec![text.clone()], ..Finding::section(heading, vec![note(text)]) };
    }
    let years = series.years();
    let mut finding = Finding {
        figures: figures(query, series, &years),
        bullets: bullets(query, series, &years),
        ..Finding::default()
    };
    let mut said = peaks(query, series);
    finding.bullets.extend(said.first().cloned());
    said.extend(evenness(query, series));
    said.extend(seasons(query, series));
    let mut blocks = Vec::new();
    blocks.extend(paragraph(&said));
    if series.points.len() > 2 {
        blocks.push(Block::Chart(chart(query, series, &heading)));
    }
    blocks.extend(partial(series));
    blocks.push(Block::Table(periods(query, series)));
    if series.grain != Grain::Year && years.len() > 1 {
        blocks.push(Block::Table(by_year(query, &years)));
    }
    finding.sections = Finding::section(heading, blocks).sections;
    finding
}

fn figures(
    query: &PlannedQuery,
    series: &Series,
    years: &[(i32, f64, f64)],
) -> Vec<longhaul_document::KeyFigure> {
    let q = &query.measure;
    let total = series.total();
    let name = if q.adds_up() { capital(&q.label) } else { format!("{} overall", capital(&q.label)) };
    let mut figures = vec![plain_figure(name, q.headline(total))];
    if let Some(noun) = &query.records {
        let records = series.records();
        figures.push(plain_figure(capital(&noun.many), whole(as_count(records))));
        if q.adds_up() && records > 0.0 {
            figures
                .push(plain_figure(capital(&average_of(noun)), q.with_decimals(2).headline(total / records)));
        }
    }
    if let [.., (before, old, _), (last, new, _)] = years {
        figures.push(key_figure(
            &format!("{} in {last}", capital(&q.label)),
            q.headline(*new),
            *new,
            Some((*old, &before.to_string())),
        ));
    }
    figures
}

fn bullets(query: &PlannedQuery, series: &Series, years: &[(i32, f64, f64)]) -> Vec<String> {
    let q = &query.measure;
    let (Some(first), Some(last)) = (series.points.first(), series.points.last()) else {
        return Vec::new();
    };
    let time = if first.period == last.period {
        format!("in {}", first.period.label())
    } else {
        format!("from {} to {}", first.period.label(), last.period.label())
    };
    let total = series.total();
    let mut bullets = vec![match (&query.records, q.adds_up()) {
        (Some(noun), true) if series.records() > 0.0 => format!(
            "{} came to {} {time}, from {} of {} each on average.",
            capital(&q.label),
            q.show(total),
            noun.count(as_count(series.records())),
            q.with_decimals(2).show(total / series.records())
        ),
        (_, true) => format!("There were {} {} {time}.", q.show(total), q.label),
        (_, false) => format!("The {} {} {} {time}.", q.label, q.was(), q.show(total)),
    }];
    if let [.., (before, old, _), (last, new, _)] = years {
        let against = match compared(*new, *old) {
            Some(compared) => format!("{compared} in {before} ({})", q.show(*old)),
            None => format!("after none in {before}"),
        };
        bullets.push(if q.adding == Adding::Count {
            format!("In {last}, the last full year, there were {} {}: {against}.", q.show(*new), q.label)
        } else {
            format!(
                "In {last}, the last full year, {} {} {}: {against}.",
                subject(&q.label, q.plural),
                q.was(),
                q.show(*new)
            )
        });
    }
    if let [(first, old, _), _, .., (last, new, _)] = years
        && let Some(ratio) = change(*new, *old)
    {
        bullets.push(if ratio.abs() < 0.03 {
            format!(
                "Over the years {} hardly moved: {} in {first}, {} in {last}.",
                subject(&q.label, q.plural),
                q.show(*old),
                q.show(*new)
            )
        } else {
            format!(
                "From {first} to {last} {} {} by {}, from {} to {}.",
                subject(&q.label, q.plural),
                if ratio > 0.0 { "rose" } else { "fell" },
                percent(ratio.abs()),
                q.show(*old),
                q.show(*new)
            )
        });
    }
    bullets
}

/// A label as the subject inside a sentence: counts of things read better with an article.
fn subject(label: &str, plural: bool) -> String {
    if plural { format!("the {label}") } else { label.to_owned() }
}

/// The values of whole periods: what may be compared with each other.
fn comparable(series: &Series) -> Vec<Point> {
    series.whole().into_iter().filter(|point| point.value.is_some()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a mean")]
fn mean_of(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn peaks(query: &PlannedQuery, series: &Series) -> Vec<String> {
    let q = &query.measure;
    let points = comparable(series);
    let one = series.grain.name();
    if points.len() < 3 {
        return Vec::new();
    }
    let by_value = |a: &&Point, b: &&Point| a.amount().total_cmp(&b.amount());
    let (Some(best), Some(worst)) = (points.iter().max_by(by_value), points.iter().min_by(by_value)) else {
        return Vec::new();
    };
    let values: Vec<f64> = points.iter().map(Point::amount).collect();
    let average = mean_of(&values);
    if best.amount() <= worst.amount() * 1.000_001 {
        return vec![format!("Every {one} brought the same: {}.", q.show(best.amount()))];
    }
    let mut said = vec![format!(
        "The strongest {one} was {} with {}, the weakest {} with {}; the average {one} {} {}.",
        best.period.label(),
        q.show(best.amount()),
        worst.period.label(),
        q.show(worst.amount()),
        if q.adds_up() { "brought" } else { "had" },
        q.show_mean(average)
    )];
    let spread = mean_of(&values.iter().map(|v| (v - average).powi(2)).collect::<Vec<_>>()).sqrt();
    let odd: Vec<&Point> =
        points.iter().filter(|p| points.len() >= 8 && (p.amount() - average).abs() > 2.5 * spread).collect();
    if let [one_point] = odd.as_slice() {
        let side = if one_point.amount() > average { "above" } else { "below" };
        said.push(format!(
            "{} stands out: it lies further {side} the average than the others do.",
            one_point.period.label()
        ));
    }
    let empty = points.iter().filter(|p| p.amount() == 0.0).count();
    if empty > 0 && empty < points.len() {
        said.push(format!(
            "{} {empty} of the {} {one}s there was nothing at all.",
            if series.grain == Grain::Day { "On" } else { "In" },
            points.len()
        ));
    }
    said
}

/// Where most periods are alike, that is worth saying: a rise is then news.
fn evenness(query: &PlannedQuery, series: &Series) -> Option<String> {
    let points = comparable(series);
    if points.len() < 8 {
        return None;
    }
    let values: Vec<f64> = points.iter().map(Point::amount).collect();
    let average = mean_of(&values);
    if average <= 0.0 {
        return None;
    }
    let near = values.iter().filter(|v| (*v / average - 1.0).abs() <= 0.1).count();
    let one = series.grain.name();
    if near * 4 >= values.len() * 3 {
        return Some(format!(
            "{} {} steady: {near} of {} {one}s lie within 10% of the average.",
            capital(&query.measure.label),
            if query.measure.plural { "are" } else { "is" },
            values.len()
        ));
    }
    let half = values.len() / 2;
    let (early, late) = (mean_of(&values[..half]), mean_of(&values[values.len() - half..]));
    let ratio = change(late, early)?;
    (ratio.abs() > 0.1).then(|| {
        format!(
            "The later half of the {one}s lies {} {} the earlier half.",
            percent(ratio.abs()),
            if ratio > 0.0 { "above" } else { "below" }
        )
    })
}

/// Whether the same months or quarters are high each year.
fn seasons(query: &PlannedQuery, series: &Series) -> Option<String> {
    let season = usize::try_from(series.grain.season()?).ok()?;
    let points = comparable(series);
    if points.len() < season * 2 {
        return None;
    }
    let average = mean_of(&points.iter().map(Point::amount).collect::<Vec<_>>());
    let of = |slot: usize| -> Vec<f64> {
        points
            .iter()
            .filter(|p| usize::try_from(p.period.index).is_ok_and(|index| index % season == slot))
            .map(Point::amount)
            .collect()
    };
    let mut best: Option<(usize, f64, usize, usize)> = None;
    for slot in 0..season {
        let values = of(slot);
        let level = mean_of(&values) / average - 1.0;
        let above = values.iter().filter(|v| **v > average).count();
        // A season is one when it is high in nearly every year, not when one year lifts its mean.
        let steady = above * 4 >= values.len() * 3;
        if level > SEASON && steady && best.is_none_or(|(_, seen, ..)| level > seen) {
            best = Some((slot, level, above, values.len()));
        }
    }
    let q = &query.measure;
    Some(match best {
        Some((slot, level, above, years)) => {
            let name = if season == 12 {
                month_name(i8::try_from(slot + 1).unwrap_or(1)).to_owned()
            } else {
                format!("the {} quarter", ["first", "second", "third", "fourth"][slot % 4])
            };
            format!(
                "There is a season: {name} lies {} above the average {}, in {above} of {years} years.",
                percent(level),
                series.grain.name()
            )
        }
        None => format!(
            "No {} of the year stands out year after year, so {} {} no season.",
            series.grain.name(),
            q.label,
            q.verb("has", "have")
        ),
    })
}

fn partial(series: &Series) -> Option<Block> {
    let last = series.points.last().filter(|p| !p.whole);
    let first = series.points.first().filter(|p| !p.whole && series.points.len() > 1);
    let text = match (first, last) {
        (None, None) => return None,
        (Some(first), Some(last)) => format!(
            "{} and {} are not covered whole and are not compared with the others.",
            capital(&first.period.label()),
            last.period.label()
        ),
        (Some(one), None) | (None, Some(one)) => format!(
            "{} is not covered whole and is not compared with the others.",
            capital(&one.period.label())
        ),
    };
    Some(note(text))
}

fn chart(query: &PlannedQuery, series: &Series, heading: &str) -> Chart {
    // A last period cut short would draw a fall that is none.
    let mut shown: &[Point] = &series.points;
    if series.adds_up && shown.len() > 3 {
        if shown.last().is_some_and(|p| !p.whole) {
            shown = &shown[..shown.len() - 1];
        }
        if shown.first().is_some_and(|p| !p.whole) {
            shown = &shown[1..];
        }
    }
    let shown = &shown[shown.len().saturating_sub(DRAWN)..];
    Chart {
        caption: heading.to_owned(),
        kind: if shown.len() <= 6 { ChartKind::Bars } else { ChartKind::Line },
        labels: shown.iter().map(|p| p.period.short()).collect(),
        series: vec![Line {
            name: capital(&query.measure.label),
            values: shown.iter().map(|p| p.value.map(drawn)).collect(),
        }],
        unit: query.measure.unit.clone(),
    }
}

fn periods(query: &PlannedQuery, series: &Series) -> Table {
    let q = &query.measure;
    let points = &series.points;
    let shown = &points[points.len().saturating_sub(TABLED)..];
    let largest = shown.iter().map(Point::amount).fold(0.0, f64::max);
    let mut columns = vec![left(capital(series.grain.name())), right(capital(&q.label)), right("Change")];
    if let Some(noun) = &query.records {
        columns.push(right(capital(&noun.many)));
    }
    if let Some(noun) = &query.actors {
        columns.push(right(format!("Active {}", noun.many)));
    }
    let rows = shown
        .iter()
        .map(|point| {
            let before = series.at(point.period.plus(-1)).filter(|b| b.whole && point.whole);
            let name =
                if point.whole { point.period.label() } else { format!("{} (part)", point.period.label()) };
            let mut row = vec![
                capital(&name),
                point.value.map_or(DASH.to_owned(), |v| q.cell(v, largest)),
                before
                    .and_then(|b| change(point.amount(), b.amount()))
                    .map_or(DASH.to_owned(), signed_percent),
            ];
            if query.records.is_some() {
                row.push(counted(point.records));
            }
            if query.actors.is_some() {
                row.push(counted(point.actors));
            }
            row
        })
        .collect();
    let caption = if shown.len() < points.len() {
        format!("The last {} {}s of {}", shown.len(), series.grain.name(), points.len())
    } else {
        format!("{} by {}", capital(&q.label), series.grain.name())
    };
    table(caption, columns, rows)
}

fn by_year(query: &PlannedQuery, years: &[(i32, f64, f64)]) -> Table {
    let q = &query.measure;
    let largest = years.iter().map(|(_, value, _)| *value).fold(0.0, f64::max);
    let mut columns = vec![left("Year"), right(capital(&q.label)), right("Change")];
    if let Some(noun) = &query.records {
        columns.push(right(capital(&noun.many)));
        columns.push(right("Average"));
    }
    let mut before: Option<f64> = None;
    let rows = years
        .iter()
        .map(|(year, value, records)| {
            let mut row = vec![
                year.to_string(),
                q.cell(*value, largest),
                before.and_then(|b| change(*value, b)).map_or(DASH.to_owned(), signed_percent),
            ];
            before = Some(*value);
            if query.records.is_some() {
                row.push(whole(as_count(*records)));
                row.push(if *records > 0.0 { mean(value / records) } else { DASH.to_owned() });
            }
            row
        })
        .collect();
    table(format!("{} by full year", capital(&q.label)), columns, rows)
}
