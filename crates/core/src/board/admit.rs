//! Whose turn it is.

use std::collections::{BTreeMap, BTreeSet};

use super::brief::{Brief, Grant, Want};
use super::fold::Board;
use super::rooms::Places;
use super::turns::Kept;
use crate::beat::TaskRef;
use crate::id::{OrgId, Sequence, UserId};
use crate::ledger::{Admission, MAX_ADMISSIONS};
use crate::time::Timestamp;

/// The ledger of a plan that nobody has written yet.
pub(super) const PLANNED: Sequence = Sequence(u64::MAX);

/// One planned admission, and what it takes to undo it.
pub(super) struct Step {
    org: OrgId,
    user: UserId,
    admission: Admission,
    org_turn: Kept,
    user_turn: Kept,
}

impl Step {
    pub(super) fn task(&self) -> TaskRef {
        TaskRef { org: self.org.clone(), task: self.admission.task }
    }
}

impl Board {
    /// The admissions to append next, at most `limit` in all and [`MAX_ADMISSIONS`] for each
    /// organisation, in order. Nothing on the board changes but the time: what is really admitted
    /// comes back through [`Board::admissions`].
    pub fn admit(&mut self, now: Timestamp, limit: usize) -> Vec<(OrgId, Vec<Admission>)> {
        self.advance(now);
        self.tentatively(limit, |_, plan| {
            let mut by_org: BTreeMap<&OrgId, Vec<Admission>> = BTreeMap::new();
            for step in plan {
                let admissions = by_org.entry(&step.org).or_default();
                if admissions.len() < MAX_ADMISSIONS {
                    admissions.push(step.admission.clone());
                }
            }
            by_org.into_iter().map(|(org, admissions)| (org.clone(), admissions)).collect()
        })
    }

    /// Admits as far as slots and places go, lets `look` see the outcome, and undoes it. A plan is
    /// thereby exactly what folding it would do.
    pub(super) fn tentatively<T>(&mut self, limit: usize, look: impl FnOnce(&Self, &[Step]) -> T) -> T {
        let mut places = self.free_places();
        let mut plan = Vec::new();
        while plan.len() < limit {
            let open = places.wants();
            let Some(step) = self.choose(&open) else { break };
            let Admission { run, why, .. } = step.admission;
            let index = u32::try_from(plan.len()).unwrap_or(u32::MAX);
            self.serve(&step.task(), Grant { run, ledger: PLANNED, index, why }, &open);
            places.take(&step.admission.kind);
            plan.push(step);
        }
        let seen = look(self, &plan);
        for step in plan.into_iter().rev() {
            self.undo(step);
        }
        seen
    }

    /// Where the next admitted runs can go: free places by the beats, less those that runs admitted
    /// earlier are on their way to.
    pub fn free_places(&self) -> Places {
        let mut places = self.rooms.free();
        for (kind, queue) in &self.granted {
            let runs =
                queue.iter().filter_map(|(_, _, task)| Some((task.clone(), self.tasks.get(task)?.next_run)));
            for _ in runs.filter(|run| !self.rooms.is_listed(run)) {
                if places.take(kind).is_none() {
                    break;
                }
            }
        }
        places
    }

    /// Where runs can go that were admitted and have not started: free places by the beats alone.
    pub fn open_places(&self) -> Places {
        self.rooms.free()
    }

    /// Whose turn it is, while there is room for `open`.
    fn choose(&self, open: &BTreeSet<Want>) -> Option<Step> {
        let org_id = self.turns.next(open)?;
        let org = self.orgs.get(org_id)?;
        let open = &org.within_cap(open);
        let user_id = org.turns.next(open)?;
        let (.., task) = *org.users.get(user_id)?.first(open, org.policy.caps)?;
        let brief = self.tasks.get(&TaskRef { org: org_id.clone(), task })?;
        Some(Step {
            org: org_id.clone(),
            user: user_id.clone(),
            admission: Admission {
                task,
                run: brief.next_run,
                user: user_id.clone(),
                conversation: brief.conversation().cloned(),
                lane: brief.lane,
                kind: brief.kind.clone(),
                why: brief.admit_as,
            },
            org_turn: self.turns.keep(org_id),
            user_turn: org.turns.keep(user_id),
        })
    }

    fn undo(&mut self, step: Step) {
        let task = step.task();
        let Some(brief) = self.tasks.get(&task) else { return };
        let brief = Brief { grant: None, ..brief.clone() };
        self.replace(task, Some(brief));
        self.turns.restore(&step.org, step.org_turn);
        if let Some(org) = self.orgs.get_mut(&step.org) {
            org.turns.restore(&step.user, step.user_turn);
        }
    }
}
