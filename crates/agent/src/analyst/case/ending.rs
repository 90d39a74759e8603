//! How the data says that something ended: a date, a flag, a status.

use super::super::subject::{Expr, Fact};
use crate::data::{Column, ColumnKind};
use crate::words::{singular, words};

/// What tells that a subscription, an account, a contract is over.
#[derive(Debug, Clone)]
pub(in crate::analyst) struct Ending {
    /// An SQL condition that holds for those that ended.
    pub(in crate::analyst) flag: Expr,
    /// The day of the end, where the data knows it.
    pub(in crate::analyst) day: Option<Expr>,
    /// How it is told, in a sentence.
    pub(in crate::analyst) how: String,
}

const END_WORDS: [&str; 16] = [
    "end",
    "ended",
    "cancel",
    "cancelled",
    "canceled",
    "cancellation",
    "churn",
    "churned",
    "terminated",
    "termination",
    "left",
    "closed",
    "expired",
    "deactivated",
    "unsubscribed",
    "stopped",
];
const END_VALUES: [&str; 16] = [
    "cancelled",
    "canceled",
    "churned",
    "churn",
    "inactive",
    "terminated",
    "closed",
    "ended",
    "expired",
    "lapsed",
    "lost",
    "left",
    "unsubscribed",
    "deactivated",
    "attrited",
    "stopped",
];

/// How the fact's own rows say that they ended; none where they do not.
pub(in crate::analyst) fn ending(fact: &Fact<'_>) -> Option<Ending> {
    let columns = &fact.table.columns;
    by_date(fact, columns).or_else(|| by_flag(fact, columns)).or_else(|| by_status(fact, columns))
}

fn says(column: &Column, list: &[&str]) -> bool {
    words(&column.name)
        .iter()
        .any(|word| list.contains(&word.as_str()) || list.contains(&singular(word).as_str()))
}

/// A date of the end, which those that still run do not have.
fn by_date(fact: &Fact<'_>, columns: &[Column]) -> Option<Ending> {
    let column = columns.iter().find(|column| {
        let own = fact
            .moment
            .as_ref()
            .is_some_and(|m| m.named == format!("{} in {}", column.name, fact.table.name));
        column.kind.is_time() && column.nulls > 0 && says(column, &END_WORDS) && !own
    })?;
    let moment = super::super::subject::of_column(&fact.nodes, 0, column)?;
    Some(Ending {
        flag: Expr { sql: format!("{} IS NOT NULL", fact.nodes[0].column(&column.name)), node: 0 },
        day: Some(moment.day),
        how: format!("A {} has ended where {} has a date.", fact.records.noun.one, column.name),
    })
}

fn by_flag(fact: &Fact<'_>, columns: &[Column]) -> Option<Ending> {
    let column = columns.iter().find(|column| {
        column.kind == ColumnKind::Boolean
            && (says(column, &END_WORDS) || says(column, &["attrition", "exited"]))
    })?;
    Some(Ending {
        flag: Expr { sql: format!("{} = 1", fact.nodes[0].column(&column.name)), node: 0 },
        day: None,
        how: format!("A {} has ended where {} says so.", fact.records.noun.one, column.name),
    })
}

fn by_status(fact: &Fact<'_>, columns: &[Column]) -> Option<Ending> {
    let is_end = |value: &&String| {
        let said = words(value);
        said.len() <= 3 && said.iter().any(|word| END_VALUES.contains(&word.as_str()))
    };
    let column = columns.iter().find(|column| {
        says(column, &["status", "state", "stage"]) && column.values.iter().any(|v| is_end(&v))
    })?;
    let ends: Vec<&String> = column.values.iter().filter(is_end).collect();
    let listed: Vec<String> = ends.iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect();
    Some(Ending {
        flag: Expr {
            sql: format!("{} IN ({})", fact.nodes[0].column(&column.name), listed.join(", ")),
            node: 0,
        },
        day: None,
        how: format!(
            "A {} has ended where {} is {}.",
            fact.records.noun.one,
            column.name,
            super::super::format::list(&ends)
        ),
    })
}
