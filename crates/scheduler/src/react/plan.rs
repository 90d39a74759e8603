//! Admission: ledgers being written to, and runs on their way to an executor.

use longhaul_core::board::Places;
use longhaul_core::{Admission, Dispatch, Millis, OrgId, RunNumber, Sequence, TaskRef};

use super::input::{Effect, Moment, NotAdmitted, Now};
use super::state::{AGAIN, State};

/// Most admissions at once, over all organisations.
const AT_ONCE: usize = 1024;

/// The longest wait between two dispatches of one run.
const LONGEST_WAIT: Millis = Millis::minutes(1);

/// An organisation whose ledger is being written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitting {
    /// No answer yet.
    Asked,
    /// The answer tells of a commit that the board has not seen yet.
    Follows {
        /// That commit, or a later one.
        at_least: Sequence,
        /// When it is not waited for any longer: a conflict may be with a write that failed.
        until: Option<Moment>,
    },
}

/// An admitted run that has not started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    run: RunNumber,
    /// When it is dispatched again.
    again: Moment,
    wait: Millis,
}

impl State {
    /// Plans the next admissions, unless some are still under way: those count on the board only once
    /// they have been seen on the log.
    pub(super) fn plan(&mut self, now: Now) -> Vec<Effect> {
        self.followed(now);
        if !self.changed || !self.acts() || !self.admitting.is_empty() || now.moment < self.not_before {
            return vec![];
        }
        self.changed = false;
        let plan = self.board.admit(now.wall, AT_ONCE);
        plan.into_iter()
            .map(|(org, admissions)| {
                let expect = self.board.ledger(&org);
                self.admitting.insert(org.clone(), Admitting::Asked);
                Effect::Admit { org, admissions, expect }
            })
            .collect()
    }

    /// What came of an append to a ledger. What it holds is handed out at once: once acknowledged it
    /// stands, and that the ledger shows it here takes a moment longer.
    pub(super) fn admitted(
        &mut self,
        now: Now,
        org: OrgId,
        admissions: Vec<Admission>,
        result: Result<Sequence, NotAdmitted>,
    ) -> Vec<Effect> {
        self.changed = true;
        let mut effects = Vec::new();
        let follows = match result {
            Ok(at_least) => {
                if self.board.ledger(&org) < at_least {
                    effects = self.hand_out(&org, admissions, at_least);
                }
                Admitting::Follows { at_least, until: None }
            }
            Err(NotAdmitted::Conflict) => {
                let at_least = Sequence(self.board.ledger(&org).0.saturating_add(1));
                Admitting::Follows { at_least, until: Some(now.moment.plus(AGAIN)) }
            }
            Err(NotAdmitted::Failed) => {
                self.not_before = now.moment.plus(AGAIN);
                self.admitting.remove(&org);
                return effects;
            }
        };
        if let Some(asked) = self.admitting.get_mut(&org) {
            *asked = follows;
        }
        self.followed(now);
        effects
    }

    /// Dispatches of runs that the ledger is known to hold at `ledger`. What there is no room for any
    /// more is handed out once the ledger shows it.
    fn hand_out(&mut self, org: &OrgId, admissions: Vec<Admission>, ledger: Sequence) -> Vec<Effect> {
        let mut places = self.board.free_places();
        let mut effects = Vec::with_capacity(admissions.len());
        for Admission { task, run, kind, why, .. } in admissions {
            let Some(to) = places.take(&kind) else { continue };
            let at = TaskRef { org: org.clone(), task };
            let only = self.only(&at);
            self.ahead.insert((at, run));
            let dispatch = Dispatch { org: org.clone(), task, run, kind, ledger, why, only };
            effects.push(Effect::Dispatch { dispatch, to });
        }
        effects
    }

    /// The record that is all there is of a task's history, if it is one.
    fn only(&self, task: &TaskRef) -> Option<Sequence> {
        self.tasks.get(task).filter(|snapshot| snapshot.events == 1).map(|snapshot| snapshot.sequence)
    }

    /// Drops what the board has seen by now.
    fn followed(&mut self, now: Now) {
        let board = &self.board;
        self.admitting.retain(|org, admitting| match admitting {
            Admitting::Asked => true,
            Admitting::Follows { at_least, until } => {
                board.ledger(org) < *at_least && until.is_none_or(|until| until > now.moment)
            }
        });
    }

    /// A run was given a slot. Whoever gave it hands it out; the others see to it that it starts.
    pub(super) fn granted(&mut self, now: Now, task: &TaskRef, run: RunNumber, own: bool) -> Option<Effect> {
        let ahead = self.ahead.remove(&(task.clone(), run));
        self.board.granted(task).filter(|grant| grant.run == run)?;
        let wait = self.rules.redispatch;
        let effect = (own && !ahead).then(|| self.dispatch(task, &mut self.board.open_places())).flatten();
        // What found no room is handed out as soon as there is some.
        let again = if own && !ahead && effect.is_none() { now.moment } else { now.moment.plus(wait) };
        self.unstarted.insert(task.clone(), Waits { run, again, wait });
        effect
    }

    /// Forgets a run that has started, or will not.
    pub(super) fn settle(&mut self, task: &TaskRef) {
        if let Some(waits) = self.unstarted.get(task)
            && self.board.granted(task).is_none_or(|grant| grant.run != waits.run)
        {
            self.unstarted.remove(task);
        }
    }

    /// What was dispatched may have been lost with the server: it is dispatched again if it has not
    /// started in a moment.
    pub(super) fn doubt_dispatches(&mut self, now: Now) {
        for waits in self.unstarted.values_mut() {
            waits.wait = self.rules.redispatch;
            waits.again = waits.again.min(now.moment.plus(AGAIN));
        }
    }

    /// Dispatches again what should have started by now.
    pub(super) fn dispatch_again(&mut self, now: Now) -> Vec<Effect> {
        let due = self.unstarted.iter().filter(|(_, waits)| waits.again <= now.moment);
        let due: Vec<TaskRef> = due.map(|(task, _)| task.clone()).collect();
        if due.is_empty() {
            return vec![];
        }
        let mut places = self.board.open_places();
        let mut effects = Vec::new();
        for task in due {
            // Without room it stays due.
            let Some(effect) = self.dispatch(&task, &mut places) else { continue };
            if let Some(waits) = self.unstarted.get_mut(&task) {
                waits.wait = Millis(waits.wait.0.saturating_mul(2)).min(LONGEST_WAIT);
                waits.again = now.moment.plus(waits.wait);
            }
            effects.push(effect);
        }
        effects
    }

    /// Hands an admitted run to somebody who has room; nothing if nobody has.
    fn dispatch(&self, task: &TaskRef, places: &mut Places) -> Option<Effect> {
        let grant = self.board.granted(task)?;
        let kind = self.tasks.get(task)?.kind.clone();
        let to = places.take(&kind)?;
        let dispatch = Dispatch {
            org: task.org.clone(),
            task: task.task,
            run: grant.run,
            kind,
            ledger: grant.ledger,
            why: grant.why,
            only: self.only(task),
        };
        Some(Effect::Dispatch { dispatch, to })
    }
}
