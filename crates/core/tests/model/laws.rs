//! What must hold on the log, judged record by record, without the fold's help.

use std::fmt;

use longhaul_core::{EventBody, Lane, RunNumber, Snapshot, Status, TaskRef};

use super::pure::{Pure, org, task_id};
use super::state::{State, Task};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Law {
    UserCap,
    OrganisationCap,
    ConversationCap,
    ForegroundCap,
    Recount,
    SecondEnd,
    AfterEnd,
    Overtaken,
    AbortLost,
    TwoRuns,
    StaleRun,
    StepAgain,
    Refused,
    Stuck,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserCap => "more tasks of a user run than its cap allows",
            Self::OrganisationCap => "more tasks of the organisation run than its cap allows",
            Self::ConversationCap => "more tasks of a conversation run than its cap allows",
            Self::ForegroundCap => "more tasks of a user run in the foreground than its cap allows",
            Self::Recount => "the board's slots are not what the log says",
            Self::SecondEnd => "an attempt has two ends",
            Self::AfterEnd => "something follows the end",
            Self::Overtaken => "an abort was overtaken by a writer who had to have read it",
            Self::AbortLost => "an abort was asked for, and the task ended otherwise",
            Self::TwoRuns => "two runs are current at once",
            Self::StaleRun => "an event of a run that is not the current one counts",
            Self::StepAgain => "a recorded step is begun or recorded again",
            Self::Stuck => "nothing that follows by itself leads to an end",
            Self::Refused => "the log holds what the fold refuses: its writer had not read the latest",
        })
    }
}

/// What a task's history tells so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Past {
    ended: bool,
    abort: bool,
    run: RunNumber,
    /// The run has not ended.
    under_way: bool,
    /// Steps recorded, as bits.
    recorded: u32,
}

/// The past after one more event; `counts` if the fold takes it.
pub(crate) fn judge(past: Past, body: &EventBody, counts: bool) -> Result<Past, Law> {
    use EventBody as E;
    let mut after = past;
    let ends = matches!(body, E::Completed { .. } | E::Failed { .. } | E::Aborted { .. } | E::Expired { .. });
    let may_follow = matches!(body, E::Retried { .. } | E::Dismissed { .. } | E::Erased { .. });
    if past.ended && !may_follow {
        return Err(if ends { Law::SecondEnd } else { Law::AfterEnd });
    }
    match body {
        E::Started { .. } | E::Completed { .. } if past.abort => return Err(Law::Overtaken),
        E::Failed { .. } | E::Expired { .. } if past.abort => return Err(Law::AbortLost),
        E::Started { .. } if past.under_way => return Err(Law::TwoRuns),
        E::Started { run, .. } if *run <= past.run && counts => return Err(Law::StaleRun),
        E::Started { .. } => {}
        other if counts && other.run().is_some_and(|run| run != past.run) => return Err(Law::StaleRun),
        _ => {}
    }
    match body {
        E::Started { run, .. } => (after.run, after.under_way) = (*run, true),
        E::StepStarted { index, .. } | E::StepCompleted { index, .. } if past.recorded & 1 << index != 0 => {
            return Err(Law::StepAgain);
        }
        E::StepCompleted { index, .. } => after.recorded |= 1 << index,
        E::AbortRequested { .. } => after.abort = true,
        E::Continued { .. } | E::Lost { .. } | E::ApprovalRequested { .. } => after.under_way = false,
        E::Retried { .. } => (after.ended, after.abort) = (false, false),
        _ => {}
    }
    if ends {
        (after.ended, after.under_way) = (true, false);
    }
    Ok(after)
}

/// Counts slots afresh, from what the log says of each task.
pub(crate) fn recount(pure: &Pure, state: &State) -> Result<(), Law> {
    let caps = pure.scene.caps;
    let tasks =
        || (0..).zip(&state.tasks).filter_map(|(at, task)| Some((at, task, pure.snapshot(task.snap)?)));
    let waits_with_slot =
        |task: &Task, s: &Snapshot| s.status == Status::Pending && task.admitted & 1 << s.next_run.0 != 0;
    let (mut users, mut foreground, mut conversations) = (Vec::new(), Vec::new(), Vec::new());
    let board = pure.board(*state.views.last().unwrap());
    for (at, task, s) in tasks() {
        let waits = waits_with_slot(task, s);
        let address = TaskRef { org: org(), task: task_id(at) };
        if board.granted(&address).is_some_and(|grant| grant.run == s.next_run) != waits {
            return Err(Law::Recount);
        }
        let slot = s.status.is_running() || waits;
        match s.lane {
            Lane::Background if slot => users.push(&s.owner.user),
            Lane::Foreground if slot => foreground.push(&s.owner.user),
            _ => {}
        }
        if s.lane == Lane::Background && (slot || s.status == Status::Paused) {
            conversations.extend(&s.owner.conversation);
        }
    }
    if users.len() > caps.organisation as usize {
        return Err(Law::OrganisationCap);
    }
    if most(&users) > caps.user {
        return Err(Law::UserCap);
    }
    if most(&foreground) > caps.foreground {
        return Err(Law::ForegroundCap);
    }
    if most(&conversations) > caps.conversation {
        return Err(Law::ConversationCap);
    }
    let counts = board.counts();
    if counts.running + counts.admitted != (users.len() + foreground.len()) as u64 {
        return Err(Law::Recount);
    }
    Ok(())
}

/// How often the most frequent one is there.
fn most<T: PartialEq>(all: &[T]) -> u32 {
    let times = |one: &T| all.iter().filter(|other| *other == one).count();
    all.iter().map(times).max().unwrap_or(0) as u32
}
