//! What a submission says, built step by step and checked as it is built.

use longhaul_core::{
    ConversationId, Kind, LabelKey, Lane, Limits, Priority, RetryPolicy, TaskId, Timestamp, Title,
};
use serde::Serialize;
use serde_json::Value;

use crate::Error;

/// Longest idempotency key, in bytes.
const MAX_KEY: usize = 255;
/// Most labels of a task.
const MAX_LABELS: usize = 32;
/// Longest value of a label, in characters.
const MAX_LABEL: usize = 200;

/// What to do when the conversation has a live task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnBusy {
    /// The answer is the live task; nothing is submitted.
    #[default]
    Join,
    /// Submit; it runs when the live one has ended.
    Enqueue,
    /// Abort the live one, then run.
    Interrupt,
    /// Refuse with [`Error::Busy`].
    Reject,
}

impl std::str::FromStr for OnBusy {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "join" => Ok(Self::Join),
            "enqueue" => Ok(Self::Enqueue),
            "interrupt" => Ok(Self::Interrupt),
            "reject" => Ok(Self::Reject),
            other => {
                Err(Error::invalid(format!("on-busy {other:?}"), "one of join, enqueue, interrupt, reject"))
            }
        }
    }
}

/// A task to submit.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    pub(crate) kind: Kind,
    pub(crate) title: Title,
    pub(crate) input: Value,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) on_busy: OnBusy,
    pub(crate) key: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) retry: RetryPolicy,
    pub(crate) priority: Priority,
    pub(crate) lane: Lane,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) labels: Vec<(LabelKey, String)>,
    pub(crate) continues: Option<TaskId>,
    pub(crate) parent: Option<TaskId>,
}

impl NewTask {
    /// A task of `kind`, named `title`, with `input` for its handler.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unusable kind or title, or an input that is not JSON.
    pub fn new(kind: &str, title: &str, input: &impl Serialize) -> Result<Self, Error> {
        Ok(Self {
            kind: Kind::new(kind)?,
            title: Title::new(title)?,
            input: serde_json::to_value(input)
                .map_err(|error| Error::invalid("the input is not JSON", error))?,
            conversation: None,
            on_busy: OnBusy::default(),
            key: None,
            limits: Limits::default(),
            retry: RetryPolicy::default(),
            priority: Priority::default(),
            lane: Lane::default(),
            not_before: None,
            labels: Vec::new(),
            continues: None,
            parent: None,
        })
    }

    /// In a conversation; `on_busy` says what happens when it has a live task. In the foreground it starts
    /// beside that.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unusable id.
    pub fn conversation(mut self, id: &str, on_busy: OnBusy) -> Result<Self, Error> {
        self.conversation = Some(ConversationId::new(id)?);
        self.on_busy = on_busy;
        Ok(self)
    }

    /// Under an idempotency key: the same key is the same task, for ever.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is 1 to 255 printable ASCII characters.
    pub fn idempotency_key(mut self, key: &str) -> Result<Self, Error> {
        let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if key.is_empty() || key.len() > MAX_KEY || !printable {
            let why = format!("give 1 to {MAX_KEY} printable ASCII characters");
            return Err(Error::invalid("the idempotency key is not usable", why));
        }
        self.key = Some(key.to_owned());
        Ok(self)
    }

    /// With these limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With this retry policy.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// That urgent.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// On slots of this lane.
    #[must_use]
    pub fn lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    /// Not before this time.
    #[must_use]
    pub fn not_before(mut self, at: Timestamp) -> Self {
        self.not_before = Some(at);
        self
    }

    /// With a mark of the submitter's own.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unusable key, a value of more than 200 characters or with control
    /// characters, or more than 32 labels.
    pub fn label(mut self, key: &str, value: &str) -> Result<Self, Error> {
        let key = LabelKey::new(key)?;
        if value != longhaul_core::text::line(value, MAX_LABEL) {
            let why = format!("a label's value is at most {MAX_LABEL} printable characters on one line");
            return Err(Error::invalid(format!("the label {key} is not usable"), why));
        }
        self.labels.retain(|(known, _)| *known != key);
        self.labels.push((key, value.to_owned()));
        if self.labels.len() > MAX_LABELS {
            return Err(Error::invalid("too many labels", format!("at most {MAX_LABELS} are allowed")));
        }
        Ok(self)
    }

    /// Goes on from a completed task: its output is the handler's context.
    #[must_use]
    pub fn continues(mut self, task: TaskId) -> Self {
        self.continues = Some(task);
        self
    }

    /// Submitted by another task.
    #[must_use]
    pub fn parent(mut self, task: TaskId) -> Self {
        self.parent = Some(task);
        self
    }
}
