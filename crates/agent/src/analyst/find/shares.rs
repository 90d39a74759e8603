//! Who has how much of the whole.

use longhaul_document::{Block, Chart, ChartKind, Series as Line, Table};

use super::cells::{DASH, NOT_GIVEN, amount, as_count, average_of, count, label, mean, number, of_breakdown};
use super::{Finding, Part, left, paragraph, plain_figure, right, table, without_empty_columns};
use crate::analyst::format::{drawn, list, number_word, percent, share, whole};
use crate::analyst::plan::PlannedQuery;
use crate::data::Rows;
use crate::words::{Noun, capital};

/// Rows of the table.
const TABLED: usize = 25;
/// Bars of the chart.
const DRAWN: usize = 12;

/// One group's figures.
struct Group {
    label: String,
    value: f64,
    records: Option<f64>,
    actors: Option<f64>,
}

/// All groups of one dimension.
struct Groups<'q> {
    query: &'q PlannedQuery,
    by: &'q Noun,
    /// The largest first.
    shown: Vec<Group>,
    /// How many there are in all.
    all: u64,
    /// The value of all of them.
    total: f64,
}

pub(super) fn find(query: &PlannedQuery, rows: &Rows, by: &[Noun]) -> Finding {
    let mut finding = Finding::default();
    for (n, noun) in by.iter().enumerate() {
        let rows = of_breakdown(&rows.rows, n);
        let groups = read(query, noun, &rows);
        if groups.shown.is_empty() {
            continue;
        }
        if n == 0 {
            finding.figures = figures(&groups);
        }
        finding.bullets.extend(lead(&groups));
        if by.len() == 1 {
            finding.bullets.extend(concentration(&groups));
        }
        finding.sections.push(section(&groups));
    }
    finding
}

fn read<'q>(query: &'q PlannedQuery, by: &'q Noun, rows: &[&[serde_json::Value]]) -> Groups<'q> {
    let records_at = 3;
    let actors_at = records_at + usize::from(query.records.is_some());
    let groups_at = actors_at + usize::from(query.actors.is_some());
    let shown: Vec<Group> = rows
        .iter()
        .filter(|row| number(row, 2).is_some())
        .map(|row| Group {
            label: label(row.get(1)),
            value: amount(row, 2),
            records: query.records.as_ref().and_then(|_| number(row, records_at)),
            actors: query.actors.as_ref().and_then(|_| number(row, actors_at)),
        })
        .collect();
    let first = rows.first().copied().unwrap_or_default();
    Groups { query, by, all: count(first, groups_at), total: amount(first, groups_at + 1), shown }
}

impl Groups<'_> {
    fn sums(&self) -> bool {
        self.query.measure.adds_up() && self.shown.iter().all(|g| g.value >= 0.0)
    }

    fn share(&self, value: f64) -> Option<f64> {
        share(value, self.total).filter(|_| self.sums())
    }

    /// The groups that have a name: what is not given cannot lead.
    fn named(&self) -> Vec<&Group> {
        self.shown.iter().filter(|g| g.label != NOT_GIVEN).collect()
    }

    /// How much the first so many have together.
    fn first(&self, n: usize) -> Option<f64> {
        self.share(self.shown.iter().take(n).map(|g| g.value).sum())
    }
}

fn figures(groups: &Groups<'_>) -> Vec<longhaul_document::KeyFigure> {
    let q = &groups.query.measure;
    let mut figures = Vec::new();
    let overall = if q.adds_up() { "" } else { " overall" };
    figures.push(plain_figure(format!("{}{overall}", capital(&q.label)), q.headline(groups.total)));
    figures.push(plain_figure(capital(&groups.by.many), whole(groups.all)));
    if let Some(first) = groups.named().first() {
        figures.push(plain_figure(
            format!("Leading {}", groups.by.one),
            match groups.share(first.value) {
                Some(share) => format!("{} ({})", first.label, percent(share)),
                None => first.label.clone(),
            },
        ));
    }
    if let Some(five) = groups.first(5).filter(|_| groups.all >= 8) {
        figures.push(plain_figure("The first five together", percent(five)));
    }
    figures
}

fn lead(groups: &Groups<'_>) -> Vec<String> {
    let q = &groups.query.measure;
    let named = groups.named();
    let Some(first) = named.first() else {
        return Vec::new();
    };
    if !groups.sums() {
        let text = match named.last().filter(|last| last.label != first.label) {
            Some(last) => format!(
                "The {} is highest for {} ({}) and lowest for {} ({}), among {} {}.",
                q.label,
                first.label,
                q.show(first.value),
                last.label,
                q.show(last.value),
                number_word(groups.all),
                groups.by.for_count(groups.all)
            ),
            None => format!("The {} of {} is {}.", q.label, first.label, q.show(first.value)),
        };
        return vec![text];
    }
    let Some(part) = groups.share(first.value) else {
        return Vec::new();
    };
    let same = |group: &&&Group| q.show(group.value) == q.show(first.value);
    let level = named.iter().take_while(same).count();
    if level > 1 {
        let who = if level == 2 {
            format!("{} and {}", first.label, named[1].label)
        } else {
            format!("{} and {} other {}", first.label, number_word(level as u64 - 1), groups.by.many)
        };
        return vec![format!(
            "{who} share the lead with {} each, {} of the {}.",
            q.show(first.value),
            percent(part),
            q.label
        )];
    }
    let mut text = format!(
        "{} leads the {} with {}, {} of the {}",
        first.label,
        groups.by.many,
        q.show(first.value),
        percent(part),
        q.label
    );
    if groups.all >= 8
        && let Some(five) = groups.first(5)
    {
        text.push_str(&format!("; the first five of {} together have {}", whole(groups.all), percent(five)));
    } else if let Some(second) = named.get(1) {
        text.push_str(&format!(", before {} with {}", second.label, q.show(second.value)));
    }
    text.push('.');
    vec![text]
}

fn section(groups: &Groups<'_>) -> Part {
    let heading = format!("{} by {}", capital(&groups.query.measure.label), groups.by.one);
    let mut said = Vec::new();
    said.extend(concentration(groups));
    said.extend(per_record(groups));
    said.extend(missing(groups));
    let mut blocks = Vec::new();
    blocks.extend(paragraph(&said));
    if groups.shown.len() > 1 {
        blocks.push(Block::Chart(chart(groups, &heading)));
    }
    blocks.push(Block::Table(tabled(groups, &heading)));
    Part { heading, blocks }
}

fn concentration(groups: &Groups<'_>) -> Option<String> {
    if !groups.sums() || groups.total <= 0.0 {
        return None;
    }
    let q = &groups.query.measure;
    let (all, by) = (groups.all, groups.by);
    if all == 1 {
        return Some(format!("There is only one {}.", by.one));
    }
    let nameless = groups.shown.iter().find(|g| g.label == NOT_GIVEN);
    if nameless.is_some_and(|g| g.value * 4.0 > groups.total) {
        return None;
    }
    let mut running = 0.0;
    let half = 1 + groups.shown.iter().position(|group| {
        running += group.value;
        running * 2.0 >= groups.total
    })?;
    let complete = all == groups.shown.len() as u64;
    let (most, least) = (&groups.shown[0], &groups.shown[groups.shown.len() - 1]);
    if complete && all <= 12 && most.value < least.value * 1.25 {
        let of = |g: &Group| groups.share(g.value).map_or(DASH.to_owned(), percent);
        return Some(format!(
            "The shares lie close together: from {} ({}) to {} ({}).",
            of(least),
            least.label,
            of(most),
            most.label
        ));
    }
    if half > 1 && all <= 4 {
        return None;
    }
    let mut text = if half == 1 {
        format!("{} alone has more than half of the {}.", groups.shown[0].label, q.label)
    } else {
        let names: Vec<&str> = groups.shown.iter().take(half).map(|g| g.label.as_str()).collect();
        let who = if half <= 4 { format!(" ({})", list(&names)) } else { String::new() };
        format!(
            "It takes {} of the {} {}{who} to make up half of the {}.",
            number_word(half as u64),
            number_word(all),
            by.many,
            q.label
        )
    };
    // With every group at hand, the middle one is known.
    if complete && all >= 8 {
        let middle = &groups.shown[groups.shown.len() / 2];
        if middle.value < groups.shown[0].value {
            text.push_str(&format!(" Half of the {} have {} or less.", by.many, q.show(middle.value)));
        }
    }
    Some(text)
}

/// Where records are large and where small.
fn per_record(groups: &Groups<'_>) -> Option<String> {
    let q = groups.query.measure.with_decimals(2);
    let averages = q.adds_up() && groups.query.counts_add_up;
    let noun = groups.query.records.as_ref().filter(|_| averages)?;
    let mut each: Vec<(&Group, f64)> = groups
        .named()
        .into_iter()
        // A mean of a few records is chance.
        .filter(|g| g.records.is_some_and(|n| n >= 5.0))
        .filter_map(|g| Some((g, g.value / g.records?)))
        .collect();
    each.sort_by(|a, b| b.1.total_cmp(&a.1));
    let ((high, most), (low, least)) = (each.first()?, each.last()?);
    if each.len() < 3 || *least <= 0.0 || most / least < 1.05 {
        return None;
    }
    Some(format!(
        "The {} is largest for {} ({}) and smallest for {} ({}).",
        average_of(noun),
        high.label,
        q.show(*most),
        low.label,
        q.show(*least)
    ))
}

fn missing(groups: &Groups<'_>) -> Option<String> {
    let group = groups.shown.iter().find(|g| g.label == NOT_GIVEN)?;
    let part = groups.share(group.value)?;
    Some(format!(
        "{} of the {} {} no {}.",
        percent(part),
        groups.query.measure.label,
        groups.query.measure.verb("has", "have"),
        groups.by.one
    ))
}

fn chart(groups: &Groups<'_>, heading: &str) -> Chart {
    let shown: Vec<&Group> = groups.shown.iter().take(DRAWN).collect();
    let caption = if groups.all > shown.len() as u64 {
        format!("{heading}: the first {} of {}", shown.len(), whole(groups.all))
    } else {
        heading.to_owned()
    };
    Chart {
        caption,
        kind: ChartKind::Ranking,
        labels: shown.iter().map(|g| g.label.clone()).collect(),
        series: vec![Line {
            name: capital(&groups.query.measure.label),
            values: shown.iter().map(|g| Some(drawn(g.value))).collect(),
        }],
        unit: groups.query.measure.unit.clone(),
    }
}

fn tabled(groups: &Groups<'_>, heading: &str) -> Table {
    let q = &groups.query.measure;
    let sums = groups.sums();
    // The lines of an invoice fall into several groups: none of them has the invoice.
    let averages = q.adds_up() && groups.query.counts_add_up;
    let mut columns = vec![left(capital(&groups.by.one)), right(capital(&q.label))];
    if sums {
        columns.push(right("Share"));
    }
    if let Some(noun) = &groups.query.records {
        columns.push(right(capital(&noun.many)));
        if averages {
            columns.push(right("Average"));
        }
    }
    let counts_actors = groups.query.actors.as_ref().filter(|actor| *actor != groups.by);
    if let Some(noun) = counts_actors {
        columns.push(right(capital(&noun.many)));
    }
    let row = |name: String, value: f64, records: Option<f64>, actors: Option<f64>| {
        let mut row = vec![name, q.cell(value, groups.total)];
        if sums {
            row.push(groups.share(value).map_or(DASH.to_owned(), percent));
        }
        if groups.query.records.is_some() {
            row.push(super::period_review::counted(records));
            if averages {
                let each = records.filter(|n| *n > 0.0).map(|n| value / n);
                row.push(each.map_or(DASH.to_owned(), mean));
            }
        }
        if counts_actors.is_some() {
            row.push(actors.map_or(DASH.to_owned(), |n| whole(as_count(n))));
        }
        row
    };
    let shown = &groups.shown[..groups.shown.len().min(TABLED)];
    let mut rows: Vec<Vec<String>> =
        shown.iter().map(|g| row(g.label.clone(), g.value, g.records, g.actors)).collect();
    let left_out = groups.all.saturating_sub(shown.len() as u64);
    if left_out > 0 && sums {
        let rest = groups.total - shown.iter().map(|g| g.value).sum::<f64>();
        let name = format!("{} others", whole(left_out));
        rows.push(row(name, rest, None, None));
    }
    let mut made = table(heading, columns, rows);
    if sums && groups.all > 1 {
        let complete = left_out == 0 && groups.query.counts_add_up;
        let records = complete.then(|| groups.shown.iter().filter_map(|g| g.records).sum());
        made.total = Some(row("Total".to_owned(), groups.total, records, None));
    }
    without_empty_columns(made)
}
