//! Questions to a person.

use std::collections::HashMap;
use std::time::Duration;

use longhaul_core::snapshot::Approval;
use longhaul_core::text::{self, MAX_NAME};
use longhaul_core::{Act, ApprovalId, Decision, Digest, Millis, Rejection, fits};
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

/// A question to a person: whether to do an action with exactly these arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Question<A> {
    action: String,
    arguments: A,
    schema: Option<Value>,
    note: Option<String>,
    time: Duration,
}

impl<A> Question<A> {
    /// Asks whether to do `action` with `arguments`, for at most [`APPROVAL_TIME`].
    pub fn new(action: impl Into<String>, arguments: A) -> Self {
        Self { action: action.into(), arguments, schema: None, note: None, time: APPROVAL_TIME }
    }

    /// Other arguments must fit this JSON Schema: what does not is refused before it is recorded. See
    /// [`longhaul_core::fits()`].
    #[must_use]
    pub fn schema(self, schema: Value) -> Self {
        Self { schema: Some(schema), ..self }
    }

    /// Says why it is asked, in a line.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// Waits so long for the answer.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        Self { time, ..self }
    }
}

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

/// Gives the answer to a question, or asks it and ends the run. An answer with arguments that cannot be
/// used is none: it is asked once more, with the reason.
pub(crate) async fn ask<A: Serialize + DeserializeOwned>(
    context: &Context,
    asked: &mut Asked,
    checkpoint: &str,
    question: Question<A>,
) -> Result<Decided<A>, Failure> {
    let Question { action, arguments, schema, mut note, time } = question;
    let action = text::line(&action, MAX_NAME);
    let value = serde_json::to_value(&arguments).map_err(|why| unusable(&action, &why.to_string()))?;
    let size = value.to_string().len();
    if size > MAX_INLINE {
        let why = format!("they have {size} bytes of JSON, at most {MAX_INLINE} are allowed");
        return Err(unusable(&action, &why));
    }
    let digest = canonical_digest(&value);
    let times = asked.entry((action.clone(), digest)).or_default();
    loop {
        let known = nth(&context.begun.approvals, &action, digest, *times);
        *times += 1;
        let Some(answer) = known.and_then(|known| known.decision.as_ref()) else { break };
        let other = match &answer.decision {
            Decision::Approved => return Ok(Decided::Approved(arguments)),
            Decision::Rejected { reason } => {
                return Ok(Decided::Rejected { by: answer.by.clone(), reason: reason.clone() });
            }
            Decision::Lapsed => return Ok(Decided::Lapsed),
            Decision::Modified { arguments } => arguments,
        };
        match read(schema.as_ref(), other) {
            Ok(other) => return Ok(Decided::Modified(other)),
            Err(why) => note = Some(format!("the arguments that {} gave cannot be used: {why}", answer.by)),
        }
    }
    context.checkpoint(checkpoint).await?;
    let approval: ApprovalId = new_id();
    let time = Millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let expires_at = context.journal.now().plus(time);
    let question =
        Act::RequestApproval { approval, action, arguments: value, digest, schema, note, expires_at };
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

/// Reads what a person made of the arguments.
fn read<A: DeserializeOwned>(schema: Option<&Value>, arguments: &Value) -> Result<A, String> {
    if let Some(schema) = schema {
        fits(schema, arguments).map_err(|misfit| misfit.to_string())?;
    }
    serde_path_to_error::deserialize(arguments).map_err(|why| why.to_string())
}

fn unusable(action: &str, why: &str) -> Failure {
    Failure::permanent("bad_arguments", format!("the arguments of {action:?} are not usable: {why}"))
}
