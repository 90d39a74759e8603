//! A fact seen through one measure, one stretch of time and some filters.

use jiff::civil::Date;

use crate::analyst::format::list;
use crate::analyst::period::{Grain, Window};
use crate::analyst::plan::{PlannedQuery, Reads};
use crate::analyst::subject::{Adding, Dimension, Expr, Fact, Measure, ident};
use crate::words::{Noun, words};

/// Rows of one value only, or of a few.
#[derive(Debug, Clone)]
pub(in crate::analyst) struct Filter {
    pub(in crate::analyst) noun: Noun,
    pub(in crate::analyst) values: Vec<String>,
    pub(in crate::analyst) label: Expr,
}

/// What the queries of a report have in common.
pub(in crate::analyst) struct View<'a> {
    pub(in crate::analyst) fact: &'a Fact<'a>,
    pub(in crate::analyst) measure: &'a Measure,
    pub(in crate::analyst) actor: Option<&'a Dimension>,
    pub(in crate::analyst) window: Option<&'a Window>,
    pub(in crate::analyst) filters: Vec<Filter>,
}

/// A text as SQL writes it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A label as a column's name: letters and underscores.
pub(super) fn slug(label: &str) -> String {
    ident(&words(label).join("_"))
}

/// The key of the period that a day lies in.
pub(super) fn period_sql(grain: Grain, day: &str) -> String {
    match grain {
        Grain::Day => day.to_owned(),
        // From the Sunday at its end back to the Monday.
        Grain::Week => format!("date({day}, 'weekday 0', '-6 days')"),
        Grain::Month => format!("strftime('%Y-%m', {day})"),
        Grain::Quarter => {
            format!("strftime('%Y', {day}) || '-Q' || ((strftime('%m', {day}) + 2) / 3)")
        }
        Grain::Year => format!("strftime('%Y', {day})"),
    }
}

impl<'a> View<'a> {
    /// The day expression.
    pub(super) fn day(&self) -> Option<&'a Expr> {
        self.fact.moment.as_ref().map(|moment| &moment.day)
    }

    /// The aggregate of the measure, over the rows that meet a condition where one is given.
    pub(super) fn value(&self, condition: Option<&str>) -> String {
        let filter = condition.map_or(String::new(), |c| format!(" FILTER (WHERE {c})"));
        match (&self.measure.row, self.measure.quantity.adding) {
            (Some(row), Adding::Average) => format!("AVG({}){filter}", row.sql),
            (Some(row), _) => format!("SUM({}){filter}", row.sql),
            (None, _) => format!("{}{filter}", self.fact.records.count),
        }
    }

    /// The aggregate over all groups, beside that of each.
    pub(super) fn overall(&self, condition: Option<&str>) -> String {
        match (&self.measure.row, self.measure.quantity.adding) {
            (Some(row), Adding::Average) => {
                let filter = condition.map_or(String::new(), |c| format!(" FILTER (WHERE {c})"));
                let row = &row.sql;
                format!("1.0 * SUM(SUM({row}){filter}) OVER () / SUM(COUNT({row}){filter}) OVER ()")
            }
            _ => format!("SUM({}) OVER ()", self.value(condition)),
        }
    }

    /// What the value is called in the answer.
    pub(super) fn value_name(&self) -> String {
        slug(&self.measure.quantity.label)
    }

    /// Whether the query counts records beside its value.
    pub(super) fn records(&self) -> Option<&'a Noun> {
        (self.measure.quantity.adding != Adding::Count).then_some(&self.fact.records.noun)
    }

    /// Value, records, actors: the lines of a select list.
    pub(super) fn figures(&self) -> Vec<String> {
        let mut lines = vec![format!("{} AS {}", self.value(None), self.value_name())];
        if let Some(noun) = self.records() {
            lines.push(format!("{} AS {}", self.fact.records.count, slug(&noun.many)));
        }
        if let Some(actor) = self.actor {
            lines.push(format!("COUNT(DISTINCT {}) AS {}", actor.key.sql, slug(&actor.noun.many)));
        }
        lines
    }

    /// `FROM` with the joins that the parts of the query need; `extra` names further parts.
    pub(super) fn from(&self, extra: &[&Expr]) -> String {
        let mut used: Vec<&Expr> = extra.to_vec();
        used.extend(self.measure.row.as_ref());
        used.extend(self.actor.map(|actor| &actor.key));
        used.extend(self.filters.iter().map(|filter| &filter.label));
        used.extend(self.window.and_then(|_| self.day()));
        self.fact.from(&used)
    }

    /// The conditions of filters, and of the window where `windowed`.
    pub(super) fn conditions(&self, windowed: bool) -> Vec<String> {
        let mut all: Vec<String> = self
            .filters
            .iter()
            .map(|filter| match filter.values.as_slice() {
                [one] => format!("{} = {}", filter.label.sql, literal(one)),
                several => {
                    let listed: Vec<String> = several.iter().map(|value| literal(value)).collect();
                    format!("{} IN ({})", filter.label.sql, listed.join(", "))
                }
            })
            .collect();
        if let (true, Some(window), Some(day)) = (windowed, self.window, self.day()) {
            all.push(within(&day.sql, window.from, window.to));
        }
        all
    }

    /// A `WHERE` of these conditions, or nothing.
    pub(super) fn filter_clause(conditions: &[String]) -> String {
        if conditions.is_empty() { String::new() } else { format!("\nWHERE {}", conditions.join("\n  AND ")) }
    }

    /// The same view without what the query does not show, so that it joins less.
    pub(super) fn plain(&self) -> View<'a> {
        View { actor: None, filters: self.filters.clone(), ..*self }
    }

    /// The query, with what its columns mean.
    pub(super) fn planned(&self, purpose: String, sql: String, reads: Reads) -> PlannedQuery {
        PlannedQuery {
            purpose,
            sql,
            measure: self.measure.quantity.clone(),
            records: self.records().cloned(),
            actors: self.actor.map(|actor| actor.noun.clone()),
            counts_add_up: true,
            reads,
        }
    }

    /// ` for country Germany, Q3 2010`: what the purpose of a query ends with.
    pub(super) fn restriction(&self, windowed: bool) -> String {
        let mut parts: Vec<String> = self
            .filters
            .iter()
            .map(|filter| format!("{} {}", filter.noun.one, list(&filter.values)))
            .collect();
        if let (true, Some(window)) = (windowed, self.window) {
            parts.push(window.label.clone());
        }
        if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
    }
}

/// The condition that a day lies in a stretch of time.
pub(super) fn within(day: &str, from: Date, to: Date) -> String {
    format!("{day} >= '{from}' AND {day} < '{to}'")
}

/// A select list, one expression per line.
pub(super) fn select(lines: &[String]) -> String {
    format!("SELECT {}", lines.join(",\n       "))
}

/// Moves a statement to the right, for use inside another.
pub(super) fn indent(sql: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    sql.lines().map(|line| format!("{pad}{line}")).collect::<Vec<_>>().join("\n")
}
