//! Records as bytes.
//!
//! A record is one JSON object, UTF-8, at most [`MAX_RECORD`] bytes: `"v"`, the version of the
//! format, first, and beside it the members of the record. Which record it is follows from its
//! subject. An event is `{"id": …, "body": {"<kind>": {…}}}`.
//!
//! ```json
//! {"v":1,"id":"…","task":"…","at":"2026-11-21T13:05:00.000Z",
//!  "actor":{"role":"client","who":"ada","via":"cli"},
//!  "events":[{"id":"…","body":{"abort_requested":{"by":"ada"}}}]}
//! ```
//!
//! Rules for whoever changes the format:
//! - A member that a reader may overlook is added freely, with a default: readers skip what they do
//!   not know.
//! - Anything else (a new kind of event, another meaning) raises [`VERSION`] and adds a function to
//!   the table of upgrades. What was written is never rewritten, and is read for ever.
//! - A reader refuses a newer version instead of guessing: it must not fold half of a history.

use longhaul_core::{
    AdmissionCommit, Commit, CommitId, ConversationClaim, EventBody, MAX_ADMISSIONS, OrgId, PolicyCommit,
    text,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::subject::Parsed;

/// The version that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// Largest record, in bytes. It leaves room for headers below the server's usual limit of 1 MiB.
pub const MAX_RECORD: usize = 1_000_000;

/// Most events in one commit.
pub const MAX_EVENTS_IN_COMMIT: usize = 1000;

/// Every kind of event, as it is written.
pub const EVENT_KINDS: [&str; 20] = [
    "submitted",
    "started",
    "step_started",
    "progressed",
    "step_completed",
    "text_appended",
    "usage_recorded",
    "artifact_stored",
    "approval_requested",
    "approval_decided",
    "abort_requested",
    "continued",
    "lost",
    "completed",
    "failed",
    "aborted",
    "expired",
    "retried",
    "dismissed",
    "erased",
];

/// JSON nested this deep is refused by its parser.
const DEEPEST: usize = 128;

/// How the first bytes of a record of the present version look when Longhaul writes it.
const PRESENT: &[u8] = br#"{"v":1,"#;

/// Turns a record of one version into the next.
type Upgrade = fn(Value) -> Value;

/// The n-th turns version n + 1 into n + 2; there is one for each version before [`VERSION`].
const UPGRADES: [Upgrade; VERSION as usize - 1] = [];

/// What lies on the log, one variant a form of subject.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A decision on a task.
    Task(Commit),
    /// Runs that were given a slot.
    Admissions(AdmissionCommit),
    /// An organisation's new policy.
    Policy(PolicyCommit),
    /// Who holds a conversation.
    Conversation(ConversationClaim),
}

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A newer Longhaul wrote it.
    #[error("the record has version {found}, this program reads up to {known}; update it")]
    Newer {
        /// Its version.
        found: u32,
        /// The newest this program reads.
        known: u32,
    },
    /// It holds an event this program does not know.
    #[error("the record has an event of the unknown kind {kind:?}; a newer or a foreign program wrote it")]
    UnknownEvent {
        /// The kind, cut to 80 characters.
        kind: String,
    },
    /// It is not JSON of the expected form.
    #[error("the record is malformed: {0}")]
    Malformed(String),
    /// It names another task, organisation, conversation or kind than its subject.
    #[error("the record lies under the {what} {subject} but names {body}")]
    WrongPlace {
        /// What differs.
        what: &'static str,
        /// As the subject says.
        subject: String,
        /// As the record says.
        body: String,
    },
    /// Nothing is in it, or too much.
    #[error("the record has {found} {what}; 1 to {most} are allowed")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many are allowed.
        most: usize,
    },
    /// It is larger than any record may be.
    #[error("the record has {size} bytes; at most {MAX_RECORD} are allowed")]
    TooLarge {
        /// Its size, in bytes.
        size: usize,
    },
}

/// Why a record cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Larger than [`MAX_RECORD`].
    #[error(
        "the record would have {size} bytes; at most {limit} are allowed; put large values into the object store"
    )]
    TooLarge {
        /// Its size, in bytes.
        size: usize,
        /// The bound, in bytes.
        limit: usize,
    },
    /// Nobody could read it: JSON nested too deeply, a time beyond the year 9999, the wrong subject.
    #[error("the record could not be read back")]
    Unreadable(#[source] DecodeError),
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    v: u32,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// Encodes a record for the subject it is to lie under.
///
/// # Errors
/// [`EncodeError`] if it is too large, or if [`decode`] would refuse it: what nobody can read is
/// never written.
pub fn encode(place: &Parsed, record: &Record) -> Result<Vec<u8>, EncodeError> {
    fn json<T: Serialize>(body: &T) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Envelope { v: VERSION, body })
    }
    let bytes = match record {
        Record::Task(commit) => json(commit),
        Record::Admissions(commit) => json(commit),
        Record::Policy(commit) => json(commit),
        Record::Conversation(claim) => json(claim),
    };
    let bytes = bytes.map_err(|e| EncodeError::Unreadable(malformed(&e)))?;
    if bytes.len() > MAX_RECORD {
        return Err(EncodeError::TooLarge { size: bytes.len(), limit: MAX_RECORD });
    }
    check(place, record).map_err(EncodeError::Unreadable)?;
    // What is left that could not be read is nesting; only many brackets can be deep.
    if bytes.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() >= DEEPEST {
        decode(place, &bytes).map_err(EncodeError::Unreadable)?;
    }
    debug_assert_eq!(decode(place, &bytes).err(), None, "what is written is read");
    Ok(bytes)
}

/// Decodes what lies under a subject.
///
/// # Errors
/// [`DecodeError`] for what is not a record this program knows, or not one that belongs there.
/// Never panics, whatever the bytes.
pub fn decode(place: &Parsed, bytes: &[u8]) -> Result<Record, DecodeError> {
    if bytes.len() > MAX_RECORD {
        return Err(DecodeError::TooLarge { size: bytes.len() });
    }
    let record = match place {
        Parsed::Task { .. } => Record::Task(body(bytes)?),
        Parsed::Ledger { .. } => Record::Admissions(body(bytes)?),
        Parsed::Policy { .. } => Record::Policy(body(bytes)?),
        Parsed::Conversation { .. } => Record::Conversation(body(bytes)?),
    };
    check(place, &record)?;
    Ok(record)
}

/// The id of a commit or claim without reading the rest of it: how a writer recognises its own.
pub fn commit_id(bytes: &[u8]) -> Option<CommitId> {
    #[derive(Deserialize)]
    struct Id {
        id: CommitId,
    }
    serde_json::from_slice::<Id>(bytes).ok().map(|head| head.id)
}

fn malformed(error: &serde_json::Error) -> DecodeError {
    // The parser quotes what it met, and anybody may have written that.
    DecodeError::Malformed(text::line(&error.to_string(), 300))
}

fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.starts_with(PRESENT) {
        return serde_json::from_slice(bytes).map_err(|e| explain(bytes, &e));
    }
    let Version { v } = serde_json::from_slice(bytes).map_err(|e| malformed(&e))?;
    match v {
        VERSION => serde_json::from_slice(bytes).map_err(|e| explain(bytes, &e)),
        newer if newer > VERSION => Err(DecodeError::Newer { found: newer, known: VERSION }),
        0 => Err(DecodeError::Malformed("there is no version 0".to_owned())),
        older => {
            let old = serde_json::from_slice(bytes).map_err(|e| malformed(&e))?;
            serde_json::from_value(upgrade(old, older, &UPGRADES)).map_err(|e| malformed(&e))
        }
    }
}

/// Applies every upgrade from version `from` on.
fn upgrade(record: Value, from: u32, upgrades: &[Upgrade]) -> Value {
    upgrades.iter().skip(from as usize - 1).fold(record, |record, upgrade| upgrade(record))
}

/// Says what is wrong with a record of the present version that was not readable.
fn explain(bytes: &[u8], error: &serde_json::Error) -> DecodeError {
    #[derive(Deserialize)]
    struct Kinds {
        events: Vec<Kind>,
    }
    #[derive(Deserialize)]
    struct Kind {
        body: serde_json::Map<String, Value>,
    }
    let kinds = serde_json::from_slice::<Kinds>(bytes).ok();
    let unknown = kinds
        .iter()
        .flat_map(|kinds| &kinds.events)
        .flat_map(|event| event.body.keys())
        .find(|kind| !EVENT_KINDS.contains(&kind.as_str()));
    match unknown {
        Some(kind) => DecodeError::UnknownEvent { kind: text::line(kind, 80) },
        None => malformed(error),
    }
}

/// That a record belongs where it lies, and is within its bounds.
fn check(place: &Parsed, record: &Record) -> Result<(), DecodeError> {
    match (place, record) {
        (Parsed::Task { org, task, .. }, Record::Task(commit)) => {
            same("task", task, &commit.task)?;
            count("events", commit.events.len(), MAX_EVENTS_IN_COMMIT)?;
            commit.events.iter().try_for_each(|event| match &event.body {
                EventBody::Submitted(said) => same_org(org, &said.owner.org),
                EventBody::Erased { skeleton, .. } => same_org(org, &skeleton.submission.owner.org),
                _ => Ok(()),
            })
        }
        (Parsed::Ledger { org, .. }, Record::Admissions(commit)) => {
            same_org(org, &commit.org)?;
            count("admissions", commit.admissions.len(), MAX_ADMISSIONS)
        }
        (Parsed::Policy { org, .. }, Record::Policy(commit)) => same_org(org, &commit.org),
        (Parsed::Conversation { org, conversation, .. }, Record::Conversation(claim)) => {
            same_org(org, &claim.org)?;
            same("conversation", conversation, &claim.conversation)
        }
        _ => Err(DecodeError::Malformed("a record of this form does not belong on this subject".to_owned())),
    }
}

fn same_org(subject: &OrgId, body: &OrgId) -> Result<(), DecodeError> {
    same("organisation", subject, body)
}

fn same<T: PartialEq + ToString>(what: &'static str, subject: &T, body: &T) -> Result<(), DecodeError> {
    if subject == body {
        return Ok(());
    }
    Err(DecodeError::WrongPlace { what, subject: subject.to_string(), body: body.to_string() })
}

fn count(what: &'static str, found: usize, most: usize) -> Result<(), DecodeError> {
    if (1..=most).contains(&found) { Ok(()) } else { Err(DecodeError::Count { what, found, most }) }
}

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod tests;
