//! Why a task waits and at which place.
//!
//! The answers are given as if everything that can be admitted had been: whoever is admitted at once
//! is told so, and places count from there.

use std::collections::{BTreeSet, HashMap};

use super::admit::{PLANNED, Step};
use super::brief::{Brief, Rank, Want};
use super::fold::Board;
use super::organisation::{Organisation, User};
use super::waiting::{Candidate, MAX_BLOCKERS, WaitReason, Waiting};
use crate::beat::TaskRef;
use crate::event::AdmissionReason;
use crate::id::{OrgId, RunNumber, TaskId, UserId};
use crate::ledger::Caps;
use crate::snapshot::Status;
use crate::submission::Lane;
use crate::time::Timestamp;

/// The id a candidate has while its place is looked up; no task has it.
const CANDIDATE: TaskId = TaskId(uuid::Uuid::max());

impl Board {
    /// Why a task waits and at which place; nothing if it is not pending.
    ///
    /// Takes time in proportion to the queues around it; for many tasks at once use
    /// [`Board::waiting_all`].
    pub fn waiting(&mut self, task: &TaskRef, now: Timestamp) -> Option<Waiting> {
        self.waiting_all(&[task], now).pop().flatten()
    }

    /// As [`Board::waiting`], for many tasks of one moment, in the same order.
    pub fn waiting_all(&mut self, tasks: &[&TaskRef], now: Timestamp) -> Vec<Option<Waiting>> {
        self.advance(now);
        self.tentatively(usize::MAX, |board, _: &[Step]| {
            let mut walked = Walked::default();
            tasks.iter().map(|task| board.look(task, &mut walked)).collect()
        })
    }

    /// What a submission would meet now: whether it would start, else why it would wait and where.
    pub fn forecast(&mut self, candidate: &Candidate, now: Timestamp) -> Waiting {
        self.advance(now);
        let org = candidate.owner.org.clone();
        let org_turn = self.turns.keep(&org);
        let user_turn = self.orgs.get(&org).map(|org| org.turns.keep(&candidate.owner.user));
        let brief = Brief {
            task: CANDIDATE,
            owner: candidate.owner.clone(),
            kind: candidate.kind.clone(),
            priority: candidate.priority,
            lane: candidate.lane,
            // Whatever is submitted now is the youngest, whatever the clocks say.
            submitted_at: Timestamp(i64::MAX),
            queued_at: Timestamp(i64::MAX),
            not_before: candidate.not_before,
            status: Status::Pending,
            run: RunNumber::default(),
            next_run: RunNumber(1),
            attempt: 1,
            admit_as: AdmissionReason::First,
            executor: None,
            grant: None,
        };
        let task = brief.key();
        self.replace(task.clone(), Some(brief));
        let waiting = self.waiting(&task, now);
        self.replace(task, None);
        self.turns.restore(&org, org_turn);
        if let (Some(known), Some(turn)) = (self.orgs.get_mut(&org), user_turn) {
            known.turns.restore(&candidate.owner.user, turn);
        }
        waiting.unwrap_or(Waiting {
            reason: WaitReason::Next,
            place: 1,
            blockers: Vec::new(),
            not_before: None,
        })
    }

    /// The answer for one task, once all that can be admitted is.
    fn look(&self, task: &TaskRef, walked: &mut Walked) -> Option<Waiting> {
        let brief = self.tasks.get(task).filter(|brief| brief.status == Status::Pending)?;
        // An organisation all of whose tasks wait for their time has no queue, and is not kept.
        let blank = Organisation::default();
        let org = self.orgs.get(&brief.owner.org).unwrap_or(&blank);
        let (reason, place, blockers) = self.in_the_way(brief, org, walked);
        let not_before = brief.not_before.filter(|at| *at > self.now);
        let blockers = blockers.into_iter().filter(|other| *other != CANDIDATE).take(MAX_BLOCKERS).collect();
        Some(Waiting { reason, place: place as u64, blockers, not_before })
    }

    fn in_the_way(
        &self,
        brief: &Brief,
        org: &Organisation,
        walked: &mut Walked,
    ) -> (WaitReason, usize, Vec<TaskId>) {
        if let Some(grant) = brief.grant {
            if grant.ledger == PLANNED {
                return (WaitReason::Next, grant.index as usize + 1, vec![]);
            }
            let before = (grant.ledger, grant.index, brief.key());
            let ahead = self.granted.get(&brief.kind).map_or(0, |queue| queue.range(..before).count());
            return (WaitReason::Admitted { run: grant.run }, ahead + 1, vec![]);
        }
        if let Some(at) = brief.not_before.filter(|_| !brief.due(self.now)) {
            let reason = match brief.is_new() {
                true => WaitReason::NotBefore { at },
                false => WaitReason::RetryBackoff { at, attempt: brief.attempt },
            };
            return (reason, 1, vec![]);
        }
        if let Some(conversation) = brief.conversation()
            && let Some(known) = org.conversations.get(conversation)
            && known.is_shut(&brief.line())
        {
            let blockers: Vec<TaskId> = known.in_the_way().take(MAX_BLOCKERS).collect();
            // With a cap of 0 nobody holds it, and nobody comes first.
            let holder = blockers.first().copied().unwrap_or(brief.task);
            let reason = WaitReason::Conversation { conversation: conversation.clone(), holder };
            return (reason, known.ahead(&brief.line()) + 1, blockers);
        }
        let some_takes = |(_, kind): &Want| self.rooms.takes(kind);
        let this_kind = |(_, kind): &Want| *kind == brief.kind;
        let this_lane = |want: &Want| want.0 == brief.lane && some_takes(want);
        if org.unreadable {
            let place = place_in_organisation(org, brief, &some_takes, walked);
            return (WaitReason::LedgerUnreadable, place, vec![]);
        }
        if let Some((budget, used)) = org.exhausted(self.now) {
            let reason = WaitReason::TokenBudget { used, budget: budget.tokens, per: budget.per };
            return (reason, place_in_organisation(org, brief, &some_takes, walked), vec![]);
        }
        if !self.rooms.takes(&brief.kind) {
            let reason = WaitReason::NoExecutor { kind: brief.kind.clone() };
            return (reason, self.place_in_shard(org, brief, &this_kind, walked), vec![]);
        }
        let caps = org.policy.caps;
        let user = org.users.get(&brief.owner.user);
        if let Some(user) = user.filter(|user| user.room(brief.lane, caps) == 0) {
            let (running, cap) = (user.running(brief.lane), caps.of_user(brief.lane));
            let reason = match brief.lane {
                Lane::Foreground => WaitReason::ForegroundCap { running, cap },
                Lane::Background => WaitReason::UserCap { running, cap },
            };
            let place = ahead_of_own(user, brief, &this_lane, walked) + 1;
            return (reason, place, user.holders(brief.lane).collect());
        }
        if brief.lane.is_background() && org.held >= caps.organisation {
            let reason = WaitReason::OrganisationCap { running: org.held, cap: caps.organisation };
            let held = org.users.values().flat_map(|user| user.holders(brief.lane));
            let blockers = held.take(MAX_BLOCKERS + 1).collect();
            return (reason, place_in_organisation(org, brief, &this_lane, walked), blockers);
        }
        let places = self.rooms.places(&brief.kind);
        let reason = WaitReason::ExecutorsBusy { kind: brief.kind.clone(), places };
        (reason, self.place_in_shard(org, brief, &this_kind, walked), vec![])
    }

    /// The place among all tasks of the kinds that count, organisations taking turns by weight.
    fn place_in_shard(
        &self,
        own: &Organisation,
        brief: &Brief,
        counts: &dyn Fn(&Want) -> bool,
        walked: &mut Walked,
    ) -> usize {
        let place = place_in_organisation(own, brief, counts, walked);
        let own_id = &brief.owner.org;
        let turn = |id: &OrgId, org: &Organisation| {
            let turn = self.turns.turn(id, counts);
            turn.map_or((u64::MAX, org.quantum() as usize), |turn| (turn.ticket, turn.left as usize))
        };
        let (own_ticket, own_left) = turn(own_id, own);
        // How many whole turns its organisation has before the one in which it is served.
        let turns = match place.checked_sub(own_left + 1) {
            None => 0,
            Some(beyond) => 1 + beyond / own.quantum() as usize,
        };
        let others = self.orgs.iter().filter(|(id, _)| *id != own_id);
        let ahead = others.map(|(id, org)| {
            let (ticket, left) = turn(id, org);
            let quantum = org.quantum() as usize;
            let served = match (ticket, id) < (own_ticket, own_id) {
                true => left + turns * quantum,
                false if turns > 0 => left + (turns - 1) * quantum,
                false => 0,
            };
            served.min(if served > 0 { self.admissible(org, counts) } else { 0 })
        });
        place + ahead.sum::<usize>()
    }

    /// How many of an organisation's waiting tasks its own limits would let through.
    fn admissible(&self, org: &Organisation, counts: &dyn Fn(&Want) -> bool) -> usize {
        if org.unreadable || org.exhausted(self.now).is_some() {
            return 0;
        }
        let caps = org.policy.caps;
        let of = |lane| org.users.values().map(|user| admissible(user, lane, caps, counts)).sum::<usize>();
        let room = caps.organisation.saturating_sub(org.held) as usize;
        of(Lane::Foreground) + of(Lane::Background).min(room)
    }
}

/// The place among the organisation's tasks of the kinds that count, users taking turns.
fn place_in_organisation(
    org: &Organisation,
    brief: &Brief,
    counts: &dyn Fn(&Want) -> bool,
    walked: &mut Walked,
) -> usize {
    let own_id = &brief.owner.user;
    let rounds = org.users.get(own_id).map_or(0, |user| ahead_of_own(user, brief, counts, walked));
    let ticket = |id: &UserId| org.turns.turn(id, counts).map_or(u64::MAX, |turn| turn.ticket);
    let own = (ticket(own_id), own_id);
    let others = org.users.iter().filter(|(id, _)| *id != own_id);
    let ahead = others.map(|(id, user)| {
        let served = rounds + usize::from((ticket(id), id) < own);
        served.min(Lane::ALL.map(|lane| admissible(user, lane, org.policy.caps, counts)).iter().sum())
    });
    rounds + 1 + ahead.sum::<usize>()
}

/// How many of its user's tasks of the kinds that count come first.
fn ahead_of_own(user: &User, brief: &Brief, counts: &dyn Fn(&Want) -> bool, walked: &mut Walked) -> usize {
    let own = brief.want();
    let queues = user.queue.iter().filter(|(want, _)| counts(want) || **want == own);
    queues.map(|(_, queue)| walked.before(queue, brief.rank())).sum()
}

/// The queues in which places were looked up, in order, by where they lie: while many places are looked
/// up no queue moves, and a long one is walked along once.
#[derive(Default)]
struct Walked(HashMap<*const BTreeSet<Rank>, Vec<Rank>>);

impl Walked {
    /// How many come before a rank.
    fn before(&mut self, queue: &BTreeSet<Rank>, rank: Rank) -> usize {
        let ranks = self.0.entry(std::ptr::from_ref(queue));
        ranks.or_insert_with(|| queue.iter().copied().collect()).partition_point(|other| *other < rank)
    }
}

fn admissible(user: &User, lane: Lane, caps: Caps, counts: &dyn Fn(&Want) -> bool) -> usize {
    let queues = user.queue.iter().filter(|(want, _)| want.0 == lane && counts(want));
    let waiting: usize = queues.map(|(_, queue)| queue.len()).sum();
    waiting.min(user.room(lane, caps) as usize)
}
