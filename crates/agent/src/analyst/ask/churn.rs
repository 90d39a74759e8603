//! Questions about who stays and who leaves.

use jiff::civil::Date;

use super::compare::union;
use super::view::{View, indent, literal, period_sql, select, slug};
use crate::analyst::period::Grain;
use crate::analyst::plan::{PlannedQuery, Reads};
use crate::analyst::subject::{Dimension, Expr};

/// How many names a list of the lapsed has.
const MOST_LAPSED: u32 = 15;

fn days_since(as_of: Date, day: &str) -> String {
    format!("CAST(julianday('{as_of}') - julianday({day}) AS INTEGER)")
}

/// How many are active, quiet and lapsed, by the days since their last record.
pub(in crate::analyst) fn recency(
    view: &View<'_>,
    who: &Dimension,
    as_of: Date,
    quiet_days: u32,
    lapse_days: u32,
) -> Option<PlannedQuery> {
    let day = view.day()?;
    let view = view.plain();
    let mut conditions = view.conditions(false);
    conditions.push(format!("{} IS NOT NULL", who.key.sql));
    let name = view.value_name();
    let each = format!(
        "{}\n{}{}\nGROUP BY 1",
        select(&[
            format!("{} AS id", who.key.sql),
            format!("{} AS records", view.fact.records.count),
            format!("{} AS {name}", view.value(None)),
            format!("{} AS days", days_since(as_of, &format!("MAX({})", day.sql))),
        ]),
        view.from(&[day, &who.key]),
        View::filter_clause(&conditions),
    );
    let sql = format!(
        "WITH each_one AS (\n{}\n)\n{}\nFROM each_one\nGROUP BY 1, 2\nORDER BY 1, 2",
        indent(&each, 2),
        select(&[
            format!(
                "CASE WHEN days > {lapse_days} THEN 2 WHEN days > {quiet_days} THEN 1 ELSE 0 END AS stage"
            ),
            "records = 1 AS only_once".to_owned(),
            format!("COUNT(*) AS {}", slug(&who.noun.many)),
            format!("SUM({name}) AS {name}"),
            "AVG(days) AS average_days".to_owned(),
        ]),
    );
    let purpose = format!(
        "{} by the time since their last {}{}",
        crate::words::capital(&who.noun.many),
        view.fact.records.noun.one,
        view.restriction(false)
    );
    let reads = Reads::Recency { quiet_days, lapse_days, as_of };
    Some(about(view.planned(purpose, sql, reads), who))
}

/// The query, read as one about these actors.
fn about(query: PlannedQuery, who: &Dimension) -> PlannedQuery {
    PlannedQuery { actors: Some(who.noun.clone()), ..query }
}

/// The number of the period that a day lies in, so that the next one's is one more.
fn period_number(grain: Grain, day: &str) -> String {
    match grain {
        Grain::Month => format!("strftime('%Y', {day}) * 12 + strftime('%m', {day}) - 1"),
        Grain::Quarter => format!("strftime('%Y', {day}) * 4 + (strftime('%m', {day}) - 1) / 3"),
        _ => format!("strftime('%Y', {day}) + 0"),
    }
}

/// Per period: who was active, who had been before, who is new, who came back next.
pub(in crate::analyst) fn retention(view: &View<'_>, who: &Dimension, grain: Grain) -> Option<PlannedQuery> {
    let day = view.day()?;
    let view = view.plain();
    let mut conditions = view.conditions(false);
    conditions.push(format!("{} IS NOT NULL", who.key.sql));
    conditions.push(format!("{} IS NOT NULL", day.sql));
    let active = format!(
        "SELECT DISTINCT {} AS id,\n       {} AS n\n{}{}",
        who.key.sql,
        period_number(grain, &day.sql),
        view.from(&[day, &who.key]),
        View::filter_clause(&conditions),
    );
    let sql = format!(
        "WITH active AS (\n{}\n), firsts AS (\n  SELECT id, MIN(n) AS n FROM active GROUP BY id\n)\n{}\n\
         FROM active\n\
         LEFT JOIN active AS before ON before.id = active.id AND before.n = active.n - 1\n\
         LEFT JOIN active AS after ON after.id = active.id AND after.n = active.n + 1\n\
         LEFT JOIN firsts ON firsts.id = active.id AND firsts.n = active.n\n\
         GROUP BY active.n\nORDER BY active.n",
        indent(&active, 2),
        select(&[
            format!("active.n AS {}_number", grain.name()),
            "COUNT(*) AS active".to_owned(),
            "COUNT(before.id) AS active_before".to_owned(),
            "COUNT(firsts.id) AS new".to_owned(),
            "COUNT(after.id) AS active_after".to_owned(),
        ]),
    );
    let purpose =
        format!("Active, new and returning {} by {}{}", who.noun.many, grain.name(), view.restriction(false));
    Some(about(view.planned(purpose, sql, Reads::Retention { grain }), who))
}

/// Those with the most behind them who have not come back.
pub(in crate::analyst) fn lapsed(
    view: &View<'_>,
    who: &Dimension,
    detail: Option<&Dimension>,
    as_of: Date,
    lapse_days: u32,
) -> Option<PlannedQuery> {
    let day = view.day()?;
    let view = view.plain();
    let mut used = vec![day, &who.label, &who.key];
    used.extend(detail.map(|d| &d.label));
    let last = format!("MAX({})", day.sql);
    let mut conditions = view.conditions(false);
    conditions.push(format!("{} IS NOT NULL", who.key.sql));
    let lines = [
        format!("{} AS {}", who.label.sql, slug(&who.noun.one)),
        match detail {
            Some(d) => format!("MAX({}) AS {}", d.label.sql, slug(&d.noun.one)),
            None => "NULL AS detail".to_owned(),
        },
        format!("{} AS {}", view.value(None), view.value_name()),
        format!("{} AS records", view.fact.records.count),
        format!("{last} AS last_day"),
        format!("{} AS days", days_since(as_of, &last)),
    ];
    let sql = format!(
        "{}\n{}{}\nGROUP BY {}\nHAVING {} > {lapse_days}\nORDER BY 3 DESC, 1\nLIMIT {MOST_LAPSED}",
        select(&lines),
        view.from(&used),
        View::filter_clause(&conditions),
        who.key.sql,
        days_since(as_of, &last),
    );
    let purpose = format!(
        "Lapsed {} with the highest {}{}",
        who.noun.many,
        view.measure.quantity.label,
        view.restriction(false)
    );
    let reads = Reads::Lapsed { detail: detail.map(|d| d.noun.clone()), lapse_days };
    Some(about(view.planned(purpose, sql, reads), who))
}

/// Begins and ends per period, and how many ran when it began.
pub(in crate::analyst) fn flow(view: &View<'_>, end: &Expr, grain: Grain) -> Option<PlannedQuery> {
    let start = view.day()?;
    let view = view.plain();
    let row = view.measure.row.as_ref();
    let value = row.map_or("NULL", |row| row.sql.as_str());
    let part = |day: &Expr, begun: u8, value: &str| {
        let mut conditions = view.conditions(false);
        conditions.push(format!("{} IS NOT NULL", day.sql));
        format!(
            "SELECT {} AS {period}, {begun} AS begun, {ended} AS ended, {value} AS value\n{}{}",
            period_sql(grain, &day.sql),
            view.from(&[day]),
            View::filter_clause(&conditions),
            period = grain.name(),
            ended = 1 - begun,
        )
    };
    let sql = format!(
        "WITH events AS (\n{}\n  UNION ALL\n{}\n), sums AS (\n  SELECT {p}, SUM(begun) AS begun, SUM(ended) AS ended, SUM(value) AS value\n  FROM events\n  GROUP BY {p}\n)\n\
         SELECT {p}, begun, ended,\n       SUM(begun - ended) OVER (ORDER BY {p}) - (begun - ended) AS running_before,\n       value AS value_ended\nFROM sums\nORDER BY {p}",
        indent(&part(start, 1, "NULL"), 2),
        indent(&part(end, 0, value), 2),
        p = grain.name(),
    );
    let purpose = format!(
        "{} begun and ended by {}{}",
        crate::words::capital(&view.fact.records.noun.many),
        grain.name(),
        view.restriction(false)
    );
    let reads = Reads::Flow { grain, valued: row.is_some() };
    Some(view.planned(purpose, sql, reads))
}

/// How many of each group ended, and with how much.
pub(in crate::analyst) fn ended(view: &View<'_>, by: &[&Dimension], flag: &Expr) -> PlannedQuery {
    let view = view.plain();
    let row = view.measure.row.as_ref();
    let conditions = view.conditions(true);
    let mut arms: Vec<String> = Vec::new();
    // The whole comes first, as a dimension without a label.
    let all: [Option<&Dimension>; 1] = [None];
    for (n, dimension) in all.into_iter().chain(by.iter().copied().map(Some)).enumerate() {
        let label = dimension.map_or("NULL", |d| d.label.sql.as_str());
        let mut lines = vec![
            format!("{} AS breakdown", literal(&n.to_string())),
            format!("{label} AS label"),
            "COUNT(*) AS all_of_them".to_owned(),
            format!("COUNT(*) FILTER (WHERE {}) AS ended", flag.sql),
        ];
        match row {
            Some(row) => {
                lines.push(format!("SUM({}) AS value", row.sql));
                lines.push(format!("SUM({}) FILTER (WHERE {}) AS value_ended", row.sql, flag.sql));
            }
            None => lines.push("NULL AS value, NULL AS value_ended".to_owned()),
        }
        let mut used = vec![flag];
        let mut tail = String::new();
        if let Some(d) = dimension {
            used.extend([&d.label, &d.key]);
            tail = format!("\nGROUP BY {}\nORDER BY all_of_them DESC, label\nLIMIT 40", d.key.sql);
        }
        arms.push(format!(
            "{}\n{}{}{tail}",
            select(&lines),
            view.from(&used),
            View::filter_clause(&conditions),
        ));
    }
    let names: Vec<&str> = by.iter().map(|d| d.noun.one.as_str()).collect();
    let per = if names.is_empty() { String::new() } else { format!(" by {}", names.join(" and by ")) };
    let purpose = format!(
        "{} that ended{per}{}",
        crate::words::capital(&view.fact.records.noun.many),
        view.restriction(true)
    );
    let reads = Reads::Ended { by: by.iter().map(|d| d.noun.clone()).collect(), valued: row.is_some() };
    view.planned(purpose, union(&arms), reads)
}

/// How long they lasted: per class of months, how many ended in it and how many reached it.
pub(in crate::analyst) fn tenure(view: &View<'_>, end: &Expr, as_of: Date) -> Option<PlannedQuery> {
    let start = view.day()?;
    let view = view.plain();
    let mut conditions = view.conditions(true);
    conditions.push(format!("{} IS NOT NULL", start.sql));
    let spans = format!(
        "SELECT (julianday(COALESCE({end}, '{as_of}')) - julianday({start})) / 30.44 AS months,\n       {end} IS NOT NULL AS ended\n{}{}",
        view.from(&[start, end]),
        View::filter_clause(&conditions),
        end = end.sql,
        start = start.sql,
    );
    let sql = format!(
        "WITH spans AS (\n{}\n), classes (lowest, highest) AS (\n  VALUES (0, 1), (1, 3), (3, 6), (6, 12), (12, 24), (24, 10000)\n)\n\
         SELECT lowest AS from_month, highest AS to_month,\n       COUNT(*) FILTER (WHERE ended AND months < highest) AS ended,\n       COUNT(*) AS reached\n\
         FROM classes\nJOIN spans ON months >= lowest\nGROUP BY lowest\nORDER BY lowest",
        indent(&spans, 2),
    );
    let purpose = format!("How long {} last{}", view.fact.records.noun.many, view.restriction(true));
    Some(view.planned(purpose, sql, Reads::Tenure))
}

/// The means of figures over those that ended and those that did not.
pub(in crate::analyst) fn profiles(view: &View<'_>, flag: &Expr, figures: &[(String, Expr)]) -> PlannedQuery {
    let view = view.plain();
    let conditions = view.conditions(true);
    let arms: Vec<String> = figures
        .iter()
        .map(|(name, expr)| {
            format!(
                "{}\n{}{}",
                select(&[
                    format!("{} AS figure", literal(name)),
                    format!("AVG({}) FILTER (WHERE {}) AS ended", expr.sql, flag.sql),
                    format!("AVG({}) FILTER (WHERE NOT ({})) AS kept", expr.sql, flag.sql),
                ]),
                view.from(&[flag, expr]),
                View::filter_clause(&conditions),
            )
        })
        .collect();
    let purpose = format!("Means of those that ended and those that did not{}", view.restriction(true));
    view.planned(purpose, union(&arms), Reads::Profiles)
}
