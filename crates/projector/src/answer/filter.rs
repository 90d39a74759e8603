//! Filters, orders and cursors as SQL. Whatever comes from outside is a bound parameter; the text of
//! a statement is put together from the fixed pieces here.

use longhaul_core::{OrgId, Status, TaskId};
use longhaul_wire::query::{Cursor, Filter, List, Sort};
use rusqlite::types::Value;

use crate::error::QueryError;
use crate::model::rows::ASIDE;

/// Tasks that live and tasks that have ended lie in different orders. What is of both is asked twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Live,
    Ended,
}

impl Part {
    pub(super) const ALL: [Self; 2] = [Self::Live, Self::Ended];

    fn condition(self) -> &'static str {
        match self {
            Self::Live => "ended_at IS NULL",
            Self::Ended => "ended_at IS NOT NULL",
        }
    }
}

/// Conditions and the values they are bound to, in order.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    parts: Vec<String>,
    pub(crate) values: Vec<Value>,
}

impl Conditions {
    /// Everything the filter says of one part of the tasks, for a walk along an order. `status`: those
    /// of the filter that are possible in this part, nothing for any.
    pub(super) fn in_order(filter: &Filter, part: Part, status: &[Status]) -> Self {
        let mut all = Self::but_status(filter);
        all.and(part.condition(), []);
        match status {
            [] => {}
            [Status::Completed] => all.status_in("+status", status),
            [one] => {
                all.and("status = ?", [text(one.as_str())]);
                if part == Part::Ended {
                    // Said for the sake of the indexes by status.
                    all.and("status <> 'completed'", []);
                }
            }
            // One walk along the order is asked for, not one for each status and then a sort.
            several => all.status_in("+status", several),
        }
        all
    }

    /// Everything the filter says of one part of the tasks, in whatever order is fastest.
    pub(super) fn in_any_order(filter: &Filter, part: Part) -> Self {
        let mut all = Self::but_status(filter);
        all.and(part.condition(), []);
        if !filter.status.is_empty() {
            all.status_in("status", &filter.status);
        }
        all
    }

    fn status_in(&mut self, column: &str, of: &[Status]) {
        let places = vec!["?"; of.len()].join(", ");
        self.and(&format!("{column} IN ({places})"), of.iter().map(|status| text(status.as_str())));
    }

    fn but_status(filter: &Filter) -> Self {
        let mut all = Self::default();
        let org = filter.org.as_ref().map(|org| text(org.as_str()));
        if let Some(org) = &org {
            all.and("org = ?", [org.clone()]);
        }
        if let Some(user) = &filter.user {
            all.and("user = ?", [text(user.as_str())]);
        }
        if let Some(kind) = &filter.kind {
            all.and("kind = ?", [text(kind.as_str())]);
        }
        if let Some(conversation) = &filter.conversation {
            all.and("conversation = ?", [text(conversation.as_str())]);
        }
        for (key, value) in &filter.labels {
            let pair = [text(key.as_str()), text(value)];
            match &org {
                Some(org) => all.and(
                    "task IN (SELECT task FROM label WHERE org = ? AND key = ? AND value = ?)",
                    [org.clone()].into_iter().chain(pair),
                ),
                None => {
                    all.and("(org, task) IN (SELECT org, task FROM label WHERE key = ? AND value = ?)", pair)
                }
            }
        }
        if let Some(ancestor) = filter.lineage {
            match &org {
                Some(org) => all.and(
                    "task IN (SELECT task FROM lineage WHERE org = ? AND ancestor = ?)",
                    [org.clone(), blob(ancestor)],
                ),
                None => all.and(
                    "(org, task) IN (SELECT org, task FROM lineage WHERE ancestor = ?)",
                    [blob(ancestor)],
                ),
            }
        }
        if let Some(since) = filter.since {
            all.and("submitted_at >= ?", [Value::Integer(since.0)]);
        }
        if let Some(until) = filter.until {
            all.and("submitted_at < ?", [Value::Integer(until.0)]);
        }
        if let Some(words) = &filter.text {
            all.and("instr(search, ?) > 0", [text(&words.to_lowercase())]);
        }
        if !filter.dismissed {
            all.and("dismissed = 0", []);
        }
        if filter.unreadable {
            all.and("unreadable_at IS NOT NULL", []);
        }
        all
    }

    /// One more condition.
    pub(super) fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.parts.push(sql.to_owned());
        self.values.extend(values);
    }

    /// `WHERE …`, or nothing.
    pub(super) fn sql(&self) -> String {
        match self.parts.as_slice() {
            [] => String::new(),
            parts => format!(" WHERE {}", parts.join(" AND ")),
        }
    }
}

pub(super) fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(super) fn blob(task: TaskId) -> Value {
    Value::Blob(task.0.as_bytes().to_vec())
}

/// An order of tasks: by a time, then by organisation and id, so that no two are at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) sort: Sort,
    pub(super) ascending: bool,
    /// Every task is of one organisation: it need not be compared.
    pub(super) one_org: bool,
}

/// A task's place in an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at: i64,
    pub(crate) org: OrgId,
    pub(crate) task: TaskId,
}

impl Order {
    pub(super) fn of(list: &List) -> Self {
        Self { sort: list.sort, ascending: list.ascending, one_org: list.filter.org.is_some() }
    }

    pub(super) fn column(self) -> &'static str {
        match self.sort {
            Sort::Submitted => "submitted_at",
            Sort::Updated => "updated_at",
            Sort::Ended => "ended_at",
        }
    }

    /// Beyond a place.
    pub(super) fn after(self, place: &Place, to: &mut Conditions) {
        let (column, beyond) = (self.column(), if self.ascending { ">" } else { "<" });
        let at = Value::Integer(place.at);
        match self.one_org {
            true => to.and(&format!("({column}, task) {beyond} (?, ?)"), [at, blob(place.task)]),
            false => to.and(
                &format!("({column}, org, task) {beyond} (?, ?, ?)"),
                [at, text(place.org.as_str()), blob(place.task)],
            ),
        }
    }

    pub(super) fn sql(self) -> String {
        let (column, way) = (self.column(), if self.ascending { "ASC" } else { "DESC" });
        match self.one_org {
            true => format!(" ORDER BY {column} {way}, task {way}"),
            false => format!(" ORDER BY {column} {way}, org {way}, task {way}"),
        }
    }

    fn letters(self) -> &'static str {
        match (self.sort, self.ascending) {
            (Sort::Submitted, false) => "sd",
            (Sort::Submitted, true) => "sa",
            (Sort::Updated, false) => "ud",
            (Sort::Updated, true) => "ua",
            (Sort::Ended, false) => "ed",
            (Sort::Ended, true) => "ea",
        }
    }

    /// A place as a cursor: `sd.1795266305007.<task>.<org>`.
    pub(super) fn cursor(self, place: &Place) -> Cursor {
        place.cursor(self.letters())
    }

    /// The place a cursor names.
    pub(super) fn place(self, cursor: &Cursor) -> Result<Place, QueryError> {
        let (letters, place) = Place::of(cursor)?;
        if letters != self.letters() {
            return Err(of_another_order());
        }
        Ok(place)
    }
}

impl Place {
    /// A cursor: the letters of an order, and a place in it.
    pub(super) fn cursor(&self, letters: &str) -> Cursor {
        Cursor(format!("{letters}.{}.{}.{}", self.at, self.task, self.org))
    }

    /// What a cursor names.
    pub(super) fn of(cursor: &Cursor) -> Result<(&str, Self), QueryError> {
        let unusable = || {
            let shown: String = cursor.0.chars().take(80).collect();
            QueryError::Unusable(format!("the cursor {shown:?} is not one that this list gave"))
        };
        let mut parts = cursor.0.splitn(4, '.');
        let letters = parts.next().unwrap_or_default();
        let at = parts.next().and_then(|at| at.parse().ok()).ok_or_else(unusable)?;
        let task = parts.next().and_then(|task| task.parse().ok()).ok_or_else(unusable)?;
        let org = parts.next().and_then(|org| org.parse().ok()).ok_or_else(unusable)?;
        Ok((letters, Self { at, org, task }))
    }
}

pub(super) fn of_another_order() -> QueryError {
    let why = "the cursor belongs to another order; go on with the order it came from, or begin anew";
    QueryError::Unusable(why.to_owned())
}

/// Whether a row's status says that the task was put aside.
pub(super) fn is_aside(status: &str) -> bool {
    status == ASIDE
}
