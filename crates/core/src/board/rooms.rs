//! Where there is room: what executors say in their beats, corrected by what the log says since.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::brief::Want;
use crate::beat::{Beat, HeldRun, Room, TaskRef};
use crate::id::{ExecutorId, Kind, RunNumber};
use crate::submission::Lane;

pub(super) type Run = (TaskRef, RunNumber);

/// Executors and their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rooms {
    heard: BTreeMap<ExecutorId, Heard>,
    /// Who lists a run in its last beat.
    listed: BTreeMap<Run, ExecutorId>,
    /// What runs where by the log.
    running: BTreeMap<ExecutorId, BTreeSet<Run>>,
}

/// An executor's last beat.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    kinds: Vec<Room>,
    runs: Vec<Run>,
    draining: bool,
    /// Runs that started there by the log, and that the beat does not list: it was sent earlier.
    unlisted: u32,
    /// Runs the beat lists, and that have ended by the log since: their places are free again.
    ended: u32,
}

impl Rooms {
    /// Takes in a beat. Returns the kinds it takes.
    pub(super) fn beat(&mut self, beat: &Beat) -> impl Iterator<Item = Kind> {
        self.unlist(beat.executor);
        let run = |held: &HeldRun| (TaskRef { org: held.org.clone(), task: held.task }, held.run);
        let runs: Vec<Run> = beat.runs.iter().map(run).collect();
        self.listed.extend(runs.iter().map(|run| (run.clone(), beat.executor)));
        let running = self.running.get(&beat.executor);
        let unlisted =
            running.map_or(0, |all| count(all.iter().filter(|run| !self.lists(beat.executor, run))));
        let heard = Heard { kinds: beat.kinds.clone(), runs, draining: beat.draining, unlisted, ended: 0 };
        let kinds: Vec<Kind> = heard.kinds.iter().map(|room| room.kind.clone()).collect();
        self.heard.insert(beat.executor, heard);
        kinds.into_iter()
    }

    /// The executor is not heard any more.
    pub(super) fn gone(&mut self, executor: ExecutorId) {
        self.unlist(executor);
        self.heard.remove(&executor);
    }

    /// A run is under way by the log.
    pub(super) fn started(&mut self, executor: ExecutorId, run: Run) {
        let listed = self.lists(executor, &run);
        self.running.entry(executor).or_default().insert(run);
        if let Some(heard) = self.heard.get_mut(&executor)
            && !listed
        {
            heard.unlisted += 1;
        }
    }

    /// A run has ended by the log.
    pub(super) fn ended(&mut self, executor: ExecutorId, run: Run) {
        if let Some(all) = self.running.get_mut(&executor) {
            all.remove(&run);
            if all.is_empty() {
                self.running.remove(&executor);
            }
        }
        let listed = self.lists(executor, &run);
        if let Some(heard) = self.heard.get_mut(&executor) {
            if listed {
                heard.ended += 1;
            } else {
                heard.unlisted = heard.unlisted.saturating_sub(1);
            }
        }
    }

    /// Whether an executor says it holds the run.
    pub(super) fn is_listed(&self, run: &Run) -> bool {
        self.listed.contains_key(run)
    }

    /// Whether some executor takes the kind.
    pub(super) fn takes(&self, kind: &Kind) -> bool {
        self.heard.values().any(|heard| heard.room(kind).is_some())
    }

    /// How many places for the kind there are, taken or free.
    pub(super) fn places(&self, kind: &Kind) -> u32 {
        let all = self.heard.values().filter_map(|heard| heard.room(kind));
        all.fold(0, |sum, room| sum.saturating_add(room.places))
    }

    /// The free places, to be handed out.
    pub(super) fn free(&self) -> Places {
        let open = self.heard.iter().filter(|(_, heard)| !heard.draining);
        let seats = open.map(|(executor, heard)| {
            let free = |room: &Room| {
                room.free.saturating_add(heard.ended).min(room.places).saturating_sub(heard.unlisted)
            };
            let kinds: BTreeMap<Kind, u32> =
                heard.kinds.iter().map(|room| (room.kind.clone(), free(room))).collect();
            // Its kinds share its places.
            Seats { executor: *executor, total: kinds.values().copied().max().unwrap_or(0), kinds }
        });
        Places { seats: seats.filter(|seats| seats.total > 0).collect() }
    }

    fn lists(&self, executor: ExecutorId, run: &Run) -> bool {
        self.listed.get(run) == Some(&executor)
    }

    fn unlist(&mut self, executor: ExecutorId) {
        let Some(heard) = self.heard.get(&executor) else { return };
        for run in &heard.runs {
            if self.listed.get(run) == Some(&executor) {
                self.listed.remove(run);
            }
        }
    }
}

impl Heard {
    fn room(&self, kind: &Kind) -> Option<&Room> {
        self.kinds.iter().find(|room| room.kind == *kind && !self.draining)
    }
}

fn count(all: impl Iterator) -> u32 {
    u32::try_from(all.count()).unwrap_or(u32::MAX)
}

/// Free places, as they are handed out.
#[derive(Debug)]
pub struct Places {
    seats: Vec<Seats>,
}

#[derive(Debug)]
struct Seats {
    executor: ExecutorId,
    total: u32,
    kinds: BTreeMap<Kind, u32>,
}

impl Places {
    /// What there is room for: a kind, in whichever lane.
    pub(super) fn wants(&self) -> BTreeSet<Want> {
        let open = self.seats.iter().flat_map(|seats| seats.kinds.iter());
        let kinds = open.filter(|(_, free)| **free > 0).map(|(kind, _)| kind);
        kinds.flat_map(|kind| Lane::ALL.map(|lane| (lane, kind.clone()))).collect()
    }

    /// Hands out a place for the kind: at the executor that takes the fewest kinds, so that the
    /// others stay open for more, and of those at the one with the most room. Nothing if there is none.
    pub fn take(&mut self, kind: &Kind) -> Option<ExecutorId> {
        let fits = self.seats.iter_mut().filter(|seats| seats.kinds.get(kind).is_some_and(|free| *free > 0));
        let seats = fits.min_by_key(|seats| (seats.kinds.len(), Reverse(seats.total)))?;
        seats.total -= 1;
        for (other, free) in &mut seats.kinds {
            *free = if other == kind { *free - 1 } else { *free }.min(seats.total);
        }
        Some(seats.executor)
    }
}
