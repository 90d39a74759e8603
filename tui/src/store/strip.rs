//! The last heartbeats of an executor, to be seen at a glance.

use std::collections::VecDeque;

use longhaul_client::fleet::Pulse;
use longhaul_core::beat::BEAT;
use longhaul_core::{Beat, Timestamp};

/// How many beats are remembered.
pub(crate) const BEATS: usize = 16;

/// The last heartbeats of an executor, the newest last: how much of its room was taken, in eighths from
/// 0 to 7; nothing for one that did not come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Strip(VecDeque<Option<u8>>);

impl Strip {
    /// Takes a heartbeat, and those that are missing between it and the one before.
    pub(super) fn take(&mut self, before: Option<&Pulse>, pulse: &Pulse) {
        let missing = before.map_or(0, |before| missing(before.heard_at, pulse.heard_at));
        let silence = std::iter::repeat_n(None, missing);
        self.0.extend(silence.chain([Some(taken(&pulse.beat))]));
        self.0.drain(..self.0.len().saturating_sub(BEATS));
    }

    /// The strip as it is at a moment: what is silent by then is missing too.
    pub(crate) fn at(&self, last: Timestamp, now: Timestamp) -> impl Iterator<Item = Option<u8>> {
        let silence = missing(last, now);
        let all = self.0.len() + silence;
        self.0.iter().copied().chain(std::iter::repeat_n(None, silence)).skip(all.saturating_sub(BEATS))
    }
}

/// How many beats should have come between two that did; one that is late by less than half its time is
/// only late.
fn missing(last: Timestamp, next: Timestamp) -> usize {
    let beats = (next.since(last).0 + BEAT.0 / 2) / BEAT.0;
    usize::try_from(beats).unwrap_or(BEATS).saturating_sub(1).min(BEATS)
}

/// How much of an executor's room is taken, in eighths.
fn taken(beat: &Beat) -> u8 {
    let places = beat.kinds.iter().map(|room| room.places as usize).max().unwrap_or(0).max(1);
    u8::try_from((beat.runs.len() * 8).div_ceil(places).min(8)).unwrap_or(8).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, beats};
    use longhaul_client::fleet::Word;
    use longhaul_core::Millis;

    #[test]
    fn beats_that_did_not_come_are_gaps() {
        let later = |ms: i64| Timestamp(NOW.0 + ms);
        let Word::Beats(pulses) = beats(Millis(0)) else { unreachable!("they are beats") };
        let pulse = |after: i64| Pulse { heard_at: later(after), ..pulses[0].clone() };
        let mut strip = Strip::default();
        let mut last: Option<Pulse> = None;
        for after in [0, 1_010, 2_400, 6_000] {
            let next = pulse(after);
            strip.take(last.as_ref(), &next);
            last = Some(next);
        }
        let seen = |now: i64| -> String {
            let cells = strip.at(later(6_000), later(now));
            cells.map(|beat| if beat.is_some() { '|' } else { '.' }).collect()
        };
        assert_eq!(seen(6_900), "|||...|");
        assert_eq!(seen(9_000), "|||...|..");
        assert_eq!(seen(60_000), ".".repeat(BEATS), "what is silent for long shows nothing else");
    }
}
