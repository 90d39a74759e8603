//! Values of rows as a reader wants them.

use serde_json::Value;

use crate::analyst::format::{cut, figure, whole};
use crate::words::{capital, words};

/// Characters of a text in a cell.
const LONGEST: usize = 300;
/// What stands where there is no value.
const NOTHING: &str = "–";

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As they are.
    Text,
    /// Whole numbers as they are: years, keys.
    Plain,
    /// Figures with so many decimals and separators of thousands.
    Figure(u8),
}

impl Shape {
    /// The shape of a column.
    pub(super) fn of<'a>(name: &str, values: impl Iterator<Item = &'a Value> + Clone) -> Self {
        let given = values.filter(|value| !value.is_null());
        let mut numbers = given.clone().map(Value::as_f64).peekable();
        if numbers.peek().is_none() || numbers.clone().any(|number| number.is_none()) {
            return Self::Text;
        }
        let numbers: Vec<f64> = numbers.flatten().collect();
        if numbers.iter().all(|x| x.fract() == 0.0) {
            let last = words(name).pop().unwrap_or_default();
            let key = ["id", "key", "code", "year", "zip", "no", "number"].contains(&last.as_str());
            let years = numbers.iter().all(|x| (1900.0..=2100.0).contains(x)) && numbers.len() > 1;
            return if key || years { Self::Plain } else { Self::Figure(0) };
        }
        let exact = |decimals: u8| {
            let scale = 10f64.powi(i32::from(decimals));
            // Sums of decimals carry dust in their last digits.
            numbers.iter().all(|x| ((x * scale).round() / scale - x).abs() <= 1e-9 * x.abs().max(1.0))
        };
        let largest = numbers.iter().fold(0f64, |most, x| most.max(x.abs()));
        Self::Figure((1..=3).find(|d| exact(*d)).unwrap_or(if largest < 1.0 { 4 } else { 2 }))
    }

    /// Whether a column of these is set to the right.
    pub(super) fn is_figure(self) -> bool {
        self != Self::Text
    }

    /// A value, written.
    pub(super) fn write(self, value: &Value) -> String {
        match (self, value) {
            (_, Value::Null) => NOTHING.to_owned(),
            (Self::Figure(0), Value::Number(n)) if n.is_u64() => whole(n.as_u64().unwrap_or_default()),
            (Self::Figure(decimals), Value::Number(n)) => figure(n.as_f64().unwrap_or_default(), decimals),
            (Self::Plain, Value::Number(n)) => match n.as_f64() {
                Some(x) if !n.is_i64() && !n.is_u64() => format!("{x:.0}"),
                _ => n.to_string(),
            },
            (_, Value::String(text)) if text.trim().is_empty() => NOTHING.to_owned(),
            (_, Value::String(text)) => cut(text, LONGEST),
            (_, other) => cut(&other.to_string(), LONGEST),
        }
    }
}

/// A column's name as a heading: `total_sales` is `Total sales`. What is no plain name stays as it is.
pub(super) fn heading(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ' ');
    let words = if plain { words(name) } else { Vec::new() };
    if words.is_empty() { cut(name, LONGEST) } else { capital(&words.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(name: &str, values: &Value) -> Vec<String> {
        let values = values.as_array().unwrap();
        let shape = Shape::of(name, values.iter());
        values.iter().map(|value| shape.write(value)).collect()
    }

    #[test]
    fn a_column_is_written_in_one_way() {
        for (name, values, expected) in [
            ("total", json!([100.1 + 422.96 - 1e-13, 303.96, null]), vec!["523.06", "303.96", "–"]),
            ("n", json!([12345, 7, -3]), vec!["12,345", "7", "−3"]),
            ("year", json!([2011, 2012]), vec!["2011", "2012"]),
            ("CustomerId", json!([12345]), vec!["12345"]),
            ("share", json!([0.123_456, 0.5]), vec!["0.1235", "0.5000"]),
            ("mean", json!([5.651_941_747, 5]), vec!["5.65", "5.00"]),
            ("name", json!(["USA", 7, ""]), vec!["USA", "7", "–"]),
            ("whole", json!([2.0, 3000.0]), vec!["2", "3,000"]),
        ] {
            assert_eq!(written(name, &values), expected, "{name}");
        }
        assert_eq!(heading("BillingCountry"), "Billing country");
        assert_eq!(heading("sum(Total)"), "sum(Total)");
    }
}
