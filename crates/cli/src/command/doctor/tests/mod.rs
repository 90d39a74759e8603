//! Doctor over hand-written logs: healthy ones, and ones that break each rule.

mod answers;
mod file;
mod rules;
mod slots;
mod work;

use longhaul_core::Sequence;

use super::check::{Check, Verdict};
use super::pass::{Pass, report};
use crate::command::replay::script::Script;

/// What the log alone tells.
async fn of_the_log(script: &Script) -> Vec<Check> {
    let mut passes = Vec::new();
    for shard in script.journal.shards().all() {
        let head = script.journal.head(shard).await.unwrap();
        let mut pass = Pass::new(&script.journal, shard, head, 10);
        // In two goes, as it happens when the log is read on.
        pass.advance(Sequence(head.0 / 2), |_| {}).await.unwrap();
        pass.advance(head, |_| {}).await.unwrap();
        passes.push(pass);
    }
    super::audited::checks(&report(&passes))
}

/// The checks that are not as they should be.
fn bad(checks: &[Check]) -> Vec<(&'static str, Verdict)> {
    checks
        .iter()
        .filter(|check| check.verdict != Verdict::Ok)
        .map(|check| (check.check, check.verdict))
        .collect()
}

/// That exactly one check is bad, and what it found.
#[track_caller]
fn only(checks: &[Check], name: &str, verdict: Verdict) -> Vec<String> {
    let found: Vec<&Check> = checks.iter().filter(|check| check.verdict != Verdict::Ok).collect();
    match found.as_slice() {
        [one] if one.check == name && one.verdict == verdict => one.details.clone(),
        _ => panic!("only {name} should be {verdict:?}: {checks:#?}"),
    }
}
