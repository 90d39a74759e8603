//! Where one is in a list: on a key, not at a place.

use crate::store::Key;

/// Where one is in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct List {
    /// The row one is on. It stays on it wherever it moves.
    pub(crate) selected: Option<Key>,
    /// Its place, as of the last order.
    pub(crate) at: usize,
    /// The first place in sight.
    pub(crate) top: usize,
    /// How many rows ever came to a list that grows at its top, as of that place.
    pub(crate) grown: u64,
}

impl List {
    /// Moves to a place of `len`, of which `room` are in sight.
    pub(crate) fn go(&mut self, at: usize, len: usize, room: usize) {
        self.at = at.min(len.saturating_sub(1));
        self.scroll(len, room);
    }

    /// Rows came at the top: one stays on what one reads, unless one is at the very top.
    pub(crate) fn grow(&mut self, grown: u64) {
        if self.at > 0 || self.top > 0 {
            let new = usize::try_from(grown.saturating_sub(self.grown)).unwrap_or(usize::MAX);
            (self.at, self.top) = (self.at.saturating_add(new), self.top.saturating_add(new));
        }
        self.grown = grown;
    }

    /// Brings the place one is at into sight.
    pub(crate) fn scroll(&mut self, len: usize, room: usize) {
        let room = room.max(1);
        self.top = self.top.min(self.at).max((self.at + 1).saturating_sub(room));
        self.top = self.top.min(len.saturating_sub(room));
    }
}
