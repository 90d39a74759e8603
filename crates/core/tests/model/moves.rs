//! What everybody may do in a state.

use longhaul_core::{RunNumber, Status, TaskRef};

use super::explore::Next;
use super::pure::{Deed, Move, Snap, executor_id, org, task_id};
use super::state::{Doing, Errand, Executor, Request, Said, State};
use super::world::{Flaw, From, Step, World};

impl World {
    /// What the handler of a run may do next, and whether it is bound to do something of the kind.
    fn moves(&self, state: &State, view: Snap) -> Vec<(Move, bool)> {
        let Some(s) = self.pure.snapshot(view) else { return vec![] };
        let open = self.pure.open_step(s);
        let begun = open.is_some_and(|step| self.pure.has_begun(s, step));
        let aborting = s.status == Status::Aborting;
        let mut moves = match open {
            Some(_) if begun => vec![(Move::RecordStep, true)],
            Some(_) if aborting => vec![],
            Some(_) => vec![(Move::BeginStep, true)],
            None => vec![(Move::Complete, true)],
        };
        if aborting {
            moves.push((Move::Stop, true));
        }
        let left = &state.left;
        moves.extend((left.slices > 0 && !begun).then_some((Move::Slice, false)));
        moves.extend((left.fails > 0).then_some((Move::Fail, false)));
        moves.extend((left.asks > 0 && !begun && !aborting).then_some((Move::Ask, false)));
        moves
    }

    pub(super) fn errands(&mut self, state: &State, next: &mut Vec<Next<Self>>) {
        for (at, errand) in state.errands.iter().enumerate().filter(|(_, errand)| errand.request.is_none()) {
            let mut after = state.clone();
            match self.decide(state, errand.task, errand.deed) {
                Some(request) => after.errands[at].request = Some(request),
                None => drop(after.errands.remove(at)),
            }
            after.errands.sort_unstable();
            next.push(Next { step: Step::Again { errand: at }, state: after, helpful: true });
        }
        let submits = state.errands.iter().any(|errand| errand.deed == Deed::Submit);
        if state.submitted < state.tasks.len() && !submits {
            let mut after = state.clone();
            after.submitted += 1;
            self.wants(after, state.submitted, Deed::Submit, true, next);
        }
        for (task, known) in state.tasks.iter().enumerate() {
            let Some(s) = self.pure.snapshot(known.snap) else { continue };
            let (status, run) = (s.status, s.run);
            let runs_on = s.executor.filter(|_| status.is_running());
            if status == Status::Paused {
                self.wants(state.clone(), task, Deed::Answer, true, next);
            }
            if state.left.aborts > 0 && !status.is_terminal() {
                let mut after = state.clone();
                after.left.aborts -= 1;
                self.wants(after, task, Deed::Abort, false, next);
            }
            if state.left.retries > 0 && status.is_terminal() {
                let mut after = state.clone();
                after.left.retries -= 1;
                self.wants(after, task, Deed::Retry, false, next);
            }
            if let Some(executor) = runs_on {
                let id = (0..=state.unborn).find(|id| executor_id(*id) == executor).unwrap();
                let silent = !state.executors.iter().any(|executor| executor.holds(id, task, run));
                let mut after = state.clone();
                if !silent {
                    if state.left.slow == 0 {
                        continue;
                    }
                    after.left.slow -= 1;
                } else if self.has(Flaw::NobodyDeclaresLost) {
                    continue;
                }
                self.wants(after, task, Deed::DeclareLost(run), silent, next);
            }
        }
    }

    /// Somebody begins an errand, unless somebody else is on the same.
    fn wants(
        &mut self,
        mut after: State,
        task: usize,
        deed: Deed,
        helpful: bool,
        next: &mut Vec<Next<Self>>,
    ) {
        if after.errands.iter().any(|errand| (errand.task, errand.deed) == (task, deed)) {
            return;
        }
        let Some(request) = self.decide(&after, task, deed) else { return };
        after.errands.push(Errand { task, deed, request: Some(request) });
        after.errands.sort_unstable();
        next.push(Next { step: Step::Wants { task, deed }, state: after, helpful });
    }

    pub(super) fn schedulers(&mut self, state: &State, next: &mut Vec<Next<Self>>) {
        let unchecked = self.has(Flaw::LedgerUnchecked);
        let mut views = state.views.clone();
        views.dedup();
        for view in views {
            let ledger = u32::try_from(self.pure.board(view).ledger(&org()).0).unwrap();
            if state.admissions.len() < self.bounds.schedulers && (ledger == state.ledger || unchecked) {
                for record in self.pure.plans(view) {
                    let request = Request { task: None, expect: (!unchecked).then_some(ledger), record };
                    let mut after = state.clone();
                    after.admissions.push(request);
                    after.admissions.sort_unstable();
                    next.push(Next { step: Step::Plans { view, record }, state: after, helpful: true });
                }
            }
            for task in 0..state.tasks.len() {
                let address = TaskRef { org: org(), task: task_id(task) };
                let Some(grant) = self.pure.board(view).granted(&address) else { continue };
                let bit = 1 << grant.run.0;
                if state.tasks[task].dispatched & bit == 0 && !self.has(Flaw::DispatchedOnce) {
                    let mut after = state.clone();
                    after.tasks[task].dispatched |= bit;
                    let step = Step::HandsOut { task, run: grant.run };
                    next.push(Next { step, state: after, helpful: true });
                }
            }
        }
    }

    pub(super) fn executors(&mut self, state: &State, next: &mut Vec<Next<Self>>) {
        for at in 0..state.executors.len() {
            let Executor { id, doing } = state.executors[at];
            let mut go = |step, doing, left, helpful| {
                let mut after = state.clone();
                after.executors[at].doing = doing;
                after.left = left;
                next.push(Next { step, state: after, helpful });
            };
            match doing {
                Doing::Nothing => {
                    for (task, known) in state.tasks.iter().enumerate() {
                        for run in (1..32).filter(|run| known.dispatched & 1 << run != 0).map(RunNumber) {
                            let step = Step::Takes { executor: at, task, run };
                            if let Some(request) = self.decide(state, task, Deed::Start(run, id)) {
                                go(step, Doing::Starting { task, run, request }, state.left, true);
                                continue;
                            }
                            // A start of its own whose answer was lost.
                            let (snap, said) = (known.snap, Said::Known);
                            let own = self.pure.snapshot(snap).is_some_and(|s| {
                                s.run == run && s.executor == Some(executor_id(id)) && s.status.is_running()
                            });
                            if own {
                                go(step, Doing::Holding { task, run, view: snap, said }, state.left, true);
                            }
                        }
                    }
                }
                Doing::Holding { task, run, view, said: Said::Unsure { landed, record } } => {
                    let again = self.has(Flaw::ExecutorRepeats).then(|| {
                        let expect = Some(self.version(state, Some(task)));
                        Said::Sent(Request { task: Some(task), expect, record })
                    });
                    let (view, said) = match again {
                        Some(again) => (view, again),
                        None => (landed, Said::Known),
                    };
                    go(
                        Step::Looks { executor: at },
                        Doing::Holding { task, run, view, said },
                        state.left,
                        true,
                    );
                }
                Doing::Holding { task, run, view, said: Said::Known } if view != state.tasks[task].snap => {
                    let view = state.tasks[task].snap;
                    let doing = Doing::Holding { task, run, view, said: Said::Known };
                    go(Step::Looks { executor: at }, doing, state.left, true);
                }
                Doing::Holding { task, run, view, said: Said::Known } => {
                    for (said, helpful) in self.moves(state, view) {
                        let Some(request) = self.decide(state, task, Deed::Run(run, said)) else { continue };
                        let mut left = state.left;
                        match said {
                            Move::Slice => left.slices -= 1,
                            Move::Fail => left.fails -= 1,
                            Move::Ask => left.asks -= 1,
                            _ => {}
                        }
                        let doing = Doing::Holding { task, run, view, said: Said::Sent(request) };
                        go(Step::Acts { executor: at, next: said }, doing, left, helpful);
                    }
                }
                Doing::Starting { .. } | Doing::Holding { said: Said::Sent(_), .. } => {}
            }
        }
        for Next { step, state, .. } in next.iter_mut() {
            if let Step::Looks { executor } = step {
                self.let_go(state, *executor);
            }
        }
    }

    pub(super) fn log(&mut self, state: &State, next: &mut Vec<Next<Self>>) {
        let all = (0..state.admissions.len()).map(From::Scheduler);
        let all = all.chain((0..state.executors.len()).map(From::Executor));
        let all = all.chain((0..state.errands.len()).map(From::Errand));
        let all = all.chain((0..state.strays.len()).map(From::Stray));
        for from in all.filter(|from| Self::request(state, *from).is_some()) {
            let mut after = state.clone();
            self.lands(&mut after, from, true);
            next.push(Next { step: Step::Lands { from, answered: true }, state: after, helpful: true });
            if state.left.lost_answers > 0 && !matches!(from, From::Stray(_)) {
                let mut after = state.clone();
                after.left.lost_answers -= 1;
                self.lands(&mut after, from, false);
                next.push(Next { step: Step::Lands { from, answered: false }, state: after, helpful: false });
            }
        }
    }

    /// A process loses its memory. What it sent may still arrive, or never.
    pub(super) fn crashes(&self, state: &State, next: &mut Vec<Next<Self>>) {
        if state.left.crashes == 0 {
            return;
        }
        let all = (0..state.admissions.len()).map(From::Scheduler);
        let all = all.chain((0..state.executors.len()).map(From::Executor));
        let all = all.chain((0..state.errands.len()).map(From::Errand));
        for from in all {
            let mut after = state.clone();
            after.left.crashes -= 1;
            let request = Self::request(state, from);
            match from {
                From::Executor(at) if state.executors[at].doing == Doing::Nothing => continue,
                From::Executor(at) => {
                    after.executors[at] = Executor { id: state.unborn, doing: Doing::Nothing };
                    after.unborn += 1;
                }
                From::Scheduler(at) => drop(after.admissions.remove(at)),
                From::Errand(at) if request.is_some() => after.errands[at].request = None,
                From::Errand(_) | From::Stray(_) => continue,
            }
            after.strays.extend(request);
            after.strays.sort_unstable();
            after.errands.sort_unstable();
            next.push(Next { step: Step::Crashes { from }, state: after, helpful: false });
        }
    }
}
