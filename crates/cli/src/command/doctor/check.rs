//! What a check found, and how it is told.

use longhaul_core::text;
use serde::Serialize;

/// How many findings of a check are kept; the others are counted.
const KEPT: usize = 10;

/// Longest finding for people, in characters.
const LINE: usize = 400;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Nothing is broken, but somebody should know.
    Warn,
    /// Something that is promised does not hold.
    Fail,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was looked at.
    pub(super) check: &'static str,
    /// How it ended.
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<String>,
    /// The first of what was found, one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
}

impl Check {
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), advice: None, details: Vec::new() }
    }

    pub(super) fn warn(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, advice: Some(advice.into()), ..Self::ok(check, found) }
    }

    pub(super) fn fail(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, advice: Some(advice.into()), ..Self::ok(check, found) }
    }

    /// Something that is promised does not hold.
    pub(super) fn is_bad(&self) -> bool {
        self.verdict == Verdict::Fail
    }

    pub(super) fn with(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }

    /// Good as long as nothing was found, else `bad`.
    pub(super) fn nothing_in(findings: &Findings, good: Self, bad: impl FnOnce(u64) -> Self) -> Self {
        if findings.total == 0 { good } else { bad(findings.total).with(findings.kept.clone()) }
    }
}

/// Findings of one sort: all counted, the first kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) total: u64,
    pub(super) kept: Vec<String>,
}

impl Findings {
    pub(super) fn push(&mut self, finding: impl FnOnce() -> String) {
        self.total += 1;
        if self.kept.len() < KEPT {
            self.kept.push(finding());
        }
    }
}

/// For people: a line a check, what to do and the details below it.
pub(super) fn table(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.check.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for Check { check, verdict, found, advice, details } in checks {
        let verdict = match verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        lines.push(format!("{verdict:4}  {check:width$}  {found}"));
        lines.extend(details.iter().map(|detail| format!("      {:width$}    {detail}", "")));
        lines.extend(advice.iter().map(|advice| format!("      {:width$}  → {advice}", "")));
    }
    let lines: Vec<String> = lines.iter().map(|line| text::line(line, LINE)).collect();
    lines.join("\n")
}

/// How many ended how.
pub(super) fn summary(checks: &[Check]) -> String {
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    format!(
        "{} checks: {} ok, {} to look at, {} failed",
        checks.len(),
        count(Verdict::Ok),
        count(Verdict::Warn),
        count(Verdict::Fail)
    )
}
