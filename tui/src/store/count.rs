//! How many tasks stand how.

use super::{Flags, Row, Standing};

/// How many tasks stand how; hidden ones do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts([u32; Standing::ALL.len()]);

impl Counts {
    pub(crate) fn of(&self, standing: Standing) -> u32 {
        self.0[standing as usize]
    }

    pub(crate) fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    pub(super) fn add(&mut self, row: &Row) {
        if !row.flags.has(Flags::HIDDEN) {
            self.0[row.standing() as usize] += 1;
        }
    }

    pub(super) fn remove(&mut self, row: &Row) {
        if !row.flags.has(Flags::HIDDEN) {
            self.0[row.standing() as usize] -= 1;
        }
    }

    /// Counted from scratch: what the running count must equal.
    #[cfg(test)]
    pub(crate) fn recount<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut counts = Self::default();
        rows.for_each(|row| counts.add(row));
        counts
    }
}
