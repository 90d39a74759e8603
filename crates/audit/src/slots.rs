//! Slots, counted anew from the ledgers and the histories.
//!
//! A task holds a slot of its user and organisation from its admission until its run ended; its
//! conversation it holds while it is paused as well. In the foreground it holds one of its user's slots
//! for that, and nothing else. An admission of a run the task cannot have any
//! more, or of a task that does not wait, is void.
//!
//! The cap that counts is the one whoever admitted had to know. He had to have seen the ledger's last
//! commit, and that each task waits; one stream holds all of it, so he had seen every policy before
//! the later of these. A policy stored after that may have come too late for him: until the next
//! commit on the ledger the larger of the caps counts.

use std::collections::HashMap;

use longhaul_core::{
    AdmissionCommit, Caps, ConversationId, Lane, OrgId, PolicyCommit, RunNumber, Sequence, Snapshot, Status,
    TaskRef, UserId,
};

use crate::finding::{Findings, Rule};

/// The slots of one shard.
#[derive(Default)]
pub(crate) struct Slots {
    orgs: HashMap<OrgId, Organisation>,
    /// Tasks that have not ended.
    tasks: HashMap<TaskRef, Holder>,
    /// Slots given.
    pub(crate) given: u64,
    /// The most slots one user and one organisation ever held at once.
    pub(crate) most: (u32, u32),
}

#[derive(Default)]
struct Organisation {
    /// The last policies, each with its place, that may have been in force for an admission to come.
    policies: Vec<(Sequence, Caps)>,
    /// The last commit on the ledger.
    ledger: Sequence,
    /// In the background.
    held: u32,
    users: HashMap<(UserId, Lane), u32>,
    conversations: HashMap<ConversationId, u32>,
    /// A record of its ledger or policy could not be read: nothing can be said from there on.
    blind: bool,
}

struct Holder {
    user: UserId,
    lane: Lane,
    /// The one it holds.
    conversation: Option<ConversationId>,
    status: Status,
    next_run: RunNumber,
    /// The run that has a slot and has not begun, and the ledger's commit that gave it.
    grant: Option<(RunNumber, Sequence)>,
    /// The commit since which it waits.
    waits_since: Sequence,
}

impl Holder {
    fn holds_slot(&self) -> bool {
        self.status.is_running() || self.grant.is_some()
    }

    fn holds_conversation(&self) -> bool {
        self.holds_slot() || self.status == Status::Paused
    }
}

impl Slots {
    /// A task's state after a commit.
    pub(crate) fn task(&mut self, key: &TaskRef, s: &Snapshot, sequence: Sequence) {
        let old = self.remove(key);
        if s.status.is_terminal() {
            return;
        }
        let waited = old.as_ref().filter(|old| old.status == Status::Pending && old.next_run == s.next_run);
        let grant = old.as_ref().and_then(|old| old.grant);
        let holder = Holder {
            user: s.owner.user.clone(),
            lane: s.lane,
            conversation: s.owner.line(s.lane).cloned(),
            status: s.status,
            next_run: s.next_run,
            grant: grant.filter(|(run, _)| s.status == Status::Pending && *run == s.next_run),
            waits_since: waited.map_or(sequence, |old| old.waits_since),
        };
        self.insert(key.clone(), holder);
    }

    /// A run begins: whether it has a slot.
    pub(crate) fn begins(
        &self,
        key: &TaskRef,
        (run, ledger): (RunNumber, Sequence),
        sequence: Sequence,
        found: &mut Findings,
    ) {
        let granted = self.tasks.get(key).and_then(|holder| holder.grant);
        let blind = self.orgs.get(&key.org).is_some_and(|org| org.blind);
        if granted != Some((run, ledger)) && !blind {
            found.task(Rule::Slots, sequence, key, || {
                let has = granted.map_or("no slot".to_owned(), |(run, ledger)| {
                    format!("a slot for run {run}, given at {ledger}")
                });
                format!("run {run} began, and the ledger gave it no slot at {ledger}; the task has {has}")
            });
        }
    }

    /// Nothing is known of a task any more.
    pub(crate) fn put_aside(&mut self, key: &TaskRef) {
        self.remove(key);
    }

    /// Slots are given.
    pub(crate) fn admissions(&mut self, commit: &AdmissionCommit, sequence: Sequence, found: &mut Findings) {
        let mut known = self.orgs.entry(commit.org.clone()).or_default().ledger;
        let mut given = Vec::new();
        for admission in &commit.admissions {
            let key = TaskRef { org: commit.org.clone(), task: admission.task };
            let Some(holder) = self.tasks.get(&key) else { continue };
            let waits = holder.status == Status::Pending && holder.grant.is_none();
            if !waits || holder.next_run != admission.run {
                continue;
            }
            known = known.max(holder.waits_since);
            let theirs = (&holder.user, holder.lane, holder.conversation.as_ref());
            let named = (&admission.user, admission.lane, admission.conversation.as_ref());
            if theirs != named {
                found.task(Rule::Owners, sequence, &key, || {
                    let (theirs, named) = (whose(theirs), whose(named));
                    format!("it belongs to {theirs}, and the ledger counts it for {named}")
                });
            }
            let Some(holder) = self.remove(&key) else { continue };
            given.push((holder.user.clone(), holder.lane, holder.conversation.clone()));
            self.insert(key, Holder { grant: Some((admission.run, sequence)), ..holder });
        }
        self.given += given.len() as u64;
        let Some(org) = self.orgs.get_mut(&commit.org) else { return };
        let caps = org.caps(known);
        for (user, lane, conversation) in given {
            let held = org.users.get(&(user.clone(), lane)).copied().unwrap_or(0);
            self.most = (self.most.0.max(held), self.most.1.max(org.held));
            if org.blind {
                continue;
            }
            let mut exceeded = |whose: &str, held: u32, cap: u32| {
                if held > cap {
                    let what = || format!("{whose} holds {held} slots of {cap}");
                    found.org(Rule::Slots, sequence, &commit.org, what);
                }
            };
            if lane == Lane::Foreground {
                exceeded(&format!("user {user} of {} in the foreground", commit.org), held, caps.foreground);
                continue;
            }
            exceeded(&format!("user {user} of {}", commit.org), held, caps.user);
            exceeded(&format!("organisation {}", commit.org), org.held, caps.organisation);
            if let Some(id) = conversation {
                let held = org.conversations.get(&id).copied().unwrap_or(0);
                exceeded(&format!("conversation {id} of {}", commit.org), held, caps.conversation);
            }
        }
        org.ledger = sequence;
        let last = org.policies.iter().rposition(|(at, _)| *at < sequence).unwrap_or(0);
        org.policies.drain(..last);
    }

    /// An organisation has another policy from here on.
    pub(crate) fn policy(&mut self, commit: &PolicyCommit, sequence: Sequence) {
        let org = self.orgs.entry(commit.org.clone()).or_default();
        org.policies.push((sequence, commit.policy.caps));
    }

    /// A record of an organisation's ledger or policy cannot be read.
    pub(crate) fn blind(&mut self, org: &OrgId) {
        self.orgs.entry(org.clone()).or_default().blind = true;
    }

    /// The run of a task that has a slot and has not begun, and the ledger's commit that gave it.
    pub(crate) fn grant(&self, key: &TaskRef) -> Option<(RunNumber, Sequence)> {
        self.tasks.get(key)?.grant
    }

    /// How many tasks are under way, and how many have a slot and have not begun.
    pub(crate) fn held(&self) -> (u64, u64) {
        let granted = self.tasks.values().filter(|holder| holder.grant.is_some()).count() as u64;
        let under_way = self.tasks.values().filter(|holder| holder.status.is_running()).count() as u64;
        (under_way, granted)
    }

    fn insert(&mut self, key: TaskRef, holder: Holder) {
        self.count(&key.org, &holder, |n| n.saturating_add(1));
        self.tasks.insert(key, holder);
    }

    fn remove(&mut self, key: &TaskRef) -> Option<Holder> {
        let holder = self.tasks.remove(key)?;
        self.count(&key.org, &holder, |n| n.saturating_sub(1));
        Some(holder)
    }

    fn count(&mut self, org: &OrgId, holder: &Holder, step: fn(u32) -> u32) {
        let org = self.orgs.entry(org.clone()).or_default();
        if holder.holds_slot() {
            if holder.lane.is_background() {
                org.held = step(org.held);
            }
            change(&mut org.users, &(holder.user.clone(), holder.lane), step);
        }
        if let Some(id) = holder.conversation.as_ref().filter(|_| holder.holds_conversation()) {
            change(&mut org.conversations, id, step);
        }
    }
}

fn whose((user, lane, conversation): (&UserId, Lane, Option<&ConversationId>)) -> String {
    match (lane, conversation) {
        (Lane::Foreground, _) => format!("user {user} in the foreground"),
        (Lane::Background, Some(conversation)) => format!("user {user} in conversation {conversation}"),
        (Lane::Background, None) => format!("user {user} in no conversation"),
    }
}

/// Counts, and forgets who holds nothing.
fn change<K: Clone + Eq + std::hash::Hash>(held: &mut HashMap<K, u32>, who: &K, step: fn(u32) -> u32) {
    let n = held.entry(who.clone()).or_default();
    *n = step(*n);
    if *n == 0 {
        held.remove(who);
    }
}

impl Organisation {
    /// The largest caps that whoever had seen everything up to `known` may have gone by.
    fn caps(&self, known: Sequence) -> Caps {
        let in_force = self.policies.iter().rposition(|(at, _)| *at <= known);
        let seen = in_force.map_or_else(Caps::default, |at| self.policies[at].1);
        let later = &self.policies[in_force.map_or(0, |at| at + 1)..];
        later.iter().fold(seen, |a, (_, b)| Caps {
            user: a.user.max(b.user),
            organisation: a.organisation.max(b.organisation),
            conversation: a.conversation.max(b.conversation),
            foreground: a.foreground.max(b.foreground),
        })
    }
}
