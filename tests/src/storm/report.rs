//! What a storm gives: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::fmt;

use longhaul_audit::Rule;
use serde::Serialize;

use super::pulse::Role;
use super::verdict::Verdict;

/// Most lines of one sort of trouble that are printed.
const SHOWN: usize = 20;

/// The promises, each with how often it was broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Acknowledged submissions that are not there.
    pub lost: u64,
    /// Submissions that are there twice, and ends that came twice.
    pub double: u64,
    /// Caps exceeded, slots miscounted.
    pub breaches: u64,
    /// Tasks that neither ended nor wait for something.
    pub stuck: u64,
    /// Acknowledged aborts that are not there, were overtaken, or did not end their task.
    pub aborts_lost: u64,
    /// Acknowledged decisions that are not there.
    pub decisions_lost: u64,
    /// Steps done again after they were recorded.
    pub steps_repeated: u64,
    /// Rows of the read model that do not follow from the log.
    pub rows_differ: u64,
    /// What else the audit found.
    pub others: u64,
    /// Processes that ended by themselves or badly, answers that must not be given.
    pub findings: u64,
}

/// The outcome of a storm.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Raises the same storm again.
    pub seed: u64,
    /// nats-servers.
    pub nodes: usize,
    /// Shards of the log.
    pub shards: u16,
    /// `strict` or `relaxed`.
    pub durability: &'static str,
    /// How long faults and work lasted, in seconds.
    pub storm_seconds: f64,
    /// How long it took after the last fault until everything had ended, in seconds.
    pub calm_seconds: f64,
    /// Submissions that were acknowledged.
    pub acknowledged: u64,
    /// Aborts that were acknowledged.
    pub aborts_acknowledged: u64,
    /// Kills of all parts together.
    pub kills: u64,
    /// Whether every promise was kept.
    pub sound: bool,
    /// How often each was broken.
    pub broken: Broken,
    /// Tasks by their end.
    pub tasks: BTreeMap<String, u64>,
    /// Everything counted on the way: faults by sort, answers to clients.
    pub counts: BTreeMap<String, u64>,
    /// Events on the log by name.
    pub events: BTreeMap<&'static str, u64>,
    /// Records on the log.
    pub records: u64,
    /// Steps that programs did, by their own marks.
    pub steps_witnessed: u64,
    /// Rows of the read model.
    pub rows: usize,
    /// The longest time in which no task moved although some had not ended, in seconds.
    pub longest_still_seconds: f64,
    /// Memory of every process, in KiB.
    pub memory: BTreeMap<String, Role>,
    /// What is wrong, in words.
    pub troubles: Vec<String>,
    /// The log of a storm that broke a promise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
}

impl Broken {
    /// Counts what a verdict and the findings say.
    pub fn of(verdict: &Verdict, findings: usize) -> Self {
        let audit = |rule| verdict.audit.count(rule);
        let n = |length: usize| length as u64;
        let (lost, aborts_lost) = (n(verdict.lost.len()), n(verdict.aborts_lost.len()));
        let others = Rule::ALL.into_iter().filter(|rule| {
            rule.is_promise()
                && !matches!(
                    rule,
                    Rule::Submissions
                        | Rule::Ends
                        | Rule::Slots
                        | Rule::Aborts
                        | Rule::Steps
                        | Rule::Progress
                )
        });
        Self {
            lost,
            // The audit counts what is lost as well.
            double: audit(Rule::Submissions).saturating_sub(lost) + audit(Rule::Ends),
            breaches: audit(Rule::Slots),
            stuck: n(verdict.unfinished.len()).max(audit(Rule::Progress)),
            aborts_lost: aborts_lost.max(audit(Rule::Aborts)),
            decisions_lost: n(verdict.decisions_lost.len()),
            steps_repeated: audit(Rule::Steps)
                + n(verdict.testimony.repeated.len() + verdict.testimony.twice.len()),
            rows_differ: n(verdict.rows_differ.len()),
            others: others.map(audit).sum(),
            findings: n(findings),
        }
    }
}

/// Everything that is wrong, in words, the worst first.
pub fn troubles(verdict: &Verdict, findings: Vec<String>) -> Vec<String> {
    let mut all = findings;
    let name = |what: &str, list: &[longhaul_core::TaskId]| -> Vec<String> {
        list.iter().take(SHOWN).map(|task| format!("{what}: task {task}")).collect()
    };
    all.extend(name("acknowledged and not there", &verdict.lost));
    all.extend(name("abort acknowledged, and that did not end it", &verdict.aborts_lost));
    all.extend(name("decision acknowledged and not there", &verdict.decisions_lost));
    let unfinished = &verdict.audit.unfinished;
    all.extend(unfinished.iter().take(SHOWN).map(|task| {
        format!("stuck: task {} of {} is {}: {}", task.task.task, task.task.org, task.status, task.what)
    }));
    let marks = verdict.testimony.repeated.iter().map(|mark| format!("recorded and done again: {mark}"));
    all.extend(marks.take(SHOWN));
    let twice = verdict.testimony.twice.iter().map(|mark| format!("done twice by one run: {mark}"));
    all.extend(twice.take(SHOWN));
    all.extend(verdict.rows_differ.iter().take(SHOWN).cloned());
    all.extend(
        verdict
            .audit
            .findings
            .iter()
            .filter(|finding| finding.rule.is_promise())
            .take(SHOWN)
            .map(|finding| format!("{}: shard {}, {finding}", finding.rule, finding.shard)),
    );
    all
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: String| writeln!(f, "  {name:<44} {value:>12}");
        row("seed", self.seed.to_string())?;
        row("nats-servers, shards", format!("{}, {}", self.nodes, self.shards))?;
        row("durability", self.durability.to_owned())?;
        row("storm, then calm, in seconds", format!("{:.0}, {:.0}", self.storm_seconds, self.calm_seconds))?;
        row("submissions acknowledged", self.acknowledged.to_string())?;
        row("aborts acknowledged", self.aborts_acknowledged.to_string())?;
        row("kills", self.kills.to_string())?;
        for (what, n) in &self.counts {
            row(what, n.to_string())?;
        }
        for (status, n) in &self.tasks {
            row(&format!("tasks {status}"), n.to_string())?;
        }
        row("runs lost and taken over or expired", self.event("lost"))?;
        row("records on the log", self.records.to_string())?;
        row("longest time without a move, in seconds", format!("{:.1}", self.longest_still_seconds))?;
        let Broken { lost, double, breaches, stuck, aborts_lost, .. } = self.broken;
        row("LOST", lost.to_string())?;
        row("DOUBLE", double.to_string())?;
        row("BREACHES OF CAPS", breaches.to_string())?;
        row("STUCK", stuck.to_string())?;
        row("ABORTS LOST", aborts_lost.to_string())?;
        row("DECISIONS LOST", self.broken.decisions_lost.to_string())?;
        row("STEPS REPEATED", format!("{} of {}", self.broken.steps_repeated, self.event("step_completed")))?;
        row("ROWS THAT DIFFER", format!("{} of {}", self.broken.rows_differ, self.rows))?;
        row("OTHER RULES BROKEN", self.broken.others.to_string())?;
        row("OTHER FINDINGS", self.broken.findings.to_string())?;
        writeln!(
            f,
            "\n  {:<16} {:>9} {:>9}   of the one that lived longest, MiB",
            "memory", "processes", "max MiB"
        )?;
        writeln!(
            f,
            "  {:<16} {:>9} {:>9} {:>9} {:>7} {:>7} {:>7}",
            "", "", "", "seconds", "first", "last", "max"
        )?;
        let mib = |kib: u64| format!("{}.{}", kib / 1024, kib % 1024 * 10 / 1024);
        for (name, role) in &self.memory {
            let life = role.longest;
            let (first, last, max) = (mib(life.first), mib(life.last), mib(life.max));
            writeln!(
                f,
                "  {name:<16} {:>9} {:>9} {:>9} {first:>7} {last:>7} {max:>7}",
                role.processes,
                mib(role.max),
                life.seconds
            )?;
        }
        for trouble in &self.troubles {
            writeln!(f, "\n{trouble}")?;
        }
        Ok(())
    }
}

impl Report {
    fn event(&self, name: &str) -> String {
        self.events.get(name).copied().unwrap_or(0).to_string()
    }
}
