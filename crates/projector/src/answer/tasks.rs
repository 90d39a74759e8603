//! One task, a page of tasks.

use std::collections::{BTreeSet, HashMap};

use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::{OrgId, RunNumber, Sequence, Snapshot, Status, TaskId, TaskRef};
use longhaul_wire::query::{Filter, Get, Got, Item, List, MAX_PAGE, Page, Sort, Unreadable};
use longhaul_wire::view::SnapshotView;
use rusqlite::{Row, params_from_iter};

use super::filter::{Conditions, Order, Part, Place, blob, text};
use super::{Answer, Reading, limit};
use crate::error::{Error, QueryError};
use crate::model::rows::{parse, unsigned};

/// How many bytes of tasks a page may have: an answer is one message, and messages are bounded.
const PAGE_BYTES: usize = 512 * 1024;

/// A row of the task table.
pub(super) struct TaskRow {
    pub(super) key: TaskRef,
    pub(super) snapshot: Option<Snapshot>,
    unreadable: Option<Unreadable>,
    submitted: Option<Sequence>,
    /// The time it is sorted by.
    at: i64,
}

/// What [`TaskRow::read`] reads, but for the time a list is sorted by.
pub(super) const COLUMNS: &str = "org, task, snapshot, unreadable_at, unreadable_why, submitted";

impl TaskRow {
    /// A row of [`COLUMNS`] and a time.
    pub(super) fn read(row: &Row<'_>) -> Result<Self, QueryError> {
        let org: String = row.get(0)?;
        let org = OrgId::new(&org).map_err(|e| Error::Damaged { what: e.to_string() })?;
        let task = TaskId(uuid::Uuid::from_bytes(row.get(1)?));
        let snapshot: Option<Vec<u8>> = row.get(2)?;
        let snapshot = snapshot.map(|json| parse(task, &json)).transpose()?;
        let at: Option<i64> = row.get(3)?;
        let why: Option<String> = row.get(4)?;
        let unreadable =
            at.map(|at| Unreadable { sequence: Sequence(unsigned(at)), why: why.unwrap_or_default() });
        let submitted: Option<i64> = row.get(5)?;
        let submitted = submitted.map(|at| Sequence(unsigned(at)));
        Ok(Self { key: TaskRef { org, task }, snapshot, unreadable, submitted, at: row.get(6)? })
    }

    fn item(self, waiting: Option<Waiting>, reading: &Reading<'_>) -> Item {
        let as_of = reading.as_of.of(reading.shared.shards.of(&self.key.org));
        let view = self.snapshot.map(|snapshot| {
            let heartbeat = reading.shared.beats.heard_of(&snapshot);
            let pending = snapshot.status == Status::Pending;
            let waiting = waiting.or_else(|| pending.then(|| on_its_way(snapshot.next_run)));
            SnapshotView::new(&snapshot, waiting, heartbeat, Some(as_of))
        });
        Item {
            org: self.key.org,
            task: self.key.task,
            view,
            unreadable: self.unreadable,
            submitted: self.submitted,
        }
    }

    fn place(&self) -> Place {
        Place { at: self.at, org: self.key.org.clone(), task: self.key.task }
    }

    fn waits(&self) -> bool {
        let pending = self.snapshot.as_ref().is_some_and(|s| s.status == Status::Pending);
        pending && self.unreadable.is_none()
    }
}

/// What is said of a pending task that does not wait any more: what is folded may be ahead of what is
/// written. It has a slot by now, or runs.
pub(super) fn on_its_way(run: RunNumber) -> Waiting {
    Waiting { reason: WaitReason::Admitted { run }, place: 1, blockers: Vec::new(), not_before: None }
}

impl Reading<'_> {
    /// Why tasks wait, as far as they do. The boards may be a moment ahead of the rows: a task that
    /// has started since has no answer.
    pub(super) fn waiting<'t>(&self, tasks: impl Iterator<Item = &'t TaskRef>) -> HashMap<TaskRef, Waiting> {
        let mut by_shard: HashMap<_, Vec<&TaskRef>> = HashMap::new();
        for key in tasks {
            by_shard.entry(self.shared.shards.of(&key.org)).or_default().push(key);
        }
        let mut all = HashMap::new();
        for (shard, keys) in by_shard {
            let now = self.shared.journal.now();
            let waiting = self.shared.boards.with(shard, |board| board.waiting_all(&keys, now));
            all.extend(keys.into_iter().cloned().zip(waiting).filter_map(|(key, why)| Some((key, why?))));
        }
        all
    }
}

impl Answer for Get {
    fn answer(&self, reading: &Reading<'_>) -> Result<Got, QueryError> {
        let mut which = Conditions::default();
        which.and("task = ?", [blob(self.task)]);
        if let Some(org) = &self.org {
            which.and("org = ?", [text(org.as_str())]);
        }
        let sql = format!("SELECT {COLUMNS}, submitted_at FROM task{} LIMIT 2", which.sql());
        let mut statement = reading.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&which.values))?;
        let found = rows.next()?.map(TaskRow::read).transpose()?;
        if rows.next()?.is_some() {
            let count = "SELECT count(*) FROM task WHERE task = ?";
            let n: i64 = reading.db.query_row(count, [blob(self.task)], |row| row.get(0))?;
            return Err(QueryError::Ambiguous(unsigned(n)));
        }
        let as_of = self.org.as_ref().map_or_else(|| reading.as_of.clone(), |org| reading.as_of_org(org));
        let item = found.map(|row| {
            let waiting = reading.waiting(row.waits().then_some(&row.key).into_iter()).remove(&row.key);
            row.item(waiting, reading)
        });
        Ok(Got { as_of, item })
    }
}

/// The statements of a list, and what they are bound to: together they find the page. One row more
/// than the page has is asked for: it tells whether there is a next one.
pub(crate) fn statements(list: &List) -> Result<Vec<(String, Conditions)>, QueryError> {
    let order = Order::of(list);
    let limit = limit(list.limit, MAX_PAGE)?;
    let place = list.after.as_ref().map(|cursor| order.place(cursor)).transpose()?;
    let statement = |(part, status): (Part, Vec<Status>)| {
        let mut which = Conditions::in_order(&list.filter, part, &status);
        if let Some(place) = &place {
            order.after(place, &mut which);
        }
        let column = order.column();
        let (conditions, order) = (which.sql(), order.sql());
        (format!("SELECT {COLUMNS}, {column} FROM task{conditions}{order} LIMIT {}", limit + 1), which)
    };
    Ok(walks(&list.filter, list.sort).into_iter().map(statement).collect())
}

/// Which walks find what a filter says: through which part of the tasks, of which status.
pub(super) fn walks(filter: &Filter, sort: Sort) -> Vec<(Part, Vec<Status>)> {
    let of: BTreeSet<Status> = filter.status.iter().copied().collect();
    let (ended, live): (Vec<Status>, Vec<Status>) = of.iter().partition(|status| status.is_terminal());
    let mut walks = Vec::new();
    // What is sorted by its end has one.
    if sort != Sort::Ended && (of.is_empty() || !live.is_empty()) {
        walks.push((Part::Live, live));
    }
    if of.is_empty() {
        walks.push((Part::Ended, Vec::new()));
    } else if sort == Sort::Submitted {
        // Those that ended in an unusual way are few among many: each status has its own walk.
        walks.extend(ended.into_iter().map(|status| (Part::Ended, vec![status])));
    } else if !ended.is_empty() {
        walks.push((Part::Ended, ended));
    }
    walks
}

impl Answer for List {
    fn answer(&self, reading: &Reading<'_>) -> Result<Page, QueryError> {
        let (order, limit) = (Order::of(self), limit(self.limit, MAX_PAGE)?);
        let mut found = Vec::new();
        for (sql, which) in statements(self)? {
            let mut statement = reading.db.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(&which.values))?;
            while let Some(row) = rows.next()? {
                found.push(TaskRow::read(row)?);
            }
        }
        found.sort_by_cached_key(TaskRow::place);
        if !self.ascending {
            found.reverse();
        }
        let mut more = found.len() > limit;
        found.truncate(limit);
        let mut waiting = reading.waiting(found.iter().filter(|row| row.waits()).map(|row| &row.key));

        let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
        for row in found {
            let place = row.place();
            let waiting = waiting.remove(&row.key);
            let mut item = row.item(waiting, reading);
            if let Some(view) = &mut item.view {
                view.output = None;
                view.steps = Vec::new();
            }
            bytes += serde_json::to_vec(&item).map_or(0, |json| json.len());
            if bytes > PAGE_BYTES && !items.is_empty() {
                more = true;
                break;
            }
            items.push(item);
            last = Some(place);
        }
        let next = last.filter(|_| more).map(|place| order.cursor(&place));
        let as_of = match &self.filter.org {
            Some(org) => reading.as_of_org(org),
            None => reading.as_of.clone(),
        };
        Ok(Page { as_of, items, next })
    }
}
