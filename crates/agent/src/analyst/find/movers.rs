//! What moved between two times, group by group.

use longhaul_document::{Block, Chart, ChartKind, Series as Line, Table};

use super::cells::{DASH, NOT_GIVEN, amount, count, label, number, of_breakdown};
use super::{Finding, Part, left, paragraph, right, table, without_empty_columns};
use crate::analyst::format::{change, drawn, list, number_word, percent, signed_percent};
use crate::analyst::plan::PlannedQuery;
use crate::data::Rows;
use crate::words::{Noun, capital};

const TABLED: usize = 15;
const DRAWN: usize = 8;

/// What the times are called.
pub(super) struct Times<'q> {
    now: &'q str,
    before: &'q str,
    year: Option<&'q str>,
}

impl<'q> Times<'q> {
    pub(super) fn new(now: &'q str, before: &'q str, year: Option<&'q str>) -> Self {
        Self { now, before, year }
    }
}

struct Mover {
    label: String,
    now: f64,
    before: f64,
    year: Option<f64>,
}

impl Mover {
    fn gain(&self) -> f64 {
        self.now - self.before
    }
}

pub(super) fn find(query: &PlannedQuery, rows: &Rows, by: &[Noun], times: &Times<'_>) -> Finding {
    let mut finding = Finding::default();
    for (n, noun) in by.iter().enumerate() {
        let rows = of_breakdown(&rows.rows, n);
        let movers: Vec<Mover> = rows
            .iter()
            .map(|row| Mover {
                label: label(row.get(1)),
                now: amount(row, 2),
                before: amount(row, 3),
                year: number(row, 4),
            })
            .collect();
        let first = rows.first().copied().unwrap_or_default();
        let (all, all_now, all_before) = (count(first, 5), amount(first, 6), amount(first, 7));
        if movers.is_empty() {
            continue;
        }
        finding.bullets.extend(headline(query, noun, &movers, times));
        let heading = format!("What moved, by {}", noun.one);
        let mut blocks = Vec::new();
        blocks.extend(paragraph(&sentences(query, noun, &movers, times, all, all_now, all_before)));
        blocks.push(Block::Chart(chart(query, noun, &movers, times)));
        blocks.push(Block::Table(tabled(query, noun, &movers, times)));
        finding.sections.push(Part { heading, blocks });
    }
    finding
}

/// The groups that gained and lost most, largest change first.
fn sides(movers: &[Mover]) -> (Vec<&Mover>, Vec<&Mover>) {
    let significant = |m: &&Mover| m.gain().abs() > 1e-9 && m.label != NOT_GIVEN;
    let mut gained: Vec<&Mover> = movers.iter().filter(|m| m.gain() > 0.0).filter(significant).collect();
    let mut lost: Vec<&Mover> = movers.iter().filter(|m| m.gain() < 0.0).filter(significant).collect();
    gained.sort_by(|a, b| b.gain().total_cmp(&a.gain()));
    lost.sort_by(|a, b| a.gain().total_cmp(&b.gain()));
    (gained, lost)
}

fn headline(query: &PlannedQuery, by: &Noun, movers: &[Mover], times: &Times<'_>) -> Option<String> {
    let q = &query.measure;
    let (gained, lost) = sides(movers);
    let shown = |x: f64| if x == 0.0 { "nothing".to_owned() } else { q.show(x) };
    let told = |m: &Mover| format!("{} (from {} to {})", m.label, shown(m.before), shown(m.now));
    Some(match (gained.first(), lost.first()) {
        (Some(up), Some(down)) => format!(
            "Of the {}, {} gained most against {} and {} lost most.",
            by.many,
            told(up),
            times.before,
            told(down)
        ),
        (Some(up), None) => format!("No {} lost against {}; {} gained most.", by.one, times.before, told(up)),
        (None, Some(down)) => {
            format!("No {} gained against {}; {} lost most.", by.one, times.before, told(down))
        }
        (None, None) => format!("No {} changed against {}.", by.one, times.before),
    })
}

fn sentences(
    query: &PlannedQuery,
    by: &Noun,
    movers: &[Mover],
    times: &Times<'_>,
    all: u64,
    all_now: f64,
    all_before: f64,
) -> Vec<String> {
    let q = &query.measure;
    let (gained, lost) = sides(movers);
    let mut said = Vec::new();
    // With more groups than the answer holds, their number is not known.
    if all == movers.len() as u64 && all > 1 {
        let same = all.saturating_sub((gained.len() + lost.len()) as u64);
        said.push(format!(
            "Against {}, {} {} brought more, {} less{}.",
            times.before,
            number_word(gained.len() as u64),
            by.for_count(gained.len() as u64),
            none_or(number_word(lost.len() as u64)),
            if same > 0 { format!(" and {} the same", number_word(same)) } else { String::new() }
        ));
    }
    if q.adds_up()
        && let Some(ratio) = change(all_now, all_before)
        && !gained.is_empty()
        && !lost.is_empty()
    {
        let up: f64 = gained.iter().map(|m| m.gain()).sum();
        let down: f64 = lost.iter().map(|m| -m.gain()).sum();
        if all == movers.len() as u64 {
            said.push(format!(
                "Gains of {} stand against losses of {}, which makes {} in all.",
                q.show(up),
                q.show(down),
                signed_percent(ratio)
            ));
        }
    }
    let names =
        |list_of: &[&Mover]| -> Vec<String> { list_of.iter().take(3).map(|m| m.label.clone()).collect() };
    let new: Vec<&Mover> =
        movers.iter().filter(|m| m.before == 0.0 && m.now > 0.0 && m.label != NOT_GIVEN).collect();
    let gone: Vec<&Mover> =
        movers.iter().filter(|m| m.now == 0.0 && m.before > 0.0 && m.label != NOT_GIVEN).collect();
    if q.adds_up() && !new.is_empty() && movers.len() > 3 {
        said.push(format!(
            "{} had nothing in {} and something in {}{}.",
            capital(&numbered(by, new.len())),
            times.before,
            times.now,
            among(&names(&new), new.len())
        ));
    }
    if q.adds_up() && !gone.is_empty() && movers.len() > 3 {
        said.push(format!(
            "{} had something in {} and nothing in {}{}.",
            capital(&numbered(by, gone.len())),
            times.before,
            times.now,
            among(&names(&gone), gone.len())
        ));
    }
    let largest = movers.iter().max_by(|a, b| a.now.total_cmp(&b.now));
    if let Some(first) = largest.filter(|_| q.adds_up() && all_now > 0.0) {
        said.push(format!(
            "{} brought most in {}: {}, {} of all.",
            capital(&first.label),
            times.now,
            q.show(first.now),
            percent(first.now / all_now)
        ));
    }
    said
}

/// `no`, where it stands alone.
fn none_or(word: String) -> String {
    if word == "no" { "none".to_owned() } else { word }
}

fn numbered(by: &Noun, n: usize) -> String {
    format!("{} {}", number_word(n as u64), by.for_count(n as u64))
}

fn among(names: &[String], all: usize) -> String {
    if all > names.len() { format!(", among them {}", list(names)) } else { format!(": {}", list(names)) }
}

fn chart(query: &PlannedQuery, by: &Noun, movers: &[Mover], times: &Times<'_>) -> Chart {
    let shown: Vec<&Mover> = movers.iter().take(DRAWN).collect();
    let line = |name: &str, value: fn(&Mover) -> f64| Line {
        name: capital(name),
        values: shown.iter().map(|m| Some(drawn(value(m)))).collect(),
    };
    Chart {
        caption: format!(
            "{} of the largest {}, {} and {}",
            capital(&query.measure.label),
            by.many,
            times.before,
            times.now
        ),
        kind: ChartKind::Bars,
        labels: shown.iter().map(|m| m.label.clone()).collect(),
        series: vec![line(times.before, |m| m.before), line(times.now, |m| m.now)],
        unit: query.measure.unit.clone(),
    }
}

fn tabled(query: &PlannedQuery, by: &Noun, movers: &[Mover], times: &Times<'_>) -> Table {
    let q = &query.measure;
    let largest = movers.iter().map(|m| m.now.max(m.before)).fold(0.0, f64::max);
    let mut columns = vec![
        left(capital(&by.one)),
        right(capital(times.now)),
        right(capital(times.before)),
        right("Difference"),
        right("Change"),
    ];
    columns.extend(times.year.map(|year| right(capital(year))));
    // Those that moved most, from the largest gain to the largest loss.
    let mut sorted: Vec<&Mover> = movers.iter().collect();
    sorted.sort_by(|a, b| b.gain().abs().total_cmp(&a.gain().abs()));
    sorted.truncate(TABLED);
    sorted.sort_by(|a, b| b.gain().total_cmp(&a.gain()));
    let rows = sorted
        .iter()
        .map(|m| {
            let gain = q.cell(m.gain(), largest);
            let mut row = vec![
                m.label.clone(),
                q.cell(m.now, largest),
                q.cell(m.before, largest),
                if m.gain() > 0.0 { format!("+{gain}") } else { gain },
                change(m.now, m.before).map_or(DASH.to_owned(), signed_percent),
            ];
            if times.year.is_some() {
                row.push(m.year.map_or(DASH.to_owned(), |year| q.cell(year, largest)));
            }
            row
        })
        .collect();
    let caption = format!("{} by {}, {} against {}", capital(&q.label), by.one, times.now, times.before);
    let caption =
        if movers.len() > TABLED { format!("{caption}: the {TABLED} largest changes") } else { caption };
    without_empty_columns(table(caption, columns, rows))
}
