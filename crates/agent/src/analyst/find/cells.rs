//! The cells of an answer as numbers, dates and labels.

use jiff::civil::Date;
use serde_json::Value;

/// What a missing label is called.
pub(super) const NOT_GIVEN: &str = "(not given)";
/// A cell that has nothing to say.
pub(super) const DASH: &str = "–";
const LONGEST_LABEL: usize = 60;

pub(super) fn number(row: &[Value], column: usize) -> Option<f64> {
    row.get(column).and_then(Value::as_f64)
}

/// A number, or nothing counted as zero.
pub(super) fn amount(row: &[Value], column: usize) -> f64 {
    number(row, column).unwrap_or(0.0)
}

/// A count, never below zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are whole and within range"
)]
pub(super) fn count(row: &[Value], column: usize) -> u64 {
    amount(row, column).max(0.0) as u64
}

/// A mean for a table: with decimals, unless it is large.
pub(super) fn mean(x: f64) -> String {
    crate::analyst::format::figure(x, if x.abs() >= 100_000.0 { 0 } else { 2 })
}

/// `average invoice`, `average per record`.
pub(super) fn average_of(noun: &crate::words::Noun) -> String {
    if noun.one == "record" { "average per record".to_owned() } else { format!("average {}", noun.one) }
}

/// A number as a count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are whole and within range"
)]
pub(super) fn as_count(x: f64) -> u64 {
    x.max(0.0) as u64
}

pub(super) fn date(row: &[Value], column: usize) -> Option<Date> {
    row.get(column)?.as_str()?.get(..10)?.parse().ok()
}

/// A label as it stands in tables and charts.
pub(super) fn label(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Some(other) => other.to_string(),
    };
    if text.is_empty() { NOT_GIVEN.to_owned() } else { crate::analyst::format::cut(&text, LONGEST_LABEL) }
}

/// The rows of each dimension of an answer that has several under each other.
pub(super) fn of_breakdown(rows: &[Vec<Value>], n: usize) -> Vec<&[Value]> {
    let wanted = n.to_string();
    rows.iter()
        .filter(|row| row.first().and_then(Value::as_str) == Some(&wanted))
        .map(Vec::as_slice)
        .collect()
}
