//! How far what is shown is behind the log: in records, and in time.

use std::collections::{BTreeMap, VecDeque};

use longhaul_core::{Millis, Timestamp};
use longhaul_wire::Shard;
use longhaul_wire::query::{Condition, Positions};

/// How many ends of the log are kept. They are asked for once a second.
const ENDS: usize = 900;
/// This reader may be this many records behind before it is said.
const READER: u64 = 512;
/// The projector may be this many records behind before it is said.
const RECORDS: u64 = 1000;
/// The projector may be this far behind in time before it is said.
const TIME: Millis = Millis::seconds(2);

/// How far what is shown is behind the log.
#[derive(Debug, Default)]
pub(crate) struct Lag {
    /// How many records of each shard this reader had still to read, and when the last one that it
    /// read was stored.
    reader: BTreeMap<Shard, (u64, Timestamp)>,
    /// Where the log ended at times gone by, oldest first; only ends that were new.
    ends: VecDeque<(Timestamp, Positions)>,
    /// How the projector was when it last said so.
    projector: Option<Behind>,
    /// Since when no projector answers.
    pub(crate) silent_since: Option<Timestamp>,
}

/// How far the projector was behind when it said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Behind {
    said_at: Timestamp,
    records: u64,
    /// Since when there is something that it has not folded; nothing: it has folded all.
    since: Option<Timestamp>,
}

impl Lag {
    /// The reader has read on.
    pub(crate) fn read(&mut self, shard: Shard, behind: u64, stored_at: Timestamp) {
        self.reader.insert(shard, (behind, stored_at));
    }

    /// The log ends there.
    pub(crate) fn end(&mut self, at: Timestamp, heads: &Positions) {
        if self.ends.back().is_none_or(|(_, last)| last != heads) {
            self.ends.push_back((at, heads.clone()));
            self.ends.drain(..self.ends.len().saturating_sub(ENDS));
        }
    }

    /// The projector says how it is, or does not answer.
    pub(crate) fn projector(&mut self, condition: Option<&Condition>, now: Timestamp) {
        let Some(condition) = condition else {
            self.silent_since = self.silent_since.or(Some(now));
            return;
        };
        self.silent_since = None;
        let records = condition.lag.values().sum();
        let beyond = |heads: &Positions| heads.iter().any(|(shard, end)| end > condition.as_of.of(shard));
        let since = self.ends.iter().find(|(_, heads)| beyond(heads)).map(|(at, _)| *at);
        self.projector = Some(Behind { said_at: now, records, since: since.filter(|_| records > 0) });
    }

    /// The log is another one: what was known of this one is no longer true.
    pub(crate) fn forget(&mut self) {
        (self.reader, self.ends, self.projector) = Default::default();
    }

    /// How many records this reader has still to read.
    pub(crate) fn behind(&self) -> u64 {
        self.reader.values().map(|(behind, _)| behind).sum()
    }

    /// How many those are and how old what is shown is, if that must be said.
    pub(crate) fn catching_up(&self, now: Timestamp) -> Option<(u64, Millis)> {
        let oldest = self.reader.values().filter(|(behind, _)| *behind > 0).map(|(_, at)| *at).min()?;
        Some((self.behind(), now.since(oldest))).filter(|(behind, _)| *behind > READER)
    }

    /// How many records the projector is behind.
    pub(crate) fn records(&self) -> Option<u64> {
        self.projector.map(|known| known.records)
    }

    /// How far the projector is behind, in records and, where that is known, in time; if that must be
    /// said.
    pub(crate) fn lags(&self, now: Timestamp) -> Option<(u64, Option<Millis>)> {
        let known = self.projector?;
        let late = known.since.is_some_and(|since| known.said_at.since(since) > TIME);
        (late || known.records > RECORDS).then(|| (known.records, known.since.map(|since| now.since(since))))
    }
}

#[cfg(test)]
mod tests {
    use longhaul_core::Sequence;

    use super::*;

    const BEGIN: Timestamp = Timestamp(1_000_000);

    fn heads(sequence: u64) -> Positions {
        Positions::at(Shard(0), Sequence(sequence))
    }

    fn condition(as_of: u64, lag: u64) -> Condition {
        Condition {
            as_of: heads(as_of),
            version: String::new(),
            lag: BTreeMap::from([(0, lag)]),
            trouble: None,
            tasks: 0,
            unreadable: 0,
            put_aside: Vec::new(),
            records: Vec::new(),
        }
    }

    #[test]
    fn the_projector_is_as_late_as_the_first_record_it_has_not_folded() {
        let second = |n| BEGIN.plus(Millis::seconds(n));
        let mut lag = Lag::default();
        for n in 0..60 {
            lag.end(second(n), &heads(100 + n * 10));
        }
        lag.projector(Some(&condition(100 + 9 * 10, 500)), second(59));
        assert_eq!(lag.lags(second(59)), Some((500, Some(Millis::seconds(49)))));
        assert_eq!(lag.lags(second(61)), Some((500, Some(Millis::seconds(51)))), "it grows by itself");
        lag.projector(Some(&condition(690, 0)), second(62));
        assert_eq!(lag.lags(second(62)), None);
    }

    #[test]
    fn a_moment_or_a_few_records_are_no_lag() {
        let mut lag = Lag::default();
        lag.end(BEGIN, &heads(100));
        lag.projector(Some(&condition(90, 10)), BEGIN.plus(Millis(1500)));
        assert_eq!(lag.lags(BEGIN.plus(Millis::minutes(1))), None, "it only has not said more since");
        lag.projector(Some(&condition(90, 1001)), BEGIN.plus(Millis(1500)));
        assert!(lag.lags(BEGIN).is_some());
        assert_eq!(lag.records(), Some(1001));
    }

    #[test]
    fn a_log_that_rests_does_not_grow_old() {
        let mut lag = Lag::default();
        lag.end(BEGIN, &heads(100));
        lag.projector(Some(&condition(100, 0)), BEGIN.plus(Millis::minutes(5)));
        assert_eq!(lag.lags(BEGIN.plus(Millis::minutes(9))), None);
    }

    #[test]
    fn this_reader_is_behind_by_all_its_shards() {
        let mut lag = Lag::default();
        lag.read(Shard(0), 400, BEGIN);
        assert_eq!(lag.catching_up(BEGIN), None);
        lag.read(Shard(1), 200, BEGIN.plus(Millis::seconds(7)));
        assert_eq!(lag.catching_up(BEGIN.plus(Millis::seconds(9))), Some((600, Millis::seconds(9))));
        lag.read(Shard(0), 0, BEGIN.plus(Millis::seconds(9)));
        assert_eq!(lag.catching_up(BEGIN.plus(Millis::seconds(9))), None);
    }
}
