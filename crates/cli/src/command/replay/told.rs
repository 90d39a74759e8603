//! One record of the log as it is told: to people in one or two lines an event, to programs as JSON.

use longhaul_audit::{Fate, Known};
use longhaul_core::{Actor, Admission, Commit, Event, OrgId, Policy, Sequence, TaskId, Timestamp, text};
use longhaul_journal::{Entry, Parsed, Record};
use longhaul_wire::DecodeError;
use longhaul_wire::view::SnapshotView;
use serde::Serialize;

use super::words;
use crate::time::local;

/// Longest line for people, in characters.
const LINE: usize = 300;

/// How far the writer's clock and the server's may be apart without a word.
const APART: u64 = 2_000;

/// A record and what it did.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// Its shard.
    shard: u16,
    /// Its place there.
    sequence: Sequence,
    /// When its writer wrote it, by the writer's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// When the server stored it.
    stored_at: Timestamp,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Actor>,
    /// What it is.
    #[serde(flatten)]
    what: What,
    /// The same for people.
    #[serde(skip)]
    lines: Vec<String>,
}

/// What a record is.
#[derive(Debug, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum What {
    /// A commit of a task.
    Task {
        org: OrgId,
        task: TaskId,
        events: Vec<Event>,
        /// Which of the events changed nothing, by index, and why.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        ignored: Vec<Ignored>,
        /// The state after it.
        #[serde(skip_serializing_if = "Option::is_none")]
        snapshot: Option<Box<SnapshotView>>,
    },
    /// Runs that were given a slot.
    Admissions { org: OrgId, admissions: Vec<Admission> },
    /// What an organisation may do from here on.
    Policy { org: OrgId, policy: Policy },
    /// A record that cannot be read.
    Unreadable {
        subject: String,
        org: OrgId,
        #[serde(skip_serializing_if = "Option::is_none")]
        task: Option<TaskId>,
        why: String,
    },
}

#[derive(Debug, Serialize)]
struct Ignored {
    event: usize,
    why: String,
}

/// How much a line must say of where it lies: within one task's history hardly anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// One task.
    Task,
    /// One shard.
    Shard,
    /// Several shards.
    Log,
}

impl Told {
    /// Tells a record, and folds it into what is known of its task, if it belongs to one. Claims
    /// are not told: they follow from the rest. Lines are made only `for_people`.
    pub(super) fn new(
        entry: &Entry,
        known: Option<&mut Known>,
        within: Within,
        for_people: bool,
    ) -> Option<Self> {
        let mut lines = Lines::new(entry, within, for_people);
        let (at, actor, what) = match &entry.record {
            Ok(Record::Task(commit)) => {
                let what = task(entry, commit, known?, &mut lines, within)?;
                (Some(commit.at), Some(commit.actor.clone()), what)
            }
            Ok(Record::Admissions(commit)) => {
                lines.first(Some(commit.at), || words::admitted(commit));
                lines.more(|| format!("{} · {}", commit.org, words::who(&commit.actor)));
                let what =
                    What::Admissions { org: commit.org.clone(), admissions: commit.admissions.clone() };
                (Some(commit.at), Some(commit.actor.clone()), what)
            }
            Ok(Record::Policy(commit)) => {
                lines.first(Some(commit.at), || words::policy(&commit.policy));
                lines.more(|| format!("{} · {}", commit.org, words::who(&commit.actor)));
                let what = What::Policy { org: commit.org.clone(), policy: commit.policy.clone() };
                (Some(commit.at), Some(commit.actor.clone()), what)
            }
            Ok(Record::Conversation(_)) => return None,
            Err(why) => {
                lines.first(None, || format!("unreadable: {why}"));
                (None, None, unreadable(entry, why, known, &mut lines))
            }
        };
        let Entry { shard, sequence, stored_at, .. } = entry;
        Some(Self {
            shard: shard.0,
            sequence: *sequence,
            at,
            stored_at: *stored_at,
            actor,
            what,
            lines: lines.done,
        })
    }

    /// When the server stored it: what pauses are measured by.
    pub(super) fn stored_at(&self) -> Timestamp {
        self.stored_at
    }

    /// For people.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }
}

fn task(
    entry: &Entry,
    commit: &Commit,
    known: &mut Known,
    lines: &mut Lines,
    within: Within,
) -> Option<What> {
    let mut ignored = Vec::new();
    let mut index = 0;
    known.fold(commit, entry.sequence, |step| {
        lines.first(Some(commit.at), || {
            // The outcome is what one looks for: a long text must not push it out of the line.
            let said = text::line(&words::event(&step.event.body), LINE - 120);
            format!("{said}  {}", words::outcome(step.fate, step.after))
        });
        match step.fate {
            Fate::Applied => {}
            Fate::Ignored(why) => ignored.push(Ignored { event: index, why: why.to_string() }),
            Fate::Aside => ignored.push(Ignored { event: index, why: "the task is put aside".to_owned() }),
        }
        index += 1;
    });
    let snapshot = known.snapshot.as_ref();
    let Parsed::Task { org, task, .. } = &entry.subject else { return None };
    lines.more(|| {
        let mut parts = Vec::new();
        if within != Within::Task {
            parts.push(format!("task {task} of {org}"));
        }
        parts.push(words::who(&commit.actor));
        parts.extend(snapshot.map(words::standing).filter(|standing| !standing.is_empty()));
        parts.join(" · ")
    });
    let snapshot = snapshot.map(|snapshot| Box::new(SnapshotView::new(snapshot, None, None, None)));
    Some(What::Task { org: org.clone(), task: *task, events: commit.events.clone(), ignored, snapshot })
}

fn unreadable(entry: &Entry, why: &DecodeError, known: Option<&mut Known>, lines: &mut Lines) -> What {
    let subject = entry.subject.subject().to_string();
    let task = match (&entry.subject, known) {
        (Parsed::Task { task, .. }, Some(known)) => {
            known.put_aside(entry.sequence);
            lines.more(|| format!("task {task} is put aside from here on"));
            Some(*task)
        }
        _ => {
            lines.more(|| subject.clone());
            None
        }
    };
    What::Unreadable { subject, org: entry.subject.org().clone(), task, why: why.to_string() }
}

/// The lines for people: first the place and the time, the rest set in.
struct Lines {
    place: String,
    stored_at: Timestamp,
    wanted: bool,
    done: Vec<String>,
}

impl Lines {
    fn new(entry: &Entry, within: Within, wanted: bool) -> Self {
        let place = match within {
            Within::Log => format!("{}/{}", entry.shard, entry.sequence),
            Within::Task | Within::Shard => entry.sequence.to_string(),
        };
        Self { place, stored_at: entry.stored_at, wanted, done: Vec::new() }
    }

    fn first(&mut self, at: Option<Timestamp>, said: impl FnOnce() -> String) {
        if !self.wanted {
            return;
        }
        let apart = at.map_or(0, |at| at.since(self.stored_at).0.max(self.stored_at.since(at).0));
        let stored = match apart > APART {
            true => format!("  (stored {})", local(self.stored_at)),
            false => String::new(),
        };
        let at = local(at.unwrap_or(self.stored_at));
        let line = format!("{:>6}  {at}  {}{stored}", self.place, said());
        self.push(&line);
    }

    fn more(&mut self, said: impl FnOnce() -> String) {
        if self.wanted {
            self.push(&format!("        {}", said()));
        }
    }

    /// Everything that tasks say goes through here before it reaches a terminal.
    fn push(&mut self, line: &str) {
        self.done.push(text::line(line, LINE));
    }
}
