//! A task in the few words that a list has room for.

use longhaul_core::board::Waiting;
use longhaul_core::text::line;
use longhaul_core::{
    ConversationId, ExecutorId, Kind, RunNumber, Sequence, Snapshot, Status, TaskId, TaskRef, Timestamp,
    Title, UserId,
};
use longhaul_wire::query::Item;
use longhaul_wire::view::{ApprovalView, SnapshotView, StepName};

/// Longest note, in characters.
const NOTE: usize = 160;

/// A task in the few words that a list has room for. Its texts are one line each and safe to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Brief {
    /// Which.
    pub at: TaskRef,
    /// Whose.
    pub user: UserId,
    /// In which conversation.
    pub conversation: Option<ConversationId>,
    /// Which handler runs it.
    pub kind: Kind,
    /// What it is for.
    pub title: Title,
    /// Where it stands.
    pub status: Status,
    /// While it runs, what it is doing; else why it stands as it does. Empty if there is nothing to
    /// say.
    pub note: String,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// The current or last run; 0 before the first.
    pub run: RunNumber,
    /// Who holds or last held it.
    pub executor: Option<ExecutorId>,
    /// The step under way, or the last one recorded.
    pub step: Option<StepName>,
    /// How far it is, 0 to 1, where that is known.
    pub fraction: Option<f64>,
    /// Why it waits, where the projector said so. A fold of the task alone cannot tell.
    pub waiting: Option<Waiting>,
    /// The question that waits for an answer.
    pub question: Option<Box<ApprovalView>>,
    /// Tokens used so far.
    pub tokens: u64,
    /// How many files it made.
    pub artifacts: u32,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When its first run started.
    pub started_at: Option<Timestamp>,
    /// When its last event was written.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Hidden from its owner's panel.
    pub dismissed: bool,
    /// A record of it cannot be read: this is its state before that.
    pub aside: bool,
    /// The commit that submitted it, where that was seen.
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
        let step = s.current_step().map(|step| StepName {
            name: line(&step.name, NOTE),
            index: step.index,
            of: step.of,
        });
        Self {
            at: s.address(),
            user: s.owner.user.clone(),
            conversation: s.owner.conversation.clone(),
            kind: s.kind.clone(),
            title: s.title.clone(),
            status: s.status,
            note: line(&note, NOTE),
            attempt: s.attempt,
            run: s.run,
            executor: s.executor,
            step,
            fraction: s.progress.fraction,
            waiting: None,
            question: open.map(|open| Box::new(ApprovalView::new(open))),
            tokens: s.usage.tokens(),
            artifacts: u32::try_from(s.artifacts.len()).unwrap_or(u32::MAX),
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

    /// A task as a projector lists it; nothing if none of its records could be read.
    pub fn listed(item: Item) -> Option<Self> {
        let aside = item.unreadable.is_some();
        let submitted = item.submitted;
        Some(Self { aside, submitted, ..Self::viewed(item.view?) })
    }

    fn viewed(view: SnapshotView) -> Self {
        let progress = view.progress.as_ref();
        let note = match (view.status, &view.approval) {
            (_, Some(open)) => open.action.as_str(),
            (Status::Completed, _) => "",
            (Status::Running, _) => progress.and_then(|known| known.message.as_deref()).unwrap_or_default(),
            _ => view.reason_text.as_str(),
        };
        let task: TaskId = view.task;
        let note = line(note, NOTE);
        Self {
            note,
            fraction: progress.and_then(|known| known.fraction),
            question: view.approval.map(Box::new),
            at: TaskRef { org: view.org, task },
            user: view.user,
            conversation: view.conversation,
            kind: view.kind,
            title: view.title,
            status: view.status,
            attempt: view.attempt,
            run: view.run,
            executor: view.executor,
            step: view.step.map(|step| StepName { name: line(&step.name, NOTE), ..step }),
            waiting: view.waiting,
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
