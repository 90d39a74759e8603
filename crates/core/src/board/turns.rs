//! Turns: deficit round robin with bounded state, over several scarce things at once.
//!
//! For each kind of task, members that have something of it stand in line. Whoever is first is
//! served until its quantum is used up, then goes to the end with a new one; whoever has nothing
//! left leaves, and forfeits what it had. Every admission costs one.
//!
//! A service counts in the line of every kind there was room for at that time: the member could have
//! had that as well. Where all executors take all kinds, this is plain deficit round robin. It does
//! not count where there was no room: a member that is served what is plentiful keeps its turn for
//! what is scarce. So while there is room for a kind, everybody who waits for it is served after at
//! most one quantum of each other member and kind.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::Kind;

/// A place in the line of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// Lower is sooner.
    pub(super) ticket: u64,
    /// How many admissions are left of the quantum.
    pub(super) left: u32,
}

/// Members in line, by what they have to admit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turns<Id> {
    members: BTreeMap<Id, BTreeMap<Kind, Turn>>,
    lines: BTreeMap<Kind, BTreeSet<(u64, Id)>>,
    next_ticket: u64,
}

/// What [`Turns::restore`] needs to undo what was done to one member.
#[derive(Debug)]
pub(super) struct Kept {
    turns: BTreeMap<Kind, Turn>,
    next_ticket: u64,
}

impl<Id> Default for Turns<Id> {
    fn default() -> Self {
        Self { members: BTreeMap::new(), lines: BTreeMap::new(), next_ticket: 0 }
    }
}

impl<Id: Ord + Clone> Turns<Id> {
    /// Says what `id` has to admit: it joins lines at the end, stays where it is, or leaves.
    pub(super) fn set(&mut self, id: &Id, kinds: &BTreeSet<Kind>, quantum: u32) {
        let known = self.members.get(id);
        let unchanged = known.map_or(kinds.is_empty(), |turns| turns.keys().eq(kinds));
        if unchanged && known.is_none_or(|turns| turns.values().all(|turn| turn.left <= quantum)) {
            return;
        }
        let mut turns = self.take(id);
        turns.retain(|kind, _| kinds.contains(kind));
        let joins = Turn { ticket: self.next_ticket, left: quantum };
        if turns.len() < kinds.len() {
            self.next_ticket += 1;
        }
        for kind in kinds {
            let turn = turns.entry(kind.clone()).or_insert(joins);
            turn.left = turn.left.min(quantum);
        }
        self.put(id, turns);
    }

    /// One admission of `id`, while there was room for `kinds`.
    pub(super) fn charge(&mut self, id: &Id, kinds: &BTreeSet<Kind>, quantum: u32) {
        let mut turns = self.take(id);
        let served = turns.iter().filter(|(kind, _)| kinds.contains(*kind)).map(|(_, turn)| *turn).min();
        if let Some(Turn { ticket, left }) = served {
            let turn = match left {
                0 | 1 => Turn { ticket: self.next_ticket, left: quantum },
                more => Turn { ticket, left: more - 1 },
            };
            self.next_ticket += u64::from(left <= 1);
            // The lines become one turn.
            for (_, each) in turns.iter_mut().filter(|(kind, _)| kinds.contains(*kind)) {
                *each = turn;
            }
        }
        self.put(id, turns);
    }

    /// Whose turn it is among those with something of `kinds`.
    pub(super) fn next(&self, kinds: &BTreeSet<Kind>) -> Option<&Id> {
        let firsts = kinds.iter().filter_map(|kind| self.lines.get(kind)?.first());
        firsts.min().map(|(_, id)| id)
    }

    /// Everything there is to admit.
    pub(super) fn kinds(&self) -> BTreeSet<Kind> {
        self.lines.keys().cloned().collect()
    }

    /// The first place `id` has in the lines of the kinds that count.
    pub(super) fn turn(&self, id: &Id, counts: impl Fn(&Kind) -> bool) -> Option<Turn> {
        let turns = self.members.get(id)?.iter();
        turns.filter(|(kind, _)| counts(kind)).map(|(_, turn)| *turn).min()
    }

    /// What is needed to undo whatever is done to `id` alone.
    pub(super) fn keep(&self, id: &Id) -> Kept {
        Kept { turns: self.members.get(id).cloned().unwrap_or_default(), next_ticket: self.next_ticket }
    }

    pub(super) fn restore(&mut self, id: &Id, kept: Kept) {
        self.take(id);
        self.put(id, kept.turns);
        self.next_ticket = kept.next_ticket;
    }

    fn take(&mut self, id: &Id) -> BTreeMap<Kind, Turn> {
        let turns = self.members.remove(id).unwrap_or_default();
        for (kind, turn) in &turns {
            if let Some(line) = self.lines.get_mut(kind) {
                line.remove(&(turn.ticket, id.clone()));
                if line.is_empty() {
                    self.lines.remove(kind);
                }
            }
        }
        turns
    }

    fn put(&mut self, id: &Id, turns: BTreeMap<Kind, Turn>) {
        for (kind, turn) in &turns {
            self.lines.entry(kind.clone()).or_default().insert((turn.ticket, id.clone()));
        }
        if !turns.is_empty() {
            self.members.insert(id.clone(), turns);
        }
    }
}
