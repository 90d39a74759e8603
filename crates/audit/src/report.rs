//! What an audit gives.

use std::collections::BTreeMap;
use std::fmt;

use longhaul_core::{OrgId, Sequence, Status, TaskRef, Usage};
use longhaul_wire::Shard;
use longhaul_wire::query::Tally;

use crate::finding::{Finding, Rule};

/// What is known beside the log.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// Submissions that were acknowledged: each must be there.
    pub submitted: Vec<TaskRef>,
    /// Aborts that were acknowledged as recorded: each must be there. Not those that were answered
    /// with the end the task had already.
    pub aborted: Vec<TaskRef>,
    /// Everybody had the time to do everything: a task that neither ended nor waits for something
    /// is stuck.
    pub at_rest: bool,
    /// How far each shard went when reading began: up to there nothing may be missing. Without it, up to
    /// the last record that was read. See [`crate::Audit::awaits_erasure`].
    pub goes_to: BTreeMap<Shard, Sequence>,
}

/// What an audit found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What does not hold: in order of the log within a shard, at most 100 of each rule and shard.
    pub findings: Vec<Finding>,
    /// How many of each rule there were, those that were not kept included.
    pub counts: BTreeMap<Rule, u64>,
    /// What the log holds.
    pub figures: Figures,
    /// Tasks that neither ended nor wait for something. While somebody works that is as it should
    /// be; at rest it is not.
    pub unfinished: Vec<Unfinished>,
}

/// What a log holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records read.
    pub records: u64,
    /// Events in them.
    pub events: u64,
    /// Tasks, by status.
    pub tasks: Tally,
    /// Tasks with an abort on record.
    pub aborts: u64,
    /// What each organisation's tasks cost.
    pub usage: BTreeMap<OrgId, Sums>,
    /// Slots given.
    pub given: u64,
    /// The most slots one user held at once.
    pub most_of_user: u32,
    /// The most slots one organisation held at once.
    pub most_of_organisation: u32,
}

/// A task that neither ended nor waits for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Which.
    pub task: TaskRef,
    /// Where it stands.
    pub status: Status,
    /// Its last record, or the ledger's that gave it its slot, if that is later.
    pub sequence: Sequence,
    /// What ought to happen next.
    pub what: String,
}

/// Usage, summed up without the bounds of a single record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Tokens sent to models.
    pub input_tokens: u64,
    /// Tokens received from models.
    pub output_tokens: u64,
    /// Calls of models.
    pub model_calls: u64,
    /// Queries of data.
    pub queries: u64,
}

impl Report {
    /// Whether no promise is broken. What is ignored or put aside breaks none.
    pub fn is_sound(&self) -> bool {
        self.counts.keys().all(|rule| !rule.is_promise())
    }

    /// How many findings of a rule there were.
    pub fn count(&self, rule: Rule) -> u64 {
        self.counts.get(&rule).copied().unwrap_or(0)
    }

    /// The findings of a rule that were kept.
    pub fn of(&self, rule: Rule) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.rule == rule)
    }

    /// Adds another shard's.
    pub fn add(&mut self, other: Self) {
        let Self { findings, counts, figures, unfinished } = other;
        self.findings.extend(findings);
        counts.into_iter().for_each(|(rule, n)| *self.counts.entry(rule).or_default() += n);
        self.figures.add(figures);
        self.unfinished.extend(unfinished);
    }
}

impl fmt::Display for Report {
    /// A line a finding, those that break a promise first; then what was read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (broken, odd): (Vec<&Finding>, Vec<&Finding>) =
            self.findings.iter().partition(|finding| finding.rule.is_promise());
        for finding in broken.iter().chain(&odd) {
            writeln!(f, "{}: shard {}, {finding}", finding.rule, finding.shard)?;
        }
        let Figures { records, events, tasks, .. } = &self.figures;
        let found: u64 = self.counts.values().sum();
        write!(f, "{records} records, {events} events, {} tasks: {found} findings", tasks.total)
    }
}

impl Figures {
    fn add(&mut self, other: Self) {
        let Self { records, events, tasks, aborts, usage, given, most_of_user, most_of_organisation } = other;
        self.records += records;
        self.events += events;
        self.tasks.total += tasks.total;
        self.tasks.unreadable += tasks.unreadable;
        tasks.status.into_iter().for_each(|(status, n)| *self.tasks.status.entry(status).or_default() += n);
        self.aborts += aborts;
        for (org, sums) in usage {
            let known = self.usage.entry(org).or_default();
            *known = known.plus(sums);
        }
        self.given += given;
        self.most_of_user = self.most_of_user.max(most_of_user);
        self.most_of_organisation = self.most_of_organisation.max(most_of_organisation);
    }
}

impl From<Usage> for Sums {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            model_calls: usage.model_calls.into(),
            queries: usage.queries.into(),
        }
    }
}

impl Sums {
    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            model_calls: self.model_calls.saturating_add(other.model_calls),
            queries: self.queries.saturating_add(other.queries),
        }
    }

    /// This, with `after` in the place of `before`.
    pub(crate) fn replace(self, before: Self, after: Self) -> Self {
        let less = |sum: u64, part: u64| sum.saturating_sub(part);
        Self {
            input_tokens: less(self.input_tokens, before.input_tokens),
            output_tokens: less(self.output_tokens, before.output_tokens),
            model_calls: less(self.model_calls, before.model_calls),
            queries: less(self.queries, before.queries),
        }
        .plus(after)
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input_tokens, output_tokens, model_calls, queries } = self;
        write!(f, "{input_tokens} tokens in, {output_tokens} out, {model_calls} calls, {queries} queries")
    }
}
