//! A log as a file: NDJSON, so that the history of a failure can be kept, read by people and
//! programs, and audited again.
//!
//! ```json
//! {"history":2,"shards":4}
//! {"shard":0,"sequence":1,"stored_at":"2026-11-21T13:05:00.000Z","subject":"lh.0.task.acme.…","record":{"v":1,…}}
//! {"shard":0,"sequence":2,"stored_at":"…","subject":"lh.0.adm.acme","unreadable":"the record is malformed: …"}
//! {"end":{"0":{"records":2,"first":1,"last":2,"head":2},…}}
//! ```
//!
//! The first line says the format's version and how many shards the log has. Then one line a record,
//! in order within each shard. `record` is what lies on the log, as JSON. What was not read as a
//! record may be there as well: it is decoded anew. `unreadable` stands for what is no JSON at all, or
//! only a newer program reads; `because` says which. The last line says of each shard how many records
//! there are, where the first and the last lie, and how far the log went: a file without it was not
//! written to its end. Format 1 was the same without `because` and without a last line.

use std::collections::HashMap;

use longhaul_core::{Sequence, TaskRef, Timestamp, text};
use longhaul_wire::{DecodeError, EncodeError, Parsed, Record, Shard, Shards, Subject, SubjectError};
use longhaul_wire::{VERSION, decode, encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::{Audit, Recall};
use crate::entry::Entry;
use crate::report::{Outside, Report};

/// The version of the format that is written, and the newest that is read.
const FORMAT: u32 = 2;

/// The first version whose files have a last line.
const ENDS: u32 = 2;

/// The first line of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    history: u32,
    /// How many shards the log has.
    shards: u16,
}

/// A record as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its place in the shard.
    pub sequence: Sequence,
    /// When the server stored it.
    pub stored_at: Timestamp,
    /// Its subject, and with it its shard.
    pub subject: Parsed,
    /// What it says, or why that cannot be read.
    pub record: Result<Record, DecodeError>,
}

/// Why a line is not one of a history.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// There is no first line.
    #[error("it is empty; a history is made by longhaul doctor --export")]
    Empty,
    /// It is not JSON of the expected form.
    #[error("the line is malformed: {0}; a history is made by longhaul doctor --export")]
    Malformed(String),
    /// It is the first part of a line.
    #[error("the line breaks off: the file was not written to its end, or was cut")]
    BreaksOff,
    /// It follows the line that says how far the history goes.
    #[error("something follows the line that says where the history ends")]
    BehindTheEnd,
    /// Another version of the format.
    #[error("the history has format {found}, this program reads up to {FORMAT}; update it")]
    Format {
        /// Its version.
        found: u32,
    },
    /// As many shards as no log has.
    #[error("a log has 1 to {} shards, not {found}", Shards::MAX)]
    Shards {
        /// How many.
        found: u16,
    },
    /// Its subject is none of the log.
    #[error("the line's subject is not one of the log")]
    Subject(#[from] SubjectError),
}

/// A line as it is written.
#[derive(Serialize, Deserialize)]
struct Line {
    shard: u16,
    sequence: Sequence,
    stored_at: Timestamp,
    subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    because: Option<Because>,
}

/// Why a record could not be read, where the rules make a difference.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Because {
    Newer {
        found: u32,
    },
    UnknownEvent {
        kind: String,
    },
    /// It names another organisation.
    Organisation {
        subject: String,
        body: String,
    },
}

impl Because {
    fn of(why: &DecodeError) -> Option<Self> {
        match why.clone() {
            DecodeError::Newer { found, .. } => Some(Self::Newer { found }),
            DecodeError::UnknownEvent { kind } => Some(Self::UnknownEvent { kind }),
            DecodeError::WrongPlace { what: "organisation", subject, body } => {
                Some(Self::Organisation { subject, body })
            }
            _ => None,
        }
    }

    fn error(self) -> DecodeError {
        match self {
            Self::Newer { found } => DecodeError::Newer { found, known: VERSION },
            Self::UnknownEvent { kind } => DecodeError::UnknownEvent { kind },
            Self::Organisation { subject, body } => {
                DecodeError::WrongPlace { what: "organisation", subject, body }
            }
        }
    }
}

/// The line is named by whoever reads the file, so only the place in it is said.
pub(crate) fn malformed(error: &serde_json::Error) -> LineError {
    if error.is_eof() && error.column() > 0 {
        return LineError::BreaksOff;
    }
    let (said, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
    let said = match said.strip_suffix(&place) {
        Some(said) => format!("{said} at character {}", error.column()),
        None => said,
    };
    LineError::Malformed(text::line(&said, 300))
}

impl Header {
    /// For a log of this many shards.
    pub fn new(shards: Shards) -> Self {
        Self { history: FORMAT, shards: shards.get() }
    }

    /// Whether the file has to have a last line.
    pub fn ends(self) -> bool {
        self.history >= ENDS
    }

    /// How many shards the log has.
    pub fn shards(self) -> Shards {
        Shards::new(self.shards).unwrap_or_default()
    }

    /// Reads the first line.
    ///
    /// # Errors
    /// [`LineError`] if it is none, or of another version.
    pub fn parse(line: &str) -> Result<Self, LineError> {
        if line.is_empty() {
            return Err(LineError::Empty);
        }
        let header: Self = serde_json::from_str(line).map_err(|error| malformed(&error))?;
        if header.history == 0 || header.history > FORMAT {
            return Err(LineError::Format { found: header.history });
        }
        match Shards::new(header.shards) {
            Some(_) => Ok(header),
            None => Err(LineError::Shards { found: header.shards }),
        }
    }

    /// The line, without its end.
    pub fn line(self) -> String {
        format!("{{\"history\":{},\"shards\":{}}}", self.history, self.shards)
    }
}

impl Stored {
    /// What an entry says, to be kept.
    pub fn of(entry: Entry<'_>) -> Self {
        Self {
            sequence: entry.sequence,
            stored_at: entry.stored_at,
            subject: entry.subject.clone(),
            record: entry.record.cloned().map_err(Clone::clone),
        }
    }

    /// As the auditor reads it.
    pub fn entry(&self) -> Entry<'_> {
        let Self { sequence, stored_at, subject, record } = self;
        Entry { sequence: *sequence, stored_at: *stored_at, subject, record: record.as_ref() }
    }

    /// Reads a line after the first.
    ///
    /// # Errors
    /// [`LineError`] if it is none. A record that cannot be read is not an error but part of a
    /// history.
    pub fn parse(line: &str, shards: Shards) -> Result<Self, LineError> {
        let Line { shard, sequence, stored_at, subject, record, unreadable, because } =
            serde_json::from_str(line).map_err(|error| malformed(&error))?;
        if sequence == Sequence::ZERO {
            return Err(LineError::Malformed("it has the sequence 0, and sequences begin at 1".to_owned()));
        }
        let subject = Subject::parse(&subject)?;
        if subject.shard() != Shard(shard) {
            let why = format!("it names shard {shard}, its subject shard {}", subject.shard());
            return Err(LineError::Malformed(why));
        }
        let home = shards.of(subject.org());
        let record = match (record, unreadable) {
            _ if home != Shard(shard) => {
                let (subject, body) = (shard.to_string(), home.to_string());
                Err(DecodeError::WrongPlace { what: "shard", subject, body })
            }
            (Some(record), _) => decode(&subject, record.to_string().as_bytes()),
            (None, Some(_)) if let Some(because) = because => Err(because.error()),
            (None, Some(why)) => Err(DecodeError::Malformed(text::line(&why, 300))),
            (None, None) => return Err(LineError::Malformed("it has no record".to_owned())),
        };
        Ok(Self { sequence, stored_at, subject, record })
    }

    /// The line, without its end.
    ///
    /// # Errors
    /// [`EncodeError`] if the record is none that could lie there.
    pub fn line(&self) -> Result<String, EncodeError> {
        let (record, unreadable) = match &self.record {
            Ok(record) => (Some(encode(&self.subject, record)?), None),
            Err(DecodeError::Malformed(why)) => (None, Some(why.clone())),
            Err(why) => (None, Some(why.to_string())),
        };
        let line = Line {
            shard: self.subject.shard().0,
            sequence: self.sequence,
            stored_at: self.stored_at,
            subject: self.subject.subject().to_string(),
            record: None,
            unreadable,
            because: self.record.as_ref().err().and_then(Because::of),
        };
        let unreadable = |error: serde_json::Error| {
            EncodeError::Unreadable(DecodeError::Malformed(text::line(&error.to_string(), 300)))
        };
        let mut line = serde_json::to_string(&line).map_err(unreadable)?;
        if let Some(record) = record {
            // As it lies on the log, member for member.
            line.pop();
            line.push_str(",\"record\":");
            line.push_str(&String::from_utf8_lossy(&record));
            line.push('}');
        }
        Ok(line)
    }
}

/// Audits a log that is there as a whole, all shards of it, each in order.
pub fn whole(shards: Shards, log: &[Stored], outside: &Outside) -> Report {
    let mut histories: HashMap<TaskRef, Vec<&Stored>> = HashMap::new();
    let mut audits: Vec<Audit> = shards.all().map(|shard| Audit::new(shards, shard)).collect();
    for stored in log {
        let entry = stored.entry();
        let Some(audit) = audits.get_mut(usize::from(entry.subject.shard().0)) else { continue };
        while let Err(Recall { task }) = audit.read(entry) {
            let history = histories.get(&task).into_iter().flatten();
            audit.recall(&task, history.map(|stored| stored.entry()));
        }
        if let Some(task) = entry.task(shards) {
            histories.entry(task).or_default().push(stored);
        }
    }
    let mut report = Report::default();
    audits.into_iter().for_each(|audit| report.add(audit.report(outside)));
    report
}
