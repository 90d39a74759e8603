//! The end of an audit: what only shows when everything was read.

use std::collections::BTreeSet;

use longhaul_core::board::Counts;
use longhaul_core::{Beat, ExecutorId, Kind, Room, Sequence, Snapshot, Status, TaskRef};

use crate::audit::Audit;
use crate::finding::{Findings, Rule};
use crate::live::Live;
use crate::report::{Outside, Report, Unfinished};

/// How many waiting tasks are asked why while somebody works: each takes time in proportion to its
/// queue.
const ASKED: usize = 1000;

/// Places enough for everything that waits.
const PLACES: u32 = 1_000_000;

impl Audit {
    /// What was found so far, and what the log holds. Reading may go on afterwards.
    pub fn report(&self, outside: &Outside) -> Report {
        let mut found = self.found.clone();
        let until = outside.goes_to.get(&self.shard()).copied().unwrap_or(self.last);
        for (task, sequence) in self.strays.iter().filter(|(_, sequence)| **sequence <= until) {
            found.task(Rule::Submissions, *sequence, task, || "it was never submitted".to_owned());
        }
        for (first, last) in self.gaps.up_to(until, self.last) {
            found.log(Rule::Gaps, first, || match first == last {
                true => "the record is missing, and no erasure took it".to_owned(),
                false => format!("the records up to {last} are missing, and no erasure took them"),
            });
        }
        self.missing(outside, &mut found);
        self.recount(&mut found);
        let mut unfinished = self.unfinished(outside.at_rest);
        unfinished.sort_by_key(|task| task.sequence);
        if outside.at_rest {
            for Unfinished { task, sequence, what, .. } in &unfinished {
                found.task(Rule::Progress, *sequence, task, || what.clone());
            }
        }
        let Findings { counts, mut kept, .. } = found;
        kept.sort_by_key(|finding| finding.sequence);
        let mut figures = self.figures.clone();
        figures.given = self.slots.given;
        (figures.most_of_user, figures.most_of_organisation) = self.slots.most;
        Report { findings: kept, counts, figures, unfinished }
    }

    /// Whether something is missing up to a place that an erasure further on may explain. Whoever reads
    /// a log that grows reads on then, to where it ends now, before asking for the report.
    pub fn awaits_erasure(&self, until: Sequence) -> bool {
        !self.strays.is_empty() || !self.gaps.up_to(until, self.last).is_empty()
    }

    /// What was acknowledged and is not there.
    fn missing(&self, outside: &Outside, found: &mut Findings) {
        let here = |task: &&TaskRef| self.shards.of(&task.org) == self.shard();
        for task in outside.submitted.iter().filter(here).filter(|task| !self.knows(task)) {
            let what = || "its submission was acknowledged, and the log does not have it".to_owned();
            found.task(Rule::Submissions, Sequence::ZERO, task, what);
        }
        for task in outside.aborted.iter().filter(here).filter(|task| !self.was_aborted(task)) {
            let what = || "its abort was acknowledged, and the log does not have it".to_owned();
            found.task(Rule::Aborts, Sequence::ZERO, task, what);
        }
    }

    /// The slots the schedulers' board gives, against those counted here.
    fn recount(&self, found: &mut Findings) {
        for (task, live) in &self.live {
            let board = self.board.granted(task).map(|grant| (grant.run, grant.ledger));
            let counted = self.slots.grant(task);
            if board != counted {
                found.task(Rule::Slots, live.sequence, task, || {
                    format!("the board gives it the slot {board:?}, a recount {counted:?}")
                });
            }
        }
        let Counts { running, admitted, .. } = self.board.counts();
        let counted = self.slots.held();
        if (running, admitted) != counted {
            found.log(Rule::Slots, Sequence::ZERO, || {
                format!(
                    "the board has {running} tasks running and {admitted} admitted, a recount {} and {}",
                    counted.0, counted.1
                )
            });
        }
    }

    /// Tasks that neither ended nor wait for something.
    fn unfinished(&self, at_rest: bool) -> Vec<Unfinished> {
        let mut unfinished = Vec::new();
        let mut waiting: Vec<(&TaskRef, &Live, &Snapshot)> = Vec::new();
        for (task, live) in &self.live {
            let Some(state) = live.state() else { continue };
            let what = match (state.status, self.slots.grant(task)) {
                (Status::Pending, None) => {
                    waiting.push((task, live, state));
                    continue;
                }
                (Status::Pending, Some((run, ledger))) => {
                    (ledger, format!("run {run} has a slot since {ledger} and has not begun"))
                }
                (Status::Running, _) => (live.sequence, format!("run {} is under way", state.run)),
                (Status::Aborting, _) => {
                    (live.sequence, format!("run {} is to be aborted and has not ended", state.run))
                }
                (Status::Paused, _) => match state.open_approval() {
                    Some(open) if open.expires_at < self.moment => {
                        (live.sequence, format!("approval {} has lapsed, and nobody says so", open.id))
                    }
                    _ => continue,
                },
                _ => continue,
            };
            let (sequence, what) = (what.0.max(live.sequence), what.1);
            unfinished.push(Unfinished { task: task.clone(), status: state.status, sequence, what });
        }
        if !at_rest {
            waiting.truncate(ASKED);
        }
        let tasks: Vec<&TaskRef> = waiting.iter().map(|(task, ..)| *task).collect();
        let mut board = self.board.clone();
        board.beat(&self.room(waiting.iter().map(|(.., state)| &state.kind)));
        let reasons = board.waiting_all(&tasks, self.moment);
        for ((task, live, state), reason) in waiting.into_iter().zip(reasons) {
            if reason.is_none_or(|reason| reason.starts_now()) {
                let what = format!("run {} has nothing in its way and is not admitted", state.next_run);
                let (task, status) = (task.clone(), state.status);
                unfinished.push(Unfinished { task, status, sequence: live.sequence, what });
            }
        }
        unfinished
    }

    /// An executor with places for everything, so that none is what is in the way.
    fn room<'a>(&self, kinds: impl Iterator<Item = &'a Kind>) -> Beat {
        let kinds: BTreeSet<&Kind> = kinds.collect();
        let room = |kind: &Kind| Room { kind: kind.clone(), places: PLACES, free: PLACES };
        Beat {
            executor: ExecutorId(Default::default()),
            at: self.moment,
            version: String::new(),
            host: String::new(),
            kinds: kinds.into_iter().map(room).collect(),
            runs: Vec::new(),
            draining: false,
        }
    }
}
