//! The fold: from what is on the log, and what executors say, to queues.

use std::collections::{BTreeMap, BTreeSet};

use super::brief::{Brief, Grant, Want};
use super::organisation::Organisation;
use super::rooms::Rooms;
use super::turns::Turns;
use crate::beat::{Beat, TaskRef};
use crate::id::{ConversationId, ExecutorId, Kind, OrgId, Sequence, TaskId};
use crate::ledger::{AdmissionCommit, Period, Policy};
use crate::snapshot::{Snapshot, Status};
use crate::time::Timestamp;

/// One shard's running and waiting tasks, and whose turn it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    pub(super) now: Timestamp,
    pub(super) tasks: BTreeMap<TaskRef, Brief>,
    pub(super) orgs: BTreeMap<OrgId, Organisation>,
    /// Organisations that have something to admit and may.
    pub(super) turns: Turns<OrgId>,
    /// Pending tasks whose time has not come.
    pub(super) delayed: BTreeSet<(Timestamp, TaskRef)>,
    /// Runs that have a slot and have not started, by admission.
    pub(super) granted: BTreeMap<Kind, BTreeSet<(Sequence, u32, TaskRef)>>,
    /// Organisations that have used up the day's budget.
    exhausted: BTreeSet<OrgId>,
    pub(super) rooms: Rooms,
    /// Kinds that some executor took at some time.
    known: BTreeSet<Kind>,
}

/// How many live tasks there are, by what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Running or aborting.
    pub running: u64,
    /// With a slot, not started yet.
    pub admitted: u64,
    /// Pending without a slot.
    pub waiting: u64,
    /// Paused.
    pub paused: u64,
}

impl Board {
    /// An empty board.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what time it is. Tasks whose time has come join their queues, budgets of a day begin
    /// anew. Time never goes back: an earlier moment changes nothing.
    pub fn advance(&mut self, now: Timestamp) {
        let day_over = now.day() > self.now.day();
        self.now = self.now.max(now);
        if day_over {
            let orgs: Vec<OrgId> = self.orgs.keys().cloned().collect();
            for org in orgs {
                if let Some(known) = self.orgs.get_mut(&org) {
                    known.spent.forget_before(now);
                }
                self.refresh(&org);
            }
        }
        while self.delayed.first().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, task)) = self.delayed.pop_first() else { break };
            if let Some(brief) = self.tasks.get(&task).cloned() {
                self.replace(task, Some(brief));
            }
        }
    }

    /// When waiting alone changes something: the earliest delayed start, or the end of a day whose
    /// budget is used up. Later than the last [`Board::advance`].
    pub fn next_wake(&self) -> Option<Timestamp> {
        let delayed = self.delayed.first().map(|(at, _)| *at);
        let budget = (!self.exhausted.is_empty()).then(|| self.now.midnight());
        [delayed, budget].into_iter().flatten().min()
    }

    /// Takes in a task's state after a commit. A task that has ended leaves the board; one that was
    /// retried comes back.
    pub fn task(&mut self, snapshot: &Snapshot) {
        let mut brief = Brief::of(snapshot);
        let task = brief.key();
        if let Some(old) = self.tasks.get(&task) {
            // An admission is void once the task cannot have that run any more.
            let grant = old.grant.filter(|grant| grant.run == brief.next_run);
            brief.grant = grant.filter(|_| brief.status == Status::Pending);
            if *old == brief {
                return;
            }
        }
        self.replace(task, (!brief.status.is_terminal()).then_some(brief));
    }

    /// Takes a task off the board: nothing is known of it any more.
    pub fn set_aside(&mut self, task: &TaskRef) {
        self.replace(task.clone(), None);
    }

    /// Takes in a commit on an organisation's ledger.
    pub fn admissions(&mut self, commit: &AdmissionCommit, sequence: Sequence) {
        let org = self.orgs.entry(commit.org.clone()).or_default();
        org.ledger = org.ledger.max(sequence);
        let mut places = self.free_places();
        for (index, admission) in (0..).zip(&commit.admissions) {
            let grant = Grant { run: admission.run, ledger: sequence, index, why: admission.why };
            let task = TaskRef { org: commit.org.clone(), task: admission.task };
            self.serve(&task, grant, &places.wants());
            places.take(&admission.kind);
        }
    }

    /// A record of the organisation's ledger cannot be read. Who has a slot is not known any more:
    /// nothing is admitted, for the caps to hold, until a program that can read it takes over.
    pub fn ledger_unreadable(&mut self, org: &OrgId) {
        self.orgs.entry(org.clone()).or_default().unreadable = true;
        self.refresh(org);
    }

    /// Gives a waiting task's next run a slot, in its turn, while there was room for `open`.
    pub(super) fn serve(&mut self, task: &TaskRef, grant: Grant, open: &BTreeSet<Want>) {
        let Some(brief) = self.tasks.get(task).filter(|brief| brief.may_have(&grant)) else { return };
        if let Some(org) = self.orgs.get_mut(&brief.owner.org) {
            let mut open = org.within_cap(open);
            open.insert(brief.want());
            org.turns.charge(&brief.owner.user, &open, 1);
            self.turns.charge(&brief.owner.org, &open, org.quantum());
        }
        self.grant(task, grant);
    }

    /// Gives a waiting task's next run a slot out of turn: for readers that keep grants beside the
    /// tasks and build the board anew from both. For any other run, and for a task that is not
    /// pending, the slot is void.
    pub fn grant(&mut self, task: &TaskRef, grant: Grant) {
        if let Some(brief) = self.tasks.get(task).filter(|brief| brief.may_have(&grant)) {
            let brief = Brief { grant: Some(grant), ..brief.clone() };
            self.replace(task.clone(), Some(brief));
        }
    }

    /// Takes in an organisation's new policy.
    pub fn policy(&mut self, org: &OrgId, policy: Policy) {
        let known = self.orgs.entry(org.clone()).or_default();
        known.policy = policy;
        let conversations: Vec<_> = known.conversations.keys().cloned().collect();
        let users: Vec<_> = known.users.keys().cloned().collect();
        for conversation in conversations {
            self.settle(org, &conversation);
        }
        if let Some(known) = self.orgs.get_mut(org) {
            for user in users {
                known.refresh(&user, &self.known);
            }
        }
        self.refresh(org);
    }

    /// Takes in tokens used, at the time of the commit that says so.
    pub fn spent(&mut self, org: &OrgId, at: Timestamp, tokens: u64) {
        if tokens > 0 {
            self.orgs.entry(org.clone()).or_default().spent.add(at, tokens);
            self.refresh(org);
        }
    }

    /// Takes in an executor's beat.
    pub fn beat(&mut self, beat: &Beat) {
        let fresh: Vec<Kind> = self.rooms.beat(beat).filter(|kind| self.known.insert(kind.clone())).collect();
        if fresh.is_empty() {
            return;
        }
        let orgs: Vec<OrgId> = self.orgs.keys().cloned().collect();
        for org in orgs {
            if let Some(known) = self.orgs.get_mut(&org) {
                let users: Vec<_> = known.users.keys().cloned().collect();
                for user in users {
                    known.refresh(&user, &self.known);
                }
            }
            self.refresh(&org);
        }
    }

    /// An executor is not heard any more: it has no room.
    pub fn gone(&mut self, executor: ExecutorId) {
        self.rooms.gone(executor);
    }

    /// The last commit seen on an organisation's ledger: what an admission is to expect.
    pub fn ledger(&self, org: &OrgId) -> Sequence {
        self.orgs.get(org).map_or(Sequence::ZERO, |org| org.ledger)
    }

    /// The slot a pending task has, if it has one.
    pub fn granted(&self, task: &TaskRef) -> Option<Grant> {
        self.tasks.get(task)?.grant
    }

    /// Every run that has a slot and has not started: whose task it is, its kind, and the grant.
    pub fn grants(&self) -> impl Iterator<Item = (&OrgId, TaskId, &Kind, Grant)> {
        let granted = self.granted.values().flatten().filter_map(|(_, _, task)| self.tasks.get(task));
        granted.filter_map(|brief| Some((&brief.owner.org, brief.task, &brief.kind, brief.grant?)))
    }

    /// Whether the task is on the board: known, and not ended.
    pub fn contains(&self, task: &TaskRef) -> bool {
        self.tasks.contains_key(task)
    }

    /// How many live tasks there are. Walks over all of them.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for brief in self.tasks.values() {
            let which = match brief.status {
                _ if brief.grant.is_some() => &mut counts.admitted,
                Status::Paused => &mut counts.paused,
                status if status.is_running() => &mut counts.running,
                _ => &mut counts.waiting,
            };
            *which += 1;
        }
        counts
    }

    /// Puts `brief` in the place of what was known of the task, and everything that depends on it
    /// in order.
    pub(super) fn replace(&mut self, task: TaskRef, brief: Option<Brief>) {
        let old = self.tasks.remove(&task);
        self.move_run(old.as_ref(), brief.as_ref());
        let Some(either) = brief.as_ref().or(old.as_ref()) else { return };
        let (owner, conversation) = (either.owner.clone(), either.conversation().cloned());
        if let Some(old) = &old {
            self.unfile(old);
        }
        if let Some(brief) = brief {
            self.file(&brief);
            self.tasks.insert(task, brief);
        }
        if let Some(conversation) = &conversation {
            self.settle(&owner.org, conversation);
        }
        if let Some(org) = self.orgs.get_mut(&owner.org) {
            org.refresh(&owner.user, &self.known);
        }
        self.refresh(&owner.org);
    }

    fn move_run(&mut self, old: Option<&Brief>, new: Option<&Brief>) {
        let run = |brief: &Brief| Some((brief.runs_on()?, (brief.key(), brief.run)));
        let (old, new) = (old.and_then(run), new.and_then(run));
        if old == new {
            return;
        }
        if let Some((executor, run)) = old {
            self.rooms.ended(executor, run);
        }
        if let Some((executor, run)) = new {
            self.rooms.started(executor, run);
        }
    }

    fn file(&mut self, brief: &Brief) {
        let due = brief.due(self.now);
        let org = self.orgs.entry(brief.owner.org.clone()).or_default();
        if brief.holds_slot() {
            org.held += u32::from(brief.lane.is_background());
            org.user(&brief.owner.user).hold(brief);
        }
        if let Some(conversation) = brief.conversation() {
            let conversation = org.conversations.entry(conversation.clone()).or_default();
            if brief.holds_conversation() {
                conversation.hold(brief.task);
            } else if due || !brief.is_new() {
                conversation.wait(brief.line());
            }
        } else if brief.waits() && due {
            org.user(&brief.owner.user).enqueue(brief);
        }
        if let Some(grant) = brief.grant {
            let queue = self.granted.entry(brief.kind.clone()).or_default();
            queue.insert((grant.ledger, grant.index, brief.key()));
        }
        if let Some(at) = brief.not_before.filter(|_| brief.waits() && !due) {
            self.delayed.insert((at, brief.key()));
        }
    }

    fn unfile(&mut self, brief: &Brief) {
        if let Some(org) = self.orgs.get_mut(&brief.owner.org) {
            let user = org.users.entry(brief.owner.user.clone()).or_default();
            user.dequeue(brief);
            if user.let_go(brief) {
                org.held -= u32::from(brief.lane.is_background());
            }
            if let Some(conversation) = brief.conversation().and_then(|id| org.conversations.get_mut(id)) {
                conversation.leave(&brief.line());
            }
        }
        if let Some(grant) = brief.grant
            && let Some(queue) = self.granted.get_mut(&brief.kind)
        {
            queue.remove(&(grant.ledger, grant.index, brief.key()));
            if queue.is_empty() {
                self.granted.remove(&brief.kind);
            }
        }
        if let Some(at) = brief.not_before {
            self.delayed.remove(&(at, brief.key()));
        }
    }

    /// Lets a conversation's tasks into their users' queues, or out of them.
    fn settle(&mut self, org_id: &OrgId, id: &ConversationId) {
        let Some(org) = self.orgs.get_mut(org_id) else { return };
        let Some(conversation) = org.conversations.get_mut(id) else { return };
        let settled = conversation.settle(org.policy.caps.conversation);
        if conversation.is_empty() {
            org.conversations.remove(id);
        }
        let brief = |task| self.tasks.get(&TaskRef { org: org_id.clone(), task });
        for brief in settled.shut.into_iter().filter_map(brief) {
            org.user(&brief.owner.user).dequeue(brief);
            org.refresh(&brief.owner.user, &self.known);
        }
        for brief in settled.opened.into_iter().filter_map(brief) {
            if brief.due(self.now) {
                org.user(&brief.owner.user).enqueue(brief);
                org.refresh(&brief.owner.user, &self.known);
            }
        }
    }

    /// Puts an organisation in or out of line, after a change.
    fn refresh(&mut self, id: &OrgId) {
        let Some(org) = self.orgs.get(id) else { return };
        self.turns.set(id, &org.wants(self.now), org.quantum());
        let waits_for_day = org.exhausted(self.now).is_some_and(|(budget, _)| budget.per == Period::Day);
        if org.is_blank() {
            self.orgs.remove(id);
        }
        if waits_for_day {
            self.exhausted.insert(id.clone());
        } else {
            self.exhausted.remove(id);
        }
    }
}
