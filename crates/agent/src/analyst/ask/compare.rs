//! Questions about time: how it went, and what moved.

use super::view::{View, indent, literal, period_sql, select, slug, within};
use crate::analyst::period::{Grain, Period, Window};
use crate::analyst::plan::{PlannedQuery, Reads};
use crate::analyst::subject::Dimension;

/// The figures period by period; none where the data has no dates. A review sees its whole
/// history, everything else the window.
pub(in crate::analyst) fn series(
    view: &View<'_>,
    grain: Grain,
    focus: Option<Period>,
) -> Option<PlannedQuery> {
    let day = view.day()?;
    let windowed = focus.is_none();
    let mut lines = vec![format!("{} AS {}", period_sql(grain, &day.sql), grain.name())];
    lines.extend(view.figures());
    let mut conditions = view.conditions(windowed);
    if let Some(focus) = focus {
        conditions.push(format!("{} < '{}'", day.sql, focus.end()));
    }
    conditions.push(format!("{} IS NOT NULL", day.sql));
    let sql = format!(
        "{}\n{}{}\nGROUP BY 1\nORDER BY 1",
        select(&lines),
        view.from(&[day]),
        View::filter_clause(&conditions)
    );
    let label = &view.measure.quantity.label;
    let purpose =
        format!("{} by {}{}", crate::words::capital(label), grain.name(), view.restriction(windowed));
    Some(view.planned(purpose, sql, Reads::Series { grain, focus }))
}

/// Groups that one question about movement gives, per dimension.
const MOST_MOVERS: usize = 100;

/// The value of each group now, before and a year before, for one or two dimensions.
pub(in crate::analyst) fn movers(
    view: &View<'_>,
    by: &[&Dimension],
    now: &Window,
    before: &Window,
    year_before: Option<&Window>,
) -> Option<PlannedQuery> {
    let day = view.day()?;
    let view = view.plain();
    let inside = |window: &Window| within(&day.sql, window.from, window.to);
    let value = |window: &Window| view.value(Some(&inside(window)));
    let mut conditions = view.conditions(false);
    let first = year_before.map_or(before.from, |window| window.from.min(before.from));
    conditions.push(within(&day.sql, first.min(before.from), now.to.max(before.to)));

    let (now_name, before_name) = names_of(now, before);
    let arms: Vec<String> = by
        .iter()
        .enumerate()
        .map(|(n, dimension)| {
            let year = year_before.map_or("NULL".to_owned(), value);
            let inner = format!(
                "{}\n{}{}\nGROUP BY {}",
                select(&[
                    format!("{} AS label", dimension.label.sql),
                    format!("{} AS {now_name}", value(now)),
                    format!("{} AS {before_name}", value(before)),
                    format!("{year} AS year_before"),
                ]),
                view.from(&[day, &dimension.label, &dimension.key]),
                View::filter_clause(&conditions),
                dimension.key.sql,
            );
            let outer = select(&[
                format!("{} AS breakdown", literal(&n.to_string())),
                format!("label, {now_name}, {before_name}, year_before"),
                "COUNT(*) OVER () AS groups".to_owned(),
                format!("SUM({now_name}) OVER () AS all_now"),
                format!("SUM({before_name}) OVER () AS all_before"),
            ]);
            format!(
                "{outer}\nFROM (\n{}\n)\nWHERE {now_name} IS NOT NULL OR {before_name} IS NOT NULL\n\
                 ORDER BY MAX(COALESCE({now_name}, 0), COALESCE({before_name}, 0)) DESC, label\nLIMIT {MOST_MOVERS}",
                indent(&inner, 2)
            )
        })
        .collect();
    let names: Vec<&str> = by.iter().map(|d| d.noun.one.as_str()).collect();
    let purpose = format!(
        "{} by {}, {} against {}{}",
        crate::words::capital(&view.measure.quantity.label),
        names.join(" and by "),
        now.label,
        before.label,
        view.restriction(false)
    );
    let reads = Reads::Movers {
        by: by.iter().map(|d| d.noun.clone()).collect(),
        now: now.label.clone(),
        before: before.label.clone(),
        year_before: year_before.map(|window| window.label.clone()),
    };
    Some(view.planned(purpose, union(&arms), reads))
}

/// What the values of two times are called: `q4_2011`, or simply now and before.
fn names_of(now: &Window, before: &Window) -> (String, String) {
    match (now.period(), before.period()) {
        (Some(now), Some(before)) => {
            let name = |period: Period| {
                let label = period.label().to_lowercase().replace(' ', "_");
                if label.starts_with(|c: char| c.is_ascii_digit()) { format!("in_{label}") } else { label }
            };
            (name(now), name(before))
        }
        _ => ("now".to_owned(), "before".to_owned()),
    }
}

/// Several answers under each other; each arm may have an order and a limit of its own.
pub(super) fn union(arms: &[String]) -> String {
    match arms {
        [one] => one.clone(),
        many => many
            .iter()
            .map(|arm| format!("SELECT * FROM (\n{}\n)", indent(arm, 2)))
            .collect::<Vec<_>>()
            .join("\nUNION ALL\n"),
    }
}

/// The largest groups period by period, and all others as one.
pub(in crate::analyst) fn matrix(
    view: &View<'_>,
    by: &Dimension,
    grain: Grain,
    groups: u32,
) -> Option<PlannedQuery> {
    let day = view.day()?;
    let view = view.plain();
    let mut conditions = view.conditions(true);
    let name = view.value_name();
    let leading = format!(
        "SELECT {} AS id\n{}{}\nGROUP BY 1\nORDER BY {} DESC\nLIMIT {groups}",
        by.key.sql,
        view.from(&[&by.key]),
        View::filter_clause(&conditions),
        view.value(None),
    );
    let label = format!("CASE WHEN leading.id IS NOT NULL THEN COALESCE({}, '') END", by.label.sql);
    conditions.push(format!("{} IS NOT NULL", day.sql));
    let lines = [
        format!("{label} AS {}", slug(&by.noun.one)),
        format!("{} AS {}", period_sql(grain, &day.sql), grain.name()),
        format!("{} AS {name}", view.value(None)),
    ];
    let sql = format!(
        "WITH leading AS (\n{}\n)\n{}\n{}\nLEFT JOIN leading ON leading.id = {}{}\nGROUP BY leading.id, 2\nORDER BY 2, {name} DESC",
        indent(&leading, 2),
        select(&lines),
        view.from(&[day, &by.label, &by.key]),
        by.key.sql,
        View::filter_clause(&conditions),
    );
    let purpose = format!(
        "{} of the largest {} by {}{}",
        crate::words::capital(&view.measure.quantity.label),
        by.noun.many,
        grain.name(),
        view.restriction(true)
    );
    let reads = Reads::Matrix { by: by.noun.clone(), grain };
    Some(view.planned(purpose, sql, reads))
}
