//! The largest groups over time.

use longhaul_document::{Block, Chart, ChartKind, Series as Line};
use serde_json::Value;

use super::cells::{DASH, NOT_GIVEN, label, number};
use super::{Finding, left, note, paragraph, right, table};
use crate::analyst::format::{change, drawn, number_word, percent};
use crate::analyst::period::{Grain, Period};
use crate::analyst::plan::{Plan, PlannedQuery};
use crate::data::Rows;
use crate::words::{Noun, capital};

/// Columns of periods that fit on a page.
const TABLED: usize = 7;
/// Changes below this are none.
const HARDLY: f64 = 0.0005;

/// One group over all periods.
struct Row {
    /// None for all groups that are not among the first.
    label: Option<String>,
    values: Vec<Option<f64>>,
}

impl Row {
    fn total(&self) -> f64 {
        self.values.iter().flatten().sum()
    }
}

pub(super) fn find(plan: &Plan, query: &PlannedQuery, rows: &Rows, by: &Noun, grain: Grain) -> Finding {
    let q = &query.measure;
    let heading = format!("Development by {}", by.one);
    let (periods, groups) = read(rows, grain, q.adds_up());
    if periods.len() < 2 || groups.is_empty() {
        return Finding::default();
    }
    let named: Vec<&Row> = groups.iter().filter(|row| row.label.is_some()).collect();
    let whole: Vec<usize> = (0..periods.len()).filter(|n| is_whole(plan, periods[*n])).collect();
    let which = if named.len() < groups.len() { "largest " } else { "" };
    let group = format!("{} {which}{}", number_word(named.len() as u64), by.many);
    let (bullet, said) = growth(query, &group, grain, &periods, &named, &whole);
    let mut blocks = Vec::new();
    blocks.extend(paragraph(&said));
    if periods.len() > 2 {
        blocks.push(Block::Chart(chart(query, by, &periods, &named, &whole)));
    }
    blocks.push(Block::Table(tabled(query, by, grain, &periods, &groups)));
    if periods.last().is_some_and(|last| !is_whole(plan, *last)) {
        let last = periods[periods.len() - 1].label();
        blocks.push(note(format!("{} is not covered whole; it is left out of comparisons.", capital(&last))));
    }
    let mut finding = Finding::section(heading, blocks);
    finding.bullets.extend(bullet);
    finding
}

fn read(rows: &Rows, grain: Grain, adds_up: bool) -> (Vec<Period>, Vec<Row>) {
    let key = |row: &[Value]| row.get(1).and_then(Value::as_str).and_then(|key| Period::from_key(grain, key));
    let all: Vec<Period> = rows.rows.iter().filter_map(|row| key(row)).collect();
    let (Some(first), Some(last)) = (all.iter().min(), all.iter().max()) else {
        return (Vec::new(), Vec::new());
    };
    let length = (last.index - first.index + 1).clamp(1, 400);
    let periods: Vec<Period> = (0..length).map(|n| first.plus(n)).collect();
    let mut groups: Vec<Row> = Vec::new();
    for row in &rows.rows {
        let name = match row.first() {
            None | Some(Value::Null) => None,
            some => Some(label(some)),
        };
        let at = key(row).and_then(|period| usize::try_from(period.index - first.index).ok());
        let (Some(at), Some(value)) = (at.filter(|at| *at < periods.len()), number(row, 2)) else {
            continue;
        };
        let group = match groups.iter().position(|group| group.label == name) {
            Some(n) => &mut groups[n],
            None => {
                let empty = if adds_up { Some(0.0) } else { None };
                groups.push(Row { label: name, values: vec![empty; periods.len()] });
                let last = groups.len() - 1;
                &mut groups[last]
            }
        };
        // Two groups of one name are one line.
        let cell = &mut group.values[at];
        *cell = Some(if adds_up { cell.unwrap_or(0.0) + value } else { value });
    }
    groups.sort_by(|a, b| b.total().total_cmp(&a.total()));
    // All others stand last, whatever they sum to.
    groups.sort_by_key(|row| row.label.is_none());
    (periods, groups)
}

fn is_whole(plan: &Plan, period: Period) -> bool {
    let inside = plan.window.as_ref().is_none_or(|w| w.from <= period.start() && period.end() <= w.to);
    inside && plan.extent.is_some_and(|extent| extent.begins(period) && extent.completes(period))
}

/// Who grew and who shrank, from the first whole period to the last.
fn growth(
    query: &PlannedQuery,
    group: &str,
    grain: Grain,
    periods: &[Period],
    named: &[&Row],
    whole: &[usize],
) -> (Option<String>, Vec<String>) {
    let q = &query.measure;
    let Some((last, before, now, then)) = stretches(grain, periods, whole) else {
        return (None, Vec::new());
    };
    let at = |row: &Row, part: &[usize]| {
        let values: Vec<f64> = part.iter().filter_map(|n| row.values[*n]).collect();
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let divisor = if q.adds_up() { 1.0 } else { values.len().max(1) as f64 };
        values.iter().sum::<f64>() / divisor
    };
    let ratio = |row: &Row| change(at(row, last), at(row, before));
    let mut moved: Vec<(&Row, f64)> = named
        .iter()
        .filter(|row| row.label.as_deref() != Some(NOT_GIVEN))
        // A mean of nothing is no mean.
        .filter(|row| {
            q.adds_up() || [last, before].iter().all(|part| part.iter().any(|n| row.values[*n].is_some()))
        })
        .filter_map(|row| ratio(row).map(|r| (*row, r)))
        .collect();
    moved.sort_by(|a, b| b.1.total_cmp(&a.1));
    let name = |row: &Row| row.label.clone().unwrap_or_default();
    let told = |(row, ratio): &(&Row, f64)| {
        let shown = |x: f64| if x == 0.0 { "nothing".to_owned() } else { q.show(x) };
        let way = match *ratio {
            r if r.abs() < HARDLY => return format!("{} (unchanged at {})", name(row), shown(at(row, last))),
            r if r >= 2.0 || r <= -1.0 => String::new(),
            r if r >= 0.0 => format!("up {}, ", percent(r)),
            r => format!("down {}, ", percent(r.abs())),
        };
        format!("{} ({way}from {} to {})", name(row), shown(at(row, before)), shown(at(row, last)))
    };
    let bullet = match (moved.first(), moved.last()) {
        (Some(up), Some(down)) if moved.len() > 1 && up.1 > HARDLY && down.1 < -HARDLY => Some(format!(
            "Of the {group}, {} did best in {now} against {then}, {} worst.",
            told(up),
            told(down)
        )),
        (Some(up), Some(down)) if moved.len() > 1 && up.1 < HARDLY && down.1 >= -HARDLY => {
            Some(format!("None of the {group} changed in {now} against {then}."))
        }
        (Some(up), Some(down)) if moved.len() > 1 && down.1 >= -HARDLY => Some(format!(
            "{} held or gained in {now} against {then}: from {} to {}.",
            match group.strip_prefix("two ") {
                Some(both) => format!("Both {both}"),
                None => format!("All of the {group}"),
            },
            told(down),
            told(up)
        )),
        (Some(up), Some(down)) if moved.len() > 1 => Some(format!(
            "None of the {group} gained in {now} against {then}: from {} to {}.",
            told(up),
            told(down)
        )),
        _ => None,
    };
    let mut said: Vec<String> = bullet.iter().cloned().collect();
    said.extend(lead_changes(q.adds_up(), grain, periods, named, whole));
    (bullet, said)
}

/// What is compared: the last two years or quarters; of shorter periods, which are a matter of
/// chance each, the later half of them against the earlier.
fn stretches<'w>(
    grain: Grain,
    periods: &[Period],
    whole: &'w [usize],
) -> Option<(&'w [usize], &'w [usize], String, String)> {
    let n = whole.len();
    if n < 2 {
        return None;
    }
    let half = match grain {
        Grain::Year | Grain::Quarter => 1,
        _ => n / 2,
    };
    let (last, before) = (&whole[n - half..], &whole[n - 2 * half..n - half]);
    let name = |part: &[usize]| match part {
        [one] => periods[*one].label(),
        [first, .., last] => format!("{} to {}", periods[*first].short(), periods[*last].short()),
        [] => String::new(),
    };
    Some((last, before, name(last), name(before)))
}

/// Whether the same group led all the time.
fn lead_changes(
    adds_up: bool,
    grain: Grain,
    periods: &[Period],
    named: &[&Row],
    whole: &[usize],
) -> Option<String> {
    if !adds_up || named.len() < 2 || whole.len() < 3 {
        return None;
    }
    let leader = |n: usize| {
        named
            .iter()
            .filter(|row| row.label.as_deref() != Some(NOT_GIVEN))
            .max_by(|a, b| a.values[n].unwrap_or(0.0).total_cmp(&b.values[n].unwrap_or(0.0)))
            .and_then(|row| row.label.clone())
    };
    let first = leader(*whole.last()?)?;
    let led = whole.iter().filter(|n| leader(**n).as_deref() == Some(first.as_str())).count();
    if led == whole.len() {
        Some(format!("{first} led in every {} since {}.", grain.name(), periods[whole[0]].label()))
    } else {
        (led * 2 > whole.len()).then(|| format!("{first} led in {led} of {} {}s.", whole.len(), grain.name()))
    }
}

fn chart(query: &PlannedQuery, by: &Noun, periods: &[Period], named: &[&Row], whole: &[usize]) -> Chart {
    let span = match (whole.first(), whole.last()) {
        (Some(first), Some(last)) if last - first > 1 => *first..last + 1,
        _ => 0..periods.len(),
    };
    Chart {
        caption: format!("{} of the largest {}", capital(&query.measure.label), by.many),
        kind: ChartKind::Line,
        labels: periods[span.clone()].iter().map(|p| p.short()).collect(),
        series: named
            .iter()
            .take(6)
            .map(|row| Line {
                name: row.label.clone().unwrap_or_default(),
                values: row.values[span.clone()].iter().map(|v| v.map(drawn)).collect(),
            })
            .collect(),
        unit: query.measure.unit.clone(),
    }
}

fn tabled(
    query: &PlannedQuery,
    by: &Noun,
    grain: Grain,
    periods: &[Period],
    groups: &[Row],
) -> longhaul_document::Table {
    let q = &query.measure;
    let from = periods.len().saturating_sub(TABLED);
    let mut columns = vec![left(capital(&by.one))];
    columns.extend(periods[from..].iter().map(|p| right(p.short())));
    let largest =
        groups.iter().flat_map(|row| &row.values[from..]).flatten().fold(0.0, |a: f64, b| a.max(*b));
    let rows = groups
        .iter()
        .map(|row| {
            let name = row.label.clone().unwrap_or_else(|| format!("All other {}", by.many));
            let cells = row.values[from..].iter();
            std::iter::once(name)
                .chain(cells.map(|v| v.map_or(DASH.to_owned(), |v| q.cell(v, largest))))
                .collect()
        })
        .collect();
    let caption = if from > 0 {
        format!("{} by {}, the last {} {}s", capital(&q.label), by.one, periods.len() - from, grain.name())
    } else {
        format!("{} by {} and {}", capital(&q.label), by.one, grain.name())
    };
    let mut made = table(caption, columns, rows);
    if q.adds_up() {
        let sum = |n: usize| groups.iter().filter_map(|row| row.values[n]).sum::<f64>();
        let cells = (from..periods.len()).map(|n| q.cell(sum(n), largest));
        made.total = Some(std::iter::once("Total".to_owned()).chain(cells).collect());
    }
    made
}
