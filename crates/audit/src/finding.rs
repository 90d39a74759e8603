//! What does not hold, and where.

use std::collections::BTreeMap;
use std::fmt;

use longhaul_core::{OrgId, Sequence, TaskId, TaskRef};
use longhaul_wire::Shard;
use serde::Serialize;

/// How many findings of one rule are kept; all are counted.
const KEPT: usize = 100;

/// What is promised of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Nothing acknowledged is lost, nothing is stored twice: one `submitted` a task, before everything
    /// else and under the id its key names; no commit id twice.
    Submissions,
    /// One end an attempt, and nothing after it but `retried`, `dismissed` and `erased`.
    Ends,
    /// No acknowledged abort is lost; nothing begins and nothing completes once one is recorded.
    Aborts,
    /// No more tasks run than the caps in force allow, none runs without a slot, and slots equal a
    /// recount.
    Slots,
    /// Events name the current run. One that does not is ignored by the fold.
    Runs,
    /// A state equals the fold of its history.
    Refold,
    /// Every task that has neither ended nor waits for something makes progress.
    Progress,
    /// A step is recorded once, and not begun again.
    Steps,
    /// A task's usage is the sum of what its events say, an organisation's that of its tasks.
    Usage,
    /// What lies under an organisation's subject names that organisation; the ledger counts a task
    /// under its own user and conversation.
    Owners,
    /// Every record of a version this program knows can be read.
    Records,
    /// Sequences follow each other, each is there once, and only erasures take some away.
    Gaps,
    /// No record is of a newer version than this program, or of a kind it does not know.
    Newer,
    /// Every event follows from the one before it. One that does not is ignored by the fold.
    Fold,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 14] = [
        Self::Submissions,
        Self::Ends,
        Self::Aborts,
        Self::Slots,
        Self::Runs,
        Self::Refold,
        Self::Progress,
        Self::Steps,
        Self::Usage,
        Self::Owners,
        Self::Records,
        Self::Gaps,
        Self::Newer,
        Self::Fold,
    ];

    /// Whether a promise is broken. Otherwise every reader copes by itself: what only a newer program
    /// reads is put aside, what the rules do not allow changes nothing.
    pub fn is_promise(self) -> bool {
        !matches!(self, Self::Runs | Self::Newer | Self::Fold)
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submissions => "submissions",
            Self::Ends => "ends",
            Self::Aborts => "aborts",
            Self::Slots => "slots",
            Self::Runs => "runs",
            Self::Refold => "refold",
            Self::Progress => "progress",
            Self::Steps => "steps",
            Self::Usage => "usage",
            Self::Owners => "owners",
            Self::Records => "records",
            Self::Gaps => "gaps",
            Self::Newer => "newer",
            Self::Fold => "fold",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it breaks.
    pub rule: Rule,
    /// In which shard.
    pub shard: u16,
    /// The first record at which it shows; 0 where something is missing.
    pub sequence: Sequence,
    /// Whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
    /// Which task, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// What was found and what was expected.
    pub what: String,
}

impl fmt::Display for Finding {
    /// `17: task 019…: completed although an abort was recorded`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sequence != Sequence::ZERO {
            write!(f, "{}: ", self.sequence)?;
        }
        if let Some(task) = self.task {
            write!(f, "task {task}")?;
            if let Some(org) = &self.org {
                write!(f, " of {org}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.what)
    }
}

/// Findings of one shard: all counted, the first of each rule kept.
#[derive(Debug, Clone)]
pub(crate) struct Findings {
    shard: Shard,
    pub(crate) counts: BTreeMap<Rule, u64>,
    pub(crate) kept: Vec<Finding>,
}

impl Findings {
    pub(crate) fn new(shard: Shard) -> Self {
        Self { shard, counts: BTreeMap::new(), kept: Vec::new() }
    }

    /// Of a task.
    pub(crate) fn task(&mut self, rule: Rule, at: Sequence, task: &TaskRef, what: impl FnOnce() -> String) {
        self.push(rule, at, || (Some(task.org.clone()), Some(task.task), what()));
    }

    /// Of an organisation.
    pub(crate) fn org(&mut self, rule: Rule, at: Sequence, org: &OrgId, what: impl FnOnce() -> String) {
        self.push(rule, at, || (Some(org.clone()), None, what()));
    }

    /// Of nobody known.
    pub(crate) fn log(&mut self, rule: Rule, at: Sequence, what: impl FnOnce() -> String) {
        self.push(rule, at, || (None, None, what()));
    }

    fn push(
        &mut self,
        rule: Rule,
        sequence: Sequence,
        finding: impl FnOnce() -> (Option<OrgId>, Option<TaskId>, String),
    ) {
        let n = self.counts.entry(rule).or_default();
        *n += 1;
        if *n <= KEPT as u64 {
            let (org, task, what) = finding();
            self.kept.push(Finding { rule, shard: self.shard.0, sequence, org, task, what });
        }
    }
}
