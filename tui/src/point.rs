//! Moments of the log as people write them.

use longhaul_client::fleet::Point;
use longhaul_core::{Sequence, Timestamp};
use longhaul_wire::Shard;

use crate::filter::span;

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// Reads a moment: `2026-11-21T13:05:00Z`, a time of the day before now in UTC (`12:29`, `12:29:07`), a
/// span back from now (`10m`), a sequence (`1163131`), or one of a certain shard (`2/1163131`).
///
/// # Errors
/// A line that says how to write it.
pub fn point(text: &str, now: Timestamp) -> Result<Point, String> {
    let text = text.trim();
    let place = |text: &str| text.parse().ok().map(Sequence);
    let found = match text.split_once('/') {
        Some((shard, sequence)) => shard
            .parse()
            .ok()
            .zip(place(sequence))
            .map(|(shard, sequence)| Point::Place { shard: Some(Shard(shard)), sequence }),
        None => place(text)
            .map(|sequence| Point::Place { shard: None, sequence })
            .or_else(|| text.parse().ok().or_else(|| of_day(text, now)).map(Point::At))
            .or_else(|| {
                let back = i64::try_from(span(text)?.0).ok()?;
                Some(Point::At(Timestamp(now.0.saturating_sub(back))))
            }),
    };
    found.ok_or_else(|| {
        let text = longhaul_core::text::line(text, 60);
        format!(
            "{text:?} is no moment; write 2026-11-21T13:05:00Z, 12:29, 10m (ago), 1163131 or SHARD/SEQUENCE"
        )
    })
}

/// The last time before now that it was this late, UTC.
fn of_day(text: &str, now: Timestamp) -> Option<Timestamp> {
    let mut parts = text.split(':').map(|part| part.parse::<i64>().ok().filter(|_| part.len() == 2));
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = match parts.next() {
        Some(seconds) => seconds?,
        None => 0,
    };
    let fits = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
    if !fits || parts.next().is_some() {
        return None;
    }
    let today = now.0 - now.0.rem_euclid(DAY) + ((hours * 60 + minutes) * 60 + seconds) * 1000;
    Some(Timestamp(if today > now.0 { today - DAY } else { today }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    #[test]
    fn moments_are_written_in_many_ways() {
        let at = |text: &str| match point(text, NOW) {
            Ok(Point::At(at)) => at.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(at("2026-11-21T13:05:00Z"), "2026-11-21T13:05:00.000Z");
        assert_eq!(at("12:29"), "2026-11-21T12:29:00.000Z");
        assert_eq!(at("23:59:58"), "2026-11-20T23:59:58.000Z");
        assert_eq!(at("10m"), "2026-11-21T14:22:07.000Z");
        let place = |shard, sequence| Ok(Point::Place { shard, sequence: Sequence(sequence) });
        assert_eq!(point("42", NOW), place(None, 42));
        assert_eq!(point(" 3/42 ", NOW), place(Some(Shard(3)), 42));
        for text in ["", "soon", "25:00", "1:2", "-5m", "1/", "x/3", "12:29:07:01"] {
            assert!(point(text, NOW).is_err(), "{text}");
        }
    }
}
