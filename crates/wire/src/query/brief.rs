//! Tasks in few words: what a list has room for, thousands a page.

use longhaul_core::board::Waiting;
use longhaul_core::text::line;
use longhaul_core::{
    ConversationId, ExecutorId, Kind, Lane, RunNumber, Sequence, Snapshot, Status, TaskRef, Timestamp, Title,
    UserId,
};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Cursor, Filter, Positions};
use crate::view::{ApprovalView, ProgressView, SnapshotView, StepName};

/// Most tasks of a page of [`Briefs`].
pub const MAX_BRIEFS: u32 = 1000;

/// Longest note and name of a step, in characters.
const NOTE: usize = 160;

/// Tasks in few words, page by page: first those that have not ended, then the others, the latest
/// submitted first.
///
/// Whoever pages to the end sees every task that stays on its side at least once. One that ends
/// meanwhile may come twice, one that is tried again may not come at all: the log tells of it, from
/// the `as_of` of the first page on. So the pages after the first are asked for with that as
/// `at_least`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Briefs {
    /// Which.
    pub filter: Filter,
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
    /// How many: [`PAGE`](super::PAGE) by default, at most [`MAX_BRIEFS`]. A page of large tasks may
    /// end earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How far must be folded first.
    pub at_least: Positions,
}
query!(Briefs, "briefs", BriefPage);

/// A page of tasks in few words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BriefPage {
    /// Folded up to here.
    pub as_of: Positions,
    /// Where the next page begins; nothing after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// How many tasks of this page have no state: none of their records could be read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unreadable: u32,
    /// The others, in order.
    pub tasks: Vec<Brief>,
}

/// A task in the few words that a list has room for. Its texts are one line each and safe to show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Brief {
    /// Which.
    pub at: TaskRef,
    /// Whose.
    pub user: UserId,
    /// In which conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// Whose slots it takes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lane: Lane,
    /// Which handler runs it.
    pub kind: Kind,
    /// What it is for.
    pub title: Title,
    /// Where it stands.
    pub status: Status,
    /// While it runs, what it is doing; else why it stands as it does. Empty if there is nothing to
    /// say.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "clean")]
    pub note: String,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// The current or last run; 0 before the first.
    pub run: RunNumber,
    /// Who holds or last held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<ExecutorId>,
    /// The step under way, or the last one recorded.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "clean_step")]
    pub step: Option<StepName>,
    /// How far it is, 0 to 1, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f64>,
    /// Why it waits, where the projector said so. A fold of the task alone cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// The question that waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Box<ApprovalView>>,
    /// Tokens used so far.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tokens: u64,
    /// How many files it made.
    #[serde(default, skip_serializing_if = "is_default")]
    pub artifacts: u32,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When its first run started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When its last event was written.
    pub updated_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Hidden from its owner's panel.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dismissed: bool,
    /// A record of it cannot be read: this is its state before that.
    #[serde(default, skip_serializing_if = "is_default")]
    pub aside: bool,
    /// The commit that submitted it, where that was seen; not of an erased task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<Sequence>,
    /// Folded up to this commit.
    pub sequence: Sequence,
}

impl Brief {
    /// A folded task.
    pub fn of(s: &Snapshot) -> Self {
        let open = s.open_approval();
        let note = match (s.status, &open) {
            (_, Some(open)) => open.action.clone(),
            (Status::Completed, _) => String::new(),
            (Status::Running, _) => s.progress.message.clone().unwrap_or_default(),
            _ => s.reason_text(),
        };
        let step =
            s.current_step().map(|step| StepName { name: short(&step.name), index: step.index, of: step.of });
        Self {
            at: s.address(),
            user: s.owner.user.clone(),
            conversation: s.owner.conversation.clone(),
            lane: s.lane,
            kind: s.kind.clone(),
            title: s.title.clone(),
            status: s.status,
            note: short(&note),
            attempt: s.attempt,
            run: s.run,
            executor: s.executor,
            step,
            fraction: s.progress.fraction,
            waiting: None,
            question: open.map(|open| Box::new(ApprovalView::new(open))),
            tokens: s.usage.tokens(),
            artifacts: u32::try_from(s.files().count()).unwrap_or(u32::MAX),
            submitted_at: s.submitted_at,
            started_at: s.started_at,
            updated_at: s.updated_at,
            ended_at: s.ended_at,
            dismissed: s.dismissed,
            aside: false,
            submitted: None,
            sequence: s.sequence,
        }
    }
}

impl From<SnapshotView> for Brief {
    /// A task as programs see it.
    fn from(view: SnapshotView) -> Self {
        let progress = view.progress.unwrap_or(ProgressView { fraction: None, message: None, waits: None });
        let note = match (view.status, &view.approval) {
            (_, Some(open)) => short(&open.action),
            (Status::Completed, _) => String::new(),
            (Status::Running, _) => short(&progress.message.unwrap_or_default()),
            _ => short(&view.reason_text),
        };
        Self {
            at: TaskRef { org: view.org, task: view.task },
            user: view.user,
            conversation: view.conversation,
            lane: view.lane,
            kind: view.kind,
            title: view.title,
            status: view.status,
            note,
            attempt: view.attempt,
            run: view.run,
            executor: view.executor,
            step: view.step.map(|step| StepName { name: short(&step.name), ..step }),
            fraction: progress.fraction,
            waiting: view.waiting,
            question: view.approval.map(Box::new),
            tokens: view.usage.tokens(),
            artifacts: u32::try_from(view.artifacts.len()).unwrap_or(u32::MAX),
            submitted_at: view.submitted_at,
            started_at: view.started_at,
            updated_at: view.updated_at,
            ended_at: view.ended_at,
            dismissed: view.dismissed,
            aside: false,
            submitted: None,
            sequence: view.sequence,
        }
    }
}

/// One line, not too long. Most texts are that already.
fn short(text: &str) -> String {
    let is_short = text.len() <= NOTE && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_short { text.to_owned() } else { line(text, NOTE) }
}

fn clean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(short(&String::deserialize(deserializer)?))
}

fn clean_step<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StepName>, D::Error> {
    let step = Option::<StepName>::deserialize(deserializer)?;
    Ok(step.map(|step| StepName { name: short(&step.name), ..step }))
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
