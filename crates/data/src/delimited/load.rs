//! A CSV file into a table of an SQLite database.

use rusqlite::Connection;
use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};

use super::cell::NumberStyle;
use super::column::{Counter, Judgement, Stored};
use super::decode::{decode, line_of};
use super::header;
use super::sniff::{Dialect, sniff};
use crate::FileFault;
use crate::load::{Allowance, LoadError, Loaded, fill};

/// A field longer than this is the rest of a file behind a quote that nobody closed.
const LONGEST_FIELD: usize = 256 * 1024;
/// Likewise with more line breaks than this.
const MOST_LINE_BREAKS: usize = 500;
/// One short record in this many is filled up with absent values; more are a fault.
const RECORDS_PER_SHORT: u64 = 20;

/// Reads `bytes` and makes `table` of them.
///
/// # Errors
///
/// A fault of the file with its line; the database being full; a wish to stop.
pub(crate) fn load(
    connection: &mut Connection,
    table: &str,
    bytes: &[u8],
    allowance: &mut Allowance<'_>,
) -> Result<Loaded, LoadError> {
    let text = decode(bytes)?;
    let file = File::read(&text.text, allowance)?;
    let style = file.style();
    let judgements: Vec<Judgement> = file.counters.iter().map(|c| c.judge(style)).collect();

    let mut remarks: Vec<String> = text.remark.into_iter().collect();
    remarks.extend(file.remarks.iter().cloned());
    remarks.extend(remarks_on(&file.names, &judgements));

    let named = file.names.iter().cloned();
    let columns: Vec<_> = named.zip(judgements.iter().map(|judgement| judgement.form.declared())).collect();
    fill(connection, table, &columns, |insert| file.give(&judgements, allowance, insert))?;
    let units = file.names.iter().zip(&judgements);
    Ok(Loaded {
        table: table.to_owned(),
        remarks,
        units: units.filter_map(|(name, j)| j.unit.map(|unit| (name.clone(), unit))).collect(),
    })
}

/// A file after its first reading: its columns and what they could be.
struct File<'a> {
    body: &'a [u8],
    dialect: Dialect,
    names: Vec<String>,
    /// Which fields of a record are columns: all but those without a name and a value.
    fields: Vec<usize>,
    counters: Vec<Counter>,
    remarks: Vec<String>,
}

impl<'a> File<'a> {
    fn read(text: &'a str, allowance: &mut Allowance<'_>) -> Result<Self, LoadError> {
        let dialect = sniff(text);
        let body = &text.as_bytes()[dialect.skip..];
        let lines_before = line_of(text.as_bytes(), dialect.skip) - 1;
        let mut reader = dialect.reader(body);
        let mut record = csv::StringRecord::new();
        read_next(&mut reader, &mut record)?;
        let header_line = lines_before + line(&record);
        let header = header::read(&record, header_line, &dialect)?;

        let width = header.names.len();
        let mut counters = vec![Counter::default(); width];
        let mut short = Short::default();
        let mut records = 0_u64;
        let mut last_start = 0;
        while read_next(&mut reader, &mut record)? {
            let line = lines_before + line(&record);
            last_start = record.position().map_or(0, |p| p.byte());
            check_quotes(&record, line)?;
            check_width(&record, line, width, header_line)?;
            if record.len() < width {
                short.note(line, record.len());
            }
            for (counter, cell) in counters.iter_mut().zip(&record) {
                counter.see(cell, line);
            }
            records += 1;
            allowance.row()?;
        }
        check_last_quote(body, last_start, &dialect, lines_before)?;
        short.check(records, width, header_line)?;

        let mut remarks = header.remarks;
        remarks.extend(short.remark());
        let fields: Vec<usize> =
            (0..width).filter(|n| header.named[*n] || !counters[*n].is_empty()).collect();
        let pick = |n: &usize| (header.names[*n].clone(), counters[*n].clone());
        let (names, counters) = fields.iter().map(pick).unzip();
        Ok(Self { body, dialect, names, fields, counters, remarks })
    }

    /// Reads the file once more and hands on its rows.
    fn give(
        &self,
        judgements: &[Judgement],
        allowance: &Allowance<'_>,
        insert: &mut dyn FnMut(&[Stored]) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        let mut reader = self.dialect.reader(self.body);
        let mut record = csv::StringRecord::new();
        read_next(&mut reader, &mut record)?;
        let mut cells = Vec::with_capacity(judgements.len());
        while read_next(&mut reader, &mut record)? {
            let fields = self.fields.iter().zip(judgements);
            cells.clear();
            cells.extend(fields.map(|(n, j)| j.form.read(record.get(*n).unwrap_or_default())));
            insert(&cells)?;
            // The rows were counted when they were read for the first time.
            allowance.look()?;
        }
        Ok(())
    }

    /// How this file writes numbers: as the columns say that leave no doubt, else as files with
    /// this delimiter mostly do.
    fn style(&self) -> NumberStyle {
        let proofs: Vec<NumberStyle> = self.counters.iter().filter_map(Counter::proves).collect();
        let commas = proofs.iter().filter(|s| **s == NumberStyle::Comma).count();
        match (commas, proofs.len() - commas) {
            (0, 0) if self.dialect.delimiter == b';' => NumberStyle::Comma,
            (commas, points) if commas > points => NumberStyle::Comma,
            _ => NumberStyle::Point,
        }
    }
}

/// Records with fewer fields than the header.
#[derive(Default)]
struct Short {
    count: u64,
    first: Option<(u64, usize)>,
}

impl Short {
    fn note(&mut self, line: u64, fields: usize) {
        self.count += 1;
        self.first.get_or_insert((line, fields));
    }

    fn check(&self, records: u64, width: usize, header_line: u64) -> Result<(), FileFault> {
        match self.first {
            Some((line, fields)) if self.count * RECORDS_PER_SHORT > records.max(RECORDS_PER_SHORT) => {
                Err(FileFault::at(
                    line,
                    format!(
                        "{} where the header in line {header_line} has {width}",
                        count_of(fields, "field")
                    ),
                    "give every record as many fields as the header has, empty ones included",
                ))
            }
            _ => Ok(()),
        }
    }

    fn remark(&self) -> Option<String> {
        let (line, _) = self.first?;
        Some(if self.count == 1 {
            format!("Line {line} has fewer fields than the header; the missing ones count as empty.")
        } else {
            format!(
                "{} records have fewer fields than the header, the first in line {line}; the missing ones count as empty.",
                self.count
            )
        })
    }
}

fn count_of(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn read_next(reader: &mut csv::Reader<&[u8]>, record: &mut csv::StringRecord) -> Result<bool, FileFault> {
    reader.read_record(record).map_err(|error| {
        let line = error.position().map_or(1, csv::Position::line);
        FileFault::at(line, error.to_string(), "mend the record or take it out")
    })
}

fn line(record: &csv::StringRecord) -> u64 {
    record.position().map_or(1, csv::Position::line)
}

fn check_quotes(record: &csv::StringRecord, line: u64) -> Result<(), FileFault> {
    let breaks = |field: &str| field.bytes().filter(|b| *b == b'\n').count();
    if record.iter().any(|field| field.len() > LONGEST_FIELD || breaks(field) > MOST_LINE_BREAKS) {
        return Err(unclosed(line));
    }
    Ok(())
}

fn unclosed(line: u64) -> FileFault {
    FileFault::at(
        line,
        "a quote that opens in this record is never closed",
        "close it, or double it where it is part of the text",
    )
}

/// The last record reaches the end of the file: over several lines and with an odd number of
/// quotes, it is one that was never closed.
fn check_last_quote(body: &[u8], start: u64, dialect: &Dialect, lines_before: u64) -> Result<(), FileFault> {
    let start = usize::try_from(start).unwrap_or(body.len()).min(body.len());
    let last = body[start..].trim_ascii();
    let quote = dialect.quote();
    let escaped = last.windows(2).filter(|pair| *pair == [b'\\', quote]).count();
    let mut quotes = last.iter().filter(|byte| **byte == quote).count();
    if dialect.quoting == super::sniff::Quoting::Escaped {
        quotes -= escaped;
    }
    if last.contains(&b'\n') && quotes % 2 == 1 {
        return Err(unclosed(lines_before + line_of(body, start)));
    }
    Ok(())
}

fn check_width(
    record: &csv::StringRecord,
    line: u64,
    width: usize,
    header_line: u64,
) -> Result<(), FileFault> {
    if record.iter().skip(width).all(|extra| extra.trim().is_empty()) {
        return Ok(());
    }
    let advice = if width == 1 {
        "take out any lines above the header, and give the header a name for each column"
    } else {
        "put quotes around a field that contains the delimiter"
    };
    Err(FileFault::at(
        line,
        format!("{} where the header in line {header_line} has {width}", count_of(record.len(), "field")),
        advice,
    ))
}

fn remarks_on(names: &[String], judgements: &[Judgement]) -> Vec<String> {
    let mut remarks = Vec::new();
    for (name, judgement) in names.iter().zip(judgements) {
        if let Some(said) = judgement.uncertain {
            remarks.push(format!("In column {name}, {said}; the file allows both."));
        }
        if let Some((line, cell)) = &judgement.misfit {
            let is_text = judgement.form == super::column::Form::Text;
            if judgement.misfits > 0 && !is_text {
                let what = match judgement.misfits {
                    1 => "1 value that does".to_owned(),
                    n => format!("{n} values that do"),
                };
                remarks.push(format!(
                    "Column {name} has {what} not fit the others (\"{cell}\" in line {line}, for one); it was left out."
                ));
            }
        }
    }
    remarks
}

impl ToSql for Stored {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Integer(n) => ToSqlOutput::Owned(Value::Integer(*n)),
            Self::Decimal(x) => ToSqlOutput::Owned(Value::Real(*x)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// An SQL name, quoted so that any text is one.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
