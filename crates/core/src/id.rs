//! Identifiers. Those that become a token of a subject are checked once, here, so that no
//! dot, wildcard, space or control character ever reaches the log's namespace.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Longest token, in characters.
pub const MAX_TOKEN: usize = 64;

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Nothing was given.
    #[error("{what} is empty; give 1 to {MAX_TOKEN} of A-Z a-z 0-9 _ -")]
    Empty {
        /// Which identifier.
        what: &'static str,
    },
    /// Longer than [`MAX_TOKEN`].
    #[error("{what} has {length} characters; at most {MAX_TOKEN} are allowed")]
    TooLong {
        /// Which identifier.
        what: &'static str,
        /// How long it was, in characters.
        length: usize,
    },
    /// A character outside `A-Z a-z 0-9 _ -`.
    #[error("{what} has the character {found:?} at place {at}; use only A-Z a-z 0-9 _ -")]
    Character {
        /// Which identifier.
        what: &'static str,
        /// The offending character.
        found: char,
        /// Its place, counted from 1.
        at: usize,
    },
    /// Not a UUID.
    #[error("{what} is not a UUID: {found:?}")]
    NotUuid {
        /// Which identifier.
        what: &'static str,
        /// What was given, cut to 80 characters.
        found: String,
    },
}

fn check(what: &'static str, text: &str) -> Result<(), InvalidId> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    if text.is_empty() {
        return Err(InvalidId::Empty { what });
    }
    if let Some((at, found)) =
        text.chars().enumerate().find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
    {
        return Err(InvalidId::Character { what, found, at: at + 1 });
    }
    if text.len() > MAX_TOKEN {
        return Err(InvalidId::TooLong { what, length: text.len() });
    }
    Ok(())
}

/// A text that is checked where it lies, and copied once.
pub(crate) struct Checked<F>(pub(crate) F);

impl<T, E: fmt::Display, F: FnOnce(&str) -> Result<T, E>> serde::de::Visitor<'_> for Checked<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<D: serde::de::Error>(self, text: &str) -> Result<T, D> {
        (self.0)(text).map_err(D::custom)
    }
}

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and makes it an identifier.
            ///
            /// # Errors
            /// [`InvalidId`] unless it is 1 to 64 of `A-Z a-z 0-9 _ -`.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
                check($what, text.as_ref())?;
                Ok(Self(Arc::from(text.as_ref())))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Checked(|text: &str| Self::new(text)))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
    };
}

token!(
    /// An organisation: the border of tenancy, fairness and budgets.
    OrgId, "organisation");
token!(
    /// A user within an organisation.
    UserId, "user");
token!(
    /// A conversation (a chat, a session) within an organisation.
    ConversationId, "conversation");
token!(
    /// Which handler runs a task: `report`, `exec`, yours.
    Kind, "kind");
token!(
    /// The key of a label.
    LabelKey, "label key");
token!(
    /// The name of a cell: a small value of an organisation, beside the log.
    CellName, "cell");

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId::NotUuid {
                    what: $what,
                    found: text.chars().take(80).collect(),
                })
            }
        }
    };
}

uuid_id!(
    /// A task. UUID v7, or v5 of (organisation, idempotency key).
    TaskId, "task id");
uuid_id!(
    /// An event; UUID v7 given by its writer.
    EventId, "event id");
uuid_id!(
    /// A commit: what a writer looks for when it does not know whether an append happened.
    CommitId, "commit id");
uuid_id!(
    /// An approval asked for by a run.
    ApprovalId, "approval id");
uuid_id!(
    /// An executor process; fresh at each boot.
    ExecutorId, "executor id");

impl TaskId {
    /// The namespace under which idempotency keys become task ids.
    const KEYS: Uuid = Uuid::from_u128(0x6c6f_6e67_6861_756c_8000_7461_736b_6b65);

    /// The task that (organisation, key) names, now and for ever.
    pub fn for_key(org: &OrgId, key: &str) -> Self {
        let mut name = Vec::with_capacity(org.as_str().len() + 1 + key.len());
        name.extend_from_slice(org.as_str().as_bytes());
        // A dot cannot occur in an organisation: no two pairs share a name.
        name.push(b'.');
        name.extend_from_slice(key.as_bytes());
        Self(Uuid::new_v5(&Self::KEYS, &name))
    }
}

/// A run's number within its task, counted from 1; 0 means no run has started. It is the
/// fencing epoch: events of an older run are refused. Numbers only grow; some may be left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunNumber(pub u32);

impl RunNumber {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for RunNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A place in a shard of the log: the stream sequence of a commit. 0 is before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Before the first record.
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_take_only_their_alphabet() {
        for good in ["a", "A-1_z", &"x".repeat(64)] {
            assert_eq!(OrgId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a.b", "*", ">", "a b", "a\0b", "ä", "a\n", &"x".repeat(65)] {
            assert!(OrgId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_names_one_task_for_ever() {
        let org = OrgId::new("acme").unwrap();
        let first = TaskId::for_key(&org, "k1");
        assert_eq!(first, TaskId::for_key(&org, "k1"));
        assert_ne!(first, TaskId::for_key(&org, "k2"));
        assert_ne!(first, TaskId::for_key(&OrgId::new("acme2").unwrap(), "k1"));
        // The stored log depends on this value: it may never change.
        assert_eq!(first.to_string(), TaskId::for_key(&org, "k1").0.hyphenated().to_string());
        assert_eq!(first.0.get_version_num(), 5);
    }
}
