//! What the records of the log say of the rules, as checks.

use longhaul_audit::{Figures, Report, Rule};

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
            bad: |n| format!("{} stored twice, or under a key of another task", was(n)),
            advice: PAST,
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
    let mut checks = vec![records(report)];
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
    let one_shard = report.findings.iter().all(|finding| finding.shard == 0);
    for finding in report.findings.iter().filter(|finding| rules.contains(&finding.rule)) {
        let shard = if one_shard { String::new() } else { format!("{}/", finding.shard) };
        findings.push(|| format!("{shard}{finding}"));
    }
    findings.total = rules.iter().map(|rule| report.count(*rule)).sum();
    findings
}

fn records(report: &Report) -> Check {
    let Figures { records, tasks, .. } = &report.figures;
    let good =
        Check::ok("records", format!("{} read, every one readable", counted(*records, "record", "records")));
    Check::nothing_in(&findings(report, &[Rule::Records]), good, |n| {
        let found = format!(
            "{}; {} put aside for it, nothing else is held up",
            counted(n, "record cannot be read", "records cannot be read"),
            counted(tasks.unreadable, "task is", "tasks are")
        );
        let advice = "a record of a newer version: update this program. Anything else was not written by longhaul: \
                      submit the task again, and find out who writes to the log";
        Check::warn("records", found, advice)
    })
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
