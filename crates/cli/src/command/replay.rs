//! `replay`: history record by record with the state after each, the state at a moment, the
//! difference of two.
//!
//! A moment is one of the server's: the time it stored a record. What is shown as a record's time is
//! the one its writer wrote on it; where the two are more than two seconds apart, both are shown.
//! History ends where the log ended when the command began. Text that tasks wrote is made safe for
//! the terminal line by line.

mod documents;
mod history;
mod known;
mod moment;
mod reading;
mod scope;
mod told;
mod words;

#[cfg(test)]
pub(crate) mod script;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io::{self, Write};

use longhaul_audit::Known;
use longhaul_client::{Client, Error as ClientError};
use longhaul_core::{TaskId, TaskRef};
use longhaul_journal::{Entry, Journal};

pub(crate) use self::known::{known_at, plain};
pub(crate) use self::reading::Reading;
pub(crate) use self::words::{counted, short};

use self::documents::{Documents, reader_has_gone};
use self::history::{Pace, Player};
use self::moment::{Difference, TaskDifference, everything, folded, up_to, view};
use self::scope::{Scope, in_order, merged, named};
use self::told::Within;
use crate::args::Replay;
use crate::exit::{Code, told as refused, usage};
use crate::output::{self, say};
use crate::time::Point;

/// Runs the command.
pub(crate) async fn run(journal: &Journal, client: &Client, args: &Replay) -> anyhow::Result<Code> {
    let interrupt = async {
        // Where signals cannot be had, the one that ends the process does so by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    replay(journal, client, args, io::stdout(), interrupt).await
}

/// What is asked for.
enum What {
    History { at: Option<Point> },
    State { at: Point },
    Difference { from: Point, to: Point },
}

fn what(args: &Replay) -> anyhow::Result<What> {
    if args.speed.is_some_and(|speed| !(speed.is_finite() && speed > 0.0)) {
        return Err(usage("--speed is how many times as fast as history: 1, 10, 0.5"));
    }
    match (args.diff.as_slice(), args.at) {
        ([from, to], _) => {
            in_order(*from, *to)?;
            Ok(What::Difference { from: *from, to: *to })
        }
        (_, Some(at)) if args.speed.is_none() => Ok(What::State { at }),
        (_, at) => Ok(What::History { at }),
    }
}

async fn replay<W: Write, I: Future<Output = ()>>(
    journal: &Journal,
    client: &Client,
    args: &Replay,
    out: W,
    interrupt: I,
) -> anyhow::Result<Code> {
    let mut out = Documents::new(out, args.shape.format);
    let pace = Pace::new(args.speed, interrupt);
    let org = client.identity().org.clone();
    let scope = match (args.task, args.all) {
        (None, true) => Scope::All,
        _ => Scope::Organisation(org.clone()),
    };
    for point in args.diff.iter().copied().chain(args.at) {
        scope.reaches(journal, point).await?;
    }
    let done = match args.task {
        Some(task) => {
            let at = TaskRef { org, task };
            let history = journal.history(&at).await?;
            if history.is_empty() {
                return Err(ClientError::NotFound(task).into());
            }
            of_task(task, &history, what(args)?, &mut out, pace).await
        }
        None => of_many(journal, &scope, what(args)?, &mut out, pace).await,
    };
    match done {
        Err(error) if reader_has_gone(&error) => Ok(Code::Done),
        other => other,
    }
}

async fn of_task<W: Write, I: Future<Output = ()>>(
    task: TaskId,
    history: &[Entry],
    what: What,
    out: &mut Documents<W>,
    pace: Pace<I>,
) -> anyhow::Result<Code> {
    match what {
        What::History { at } => {
            let part = match at {
                Some(at) => begun(task, history, at)?,
                None => history,
            };
            let mut player = Player { out: &mut *out, pace, within: Within::Task };
            let Some(known) = player.task(part).await? else { return Ok(Code::Interrupted) };
            // For programs the last record carries it.
            if at.is_some() && out.is_for_people() {
                state(&known, out)?;
            }
        }
        What::State { at } => state(&folded(begun(task, history, at)?), out)?,
        What::Difference { from, to } => {
            let difference = TaskDifference::between(task, history, from, to)?;
            out.only(&difference, TaskDifference::table)?;
        }
    }
    Ok(Code::Done)
}

/// The part of a history up to a point; not found if the task was not there yet.
fn begun(task: TaskId, history: &[Entry], at: Point) -> anyhow::Result<&[Entry]> {
    let part = up_to(history, at);
    match (part, history.first()) {
        ([], Some(first)) => Err(refused(
            Code::NotFound,
            format!(
                "task {task} was not there yet at {}: its history begins at sequence {}, stored {}",
                named(at),
                first.sequence,
                crate::time::local(first.stored_at)
            ),
        )),
        _ => Ok(part),
    }
}

fn state<W: Write>(known: &Known, out: &mut Documents<W>) -> anyhow::Result<()> {
    if let Some(sequence) = known.unreadable {
        say(format!("record {sequence} of the task cannot be read; the state is the one before it"));
    }
    match &known.snapshot {
        Some(snapshot) => out.only(&view(snapshot), output::task),
        None => Err(refused(Code::NotFound, "nothing of the task's history up to there can be read")),
    }
}

async fn of_many<W: Write, I: Future<Output = ()>>(
    journal: &Journal,
    scope: &Scope,
    what: What,
    out: &mut Documents<W>,
    pace: Pace<I>,
) -> anyhow::Result<Code> {
    match what {
        What::History { at } => {
            let stretches = scope.stretches(journal, None, at).await?;
            let within = if stretches.len() > 1 { Within::Log } else { Within::Shard };
            let log = merged(journal, &stretches);
            return Player { out, pace, within }.all(journal, scope, log).await;
        }
        What::State { at } => {
            let stretches = scope.stretches(journal, None, Some(at)).await?;
            let (tasks, last, aside) = everything(journal, scope, &stretches).await?;
            for task in aside {
                say(format!("task {} is put aside: a record of it cannot be read", task.task));
            }
            if out.is_for_people() {
                let now = scope::moment(at, last, journal.now());
                out.only(&tasks, |tasks| output::tasks(tasks, now))?;
            } else {
                tasks.iter().try_for_each(|task| out.each(task, &[]))?;
                out.end()?;
            }
        }
        What::Difference { from, to } => {
            let stretches = scope.stretches(journal, Some(from), Some(to)).await?;
            let difference = Difference::over(journal, scope, &stretches).await?;
            out.only(&difference, Difference::table)?;
            say(difference.summary());
        }
    }
    Ok(Code::Done)
}
