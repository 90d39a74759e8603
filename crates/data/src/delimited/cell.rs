//! What a single cell of a CSV file can be read as: a number, a truth value, nothing.

/// How a file writes large and broken numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberStyle {
    /// `1,234.56`
    Point,
    /// `1.234,56`
    Comma,
}

/// A number as read, with what stood around it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub(super) value: NumberValue,
    /// A currency or `%`.
    pub(super) unit: Option<&'static str>,
    /// Whether a separator was read in a way that the other style would read differently.
    pub(super) ambiguous: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum NumberValue {
    Integer(i64),
    Decimal(f64),
}

/// Signs and codes that may stand before or after a number, and the unit they mean.
const UNITS: [(&str, &str); 14] = [
    ("€", "EUR"),
    ("$", "$"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("%", "%"),
    ("EUR", "EUR"),
    ("USD", "USD"),
    ("GBP", "GBP"),
    ("CHF", "CHF"),
    ("JPY", "JPY"),
    ("SEK", "SEK"),
    ("NOK", "NOK"),
    ("DKK", "DKK"),
    ("CAD", "CAD"),
];

/// More digits than any figure has: an account number, a key.
const MOST_DIGITS: usize = 18;

/// Whether a cell is a whole number with too many digits for a figure.
pub(super) fn is_long(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    digits.len() > MOST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn number(cell: &str, style: NumberStyle) -> Option<Number> {
    let mut rest = cell.trim();
    if !rest.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut negative = false;
    if let Some(inner) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
        negative = true;
        rest = inner.trim();
    }
    // The sign may stand on either side of the currency, and behind the number.
    let mut unit = None;
    for _ in 0..3 {
        let before = rest;
        if let Some(tail) = rest.strip_prefix(['-', '−']).or_else(|| rest.strip_suffix('-')) {
            if negative {
                return None;
            }
            negative = true;
            rest = tail.trim();
        } else if let Some(tail) = rest.strip_prefix('+') {
            // A number with a plus and many digits is a telephone number.
            if tail.len() > 9 {
                return None;
            }
            rest = tail.trim();
        }
        if unit.is_none()
            && let Some((found, tail)) = strip_unit(rest)
        {
            unit = Some(found);
            rest = tail.trim();
        }
        if rest == before {
            break;
        }
    }
    let (value, ambiguous) = magnitude(rest, style)?;
    Some(Number {
        value: match value {
            NumberValue::Integer(n) => NumberValue::Integer(if negative { -n } else { n }),
            NumberValue::Decimal(x) => NumberValue::Decimal(if negative { -x } else { x }),
        },
        unit,
        ambiguous,
    })
}

fn strip_unit(text: &str) -> Option<(&'static str, &str)> {
    UNITS.iter().find_map(|(sign, unit)| {
        text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)).map(|rest| (*unit, rest))
    })
}

fn magnitude(text: &str, style: NumberStyle) -> Option<(NumberValue, bool)> {
    let (point, group) = match style {
        NumberStyle::Point => ('.', ','),
        NumberStyle::Comma => (',', '.'),
    };
    let (whole, fraction) = match text.split_once(point) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let (fraction, exponent) = match fraction {
        Some(f) => split_exponent(f),
        None => (None, None),
    };
    let separator = whole.chars().find(|c| !c.is_ascii_digit());
    let digits = match separator {
        None => whole.to_owned(),
        Some(sign) if sign == group || is_neutral_group(sign) => ungroup(whole, sign)?,
        Some(_) => return scientific(text, point),
    };
    let fraction_digits = fraction.unwrap_or_default();
    if !fraction_digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if digits.is_empty() && fraction_digits.is_empty() {
        return None;
    }
    // A leading zero is a code: a postal code, an article number.
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    if digits.len() > MOST_DIGITS || fraction_digits.len() > MOST_DIGITS {
        return None;
    }
    // `1,234` is 1234 in one style and 1.234 in the other, and both are well written.
    let one_group = separator == Some(group) && fraction.is_none() && whole.matches(group).count() == 1;
    let three_decimals = separator.is_none()
        && fraction_digits.len() == 3
        && (1..=3).contains(&digits.len())
        && digits != "0"
        && exponent.is_none();
    let ambiguous = one_group || three_decimals;
    if fraction.is_none() {
        return Some((NumberValue::Integer(digits.parse().ok()?), ambiguous));
    }
    let exponent = exponent.unwrap_or("0");
    let value: f64 = format!("{digits}.{fraction_digits}e{exponent}").parse().ok()?;
    value.is_finite().then_some((NumberValue::Decimal(value), ambiguous))
}

/// The digits behind the point, and what stands behind an `e`.
fn split_exponent(fraction: &str) -> (Option<&str>, Option<&str>) {
    match fraction.split_once(['e', 'E']) {
        Some((digits, exponent)) if is_exponent(exponent) => (Some(digits), Some(exponent)),
        _ => (Some(fraction), None),
    }
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// `12e5`: an exponent without a point before it.
fn scientific(text: &str, point: char) -> Option<(NumberValue, bool)> {
    let (digits, exponent) = text.split_once(['e', 'E'])?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if text.contains(point) || !plain || !is_exponent(exponent) {
        return None;
    }
    let value: f64 = format!("{digits}e{exponent}").parse().ok()?;
    value.is_finite().then_some((NumberValue::Decimal(value), false))
}

/// Separators of thousands that both styles share: spaces of three sorts, apostrophes.
fn is_neutral_group(sign: char) -> bool {
    matches!(sign, ' ' | '\u{A0}' | '\u{202F}' | '\'' | '’')
}

/// `1,234,567` without its commas; `None` unless every group but the first has three digits.
fn ungroup(whole: &str, sign: char) -> Option<String> {
    let mut groups = whole.split(sign);
    let first = groups.next()?;
    if !(1..=3).contains(&first.len()) || !first.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut digits = first.to_owned();
    for group in groups {
        if group.len() != 3 || !group.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

/// `true` and `false`, `yes` and `no`.
pub(super) fn boolean(cell: &str) -> Option<bool> {
    let is = |word: &str| cell.eq_ignore_ascii_case(word);
    if is("true") || is("yes") {
        Some(true)
    } else if is("false") || is("no") {
        Some(false)
    } else {
        None
    }
}

/// Whether the cell says that there is no value, whatever the column holds.
pub(super) fn is_absent(cell: &str) -> bool {
    cell.is_empty() || cell.eq_ignore_ascii_case("null") || cell == "#N/A" || cell == "\\N"
}

/// Words for "no value" that could be a value of a text column: `NA` is Namibia.
pub(super) fn is_absent_figure(cell: &str) -> bool {
    let words = ["na", "n/a", "nan", "none", "-", "–", "—", "?", "."];
    words.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use NumberStyle::{Comma, Point};
    use NumberValue::{Decimal, Integer};

    fn value(cell: &str, style: NumberStyle) -> Option<NumberValue> {
        number(cell, style).map(|n| n.value)
    }

    #[test]
    fn plain_numbers_read_the_same_in_both_styles() {
        for style in [Point, Comma] {
            assert_eq!(value("0", style), Some(Integer(0)));
            assert_eq!(value(" 42 ", style), Some(Integer(42)));
            assert_eq!(value("-7", style), Some(Integer(-7)));
            assert_eq!(value("+7", style), Some(Integer(7)));
            assert_eq!(value("12e5", style), Some(Decimal(12e5)));
            assert_eq!(value("12 345 678", style), Some(Integer(12_345_678)));
            assert_eq!(value("12'345", style), Some(Integer(12_345)));
        }
    }

    #[test]
    fn the_style_tells_points_from_groups() {
        assert_eq!(value("1,234.56", Point), Some(Decimal(1234.56)));
        assert_eq!(value("1,234.56", Comma), None);
        assert_eq!(value("1.234,56", Comma), Some(Decimal(1234.56)));
        assert_eq!(value("1.234,56", Point), None);
        assert_eq!(value("12,5", Comma), Some(Decimal(12.5)));
        assert_eq!(value("12,5", Point), None);
        assert_eq!(value("12.50", Comma), None);
        assert_eq!(value("1,234,567", Point), Some(Integer(1_234_567)));
        assert_eq!(value(".5", Point), Some(Decimal(0.5)));
        assert_eq!(value("1.5e-3", Point), Some(Decimal(0.0015)));
    }

    #[test]
    fn ambiguity_is_noticed() {
        let ambiguous = |cell, style| number(cell, style).map(|n| n.ambiguous);
        assert_eq!(ambiguous("1,234", Point), Some(true));
        assert_eq!(ambiguous("1,234", Comma), Some(true));
        assert_eq!(ambiguous("1.234", Point), Some(true));
        assert_eq!(ambiguous("1.234", Comma), Some(true));
        assert_eq!(ambiguous("1,234,567", Point), Some(false));
        assert_eq!(ambiguous("0.125", Point), Some(false));
        assert_eq!(ambiguous("12.50", Point), Some(false));
        assert_eq!(ambiguous("1234", Point), Some(false));
    }

    #[test]
    fn money_and_signs() {
        let read = |cell: &str| number(cell, Point).map(|n| (n.value, n.unit));
        assert_eq!(read("$1,200.50"), Some((Decimal(1200.5), Some("$"))));
        assert_eq!(read("-$5"), Some((Integer(-5), Some("$"))));
        assert_eq!(read("$-5"), Some((Integer(-5), Some("$"))));
        assert_eq!(read("(5.25)"), Some((Decimal(-5.25), None)));
        assert_eq!(read("5.25-"), Some((Decimal(-5.25), None)));
        assert_eq!(read("12 %"), Some((Integer(12), Some("%"))));
        assert_eq!(
            number("1.200,50 €", Comma).map(|n| (n.value, n.unit)),
            Some((Decimal(1200.5), Some("EUR")))
        );
    }

    #[test]
    fn codes_and_texts_are_no_numbers() {
        for cell in [
            "007",
            "+4915112345678",
            "1234567890123456789",
            "12a",
            "a",
            "",
            "-",
            "1-2",
            "--1",
            "1,23,4",
            "1.2.3",
            "1e9999",
            "€",
            "$",
            "()",
            "1 2",
            "12:30",
            "2020-01-01",
            "e5",
            "1e",
            "--",
            "−",
        ] {
            assert_eq!(value(cell, Point), None, "{cell}");
            assert_eq!(value(cell, Comma), None, "{cell}");
        }
    }

    #[test]
    fn truth_and_absence() {
        assert_eq!(boolean("TRUE"), Some(true));
        assert_eq!(boolean("no"), Some(false));
        assert_eq!(boolean("0"), None);
        assert!(is_absent("") && is_absent("NULL") && !is_absent("NA"));
        assert!(is_absent_figure("n/a") && !is_absent_figure("0"));
    }
}
