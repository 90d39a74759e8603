//! Why a pending task waits, in data; prose is made from it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ConversationId, Kind, RunNumber, TaskId};
use crate::ledger::Period;
use crate::submission::{Lane, Owner, Priority, Submission};
use crate::time::Timestamp;

/// Most tasks named as blockers.
pub const MAX_BLOCKERS: usize = 8;

/// Why a pending task has not started, and how far it is from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What is in the way.
    pub reason: WaitReason,
    /// Its rank, counted from 1, in the queue the reason names; 1 is next:
    ///
    /// | reason | queue |
    /// | --- | --- |
    /// | `not_before`, `retry_backoff` | none: it waits for its own time, and is always 1 |
    /// | `conversation` | the conversation's tasks behind its holder, by submission |
    /// | `user_cap` | the user's tasks in the background, by urgency, then age |
    /// | `foreground_cap` | the user's tasks in the foreground, by urgency, then age |
    /// | `organisation_cap` | the organisation's tasks in the background, users taking turns |
    /// | `token_budget`, `ledger_unreadable` | the organisation's tasks, users taking turns |
    /// | `no_executor`, `executors_busy` | all tasks of the kind, organisations and users taking turns |
    /// | `admitted` | runs of the kind that have a slot and have not started, by admission |
    /// | `next` | what is admitted now, by turn |
    pub place: u64,
    /// Some of the tasks in the way, at most [`MAX_BLOCKERS`], all of the same organisation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<TaskId>,
    /// It does not start before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

impl Waiting {
    /// Whether nothing is in the way.
    pub fn starts_now(&self) -> bool {
        matches!(self.reason, WaitReason::Next | WaitReason::Admitted { .. })
    }
}

impl fmt::Display for Waiting {
    /// `6 of the user's 6 slots are taken, place 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            WaitReason::Next | WaitReason::Admitted { .. } => self.reason.fmt(f),
            _ => write!(f, "{}, place {}", self.reason, self.place),
        }
    }
}

/// What is in the way of a pending task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum WaitReason {
    /// Its submitter asked for a later start.
    NotBefore {
        /// When.
        at: Timestamp,
    },
    /// It failed or was lost; the retry policy waits before the next attempt.
    RetryBackoff {
        /// Until when.
        at: Timestamp,
        /// Which attempt then begins.
        attempt: u32,
    },
    /// Its conversation is held by another task, or an earlier one comes first.
    Conversation {
        /// Which conversation.
        conversation: ConversationId,
        /// The task that holds it or comes first.
        holder: TaskId,
    },
    /// A record of the organisation's ledger cannot be read by this version: nothing is admitted.
    LedgerUnreadable,
    /// The organisation has used up its tokens.
    TokenBudget {
        /// How many it used.
        used: u64,
        /// How many it may use.
        budget: u64,
        /// In which time.
        per: Period,
    },
    /// No executor takes this kind.
    NoExecutor {
        /// Which kind.
        kind: Kind,
    },
    /// The user has as many tasks running in the background as allowed.
    UserCap {
        /// How many slots are taken.
        running: u32,
        /// How many there are.
        cap: u32,
    },
    /// The user has as many tasks running in the foreground as allowed.
    ForegroundCap {
        /// How many slots are taken.
        running: u32,
        /// How many there are.
        cap: u32,
    },
    /// The organisation has as many tasks running in the background as allowed.
    OrganisationCap {
        /// How many slots are taken.
        running: u32,
        /// How many there are.
        cap: u32,
    },
    /// Every executor that takes this kind is full.
    ExecutorsBusy {
        /// Which kind.
        kind: Kind,
        /// How many places for it there are.
        places: u32,
    },
    /// It has a slot; an executor is about to start it.
    Admitted {
        /// The run that has the slot.
        run: RunNumber,
    },
    /// Nothing: it is admitted at once.
    Next,
}

impl WaitReason {
    /// The word the log, JSON and filters use.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotBefore { .. } => "not_before",
            Self::RetryBackoff { .. } => "retry_backoff",
            Self::Conversation { .. } => "conversation",
            Self::LedgerUnreadable => "ledger_unreadable",
            Self::TokenBudget { .. } => "token_budget",
            Self::NoExecutor { .. } => "no_executor",
            Self::UserCap { .. } => "user_cap",
            Self::ForegroundCap { .. } => "foreground_cap",
            Self::OrganisationCap { .. } => "organisation_cap",
            Self::ExecutorsBusy { .. } => "executors_busy",
            Self::Admitted { .. } => "admitted",
            Self::Next => "next",
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBefore { at } => write!(f, "not before {at}"),
            Self::RetryBackoff { at, attempt } => write!(f, "attempt {attempt} begins at {at}"),
            Self::Conversation { conversation, holder } => {
                write!(f, "conversation {conversation} is held by task {holder}")
            }
            Self::LedgerUnreadable => {
                f.write_str("a record of the organisation's ledger cannot be read; upgrade the schedulers")
            }
            Self::TokenBudget { used, budget, per } => {
                let per = match per {
                    Period::Day => "for today",
                    Period::Ever => "in all",
                };
                write!(f, "the organisation has used {used} of its {budget} tokens {per}")
            }
            Self::NoExecutor { kind } => write!(f, "no executor takes the kind {kind}"),
            Self::UserCap { running, cap } => write!(f, "{running} of the user's {cap} slots are taken"),
            Self::ForegroundCap { running, cap } => {
                write!(f, "{running} of the user's {cap} foreground slots are taken")
            }
            Self::OrganisationCap { running, cap } => {
                write!(f, "{running} of the organisation's {cap} slots are taken")
            }
            Self::ExecutorsBusy { kind, places } => write!(f, "all {places} places for {kind} are busy"),
            Self::Admitted { run } => write!(f, "run {run} has its slot and waits for an executor"),
            Self::Next => f.write_str("starts now"),
        }
    }
}

/// A task that might be submitted: what its place in the order depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Whose it would be.
    pub owner: Owner,
    /// Which handler would run it.
    pub kind: Kind,
    /// How urgent.
    #[serde(default)]
    pub priority: Priority,
    /// Whose slots it would take.
    #[serde(default, skip_serializing_if = "Lane::is_background")]
    pub lane: Lane,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

impl From<&Submission> for Candidate {
    fn from(said: &Submission) -> Self {
        Self {
            owner: said.owner.clone(),
            kind: said.kind.clone(),
            priority: said.priority,
            lane: said.lane,
            not_before: said.not_before,
        }
    }
}
