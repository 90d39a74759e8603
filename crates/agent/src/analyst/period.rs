//! Time in pieces: days, weeks, months, quarters, years, and stretches of them.

use jiff::SignedDuration;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::format::{long_date, month_name};

/// How finely time is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// Days.
    Day,
    /// Weeks from Monday to Sunday.
    Week,
    /// Calendar months.
    Month,
    /// Calendar quarters.
    Quarter,
    /// Calendar years.
    Year,
}

impl Grain {
    /// `quarter`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// `quarterly`.
    pub(crate) fn adjective(self) -> &'static str {
        match self {
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
            Self::Quarter => "quarterly",
            Self::Year => "annual",
        }
    }

    /// How many periods later the same season comes again; none where there are no seasons.
    pub(crate) fn season(self) -> Option<i32> {
        match self {
            Self::Month => Some(12),
            Self::Quarter => Some(4),
            Self::Day | Self::Week | Self::Year => None,
        }
    }
}

/// One day, week, month, quarter or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// How long it is.
    pub grain: Grain,
    /// Which one: counted from the year 0, or from 1970 for days and weeks.
    pub index: i32,
}

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Days since 1970.
pub(crate) fn day_number(date: Date) -> i32 {
    let hours = date.duration_since(EPOCH).as_hours();
    i32::try_from(hours.div_euclid(24)).unwrap_or(0)
}

/// The date so many days after another.
pub(crate) fn plus_days(date: Date, days: i32) -> Date {
    date.saturating_add(SignedDuration::from_hours(i64::from(days) * 24))
}

impl Period {
    /// The period that a date lies in.
    pub(crate) fn of(grain: Grain, date: Date) -> Self {
        let (year, month) = (i32::from(date.year()), i32::from(date.month()));
        let index = match grain {
            Grain::Day => day_number(date),
            // 1 January 1970 was a Thursday.
            Grain::Week => (day_number(date) + 3).div_euclid(7),
            Grain::Month => year * 12 + month - 1,
            Grain::Quarter => year * 4 + (month - 1) / 3,
            Grain::Year => year,
        };
        Self { grain, index }
    }

    /// Reads what the queries give: `2011`, `2011-Q4`, `2011-12`, `2011-12-31`.
    pub(crate) fn from_key(grain: Grain, key: &str) -> Option<Self> {
        let date = match grain {
            Grain::Day | Grain::Week => key.parse().ok()?,
            Grain::Month => format!("{key}-01").parse().ok()?,
            Grain::Year => format!("{key}-01-01").parse().ok()?,
            Grain::Quarter => {
                let (year, quarter) = key.split_once("-Q")?;
                let month = quarter.parse::<i8>().ok()?.checked_mul(3)? - 2;
                Date::new(year.parse().ok()?, month, 1).ok()?
            }
        };
        Some(Self::of(grain, date))
    }

    /// Its first day.
    pub(crate) fn start(self) -> Date {
        let first = |year: i32, month: i32| {
            let year = i16::try_from(year).unwrap_or(i16::MAX);
            let month = i8::try_from(month).unwrap_or(1);
            Date::new(year, month, 1).unwrap_or(Date::MAX)
        };
        match self.grain {
            Grain::Day => plus_days(EPOCH, self.index),
            Grain::Week => plus_days(EPOCH, self.index * 7 - 3),
            Grain::Month => first(self.index.div_euclid(12), self.index.rem_euclid(12) + 1),
            Grain::Quarter => first(self.index.div_euclid(4), self.index.rem_euclid(4) * 3 + 1),
            Grain::Year => first(self.index, 1),
        }
    }

    /// The first day after it.
    pub(crate) fn end(self) -> Date {
        self.plus(1).start()
    }

    /// The period so many places later.
    pub(crate) fn plus(self, count: i32) -> Self {
        Self { grain: self.grain, index: self.index.saturating_add(count) }
    }

    /// `Q4 2011`, `December 2011`, `2011`.
    pub(crate) fn label(self) -> String {
        let start = self.start();
        match self.grain {
            Grain::Day => long_date(start),
            Grain::Week => format!("the week of {}", long_date(start)),
            Grain::Month => format!("{} {}", month_name(start.month()), start.year()),
            Grain::Quarter => format!("Q{} {}", (start.month() - 1) / 3 + 1, start.year()),
            Grain::Year => start.year().to_string(),
        }
    }

    /// As short as a chart's axis and a table's cell want it.
    pub(crate) fn short(self) -> String {
        let start = self.start();
        let month = month_name(start.month()).get(..3).unwrap_or_default();
        match self.grain {
            Grain::Day | Grain::Week => format!("{} {month} {}", start.day(), start.year()),
            Grain::Month => format!("{month} {}", start.year()),
            Grain::Quarter | Grain::Year => self.label(),
        }
    }

    /// The stretch of time that is this period.
    pub(crate) fn window(self) -> Window {
        Window { from: self.start(), to: self.end(), label: self.label() }
    }
}

/// A stretch of time that a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its first day.
    pub from: Date,
    /// The first day after it.
    pub to: Date,
    /// What it is called: `Q3 2010`, `the last 6 months`.
    pub label: String,
}

impl Window {
    /// The window as one period, where it is one.
    pub(crate) fn period(&self) -> Option<Period> {
        [Grain::Month, Grain::Quarter, Grain::Year]
            .into_iter()
            .map(|grain| Period::of(grain, self.from))
            .find(|period| period.start() == self.from && period.end() == self.to)
    }

    /// `1 January 2010 to 31 March 2010`.
    pub(crate) fn in_full(&self) -> String {
        let last = plus_days(self.to, -1);
        format!("{} to {}", long_date(self.from), long_date(last))
    }
}

/// The same day so many months later; the month's last day where it has none such.
pub(crate) fn plus_months(date: Date, months: i32) -> Date {
    date.saturating_add(jiff::Span::new().months(months))
}

/// The first and last day of the data, and how far apart its days are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    /// The first day with data.
    pub first: Date,
    /// The last day with data.
    pub last: Date,
    /// Days from one day with data to the next, on average.
    pub gap_days: f64,
}

impl Extent {
    /// How many days it spans, both ends included.
    pub(crate) fn days(&self) -> i32 {
        day_number(self.last) - day_number(self.first) + 1
    }

    /// Whether the data reaches the end of a period, as far as its own rhythm lets one tell.
    pub(crate) fn completes(&self, period: Period) -> bool {
        let missing = day_number(period.end()) - 1 - day_number(self.last);
        missing <= self.slack(period)
    }

    /// Whether the data reaches back to the beginning of a period.
    pub(crate) fn begins(&self, period: Period) -> bool {
        let missing = day_number(self.first) - day_number(period.start());
        missing <= self.slack(period)
    }

    /// Days without data that are nothing unusual: three times the usual distance, but never
    /// more than a quarter of the period.
    fn slack(&self, period: Period) -> i32 {
        let length = day_number(period.end()) - day_number(period.start());
        #[expect(clippy::cast_possible_truncation, reason = "a few days")]
        let usual = (self.gap_days * 3.0).ceil().clamp(0.0, 400.0) as i32;
        usual.clamp(1, (length / 4).max(1))
    }

    /// The last period that the data covers whole; the last of all where none is.
    pub(crate) fn last_complete(&self, grain: Grain) -> Period {
        let last = Period::of(grain, self.last);
        let first = Period::of(grain, self.first);
        if self.completes(last) || last == first { last } else { last.plus(-1) }
    }

    /// The grain that gives a line of readable length.
    pub(crate) fn grain(&self) -> Grain {
        match self.days() {
            ..=45 => Grain::Day,
            46..=200 => Grain::Week,
            201..=1100 => Grain::Month,
            1101..=4000 => Grain::Quarter,
            _ => Grain::Year,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date};

    use super::*;

    #[test]
    fn periods_hold_their_dates() {
        for grain in [Grain::Day, Grain::Week, Grain::Month, Grain::Quarter, Grain::Year] {
            for day in [date(2011, 12, 31), date(2012, 1, 1), date(2012, 2, 29), date(1969, 12, 30)] {
                let period = Period::of(grain, day);
                assert!(period.start() <= day && day < period.end(), "{grain:?} {day}");
                assert_eq!(Period::of(grain, period.start()), period);
                assert_eq!(period.plus(1).start(), period.end());
            }
        }
        let week = Period::of(Grain::Week, date(2024, 5, 5));
        assert_eq!(week.start().weekday(), Weekday::Monday);
    }

    #[test]
    fn keys_and_labels() {
        let read = |grain, key| Period::from_key(grain, key).map(Period::label);
        assert_eq!(read(Grain::Quarter, "2011-Q4").as_deref(), Some("Q4 2011"));
        assert_eq!(read(Grain::Month, "2011-12").as_deref(), Some("December 2011"));
        assert_eq!(read(Grain::Year, "2011").as_deref(), Some("2011"));
        assert_eq!(read(Grain::Day, "2011-12-31").as_deref(), Some("31 December 2011"));
        assert_eq!(read(Grain::Quarter, "2011-Q9"), None);
        assert_eq!(read(Grain::Year, ""), None);
    }

    #[test]
    fn windows_know_whether_they_are_a_period() {
        let quarter = Period::of(Grain::Quarter, date(2011, 2, 1));
        assert_eq!(quarter.window().period(), Some(quarter));
        assert_eq!(quarter.window().in_full(), "1 January 2011 to 31 March 2011");
        let half = Window { to: date(2011, 7, 1), ..quarter.window() };
        assert_eq!(half.period(), None);
    }

    #[test]
    fn completeness_follows_the_rhythm_of_the_data() {
        let sparse = Extent { first: date(2007, 1, 1), last: date(2011, 12, 22), gap_days: 5.1 };
        assert!(sparse.completes(Period::of(Grain::Quarter, sparse.last)));
        assert!(!sparse.completes(Period::of(Grain::Month, sparse.last)));
        let dense = Extent { gap_days: 1.0, ..sparse };
        assert!(!dense.completes(Period::of(Grain::Quarter, dense.last)));
        assert_eq!(dense.last_complete(Grain::Quarter).label(), "Q3 2011");
        assert!(dense.begins(Period::of(Grain::Year, dense.first)));
    }
}
