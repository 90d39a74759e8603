//! What one should not miss: kept until it is read.

use std::collections::VecDeque;

use longhaul_core::{ExecutorId, TaskRef, Timestamp};

use super::full::Full;
use crate::theme::Tone;

/// How many notices are kept.
const KEPT: usize = 500;

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    Task(TaskRef),
    Full(Full),
    Executor(ExecutorId),
    /// The log, and how well it is known.
    Health,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) at: Timestamp,
    pub(crate) tone: Tone,
    /// One clean line.
    pub(crate) text: String,
    /// What it is about: there one can go.
    pub(crate) about: Option<About>,
}

/// Notices, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    notices: VecDeque<Notice>,
    /// How many of the last were not seen.
    unread: usize,
    /// How many there ever were.
    total: u64,
}

impl Inbox {
    pub(crate) fn add(&mut self, notice: Notice) {
        self.notices.push_back(notice);
        (self.unread, self.total) = (self.unread + 1, self.total + 1);
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

    /// How many there ever were: those kept, and those before them.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The newest first.
    pub(crate) fn notices(&self) -> impl DoubleEndedIterator<Item = &Notice> {
        self.notices.iter().rev()
    }
}
