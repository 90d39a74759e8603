//! A conversation: its tasks run in the order of their submission.

use std::collections::BTreeSet;

use super::brief::Line;
use crate::id::TaskId;

/// Who speaks in a conversation and who waits for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Conversation {
    /// Those that hold it: with a slot, or paused.
    holders: BTreeSet<TaskId>,
    /// The first of those that wait: as many as its cap leaves room for.
    open: BTreeSet<Line>,
    /// The rest.
    shut: BTreeSet<Line>,
}

/// Whose way to a slot a change opened or shut.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) opened: Vec<TaskId>,
    pub(super) shut: Vec<TaskId>,
}

fn put(to: &mut BTreeSet<Line>, line: Line) -> TaskId {
    to.insert(line);
    line.2
}

impl Conversation {
    pub(super) fn hold(&mut self, task: TaskId) {
        self.holders.insert(task);
    }

    pub(super) fn wait(&mut self, line: Line) {
        self.shut.insert(line);
    }

    pub(super) fn leave(&mut self, line: &Line) {
        self.holders.remove(&line.2);
        self.open.remove(line);
        self.shut.remove(line);
    }

    /// Lets in as many as `cap` allows. What is open or shut is a function of who is there, not of
    /// the order in which they came.
    pub(super) fn settle(&mut self, cap: u32) -> Settled {
        let room = (cap as usize).saturating_sub(self.holders.len());
        let mut settled = Settled::default();
        loop {
            let under = self.open.len() < room && !self.shut.is_empty();
            let over = self.open.len() > room;
            let crossed = matches!((self.open.last(), self.shut.first()), (Some(o), Some(s)) if s < o);
            if under {
                // Nobody who is in and stays in is moved out on the way: it would lose its turn.
                settled.opened.extend(self.shut.pop_first().map(|line| put(&mut self.open, line)));
            } else if over || crossed {
                settled.shut.extend(self.open.pop_last().map(|line| put(&mut self.shut, line)));
            } else {
                break;
            }
        }
        settled
    }

    /// Whether the task waits for the conversation.
    pub(super) fn is_shut(&self, line: &Line) -> bool {
        self.shut.contains(line)
    }

    /// How many wait for the conversation and come before this one.
    pub(super) fn ahead(&self, line: &Line) -> usize {
        self.shut.range(..line).count()
    }

    /// Who is in the way of those that wait: those that hold it, then those that come first.
    pub(super) fn in_the_way(&self) -> impl Iterator<Item = TaskId> {
        self.holders.iter().copied().chain(self.open.iter().map(|line| line.2))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.open.is_empty() && self.shut.is_empty()
    }
}
