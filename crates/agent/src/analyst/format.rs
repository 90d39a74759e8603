//! Figures, shares, dates and lists as a reader wants them.

use jiff::civil::Date;

/// A whole number with separators of thousands.
pub(crate) fn whole(n: u64) -> String {
    group(&n.to_string())
}

/// A figure with separators of thousands and a true minus sign.
pub(crate) fn figure(x: f64, decimals: u8) -> String {
    let text = format!("{:.*}", usize::from(decimals), x.abs());
    let (digits, fraction) = match text.split_once('.') {
        Some((digits, fraction)) => (digits, Some(fraction)),
        None => (text.as_str(), None),
    };
    let zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    let sign = if x < 0.0 && !zero { "−" } else { "" };
    match fraction {
        Some(fraction) => format!("{sign}{}.{fraction}", group(digits)),
        None => format!("{sign}{}", group(digits)),
    }
}

fn group(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share or a change in percent: one decimal, none from a hundred on.
pub(crate) fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    let decimals = if value.abs() >= 99.95 { 0 } else { 1 };
    format!("{}%", figure(value, decimals))
}

/// A change in percent with its sign: `+4.2%`, `−3.0%`, `±0%`; from tenfold on as a multiple, `×19`.
pub(crate) fn signed_percent(ratio: f64) -> String {
    if ratio >= 9.95 {
        return format!("×{}", figure(ratio + 1.0, 0));
    }
    let text = percent(ratio);
    if text.bytes().all(|b| matches!(b, b'0' | b'.' | b'%')) {
        "±0%".to_owned()
    } else if ratio > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

/// The change from `before` to `now`; none where there is nothing to compare with.
pub(crate) fn change(now: f64, before: f64) -> Option<f64> {
    (before > 0.0).then(|| now / before - 1.0)
}

/// `part` of `total`; none of nothing.
pub(crate) fn share(part: f64, total: f64) -> Option<f64> {
    (total > 0.0).then(|| part / total)
}

/// How a change reads after a figure: `11.5% more than`, `as much as`, `three times`.
pub(crate) fn compared(now: f64, before: f64) -> Option<String> {
    let change = change(now, before)?;
    let text = percent(change.abs());
    Some(if text == "0.0%" {
        "as much as".to_owned()
    } else if change >= 2.0 {
        format!("{} times as much as", figure(now / before, 1))
    } else if change > 0.0 {
        format!("{text} more than")
    } else {
        format!("{text} less than")
    })
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `January` for 1.
pub(crate) fn month_name(month: i8) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|n| MONTHS.get(n)).copied().unwrap_or("?")
}

/// `22 December 2011`.
pub(crate) fn long_date(date: Date) -> String {
    format!("{} {} {}", date.day(), month_name(date.month()), date.year())
}

/// `A`, `A and B`, `A, B and C`.
pub(crate) fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [before @ .., last] => {
            let before: Vec<&str> = before.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", before.join(", "), last.as_ref())
        }
    }
}

/// Small numbers in words, as in running text.
pub(crate) fn number_word(n: u64) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    usize::try_from(n).ok().and_then(|n| WORDS.get(n)).map_or_else(|| whole(n), |word| (*word).to_owned())
}

/// `first`, `second`, `21st`.
pub(crate) fn ordinal(n: usize) -> String {
    const WORDS: [&str; 11] = [
        "zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
        "tenth",
    ];
    if let Some(word) = WORDS.get(n) {
        return (*word).to_owned();
    }
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

/// `a` or `an`, as the word after it needs.
pub(crate) fn article(word: &str) -> &'static str {
    if word.to_lowercase().starts_with(['a', 'e', 'i', 'o', 'u']) && !word.starts_with("us") {
        "an"
    } else {
        "a"
    }
}

/// A value as a chart draws it: sums of decimals carry dust in their last digits.
pub(crate) fn drawn(x: f64) -> f64 {
    let rounded = (x * 1e4).round() / 1e4;
    if rounded.is_finite() { rounded } else { x }
}

/// A text cut to a length, with a sign that it was.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let head: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{}…", head.trim_end())
}

/// A sentence's beginning as it reads inside another.
pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        // `MRR by month` keeps its capitals.
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(whole(0), "0");
        assert_eq!(whole(1_234_567), "1,234,567");
        assert_eq!(figure(2328.6000000001, 2), "2,328.60");
        assert_eq!(figure(-1234.5, 1), "−1,234.5");
        assert_eq!(figure(-0.001, 2), "0.00");
        assert_eq!(figure(999_999.9, 0), "1,000,000");
    }

    #[test]
    fn changes() {
        assert_eq!(signed_percent(0.042), "+4.2%");
        assert_eq!(signed_percent(-0.5), "−50.0%");
        assert_eq!(signed_percent(0.0001), "±0%");
        assert_eq!(percent(1.5), "150%");
        assert_eq!(change(1.0, 0.0), None);
        assert_eq!(compared(112.0, 100.0).as_deref(), Some("12.0% more than"));
        assert_eq!(compared(90.0, 100.0).as_deref(), Some("10.0% less than"));
        assert_eq!(compared(100.0, 100.0).as_deref(), Some("as much as"));
        assert_eq!(compared(450.0, 100.0).as_deref(), Some("4.5 times as much as"));
    }

    #[test]
    fn lists_and_words() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(number_word(5), "five");
        assert_eq!(number_word(13), "13");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!([ordinal(4), ordinal(12), ordinal(22)], ["fourth", "12th", "22nd"]);
        assert_eq!([article("invoice"), article("user"), article("record")], ["an", "a", "a"]);
    }
}
