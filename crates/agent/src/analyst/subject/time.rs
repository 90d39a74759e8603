//! When things happened: the date column of a fact.

use jiff::civil::Date;
use serde_json::Value;

use super::joins::{Expr, Node};
use crate::analyst::period::{Extent, Grain, day_number};
use crate::data::{Column, ColumnKind};
use crate::words::{singular, words};

/// When a row of the fact happened.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// An expression that gives the day as `2011-12-31`.
    pub(crate) day: Expr,
    /// The column, as a document names it.
    pub(crate) named: String,
    /// The finest grain that the column knows.
    pub(crate) finest: Grain,
    pub(crate) extent: Extent,
    /// Rows without a date.
    pub(crate) missing: u64,
}

/// Words of columns that say when a thing was planned, changed or born, not when it happened.
const OTHER_TIMES: [&str; 18] = [
    "due",
    "ship",
    "shipped",
    "delivery",
    "delivered",
    "updated",
    "modified",
    "changed",
    "end",
    "ended",
    "expiry",
    "expires",
    "cancel",
    "cancelled",
    "canceled",
    "churned",
    "required",
    "last",
];
/// Words of columns that say something about a person, not about an event.
const PERSONAL: [&str; 6] = ["birth", "birthday", "born", "dob", "hire", "hired"];
const HAPPENED: [&str; 14] = [
    "date",
    "day",
    "order",
    "ordered",
    "invoice",
    "sold",
    "sale",
    "created",
    "signup",
    "start",
    "started",
    "transaction",
    "paid",
    "booking",
];

/// The column of a node that tells best when its rows happened.
pub(crate) fn moment(nodes: &[Node<'_>], node: usize) -> Option<Moment> {
    let table = nodes[node].table;
    let own: Vec<String> = words(&table.name).iter().map(|w| singular(w)).collect();
    let score = |column: &Column| {
        let name = words(&column.name);
        let has = |list: &[&str]| name.iter().any(|w| list.contains(&w.as_str()));
        let mut score = 0_i32;
        score += 2 * i32::from(has(&HAPPENED));
        score += 2 * i32::from(name.iter().any(|w| own.contains(&singular(w))));
        score -= 6 * i32::from(has(&OTHER_TIMES));
        score += i32::from(matches!(column.kind, ColumnKind::Date | ColumnKind::DateTime));
        score -= i32::from(column.kind == ColumnKind::Year) * 2;
        score -= i32::from(column.nulls * 2 > table.rows.unwrap_or(0)) * 4;
        score
    };
    let personal = |column: &&Column| words(&column.name).iter().any(|w| PERSONAL.contains(&w.as_str()));
    let times = table.columns.iter().filter(|c| c.kind.is_time() && !personal(c));
    // The first of equals: tables tend to name the main date first.
    let best = times.rev().max_by_key(|column| score(column))?;
    of_column(nodes, node, best)
}

/// The moment that one column tells; none where its values cannot be dates after all.
pub(crate) fn of_column(nodes: &[Node<'_>], node: usize, column: &Column) -> Option<Moment> {
    let c = nodes[node].column(&column.name);
    let (sql, finest) = match column.kind {
        ColumnKind::Date => (c, Grain::Day),
        ColumnKind::DateTime => (format!("date({c})"), Grain::Day),
        ColumnKind::Month => (format!("{c} || '-01'"), Grain::Month),
        ColumnKind::Year => (format!("{c} || '-01-01'"), Grain::Year),
        ColumnKind::EpochSeconds => (format!("date({c}, 'unixepoch')"), Grain::Day),
        ColumnKind::EpochMillis => (format!("date({c} / 1000, 'unixepoch')"), Grain::Day),
        _ => return None,
    };
    let first = date(&column.min, column.kind)?;
    let last = date(&column.max, column.kind)?;
    let last = match finest {
        // What is known to the month or year only reaches to its end.
        Grain::Month | Grain::Year => {
            let period = crate::analyst::period::Period::of(finest, last);
            crate::analyst::period::plus_days(period.end(), -1)
        }
        _ => last,
    };
    let table = nodes[node].table;
    let span = f64::from((day_number(last) - day_number(first)).max(0));
    #[expect(clippy::cast_precision_loss, reason = "an average distance")]
    let steps = column.distinct.saturating_sub(1).max(1) as f64;
    Some(Moment {
        day: Expr { sql, node },
        named: format!("{} in {}", column.name, table.name),
        finest,
        extent: Extent { first, last, gap_days: span / steps },
        missing: column.nulls,
    })
}

fn date(value: &Value, kind: ColumnKind) -> Option<Date> {
    match kind {
        ColumnKind::Date | ColumnKind::DateTime => value.as_str()?.get(..10)?.parse().ok(),
        ColumnKind::Month => format!("{}-01", value.as_str()?).parse().ok(),
        ColumnKind::Year => format!("{:04}-01-01", value.as_i64()?).parse().ok(),
        ColumnKind::EpochSeconds | ColumnKind::EpochMillis => {
            let seconds =
                if kind == ColumnKind::EpochMillis { value.as_i64()? / 1000 } else { value.as_i64()? };
            let moment = jiff::Timestamp::from_second(seconds).ok()?;
            Some(moment.to_zoned(jiff::tz::TimeZone::UTC).date())
        }
        _ => None,
    }
}
