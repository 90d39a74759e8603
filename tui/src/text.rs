//! Text on its way to the terminal.
//!
//! Whatever a task, a person or a server wrote is cleaned here once more, whatever was done before, and
//! cut by display width, never through a wide character.

use longhaul_core::text::is_plain;
use longhaul_core::{Millis, Timestamp};
use unicode_width::UnicodeWidthChar as _;

/// How many columns a character takes; nothing for one that must not be shown.
fn columns(c: char) -> Option<usize> {
    c.width().filter(|_| is_plain(c))
}

/// How many columns a text takes once it is clean.
pub(crate) fn width(text: &str) -> usize {
    text.chars().filter_map(columns).sum()
}

/// A text in at most `max` columns, cleaned; one that is longer ends with `…` (or `~` in ASCII).
pub(crate) fn fit(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max * 2));
    let mut used = 0;
    // Where to cut, if what follows does not fit: before the last column.
    let mut cut = 0;
    for c in text.chars().map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c }) {
        let Some(wide) = columns(c) else { continue };
        // Marks that combine with the letter before them stay with it, but never without end.
        if wide == 0 && out.len() > 4 * max {
            continue;
        }
        if used + wide > max {
            out.truncate(cut);
            if max > 0 {
                out.push('…');
            }
            return out;
        }
        out.push(c);
        used += wide;
        if used < max {
            cut = out.len();
        }
    }
    out
}

/// A text in exactly `columns` columns: cut, or filled up with spaces.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let mut out = fit(text, columns);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(&out))));
    out
}

/// The same, to the right.
pub(crate) fn pad_left(text: &str, columns: usize) -> String {
    let out = fit(text, columns);
    format!("{}{out}", " ".repeat(columns.saturating_sub(width(&out))))
}

/// Running text in lines of at most `columns` columns.
pub(crate) fn wrap(text: &str, columns_max: usize) -> Vec<String> {
    let max = columns_max.max(1);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let (mut out, mut used) = (String::new(), 0);
        for c in line.chars().map(|c| if c == '\t' { ' ' } else { c }) {
            let Some(wide) = columns(c) else { continue };
            if used + wide > max && !out.is_empty() {
                // Break at the last space, unless that would leave a very short line.
                let at = out.rfind(' ').filter(|at| width(&out[..*at]) * 2 > max);
                let rest = match at {
                    Some(at) => {
                        let rest = out[at + 1..].to_owned();
                        out.truncate(at);
                        rest
                    }
                    None => String::new(),
                };
                lines.push(std::mem::replace(&mut out, rest));
                used = width(&out);
            }
            out.push(c);
            used += wide;
        }
        lines.push(out);
    }
    lines
}

/// A span of time in at most seven columns: `2m42s`, `1h03m`, `12d`.
pub(crate) fn span(span: Millis) -> String {
    let seconds = span.0 / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        86_400..864_000 => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A number in at most five columns: `999`, `18.2k`, `1.2M`.
pub(crate) fn number(n: u64) -> String {
    let tenths = |n: u64, unit: u64, letter: char| {
        let whole = n / unit;
        if whole >= 100 {
            format!("{whole}{letter}")
        } else {
            format!("{whole}.{}{letter}", n % unit * 10 / unit)
        }
    };
    match n {
        0..1000 => n.to_string(),
        1000..1_000_000 => tenths(n, 1000, 'k'),
        1_000_000..1_000_000_000 => tenths(n, 1_000_000, 'M'),
        _ => tenths(n, 1_000_000_000, 'G'),
    }
}

/// A number with its thousands apart: `12,400`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The time of day, UTC: `14:32:07`.
pub(crate) fn clock(at: Timestamp) -> String {
    let of_day = at.0.rem_euclid(86_400_000) / 1000;
    format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// A moment as seen from another: the time of day, and the day before it where that is another one:
/// `14:32:07`, `11-20 14:32:07`, `2025-12-31 14:32:07`.
pub(crate) fn moment(at: Timestamp, seen_from: Timestamp) -> String {
    let (day, today) = (date(at), date(seen_from));
    if day == today {
        return clock(at);
    }
    let day = if day.get(..4) == today.get(..4) { day.get(5..).unwrap_or_default() } else { &day };
    format!("{day} {}", clock(at))
}

/// A moment with its day: `2026-11-21 14:32:07Z`.
pub(crate) fn dated(at: Timestamp) -> String {
    format!("{} {}Z", date(at), clock(at))
}

/// How long something took, in at most six columns: `120ms`, `3.4s`, `2m42s`.
pub(crate) fn took(time: Millis) -> String {
    match time.0 {
        0..1000 => format!("{}ms", time.0),
        1000..10_000 => format!("{}.{}s", time.0 / 1000, time.0 % 1000 / 100),
        _ => span(time),
    }
}

/// The day, UTC: `2026-11-21`.
pub(crate) fn date(at: Timestamp) -> String {
    at.to_string().chars().take_while(|c| *c != 'T').collect()
}

/// The end of an id: the part in which ids of the same time differ.
pub(crate) fn short(id: impl std::fmt::Display) -> String {
    let text = id.to_string();
    let tail: String = text.chars().filter(|c| *c != '-').collect();
    tail[tail.len().saturating_sub(6)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_must_not_be_shown_is_left_out() {
        assert_eq!(fit("a\x1b]0;x\x07\u{202E}b\nc", 20), "a]0;xb c");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit("漢字", 1), "…");
        assert_eq!(fit("x", 0), "");
        assert_eq!(pad("ab", 4), "ab  ");
        assert_eq!(pad_left("ab", 4), "  ab");
    }

    #[test]
    fn long_words_and_lines_are_broken() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("aaaaaaaaaa", 4), ["aaaa", "aaaa", "aa"]);
        assert_eq!(wrap("a\n\nb", 4), ["a", "", "b"]);
    }

    #[test]
    fn numbers_and_spans_are_short() {
        assert_eq!(number(18_234), "18.2k");
        assert_eq!(number(999), "999");
        assert_eq!([0, 999, 12_400, 1_000_000].map(grouped), ["0", "999", "12,400", "1,000,000"]);
        assert_eq!(span(Millis::seconds(162)), "2m42s");
        assert_eq!(span(Millis::minutes(63)), "1h03m");
        assert_eq!(
            [120, 3_450, 10_400, 162_000].map(|ms| took(Millis(ms))),
            ["120ms", "3.4s", "10s", "2m42s"]
        );
    }

    #[test]
    fn a_moment_of_another_day_says_so() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-21T14:00:00Z");
        assert_eq!(moment(at("2026-11-21T00:00:01Z"), now), "00:00:01");
        assert_eq!(moment(at("2026-11-22T14:00:00Z"), now), "11-22 14:00:00");
        assert_eq!(moment(at("2025-12-31T14:00:00Z"), now), "2025-12-31 14:00:00");
    }

    proptest! {
        #[test]
        fn a_text_never_takes_more_columns_than_it_has(text in "\\PC{0,20}[\\x00-\\x1f]{0,3}.{0,20}", max in 0_usize..30) {
            let out = fit(&text, max);
            prop_assert!(width(&out) <= max, "{out:?}");
            prop_assert!(out.chars().all(is_plain));
            prop_assert_eq!(width(&pad(&text, max)), max);
            prop_assert!(wrap(&text, max.max(2)).iter().all(|line| width(line) <= max.max(2)));
        }
    }
}
