//! Turns: deficit round robin with bounded state.
//!
//! Members that have something to admit stand in line. Whoever is first is served until its quantum
//! is used up, then goes to the end with a new one; whoever has nothing left leaves, and forfeits
//! what it had. Every admission costs one. A member passed over because no executor has room for its
//! kinds keeps its place: it is first as soon as there is room.
//!
//! So between two admissions of a member that always has something of a kind, every other member is
//! served at most its quantum of that kind.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::Kind;

/// A member's place in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    /// Lower is sooner.
    pub(super) ticket: u64,
    /// How many admissions are left of its quantum.
    pub(super) left: u32,
    /// What it has to admit.
    kinds: BTreeSet<Kind>,
}

/// Members in line, found by what they have to admit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turns<Id> {
    members: BTreeMap<Id, Turn>,
    by_kind: BTreeMap<Kind, BTreeSet<(u64, Id)>>,
    next_ticket: u64,
}

/// What [`Turns::restore`] needs to undo what was done to one member.
#[derive(Debug)]
pub(super) struct Kept {
    turn: Option<Turn>,
    next_ticket: u64,
}

impl<Id> Default for Turns<Id> {
    fn default() -> Self {
        Self { members: BTreeMap::new(), by_kind: BTreeMap::new(), next_ticket: 0 }
    }
}

impl<Id: Ord + Clone> Turns<Id> {
    /// Says what `id` has to admit: it joins at the end, stays where it is, or leaves.
    pub(super) fn set(&mut self, id: &Id, kinds: BTreeSet<Kind>, quantum: u32) {
        let known = self.members.get(id);
        if known.is_some_and(|turn| turn.kinds == kinds && turn.left <= quantum) {
            return;
        }
        let (ticket, left) = match known {
            Some(turn) => (turn.ticket, turn.left.min(quantum)),
            None => (self.next_ticket, quantum),
        };
        if known.is_none() && !kinds.is_empty() {
            self.next_ticket += 1;
        }
        self.put(id, (!kinds.is_empty()).then_some(Turn { ticket, left, kinds }));
    }

    /// One admission of `id`.
    pub(super) fn charge(&mut self, id: &Id, quantum: u32) {
        let Some(mut turn) = self.members.get(id).cloned() else { return };
        turn.left = turn.left.saturating_sub(1);
        if turn.left == 0 {
            turn.left = quantum;
            turn.ticket = self.next_ticket;
            self.next_ticket += 1;
        }
        self.put(id, Some(turn));
    }

    /// Whose turn it is among those with something of `kinds`.
    pub(super) fn next(&self, kinds: &BTreeSet<Kind>) -> Option<&Id> {
        let firsts = kinds.iter().filter_map(|kind| self.by_kind.get(kind)?.first());
        firsts.min().map(|(_, id)| id)
    }

    /// Everything there is to admit.
    pub(super) fn kinds(&self) -> BTreeSet<Kind> {
        self.by_kind.keys().cloned().collect()
    }

    pub(super) fn get(&self, id: &Id) -> Option<&Turn> {
        self.members.get(id)
    }

    /// What is needed to undo whatever is done to `id` alone.
    pub(super) fn keep(&self, id: &Id) -> Kept {
        Kept { turn: self.members.get(id).cloned(), next_ticket: self.next_ticket }
    }

    pub(super) fn restore(&mut self, id: &Id, kept: Kept) {
        self.put(id, kept.turn);
        self.next_ticket = kept.next_ticket;
    }

    fn put(&mut self, id: &Id, turn: Option<Turn>) {
        if let Some(old) = self.members.remove(id) {
            for kind in &old.kinds {
                if let Some(line) = self.by_kind.get_mut(kind) {
                    line.remove(&(old.ticket, id.clone()));
                    if line.is_empty() {
                        self.by_kind.remove(kind);
                    }
                }
            }
        }
        if let Some(turn) = turn {
            for kind in &turn.kinds {
                self.by_kind.entry(kind.clone()).or_default().insert((turn.ticket, id.clone()));
            }
            self.members.insert(id.clone(), turn);
        }
    }
}
