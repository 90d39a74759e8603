//! How things stand: queue, outlook, usage, slots, executors, the projector itself.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use longhaul_core::board::WaitReason;
use longhaul_core::{Lane, OrgId, Period, Policy, Sequence, TaskId, UserId};
use longhaul_wire::query::{
    BudgetState, Condition, DayUsage, Executors, Filter, Foreseen, Health, MAX_PAGE, Outlook, PAGE, PutAside,
    Queue, Queued, QueuedTask, Roster, Slot, Slots, SlotsTaken, Unreadable, UnreadableRecord, UsageOf, Used,
    UserSlot,
};
use rusqlite::{OptionalExtension, params, params_from_iter};

use super::filter::{Conditions, Part};
use super::tasks::{COLUMNS, TaskRow};
use super::{Answer, Reading, limit};
use crate::error::{Error, QueryError};
use crate::model::fold::Day;
use crate::model::rows::{unsigned, usage};

/// Of how many waiting tasks the places are looked up at once: those that wait longest.
const QUEUE: u32 = 1000;

fn damaged(error: impl std::error::Error) -> QueryError {
    Error::Damaged { what: error.to_string() }.into()
}

impl Answer for Queue {
    fn answer(&self, reading: &Reading<'_>) -> Result<Queued, QueryError> {
        let limit = limit(self.limit, MAX_PAGE)?;
        let filter = Filter {
            org: self.org.clone(),
            user: self.user.clone(),
            kind: self.kind.clone(),
            dismissed: true,
            ..Filter::default()
        };
        let mut which = Conditions::in_any_order(&filter, Part::Live);
        which.and("queued_at IS NOT NULL", []);
        let count = format!("SELECT count(*) FROM task{}", which.sql());
        let mut statement = reading.db.prepare_cached(&count)?;
        let total: i64 = statement.query_row(params_from_iter(&which.values), |row| row.get(0))?;
        let sql = format!(
            "SELECT {COLUMNS}, queued_at FROM task{} ORDER BY queued_at, task LIMIT {QUEUE}",
            which.sql()
        );
        let mut statement = reading.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&which.values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(TaskRow::read(row)?);
        }
        let mut waiting = reading.waiting(found.iter().map(|row| &row.key));
        let mut tasks: Vec<QueuedTask> = Vec::new();
        for TaskRow { key, snapshot, .. } in found {
            // A task that started since is not in the queue any more.
            let (Some(snapshot), Some(waiting)) = (snapshot, waiting.remove(&key)) else { continue };
            tasks.push(QueuedTask {
                org: key.org,
                user: snapshot.owner.user,
                task: key.task,
                kind: snapshot.kind,
                title: snapshot.title.to_string(),
                priority: snapshot.priority,
                lane: snapshot.lane,
                queued_at: snapshot.queued_at,
                waiting,
            });
        }
        tasks.sort_by_key(|task| {
            (nearness(&task.waiting.reason), task.waiting.place, task.queued_at, task.task)
        });
        tasks.truncate(limit);
        let as_of = match &self.org {
            Some(org) => reading.as_of_org(org),
            None => reading.as_of.clone(),
        };
        Ok(Queued { as_of, total: unsigned(total), tasks })
    }
}

/// What must happen before a task starts, from the least to the most.
fn nearness(reason: &WaitReason) -> u8 {
    match reason {
        WaitReason::Admitted { .. } => 0,
        WaitReason::Next => 1,
        WaitReason::ExecutorsBusy { .. } => 2,
        WaitReason::OrganisationCap { .. }
        | WaitReason::UserCap { .. }
        | WaitReason::ForegroundCap { .. } => 3,
        WaitReason::Conversation { .. } => 4,
        WaitReason::NotBefore { .. } | WaitReason::RetryBackoff { .. } => 5,
        WaitReason::TokenBudget { .. } => 6,
        WaitReason::NoExecutor { .. } | WaitReason::LedgerUnreadable => 7,
    }
}

impl Answer for Outlook {
    fn answer(&self, reading: &Reading<'_>) -> Result<Foreseen, QueryError> {
        let org = &self.candidate.owner.org;
        let now = reading.shared.journal.now();
        let shard = reading.shared.shards.of(org);
        let waiting = reading.shared.boards.with(shard, |board| board.forecast(&self.candidate, now));
        Ok(Foreseen { as_of: reading.as_of_org(org), waiting })
    }
}

impl Answer for UsageOf {
    fn answer(&self, reading: &Reading<'_>) -> Result<Used, QueryError> {
        let org = self.org.as_str();
        let since = self.since.map_or(i64::MIN, |at| Day::of(at).0);
        let until = self.until.map_or(i64::MAX, |at| Day::of(at).0);
        let mut statement = reading.db.prepare_cached(
            "SELECT day, input_tokens, output_tokens, model_calls, queries, exact
             FROM usage WHERE org = ? AND day >= ? AND day < ? ORDER BY day",
        )?;
        let mut rows = statement.query(params![org, since, until])?;
        let mut days: Vec<(Day, longhaul_core::Usage)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (day, used) = (Day(row.get(0)?), usage(row, 1)?);
            match days.last_mut().filter(|(last, _)| *last == day) {
                Some((_, sum)) => *sum = sum.plus(used),
                None => days.push((day, used)),
            }
        }
        let total = days.iter().fold(longhaul_core::Usage::default(), |sum, (_, used)| sum.plus(*used));
        let tasks = "SELECT count(DISTINCT task) FROM usage WHERE org = ? AND day >= ? AND day < ?";
        let tasks: i64 =
            reading.db.prepare_cached(tasks)?.query_row(params![org, since, until], |row| row.get(0))?;
        Ok(Used {
            as_of: reading.as_of_org(&self.org),
            total,
            tasks: unsigned(tasks),
            days: days.into_iter().map(|(day, usage)| DayUsage { day: day.text(), usage }).collect(),
            budget: budget(reading, &self.org)?,
        })
    }
}

fn budget(reading: &Reading<'_>, org: &OrgId) -> Result<Option<BudgetState>, QueryError> {
    let Some(budget) = policy(reading, org)?.budget else { return Ok(None) };
    let since = match budget.per {
        Period::Day => Day::of(reading.shared.journal.now()).0,
        Period::Ever => i64::MIN,
    };
    let until = match budget.per {
        Period::Day => since,
        Period::Ever => i64::MAX,
    };
    let mut statement = reading.db.prepare_cached(
        "SELECT input_tokens, output_tokens FROM usage WHERE org = ? AND day >= ? AND day <= ?",
    )?;
    let mut rows = statement.query(params![org.as_str(), since, until])?;
    let mut used = 0_u64;
    while let Some(row) = rows.next()? {
        used = used.saturating_add(unsigned(row.get(0)?)).saturating_add(unsigned(row.get(1)?));
    }
    Ok(Some(BudgetState { budget, used, left: budget.tokens.saturating_sub(used) }))
}

fn policy(reading: &Reading<'_>, org: &OrgId) -> Result<Policy, QueryError> {
    let mut statement = reading.db.prepare_cached("SELECT policy FROM policy WHERE org = ?")?;
    let known: Option<Vec<u8>> = statement.query_row([org.as_str()], |row| row.get(0)).optional()?;
    match known {
        Some(json) => serde_json::from_slice(&json).map_err(damaged),
        None => Ok(Policy::default()),
    }
}

impl Answer for Slots {
    fn answer(&self, reading: &Reading<'_>) -> Result<SlotsTaken, QueryError> {
        let policy = policy(reading, &self.org)?;
        let mut statement = reading.db.prepare_cached(
            "SELECT user, foreground, status, slot.task IS NOT NULL, count(*)
             FROM task INDEXED BY org_live LEFT JOIN slot ON slot.org = task.org AND slot.task = task.task
             WHERE task.org = ? AND ended_at IS NULL AND unreadable_at IS NULL
             GROUP BY 1, 2, 3, 4",
        )?;
        let mut rows = statement.query([self.org.as_str()])?;
        let mut organisation = Slot { cap: policy.caps.organisation, ..Slot::default() };
        let none = |lane| Slot { cap: policy.caps.of_user(lane), ..Slot::default() };
        let mut users: BTreeMap<String, UserSlot> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (foreground, status, admitted): (bool, String, bool) =
                (row.get(1)?, row.get(2)?, row.get(3)?);
            let n = unsigned(row.get(4)?);
            let name: String = row.get(0)?;
            let user = match users.entry(name) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let user = UserId::new(new.key().as_str()).map_err(damaged)?;
                    let (slots, foreground) = (none(Lane::Background), none(Lane::Foreground));
                    new.insert(UserSlot { user, slots, foreground })
                }
            };
            let taken = match foreground {
                true => vec![&mut user.foreground],
                false => vec![&mut user.slots, &mut organisation],
            };
            for slot in taken {
                match status.as_str() {
                    "running" | "aborting" => slot.running += u32::try_from(n).unwrap_or(u32::MAX),
                    "pending" if admitted => slot.running += u32::try_from(n).unwrap_or(u32::MAX),
                    "pending" => slot.waiting += n,
                    _ => {}
                }
            }
        }
        let users = users.into_values().take(MAX_PAGE as usize).collect();
        Ok(SlotsTaken { as_of: reading.as_of_org(&self.org), policy, organisation, users })
    }
}

impl Answer for Executors {
    fn answer(&self, reading: &Reading<'_>) -> Result<Roster, QueryError> {
        Ok(Roster { as_of: reading.as_of.clone(), executors: reading.shared.beats.all() })
    }
}

impl Answer for Health {
    fn answer(&self, reading: &Reading<'_>) -> Result<Condition, QueryError> {
        let count = |sql: &str| -> Result<u64, QueryError> {
            let n: i64 = reading.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            Ok(unsigned(n))
        };
        let mut aside = reading.db.prepare_cached(
            "SELECT org, task, unreadable_at, unreadable_why FROM task
             WHERE unreadable_at IS NOT NULL ORDER BY org, task LIMIT ?",
        )?;
        let mut rows = aside.query([PAGE])?;
        let mut put_aside = Vec::new();
        while let Some(row) = rows.next()? {
            let org: String = row.get(0)?;
            put_aside.push(PutAside {
                org: OrgId::new(org).map_err(damaged)?,
                task: TaskId(uuid::Uuid::from_bytes(row.get(1)?)),
                unreadable: Unreadable { sequence: Sequence(unsigned(row.get(2)?)), why: row.get(3)? },
            });
        }
        let mut unreadable = reading.db.prepare_cached(
            "SELECT shard, sequence, subject, why FROM unreadable ORDER BY shard, sequence DESC LIMIT ?",
        )?;
        let records = unreadable.query_map([PAGE], |row| {
            let sequence = Sequence(unsigned(row.get(1)?));
            Ok(UnreadableRecord { shard: row.get(0)?, sequence, subject: row.get(2)?, why: row.get(3)? })
        })?;
        let standing = reading.shared.standing.borrow().clone();
        Ok(Condition {
            as_of: reading.as_of.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            lag: standing.lag,
            trouble: standing.trouble,
            tasks: count("SELECT count(*) FROM task")?,
            unreadable: count("SELECT count(*) FROM task WHERE unreadable_at IS NOT NULL")?,
            put_aside,
            records: records.collect::<Result<_, _>>()?,
        })
    }
}
