//! Turns: deficit round robin with bounded state, over several scarce things at once.
//!
//! For each kind of task in each lane, members that have something of it stand in line. Whoever is first is
//! served until its quantum is used up, then goes to the end with a new one; whoever has nothing
//! left leaves, and forfeits what it had. Every admission costs one.
//!
//! A service counts in every line there was room for at that time: the member could have had that as
//! well. Where all executors take all kinds and no cap is reached, this is plain deficit round robin. It
//! does not count where there was no room: a member that is served what is plentiful keeps its turn for
//! what is scarce. So while there is room for something, everybody who waits for it is served after at
//! most one quantum of each other member and line.

use std::collections::{BTreeMap, BTreeSet};

use super::brief::Want;

/// A place in one line.
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
    members: BTreeMap<Id, BTreeMap<Want, Turn>>,
    lines: BTreeMap<Want, BTreeSet<(u64, Id)>>,
    next_ticket: u64,
}

/// What [`Turns::restore`] needs to undo what was done to one member.
#[derive(Debug)]
pub(super) struct Kept {
    turns: BTreeMap<Want, Turn>,
    next_ticket: u64,
}

impl<Id> Default for Turns<Id> {
    fn default() -> Self {
        Self { members: BTreeMap::new(), lines: BTreeMap::new(), next_ticket: 0 }
    }
}

impl<Id: Ord + Clone> Turns<Id> {
    /// Says what `id` has to admit: it joins lines at the end, stays where it is, or leaves.
    pub(super) fn set(&mut self, id: &Id, wants: &BTreeSet<Want>, quantum: u32) {
        let known = self.members.get(id);
        let unchanged = known.map_or(wants.is_empty(), |turns| turns.keys().eq(wants));
        if unchanged && known.is_none_or(|turns| turns.values().all(|turn| turn.left <= quantum)) {
            return;
        }
        let mut turns = self.take(id);
        turns.retain(|want, _| wants.contains(want));
        let joins = Turn { ticket: self.next_ticket, left: quantum };
        if turns.len() < wants.len() {
            self.next_ticket += 1;
        }
        for want in wants {
            let turn = turns.entry(want.clone()).or_insert(joins);
            turn.left = turn.left.min(quantum);
        }
        self.put(id, turns);
    }

    /// One admission of `id`, while there was room for `wants`.
    pub(super) fn charge(&mut self, id: &Id, wants: &BTreeSet<Want>, quantum: u32) {
        let mut turns = self.take(id);
        let served = turns.iter().filter(|(want, _)| wants.contains(*want)).map(|(_, turn)| *turn).min();
        if let Some(Turn { ticket, left }) = served {
            let turn = match left {
                0 | 1 => Turn { ticket: self.next_ticket, left: quantum },
                more => Turn { ticket, left: more - 1 },
            };
            self.next_ticket += u64::from(left <= 1);
            // The lines become one turn.
            for (_, each) in turns.iter_mut().filter(|(want, _)| wants.contains(*want)) {
                *each = turn;
            }
        }
        self.put(id, turns);
    }

    /// Whose turn it is among those with something of `wants`.
    pub(super) fn next(&self, wants: &BTreeSet<Want>) -> Option<&Id> {
        let firsts = wants.iter().filter_map(|want| self.lines.get(want)?.first());
        firsts.min().map(|(_, id)| id)
    }

    /// Everything there is to admit.
    pub(super) fn wants(&self) -> BTreeSet<Want> {
        self.lines.keys().cloned().collect()
    }

    /// The first place `id` has in the lines that count.
    pub(super) fn turn(&self, id: &Id, counts: impl Fn(&Want) -> bool) -> Option<Turn> {
        let turns = self.members.get(id)?.iter();
        turns.filter(|(want, _)| counts(want)).map(|(_, turn)| *turn).min()
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

    fn take(&mut self, id: &Id) -> BTreeMap<Want, Turn> {
        let turns = self.members.remove(id).unwrap_or_default();
        for (want, turn) in &turns {
            if let Some(line) = self.lines.get_mut(want) {
                line.remove(&(turn.ticket, id.clone()));
                if line.is_empty() {
                    self.lines.remove(want);
                }
            }
        }
        turns
    }

    fn put(&mut self, id: &Id, turns: BTreeMap<Want, Turn>) {
        for (want, turn) in &turns {
            self.lines.entry(want.clone()).or_default().insert((turn.ticket, id.clone()));
        }
        if !turns.is_empty() {
            self.members.insert(id.clone(), turns);
        }
    }
}
