//! Which rows an order made some time ago may have at a wrong place.

use std::collections::VecDeque;

/// How many moves are remembered: an order is made anew some times a second, and more than this much is
/// made sooner than mended.
const KEPT: usize = 4096;

/// The moves of rows, counted; the last ones by name.
#[derive(Debug, Default)]
pub(super) struct Moved {
    version: u64,
    last: VecDeque<u32>,
}

impl Moved {
    /// How many there were.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// A row may have another place now.
    pub(super) fn one(&mut self, at: u32) {
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(at);
        self.version += 1;
    }

    /// Another version, at which every row may have another place.
    pub(super) fn others(&self) -> Self {
        Self { version: self.version + 1, last: VecDeque::new() }
    }

    /// The rows that moved since a version; nothing if that is not known.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = u32>> {
        let count = usize::try_from(self.version.checked_sub(version)?).ok()?;
        let first = self.last.len().checked_sub(count)?;
        Some(self.last.iter().skip(first).copied())
    }
}
