//! Questions to a person.

use std::collections::HashMap;
use std::time::Duration;

use longhaul_core::snapshot::Approval;
use longhaul_core::text::{self, MAX_NAME};
use longhaul_core::{Act, ApprovalId, Decision, Digest, Millis, Rejection};
use longhaul_journal::{MAX_INLINE, new_id};
use longhaul_wire::canonical_digest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::Context;
use crate::failure::Failure;
use crate::write::Refused;

/// How long a question waits for its answer unless said otherwise: a day.
pub const APPROVAL_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A person's answer to a question about `A`, the arguments of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided<A> {
    /// Do it, with the arguments asked about.
    Approved(A),
    /// Do it, with these arguments instead.
    Modified(A),
    /// Do not.
    Rejected {
        /// Who said so.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// Nobody answered in time.
    Lapsed,
}

impl<A> Decided<A> {
    /// The arguments to go ahead with; nothing if the answer is no, or none came.
    pub fn go(self) -> Option<A> {
        match self {
            Self::Approved(arguments) | Self::Modified(arguments) => Some(arguments),
            Self::Rejected { .. } | Self::Lapsed => None,
        }
    }
}

/// How often each question was asked in this run.
pub(crate) type Asked = HashMap<(String, Digest), usize>;

/// Gives the answer to a question, or asks it and ends the run.
pub(crate) async fn ask<A: Serialize + DeserializeOwned>(
    context: &Context,
    asked: &mut Asked,
    checkpoint: &str,
    action: &str,
    arguments: A,
    time: Duration,
) -> Result<Decided<A>, Failure> {
    let action = text::line(action, MAX_NAME);
    let value = serde_json::to_value(&arguments).map_err(|why| unusable(&action, &why.to_string()))?;
    let size = value.to_string().len();
    if size > MAX_INLINE {
        let why = format!("they have {size} bytes of JSON, at most {MAX_INLINE} are allowed");
        return Err(unusable(&action, &why));
    }
    let digest = canonical_digest(&value);
    let times = asked.entry((action.clone(), digest)).or_default();
    let known = nth(&context.begun.approvals, &action, digest, *times);
    *times += 1;
    if let Some(answer) = known.and_then(|known| known.decision.as_ref()) {
        return answered(&action, arguments, answer);
    }
    context.checkpoint(checkpoint).await?;
    let approval: ApprovalId = new_id();
    let time = Millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let expires_at = context.journal.now().plus(time);
    let question = Act::RequestApproval { approval, action, arguments: value, digest, expires_at };
    match context.desk.say(question).await {
        Ok(()) => Err(Failure::stop()),
        // The writer has seen an abort that this side had not.
        Err(Refused::Rejected(Rejection::Aborting)) => Err(context.stop_at(checkpoint).await),
        Err(refused) => Err(refused.into()),
    }
}

/// The same question, asked for the n-th time, counted from 0.
fn nth<'a>(approvals: &'a [Approval], action: &str, digest: Digest, n: usize) -> Option<&'a Approval> {
    approvals.iter().filter(|known| known.action == action && known.digest == digest).nth(n)
}

fn answered<A: DeserializeOwned>(
    action: &str,
    arguments: A,
    answer: &longhaul_core::snapshot::Decided,
) -> Result<Decided<A>, Failure> {
    Ok(match &answer.decision {
        Decision::Approved => Decided::Approved(arguments),
        Decision::Modified { arguments } => Decided::Modified(modified(action, arguments)?),
        Decision::Rejected { reason } => Decided::Rejected { by: answer.by.clone(), reason: reason.clone() },
        Decision::Lapsed => Decided::Lapsed,
    })
}

fn modified<A: DeserializeOwned>(action: &str, arguments: &Value) -> Result<A, Failure> {
    serde_path_to_error::deserialize(arguments).map_err(|why| {
        let message =
            format!("the modified arguments of {action:?} are not usable: {why}; retry, and decide again");
        Failure::permanent("bad_arguments", message)
    })
}

fn unusable(action: &str, why: &str) -> Failure {
    Failure::permanent("bad_arguments", format!("the arguments of {action:?} are not usable: {why}"))
}
