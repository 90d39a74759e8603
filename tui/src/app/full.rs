//! Caps that are full and budgets that are used up: told of once, when tasks begin to wait for them.

use std::collections::HashMap;

use longhaul_core::board::WaitReason;
use longhaul_core::ledger::Period;
use longhaul_core::{ConversationId, Kind, Millis, OrgId, Timestamp, UserId};
use longhaul_wire::query::Queued;

use crate::text::{fit, number, short};

/// So long nothing must have waited for it until it is told of again: between the end of one run and
/// the start of the next nothing seems to be in the way.
const CALM: Millis = Millis::seconds(30);
/// More of a kind at once are told of in one line.
const FEW: usize = 3;

/// Something that tasks wait for because it is full, used up or missing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Full {
    User(OrgId, UserId),
    Foreground(OrgId, UserId),
    Organisation(OrgId),
    Tokens(OrgId),
    Conversation(OrgId, ConversationId),
    NoExecutor(Kind),
}

impl Full {
    /// What a task of this owner waits for, if it is of this sort; and in words.
    fn of(org: &OrgId, user: &UserId, reason: &WaitReason) -> Option<(Self, String)> {
        Some(match reason {
            WaitReason::UserCap { running, cap } => (
                Self::User(org.clone(), user.clone()),
                format!("{user} has all slots taken ({running}/{cap}): tasks begin to wait"),
            ),
            WaitReason::ForegroundCap { running, cap } => (
                Self::Foreground(org.clone(), user.clone()),
                format!("{user} has all foreground slots taken ({running}/{cap}): tasks begin to wait"),
            ),
            WaitReason::OrganisationCap { running, cap } => (
                Self::Organisation(org.clone()),
                format!("organisation {org} has all slots taken ({running}/{cap}): tasks begin to wait"),
            ),
            WaitReason::TokenBudget { used, budget, per } => {
                let per = match per {
                    Period::Day => "of today",
                    Period::Ever => "for good",
                };
                let tokens = format!("{} of {}", number(*used), number(*budget));
                (
                    Self::Tokens(org.clone()),
                    format!("organisation {org} has used up its tokens {per} ({tokens}): tasks wait"),
                )
            }
            WaitReason::Conversation { conversation, holder } => (
                Self::Conversation(org.clone(), conversation.clone()),
                format!(
                    "a task of conversation {} waits for {}",
                    fit(conversation.as_str(), 40),
                    short(holder)
                ),
            ),
            WaitReason::NoExecutor { kind } => {
                (Self::NoExecutor(kind.clone()), format!("no executor takes {kind}: its tasks wait"))
            }
            WaitReason::NotBefore { .. }
            | WaitReason::RetryBackoff { .. }
            | WaitReason::LedgerUnreadable
            | WaitReason::ExecutorsBusy { .. }
            | WaitReason::Admitted { .. }
            | WaitReason::Next => return None,
        })
    }

    /// Whose tasks wait for it; nothing: anybody's.
    pub(crate) fn org(&self) -> Option<&OrgId> {
        match self {
            Self::User(org, _)
            | Self::Foreground(org, _)
            | Self::Organisation(org)
            | Self::Tokens(org)
            | Self::Conversation(org, _) => Some(org),
            Self::NoExecutor(_) => None,
        }
    }

    /// Many of the same sort, in words.
    fn many(&self, n: usize) -> String {
        match self {
            Self::User(..) => format!("{n} users have all their slots taken: tasks begin to wait"),
            Self::Foreground(..) => {
                format!("{n} users have all their foreground slots taken: tasks begin to wait")
            }
            Self::Organisation(_) => format!("{n} organisations have all slots taken: tasks begin to wait"),
            Self::Tokens(_) => format!("{n} organisations have used up their tokens: tasks wait"),
            Self::Conversation(..) => format!("in {n} conversations tasks wait for the one before them"),
            Self::NoExecutor(_) => format!("no executor takes {n} kinds: their tasks wait"),
        }
    }
}

/// What was full lately.
#[derive(Debug, Default)]
pub(crate) struct Fulls {
    /// When a task was last seen waiting for it.
    seen: HashMap<Full, Timestamp>,
    /// The queue was told of: what is full from now on is news.
    begun: bool,
}

impl Fulls {
    /// Takes the queue. Gives what is full now and was not before, with words for it; but what was full
    /// before one came is no news.
    pub(crate) fn take(&mut self, queued: &Queued, now: Timestamp) -> Vec<(Full, String)> {
        let mut new: Vec<(Full, String)> = Vec::new();
        for task in &queued.tasks {
            let Some((full, words)) = Full::of(&task.org, &task.user, &task.waiting.reason) else { continue };
            if self.seen.insert(full.clone(), now).is_none() {
                new.push((full, words));
            }
        }
        // Of what does not fit into the page nobody knows whether anything still waits for it.
        if queued.tasks.len() as u64 == queued.total {
            self.seen.retain(|_, seen| now.since(*seen) < CALM);
        }
        match std::mem::replace(&mut self.begun, true) {
            true => in_few_lines(new),
            false => Vec::new(),
        }
    }
}

/// Many of a sort become one line, about the first of them.
fn in_few_lines(mut new: Vec<(Full, String)>) -> Vec<(Full, String)> {
    new.sort();
    let same =
        |a: &(Full, String), b: &(Full, String)| std::mem::discriminant(&a.0) == std::mem::discriminant(&b.0);
    let lines = new.chunk_by(same).flat_map(|sort| match sort {
        [(first, _), ..] if sort.len() > FEW => vec![(first.clone(), first.many(sort.len()))],
        few => few.to_vec(),
    });
    lines.collect()
}
