//! Figures as text: `1,234.50`, `−3.2M`.

/// What large figures are divided by, and the letter that says so.
const MAGNITUDES: [(f64, &str); 3] = [(1e12, "tn"), (1e9, "bn"), (1e6, "M")];

/// `value` with `decimals` digits after the point and its thousands set apart.
pub(super) fn grouped(value: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut out = String::new();
    // Rounding may have left nothing of a small negative value.
    if value < 0.0 && plain.contains(|digit: char| digit.is_ascii_digit() && digit != '0') {
        out.push('−');
    }
    out.push_str(&set_apart(whole));
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Digits with the thousands set apart.
pub(crate) fn set_apart(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The divisor and letter for an axis that reaches to `largest`.
pub(super) fn magnitude(largest: f64) -> (f64, &'static str) {
    MAGNITUDES.into_iter().find(|&(divisor, _)| largest >= divisor).unwrap_or((1.0, ""))
}

/// How the values of a chart are written next to their marks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    divisor: f64,
    letter: &'static str,
    decimals: usize,
    suffix: &'static str,
}

impl Style {
    /// The shortest style that tells `values` apart: exact to two decimals, or from ten million on
    /// to two decimals of a million and more.
    pub(super) fn of(values: impl Iterator<Item = f64> + Clone, unit: Option<&str>) -> Self {
        let largest = values.clone().map(f64::abs).fold(0.0, f64::max);
        let (divisor, letter) = if largest >= 1e7 { magnitude(largest) } else { (1.0, "") };
        // What a sum of fractions is off by is not a digit.
        let fits = |decimals: i32| {
            let factor = 10_f64.powi(decimals) / divisor;
            values
                .clone()
                .all(|value| (value * factor - (value * factor).round()).abs() <= largest * factor * 1e-9)
        };
        let decimals = if fits(0) {
            0
        } else if fits(1) {
            1
        } else {
            least_decimals(largest / divisor)
        };
        Self { divisor, letter, decimals, suffix: percent(unit) }
    }

    /// `value` in this style.
    pub(super) fn show(&self, value: f64) -> String {
        format!("{}{}{}", grouped(value / self.divisor, self.decimals), self.letter, self.suffix)
    }
}

/// Two decimals, or as many as a chart of tiny values needs for three digits.
fn least_decimals(largest: f64) -> usize {
    if largest <= 0.0 || largest >= 1.0 {
        return 2;
    }
    let zeros = -largest.log10().floor();
    (zeros as usize + 2).min(12)
}

/// The sign that follows every figure of a chart in percent.
pub(super) fn percent(unit: Option<&str>) -> &'static str {
    if unit == Some("%") { " %" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let cases = [
            (0.0, 0, "0"),
            (999.0, 0, "999"),
            (1_000.0, 0, "1,000"),
            (-1_234_567.891, 2, "−1,234,567.89"),
            (-0.001, 2, "0.00"),
            (123_456_789_012_345.0, 0, "123,456,789,012,345"),
        ];
        for (value, decimals, expected) in cases {
            assert_eq!(grouped(value, decimals), expected);
        }
    }

    #[test]
    fn labels_show_the_figure_itself() {
        let cases: [(&[f64], &[&str]); 8] = [
            (&[16_777_217.0, 5.0], &["16.78M", "0.00M"]),
            (&[9_999_999.0, 1.0], &["9,999,999", "1"]),
            (&[523.06, 13.86], &["523.06", "13.86"]),
            (&[0.5, 12.0], &["0.5", "12.0"]),
            (&[0.000_123, 0.000_2], &["0.000123", "0.000200"]),
            (&[0.1 + 0.2, 2_328.600_000_000_004], &["0.3", "2,328.6"]),
            (&[2e-9, 1e-9], &["0.00000000200", "0.00000000100"]),
            (&[2e12, 1e12], &["2tn", "1tn"]),
        ];
        for (values, expected) in cases {
            let style = Style::of(values.iter().copied(), None);
            let shown: Vec<_> = values.iter().map(|&value| style.show(value)).collect();
            assert_eq!(shown, expected);
        }
        assert_eq!(Style::of([4.5].into_iter(), Some("%")).show(4.5), "4.5 %");
    }
}
