//! A whole history: what a writer says line by line, and what a reader makes of it.

use std::collections::BTreeMap;

use longhaul_core::{Sequence, text};
use longhaul_wire::{EncodeError, Shard, Shards};
use serde::{Deserialize, Serialize};

use crate::history::{Header, LineError, Stored, whole};
use crate::report::{Outside, Report};

/// How the last line begins.
const END: &str = "{\"end\":";

/// How far a shard of a history goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// How many records.
    pub records: u64,
    /// The first; 0 if there is none.
    pub first: Sequence,
    /// The last; 0 if there is none.
    pub last: Sequence,
    /// How far the log went when its reading began: up to there nothing may be missing but what
    /// erasures took. Records behind it came while it was read.
    pub head: Sequence,
}

impl Extent {
    fn add(&mut self, sequence: Sequence) {
        if self.records == 0 {
            self.first = sequence;
        }
        self.records += 1;
        self.last = sequence;
    }
}

/// The last line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    end: BTreeMap<u16, Extent>,
}

/// Gives the lines of a history, each without its end: [`HistoryWriter::header`], a line a record,
/// [`HistoryWriter::end`].
#[derive(Debug, Clone)]
pub struct HistoryWriter {
    header: Header,
    end: End,
}

impl HistoryWriter {
    /// Of a log of so many shards.
    pub fn new(shards: Shards) -> Self {
        let end = shards.all().map(|shard| (shard.0, Extent::default())).collect();
        Self { header: Header::new(shards), end: End { end } }
    }

    /// The first line.
    pub fn header(&self) -> String {
        self.header.line()
    }

    /// How far a shard of the log went when its reading began. Unless it is said, as far as it is
    /// written.
    pub fn goes_to(&mut self, shard: Shard, head: Sequence) {
        self.end.end.entry(shard.0).or_default().head = head;
    }

    /// A record's line.
    ///
    /// # Errors
    /// As [`Stored::line`].
    pub fn record(&mut self, stored: &Stored) -> Result<String, EncodeError> {
        let line = stored.line()?;
        self.end.end.entry(stored.subject.shard().0).or_default().add(stored.sequence);
        Ok(line)
    }

    /// How many records were written.
    pub fn records(&self) -> u64 {
        self.end.end.values().map(|extent| extent.records).sum()
    }

    /// The last line.
    pub fn end(&self) -> String {
        let extents: Vec<String> = self
            .end
            .end
            .iter()
            .map(|(shard, Extent { records, first, last, head })| {
                let head = if *head == Sequence::ZERO { last } else { head };
                format!(
                    "\"{shard}\":{{\"records\":{records},\"first\":{first},\"last\":{last},\"head\":{head}}}"
                )
            })
            .collect();
        format!("{END}{{{}}}}}", extents.join(","))
    }
}

/// A history that was read.
#[derive(Debug, Clone)]
pub struct History {
    header: Header,
    log: Vec<Stored>,
    /// What is there.
    found: BTreeMap<u16, Extent>,
    /// What its last line says.
    told: Option<End>,
}

impl History {
    /// Begins with the first line.
    ///
    /// # Errors
    /// [`LineError`] if it is none, or of another version.
    pub fn begin(line: &[u8]) -> Result<Self, LineError> {
        let header = Header::parse(as_text(line)?)?;
        let found = header.shards().all().map(|shard| (shard.0, Extent::default())).collect();
        Ok(Self { header, log: Vec::new(), found, told: None })
    }

    /// Takes in the next line.
    ///
    /// # Errors
    /// [`LineError`] if it is neither a record nor the last line.
    pub fn line(&mut self, line: &[u8]) -> Result<(), LineError> {
        let line = as_text(line)?;
        if self.told.is_some() {
            return Err(LineError::BehindTheEnd);
        }
        if line.starts_with(END) && self.header.ends() {
            self.told = Some(serde_json::from_str(line).map_err(|error| crate::history::malformed(&error))?);
            return Ok(());
        }
        let stored = Stored::parse(line, self.header.shards())?;
        self.found.entry(stored.subject.shard().0).or_default().add(stored.sequence);
        self.log.push(stored);
        Ok(())
    }

    /// How many shards the log has.
    pub fn shards(&self) -> Shards {
        self.header.shards()
    }

    /// Its records.
    pub fn log(&self) -> &[Stored] {
        &self.log
    }

    /// Whether it says how far it goes. Histories of format 1 do not.
    pub fn says_its_end(&self) -> bool {
        self.header.ends()
    }

    /// In what it is not as it was written; nothing if it is whole, or does not say.
    pub fn damage(&self) -> Vec<String> {
        let Some(told) = &self.told else {
            let unended = "its last line is missing: it was not written to its end, or was cut".to_owned();
            return if self.header.ends() { vec![unended] } else { Vec::new() };
        };
        let mut damage = Vec::new();
        for shard in self.header.shards().all() {
            let of = |all: &BTreeMap<u16, Extent>| all.get(&shard.0).copied().unwrap_or_default();
            let (found, told) = (of(&self.found), of(&told.end));
            if (found.records, found.first, found.last) != (told.records, told.first, told.last) {
                damage.push(format!(
                    "shard {shard} was written with {}, and has {}",
                    stretch(&told),
                    stretch(&found)
                ));
            }
        }
        damage
    }

    /// Audits it.
    pub fn audit(&self) -> Report {
        let told = self.told.iter().flat_map(|told| &told.end);
        let goes_to = told.map(|(shard, extent)| (Shard(*shard), extent.head)).collect();
        whole(self.header.shards(), &self.log, &Outside { goes_to, ..Outside::default() })
    }
}

fn stretch(extent: &Extent) -> String {
    let Extent { records, first, last, .. } = extent;
    match records {
        0 => "no record".to_owned(),
        1 => format!("1 record, {first}"),
        _ => format!("{records} records from {first} to {last}"),
    }
}

fn as_text(line: &[u8]) -> Result<&str, LineError> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line).map_err(|error| {
        LineError::Malformed(text::line(&format!("no text at byte {}", error.valid_up_to() + 1), 300))
    })
}
