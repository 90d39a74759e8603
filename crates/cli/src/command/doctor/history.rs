//! A log in a file: written while it is audited, and audited without a server.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use longhaul_audit::{History, HistoryWriter, Stored};
use longhaul_journal::Shards;
use tempfile::NamedTempFile;

use super::check::{Check, summary};
use super::{Heard, audited, told};
use crate::args::Doctor;
use crate::command::replay::{counted, plain};
use crate::exit::{Code, usage};
use crate::output::say;

/// Whether a path stands for stdin or stdout.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A history that is being written. Its file has its name only when all of it is there.
pub(super) struct Export {
    path: PathBuf,
    out: BufWriter<Out>,
    writer: HistoryWriter,
    /// The first thing that went wrong; nothing is written after it.
    failed: Option<anyhow::Error>,
}

enum Out {
    Standard(io::Stdout),
    File(NamedTempFile),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

impl Export {
    /// Begins a file; one that is there already is not touched.
    pub(super) fn new(path: &Path, shards: Shards) -> anyhow::Result<Self> {
        let out = if is_standard(path) { Out::Standard(io::stdout()) } else { Out::File(beside(path)?) };
        let writer = HistoryWriter::new(shards);
        let mut out = BufWriter::new(out);
        writeln!(out, "{}", writer.header()).with_context(|| unwritable(path))?;
        Ok(Self { path: path.to_owned(), out, writer, failed: None })
    }

    /// Takes down what is read of the log.
    pub(super) fn take(&mut self, heard: Heard<'_>) {
        let entry = match heard {
            Heard::Head(shard, head) => return self.writer.goes_to(shard, head),
            Heard::Record(entry) => entry,
        };
        if self.failed.is_some() {
            return;
        }
        let line = self.writer.record(&Stored::of(plain(entry))).map_err(anyhow::Error::from);
        if let Err(error) = line.and_then(|line| Ok(writeln!(self.out, "{line}")?)) {
            self.failed = Some(error.context(format!("record {}", entry.sequence)));
        }
    }

    /// Writes the end, and gives the file its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let Self { path, mut out, writer, failed } = self;
        let written = match failed {
            Some(error) => Err(error),
            None => writeln!(out, "{}", writer.end()).and_then(|()| out.flush()).map_err(anyhow::Error::from),
        };
        written.with_context(|| unwritable(&path))?;
        let out = out.into_inner().map_err(io::IntoInnerError::into_error);
        if let Out::File(file) = out.with_context(|| unwritable(&path))? {
            file.as_file().sync_all().with_context(|| unwritable(&path))?;
            file.persist_noclobber(&path)
                .map_err(|failed| failed.error)
                .with_context(|| unwritable(&path))?;
            say(format!("{} written to {}", counted(writer.records(), "record", "records"), path.display()));
        }
        Ok(())
    }
}

/// A file beside the one that is wanted, removed unless it gets that name.
fn beside(path: &Path) -> anyhow::Result<NamedTempFile> {
    if path.symlink_metadata().is_ok() {
        let there = path.display();
        return Err(usage(format!(
            "{there} is there already, and is kept: name another file, or move it away"
        )));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| usage(format!("{} is no name of a file", path.display())))?;
    let file = tempfile::Builder::new()
        .prefix(&format!(".{}.", name.to_string_lossy()))
        .suffix(".partial")
        .tempfile_in(folder);
    file.with_context(|| format!("{} cannot be made", path.display()))
}

fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

/// Audits a file.
pub(super) fn audit(path: &Path, args: &Doctor) -> anyhow::Result<Code> {
    let history = read(path)?;
    let report = history.audit();
    let mut checks = vec![file(&history)];
    checks.extend(audited::checks(&report));
    checks.push(audited::unfinished(&report));
    told(args, &checks, audited::first(&report))?;
    say(summary(&checks));
    Ok(if checks.iter().any(Check::is_bad) { Code::Failed } else { Code::Done })
}

/// Whether it is all there.
fn file(history: &History) -> Check {
    let records = counted(history.log().len() as u64, "record", "records");
    let damage = history.damage();
    if !damage.is_empty() {
        let advice = "export it again; if it cannot be, what follows holds of what is there";
        return Check::fail("file", "incomplete, or changed since it was written", advice).with(damage);
    }
    match history.says_its_end() {
        true => Check::ok("file", format!("whole: {records}, as its last line says")),
        false => Check::ok(
            "file",
            format!("{records}; of format 1, which does not say where it ends: a missing end shows nowhere"),
        ),
    }
}

/// Reads a file, or stdin.
pub(super) fn read(path: &Path) -> anyhow::Result<History> {
    if is_standard(path) {
        return lines(io::stdin().lock(), "stdin");
    }
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("{name} cannot be read"))?;
    lines(BufReader::new(file), &name)
}

fn lines(mut from: impl BufRead, name: &str) -> anyhow::Result<History> {
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        from.read_until(b'\n', line).with_context(|| format!("{name} cannot be read"))
    };
    next(&mut line)?;
    let at = |n: usize| format!("{name}, line {n}");
    // Of a file with nothing in it no line can be named.
    let first = if line.is_empty() { name.to_owned() } else { at(1) };
    let mut history = History::begin(&line).context(first)?;
    for n in 2.. {
        if next(&mut line)? == 0 {
            break;
        }
        history.line(&line).with_context(|| at(n))?;
    }
    Ok(history)
}
