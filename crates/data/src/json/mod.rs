//! Reading of JSON files: a list of objects, `{"rows": […]}`, or an object a line.
//!
//! Every object is a row and every member a column. JSON says what its values are, so nothing is
//! guessed: a column of texts stays one, whatever the texts look like. What is nested is kept as
//! the JSON text of it.

mod form;
mod value;

use std::collections::HashMap;

use rusqlite::Connection;

use crate::FileFault;
use crate::delimited;
use crate::load::{Allowance, Cell, LoadError, Loaded, MOST_COLUMNS, fill};
use form::Form;
use value::{Member, Row};

/// Reads `bytes` and makes `table` of them.
///
/// # Errors
///
/// A fault of the file with its line; too many rows; the database being full; a wish to stop.
pub(crate) fn load(
    connection: &mut Connection,
    table: &str,
    bytes: &[u8],
    allowance: &mut Allowance<'_>,
) -> Result<Loaded, LoadError> {
    let text = decode(bytes)?;
    let form = Form::of(text)?;
    let mut survey = Survey::default();
    form.rows(text, &mut |row| {
        allowance.row()?;
        survey.see(&row)
    })?;
    if survey.columns.is_empty() {
        let what = if survey.rows == 0 { "there is no row in it" } else { "no row has a member" };
        return Err(
            FileFault::whole(what, "write an object with a member for each column as each row").into()
        );
    }
    let header = delimited::unique(survey.columns.iter().map(|column| column.name.as_str()));
    let mut remarks: Vec<String> = form.remark().into_iter().chain(header.remarks).collect();
    for (name, column) in header.names.iter().zip(&survey.columns) {
        remarks.extend(column.remark(name));
    }
    let kinds: Vec<Kind> = survey.columns.iter().map(Column::kind).collect();
    let columns: Vec<_> =
        header.names.iter().cloned().zip(kinds.iter().map(|kind| kind.declared())).collect();
    fill(connection, table, &columns, |insert| {
        let mut cells = vec![Cell::Null; kinds.len()];
        form.rows(text, &mut |row| {
            cells.fill(Cell::Null);
            for (name, member) in row.0 {
                if let Some(at) = survey.places.get(name.as_ref()).copied() {
                    cells[at] = kinds[at].cell(member);
                }
            }
            // The rows were counted when they were read for the first time.
            allowance.look()?;
            insert(&cells)
        })
    })?;
    Ok(Loaded { table: table.to_owned(), remarks, units: Vec::new() })
}

/// The text of a file: JSON is UTF-8.
fn decode(bytes: &[u8]) -> Result<&str, FileFault> {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(FileFault::whole("the file is UTF-16, which JSON is not", "save it as UTF-8"));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64;
        FileFault::at(line, "a byte here is not valid UTF-8", "save the file as UTF-8")
    })
}

/// What the columns are, after all rows were seen.
#[derive(Default)]
struct Survey {
    rows: u64,
    columns: Vec<Column>,
    /// Which column a member is.
    places: HashMap<String, usize>,
}

/// How many values of each sort a column has.
#[derive(Default)]
struct Column {
    name: String,
    booleans: u64,
    integers: u64,
    /// Whole numbers that no 64 bits hold.
    long: u64,
    decimals: u64,
    texts: u64,
    nested: u64,
}

impl Survey {
    fn see(&mut self, row: &Row<'_>) -> Result<(), LoadError> {
        self.rows += 1;
        for (name, member) in &row.0 {
            let at = match self.places.get(name.as_ref()) {
                Some(at) => *at,
                None => self.add(name)?,
            };
            let column = &mut self.columns[at];
            match member {
                Member::Null => {}
                Member::Boolean(_) => column.booleans += 1,
                Member::Integer(_) => column.integers += 1,
                Member::Long(_) => column.long += 1,
                Member::Decimal(_) => column.decimals += 1,
                Member::Text(_) => column.texts += 1,
                Member::Nested(_) => column.nested += 1,
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str) -> Result<usize, LoadError> {
        if self.columns.len() == MOST_COLUMNS {
            let problem =
                format!("row {} brings one column more than the {MOST_COLUMNS} that are read", self.rows);
            let advice =
                "leave out the members the report does not need, or make values of names that are data";
            return Err(FileFault::whole(problem, advice).into());
        }
        let at = self.columns.len();
        self.columns.push(Column { name: name.to_owned(), ..Column::default() });
        self.places.insert(name.to_owned(), at);
        Ok(at)
    }
}

/// What a column is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Integer,
    Decimal,
    Text,
}

impl Column {
    fn kind(&self) -> Kind {
        let numbers = self.integers + self.decimals;
        if self.texts + self.nested + self.long > 0 || (self.booleans > 0 && numbers > 0) {
            Kind::Text
        } else if self.booleans > 0 {
            Kind::Boolean
        } else if self.decimals > 0 {
            Kind::Decimal
        } else if self.integers > 0 {
            Kind::Integer
        } else {
            Kind::Text
        }
    }

    /// What a reader must know about how the column was read.
    fn remark(&self, name: &str) -> Option<String> {
        let sorts = [
            (self.booleans, "true or false"),
            (self.integers + self.decimals + self.long, "numbers"),
            (self.texts, "texts"),
            (self.nested, "lists or objects"),
        ];
        let there: Vec<&str> = sorts.iter().filter(|(count, _)| *count > 0).map(|(_, sort)| *sort).collect();
        match there.as_slice() {
            [sorts @ .., last] if !sorts.is_empty() => Some(format!(
                "Column {name} mixes values of different sorts ({} and {last}); all were read as text.",
                sorts.join(", ")
            )),
            ["numbers"] if self.long > 0 => Some(format!(
                "In column {name}, whole numbers of more than 18 digits were read as text, as keys are."
            )),
            _ => None,
        }
    }
}

impl Kind {
    /// The type the column is declared with; the schema reader knows these words.
    fn declared(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Integer => "INTEGER",
            Self::Decimal => "REAL",
            Self::Text => "TEXT",
        }
    }

    fn cell(self, member: Member) -> Cell {
        match member {
            Member::Null => Cell::Null,
            Member::Boolean(yes) if self == Self::Boolean => Cell::Integer(yes.into()),
            Member::Boolean(yes) => Cell::Text(yes.to_string()),
            Member::Integer(n) => Cell::Integer(n),
            Member::Long(n) => Cell::Text(n.to_string()),
            Member::Decimal(x) => Cell::Decimal(x),
            Member::Text(text) | Member::Nested(text) => Cell::Text(text),
        }
    }
}
