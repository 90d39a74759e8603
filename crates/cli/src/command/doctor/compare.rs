//! The projector's answers against the log itself.

use futures::stream::{self, StreamExt as _};
use longhaul_audit::{Report, Rule, Sums, changes, difference};
use longhaul_client::{Client, Error};
use longhaul_core::{OrgId, TaskRef};
use longhaul_journal::Shard;
use longhaul_wire::query::{Count, Filter, Get, Positions, Tally, UsageOf};

use super::check::{Check, Findings};
use super::pass::{self, Pass};
use crate::command::replay::{counted, known_at};

/// Questions under way at the same time.
const AT_ONCE: usize = 4;

/// How often it is counted before a difference is one: tasks may be erased meanwhile.
const LOOKS: usize = 5;

/// Organisations whose usage is compared.
const ORGANISATIONS: usize = 200;

/// What to do where the projector and the log disagree.
const REBUILD: &str =
    "delete the projector's directory (it is rebuilt from the log), and report it: the log is the truth";

/// The same where the log has lost something.
const KEEP: &str =
    "keep the projector's directory, and a copy of it: it may hold what the log has lost (see gaps)";

/// What to do where the projector and the log disagree, by what is known of the log.
pub(super) fn advice(log: &Report) -> &'static str {
    let lost = [Rule::Gaps, Rule::Submissions, Rule::Records].into_iter().any(|rule| log.count(rule) > 0);
    if lost { KEEP } else { REBUILD }
}

fn unanswered(check: &'static str, error: &Error) -> Check {
    let mut why = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        why = format!("{why}: {source}");
    }
    Check::fail(check, format!("could not be compared: {why}"), "see to the projector, and ask again")
}

/// How many tasks there are, by status.
pub(super) async fn counts(client: &Client, passes: &mut [Pass], advice: &str) -> Check {
    match count(client, passes, advice).await {
        Ok(check) => check,
        Err(error) => unanswered("counts", &error),
    }
}

async fn count(client: &Client, passes: &mut [Pass], advice: &str) -> Result<Check, Error> {
    let filter = Filter { dismissed: true, ..Filter::default() };
    let mut at_least = pass::positions(passes);
    let mut look = 1;
    loop {
        let told = client.query(&Count { filter: filter.clone(), by: None, at_least }).await?;
        // The log is read on to where the answer stands: both are then about the same moment.
        pass::advance(passes, &told.as_of).await?;
        let log = tally(passes);
        if log == told.all {
            let states =
                log.status.iter().map(|(status, n)| format!("{n} {status}")).collect::<Vec<_>>().join(", ");
            let states = if states.is_empty() { String::new() } else { format!(": {states}") };
            return Ok(Check::ok(
                "counts",
                format!("{} in the log and in the projector{states}", counted(log.total, "task", "tasks")),
            ));
        }
        if look == LOOKS {
            let (log, projector) = (value(&log), value(&told.all));
            return Ok(Check::fail("counts", "the log and the projector count differently", advice)
                .with(differing(&log, &projector)));
        }
        // What was erased after that moment is gone from before it, too. At a later one the log tells of it.
        look += 1;
        at_least = pass::positions(passes);
        for pass in passes.iter() {
            at_least.advance(pass.shard(), client.journal().head(pass.shard()).await?);
        }
    }
}

/// How many tasks the log has, as far as it was read.
fn tally(passes: &[Pass]) -> Tally {
    let mut log = Tally::default();
    for Tally { total, status, unreadable } in passes.iter().map(|pass| &pass.audit.figures().tasks) {
        log.total += total;
        log.unreadable += unreadable;
        status.iter().for_each(|(status, n)| *log.status.entry(*status).or_default() += n);
    }
    log
}

/// What each organisation's tasks cost.
pub(super) async fn usage(client: &Client, passes: &mut [Pass], advice: &str) -> Check {
    let mut orgs: Vec<(Shard, OrgId, u64)> = Vec::new();
    for pass in passes.iter() {
        let tokens = |sums: &Sums| sums.input_tokens.saturating_add(sums.output_tokens);
        orgs.extend(
            pass.audit.figures().usage.iter().map(|(org, sums)| (pass.shard(), org.clone(), tokens(sums))),
        );
    }
    let all = orgs.len();
    orgs.sort_by_key(|(.., tokens)| std::cmp::Reverse(*tokens));
    orgs.truncate(ORGANISATIONS);
    let mut findings = Findings::default();
    for (shard, org, _) in &orgs {
        match used(client, passes, *shard, org).await {
            Ok(None) => {}
            Ok(Some(finding)) => findings.push(|| finding),
            Err(error) => return unanswered("usage", &error),
        }
    }
    let of = if orgs.len() < all { format!(", the largest of {all}") } else { String::new() };
    let good = match orgs.len() as u64 {
        0 => "nothing was used yet".to_owned(),
        n => format!(
            "the sums of {}{of} equal those of the tasks",
            counted(n, "organisation", "organisations")
        ),
    };
    let good = Check::ok("usage", good);
    Check::nothing_in(&findings, good, |n| {
        Check::fail(
            "usage",
            format!(
                "the usage of {} is not the sum over the tasks",
                counted(n, "organisation", "organisations")
            ),
            advice,
        )
    })
}

async fn used(
    client: &Client,
    passes: &mut [Pass],
    shard: Shard,
    org: &OrgId,
) -> Result<Option<String>, Error> {
    let place = Positions::at(shard, pass::positions(passes).of(shard));
    let question = UsageOf { org: org.clone(), since: None, until: None, at_least: place };
    let answer = client.query(&question).await?;
    pass::advance(passes, &answer.as_of).await?;
    let log = passes.iter().find_map(|pass| pass.audit.figures().usage.get(org)).copied().unwrap_or_default();
    let told = Sums::from(answer.total);
    // A single answer is bounded where a sum is not.
    let bounded = |n: u64| n.min(u32::MAX.into());
    let log = Sums { model_calls: bounded(log.model_calls), queries: bounded(log.queries), ..log };
    Ok((log != told).then(|| format!("{org}: {log} in the log, {told} in the projector")))
}

/// Tasks of the sample, folded from the log, against the projector's rows.
pub(super) async fn refold(
    client: &Client,
    sample: Vec<TaskRef>,
    at_least: &Positions,
    advice: &str,
) -> Check {
    let n = sample.len();
    let looked = stream::iter(sample).map(|task| async move {
        let found = match differs(client, &task, at_least).await {
            // Erased in between, perhaps: what differs must differ once the projector knows of that, too.
            Ok(Some(_)) => again(client, &task).await,
            other => other,
        };
        (task, found)
    });
    let mut findings = Findings::default();
    for (task, found) in looked.buffered(AT_ONCE).collect::<Vec<_>>().await {
        match found {
            Ok(None) => {}
            Ok(Some(how)) => findings.push(|| format!("task {} of {}: {how}", task.task, task.org)),
            Err(error) => return unanswered("refold", &error),
        }
    }
    let good = Check::ok(
        "refold",
        format!("{} folded from the log, and as the projector has them", counted(n as u64, "task", "tasks")),
    );
    Check::nothing_in(&findings, good, |differing| {
        Check::fail(
            "refold",
            format!("{differing} of {n} tasks folded from the log are not as the projector has them"),
            advice,
        )
    })
}

/// The same, where the projector knows of everything that is on the log by now.
async fn again(client: &Client, task: &TaskRef) -> Result<Option<String>, Error> {
    let shard = client.journal().shards().of(&task.org);
    let here = Positions::at(shard, client.journal().head(shard).await?);
    differs(client, task, &here).await
}

/// How the projector's word on a task differs from its history, up to where the projector has folded.
async fn differs(client: &Client, task: &TaskRef, at_least: &Positions) -> Result<Option<String>, Error> {
    let journal = client.journal();
    let question = Get { task: task.task, org: Some(task.org.clone()), at_least: at_least.clone() };
    let got = client.query(&question).await?;
    let history = journal.history(task).await?;
    let log = known_at(&history, got.as_of.of(journal.shards().of(&task.org)));
    let last = log.snapshot.as_ref().map(|snapshot| format!(", as of record {}", snapshot.sequence));
    Ok(difference(&log, got.item.as_ref()).map(|how| format!("{how}{}", last.unwrap_or_default())))
}

fn value<T: serde::Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn differing(log: &serde_json::Value, projector: &serde_json::Value) -> Vec<String> {
    changes(log, projector).iter().map(|change| change.told("the log", "the projector")).collect()
}
