//! `doctor`: is everything as it is promised? Connection, durability, who is at work; then the log
//! itself, read once from its first record: every rule that can be read from it, and every answer of
//! the projector against it.
//!
//! What it costs: one pass over the log, the states of the tasks that live, and a few bytes for each
//! that has ended. It changes nothing: where there is no log it says so. A task erased while it is read
//! may look odd once: ask again.
//!
//! What it reads of the log it can write into a file, and audit that again without a server.
//!
//! It ends with 0 where every promise holds, also if there is something to look at, and with 1 where one
//! does not.

mod audited;
mod check;
mod compare;
mod history;
mod pass;
mod server;
mod services;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use longhaul_client::Client;
use longhaul_core::Sequence;
use longhaul_journal::{Entry, Error, Journal, Shard};

use self::check::{Check, summary, table};
use self::history::Export;
use self::pass::Pass;
use self::services::Beats;
use crate::args::Doctor;
use crate::exit::Code;
use crate::output::{self, lively, say};
use crate::signals::interrupted;

/// What is known of the server beside what it says itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerFacts {
    /// It was started by this process, and ends with it.
    pub(crate) private: bool,
    /// Where it writes its own log, if that is known.
    pub(crate) log_file: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(
    journal: &Journal,
    client: &Client,
    args: &Doctor,
    facts: &ServerFacts,
) -> anyhow::Result<Code> {
    tokio::select! {
        outcome = look(journal, client, args, facts) => outcome,
        // What was written of a file goes with it.
        () = interrupted() => Ok(Code::Interrupted),
    }
}

async fn look(
    journal: &Journal,
    client: &Client,
    args: &Doctor,
    facts: &ServerFacts,
) -> anyhow::Result<Code> {
    let mut export = match &args.export {
        Some(path) => Some(Export::new(path, journal.shards())?),
        None => None,
    };
    let each = |heard: Heard<'_>| export.iter_mut().for_each(|export| export.take(heard));
    let (checks, first) = examine(journal, client, args.sample as usize, facts, each).await;
    match &args.export {
        Some(path) if history::is_standard(path) => say(table(&checks)),
        _ => told(args, &checks, first)?,
    }
    say(summary(&checks));
    if let (Some(export), Some(path)) = (export, &args.export) {
        let unread = checks.iter().any(|check| check.check == UNREAD);
        match unread {
            // Half a log is no history.
            true => say(format!("{} is not written", path.display())),
            false => export.finish()?,
        }
    }
    Ok(if checks.iter().any(Check::is_bad) { Code::Failed } else { Code::Done })
}

/// The check that fails where the log cannot be read.
const UNREAD: &str = "log";

/// What is told of the log while it is read.
#[derive(Debug, Clone, Copy)]
enum Heard<'a> {
    /// A shard goes as far as this as its reading begins.
    Head(Shard, Sequence),
    /// A record.
    Record(&'a Entry),
}

/// Says what was found: first of all where the first of it lies.
fn told(args: &Doctor, checks: &[Check], first: Option<String>) -> anyhow::Result<()> {
    if let Some(first) = first {
        say(first);
    }
    output::many(args.shape.format, checks, table)
}

/// Runs the command on a file: no server is needed.
pub(crate) fn offline(path: &Path, args: &Doctor) -> anyhow::Result<Code> {
    history::audit(path, args)
}

/// Every check, and the first finding in the log; `each` is given everything that is read of it.
async fn examine(
    journal: &Journal,
    client: &Client,
    sample: usize,
    facts: &ServerFacts,
    each: impl FnMut(Heard<'_>),
) -> (Vec<Check>, Option<String>) {
    let info = journal.info();
    let mut checks = vec![server::connection(&info, facts), server::durability(&info, facts)];
    match of_the_log(journal, client, sample, each, &mut checks).await {
        Ok(first) => (checks, first),
        Err(error) => {
            let found = format!("it cannot be read: {}", chain(&error));
            checks.push(Check::fail(UNREAD, found, "see to the server, and ask again"));
            (checks, None)
        }
    }
}

fn chain(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

async fn of_the_log(
    journal: &Journal,
    client: &Client,
    sample: usize,
    each: impl FnMut(Heard<'_>),
    checks: &mut Vec<Check>,
) -> Result<Option<String>, Error> {
    let mut heads = Vec::new();
    for shard in journal.shards().all() {
        heads.push((shard, journal.head(shard).await?));
    }
    checks.push(server::streams(&heads));
    let waited = services::queue(client).await;
    let (beats, (projector, answers), passes) = tokio::join!(
        Beats::listen(journal),
        services::projector(client, &heads),
        read(journal, &heads, sample.div_ceil(heads.len().max(1)), each)
    );
    let (beats, mut passes) = (beats?, passes?);
    let now = journal.now();
    checks.push(projector);
    checks.push(services::executors(&beats, now));
    let waits = services::queue(client).await;
    let live = passes.iter().flat_map(Pass::live);
    checks.push(services::scheduler(&waited, &waits, &beats, live, now));
    if answers {
        checks.push(services::waiting(&waits));
    }
    let report = pass::report(&passes);
    checks.extend(audited::checks(&report));
    if answers {
        let sample = pass::sample(&passes);
        let advice = compare::advice(&report);
        checks.push(compare::refold(client, sample, &pass::positions(&passes), advice).await);
        checks.push(compare::counts(client, &mut passes, advice).await);
        checks.push(compare::usage(client, &mut passes, advice).await);
    }
    Ok(audited::first(&report))
}

/// Reads every shard to its end.
async fn read(
    journal: &Journal,
    heads: &[(Shard, Sequence)],
    sample: usize,
    mut each: impl FnMut(Heard<'_>),
) -> Result<Vec<Pass>, Error> {
    let bar = bar(heads.iter().map(|(_, head)| head.0).sum());
    let mut passes = Vec::with_capacity(heads.len());
    for (shard, head) in heads {
        each(Heard::Head(*shard, *head));
        let mut pass = Pass::new(journal, *shard, *head, sample);
        let record = |entry: &Entry| {
            each(Heard::Record(entry));
            bar.inc(1);
        };
        pass.whole(record).await?;
        passes.push(pass);
    }
    bar.finish_and_clear();
    Ok(passes)
}

/// On a terminal; elsewhere a bar nobody sees.
fn bar(records: u64) -> ProgressBar {
    if !lively() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(records), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template("reading the log  {bar:28}  {human_pos} of {human_len} records  {eta}");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}
