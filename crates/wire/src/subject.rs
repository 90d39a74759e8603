//! The subjects of the log. They are built and taken apart here and nowhere else, from checked ids
//! only, so that no dot, wildcard or space of anybody's making ever reaches the server.
//!
//! | subject | holds |
//! | --- | --- |
//! | `lh.<s>.task.<org>.<task>` | the whole history of one task, one message a commit |
//! | `lh.<s>.adm.<org>` | the organisation's admission ledger |
//! | `lh.<s>.org.<org>` | the organisation's policy |
//! | `lh.<s>.conv.<org>.<conversation>` | who holds the conversation |
//!
//! `<s>` is the shard, a decimal number without leading zeros; `<task>` a hyphenated lower-case
//! UUID; the other tokens are ids of 1 to 64 of `A-Z a-z 0-9 _ -`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use longhaul_core::{ConversationId, InvalidId, OrgId, TaskId};

use crate::shard::{Shard, Shards};

/// A subject of the log, well-formed by construction.
#[derive(Clone)]
pub struct Subject {
    text: Arc<str>,
    parsed: Arc<Parsed>,
}

/// What a subject says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Parsed {
    /// A task's history.
    Task {
        /// Where.
        shard: Shard,
        /// Whose.
        org: OrgId,
        /// Which.
        task: TaskId,
    },
    /// An organisation's admission ledger.
    Ledger {
        /// Where.
        shard: Shard,
        /// Whose.
        org: OrgId,
    },
    /// An organisation's policy.
    Policy {
        /// Where.
        shard: Shard,
        /// Whose.
        org: OrgId,
    },
    /// Who holds a conversation.
    Conversation {
        /// Where.
        shard: Shard,
        /// Whose.
        org: OrgId,
        /// Which.
        conversation: ConversationId,
    },
}

/// Why a text is not a subject of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// It has not the shape of any of them.
    #[error("{0:?} is not a subject of the log; expected lh.<shard>.task|adm|org|conv.…")]
    Shape(String),
    /// A token of it is not a usable id.
    #[error("a token of the subject {subject:?} is not usable")]
    Token {
        /// The subject, cut to 200 characters.
        subject: String,
        /// Why.
        #[source]
        source: InvalidId,
    },
}

impl Subject {
    /// A task's history.
    pub fn task(shards: Shards, org: &OrgId, task: TaskId) -> Self {
        Parsed::Task { shard: shards.of(org), org: org.clone(), task }.subject()
    }

    /// An organisation's admission ledger.
    pub fn ledger(shards: Shards, org: &OrgId) -> Self {
        Parsed::Ledger { shard: shards.of(org), org: org.clone() }.subject()
    }

    /// An organisation's policy.
    pub fn policy(shards: Shards, org: &OrgId) -> Self {
        Parsed::Policy { shard: shards.of(org), org: org.clone() }.subject()
    }

    /// Who holds a conversation.
    pub fn conversation(shards: Shards, org: &OrgId, conversation: &ConversationId) -> Self {
        let (shard, org, conversation) = (shards.of(org), org.clone(), conversation.clone());
        Parsed::Conversation { shard, org, conversation }.subject()
    }

    /// The subject as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The shard it lies in.
    pub fn shard(&self) -> Shard {
        self.parsed.shard()
    }

    /// What it says.
    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// Takes a subject apart.
    ///
    /// # Errors
    /// [`SubjectError`] unless it is exactly a text that one of the constructors here builds: two
    /// subjects never stand for the same thing.
    pub fn parse(text: &str) -> Result<Parsed, SubjectError> {
        let shape = || SubjectError::Shape(cut(text));
        let token = |source| SubjectError::Token { subject: cut(text), source };
        let mut tokens = text.split('.');
        let mut next = || tokens.next().ok_or_else(shape);
        if next()? != "lh" {
            return Err(shape());
        }
        let number = next()?;
        let shard = Shard(number.parse().map_err(|_| shape())?);
        let parsed = match next()? {
            "task" => Parsed::Task {
                shard,
                org: next()?.parse().map_err(token)?,
                task: next()?.parse().map_err(token)?,
            },
            "adm" => Parsed::Ledger { shard, org: next()?.parse().map_err(token)? },
            "org" => Parsed::Policy { shard, org: next()?.parse().map_err(token)? },
            "conv" => Parsed::Conversation {
                shard,
                org: next()?.parse().map_err(token)?,
                conversation: next()?.parse().map_err(token)?,
            },
            _ => return Err(shape()),
        };
        // Refuses what else a number or a UUID may look like, and anything that follows.
        if parsed.to_string() != text {
            return Err(shape());
        }
        Ok(parsed)
    }
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

impl Parsed {
    /// The shard it lies in.
    pub fn shard(&self) -> Shard {
        match self {
            Self::Task { shard, .. }
            | Self::Ledger { shard, .. }
            | Self::Policy { shard, .. }
            | Self::Conversation { shard, .. } => *shard,
        }
    }

    /// The organisation it belongs to.
    pub fn org(&self) -> &OrgId {
        match self {
            Self::Task { org, .. }
            | Self::Ledger { org, .. }
            | Self::Policy { org, .. }
            | Self::Conversation { org, .. } => org,
        }
    }

    /// Back to a subject.
    pub fn subject(&self) -> Subject {
        Subject { text: Arc::from(self.to_string()), parsed: Arc::new(self.clone()) }
    }
}

impl fmt::Display for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task { shard, org, task } => write!(f, "lh.{shard}.task.{org}.{task}"),
            Self::Ledger { shard, org } => write!(f, "lh.{shard}.adm.{org}"),
            Self::Policy { shard, org } => write!(f, "lh.{shard}.org.{org}"),
            Self::Conversation { shard, org, conversation } => {
                write!(f, "lh.{shard}.conv.{org}.{conversation}")
            }
        }
    }
}

// A subject is its text.
impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Subject {}

impl std::hash::Hash for Subject {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl FromStr for Subject {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        Ok(Self { parsed: Arc::new(Self::parse(text)?), text: Arc::from(text) })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed() -> impl Strategy<Value = Parsed> {
        let token = "[A-Za-z0-9_-]{1,64}";
        (0_usize..4, 0_u16..256, token, token, any::<u128>()).prop_map(|(which, shard, a, b, id)| {
            let (shard, org) = (Shard(shard), OrgId::new(&a).unwrap());
            match which {
                0 => Parsed::Task { shard, org, task: TaskId(uuid::Uuid::from_u128(id)) },
                1 => Parsed::Ledger { shard, org },
                2 => Parsed::Policy { shard, org },
                _ => Parsed::Conversation { shard, org, conversation: ConversationId::new(&b).unwrap() },
            }
        })
    }

    #[test]
    fn the_texts_are_stable() {
        let (shards, org) = (Shards::ONE, OrgId::new("acme").unwrap());
        let task: TaskId = "019aa0b0-0000-7000-8000-000000000001".parse().unwrap();
        let texts = [
            Subject::task(shards, &org, task),
            Subject::ledger(shards, &org),
            Subject::policy(shards, &org),
            Subject::conversation(shards, &org, &ConversationId::new("c1").unwrap()),
        ]
        .map(|subject| subject.to_string());
        assert_eq!(
            texts,
            [
                "lh.0.task.acme.019aa0b0-0000-7000-8000-000000000001",
                "lh.0.adm.acme",
                "lh.0.org.acme",
                "lh.0.conv.acme.c1",
            ]
        );
    }

    #[test]
    fn what_no_constructor_builds_is_refused() {
        let task = "019aa0b0-0000-7000-8000-000000000001";
        let bad = [
            String::new(),
            "lh".into(),
            "lh.0".into(),
            "lh.0.adm".into(),
            "lh.00.adm.acme".into(),
            "lh.+1.adm.acme".into(),
            "lh.70000.adm.acme".into(),
            "lh.0.adm.acme.more".into(),
            "lh.0.adm.".into(),
            "lh.0.adm.*".into(),
            "lh.0.adm.>".into(),
            "lh.0.adm.a b".into(),
            "LH.0.adm.acme".into(),
            "lh.live.acme.x".into(),
            format!("lh.0.task.acme.{}", task.to_uppercase()),
            format!("lh.0.task.acme.{}", task.replace('-', "")),
            format!("lh.0.task.acme.{{{task}}}"),
            format!("lh.0.adm.{}", "x".repeat(65)),
        ];
        for text in bad {
            assert!(Subject::parse(&text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_subject_survives_its_text(parsed in parsed()) {
            let subject = parsed.subject();
            prop_assert_eq!(Subject::parse(subject.as_str()), Ok(parsed.clone()));
            prop_assert_eq!(subject.shard(), parsed.shard());
            prop_assert!(!subject.as_str().contains(['*', '>', ' ']));
        }

        #[test]
        fn no_text_panics(text in ".{0,60}", tail in "\\PC{0,20}") {
            let _ = Subject::parse(&text);
            let _ = Subject::parse(&format!("lh.0.task.{tail}"));
        }
    }
}
