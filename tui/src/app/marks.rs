//! The tasks one has marked.

use std::collections::HashSet;

use crate::store::Key;

/// The tasks one has marked. A mark stays when its row moves or a filter hides it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks {
    keys: HashSet<Key>,
    last: Option<Key>,
}

impl Marks {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.keys.contains(&key)
    }

    /// The one that was marked last: where a range begins.
    pub(crate) fn last(&self) -> Option<Key> {
        self.last
    }

    /// In no order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> {
        self.keys.iter().copied()
    }

    /// Marks it, or takes its mark away.
    pub(crate) fn toggle(&mut self, key: Key) {
        if self.keys.remove(&key) {
            self.last = None;
        } else {
            self.add([key]);
        }
    }

    pub(crate) fn add(&mut self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            self.keys.insert(key);
            self.last = Some(key);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
