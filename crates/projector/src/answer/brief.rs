//! Tasks in few words: read from columns, without their snapshots.

use longhaul_core::{
    ConversationId, ExecutorId, Kind, Lane, OrgId, RunNumber, Sequence, Status, TaskId, TaskRef, Timestamp,
    Title, UserId,
};
use longhaul_wire::query::{Brief, BriefPage, Briefs, Cursor, MAX_BRIEFS, Sort};
use longhaul_wire::view::StepName;
use rusqlite::{Row, params_from_iter};
use uuid::Uuid;

use super::filter::{Conditions, Order, Part, Place, is_aside, of_another_order};
use super::tasks::{on_its_way, walks};
use super::{Answer, Reading, limit};
use crate::error::{Error, QueryError};
use crate::model::rows::{parse, unsigned};

/// How many bytes a page may have: an answer is one message, and messages are bounded.
const BYTES: usize = 768 * 1024;

/// What a brief has at most besides its texts and names, in bytes of JSON.
const FIXED: usize = 720;

/// What a page is read from. A snapshot is read where columns do not say everything: the question of a
/// paused task, the state of one that was put aside.
const COLUMNS: &str = "org, task, submitted_at, status, user, conversation, kind, title, note, attempt, run, \
                       next_run, executor, step, step_index, step_of, fraction, tokens, artifacts, started_at, \
                       updated_at, ended_at, dismissed, submitted, sequence, \
                       foreground, CASE WHEN status IN ('paused', 'unreadable') THEN snapshot END";

/// A row of the task table.
struct Found {
    place: Place,
    /// Nothing: none of its records could be read.
    brief: Option<Brief>,
    /// The run it waits for.
    next_run: RunNumber,
}

fn damaged(error: impl std::error::Error) -> QueryError {
    Error::Damaged { what: error.to_string() }.into()
}

impl Found {
    /// A row of [`COLUMNS`].
    fn read(row: &Row<'_>) -> Result<Self, QueryError> {
        let text = |at: usize| -> Result<&str, QueryError> { row.get_ref(at)?.as_str().map_err(damaged) };
        let moment = |at: usize| row.get::<_, Option<i64>>(at).map(|at| at.map(Timestamp));
        let org = OrgId::new(text(0)?).map_err(damaged)?;
        let task = TaskId(Uuid::from_bytes(row.get(1)?));
        let submitted_at = Timestamp(row.get(2)?);
        let place = Place { at: submitted_at.0, org: org.clone(), task };
        let next_run = RunNumber(row.get(11)?);
        let status = text(3)?;
        let aside = is_aside(status);
        let submitted = row.get::<_, Option<i64>>(23)?.map(|at| Sequence(unsigned(at)));
        if let Some(json) = row.get_ref(26)?.as_blob_or_null().map_err(damaged)? {
            let snapshot = parse(task, json)?;
            let brief = Brief { aside, submitted, ..Brief::of(&snapshot) };
            return Ok(Self { place, brief: Some(brief), next_run });
        }
        if aside {
            return Ok(Self { place, brief: None, next_run });
        }
        let step = match row.get_ref(13)?.as_str_or_null().map_err(damaged)? {
            Some(name) => Some(StepName { name: name.to_owned(), index: row.get(14)?, of: row.get(15)? }),
            None => None,
        };
        let conversation = row.get_ref(5)?.as_str_or_null().map_err(damaged)?;
        let brief = Brief {
            at: TaskRef { org, task },
            user: UserId::new(text(4)?).map_err(damaged)?,
            conversation: conversation.map(ConversationId::new).transpose().map_err(damaged)?,
            lane: if row.get(25)? { Lane::Foreground } else { Lane::Background },
            kind: Kind::new(text(6)?).map_err(damaged)?,
            title: Title::new(text(7)?).map_err(damaged)?,
            status: status.parse::<Status>().map_err(damaged)?,
            note: text(8)?.to_owned(),
            attempt: row.get(9)?,
            run: RunNumber(row.get(10)?),
            executor: row.get::<_, Option<[u8; 16]>>(12)?.map(|id| ExecutorId(Uuid::from_bytes(id))),
            step,
            fraction: row.get(16)?,
            waiting: None,
            question: None,
            tokens: row.get::<_, i64>(17)?.cast_unsigned(),
            artifacts: row.get(18)?,
            submitted_at,
            started_at: moment(19)?,
            updated_at: Timestamp(row.get(20)?),
            ended_at: moment(21)?,
            dismissed: row.get(22)?,
            aside: false,
            submitted,
            sequence: Sequence(unsigned(row.get(24)?)),
        };
        Ok(Self { place, brief: Some(brief), next_run })
    }

    fn waits(&self) -> bool {
        self.brief.as_ref().is_some_and(|brief| brief.status == Status::Pending && !brief.aside)
    }
}

/// At most how many bytes of JSON a brief has.
pub(crate) fn size(brief: &Brief) -> usize {
    let json = |value: Option<Vec<u8>>| value.map_or(0, |json| json.len());
    let waiting = brief.waiting.as_ref().map(|waiting| serde_json::to_vec(waiting).unwrap_or_default());
    let question = brief.question.as_ref().map(|question| serde_json::to_vec(question).unwrap_or_default());
    let step = brief.step.as_ref().map_or(0, |step| step.name.len());
    let conversation = brief.conversation.as_ref().map_or(0, |id| id.as_str().len());
    let owner = brief.at.org.as_str().len() + brief.user.as_str().len() + conversation;
    let names = owner + brief.kind.as_str().len();
    // Of a printable text a character is written as two at most.
    FIXED
        + names
        + 2 * (brief.title.as_str().len() + brief.note.len() + step)
        + json(waiting)
        + json(question)
}

/// The letters of a cursor: in which part of the tasks it is.
fn letters(part: Part) -> &'static str {
    match part {
        Part::Live => "bl",
        Part::Ended => "be",
    }
}

/// The part and the place that a cursor names.
fn place(cursor: &Cursor) -> Result<(Part, Place), QueryError> {
    let (named, place) = Place::of(cursor)?;
    let part = Part::ALL.into_iter().find(|part| letters(*part) == named);
    Ok((part.ok_or_else(of_another_order)?, place))
}

/// The statements that find the tasks of one part from a place on, and what they are bound to.
pub(crate) fn statements(
    briefs: &Briefs,
    part: Part,
    after: Option<&Place>,
    limit: usize,
) -> Vec<(String, Conditions)> {
    let filter = &briefs.filter;
    let order = Order { sort: Sort::Submitted, ascending: false, one_org: filter.org.is_some() };
    let statement = |(_, status): (Part, Vec<Status>)| {
        let mut which = Conditions::in_order(filter, part, &status);
        if let Some(place) = after {
            order.after(place, &mut which);
        }
        let (conditions, order) = (which.sql(), order.sql());
        (format!("SELECT {COLUMNS} FROM task{conditions}{order} LIMIT {limit}"), which)
    };
    walks(filter, Sort::Submitted).into_iter().filter(|(of, _)| *of == part).map(statement).collect()
}

impl Answer for Briefs {
    fn answer(&self, reading: &Reading<'_>) -> Result<BriefPage, QueryError> {
        let limit = limit(self.limit, MAX_BRIEFS)?;
        let from = self.after.as_ref().map(place).transpose()?;
        // One more than the page has: it tells whether there is a next one.
        let mut found: Vec<(Part, Found)> = Vec::new();
        for part in Part::ALL {
            let after = match &from {
                Some((Part::Ended, _)) if part == Part::Live => continue,
                Some((at, place)) => Some(place).filter(|_| *at == part),
                None => None,
            };
            let begin = found.len();
            let statements = statements(self, part, after, limit + 1 - begin);
            for (sql, which) in &statements {
                let mut statement = reading.db.prepare_cached(sql)?;
                let mut rows = statement.query(params_from_iter(&which.values))?;
                while let Some(row) = rows.next()? {
                    found.push((part, Found::read(row)?));
                }
            }
            if statements.len() > 1 {
                found[begin..].sort_by(|(_, a), (_, b)| b.place.cmp(&a.place));
            }
            if found.len() > limit {
                break;
            }
        }
        let mut more = found.len() > limit;
        found.truncate(limit);
        let waiting = found.iter().filter(|(_, found)| found.waits());
        let waiting = waiting.filter_map(|(_, found)| Some(&found.brief.as_ref()?.at));
        let mut waiting = reading.waiting(waiting);

        let (mut tasks, mut unreadable, mut bytes, mut last) = (Vec::new(), 0, 0, None);
        for (part, found) in found {
            let waits = found.waits();
            if let Some(mut brief) = found.brief {
                if waits {
                    brief.waiting = waiting.remove(&brief.at).or(Some(on_its_way(found.next_run)));
                }
                bytes += size(&brief);
                if bytes > BYTES && !tasks.is_empty() {
                    more = true;
                    break;
                }
                tasks.push(brief);
            } else {
                unreadable += 1;
            }
            last = Some((part, found.place));
        }
        let next = last.filter(|_| more).map(|(part, place)| place.cursor(letters(part)));
        let as_of = match &self.filter.org {
            Some(org) => reading.as_of_org(org),
            None => reading.as_of.clone(),
        };
        Ok(BriefPage { as_of, next, unreadable, tasks })
    }
}
