//! One shard, counted anew from its first record: pure, a record at a time.

use std::collections::BTreeMap;

use longhaul_core::apply::Ignored;
use longhaul_core::{Commit, EventBody, OrgId, Sequence, Status, TaskRef, Usage};
use longhaul_journal::{Entry, Parsed, Record};
use longhaul_wire::query::Tally;

use super::check::{Check, Findings};
use super::rules::{Rule, broken};
use super::sample::Sample;
use super::slots::Slots;
use crate::command::replay::{Fate, Known, counted};

/// What one shard holds, and what is wrong with it.
pub(super) struct Recount {
    pub(super) records: u64,
    pub(super) events: u64,
    /// Tasks by status.
    pub(super) tally: Tally,
    /// What the tasks of each organisation cost.
    pub(super) usage: BTreeMap<OrgId, Sums>,
    pub(super) sample: Sample,
    found: Found,
    slots: Slots,
    /// Tasks with events and no submission, and the first of those events. The rest of a history
    /// whose erasure was interrupted looks like that until the erasing record comes.
    strays: BTreeMap<TaskRef, Sequence>,
}

/// What is wrong, by the rule it breaks.
#[derive(Debug, Clone, Default)]
struct Found {
    ends: Findings,
    aborts: Findings,
    steps: Findings,
    ignored: Findings,
    /// Tasks that were put aside.
    aside: Findings,
    /// Records that cannot be read and belong to no task.
    unreadable: Findings,
}

/// Usage, summed up without the bounds of a single record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) model_calls: u64,
    pub(super) queries: u64,
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
    /// This, with `after` in the place of `before`.
    fn replace(self, before: Self, after: Self) -> Self {
        let replace = |sum: u64, before: u64, after: u64| sum.saturating_sub(before).saturating_add(after);
        Self {
            input_tokens: replace(self.input_tokens, before.input_tokens, after.input_tokens),
            output_tokens: replace(self.output_tokens, before.output_tokens, after.output_tokens),
            model_calls: replace(self.model_calls, before.model_calls, after.model_calls),
            queries: replace(self.queries, before.queries, after.queries),
        }
    }
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { input_tokens, output_tokens, model_calls, queries } = self;
        write!(f, "{input_tokens} tokens in, {output_tokens} out, {model_calls} calls, {queries} queries")
    }
}

/// How a task is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Aside,
    In(Status),
}

fn class(known: &Known) -> Option<Class> {
    match known.unreadable {
        Some(_) => Some(Class::Aside),
        None => known.status().map(Class::In),
    }
}

fn cost(known: &Known) -> Sums {
    known.snapshot.as_ref().map(|snapshot| snapshot.usage.into()).unwrap_or_default()
}

impl Recount {
    /// Nothing yet; a sample of about `sample` tasks is taken on the way.
    pub(super) fn new(sample: usize) -> Self {
        Self {
            records: 0,
            events: 0,
            tally: Tally::default(),
            usage: BTreeMap::new(),
            sample: Sample::new(sample),
            found: Found::default(),
            slots: Slots::default(),
            strays: BTreeMap::new(),
        }
    }

    /// Takes in a record, and folds it into what is known of the task it belongs to, if it belongs
    /// to one.
    pub(super) fn take(&mut self, entry: &Entry, task: Option<(&TaskRef, &mut Known)>) {
        self.records += 1;
        match (&entry.record, task) {
            (Ok(Record::Admissions(commit)), _) => self.slots.admissions(commit, entry.sequence),
            (Ok(Record::Policy(commit)), _) => self.slots.policy(commit, entry.sequence),
            (Ok(Record::Conversation(_) | Record::Dispatch(_)), _) => {}
            (record, Some((task, known))) => {
                let (before, spent) = (class(known), cost(known));
                match record {
                    Ok(Record::Task(commit)) => self.fold(task, commit, entry.sequence, known),
                    _ => self.put_aside(task, entry, known),
                }
                self.count(task, entry.sequence, (before, class(known)), (spent, cost(known)));
            }
            (record, None) => {
                if let (Err(_), Parsed::Ledger { org, .. } | Parsed::Policy { org, .. }) =
                    (record, &entry.subject)
                {
                    self.slots.blind(org);
                }
                self.found.unreadable.push(|| {
                    let why = record.as_ref().err().map(ToString::to_string).unwrap_or_default();
                    format!("{} under {}: {why}", entry.sequence, entry.subject.subject())
                });
            }
        }
    }

    fn fold(&mut self, task: &TaskRef, commit: &Commit, sequence: Sequence, known: &mut Known) {
        let Self { events, found, slots, strays, .. } = self;
        known.fold(commit, sequence, |step| {
            *events += 1;
            match &step.event.body {
                EventBody::Erased { .. } => drop(strays.remove(task)),
                EventBody::Started { run, ledger, .. } if step.fate == Fate::Applied => {
                    slots.begins(task, *run, *ledger, sequence);
                }
                _ => {}
            }
            if step.fate == Fate::Ignored(Ignored::NoTask) {
                strays.entry(task.clone()).or_insert(sequence);
                return;
            }
            let Some((rule, how)) = broken(&step) else { return };
            let list = match rule {
                Rule::Ends => &mut found.ends,
                Rule::Aborts => &mut found.aborts,
                Rule::Steps => &mut found.steps,
                Rule::Fold => &mut found.ignored,
            };
            list.push(|| format!("{sequence}: task {}, by {}: {how}", task.task, commit.actor.who));
        });
        match (&known.snapshot, known.unreadable) {
            (Some(snapshot), None) => slots.task(task, snapshot, sequence),
            _ => slots.put_aside(task),
        }
    }

    fn put_aside(&mut self, task: &TaskRef, entry: &Entry, known: &mut Known) {
        if known.unreadable.is_none() {
            self.found.aside.push(|| {
                let why = entry.record.as_ref().err().map(ToString::to_string).unwrap_or_default();
                format!("task {} of {}, record {}: {why}", task.task, task.org, entry.sequence)
            });
        }
        known.put_aside(entry.sequence);
        self.slots.put_aside(task);
    }

    fn count(
        &mut self,
        task: &TaskRef,
        sequence: Sequence,
        (before, after): (Option<Class>, Option<Class>),
        (spent, spends): (Sums, Sums),
    ) {
        if before != after {
            self.shift(before, |n| n.saturating_sub(1));
            self.shift(after, |n| n.saturating_add(1));
        }
        if before.is_none() && after.is_some() {
            self.sample.appears(task);
        }
        if after.is_some() {
            self.sample.changes(task, sequence);
        }
        if spent != spends {
            let sums = self.usage.entry(task.org.clone()).or_default();
            *sums = sums.replace(spent, spends);
        }
    }

    fn shift(&mut self, class: Option<Class>, step: fn(u64) -> u64) {
        let Some(class) = class else { return };
        self.tally.total = step(self.tally.total);
        match class {
            Class::Aside => self.tally.unreadable = step(self.tally.unreadable),
            Class::In(status) => {
                let n = self.tally.status.entry(status).or_default();
                *n = step(*n);
                if *n == 0 {
                    self.tally.status.remove(&status);
                }
            }
        }
    }

    /// What every shard's histories and ledgers say of the rules.
    pub(super) fn checks(all: &[&Self]) -> Vec<Check> {
        let sum = |of: fn(&Self) -> u64| all.iter().map(|one| of(one)).sum::<u64>();
        let gathered = |of: fn(&Self) -> &Findings| {
            all.iter().fold(Findings::default(), |found, one| found.and(of(one)))
        };
        let events = sum(|one| one.events);
        let past = "writers append with what they have seen as expectation, so this was written past the rules: \
                    find out by whom (longhaul replay TASK), and whether the stream was edited";
        let ends = Check::ok(
            "ends",
            format!("one end an attempt and nothing after it, in {}", counted(events, "event", "events")),
        );
        let aborts = Check::ok("aborts", "nothing began and nothing completed after a recorded abort");
        let steps = Check::ok("steps", "no step was recorded twice or begun again");
        let ignored =
            all.iter().fold(gathered(|one| &one.found.ignored), |found, one| found.and(&one.stray()));
        let fold = Check::ok("fold", "every event follows from the one before it");
        vec![
            unreadable(
                &gathered(|one| &one.found.aside),
                &gathered(|one| &one.found.unreadable),
                sum(|one| one.records),
            ),
            Check::nothing_in(&gathered(|one| &one.found.ends), ends, |n| {
                Check::fail(
                    "ends",
                    format!("{} after the end of a task", counted(n, "event comes", "events come")),
                    past,
                )
            }),
            Check::nothing_in(&gathered(|one| &one.found.aborts), aborts, |n| {
                Check::fail(
                    "aborts",
                    format!("{} a recorded abort", counted(n, "event overtook", "events overtook")),
                    past,
                )
            }),
            Check::nothing_in(&gathered(|one| &one.found.steps), steps, |n| {
                Check::fail(
                    "steps",
                    format!("{} a recorded step", counted(n, "event repeats", "events repeat")),
                    past,
                )
            }),
            Check::nothing_in(&ignored, fold, |n| {
                let found = format!(
                    "{} ignored by the fold and changed nothing",
                    counted(n, "event is", "events are")
                );
                Check::warn(
                    "fold",
                    found,
                    "find out who writes what the rules do not allow: longhaul replay TASK",
                )
            }),
            slots(all, &gathered(|one| &one.slots.breaches)),
        ]
    }

    fn stray(&self) -> Findings {
        let mut findings = Findings::default();
        for (task, sequence) in &self.strays {
            findings.push(|| format!("{sequence}: task {} of {} was never submitted", task.task, task.org));
        }
        findings
    }
}

fn unreadable(aside: &Findings, others: &Findings, records: u64) -> Check {
    let both = aside.clone().and(others);
    Check::nothing_in(
        &both,
        Check::ok("records", format!("{} read, every one readable", counted(records, "record", "records"))),
        |_| {
            Check::warn(
                "records",
                format!(
                    "{} put aside for a record that cannot be read; {} of no task cannot be read; nothing else is held up",
                    counted(aside.total, "task is", "tasks are"),
                    counted(others.total, "other record", "other records")
                ),
                "a record of a newer version: update this program. Anything else was not written by longhaul: submit the \
             task again, and find out who writes to the log",
            )
        },
    )
}

fn slots(all: &[&Recount], breaches: &Findings) -> Check {
    let given: u64 = all.iter().map(|one| one.slots.given).sum();
    let most = all.iter().map(|one| one.slots.most);
    let (user, organisation) = most.fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
    let good = Check::ok(
        "slots",
        format!(
            "no cap was ever exceeded in {}; at most {} of one user and {organisation} of one organisation were taken \
             at once",
            counted(given, "admission", "admissions"),
            counted(user, "slot", "slots"),
        ),
    );
    Check::nothing_in(breaches, good, |n| {
        Check::fail(
            "slots",
            format!(
                "{} more ran than the caps in force allow, or a run began without a slot",
                counted(n, "time", "times")
            ),
            "only the ledger gives slots: look there (longhaul replay --of-org) for who wrote it",
        )
    })
}
