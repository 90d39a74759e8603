//! Being somewhere in the past.
//!
//! Whoever is in the past sees another world in place of the live one, under the same names: views and
//! lists know nothing of it. The live world is kept aside and goes on.

use std::collections::{BTreeMap, HashMap, VecDeque};

use longhaul_client::fleet::{Happening, Moment, Step, Stretch};
use longhaul_core::{ExecutorId, Lane, Millis, Sequence, Status, TaskRef, Timestamp, UserId};
use longhaul_wire::query::{Positions, Slot, SlotsTaken, UserSlot};

use super::{App, Notice, Rate, Tail};
use crate::store::{Flags, Standing, Store};

/// How many steps are kept on either side of the moment.
const KEPT: usize = 20_000;
/// How many events before the moment are shown.
const TAIL: usize = 1000;
/// How many marks a scrubber has at most.
const MARKS: usize = 2000;

/// How fast history is played: so many times as fast as it was.
pub(crate) const SPEEDS: [u64; 6] = [1, 5, 10, 60, 600, 3600];

/// Where one is in time.
#[derive(Default)]
pub(crate) struct Travel {
    /// Counts what was asked for: the answer to an earlier wish is no longer wanted.
    pub(crate) turn: u64,
    /// Where a log ends that does not grow: there is no now to go back to.
    pub(crate) ends_at: Option<Timestamp>,
    /// A jump that is under way.
    pub(crate) jump: Option<Jump>,
    /// Where one is, unless that is now.
    pub(crate) past: Option<Box<Past>>,
}

/// A jump that is under way.
pub(crate) enum Jump {
    /// Its place in the log is looked for.
    Seeking,
    /// The lists are not read up to there yet.
    Waiting(Moment),
    /// So many tasks that lived then are read.
    Reading(Moment, Box<Store>, usize),
}

/// A step that is wanted and not found yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) back: bool,
    /// Not any record: one that changes a status.
    pub(crate) turns: bool,
}

/// What is of a time: shown under the same names whenever that is.
#[derive(Default)]
pub(crate) struct World {
    store: Store,
    tail: Tail,
    rate: Rate,
    slots: Option<SlotsTaken>,
}

impl World {
    /// Puts this world in place of the one that is shown, and keeps that one.
    pub(crate) fn exchange(&mut self, app: &mut App) {
        std::mem::swap(&mut self.store, &mut app.store);
        std::mem::swap(&mut self.tail, &mut app.tail);
        std::mem::swap(&mut self.rate, &mut app.rate);
        std::mem::swap(&mut self.slots, &mut app.slots);
    }

    /// The tasks.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The slots, if anybody told of them.
    pub(crate) fn slots(&self) -> Option<&SlotsTaken> {
        self.slots.as_ref()
    }
}

/// A moment of the past, and the way from it.
pub(crate) struct Past {
    pub(crate) moment: Moment,
    /// What is going on meanwhile.
    pub(crate) live: World,
    /// The records around the moment, oldest first.
    steps: VecDeque<Step>,
    /// How many of them have happened.
    happened: usize,
    /// The steps lie after these places, up to those.
    pub(crate) since: Positions,
    pub(crate) until: Positions,
    /// Nothing happened before them; nothing after them so far.
    pub(crate) is_first: bool,
    pub(crate) is_last: bool,
    /// More of them was asked for.
    pub(crate) asked: [bool; 2],
    pub(crate) wish: Option<Wish>,
    /// Which of [`SPEEDS`] it is played at, if it is.
    pub(crate) playing: bool,
    pub(crate) speed: usize,
    /// Of which task, as of which of its records, the story was asked for last.
    pub(crate) story: Option<(TaskRef, Sequence)>,
    /// Who held runs, and how many.
    pub(crate) executors: Vec<(ExecutorId, u32)>,
    /// What a scrubber of all tasks marks: when tasks failed.
    pub(crate) marks: Vec<Timestamp>,
    /// When the first task was submitted.
    pub(crate) begins_at: Timestamp,
    /// Something has changed that is counted anew before it is drawn.
    pub(crate) stale: bool,
}

impl Past {
    pub(crate) fn new(moment: Moment) -> Self {
        Self {
            since: moment.positions.clone(),
            until: moment.positions.clone(),
            moment,
            live: World::default(),
            steps: VecDeque::new(),
            happened: 0,
            is_first: false,
            is_last: false,
            asked: [false; 2],
            wish: None,
            playing: false,
            speed: 0,
            story: None,
            executors: Vec::new(),
            marks: Vec::new(),
            begins_at: Timestamp::default(),
            stale: true,
        }
    }

    /// The last record that has happened.
    pub(crate) fn last(&self) -> Option<&Step> {
        self.steps.get(self.happened.checked_sub(1)?)
    }

    /// The next one.
    pub(crate) fn next(&self) -> Option<&Step> {
        self.steps.get(self.happened)
    }

    /// How many steps are known ahead.
    pub(crate) fn remaining(&self) -> usize {
        self.steps.len() - self.happened
    }

    /// How fast it is played, or would be.
    pub(crate) fn times(&self) -> u64 {
        SPEEDS[self.speed.min(SPEEDS.len() - 1)]
    }

    /// Adds what happened before the first step that is known.
    pub(crate) fn add_before(&mut self, stretch: Stretch) {
        self.happened += stretch.steps.len();
        for step in stretch.steps.into_iter().rev() {
            self.steps.push_front(step);
        }
        (self.since, self.is_first) = (stretch.from, stretch.last);
        while self.steps.len() - self.happened > KEPT {
            let Some(step) = self.steps.pop_back() else { break };
            let before = Sequence(step.sequence.0.saturating_sub(1));
            let others = self.until.iter().filter(|(shard, _)| *shard != step.shard);
            self.until = others.chain([(step.shard, before)]).collect();
            self.is_last = false;
        }
    }

    /// Adds what happened after the last one.
    pub(crate) fn add_after(&mut self, stretch: Stretch) {
        self.steps.extend(stretch.steps);
        (self.until, self.is_last) = (stretch.to, stretch.last);
        while self.happened > KEPT {
            let Some(step) = self.steps.pop_front() else { break };
            self.happened -= 1;
            self.since.advance(step.shard, step.sequence);
            self.is_first = false;
        }
    }

    /// Crosses one step; gives it, unless there is none that is known.
    pub(crate) fn cross(&mut self, store: &mut Store, back: bool) -> Option<&Step> {
        let at = if back { self.happened.checked_sub(1)? } else { self.happened };
        let step = self.steps.get(at)?;
        store.cross(step, back);
        self.stale = true;
        if back {
            self.happened = at;
            let before = Sequence(step.sequence.0.saturating_sub(1));
            let when = at.checked_sub(1).and_then(|at| self.steps.get(at)).map(|step| step.stored_at);
            self.moment = self.moment.with(step.shard, before, when.unwrap_or(step.stored_at));
        } else {
            self.happened = at + 1;
            self.moment = self.moment.with(step.shard, step.sequence, step.stored_at);
        }
        self.steps.get(at)
    }

    /// The last events before the moment, oldest first.
    pub(crate) fn tail(&self) -> VecDeque<Happening> {
        let happened = self.steps.iter().take(self.happened).rev();
        let mut tail: Vec<&Happening> =
            happened.flat_map(|step| step.events.iter().rev()).take(TAIL).collect();
        tail.reverse();
        tail.into_iter().cloned().collect()
    }

    /// What a scrubber marks, from the live world: when tasks failed, and when the first was submitted.
    pub(crate) fn mark(&mut self) {
        let rows = || self.live.store().rows().map(|(_, row)| row);
        let failed = rows().filter(|row| matches!(row.standing(), Standing::Failed | Standing::Expired));
        let mut marks: Vec<Timestamp> = failed.filter_map(|row| row.ended_at).collect();
        marks.sort_unstable();
        let every = marks.len().div_ceil(MARKS).max(1);
        self.begins_at = rows().map(|row| row.submitted_at).min().unwrap_or(self.moment.at);
        self.marks = marks.into_iter().step_by(every).collect();
    }

    /// Counts anew who held runs.
    pub(crate) fn count_executors(&mut self, store: &Store) {
        let mut held: BTreeMap<ExecutorId, u32> = BTreeMap::new();
        let running = store.rows().filter(|(_, row)| row.status.is_running());
        for id in running.filter_map(|(_, row)| row.executor) {
            *held.entry(id).or_default() += 1;
        }
        self.executors = held.into_iter().collect();
    }

    /// The slots taken then: as many as tasks ran. The caps are those of now.
    pub(crate) fn slots(&self, store: &Store, org: &str) -> Option<SlotsTaken> {
        let now = self.live.slots()?;
        let mut users: HashMap<&str, [Slot; 2]> = HashMap::new();
        let caps = now.policy.caps;
        let none = Lane::ALL.map(|lane| Slot { cap: caps.of_user(lane), ..Slot::default() });
        let mut all = Slot { cap: caps.organisation, ..Slot::default() };
        for (_, row) in store.rows().filter(|(_, row)| store.name(row.key.org) == org) {
            let of = |slot: &mut Slot| {
                slot.running += u32::from(row.status.is_running());
                slot.waiting += u64::from(row.status == Status::Pending);
            };
            if row.status.is_running() || row.status == Status::Pending {
                let [foreground, background] = users.entry(store.name(row.user)).or_insert(none);
                match row.flags.has(Flags::FOREGROUND) {
                    true => of(foreground),
                    false => [background, &mut all].into_iter().for_each(of),
                }
            }
        }
        let user = |(name, [foreground, slots]): (&str, [Slot; 2])| {
            Some(UserSlot { user: UserId::new(name).ok()?, slots, foreground })
        };
        let mut users: Vec<UserSlot> = users.into_iter().filter_map(user).collect();
        users.sort_by(|a, b| a.user.cmp(&b.user));
        let as_of = self.moment.positions.clone();
        Some(SlotsTaken { as_of, policy: now.policy.clone(), organisation: all, users })
    }
}

impl App {
    /// The time of what is shown: now, or a moment gone by. Ages are told by it.
    pub(crate) fn then(&self) -> Timestamp {
        self.travel.past.as_ref().map_or(self.now, |past| past.moment.at)
    }

    /// A moment, as told to who is there.
    pub(crate) fn when(&self, at: Timestamp) -> String {
        crate::text::moment(at, self.then())
    }

    /// Where one is, unless that is now.
    pub(crate) fn past(&self) -> Option<&Past> {
        self.travel.past.as_deref()
    }

    /// What nobody should have missed by then, the newest first.
    pub(crate) fn notices(&self) -> impl Iterator<Item = &Notice> {
        let then = self.then();
        self.inbox.notices().filter(move |notice| notice.at <= then)
    }

    /// When what is played moves on next.
    pub(crate) fn plays_at(&self) -> Option<Timestamp> {
        self.past().filter(|past| past.playing).map(|_| self.now.plus(Millis(50)))
    }

    /// What the scrubber spans.
    pub(crate) fn span_of_time(&self) -> Option<(Timestamp, Timestamp)> {
        let past = self.past()?;
        let end = match self.travel.ends_at {
            Some(end) => end,
            None => self.now,
        };
        Some((past.begins_at.min(past.moment.at), end.max(past.moment.at)))
    }
}
