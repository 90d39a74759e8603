//! The last events of the whole log, and which of them are listed.

use std::collections::VecDeque;

use longhaul_client::fleet::Happening;

use super::opened::matters;

/// How many events are kept.
const KEPT: usize = 10_000;

/// Which events are listed: words that all must be in them, or with `!` before them must not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sift {
    text: String,
    words: Vec<(bool, String)>,
    /// Also those that are but the noise of a run.
    pub(crate) all_levels: bool,
}

impl Sift {
    /// Lists what these words fit.
    pub(crate) fn set(&mut self, text: &str) {
        let word = |word: &str| match word.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (false, rest.to_lowercase()),
            _ => (true, word.to_lowercase()),
        };
        self.words = text.split_whitespace().map(word).collect();
        text.clone_into(&mut self.text);
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn passes(&self, event: &Happening) -> bool {
        if !(self.all_levels || matters(event)) {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let told =
            format!("{} {} {} {}", event.name, event.text, event.task.org, event.task.task).to_lowercase();
        self.words.iter().all(|(has, word)| told.contains(word.as_str()) == *has)
    }
}

/// The last events of the whole log.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    events: VecDeque<Happening>,
    /// How many were kept no longer.
    dropped: u64,
    sift: Sift,
    /// The listed ones: the how manieth each is of all there ever were.
    listed: VecDeque<u64>,
    /// How many were ever listed.
    grown: u64,
}

impl Tail {
    /// Adds what has happened, oldest first.
    pub(crate) fn add(&mut self, events: impl IntoIterator<Item = Happening>) {
        for event in events {
            if self.sift.passes(&event) {
                self.listed.push_back(self.dropped + self.events.len() as u64);
                self.grown += 1;
            }
            self.events.push_back(event);
        }
        let over = self.events.len().saturating_sub(KEPT);
        self.events.drain(..over);
        self.dropped += over as u64;
        let gone = self.listed.partition_point(|at| *at < self.dropped);
        self.listed.drain(..gone);
    }

    /// Forgets what has happened.
    pub(crate) fn clear(&mut self) {
        self.replace(VecDeque::new());
    }

    /// These are the last events instead.
    pub(crate) fn replace(&mut self, events: VecDeque<Happening>) {
        *self = Self { sift: std::mem::take(&mut self.sift), ..Self::default() };
        self.add(events);
    }

    /// Lists those that pass from now on; whether those are others than before.
    pub(crate) fn sift(&mut self, sift: &Sift) -> bool {
        let changes = self.sift != *sift;
        if changes {
            self.sift = sift.clone();
            let places = (self.dropped..).zip(&self.events);
            self.listed = places.filter(|(_, event)| sift.passes(event)).map(|(at, _)| at).collect();
        }
        changes
    }

    /// How many are listed.
    pub(crate) fn len(&self) -> usize {
        self.listed.len()
    }

    /// How many are kept, listed or not.
    pub(crate) fn kept(&self) -> usize {
        self.events.len()
    }

    /// How many were kept no longer.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many were ever listed.
    pub(crate) fn grown(&self) -> u64 {
        self.grown
    }

    /// The listed ones, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Happening> {
        let place = |at: &u64| usize::try_from(at - self.dropped).ok();
        self.listed.iter().rev().filter_map(move |at| self.events.get(place(at)?))
    }
}

#[cfg(test)]
mod tests {
    use longhaul_core::Sequence;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{NOW, address};

    fn event(n: u64) -> Happening {
        let name = ["step_completed", "progressed", "failed"][n as usize % 3];
        let text = format!("number {n}");
        Happening { sequence: Sequence(n), at: NOW, task: address(n as u32 % 7), name, text }
    }

    proptest! {
        #[test]
        fn what_is_listed_bit_by_bit_is_what_passes_of_all_that_is_kept(
            pieces in prop::collection::vec((0_u64..4000, prop::sample::select(vec!["", "failed", "!failed", "3", "step 1"]), any::<bool>()), 1..8),
        ) {
            let (mut tail, mut next) = (Tail::default(), 0);
            for (n, words, all_levels) in pieces {
                let mut sift = Sift { all_levels, ..Sift::default() };
                sift.set(words);
                tail.sift(&sift);
                tail.add((next..next + n).map(event));
                next += n;
                let kept: Vec<u64> = (0..next).rev().take(KEPT).collect();
                let passing: Vec<u64> = kept.iter().copied().filter(|n| sift.passes(&event(*n))).collect();
                let listed: Vec<u64> = tail.newest().map(|event| event.sequence.0).collect();
                prop_assert_eq!(tail.len(), passing.len());
                prop_assert_eq!(listed, passing);
                prop_assert_eq!((tail.kept(), tail.dropped()), (kept.len(), next - kept.len() as u64));
            }
        }
    }
}
