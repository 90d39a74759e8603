//! Reading of Parquet files, a row group at a time, into a table.
//!
//! The format says what its values are. Dates and moments become the texts that SQLite's date
//! functions read, decimals become figures, nested values the JSON text of them.

mod cells;
mod check;
mod thrift;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use rusqlite::Connection;

use crate::FileFault;
use crate::delimited;
use crate::load::{Allowance, Cell, LoadError, Loaded, MOST_COLUMNS, fill};
use cells::Kind;
pub(crate) use check::MAGIC;
use check::broken;

/// Reads `bytes` and makes `table` of them.
///
/// # Errors
///
/// A fault of the file; more rows or bytes than are allowed; a wish to stop.
pub(crate) fn load(
    connection: &mut Connection,
    table: &str,
    bytes: Vec<u8>,
    allowance: &mut Allowance<'_>,
) -> Result<Loaded, LoadError> {
    check::footer(&bytes)?;
    let bytes = Bytes::from(bytes);
    // Some faults that no look beforehand finds make the reader panic. The table is filled in a
    // transaction, so that nothing is left of one that is broken off.
    let read = catch_unwind(AssertUnwindSafe(|| read(connection, table, &bytes, allowance)));
    read.unwrap_or_else(|_| Err(broken("its values do not fit what it says of them").into()))
}

fn read(
    connection: &mut Connection,
    table: &str,
    bytes: &Bytes,
    allowance: &mut Allowance<'_>,
) -> Result<Loaded, LoadError> {
    let file = SerializedFileReader::new(bytes.clone()).map_err(fault)?;
    let metadata = file.metadata();
    let fields = metadata.file_metadata().schema_descr().root_schema().get_fields();
    if fields.is_empty() {
        return Err(
            FileFault::whole("it has no columns", "write it with the columns that the report needs").into()
        );
    }
    if fields.len() > MOST_COLUMNS {
        return Err(FileFault::whole(
            format!("it has {} columns, more than the {MOST_COLUMNS} that are read", fields.len()),
            "leave out the columns the report does not need",
        )
        .into());
    }
    let rows: i64 = metadata.row_groups().iter().fold(0, |sum, group| sum.saturating_add(group.num_rows()));
    if rows != metadata.file_metadata().num_rows() {
        let told = metadata.file_metadata().num_rows();
        return Err(broken(format!("it says that it has {told} rows, its row groups have {rows}")).into());
    }
    if u64::try_from(rows).is_ok_and(|rows| rows > allowance.left()) {
        return Err(LoadError::TooManyRows);
    }
    let header = delimited::unique(fields.iter().map(|field| field.name()));
    let mut columns: Vec<Column> = fields.iter().map(|field| Column::new(Kind::of(field))).collect();
    let declared: Vec<_> =
        header.names.iter().cloned().zip(columns.iter().map(|column| column.kind.declared())).collect();
    fill(connection, table, &declared, |insert| {
        for (n, group) in metadata.row_groups().iter().enumerate() {
            allowance.look()?;
            check::pages(bytes, group, allowance.left())?;
            let group = file.get_row_group(n).map_err(fault)?;
            for row in group.get_row_iter(None).map_err(fault)? {
                allowance.row()?;
                let fields = row.map_err(fault)?.into_columns().into_iter();
                let cells: Vec<Cell> =
                    fields.zip(&mut columns).map(|((_, field), column)| column.cell(field)).collect();
                insert(&cells)?;
            }
        }
        Ok(())
    })?;
    let mut remarks = header.remarks;
    for (name, column) in header.names.iter().zip(&columns) {
        remarks.extend(column.remarks(name));
    }
    Ok(Loaded { table: table.to_owned(), remarks, units: Vec::new() })
}

/// What the reader of the format said.
fn fault(error: ParquetError) -> FileFault {
    let said = match error {
        ParquetError::NYI(what) => {
            let problem = format!("it has what is not read: {}", one_line(&what));
            return FileFault::whole(problem, "write it with columns of ordinary types");
        }
        ParquetError::General(said) | ParquetError::EOF(said) => said,
        other => other.to_string(),
    };
    broken(one_line(&said))
}

/// The words of the reader may quote bytes of the file.
fn one_line(said: &str) -> String {
    said.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// A column, and what was left out of it.
struct Column {
    kind: Kind,
    beyond: u64,
    rounded: u64,
}

impl Column {
    fn new(kind: Kind) -> Self {
        Self { kind, beyond: 0, rounded: 0 }
    }

    fn cell(&mut self, field: parquet::record::Field) -> Cell {
        self.rounded += u64::from(cells::is_rounded(&field));
        self.kind.cell(field).unwrap_or_else(|| {
            self.beyond += 1;
            Cell::Null
        })
    }

    fn remarks(&self, name: &str) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.beyond > 0 {
            let values = if self.beyond == 1 { "1 value" } else { &format!("{} values", self.beyond) };
            remarks.push(format!("Column {name} has {values} outside the years 0 to 9999; left out."));
        }
        if self.rounded > 0 {
            remarks.push(format!("Column {name} has values of more than 15 digits; they are rounded."));
        }
        remarks
    }
}
