//! Writing many answers one by one, in whichever form was asked for.

use std::io::{self, Write};

use serde::Serialize;

use crate::args::Format;

/// Writes as it goes: lines for people, one JSON array, or one JSON document a line.
pub(super) struct Documents<W: Write> {
    out: io::BufWriter<W>,
    format: Format,
    any: bool,
}

impl<W: Write> Documents<W> {
    pub(super) fn new(out: W, format: Format) -> Self {
        Self { out: io::BufWriter::new(out), format, any: false }
    }

    /// One of many.
    pub(super) fn each<T: Serialize>(&mut self, item: &T, lines: &[String]) -> anyhow::Result<()> {
        match self.format {
            Format::Table => lines.iter().try_for_each(|line| writeln!(self.out, "{line}"))?,
            Format::Json => {
                write!(self.out, "{}", if self.any { ",\n" } else { "[\n" })?;
                serde_json::to_writer(&mut self.out, item).map_err(io::Error::from)?;
            }
            Format::Ndjson => self.line(item)?,
        }
        self.any = true;
        Ok(())
    }

    /// The end of many.
    pub(super) fn end(&mut self) -> anyhow::Result<()> {
        if self.format == Format::Json {
            writeln!(self.out, "{}", if self.any { "\n]" } else { "[]" })?;
        }
        self.show()
    }

    /// The only one; `table` is for people.
    pub(super) fn only<T: Serialize>(
        &mut self,
        item: &T,
        table: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        match self.format {
            Format::Table => writeln!(self.out, "{}", table(item))?,
            Format::Json => {
                serde_json::to_writer_pretty(&mut self.out, item).map_err(io::Error::from)?;
                writeln!(self.out)?;
            }
            Format::Ndjson => self.line(item)?,
        }
        self.show()
    }

    /// Lets whoever watches see what was written so far.
    pub(super) fn show(&mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }

    /// For people only.
    pub(super) fn is_for_people(&self) -> bool {
        self.format == Format::Table
    }

    fn line<T: Serialize>(&mut self, item: &T) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.out, item).map_err(io::Error::from)?;
        Ok(writeln!(self.out)?)
    }
}

/// Whether the reader has gone (`| head`): a reason to stop, not an error.
pub(super) fn reader_has_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
