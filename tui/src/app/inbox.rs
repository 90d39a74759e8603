//! What one should not miss: kept until it is read.

use std::collections::VecDeque;

use longhaul_core::{TaskRef, Timestamp};

use crate::theme::Tone;

/// How many notices are kept.
const KEPT: usize = 500;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) at: Timestamp,
    pub(crate) tone: Tone,
    /// One clean line.
    pub(crate) text: String,
    /// The task it is about.
    pub(crate) task: Option<TaskRef>,
}

/// Notices, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    notices: VecDeque<Notice>,
    /// How many of the last were not seen.
    unread: usize,
}

impl Inbox {
    pub(crate) fn add(&mut self, notice: Notice) {
        self.notices.push_back(notice);
        self.unread += 1;
        if self.notices.len() > KEPT {
            self.notices.pop_front();
        }
        self.unread = self.unread.min(self.notices.len());
    }

    pub(crate) fn unread(&self) -> usize {
        self.unread
    }

    pub(crate) fn read(&mut self) {
        self.unread = 0;
    }

    /// The newest first.
    pub(crate) fn notices(&self) -> impl DoubleEndedIterator<Item = &Notice> {
        self.notices.iter().rev()
    }
}
