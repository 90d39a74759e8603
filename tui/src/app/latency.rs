//! How long steps took lately, from the records that begin and end them.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use longhaul_client::fleet::Happening;
use longhaul_core::{Millis, TaskId, Timestamp};

/// How long one slice of time is.
const SLICE: i64 = 10_000;
/// How many slices are kept: ten minutes.
const SLICES: usize = 60;
/// For how long slices are kept.
pub(crate) const KEPT: Millis = Millis(SLICE.unsigned_abs() * SLICES as u64);
/// How many slices together tell how it is: a minute.
const LATELY: usize = 6;
/// How many steps are remembered whose end was not seen, or up to twice as many. Those begun longest
/// ago go first.
const OPEN: usize = 50_000;
/// Each doubling of a time is divided into so many parts.
const PARTS: u32 = 8;
/// The longest time that is told apart: some twelve days.
const LONGEST: usize = 30 * PARTS as usize;
/// From how many on a hundredth of them is more than one.
const HUNDRED: u64 = 100;

/// How long steps took in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Took {
    /// How many there were.
    pub(crate) steps: u64,
    /// Half took less.
    pub(crate) p50: Millis,
    /// All but one of a hundred took less; of fewer than a hundred: the longest.
    pub(crate) p99: Millis,
}

impl Took {
    /// What the second figure is: of few steps none is the hundredth part.
    pub(crate) fn tail(&self) -> &'static str {
        if self.is_of_few() { "max" } else { "p99" }
    }

    /// There were so few that their number must be told.
    pub(crate) fn is_of_few(&self) -> bool {
        self.steps < HUNDRED
    }
}

/// Steps that ended in a slice of time, counted by how long they took.
#[derive(Debug, Clone, Default)]
struct Slice {
    counts: HashMap<u16, u32>,
    took: Option<Took>,
}

/// How long steps took lately.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    /// When steps began whose end was not seen: of which task, and which by its name.
    open: HashMap<(TaskId, u64), Timestamp>,
    /// The same, in the order in which they began.
    begun: VecDeque<(TaskId, u64)>,
    /// The last is not over yet.
    slices: VecDeque<Slice>,
    /// The number of the last.
    last: i64,
    lately: Option<Took>,
}

impl Latency {
    /// Moves on to a time.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        let slice = now.0.div_euclid(SLICE);
        let over = usize::try_from(slice.saturating_sub(self.last)).unwrap_or(0).min(SLICES);
        self.slices.extend(std::iter::repeat_n(Slice::default(), over));
        self.slices.drain(..self.slices.len().saturating_sub(SLICES));
        self.last = self.last.max(slice);
        if over > 0 {
            self.lately = self.all();
        }
    }

    /// Takes what has happened, oldest first. What ended long ago, and is only read now, does not count.
    pub(crate) fn hear(&mut self, events: &[Happening], now: Timestamp) {
        let mut touched = Vec::new();
        for event in events {
            let key = || (event.task.task, named(&event.text));
            match event.name {
                "step_started" => self.begin(key(), event.at),
                "step_completed" => {
                    let Some(begun) = self.open.remove(&key()) else { continue };
                    let Some(place) = self.slice_of(event.at, now) else { continue };
                    *self.slices[place].counts.entry(bucket(event.at.since(begun))).or_default() += 1;
                    touched.push(place);
                }
                _ => {}
            }
        }
        touched.sort_unstable();
        touched.dedup();
        for place in &touched {
            let slice = &mut self.slices[*place];
            slice.took = took(std::iter::once(&*slice));
        }
        if !touched.is_empty() {
            self.lately = self.all();
        }
    }

    fn begin(&mut self, key: (TaskId, u64), at: Timestamp) {
        // A step that is begun again by another run counts from there.
        if self.open.insert(key, at).is_none() {
            self.begun.push_back(key);
        }
        if self.begun.len() > 2 * OPEN {
            self.begun.retain(|key| self.open.contains_key(key));
            let over = self.begun.len().saturating_sub(OPEN);
            for key in self.begun.drain(..over) {
                self.open.remove(&key);
            }
        }
    }

    /// The slice in which something happened, if it is kept.
    fn slice_of(&mut self, at: Timestamp, now: Timestamp) -> Option<usize> {
        self.advance(now);
        // Another host's clock may be a little ahead.
        let ago = self.last.saturating_sub(at.0.div_euclid(SLICE)).max(0);
        self.slices.len().checked_sub(1)?.checked_sub(usize::try_from(ago).ok()?)
    }

    /// How long steps took in the last minute, or as long as there were few; nothing if none ended in
    /// all the time that is kept.
    pub(crate) fn lately(&self) -> Option<Took> {
        self.lately
    }

    fn all(&self) -> Option<Took> {
        let minute = took(self.slices.iter().skip(self.slices.len().saturating_sub(LATELY)));
        minute.filter(|took| took.steps >= HUNDRED).or_else(|| took(self.slices.iter()))
    }

    /// How long they took in each slice, oldest first; nothing where none ended.
    pub(crate) fn slices(&self) -> impl Iterator<Item = Option<Took>> {
        self.slices.iter().map(|slice| slice.took)
    }
}

fn took<'a>(slices: impl Iterator<Item = &'a Slice>) -> Option<Took> {
    let mut counts = [0_u64; LONGEST];
    for (bucket, n) in slices.flat_map(|slice| &slice.counts) {
        counts[usize::from(*bucket).min(LONGEST - 1)] += u64::from(*n);
    }
    let steps: u64 = counts.iter().sum();
    if steps == 0 {
        return None;
    }
    // The time that so many of them did not exceed.
    let within = |n: u64| {
        let mut seen = 0;
        let found = counts.iter().position(|count| {
            seen += count;
            seen >= n
        });
        middle(found.unwrap_or(LONGEST - 1))
    };
    Some(Took { steps, p50: within(steps.div_ceil(2)), p99: within((steps * 99).div_ceil(100)) })
}

/// Which times are counted together: each doubling in eight parts, so that none is told wrong by more
/// than a sixteenth.
fn bucket(time: Millis) -> u16 {
    let time = time.0;
    let parts = u64::from(PARTS);
    if time < parts {
        return u16::try_from(time).unwrap_or(0);
    }
    let doubling = time.ilog2() - PARTS.ilog2();
    let part = (time >> doubling) - parts;
    let bucket = u64::from(doubling + 1) * parts + part;
    u16::try_from(bucket).unwrap_or(u16::MAX).min(u16::try_from(LONGEST - 1).unwrap_or(u16::MAX))
}

/// The middle of the times that are counted together.
fn middle(bucket: usize) -> Millis {
    let parts = PARTS as usize;
    if bucket < parts {
        return Millis(bucket as u64);
    }
    let doubling = bucket / parts - 1;
    let least = ((bucket % parts + parts) as u64) << doubling;
    Millis(least + (1 << doubling) / 2)
}

fn named(step: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    step.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use longhaul_core::Sequence;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{NOW, address};

    fn event(n: u32, name: &'static str, at: Timestamp) -> Happening {
        Happening { sequence: Sequence(1), at, task: address(n), name, text: "planning".to_owned() }
    }

    /// A step of the `n`th task that ended at a time and took so long.
    fn step(latency: &mut Latency, n: u32, ended: Timestamp, took: u64) {
        let begun = Timestamp(ended.0 - i64::try_from(took).unwrap());
        latency.hear(&[event(n, "step_started", begun)], ended);
        latency.hear(&[event(n, "step_completed", ended)], ended);
    }

    proptest! {
        #[test]
        fn a_time_is_told_within_a_sixteenth(time in 0_u64..1_000_000_000) {
            let told = middle(usize::from(bucket(Millis(time)))).0;
            prop_assert!(told.abs_diff(time) * 16 <= time, "{time} {told}");
        }

        #[test]
        fn longer_times_are_never_told_shorter(times in prop::collection::vec(0_u64..1_000_000, 2..50)) {
            let mut times = times;
            times.sort_unstable();
            let buckets: Vec<_> = times.iter().map(|time| bucket(Millis(*time))).collect();
            prop_assert!(buckets.is_sorted());
        }
    }

    #[test]
    fn half_and_nearly_all_took_less() {
        let mut latency = Latency::default();
        assert_eq!(latency.lately(), None);
        for n in 0..1000 {
            step(&mut latency, n, NOW, u64::from(n));
        }
        let took = latency.lately().unwrap();
        assert_eq!((took.steps, took.tail()), (1000, "p99"));
        assert!((470..530).contains(&took.p50.0) && (930..1060).contains(&took.p99.0), "{took:?}");
    }

    #[test]
    fn of_few_steps_the_longest_is_told_as_that() {
        let mut latency = Latency::default();
        for time in [100, 200, 4000] {
            step(&mut latency, 1, NOW, time);
        }
        let took = latency.lately().unwrap();
        assert_eq!((took.steps, took.tail()), (3, "max"));
        assert!(took.p99.0.abs_diff(4000) <= 250, "{took:?}");
    }

    #[test]
    fn what_ended_long_ago_is_forgotten_and_does_not_count() {
        let mut latency = Latency::default();
        step(&mut latency, 1, NOW, 100);
        latency.advance(NOW.plus(Millis::minutes(5)));
        assert_eq!(latency.slices().flatten().count(), 1);
        latency.advance(NOW.plus(Millis::minutes(11)));
        assert_eq!(latency.lately(), None);
        // It is only read now.
        latency.hear(
            &[event(1, "step_started", NOW), event(1, "step_completed", NOW)],
            NOW.plus(Millis::minutes(30)),
        );
        assert_eq!(latency.lately(), None);
    }

    #[test]
    fn what_never_ends_takes_no_more_room_than_there_is() {
        let mut latency = Latency::default();
        for n in 0..3 * u32::try_from(OPEN).unwrap() {
            latency.hear(&[event(n, "step_started", NOW)], NOW);
        }
        assert!(latency.open.len() <= 2 * OPEN && latency.begun.len() <= 2 * OPEN);
        step(&mut latency, 7, NOW, 50);
        assert_eq!(latency.lately().unwrap().steps, 1);
    }
}
