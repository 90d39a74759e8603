//! What may happen: who reads, decides and appends, in any order.
//!
//! Reading and deciding is one step, the append that follows another: between the two anything else
//! may happen. Three things keep the number of states down and change nothing that could be seen:
//!
//! - An append whose expectation does not hold any more can only be refused. Its sender is told at
//!   once.
//! - A run that knows of less than the log holds can only be refused. It first looks.
//! - A scheduler that lags behind the ledger can only be refused. It does not plan.
//!
//! Where a flaw is planted, what it touches is left as it is.

use longhaul_core::{Applied, RunNumber, Status, apply};

use super::explore::{Model, Next};
use super::laws::{Law, judge, recount};
use super::pure::{Deed, Fact, Move, Pure, Rec, Record, Scene, Seen, task_id};
use super::state::{Chances, Doing, Executor, Request, Said, State, Task};

/// A mistake somebody could make: the model must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Schedulers append to the ledger without an expectation.
    LedgerUnchecked,
    /// A client appends an abort without an expectation.
    AbortUnchecked,
    /// A scheduler declares a run lost without an expectation.
    LostUnchecked,
    /// An executor that is refused appends the same again, without looking what came between.
    ExecutorInsists,
    /// An executor that gets no answer appends the same again, without looking whether it is there.
    ExecutorRepeats,
    /// An executor starts a run without an expectation.
    StartUnchecked,
    /// Only who wrote an admission hands it out, once, on the log's answer.
    DispatchedOnce,
    /// Nobody looks after runs whose executor is gone.
    NobodyDeclaresLost,
}

/// The bounds of a model.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) scene: Scene,
    pub(crate) schedulers: usize,
    /// How many records a scheduler may lag behind.
    pub(crate) lag: usize,
    /// How many of the tasks are there from the beginning.
    pub(crate) submitted: usize,
    pub(crate) chances: Chances,
}

pub(crate) struct World {
    pub(crate) pure: Pure,
    pub(super) bounds: Bounds,
    flaw: Option<Flaw>,
}

/// Whose append it is that the log answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Scheduler(usize),
    Executor(usize),
    Errand(usize),
    Stray(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Somebody begins an errand: reads, decides, sends.
    Wants {
        task: usize,
        deed: Deed,
    },
    /// Somebody whose errand was refused, or who got no answer, reads and decides again.
    Again {
        errand: usize,
    },
    Plans {
        view: Seen,
        record: Rec,
    },
    HandsOut {
        task: usize,
        run: RunNumber,
    },
    Takes {
        executor: usize,
        task: usize,
        run: RunNumber,
    },
    Acts {
        executor: usize,
        next: Move,
    },
    Looks {
        executor: usize,
    },
    /// The log takes an append, or refuses it.
    Lands {
        from: From,
        answered: bool,
    },
    Crashes {
        from: From,
    },
}

impl World {
    pub(crate) fn new(bounds: Bounds, flaw: Option<Flaw>) -> Self {
        Self { pure: Pure::new(bounds.scene.clone()), bounds, flaw }
    }

    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub(super) fn version(&self, state: &State, task: Option<usize>) -> u32 {
        task.map_or(state.ledger, |task| self.pure.version(state.tasks[task].snap))
    }

    /// Reads a task, decides, and gives what to append.
    pub(super) fn decide(&mut self, state: &State, task: usize, deed: Deed) -> Option<Request> {
        let snap = state.tasks[task].snap;
        let record = self.pure.decide(task, snap, deed)?;
        let unchecked = match deed {
            Deed::Abort => self.has(Flaw::AbortUnchecked),
            Deed::DeclareLost(_) => self.has(Flaw::LostUnchecked),
            Deed::Start(..) => self.has(Flaw::StartUnchecked),
            _ => false,
        };
        let expect = (!unchecked).then(|| self.pure.version(snap));
        Some(Request { task: Some(task), expect, record })
    }

    /// The log takes an append if its expectation holds. Returns the task's state after it.
    fn append(&mut self, state: &mut State, request: Request) -> bool {
        if request.expect.is_some_and(|expect| expect != self.version(state, request.task)) {
            return false;
        }
        let board = *state.views.last().unwrap();
        let seen = match request.task {
            Some(at) => {
                let task = &mut state.tasks[at];
                let Record::Task(commit) = self.pure.record(request.record) else { return false };
                let commit = commit.clone();
                let mut fold = self.pure.snapshot(task.snap).cloned();
                let mut refused = false;
                for event in &commit.events {
                    let said = apply(&mut fold, commit.task, event, &commit.actor, commit.at);
                    let counts = said == Applied::Yes;
                    refused |= !counts;
                    match judge(task.past, &event.body, counts) {
                        Ok(past) => task.past = past,
                        Err(law) => state.broken = state.broken.or(Some(law)),
                    }
                }
                // Of a planted flaw only the harm counts that the fold does not avert.
                if refused && self.flaw.is_none() {
                    state.broken = state.broken.or(Some(Law::Refused));
                }
                task.snap = self.pure.apply(task.snap, request.record);
                Fact::Task(task.snap)
            }
            None => {
                state.ledger += 1;
                let Record::Ledger(admissions) = self.pure.record(request.record) else { return false };
                for admission in admissions {
                    let at = (0..state.tasks.len()).find(|at| task_id(*at) == admission.task).unwrap();
                    state.tasks[at].admitted |= 1 << admission.run.0;
                }
                Fact::Ledger(request.record, state.ledger)
            }
        };
        let board = self.pure.fold(board, seen);
        if request.task.is_none() && !self.has(Flaw::LedgerUnchecked) {
            state.views.clear();
        }
        state.views.push(board);
        let lag = self.bounds.lag + 1;
        let over = state.views.len().saturating_sub(lag);
        state.views.drain(..over);
        if let Err(law) = recount(&self.pure, state) {
            state.broken = state.broken.or(Some(law));
        }
        true
    }

    /// Tells those whose appends cannot land any more that they were refused.
    fn refuse(&self, state: &mut State) {
        let versions: Vec<u32> = (0..state.tasks.len()).map(|task| self.version(state, Some(task))).collect();
        let ledger = state.ledger;
        let version = |request: &Request| request.task.map_or(ledger, |task| versions[task]);
        let void = |request: &Request| request.expect.is_some_and(|expect| expect != version(request));
        state.admissions.retain(|request| !void(request));
        state.strays.retain(|request| !void(request));
        for errand in &mut state.errands {
            errand.request = errand.request.filter(|request| !void(request));
        }
        for executor in &mut state.executors {
            match &mut executor.doing {
                Doing::Starting { request, .. } if void(request) => executor.doing = Doing::Nothing,
                Doing::Holding { said, .. } => {
                    if let Said::Sent(request) = said
                        && void(request)
                    {
                        if self.has(Flaw::ExecutorInsists) {
                            request.expect = Some(version(request));
                        } else {
                            *said = Said::Known;
                        }
                    }
                }
                Doing::Nothing | Doing::Starting { .. } => {}
            }
        }
        state.errands.sort_unstable();
        state.strays.sort_unstable();
    }

    pub(super) fn request(state: &State, from: From) -> Option<Request> {
        match from {
            From::Scheduler(at) => state.admissions.get(at).copied(),
            From::Errand(at) => state.errands.get(at)?.request,
            From::Stray(at) => state.strays.get(at).copied(),
            From::Executor(at) => match state.executors[at].doing {
                Doing::Starting { request, .. } | Doing::Holding { said: Said::Sent(request), .. } => {
                    Some(request)
                }
                _ => None,
            },
        }
    }

    /// The log has taken an append; its sender hears of it, or not.
    pub(super) fn lands(&mut self, state: &mut State, from: From, answered: bool) {
        let Some(request) = Self::request(state, from) else { return };
        let done = self.append(state, request);
        debug_assert!(done, "what cannot land was refused before");
        let snap = request.task.map_or(0, |task| state.tasks[task].snap);
        match from {
            From::Scheduler(at) => {
                state.admissions.remove(at);
                if answered && self.has(Flaw::DispatchedOnce) {
                    for task in &mut state.tasks {
                        task.dispatched = task.admitted;
                    }
                }
            }
            From::Stray(at) => {
                state.strays.remove(at);
            }
            // Who got no answer does it all over: reads, and finds that it is done.
            From::Errand(at) if !answered => state.errands[at].request = None,
            From::Errand(at) => {
                state.errands.remove(at);
            }
            From::Executor(at) => {
                let doing = &mut state.executors[at].doing;
                *doing = match *doing {
                    // The dispatch comes again.
                    Doing::Starting { .. } if !answered => Doing::Nothing,
                    Doing::Starting { task, run, .. } => {
                        Doing::Holding { task, run, view: snap, said: Said::Known }
                    }
                    Doing::Holding { task, run, view, .. } if !answered => {
                        let said = Said::Unsure { landed: snap, record: request.record };
                        Doing::Holding { task, run, view, said }
                    }
                    Doing::Holding { task, run, .. } => {
                        Doing::Holding { task, run, view: snap, said: Said::Known }
                    }
                    Doing::Nothing => Doing::Nothing,
                };
                self.let_go(state, at);
            }
        }
        self.refuse(state);
    }

    /// An executor that knows that its run is over lets it go.
    pub(super) fn let_go(&self, state: &mut State, at: usize) {
        if let Doing::Holding { run, view, said: Said::Known, .. } = state.executors[at].doing
            && self.pure.snapshot(view).is_none_or(|s| s.run != run || !s.status.is_running())
        {
            state.executors[at].doing = Doing::Nothing;
        }
    }
}

impl Model for World {
    type State = State;
    type Step = Step;

    fn start(&mut self) -> State {
        let board = self.pure.first_board();
        let executor = |id| Executor { id, doing: Doing::Nothing };
        let mut state = State {
            tasks: vec![Task::default(); self.bounds.scene.tasks.len()],
            ledger: 0,
            views: vec![board],
            admissions: vec![],
            executors: [executor(0), executor(1)],
            errands: vec![],
            strays: vec![],
            submitted: self.bounds.submitted,
            unborn: 2,
            left: self.bounds.chances,
            broken: None,
        };
        for task in 0..self.bounds.submitted {
            if let Some(request) = self.decide(&state, task, Deed::Submit) {
                self.append(&mut state, request);
            }
        }
        state
    }

    fn next(&mut self, state: &State) -> Vec<Next<Self>> {
        let mut next = Vec::new();
        self.log(state, &mut next);
        self.executors(state, &mut next);
        self.schedulers(state, &mut next);
        self.errands(state, &mut next);
        self.crashes(state, &mut next);
        next
    }

    fn broken(&self, state: &State) -> Option<String> {
        state.broken.map(|law| law.to_string())
    }

    fn done(&self, state: &State) -> bool {
        state.tasks.iter().all(|task| {
            let status = self.pure.snapshot(task.snap).map(|s| s.status);
            status.is_some_and(|status| status.is_terminal() || status == Status::Paused)
        })
    }

    fn stuck(&self) -> String {
        Law::Stuck.to_string()
    }

    fn tell(&self, before: &State, step: Step, after: &State) -> String {
        super::tell::tell(self, before, step, after)
    }
}
