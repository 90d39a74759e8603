//! Questions about parts and places: who has how much.

use super::compare::union;
use super::view::{View, indent, literal, select, slug};
use crate::analyst::plan::{PlannedQuery, Reads};
use crate::analyst::subject::{Adding, Dimension, Expr};
use crate::data::ColumnKind;
use crate::words::capital;

/// Groups of one dimension that a question about shares gives.
const MOST_GROUPS: usize = 60;

/// The figures of each group, for one or more dimensions.
pub(in crate::analyst) fn shares(view: &View<'_>, by: &[&Dimension]) -> PlannedQuery {
    let conditions = view.conditions(true);
    let arms: Vec<String> = by
        .iter()
        .enumerate()
        .map(|(n, dimension)| {
            let mut lines = vec![
                format!("{} AS breakdown", literal(&n.to_string())),
                format!("{} AS label", dimension.label.sql),
            ];
            lines.extend(view.figures());
            lines.push("COUNT(*) OVER () AS groups".to_owned());
            lines.push(format!("{} AS of_all", view.overall(None)));
            format!(
                "{}\n{}{}\nGROUP BY {}\nORDER BY {} DESC, label\nLIMIT {MOST_GROUPS}",
                select(&lines),
                view.from(&[&dimension.label, &dimension.key]),
                View::filter_clause(&conditions),
                dimension.key.sql,
                view.value_name(),
            )
        })
        .collect();
    let names: Vec<&str> = by.iter().map(|d| d.noun.one.as_str()).collect();
    let purpose = format!(
        "{} by {}{}",
        capital(&view.measure.quantity.label),
        names.join(" and by "),
        view.restriction(true)
    );
    let reads = Reads::Shares { by: by.iter().map(|d| d.noun.clone()).collect() };
    PlannedQuery {
        counts_add_up: by.iter().all(|d| view.fact.splits_whole_records(d)),
        ..view.planned(purpose, union(&arms), reads)
    }
}

/// The first or last of a dimension, with what tells about each.
pub(in crate::analyst) fn top(
    view: &View<'_>,
    by: &Dimension,
    detail: Option<&Dimension>,
    count: u32,
    lowest: bool,
) -> PlannedQuery {
    let view = View {
        // Who acts is what is ranked, or is told by it; counting it again says nothing.
        actor: view.actor.filter(|actor| actor.key != by.key),
        filters: view.filters.clone(),
        ..*view
    };
    let mut lines = vec![format!("{} AS {}", by.label.sql, slug(&by.noun.one))];
    let mut used: Vec<&Expr> = vec![&by.label, &by.key];
    match detail {
        Some(detail) => {
            lines.push(format!("MAX({}) AS {}", detail.label.sql, slug(&detail.noun.one)));
            used.push(&detail.label);
        }
        None => lines.push("NULL AS detail".to_owned()),
    }
    lines.extend(view.figures());
    match view.day() {
        Some(day) => {
            lines.push(format!("MIN({}) AS first_day", day.sql));
            lines.push(format!("MAX({}) AS last_day", day.sql));
            used.push(day);
        }
        None => lines.push("NULL AS first_day, NULL AS last_day".to_owned()),
    }
    lines.push("COUNT(*) OVER () AS groups".to_owned());
    lines.push(format!("{} AS of_all", view.overall(None)));
    let mut conditions = view.conditions(true);
    conditions.push(format!("{} IS NOT NULL", by.key.sql));
    let direction = if lowest { "ASC" } else { "DESC" };
    let sql = format!(
        "{}\n{}{}\nGROUP BY {}\nORDER BY {} {direction}, 1\nLIMIT {count}",
        select(&lines),
        view.from(&used),
        View::filter_clause(&conditions),
        by.key.sql,
        view.value_name(),
    );
    let side = if lowest { "lowest" } else { "highest" };
    let purpose = format!(
        "The {count} {} with the {side} {}{}",
        by.noun.many,
        view.measure.quantity.label,
        view.restriction(true)
    );
    let reads = Reads::Top { by: by.noun.clone(), detail: detail.map(|d| d.noun.clone()), count, lowest };
    PlannedQuery { counts_add_up: view.fact.splits_whole_records(by), ..view.planned(purpose, sql, reads) }
}

/// How much each tenth of a dimension has, from the largest to the smallest.
pub(in crate::analyst) fn tenths(view: &View<'_>, by: &Dimension) -> PlannedQuery {
    let view = view.plain();
    let mut conditions = view.conditions(true);
    conditions.push(format!("{} IS NOT NULL", by.key.sql));
    let name = view.value_name();
    let each = format!(
        "SELECT {} AS id,\n       {} AS {name}\n{}{}\nGROUP BY 1",
        by.key.sql,
        view.value(None),
        view.from(&[&by.key]),
        View::filter_clause(&conditions),
    );
    let ranked =
        format!("SELECT {name},\n       NTILE(10) OVER (ORDER BY {name} DESC) AS tenth\nFROM each_one");
    let sql = format!(
        "WITH each_one AS (\n{}\n), ranked AS (\n{}\n)\nSELECT tenth,\n       COUNT(*) AS {},\n       SUM({name}) AS {name}\nFROM ranked\nGROUP BY tenth\nORDER BY tenth",
        indent(&each, 2),
        indent(&ranked, 2),
        slug(&by.noun.many),
    );
    let purpose = format!(
        "{} by tenths of the {}{}",
        capital(&view.measure.quantity.label),
        by.noun.many,
        view.restriction(true)
    );
    let reads = Reads::Tenths { by: by.noun.clone() };
    view.planned(purpose, sql, reads)
}

const MOST_OUTER: usize = 12;
const MOST_INNER: usize = 3;

/// Which groups of one dimension lead within each group of another.
pub(in crate::analyst) fn cross(view: &View<'_>, outer: &Dimension, inner: &Dimension) -> PlannedQuery {
    let view = view.plain();
    let name = view.value_name();
    let cells = format!(
        "{}\n{}{}\nGROUP BY {}, {}",
        select(&[
            format!("{} AS outer_id", outer.key.sql),
            format!("{} AS outer_label", outer.label.sql),
            format!("{} AS inner_label", inner.label.sql),
            format!("{} AS {name}", view.value(None)),
        ]),
        view.from(&[&outer.label, &outer.key, &inner.label, &inner.key]),
        View::filter_clause(&view.conditions(true)),
        outer.key.sql,
        inner.key.sql,
    );
    let whole = match view.measure.quantity.adding {
        Adding::Average => "AVG",
        _ => "SUM",
    };
    let ranked = format!(
        "SELECT *,\n       {whole}({name}) OVER (PARTITION BY outer_id) AS of_outer,\n       ROW_NUMBER() OVER (PARTITION BY outer_id ORDER BY {name} DESC, inner_label) AS place\nFROM cells"
    );
    let sql = format!(
        "WITH cells AS (\n{}\n), ranked AS (\n{}\n)\nSELECT outer_label, inner_label, {name}, of_outer, place\nFROM ranked\nWHERE place <= {MOST_INNER}\nORDER BY of_outer DESC, outer_label, place\nLIMIT {}",
        indent(&cells, 2),
        indent(&ranked, 2),
        MOST_OUTER * MOST_INNER * 3,
    );
    let purpose =
        format!("The leading {} of each {}{}", inner.noun.many, outer.noun.one, view.restriction(true));
    let reads = Reads::Cross { outer: outer.noun.clone(), inner: inner.noun.clone() };
    view.planned(purpose, sql, reads)
}

/// The range of each figure of the fact.
pub(in crate::analyst) fn spread(view: &View<'_>, figures: &[(String, Expr)]) -> PlannedQuery {
    let view = view.plain();
    let conditions = view.conditions(true);
    let arms: Vec<String> = figures
        .iter()
        .map(|(name, expr)| {
            let x = &expr.sql;
            format!(
                "{}\n{}{}",
                select(&[
                    format!("{} AS figure", literal(name)),
                    format!("COUNT({x}) AS present"),
                    format!("SUM({x}) AS total"),
                    format!("AVG({x}) AS mean"),
                    format!("MIN({x}) AS least"),
                    format!("MAX({x}) AS most"),
                ]),
                view.from(&[expr]),
                View::filter_clause(&conditions),
            )
        })
        .collect();
    let purpose = format!("The range of the figures in {}{}", view.fact.table.name, view.restriction(true));
    view.planned(purpose, union(&arms), Reads::Spread)
}

/// Rows that a listing shows, and columns that fit on a page.
const LISTED: usize = 12;
const LISTED_COLUMNS: usize = 6;

/// The first rows of the fact, for data of which nothing else can be said.
pub(in crate::analyst) fn listing(view: &View<'_>) -> PlannedQuery {
    let view = view.plain();
    let root = &view.fact.nodes[0];
    let columns: Vec<String> = root
        .table
        .columns
        .iter()
        .filter(|c| !matches!(c.kind, ColumnKind::Blob | ColumnKind::Empty))
        .take(LISTED_COLUMNS)
        .map(|c| root.column(&c.name))
        .collect();
    let listed = if columns.is_empty() { "COUNT(*) AS rows".to_owned() } else { columns.join(", ") };
    let sql = format!(
        "SELECT {listed}\n{}{}\nLIMIT {LISTED}",
        view.from(&[]),
        View::filter_clause(&view.conditions(true)),
    );
    let purpose = format!("The first rows of {}", root.table.name);
    view.planned(purpose, sql, Reads::Listing)
}
