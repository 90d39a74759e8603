//! One period held against those before it.

use longhaul_document::{Block, Chart, ChartKind, Series as Line};

use super::cells::{DASH, as_count, average_of, mean};
use super::series::{Point, Series};
use super::{Finding, key_figure, note, paragraph, right, table};
use crate::analyst::format::{change, compared, drawn, number_word, ordinal, signed_percent, whole};
use crate::analyst::period::Period;
use crate::analyst::plan::PlannedQuery;
use crate::words::{Noun, capital};

/// Rows of the table of periods.
const SHOWN: usize = 9;
/// Changes below this are none.
const HARDLY: f64 = 0.005;

pub(super) fn find(query: &PlannedQuery, series: &Series, focus: Period) -> Finding {
    let q = &query.measure;
    let heading = format!("{} by {}", capital(&q.label), series.grain.name());
    let Some(now) = series.at(focus) else {
        let text = format!("There is no {} in {}.", q.label, focus.label());
        let mut finding = Finding::section(heading, vec![note(text.clone())]);
        finding.bullets.push(text);
        return finding;
    };
    let before = series.at(focus.plus(-1));
    let year = series.grain.season().and_then(|season| series.at(focus.plus(-season)));
    let mut finding = Finding {
        figures: figures(query, &now, before.as_ref()),
        bullets: bullets(query, series, &now, before.as_ref(), year.as_ref()),
        ..Finding::default()
    };
    let upto: Vec<Point> = series.points.iter().copied().filter(|point| point.period <= focus).collect();
    let mut blocks = Vec::new();
    blocks.extend(paragraph(&history(query, &upto, series.grain.name())));
    if upto.len() > 2 {
        blocks.push(Block::Chart(chart(query, &upto, &heading)));
    }
    blocks.push(Block::Table(recent(query, series, &upto)));
    finding.sections = Finding::section(heading, blocks).sections;
    finding
}

fn figures(query: &PlannedQuery, now: &Point, before: Option<&Point>) -> Vec<longhaul_document::KeyFigure> {
    let q = &query.measure;
    let name = before.map(|point| point.period.label());
    let against = |value: Option<f64>| name.as_deref().and_then(|n| value.map(|v| (v, n)));
    let mut figures = vec![key_figure(
        &capital(&q.label),
        q.headline(now.amount()),
        now.amount(),
        against(before.map(Point::amount)),
    )];
    if let (Some(noun), Some(records)) = (&query.records, now.records) {
        figures.push(key_figure(
            &capital(&noun.many),
            whole(as_count(records)),
            records,
            against(before.and_then(|p| p.records)),
        ));
        if let Some(each) = now.each().filter(|_| q.adds_up()) {
            figures.push(key_figure(
                &capital(&average_of(noun)),
                q.with_decimals(2).headline(each),
                each,
                against(before.and_then(Point::each)),
            ));
        }
    }
    if let (Some(noun), Some(actors)) = (&query.actors, now.actors) {
        figures.push(key_figure(
            &format!("Active {}", noun.many),
            whole(as_count(actors)),
            actors,
            against(before.and_then(|p| p.actors)),
        ));
    }
    figures
}

fn bullets(
    query: &PlannedQuery,
    series: &Series,
    now: &Point,
    before: Option<&Point>,
    year: Option<&Point>,
) -> Vec<String> {
    let q = &query.measure;
    let mut bullets = Vec::new();
    let against: Vec<String> = [before, year]
        .into_iter()
        .flatten()
        .filter_map(|point| {
            let compared = compared(now.amount(), point.amount())?;
            let connector = if compared.ends_with("than") || compared.ends_with("as") { "in " } else { "" };
            Some(format!("{compared} {connector}{} ({})", point.period.label(), q.show(point.amount())))
        })
        .collect();
    let tail = if against.is_empty() {
        format!("; there is no earlier {} to compare with", series.grain.name())
    } else {
        format!(": {}", against.join(", and "))
    };
    bullets.push(format!(
        "{} {} {} in {}{tail}.",
        capital(&q.label),
        q.was(),
        q.show(now.amount()),
        now.period.label()
    ));
    // With its last period a year is over: that comes before the period's own details.
    let calendar = series.grain.season().filter(|season| (now.period.index + 1) % season == 0);
    bullets.extend(calendar.and_then(|season| whole_year(query, series, now, season)));
    bullets.extend(before.and_then(|before| volume_or_size(query, now, before)));
    bullets.extend(standing(series, now));
    if calendar.is_none() {
        bullets.extend(year_to_date(query, series, now));
    }
    bullets
}

/// Whether the number of records or their size made the change.
fn volume_or_size(query: &PlannedQuery, now: &Point, before: &Point) -> Option<String> {
    let q = &query.measure;
    let noun = query.records.as_ref().filter(|_| q.adds_up())?;
    let (n, m) = (now.records?, before.records?);
    let (each, each_before) = (now.each()?, before.each()?);
    let volume = change(n, m)?;
    let size = change(each, each_before)?;
    let fine = q.with_decimals(2);
    let sizes = format!("{} each after {}", fine.show(each), fine.show(each_before));
    let numbers = format!("{} after {}", noun.count(as_count(n)), whole(as_count(m)));
    Some(match (volume.abs() < HARDLY, size.abs() < HARDLY) {
        (true, true) => {
            format!("Neither the number of {} nor their size changed much: {numbers}, {sizes}.", noun.many)
        }
        (true, false) => format!(
            "The change comes from the size of the {}, not from their number: {} as before, {sizes}.",
            noun.many,
            whole(as_count(n))
        ),
        (false, true) => format!(
            "The change comes from the number of {}, not from their size: {numbers}, {} each as before.",
            noun.many,
            fine.show(each)
        ),
        (false, false) if (volume > 0.0) == (size > 0.0) => format!(
            "{} {} and {} ones: {numbers}, {sizes}.",
            if volume > 0.0 { "More" } else { "Fewer" },
            noun.many,
            if size > 0.0 { "larger" } else { "smaller" },
        ),
        (false, false) => format!(
            "{} {}, but {} ones: {numbers}, {sizes}.",
            if volume > 0.0 { "More" } else { "Fewer" },
            noun.many,
            if size > 0.0 { "larger" } else { "smaller" },
        ),
    })
}

/// `second-highest`.
pub(super) fn nth_highest(place: usize) -> String {
    match place {
        1 => "highest".to_owned(),
        n => format!("{}-highest", ordinal(n)),
    }
}

/// The place of the period among all there are.
fn standing(series: &Series, now: &Point) -> Option<String> {
    let all: Vec<f64> =
        series.whole().iter().filter(|p| p.period <= now.period).filter_map(|p| p.value).collect();
    if all.len() < 6 || !now.whole {
        return None;
    }
    let value = now.value?;
    let place = 1 + all.iter().filter(|v| **v > value * 1.000_001).count();
    let below = all.iter().filter(|v| **v < value * 0.999_999).count();
    let (one, since) = (series.grain.name(), series.points.first()?.period.label());
    let n = all.len();
    let text = if below == 0 {
        format!("It is the lowest of the {n} {one}s since {since}.")
    } else if place <= 3 || place * 2 <= n {
        format!("It is the {} of the {n} {one}s since {since}.", nth_highest(place))
    } else {
        format!(
            "{place_before} of the {n} {one}s since {since} were higher.",
            place_before = capital(&number_word((place - 1) as u64))
        )
    };
    Some(text)
}

/// The last year of periods against the one before.
fn year_to_date(query: &PlannedQuery, series: &Series, now: &Point) -> Option<String> {
    let season = series.grain.season()?;
    let q = &query.measure;
    let (last, before) =
        (total(series, now.period, season)?, total(series, now.period.plus(-season), season)?);
    let many = number_word(season.unsigned_abs().into());
    Some(format!(
        "The {many} {}s to {} brought {}, {} the {many} before ({}).",
        series.grain.name(),
        now.period.label(),
        q.show(last),
        compared(last, before)?,
        q.show(before)
    ))
}

/// The calendar year that ends with the period, against the one before where there is one.
fn whole_year(query: &PlannedQuery, series: &Series, now: &Point, season: i32) -> Option<String> {
    let q = &query.measure;
    let this = total(series, now.period, season)?;
    let year = now.period.start().year();
    let against = total(series, now.period.plus(-season), season)
        .and_then(|before| {
            let text = compared(this, before)?;
            Some(format!(", {text} in {} ({})", year - 1, q.show(before)))
        })
        .unwrap_or_default();
    Some(format!("{year} as a whole brought {}{against}.", q.show(this)))
}

/// The sum of so many whole periods up to one; none where one is missing or sums say nothing.
fn total(series: &Series, last: Period, count: i32) -> Option<f64> {
    if !series.adds_up {
        return None;
    }
    (0..count).map(|n| series.at(last.plus(-n)).filter(|p| p.whole).map(|p| p.amount())).sum()
}

/// Best, worst and usual, over the whole history.
fn history(query: &PlannedQuery, points: &[Point], one: &str) -> Vec<String> {
    let q = &query.measure;
    let all: Vec<&Point> = points.iter().filter(|p| p.whole && p.value.is_some()).collect();
    if all.len() < 4 {
        return Vec::new();
    }
    let by_value = |a: &&&Point, b: &&&Point| a.amount().total_cmp(&b.amount());
    let (Some(best), Some(worst)) = (all.iter().max_by(by_value), all.iter().min_by(by_value)) else {
        return Vec::new();
    };
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    let average = all.iter().map(|p| p.amount()).sum::<f64>() / all.len() as f64;
    let mut said = vec![format!(
        "Over {} {one}s the average {one} brought {}; the best was {} with {}, the weakest {} with {}.",
        all.len(),
        q.show_mean(average),
        best.period.label(),
        q.show(best.amount()),
        worst.period.label(),
        q.show(worst.amount()),
    )];
    if !q.adds_up() {
        said[0] = said[0].replace(" brought ", " had ");
    }
    let near = all.iter().filter(|p| (p.amount() / average - 1.0).abs() <= 0.05).count();
    if near * 2 > all.len() && average > 0.0 {
        said.push(format!(
            "{near} of them lie within 5% of that average, so a {one} that does not is worth a look."
        ));
    }
    said
}

fn chart(query: &PlannedQuery, points: &[Point], heading: &str) -> Chart {
    let shown = &points[points.len().saturating_sub(40)..];
    Chart {
        caption: heading.to_owned(),
        kind: ChartKind::Line,
        labels: shown.iter().map(|p| p.period.short()).collect(),
        series: vec![Line {
            name: capital(&query.measure.label),
            values: shown.iter().map(|p| p.value.map(drawn)).collect(),
        }],
        unit: query.measure.unit.clone(),
    }
}

fn recent(query: &PlannedQuery, series: &Series, points: &[Point]) -> longhaul_document::Table {
    let q = &query.measure;
    let season = series.grain.season();
    let shown = &points[points.len().saturating_sub(SHOWN)..];
    let largest = shown.iter().map(Point::amount).fold(0.0, f64::max);
    let mut columns =
        vec![super::left(capital(series.grain.name())), right(capital(&q.label)), right("Change")];
    if season.is_some() {
        columns.push(right("On the year"));
    }
    if let Some(noun) = &query.records {
        columns.push(right(capital(&noun.many)));
        if q.adds_up() {
            columns.push(right("Average"));
        }
    }
    if let Some(noun) = &query.actors {
        columns.push(right(format!("Active {}", noun.many)));
    }
    let ratio = |now: &Point, then: Option<Point>| {
        then.and_then(|then| change(now.amount(), then.amount())).map_or(DASH.to_owned(), signed_percent)
    };
    let rows = shown
        .iter()
        .map(|point| {
            let mut row = vec![
                point.period.label(),
                q.cell(point.amount(), largest),
                ratio(point, series.at(point.period.plus(-1))),
            ];
            if let Some(season) = season {
                row.push(ratio(point, series.at(point.period.plus(-season))));
            }
            if query.records.is_some() {
                row.push(counted(point.records));
                if q.adds_up() {
                    row.push(point.each().map_or(DASH.to_owned(), mean));
                }
            }
            if query.actors.is_some() {
                row.push(counted(point.actors));
            }
            row
        })
        .collect();
    table(
        format!("The last {}", Noun::of(&[series.grain.name().to_owned()]).count(shown.len() as u64)),
        columns,
        rows,
    )
}

pub(super) fn counted(n: Option<f64>) -> String {
    n.map_or(DASH.to_owned(), |n| whole(as_count(n)))
}
