//! Times as people write them.

use std::str::FromStr;

use longhaul_core::{Millis, Sequence, Timestamp};
use longhaul_journal::clock;

/// A moment, or a place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// A moment.
    At(Timestamp),
    /// A sequence.
    Sequence(Sequence),
}

/// A moment to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// That moment.
    At(Timestamp),
    /// So long from now.
    In(Millis),
}

impl When {
    /// The moment, if it is `now`: by the log's clock, which may not be this machine's.
    pub(crate) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::In(span) => now.plus(span),
        }
    }
}

/// A span: `10m`, `1h 30m`, `250ms`.
pub(crate) fn span(text: &str) -> Result<Millis, String> {
    let bad = || format!("{text:?} is not a span of time; write it like 90s, 10m or 1h 30m");
    let parsed = jiff::SignedDuration::from_str(text).map_err(|_| bad())?;
    u64::try_from(parsed.as_millis()).map(Millis).map_err(|_| bad())
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    let parsed = text.parse().ok();
    parsed.or_else(|| jiff::Timestamp::from_str(text).ok().map(|at| Timestamp(at.as_millisecond()))).or_else(
        || {
            // A date or a time without a zone is the reader's own.
            let civil = jiff::civil::DateTime::from_str(text).ok()?;
            let zoned = civil.to_zoned(jiff::tz::TimeZone::system()).ok()?;
            Some(Timestamp(zoned.timestamp().as_millisecond()))
        },
    )
}

/// A moment to come: RFC 3339, or a span from now.
pub(crate) fn moment(text: &str) -> Result<When, String> {
    if let Some(at) = rfc3339(text) {
        return Ok(When::At(at));
    }
    span(text).map(When::In).map_err(|_| bad_moment(text))
}

/// A moment gone by: RFC 3339, or a span back from now.
pub(crate) fn past(text: &str) -> Result<Timestamp, String> {
    if let Some(at) = rfc3339(text) {
        return Ok(at);
    }
    let ago = span(text).map_err(|_| bad_moment(text))?;
    Ok(Timestamp(clock::now().0.saturating_sub(i64::try_from(ago.0).unwrap_or(i64::MAX))))
}

/// A moment gone by, or a sequence number.
pub(crate) fn point(text: &str) -> Result<Point, String> {
    if let Ok(sequence) = text.parse::<u64>() {
        return Ok(Point::Sequence(Sequence(sequence)));
    }
    past(text).map(Point::At)
}

fn bad_moment(text: &str) -> String {
    format!("{text:?} is not a time; write it like 2026-11-21T13:05:00Z, or as a span like 10m")
}

/// A moment in the reader's own time zone, to the second.
pub(crate) fn local(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_times_in_many_ways() {
        assert_eq!(span("1h 30m").unwrap(), Millis::minutes(90));
        assert_eq!(span("250ms").unwrap(), Millis(250));
        assert!(span("soon").is_err() && span("-5m").is_err() && span("").is_err());
        assert_eq!(point("42").unwrap(), Point::Sequence(Sequence(42)));
        assert_eq!(past("2026-11-21T13:05:00Z").unwrap().to_string(), "2026-11-21T13:05:00.000Z");
        assert!(past("2026-11-21").is_ok());
        assert!(past("yesterdayish").is_err());
        let now = Timestamp(1_700_000_000_000);
        assert_eq!(moment("10m").unwrap().from(now), now.plus(Millis::minutes(10)));
        assert_eq!(moment("2026-11-21T13:05:00Z").unwrap().from(now).to_string(), "2026-11-21T13:05:00.000Z");
    }
}
