//! A log in a file: written while it is audited, and audited without a server.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use longhaul_audit::{Header, Outside, Report, Stored, whole};
use longhaul_journal::{Entry, Shards};

use super::audited;
use super::check::{Check, summary, table};
use crate::args::Doctor;
use crate::command::replay::plain;
use crate::exit::Code;
use crate::output::{self, say};

/// A history that is being written.
pub(super) struct Export {
    file: BufWriter<File>,
    records: u64,
    /// The first thing that went wrong; nothing is written after it.
    failed: Option<anyhow::Error>,
}

impl Export {
    /// Begins a file; one that is there already is not touched.
    pub(super) fn new(path: &Path, shards: Shards) -> anyhow::Result<Self> {
        let file = File::create_new(path).with_context(|| format!("{} cannot be made", path.display()))?;
        let mut file = BufWriter::new(file);
        writeln!(file, "{}", Header::new(shards).line())
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self { file, records: 0, failed: None })
    }

    /// Adds a record.
    pub(super) fn add(&mut self, entry: &Entry) {
        if self.failed.is_some() {
            return;
        }
        let line = Stored::of(plain(entry)).line().map_err(anyhow::Error::from);
        match line.and_then(|line| Ok(writeln!(self.file, "{line}")?)) {
            Ok(()) => self.records += 1,
            Err(error) => self.failed = Some(error.context(format!("record {}", entry.sequence))),
        }
    }

    /// How many records are in it, once all of it is written.
    pub(super) fn finish(mut self) -> anyhow::Result<u64> {
        match self.failed {
            Some(error) => Err(error),
            None => {
                self.file.flush()?;
                Ok(self.records)
            }
        }
    }
}

/// Audits a file.
pub(super) fn audit(path: &Path, args: &Doctor) -> anyhow::Result<Code> {
    let report = read(path)?;
    let mut checks = audited::checks(&report);
    checks.push(audited::unfinished(&report));
    output::many(args.shape.format, &checks, table)?;
    say(summary(&checks));
    Ok(if checks.iter().any(Check::is_bad) { Code::Failed } else { Code::Done })
}

/// What a file says of the rules.
pub(super) fn read(path: &Path) -> anyhow::Result<Report> {
    let named = |n: usize| format!("{}, line {n}", path.display());
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut lines = BufReader::new(file).lines().zip(1..);
    let first = lines.next().map(|(line, _)| line).transpose().with_context(|| named(1))?;
    let header = Header::parse(&first.unwrap_or_default()).with_context(|| named(1))?;
    let stored = lines.map(|(line, n)| {
        let line = line.with_context(|| named(n))?;
        Stored::parse(&line, header.shards()).with_context(|| named(n))
    });
    let log = stored.collect::<anyhow::Result<Vec<Stored>>>()?;
    Ok(whole(header.shards(), &log, &Outside::default()))
}
