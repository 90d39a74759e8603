//! An organisation on the board: its users, conversations, slots taken, tokens used.

use std::collections::{BTreeMap, BTreeSet};

use super::brief::{Brief, Rank, Want};
use super::conversation::Conversation;
use super::turns::Turns;
use crate::id::{ConversationId, Kind, Sequence, TaskId, UserId};
use crate::ledger::{Caps, Period, Policy, TokenBudget};
use crate::submission::Lane;
use crate::time::Timestamp;

/// The largest weight that counts: how many admissions one turn of an organisation may have.
pub const MAX_WEIGHT: u32 = 100;

/// One organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Organisation {
    pub(super) policy: Policy,
    pub(super) spent: Spent,
    /// The last commit on its ledger.
    pub(super) ledger: Sequence,
    /// A record of its ledger cannot be read: who has a slot is not known.
    pub(super) unreadable: bool,
    /// How many of its tasks hold a slot of the background: the sum over its users.
    pub(super) held: u32,
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) conversations: BTreeMap<ConversationId, Conversation>,
    /// Users, by what they have to admit and are below their cap for.
    pub(super) turns: Turns<UserId>,
}

/// One user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct User {
    /// Tasks that hold a slot.
    pub(super) held: BTreeMap<Lane, BTreeSet<TaskId>>,
    /// Tasks for which nothing but slots and places is missing.
    pub(super) queue: BTreeMap<Want, BTreeSet<Rank>>,
}

impl User {
    pub(super) fn enqueue(&mut self, brief: &Brief) {
        self.queue.entry(brief.want()).or_default().insert(brief.rank());
    }

    pub(super) fn dequeue(&mut self, brief: &Brief) {
        let want = brief.want();
        if let Some(queue) = self.queue.get_mut(&want) {
            queue.remove(&brief.rank());
            if queue.is_empty() {
                self.queue.remove(&want);
            }
        }
    }

    pub(super) fn hold(&mut self, brief: &Brief) {
        self.held.entry(brief.lane).or_default().insert(brief.task);
    }

    /// Whether it held a slot.
    pub(super) fn let_go(&mut self, brief: &Brief) -> bool {
        let Some(held) = self.held.get_mut(&brief.lane) else { return false };
        let did = held.remove(&brief.task);
        if held.is_empty() {
            self.held.remove(&brief.lane);
        }
        did
    }

    /// Its tasks that hold a slot of a lane.
    pub(super) fn holders(&self, lane: Lane) -> impl Iterator<Item = TaskId> {
        self.held.get(&lane).into_iter().flatten().copied()
    }

    pub(super) fn running(&self, lane: Lane) -> u32 {
        self.held.get(&lane).map_or(0, |held| u32::try_from(held.len()).unwrap_or(u32::MAX))
    }

    /// How many more slots of a lane its cap leaves.
    pub(super) fn room(&self, lane: Lane, caps: Caps) -> u32 {
        caps.of_user(lane).saturating_sub(self.running(lane))
    }

    /// Whose turn it is among its tasks that want one of these, and may have it.
    pub(super) fn first(&self, open: &BTreeSet<Want>, caps: Caps) -> Option<&Rank> {
        let open = open.iter().filter(|(lane, _)| self.room(*lane, caps) > 0);
        open.filter_map(|want| self.queue.get(want)?.first()).min()
    }

    fn is_empty(&self) -> bool {
        self.held.is_empty() && self.queue.is_empty()
    }
}

impl Organisation {
    /// Admissions in one of its turns. A weight of 0 would starve it.
    pub(super) fn quantum(&self) -> u32 {
        self.policy.weight.clamp(1, MAX_WEIGHT)
    }

    pub(super) fn user(&mut self, user: &UserId) -> &mut User {
        self.users.entry(user.clone()).or_default()
    }

    /// The budget, if it is used up, and how much was used.
    pub(super) fn exhausted(&self, now: Timestamp) -> Option<(TokenBudget, u64)> {
        let budget = self.policy.budget?;
        let used = self.spent.within(budget.per, now);
        (used >= budget.tokens).then_some((budget, used))
    }

    /// What it has to admit and may, as far as its own limits go.
    pub(super) fn wants(&self, now: Timestamp) -> BTreeSet<Want> {
        if self.unreadable || self.exhausted(now).is_some() {
            return BTreeSet::new();
        }
        self.within_cap(&self.turns.wants())
    }

    /// Those that its cap leaves room for: it binds the background alone.
    pub(super) fn within_cap(&self, wants: &BTreeSet<Want>) -> BTreeSet<Want> {
        let room = self.held < self.policy.caps.organisation;
        wants.iter().filter(|(lane, _)| room || !lane.is_background()).cloned().collect()
    }

    /// Puts a user in or out of line, after a change.
    pub(super) fn refresh(&mut self, id: &UserId, known: &BTreeSet<Kind>) {
        let Some(user) = self.users.get(id) else { return };
        // Kinds nobody ever took stay out: there may be as many as submitters think of.
        let may = |(lane, kind): &&Want| known.contains(kind) && user.room(*lane, self.policy.caps) > 0;
        let wants = user.queue.keys().filter(may).cloned().collect();
        self.turns.set(id, &wants, 1);
        if user.is_empty() {
            self.users.remove(id);
        }
    }

    /// Whether nothing is known of it but defaults.
    pub(super) fn is_blank(&self) -> bool {
        self.users.is_empty()
            && self.conversations.is_empty()
            && self.ledger == Sequence::ZERO
            && !self.unreadable
            && self.policy == Policy::default()
            && self.spent == Spent::default()
    }
}

/// Tokens used, by UTC day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spent {
    ever: u64,
    /// Today's, and days to come where a writer's clock is ahead.
    days: BTreeMap<i64, u64>,
}

impl Spent {
    pub(super) fn add(&mut self, at: Timestamp, tokens: u64) {
        self.ever = self.ever.saturating_add(tokens);
        let day = self.days.entry(at.day()).or_default();
        *day = day.saturating_add(tokens);
    }

    /// Forgets days that are over.
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        self.days = self.days.split_off(&now.day());
    }

    pub(super) fn within(&self, per: Period, now: Timestamp) -> u64 {
        match per {
            Period::Ever => self.ever,
            Period::Day => self.days.get(&now.day()).copied().unwrap_or(0),
        }
    }
}

impl Timestamp {
    /// Its day in UTC, counted from 1970-01-01.
    pub(super) fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// When the next day in UTC begins.
    pub(super) fn midnight(self) -> Self {
        Self(self.day().saturating_add(1).saturating_mul(DAY))
    }
}

const DAY: i64 = 86_400_000;
