//! What a single cell of a CSV file can be read as: a day, a moment, a month.

use jiff::civil::{Date, Time};

/// The order of the parts of a date in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateOrder {
    /// `2011-12-31`, `2011/12/31`
    YearFirst,
    /// `31.12.2011`
    DayFirst,
    /// `12/31/2011`
    MonthFirst,
    /// `31 Dec 2011`, `Dec 31, 2011`
    Named,
}

/// A day, and the time of it where one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) date: Date,
    pub(super) time: Option<Time>,
}

impl Moment {
    /// As SQLite's date functions read it.
    pub(super) fn to_iso(self) -> String {
        match self.time {
            None => self.date.to_string(),
            Some(time) => {
                format!("{} {:02}:{:02}:{:02}", self.date, time.hour(), time.minute(), time.second())
            }
        }
    }
}

/// Two-digit years from here on are of the last century.
const CENTURY_TURNS_AT: i16 = 70;

pub(super) fn moment(cell: &str, order: DateOrder) -> Option<Moment> {
    let cell = cell.trim();
    // The shortest is `1/1/20`, the longest a month's full name with a time and an offset.
    if !(6..=48).contains(&cell.len()) || !cell.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    if order == DateOrder::Named {
        return named(cell);
    }
    let day_end = cell.find([' ', 'T', 't']).unwrap_or(cell.len());
    let date = figures(&cell[..day_end], order)?;
    let rest = cell[day_end..].trim_start_matches([' ', 'T', 't']);
    let time = if rest.is_empty() { None } else { Some(time(rest)?) };
    Some(Moment { date, time })
}

fn figures(text: &str, order: DateOrder) -> Option<Date> {
    let separator = text.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(separator, '-' | '/' | '.') {
        return None;
    }
    let mut parts = text.split(separator);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let short = |part: &str| -> Option<i8> {
        let plain = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse().ok())?
    };
    let (year, month, day) = match order {
        DateOrder::YearFirst if a.len() == 4 => (a.parse().ok()?, short(b)?, short(c)?),
        DateOrder::DayFirst => (year(c)?, short(b)?, short(a)?),
        DateOrder::MonthFirst => (year(c)?, short(a)?, short(b)?),
        DateOrder::YearFirst | DateOrder::Named => return None,
    };
    date(year, month, day)
}

fn year(text: &str) -> Option<i16> {
    let value: i16 = text.parse().ok()?;
    match text.len() {
        4 => Some(value),
        2 if value >= CENTURY_TURNS_AT => Some(1900 + value),
        2 => Some(2000 + value),
        _ => None,
    }
}

fn date(year: i16, month: i8, day: i8) -> Option<Date> {
    // Years outside are slips of the pen, and nothing a report should be about.
    (1000..=2999).contains(&year).then(|| Date::new(year, month, day).ok())?
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn month_name(word: &str) -> Option<i8> {
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    if word.len() < 3 {
        return None;
    }
    let at =
        MONTHS.iter().position(|name| name.starts_with(&word) || (word == "sept" && *name == "september"))?;
    i8::try_from(at + 1).ok()
}

/// `31 Dec 2011`, `31-Dec-11`, `Dec 31, 2011`, `December 31 2011 14:30`.
fn named(cell: &str) -> Option<Moment> {
    let mut words = cell.split([' ', '-', '/', ',']).filter(|word| !word.is_empty());
    let (first, second, third) = (words.next()?, words.next()?, words.next()?);
    let rest: Vec<&str> = words.collect();
    let (day, month) = match month_name(first) {
        Some(month) => (second, month),
        None => (first, month_name(second)?),
    };
    let day = day.trim_end_matches('.').trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let date = date(year(third)?, month, day.parse().ok()?)?;
    let time = if rest.is_empty() { None } else { Some(time(&rest.join(" "))?) };
    Some(Moment { date, time })
}

/// `14:30`, `14:30:05`, `14:30:05.123`, `2:30 PM`, each with an offset or `Z`. An offset is left
/// out of account: the day is the one that was written.
fn time(text: &str) -> Option<Time> {
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.trim_end_matches("utc").trim();
    let (clock, afternoon) = if let Some(clock) = lower.strip_suffix("pm") {
        (clock.trim(), Some(true))
    } else if let Some(clock) = lower.strip_suffix("am") {
        (clock.trim(), Some(false))
    } else {
        (lower, None)
    };
    let clock = clock.strip_suffix('z').unwrap_or(clock);
    let clock = match clock.find(['+', '-']) {
        Some(at) if is_offset(&clock[at + 1..]) => clock[..at].trim(),
        Some(_) => return None,
        None => clock,
    };
    let mut parts = clock.split(':');
    let mut hour: i8 = parts.next()?.parse().ok()?;
    let minute: i8 = parts.next()?.parse().ok()?;
    let second: i8 = match parts.next() {
        None => 0,
        Some(text) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            whole.parse().ok()?
        }
    };
    if parts.next().is_some() {
        return None;
    }
    match afternoon {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(true) if hour < 12 => hour += 12,
        Some(false) if hour == 12 => hour = 0,
        _ => {}
    }
    Time::new(hour, minute, second, 0).ok()
}

fn is_offset(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (2..=4).contains(&digits) && text.bytes().all(|b| b.is_ascii_digit() || b == b':')
}

/// `2011-12`, `2011/12`, `Dec 2011`, as `2011-12`.
pub(super) fn month(cell: &str) -> Option<String> {
    let cell = cell.trim();
    let (first, second) = cell.split_once(['-', '/', ' '])?;
    let (year, month): (i16, i8) = if first.len() == 4 && second.len() == 2 {
        (first.parse().ok()?, second.parse().ok()?)
    } else {
        let month = month_name(first)?;
        ((second.len() == 4).then(|| second.parse().ok())??, month)
    };
    date(year, month, 1).map(|_| format!("{year:04}-{month:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use DateOrder::{DayFirst, MonthFirst, Named, YearFirst};

    fn iso(cell: &str, order: DateOrder) -> Option<String> {
        moment(cell, order).map(Moment::to_iso)
    }

    #[test]
    fn common_forms_are_read() {
        for (cell, order, expected) in [
            ("2011-12-31", YearFirst, "2011-12-31"),
            ("2011/1/5", YearFirst, "2011-01-05"),
            ("2011-12-31T23:59:59Z", YearFirst, "2011-12-31 23:59:59"),
            ("2011-12-31 08:05", YearFirst, "2011-12-31 08:05:00"),
            ("2011-12-31T23:59:59.123+02:00", YearFirst, "2011-12-31 23:59:59"),
            ("31.12.2011", DayFirst, "2011-12-31"),
            ("1.2.11", DayFirst, "2011-02-01"),
            ("31/12/1999 14:30", DayFirst, "1999-12-31 14:30:00"),
            ("12/31/2011", MonthFirst, "2011-12-31"),
            ("12/31/2011 2:30 PM", MonthFirst, "2011-12-31 14:30:00"),
            ("12/31/2011 12:05 am", MonthFirst, "2011-12-31 00:05:00"),
            ("31 Dec 2011", Named, "2011-12-31"),
            ("31-Dec-11", Named, "2011-12-31"),
            ("Dec 31, 2011", Named, "2011-12-31"),
            ("December 1st, 2011", Named, "2011-12-01"),
            ("3 Sept 2011 07:00", Named, "2011-09-03 07:00:00"),
        ] {
            assert_eq!(iso(cell, order).as_deref(), Some(expected), "{cell}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_read_as_one() {
        for cell in [
            "2011-13-01",
            "31.02.2011",
            "2011-12",
            "12:30",
            "1.2.3.4",
            "192.168.1.1",
            "2011-12-31 25:00",
            "hello!",
            "12/31/201",
            "0001-01-01",
            "1-2-3",
            "2011-1-5x",
            "Mon 31 2011",
            "99999999",
            "--1--1--",
        ] {
            for order in [YearFirst, DayFirst, MonthFirst, Named] {
                assert_eq!(iso(cell, order), None, "{cell} {order:?}");
            }
        }
    }

    #[test]
    fn months() {
        assert_eq!(month("2011-12").as_deref(), Some("2011-12"));
        assert_eq!(month("Dec 2011").as_deref(), Some("2011-12"));
        assert_eq!(month("2011/01").as_deref(), Some("2011-01"));
        assert_eq!(month("2011-13"), None);
        assert_eq!(month("12-2011"), None);
        assert_eq!(month("hello 2011"), None);
    }
}
