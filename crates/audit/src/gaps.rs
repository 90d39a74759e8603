//! Which sequences are missing, and which of them erasures took.
//!
//! The log keeps everything for ever, so its sequences follow each other without a gap. Only an erasure
//! takes records away: those of one task, before the record that says so. That record tells how many
//! events there were, and a commit has one at least: so many records may be missing before it, and no
//! more. Which ones they were is not told; the later ones are taken for them.

use longhaul_core::Sequence;

/// The sequences of one shard that were not there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gaps {
    /// First and last of each stretch that nothing explains so far, in order.
    missing: Vec<(u64, u64)>,
}

impl Gaps {
    /// A record lies at `next`, the one before it at `last`.
    pub(crate) fn between(&mut self, last: Sequence, next: Sequence) {
        if next.0 > last.0 + 1 {
            self.missing.push((last.0 + 1, next.0 - 1));
        }
    }

    /// A record lies where one was missing: it came late. Whether it was missing.
    pub(crate) fn fill(&mut self, at: Sequence) -> bool {
        let Some(n) = self.missing.iter().position(|(first, last)| (*first..=*last).contains(&at.0)) else {
            return false;
        };
        let (first, last) = self.missing.remove(n);
        let rest = [(first, at.0 - 1), (at.0 + 1, last)];
        self.missing.splice(n..n, rest.into_iter().filter(|(first, last)| first <= last));
        true
    }

    /// An erasure took up to `records` of those before this place.
    pub(crate) fn erased(&mut self, mut records: u64) {
        while let Some((first, last)) = self.missing.pop() {
            let length = last - first + 1;
            if length > records {
                self.missing.push((first, last - records));
                return;
            }
            records -= length;
        }
    }

    /// What is missing up to a place, where the last record lies at `last`.
    pub(crate) fn up_to(&self, until: Sequence, last: Sequence) -> Vec<(Sequence, Sequence)> {
        let end = (last.0 < until.0).then_some((last.0 + 1, until.0));
        let all = self.missing.iter().copied().chain(end);
        let within = all.filter(|(first, _)| *first <= until.0);
        within.map(|(first, last)| (Sequence(first), Sequence(last.min(until.0)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_late_is_not_missing_and_what_was_erased_is_explained() {
        let mut gaps = Gaps::default();
        let (none, until) = (Sequence::ZERO, Sequence(20));
        gaps.between(none, Sequence(4));
        gaps.between(Sequence(4), Sequence(5));
        gaps.between(Sequence(5), Sequence(10));
        let missing = |gaps: &Gaps| -> Vec<(u64, u64)> {
            gaps.up_to(until, until).into_iter().map(|(first, last)| (first.0, last.0)).collect()
        };
        assert_eq!(missing(&gaps), [(1, 3), (6, 9)]);
        assert!(gaps.fill(Sequence(7)) && !gaps.fill(Sequence(7)) && !gaps.fill(Sequence(5)));
        assert_eq!(missing(&gaps), [(1, 3), (6, 6), (8, 9)]);
        gaps.erased(1);
        assert_eq!(missing(&gaps), [(1, 3), (6, 6), (8, 8)]);
        gaps.erased(3);
        assert_eq!(missing(&gaps), [(1, 2)]);
        assert_eq!(gaps.up_to(Sequence(1), Sequence(9)), [(Sequence(1), Sequence(1))]);
        gaps.erased(9);
        assert_eq!(gaps.up_to(Sequence(12), Sequence(9)), [(Sequence(10), Sequence(12))]);
    }
}
