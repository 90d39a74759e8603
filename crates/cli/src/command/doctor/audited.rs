//! What the records of the log say of the rules, as checks.

use longhaul_audit::{Figures, Report, Rule};
use longhaul_core::text;

use super::check::{Check, Findings};
use crate::command::replay::counted;

/// What to do about a record that writers who keep the rules do not write.
const PAST: &str = "writers append with what they have seen as expectation, so this was written past the rules: \
                    find out by whom (longhaul replay TASK), and whether the stream was edited";

/// What a check on rules says.
struct Said<'a> {
    check: &'static str,
    rules: &'a [Rule],
    good: String,
    /// What is wrong, of how many.
    bad: fn(u64) -> String,
    advice: &'static str,
}

/// Every rule that can be read from the records.
pub(super) fn checks(report: &Report) -> Vec<Check> {
    let Figures { events, .. } = &report.figures;
    let rules = [
        Said {
            check: "submissions",
            rules: &[Rule::Submissions],
            good: "every task was submitted once, and no commit is stored twice".to_owned(),
            bad: |n| {
                format!("{} stored twice, under a key of another task, or of a task never submitted", was(n))
            },
            advice: "written past the rules, or what was before it is lost: look at `gaps` first, then find out who \
                     wrote it (longhaul replay TASK)",
        },
        Said {
            check: "ends",
            rules: &[Rule::Ends],
            good: format!(
                "one end an attempt and nothing after it, in {}",
                counted(*events, "event", "events")
            ),
            bad: |n| format!("{} after the end of a task", counted(n, "event comes", "events come")),
            advice: PAST,
        },
        Said {
            check: "aborts",
            rules: &[Rule::Aborts],
            good: "nothing began and nothing completed after a recorded abort".to_owned(),
            bad: |n| format!("{} a recorded abort", counted(n, "event overtook", "events overtook")),
            advice: PAST,
        },
        Said {
            check: "steps",
            rules: &[Rule::Steps],
            good: "no step was recorded twice or begun again".to_owned(),
            bad: |n| format!("{} a recorded step", counted(n, "event repeats", "events repeat")),
            advice: PAST,
        },
        Said {
            check: "sums",
            rules: &[Rule::Usage, Rule::Refold],
            good: "every task's usage is the sum of its events, and erasures keep what was there".to_owned(),
            bad: |n| {
                format!(
                    "{} with what a history gave before",
                    counted(n, "record does not agree", "records do not agree")
                )
            },
            advice: PAST,
        },
        Said {
            check: "owners",
            rules: &[Rule::Owners],
            good: "every record names the organisation it lies under, and every slot its task's owner"
                .to_owned(),
            bad: |n| {
                format!("{} somebody else than it belongs to", counted(n, "record names", "records name"))
            },
            advice: "nothing of it counts; but somebody wrote where only another may: look at the server's permissions",
        },
    ];
    let mut checks = vec![records(report), newer(report), gaps(report)];
    checks.extend(rules.iter().map(|said| check(report, said)));
    checks.push(fold(report));
    checks.push(slots(report));
    checks
}

/// Tasks that neither ended nor wait for anything: whether that is as it should be depends on what
/// goes on beside the log.
pub(super) fn unfinished(report: &Report) -> Check {
    let n = report.unfinished.len() as u64;
    let each = report.unfinished.iter().take(10);
    let details = each.map(|one| format!("{}: task {}: {}", one.sequence, one.task.task, one.what));
    let found = match n {
        0 => "every task has ended or waits for something".to_owned(),
        n => format!("{} under way or due as the history ends", counted(n, "task is", "tasks are")),
    };
    Check::ok("progress", found).with(details.collect())
}

fn was(n: u64) -> String {
    counted(n, "record is", "records are")
}

fn check(report: &Report, said: &Said<'_>) -> Check {
    Check::nothing_in(&findings(report, said.rules), Check::ok(said.check, said.good.clone()), |n| {
        Check::fail(said.check, (said.bad)(n), said.advice)
    })
}

/// Those of some rules, in the order of the log.
fn findings(report: &Report, rules: &[Rule]) -> Findings {
    let mut findings = Findings::default();
    for finding in report.findings.iter().filter(|finding| rules.contains(&finding.rule)) {
        let shard = shard(report, finding.shard);
        findings.push(|| format!("{shard}{finding}"));
    }
    findings.total = rules.iter().map(|rule| report.count(*rule)).sum();
    findings
}

fn records(report: &Report) -> Check {
    let Figures { records, .. } = &report.figures;
    let read = counted(*records, "record", "records");
    let good = Check::ok("records", format!("{read} read, none is damaged"));
    Check::nothing_in(&findings(report, &[Rule::Records]), good, |n| {
        let found = format!("{}, of {read}", counted(n, "is no record", "are no records"));
        let advice = "it was not written by longhaul, or was damaged: the task is put aside and holds nothing else up. \
                      Submit it again, and find out who writes to the log";
        Check::fail("records", found, advice)
    })
}

fn newer(report: &Report) -> Check {
    let good = Check::ok("newer", "no record is of a newer version than this program");
    Check::nothing_in(&findings(report, &[Rule::Newer]), good, |n| {
        let found = counted(n, "record is of a newer version", "records are of a newer version");
        let advice = "update this program; until then their tasks are put aside, and nothing else is held up";
        Check::warn("newer", found, advice)
    })
}

fn gaps(report: &Report) -> Check {
    let good = Check::ok("gaps", "every sequence is there once and in order, but what erasures took");
    Check::nothing_in(&findings(report, &[Rule::Gaps]), good, |n| {
        let found = counted(n, "place is not as it was written", "places are not as they were written");
        let advice = "the log has lost records, or was edited. Keep what there is: the stream, the projector's directory \
                      (it may hold what is missing), every export; then restore the stream from a copy";
        Check::fail("gaps", found, advice)
    })
}

/// Says which finding is the first in the log, whatever check tells it: of what is promised, if anything
/// of that does not hold.
pub(super) fn first(report: &Report) -> Option<String> {
    let promised = report.findings.iter().any(|finding| finding.rule.is_promise());
    let all = report.findings.iter().filter(|finding| !promised || finding.rule.is_promise());
    let first = all.min_by_key(|finding| (finding.sequence, finding.shard))?;
    let what = if promised { "the first thing that does not hold" } else { "the first thing to look at" };
    let (shard, rule) = (shard(report, first.shard), first.rule);
    Some(text::line(&format!("{what}: {shard}{first} ({rule})"), 400))
}

/// The shard before a sequence, where there is more than one.
fn shard(report: &Report, shard: u16) -> String {
    let one_shard = report.findings.iter().all(|finding| finding.shard == 0);
    if one_shard { String::new() } else { format!("{shard}/") }
}

fn fold(report: &Report) -> Check {
    let good = Check::ok("fold", "every event follows from the one before it");
    Check::nothing_in(&findings(report, &[Rule::Fold, Rule::Runs]), good, |n| {
        let found = counted(n, "event is", "events are");
        let advice = "find out who writes what the rules do not allow: longhaul replay TASK";
        Check::warn("fold", format!("{found} ignored by the fold and changed nothing"), advice)
    })
}

fn slots(report: &Report) -> Check {
    let Figures { given, most_of_user, most_of_organisation, .. } = &report.figures;
    let good = format!(
        "no cap was ever exceeded in {}; at most {} of one user and {most_of_organisation} of one organisation \
         were taken at once",
        counted(*given, "admission", "admissions"),
        counted(*most_of_user, "slot", "slots"),
    );
    Check::nothing_in(&findings(report, &[Rule::Slots]), Check::ok("slots", good), |n| {
        let times = counted(n, "time", "times");
        let found = format!("{times} more ran than the caps in force allow, or a run began without a slot");
        let advice = "only the ledger gives slots: look there (longhaul replay --of-org) for who wrote it";
        Check::fail("slots", found, advice)
    })
}
