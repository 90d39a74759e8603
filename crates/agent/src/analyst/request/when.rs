//! The time that a request names, and what it means for the data at hand.

use jiff::civil::Date;

use super::number;
use crate::analyst::format::long_date;
use crate::analyst::period::{Extent, Grain, Period, Window, plus_days, plus_months};
use crate::words::singular;

/// A time as it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Year(i16),
    /// The first year and the last.
    Years(i16, i16),
    /// `Q3`, of a year or of the latest there is.
    Quarter(Option<i16>, i8),
    /// The first or second half of a year.
    Half(Option<i16>, i8),
    Month(Option<i16>, i8),
    Between(Date, Date),
    Since(i16),
    Until(i16),
    /// The last so many periods that are over.
    Last(u32, Grain),
    /// The period that the data ends in.
    This(Grain),
}

const MONTHS: [(&str, i8); 24] = [
    ("january", 1),
    ("february", 2),
    ("march", 3),
    ("april", 4),
    ("may", 5),
    ("june", 6),
    ("july", 7),
    ("august", 8),
    ("september", 9),
    ("october", 10),
    ("november", 11),
    ("december", 12),
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("sept", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
];
const ORDINALS: [(&str, i8); 8] = [
    ("first", 1),
    ("second", 2),
    ("third", 3),
    ("fourth", 4),
    ("1st", 1),
    ("2nd", 2),
    ("3rd", 3),
    ("4th", 4),
];

/// Whether a word may be part of a time.
pub(super) fn is_vocabulary(word: &str) -> bool {
    const OTHERS: [&str; 20] = [
        "half", "last", "past", "previous", "latest", "recent", "this", "current", "ytd", "date", "during",
        "since", "until", "till", "next", "st", "nd", "rd", "th", "recently",
    ];
    let numbered =
        word.len() == 2 && word.starts_with(['q', 'h']) && word.ends_with(|c: char| c.is_ascii_digit());
    numbered
        || grain(word).is_some()
        || OTHERS.contains(&word)
        || MONTHS.iter().any(|(name, _)| *name == word)
        || ORDINALS.iter().any(|(name, _)| *name == word)
}

/// Finds the time in a request; `raw` are its words in small letters.
pub(super) fn read(request: &str, raw: &[String]) -> Option<When> {
    days(request)
        .or_else(|| relative(raw))
        .or_else(|| part_of_year(raw))
        .or_else(|| months(raw))
        .or_else(|| years(raw))
}

/// `2010-01-01 to 2010-06-30`, or one such day as a beginning.
fn days(request: &str) -> Option<When> {
    let found: Vec<Date> = request
        .split(|c: char| !(c.is_ascii_digit() || c == '-'))
        .filter(|word| word.len() == 10)
        .filter_map(|word| word.parse().ok())
        .collect();
    match found.as_slice() {
        [] => None,
        [one] => Some(When::Between(*one, *one)),
        [first, second, ..] => Some(When::Between(*first.min(second), *first.max(second))),
    }
}

fn grain(word: &str) -> Option<Grain> {
    match singular(word).as_str() {
        "day" => Some(Grain::Day),
        "week" => Some(Grain::Week),
        "month" => Some(Grain::Month),
        "quarter" => Some(Grain::Quarter),
        "year" => Some(Grain::Year),
        _ => None,
    }
}

/// `last quarter`, `the past 6 months`, `this year`, `year to date`.
fn relative(raw: &[String]) -> Option<When> {
    let last = ["last", "past", "previous", "latest", "recent"];
    for (n, word) in raw.iter().enumerate() {
        let next = raw.get(n + 1).map(String::as_str).unwrap_or_default();
        let after = raw.get(n + 2).map(String::as_str).unwrap_or_default();
        if last.contains(&word.as_str()) {
            if let Some(grain) = grain(next) {
                return Some(When::Last(1, grain));
            }
            if let (Some(count), Some(grain)) = (number(next), grain(after))
                && (1..=1_000).contains(&count)
            {
                return Some(When::Last(count, grain));
            }
        }
        if ["this", "current"].contains(&word.as_str())
            && let Some(grain) = grain(next)
        {
            return Some(When::This(grain));
        }
        if word == "ytd" || (word == "year" && next == "to" && after == "date") {
            return Some(When::This(Grain::Year));
        }
    }
    None
}

fn year(word: &str) -> Option<i16> {
    let year: i16 = word.parse().ok()?;
    (word.len() == 4 && (1900..=2199).contains(&year)).then_some(year)
}

/// A year at a place of the request. Long ago it is one only where the word before says so: a
/// plain 1500 may be an amount.
fn year_at(raw: &[String], at: usize) -> Option<i16> {
    let word = raw.get(at)?;
    year(word).or_else(|| {
        let before = raw.get(at.checked_sub(1)?)?;
        let says = ["in", "of", "for", "during", "year", "since", "until", "till", "before", "after"];
        let long_ago: i16 = word.parse().ok()?;
        (says.contains(&before.as_str()) && word.len() == 4 && (1000..1900).contains(&long_ago))
            .then_some(long_ago)
    })
}

/// A year near a place in the request, before or behind it.
fn year_near(raw: &[String], at: usize, width: usize) -> Option<i16> {
    let behind = raw.get(at + width..).unwrap_or_default();
    let fillers = ["of", "in", "the", "for"];
    behind
        .iter()
        .find(|word| !fillers.contains(&word.as_str()))
        .and_then(|word| year(word))
        .or_else(|| raw.get(at.checked_sub(1)?).and_then(|word| year(word)))
}

/// `Q3 2010`, `third quarter of 2010`, `H1 2010`, `first half of 2010`.
fn part_of_year(raw: &[String]) -> Option<When> {
    for (n, word) in raw.iter().enumerate() {
        let figure = word.get(1..).and_then(|rest| rest.parse::<i8>().ok());
        match (word.get(..1), figure) {
            (Some("q"), Some(quarter @ 1..=4)) if word.len() == 2 => {
                return Some(When::Quarter(year_near(raw, n, 1), quarter));
            }
            (Some("h"), Some(half @ 1..=2)) if word.len() == 2 => {
                return Some(When::Half(year_near(raw, n, 1), half));
            }
            _ => {}
        }
        // `3rd` falls into `3` and `rd`.
        let (ordinal, width) = match ORDINALS.iter().find(|(name, _)| name == word) {
            Some((_, ordinal)) => (Some(*ordinal), 1),
            None => {
                let suffix = raw.get(n + 1).map(String::as_str);
                let spelt = matches!(suffix, Some("st" | "nd" | "rd" | "th"));
                (spelt.then(|| word.parse().ok()).flatten(), 2)
            }
        };
        if let Some(ordinal) = ordinal {
            match raw.get(n + width).map(String::as_str) {
                Some("quarter") if (1..=4).contains(&ordinal) => {
                    return Some(When::Quarter(year_near(raw, n, width + 1), ordinal));
                }
                Some("half") if (1..=2).contains(&ordinal) => {
                    return Some(When::Half(year_near(raw, n, width + 1), ordinal));
                }
                _ => {}
            }
        }
    }
    None
}

/// `March 2010`, `in March`. "May" and "march" alone are words, not months.
fn months(raw: &[String]) -> Option<When> {
    raw.iter().enumerate().find_map(|(n, word)| {
        let (_, month) = MONTHS.iter().find(|(name, _)| name == word)?;
        let year = raw.get(n + 1).and_then(|next| year(next));
        let said = n > 0 && ["in", "during", "for", "of"].contains(&raw[n - 1].as_str());
        (year.is_some() || said).then_some(When::Month(year, *month))
    })
}

/// `2010`, `2008 to 2010`, `since 2009`, `until 2009`.
fn years(raw: &[String]) -> Option<When> {
    let found: Vec<(usize, i16)> =
        raw.iter().enumerate().filter_map(|(n, _)| Some((n, year_at(raw, n)?))).collect();
    match found.as_slice() {
        [] => None,
        [(n, year)] => {
            let before = n.checked_sub(1).map(|n| raw[n].as_str());
            Some(match before {
                Some("since" | "from") => When::Since(*year),
                Some("after") => When::Since(year + 1),
                Some("until" | "till" | "to") => When::Until(*year),
                Some("before") => When::Until(year - 1),
                _ => When::Year(*year),
            })
        }
        [(_, first), .., (_, last)] => Some(When::Years(*first.min(last), *first.max(last))),
    }
}

impl When {
    /// The stretch of time that is meant, for data of this extent; or why there is none.
    pub(crate) fn window(self, extent: &Extent) -> Result<Window, String> {
        let window = self.named(extent)?;
        if window.to <= extent.first || window.from > extent.last {
            let time = if window.label.starts_with("since") || window.label.starts_with("until") {
                "the time "
            } else {
                ""
            };
            return Err(format!(
                "The request asks for {time}{}; the data runs from {} to {}. The report covers what there is.",
                window.label,
                long_date(extent.first),
                long_date(extent.last),
            ));
        }
        Ok(window)
    }

    fn named(self, extent: &Extent) -> Result<Window, String> {
        let of_year = |year: Option<i16>, grain: Grain, nth: i32| {
            let per_year = if grain == Grain::Month { 12 } else { 4 };
            match year {
                Some(year) => Period { grain, index: i32::from(year) * per_year + nth - 1 },
                // The latest of that name that the data covers.
                None => {
                    let last = extent.last_complete(grain);
                    let back = (last.index - (nth - 1)).rem_euclid(per_year);
                    last.plus(-back)
                }
            }
        };
        let year_window = |first: i16, last: i16| -> Window {
            let from = Period { grain: Grain::Year, index: first.into() };
            let to = Period { grain: Grain::Year, index: last.into() };
            Window {
                from: from.start(),
                to: to.end(),
                label: if first == last { first.to_string() } else { format!("{first} to {last}") },
            }
        };
        Ok(match self {
            Self::Year(year) => year_window(year, year),
            Self::Years(first, last) => year_window(first, last),
            Self::Quarter(year, nth) => of_year(year, Grain::Quarter, nth.into()).window(),
            Self::Month(year, nth) => of_year(year, Grain::Month, nth.into()).window(),
            Self::Half(year, half) => {
                let first = of_year(year, Grain::Quarter, i32::from(half) * 2 - 1);
                Window {
                    from: first.start(),
                    to: first.plus(1).end(),
                    label: format!(
                        "the {} half of {}",
                        if half == 1 { "first" } else { "second" },
                        first.start().year()
                    ),
                }
            }
            Self::Between(first, last) if first == last => Window {
                from: first,
                to: plus_days(extent.last.max(first), 1),
                label: format!("since {}", long_date(first)),
            },
            Self::Between(first, last) => Window {
                from: first,
                to: plus_days(last, 1),
                label: format!("{} to {}", long_date(first), long_date(last)),
            },
            Self::Since(year) => Window {
                label: format!("since {year}"),
                from: year_window(year, year).from,
                to: plus_days(extent.last, 1).max(year_window(year, year).to),
            },
            Self::Until(year) => Window {
                label: format!("until {year}"),
                from: extent.first.min(year_window(year, year).from),
                to: year_window(year, year).to,
            },
            Self::This(grain) => {
                let period = Period::of(grain, extent.last);
                Window { label: format!("{} so far", period.label()), ..period.window() }
            }
            Self::Last(1, grain) => extent.last_complete(grain).window(),
            Self::Last(count, grain) => last_periods(count, grain, extent),
        })
    }
}

/// The last so many months and the like, ending with the data.
fn last_periods(count: u32, grain: Grain, extent: &Extent) -> Window {
    let to = plus_days(extent.last, 1);
    let n = i32::try_from(count).unwrap_or(1);
    let from = match grain {
        Grain::Day => plus_days(to, -n),
        Grain::Week => plus_days(to, -7 * n),
        Grain::Month => plus_months(to, -n),
        Grain::Quarter => plus_months(to, -3 * n),
        Grain::Year => plus_months(to, -12 * n),
    };
    Window { from, to, label: format!("the last {count} {}s of the data", grain.name()) }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::Wish;
    use super::*;

    const EXTENT: Extent = Extent { first: date(2007, 1, 1), last: date(2011, 12, 22), gap_days: 5.1 };

    #[test]
    fn times_are_found() {
        for (request, expected) in [
            ("review of 2010", Some(When::Year(2010))),
            ("Q3 2010", Some(When::Quarter(Some(2010), 3))),
            ("2010 Q3 review", Some(When::Quarter(Some(2010), 3))),
            ("third quarter of 2010", Some(When::Quarter(Some(2010), 3))),
            ("3rd quarter 2010", Some(When::Quarter(Some(2010), 3))),
            ("first half of 2009", Some(When::Half(Some(2009), 1))),
            ("H2 2009", Some(When::Half(Some(2009), 2))),
            ("sales in March 2010", Some(When::Month(Some(2010), 3))),
            ("what may come", None),
            ("from 2008 to 2010", Some(When::Years(2008, 2010))),
            ("2008-2010", Some(When::Years(2008, 2010))),
            ("since 2009", Some(When::Since(2009))),
            ("until 2009", Some(When::Until(2009))),
            ("last quarter", Some(When::Last(1, Grain::Quarter))),
            ("over the past six months", Some(When::Last(6, Grain::Month))),
            ("this year", Some(When::This(Grain::Year))),
            ("2010-01-01 to 2010-06-30", Some(When::Between(date(2010, 1, 1), date(2010, 6, 30)))),
            ("top 10 customers", None),
        ] {
            assert_eq!(Wish::read(request).when, expected, "{request}");
        }
    }

    #[test]
    fn times_become_windows() {
        let window = |when: When| when.window(&EXTENT).map(|w| (w.from, w.to, w.label));
        let named = |when| window(when).map(|(_, _, label)| label);
        assert_eq!(
            window(When::Quarter(Some(2010), 3)),
            Ok((date(2010, 7, 1), date(2010, 10, 1), "Q3 2010".to_owned()))
        );
        assert_eq!(named(When::Quarter(None, 3)).as_deref(), Ok("Q3 2011"));
        assert_eq!(named(When::Last(1, Grain::Month)).as_deref(), Ok("November 2011"));
        assert_eq!(named(When::Last(1, Grain::Quarter)).as_deref(), Ok("Q4 2011"));
        assert_eq!(
            window(When::Last(6, Grain::Month)).map(|(from, to, _)| (from, to)),
            Ok((date(2011, 6, 23), date(2011, 12, 23)))
        );
        assert!(named(When::Year(2015)).unwrap_err().contains("2015"));
    }
}
