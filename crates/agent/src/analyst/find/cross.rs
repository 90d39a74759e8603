//! What leads within each group.

use longhaul_document::Block;

use super::cells::{NOT_GIVEN, amount, label};
use super::{Finding, left, paragraph, right, table};
use crate::analyst::format::{percent, share};
use crate::analyst::plan::PlannedQuery;
use crate::analyst::subject::is_place;
use crate::data::Rows;
use crate::words::{Noun, capital};

const TABLED: usize = 12;
/// The query gives no more groups than this.
const MOST_GROUPS: usize = 36;

/// One group, and the first groups within it.
struct Outer {
    label: String,
    total: f64,
    inner: Vec<(String, f64)>,
}

pub(super) fn find(query: &PlannedQuery, rows: &Rows, outer: &Noun, inner: &Noun) -> Finding {
    let q = &query.measure;
    let groups = read(rows);
    if groups.is_empty() {
        return Finding::default();
    }
    let within = if is_place(&outer.one) { "in" } else { "of" };
    let heading = format!("{} {within} each {}", capital(&inner.many), outer.one);
    let mut bullets = Vec::new();
    let named: Vec<&Outer> = groups.iter().filter(|g| g.label != NOT_GIVEN).collect();
    let (leader, leads) = commonest(&named);
    let mut said = Vec::new();
    let within = if is_place(&outer.one) { "in" } else { "for" };
    if leads > 1 && named.len() > 2 {
        let all = if named.len() < MOST_GROUPS {
            outer.count(named.len() as u64)
        } else {
            format!("the {} largest {}", named.len(), outer.many)
        };
        let share = if leads == named.len() { "each".to_owned() } else { leads.to_string() };
        let text = format!("{leader} is the leading {} {within} {share} of {all}.", inner.one);
        bullets.push(text.clone());
        said.push(text);
    }
    let other: Vec<String> = named
        .iter()
        .filter_map(|g| Some((g, g.inner.first()?)))
        .filter(|(_, first)| first.0 != leader)
        .take(3)
        .map(|(g, first)| format!("{} {within} {}", first.0, g.label))
        .collect();
    if leads > 1 && !other.is_empty() {
        said.push(format!("Elsewhere others lead: {}.", crate::analyst::format::list(&other)));
    }
    if q.adds_up()
        && let Some(strongest) = named
            .iter()
            .filter_map(|g| Some((g, g.inner.first()?, share(g.inner.first()?.1, g.total)?)))
            .filter(|(_, _, part)| *part < 0.999)
            .max_by(|a, b| a.2.total_cmp(&b.2))
    {
        let (group, first, part) = strongest;
        said.push(format!(
            "{} depends most on one {}: {} makes {} of it.",
            group.label,
            inner.one,
            first.0,
            percent(part)
        ));
    }
    let mut blocks = Vec::new();
    blocks.extend(paragraph(&said));
    blocks.push(Block::Table(tabled(query, &heading, &groups, outer)));
    let mut finding = Finding::section(heading, blocks);
    finding.bullets = bullets;
    finding
}

fn read(rows: &Rows) -> Vec<Outer> {
    let mut groups: Vec<Outer> = Vec::new();
    for row in &rows.rows {
        let name = label(row.first());
        let total = amount(row, 3);
        let cell = (label(row.get(1)), amount(row, 2));
        // The rows of a group follow each other, the largest first.
        match groups.last_mut().filter(|g| g.label == name && g.total == total) {
            Some(group) => group.inner.push(cell),
            None => groups.push(Outer { label: name, total, inner: vec![cell] }),
        }
    }
    groups
}

/// The inner group that comes first most often, and how often.
fn commonest(groups: &[&Outer]) -> (String, usize) {
    let firsts: Vec<&str> =
        groups.iter().filter_map(|g| g.inner.first()).map(|(name, _)| name.as_str()).collect();
    let times = |name: &str| firsts.iter().filter(|other| **other == name).count();
    let mut best = ("", 0);
    for name in &firsts {
        let n = times(name);
        if n > best.1 {
            best = (name, n);
        }
    }
    (best.0.to_owned(), best.1)
}

fn tabled(query: &PlannedQuery, heading: &str, groups: &[Outer], outer: &Noun) -> longhaul_document::Table {
    let q = &query.measure;
    let largest = groups.iter().map(|g| g.total).fold(0.0, f64::max);
    let columns = vec![
        left(capital(&outer.one)),
        right(capital(&q.label)),
        left("First"),
        left("Second"),
        left("Third"),
    ];
    let rows = groups
        .iter()
        .take(TABLED)
        .map(|g| {
            let mut row = vec![g.label.clone(), q.cell(g.total, largest)];
            for n in 0..3 {
                row.push(match g.inner.get(n) {
                    Some((name, value)) => match share(*value, g.total).filter(|_| q.adds_up()) {
                        Some(part) => format!("{name} ({})", percent(part)),
                        None => format!("{name} ({})", q.show(*value)),
                    },
                    None => String::new(),
                });
            }
            row
        })
        .collect();
    super::without_empty_columns(table(heading, columns, rows))
}
