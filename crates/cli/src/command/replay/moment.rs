//! The state at a moment, and what changed between two.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use longhaul_audit::{Change, Known, changes, shown};
use longhaul_core::{Kind, OrgId, Sequence, Snapshot, Status, TaskId, TaskRef, Timestamp, UserId};
use longhaul_journal::{Entry, Journal};
use longhaul_wire::view::SnapshotView;
use serde::Serialize;
use serde_json::Value;

use super::known::{Tasks, known_at, plain, task_of};
use super::scope::{Scope, Stretch, merged, reached};
use crate::output;
use crate::time::Point;

/// Histories read at the same time.
const AT_ONCE: usize = 8;

/// A place in history that was meant by a point.
#[derive(Debug, Serialize)]
pub(super) struct Moment {
    /// The last record at or before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<Sequence>,
    /// When the server stored that.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_at: Option<Timestamp>,
}

impl Moment {
    fn of(entry: Option<&Entry>) -> Self {
        Self { sequence: entry.map(|entry| entry.sequence), stored_at: entry.map(|entry| entry.stored_at) }
    }
}

/// What changed of one task.
#[derive(Debug, Serialize)]
pub(super) struct TaskDifference {
    task: TaskId,
    from: Moment,
    to: Moment,
    changes: Vec<Change>,
}

/// A task's part of its history up to a point.
pub(super) fn up_to(history: &[Entry], point: Point) -> &[Entry] {
    let end = history.iter().position(|entry| !reached(entry, point)).unwrap_or(history.len());
    &history[..end]
}

/// A state as programs see it.
pub(super) fn view(snapshot: &Snapshot) -> SnapshotView {
    SnapshotView::new(snapshot, None, None, None)
}

/// What is known after some records of a task.
pub(super) fn folded(history: &[Entry]) -> Known {
    let mut known = Known::default();
    history.iter().for_each(|entry| known.take(plain(entry)));
    known
}

impl TaskDifference {
    /// Between two points of its history.
    pub(super) fn between(task: TaskId, history: &[Entry], from: Point, to: Point) -> anyhow::Result<Self> {
        let (before, after) = (up_to(history, from), up_to(history, to));
        let value = |part: &[Entry]| match folded(part).snapshot {
            Some(snapshot) => serde_json::to_value(view(&snapshot)),
            None => Ok(Value::Null),
        };
        let changes = changes(&value(before)?, &value(after)?);
        Ok(Self { task, from: Moment::of(before.last()), to: Moment::of(after.last()), changes })
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        if self.changes.is_empty() {
            return "nothing changed".to_owned();
        }
        let rows = self
            .changes
            .iter()
            .map(|change| vec![change.field.clone(), shown(change.from.as_ref()), shown(change.to.as_ref())]);
        output::table(&["MEMBER", "FROM", "TO"], rows)
    }
}

/// Every task as of the end of the stretches, the last submitted first, and when the last record was
/// stored. As in lists, without `output` and `steps`: one row a task is held.
pub(super) async fn everything(
    journal: &Journal,
    scope: &Scope,
    stretches: &[Stretch],
) -> anyhow::Result<(Vec<SnapshotView>, Option<Timestamp>, Vec<TaskRef>)> {
    let mut tasks = Tasks::new(journal);
    let mut ended = BTreeMap::new();
    let mut last = None;
    let mut log = merged(journal, stretches);
    while let Some(entry) = log.next().await? {
        last = Some(entry.stored_at);
        let Some(task) = task_of(&entry, journal.shards()).filter(|_| scope.includes(&entry)) else {
            continue;
        };
        let mut known = tasks.take(&task, entry.sequence).await?;
        known.take(plain(&entry));
        match &known.snapshot {
            Some(snapshot) if snapshot.status.is_terminal() => ended.insert(task.clone(), row(snapshot)),
            _ => ended.remove(&task),
        };
        tasks.put(task, known);
    }
    let live = tasks.live().filter(|(task, _)| !ended.contains_key(task));
    let mut rows: Vec<SnapshotView> =
        live.filter_map(|(_, known)| known.snapshot.as_ref().map(row)).collect();
    rows.extend(ended.into_values());
    rows.sort_by_key(|row| std::cmp::Reverse((row.submitted_at, row.task)));
    let aside = tasks.live().filter(|(_, known)| known.unreadable.is_some()).map(|(task, _)| task.clone());
    Ok((rows, last, aside.collect()))
}

fn row(snapshot: &Snapshot) -> SnapshotView {
    SnapshotView { output: None, steps: Vec::new(), ..view(snapshot) }
}

/// What changed of an organisation's tasks, or of all.
#[derive(Debug, Serialize)]
pub(super) struct Difference {
    /// The tasks whose status changed, and those that appeared or were erased.
    tasks: Vec<TaskChange>,
    /// How many others got on without.
    others: usize,
}

/// What changed of a task.
#[derive(Debug, Serialize)]
struct TaskChange {
    org: OrgId,
    task: TaskId,
    user: UserId,
    kind: Kind,
    title: String,
    what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Status>,
    to: Status,
}

/// The most telling of what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Erased,
    Ended,
    Appeared,
    Changed,
}

impl Difference {
    /// Over some stretches. What it holds depends on how many tasks something happened to.
    pub(super) async fn over(
        journal: &Journal,
        scope: &Scope,
        stretches: &[Stretch],
    ) -> anyhow::Result<Self> {
        let mut touched = BTreeSet::new();
        for stretch in stretches {
            let mut log = merged(journal, &[*stretch]);
            while let Some(entry) = log.next().await? {
                let task = task_of(&entry, journal.shards()).filter(|_| scope.includes(&entry));
                touched.extend(task.map(|task| (task, stretch.after, stretch.until)));
            }
        }
        let all = touched.len();
        let changed = stream::iter(touched).map(|(task, after, until)| async move {
            let history = journal.history(&task).await?;
            Ok::<_, longhaul_journal::Error>(change(
                task,
                &known_at(&history, after),
                &known_at(&history, until),
            ))
        });
        let changed: Vec<Option<TaskChange>> = changed.buffered(AT_ONCE).try_collect().await?;
        let tasks: Vec<TaskChange> = changed.into_iter().flatten().collect();
        Ok(Self { others: all.saturating_sub(tasks.len()), tasks })
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        if self.tasks.is_empty() {
            return "no task changed its status".to_owned();
        }
        let rows = self.tasks.iter().map(|one| {
            vec![
                one.what.as_str().to_owned(),
                one.task.to_string(),
                one.from.map_or("-".to_owned(), |status| status.to_string()),
                one.to.to_string(),
                one.kind.to_string(),
                one.title.clone(),
                one.user.to_string(),
                one.org.to_string(),
            ]
        });
        output::table(&["WHAT", "TASK", "FROM", "TO", "KIND", "TITLE", "USER", "ORG"], rows)
    }

    /// The same in a line.
    pub(super) fn summary(&self) -> String {
        let count = |what| self.tasks.iter().filter(|one| one.what == what).count();
        let [appeared, ended, changed, erased] =
            [What::Appeared, What::Ended, What::Changed, What::Erased].map(count);
        format!(
            "{appeared} appeared, {ended} ended, {changed} changed otherwise, {erased} erased; {} others got on",
            self.others
        )
    }
}

impl What {
    fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Ended => "ended",
            Self::Appeared => "appeared",
            Self::Changed => "changed",
        }
    }
}

fn change(task: TaskRef, before: &Known, after: &Known) -> Option<TaskChange> {
    let now = after.snapshot.as_ref()?;
    let was = before.snapshot.as_ref();
    let from = was.map(|was| was.status);
    let ended = from.is_some_and(Status::is_terminal);
    let what = match now.status {
        _ if now.erased && !was.is_some_and(|was| was.erased) => What::Erased,
        status if from == Some(status) => return None,
        status if status.is_terminal() && !ended => What::Ended,
        _ if from.is_none() => What::Appeared,
        _ => What::Changed,
    };
    let (user, kind, title) = (now.owner.user.clone(), now.kind.clone(), now.title.to_string());
    Some(TaskChange { org: task.org, task: task.task, user, kind, title, what, from, to: now.status })
}
