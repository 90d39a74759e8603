//! How many tasks, by status.

use std::collections::BTreeMap;

use longhaul_core::{OrgId, Status};
use longhaul_wire::query::{By, Count, Counted, Group, MAX_PAGE, Tally};
use rusqlite::params_from_iter;

use super::filter::{Conditions, Part, is_aside};
use super::{Answer, Reading};
use crate::error::{Error, QueryError};
use crate::model::rows::unsigned;

/// What a group is: organisation, user, kind, as far as they tell groups apart.
type Key = (Option<String>, Option<String>, Option<String>);

/// Always counted by everything there is: that is the order of an index, and needs no sort.
const COUNT: &str = "SELECT org, user, kind, status, count(*) FROM task";
const GROUPS: &str = " GROUP BY org, user, kind, status";

/// The statement of a count.
pub(crate) fn statement(count: &Count, part: Part) -> (String, Conditions) {
    let which = Conditions::in_any_order(&count.filter, part);
    (format!("{COUNT}{}{GROUPS}", which.sql()), which)
}

impl Answer for Count {
    fn answer(&self, reading: &Reading<'_>) -> Result<Counted, QueryError> {
        let mut all = Tally::default();
        let mut groups: BTreeMap<Key, Tally> = BTreeMap::new();
        for part in Part::ALL {
            let (sql, which) = statement(self, part);
            let mut statement = reading.db.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(&which.values))?;
            while let Some(row) = rows.next()? {
                let status: String = row.get(3)?;
                let n = unsigned(row.get(4)?);
                add(&mut all, &status, n)?;
                let key: Key = match self.by {
                    None => continue,
                    Some(By::Org) => (row.get(0)?, None, None),
                    Some(By::User) => (row.get(0)?, row.get(1)?, None),
                    Some(By::Kind) => (None, None, row.get(2)?),
                };
                add(groups.entry(key).or_default(), &status, n)?;
            }
        }
        let mut groups: Vec<(Key, Tally)> = groups.into_iter().collect();
        groups.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.total));
        groups.truncate(MAX_PAGE as usize);
        let groups = groups.into_iter().map(group).collect::<Result<_, _>>()?;
        let as_of = match &self.filter.org {
            Some(org) => reading.as_of_org(org),
            None => reading.as_of.clone(),
        };
        Ok(Counted { as_of, all, groups })
    }
}

fn add(tally: &mut Tally, status: &str, n: u64) -> Result<(), QueryError> {
    tally.total += n;
    if is_aside(status) {
        tally.unreadable += n;
    } else {
        let status: Status = status.parse().map_err(damaged)?;
        *tally.status.entry(status).or_default() += n;
    }
    Ok(())
}

fn group(((org, user, kind), tally): (Key, Tally)) -> Result<Group, QueryError> {
    Ok(Group {
        org: org.map(OrgId::new).transpose().map_err(damaged)?,
        user: user.map(|user| user.parse()).transpose().map_err(damaged)?,
        kind: kind.map(|kind| kind.parse()).transpose().map_err(damaged)?,
        tally,
    })
}

fn damaged(error: impl std::error::Error) -> QueryError {
    Error::Damaged { what: error.to_string() }.into()
}
