//! The bell, and what is marked as read.

use longhaul_core::{OrgId, Sequence, TaskId, Timestamp, UserId};
use longhaul_wire::query::{Bell, MAX_PAGE, MarkRead, Marked, Notification, Notifications};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use super::filter::{Conditions, text};
use super::{Answer, Preparing, Reading, limit};
use crate::error::{Error, QueryError};
use crate::model::rows::{stored, unsigned};

/// A notification that nobody has read and that still matters.
const UNREAD: &str = "n.settled = 0
    AND n.sequence > coalesce((SELECT sequence FROM read_up_to WHERE org = n.org AND user = n.user), 0)
    AND NOT EXISTS (SELECT 1 FROM read_mark AS m
        WHERE m.org = n.org AND m.user = n.user AND m.task = n.task AND m.sequence = n.sequence)";

impl Answer for Bell {
    fn answer(&self, reading: &Reading<'_>) -> Result<Notifications, QueryError> {
        let limit = limit(self.limit, MAX_PAGE)?;
        let mut which = Conditions::default();
        which.and("n.org = ? AND n.user = ?", [text(self.org.as_str()), text(self.user.as_str())]);
        if let Some(after) = self.after {
            which.and("n.sequence > ?", [Value::Integer(stored(after.0))]);
        }
        if let Some(before) = self.before {
            which.and("n.sequence < ?", [Value::Integer(stored(before.0))]);
        }
        if self.unread {
            which.and(UNREAD, []);
        }
        let sql = format!(
            "SELECT n.task, n.sequence, coalesce(t.title, ''), n.status, n.at, n.settled, NOT ({UNREAD})
             FROM notification AS n LEFT JOIN task AS t ON t.org = n.org AND t.task = n.task{}
             ORDER BY n.sequence DESC LIMIT {}",
            which.sql(),
            limit + 1
        );
        let mut statement = reading.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&which.values))?;
        let mut notifications = Vec::new();
        while let Some(row) = rows.next()? {
            let status: String = row.get(3)?;
            notifications.push(Notification {
                task: TaskId(uuid::Uuid::from_bytes(row.get(0)?)),
                sequence: Sequence(unsigned(row.get(1)?)),
                title: row.get(2)?,
                status: status.parse().map_err(|_| Error::Damaged { what: "a notification".to_owned() })?,
                at: Timestamp(row.get(4)?),
                settled: row.get(5)?,
                read: row.get(6)?,
            });
        }
        let more = notifications.len() > limit;
        notifications.truncate(limit);
        let unread = unread(reading, &self.org, &self.user)?;
        Ok(Notifications { as_of: reading.as_of_org(&self.org), unread, notifications, more })
    }
}

fn unread(reading: &Reading<'_>, org: &OrgId, user: &UserId) -> Result<u64, QueryError> {
    let sql = format!("SELECT count(*) FROM notification AS n WHERE n.org = ? AND n.user = ? AND {UNREAD}");
    let mut statement = reading.db.prepare_cached(&sql)?;
    let n: i64 = statement.query_row(params![org.as_str(), user.as_str()], |row| row.get(0))?;
    Ok(unsigned(n))
}

impl Answer for MarkRead {
    fn prepare(&self, preparing: &Preparing<'_>) -> Result<(), QueryError> {
        if self.up_to.is_none() && self.these.is_empty() {
            let why = "say what is read: everything `up_to` a place, or `these`";
            return Err(QueryError::Unusable(why.to_owned()));
        }
        if self.these.len() > MAX_PAGE as usize {
            let why = format!("at most {MAX_PAGE} are marked at once, not {}", self.these.len());
            return Err(QueryError::Unusable(why));
        }
        let (org, user) = (self.org.as_str(), self.user.as_str());
        let mut marks = preparing.shared.marks();
        let all = marks.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if let Some(up_to) = self.up_to {
            // What has not happened yet cannot be read: not even by whoever says so.
            let known = "SELECT coalesce(max(sequence), 0) FROM notification WHERE org = ? AND user = ?";
            let known: i64 = all.prepare_cached(known)?.query_row([org, user], |row| row.get(0))?;
            all.prepare_cached(
                "INSERT INTO read_up_to (org, user, sequence) VALUES (?1, ?2, ?3)
                 ON CONFLICT (org, user) DO UPDATE SET sequence = max(sequence, ?3)",
            )?
            .execute(params![org, user, stored(up_to.0).min(known)])?;
            all.prepare_cached(
                "DELETE FROM read_mark WHERE org = ?1 AND user = ?2 AND sequence <=
                     (SELECT sequence FROM read_up_to WHERE org = ?1 AND user = ?2)",
            )?
            .execute([org, user])?;
        }
        for fact in &self.these {
            all.prepare_cached(
                "INSERT OR IGNORE INTO read_mark (org, user, task, sequence)
                 SELECT org, user, task, sequence FROM notification
                 WHERE org = ? AND user = ? AND sequence = ? AND task = ?",
            )?
            .execute(params![org, user, stored(fact.sequence.0), fact.task.0.as_bytes()])?;
        }
        Ok(all.commit()?)
    }

    fn answer(&self, reading: &Reading<'_>) -> Result<Marked, QueryError> {
        let unread = unread(reading, &self.org, &self.user)?;
        Ok(Marked { as_of: reading.as_of_org(&self.org), unread })
    }
}
