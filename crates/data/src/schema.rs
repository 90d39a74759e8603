//! What a data set consists of.

use serde::Serialize;
use serde_json::Value;

/// Whose SQL a data set speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// SQLite: `strftime('%Y', day)`, no types of dates.
    #[default]
    Sqlite,
    /// PostgreSQL: `date_trunc('year', day)`, `round` of decimals only for `numeric`.
    Postgres,
}

impl Dialect {
    fn is_sqlite(&self) -> bool {
        *self == Self::Sqlite
    }
}

/// The tables of a data set, as `get_schema` answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Schema {
    /// The data set's name: a file name.
    pub source: String,
    /// Whose SQL it speaks.
    #[serde(skip_serializing_if = "Dialect::is_sqlite")]
    pub dialect: Dialect,
    /// Its tables, by name.
    pub tables: Vec<Table>,
    /// What a reader of a report must know about how the data was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// How many rows it has; `None` where counting took too long.
    pub rows: Option<u64>,
    /// Whether the figures of its columns come from its first rows only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
    /// Its columns, left to right.
    pub columns: Vec<Column>,
    /// The columns that name a row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// The columns that name a row of another table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
}

/// One column.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// How many rows have no value.
    pub nulls: u64,
    /// How many different values there are.
    pub distinct: u64,
    /// The smallest value; of dates the earliest.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub min: Value,
    /// The largest value; of dates the latest.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub max: Value,
    /// A currency or `%` that the file writes beside the figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// A few of its values, commonest first.
    pub samples: Vec<Value>,
    /// All its values, where they are texts and few: the request may name one of them.
    #[serde(skip)]
    pub values: Vec<String>,
    /// How many characters its texts have on average.
    #[serde(skip)]
    pub text_length: f64,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Whole numbers.
    Integer,
    /// Numbers with decimals.
    Decimal,
    /// Texts, and whatever else is mixed.
    Text,
    /// Days: `2011-12-31`.
    Date,
    /// Moments: `2011-12-31 23:59:59`.
    DateTime,
    /// Months: `2011-12`.
    Month,
    /// Years as whole numbers.
    Year,
    /// Moments as seconds since 1970.
    EpochSeconds,
    /// Moments as milliseconds since 1970.
    EpochMillis,
    /// 0 and 1.
    Boolean,
    /// Bytes.
    Blob,
    /// No value in any row.
    #[default]
    Empty,
}

impl ColumnKind {
    /// Whether the values lie in time.
    #[must_use]
    pub fn is_time(self) -> bool {
        matches!(
            self,
            Self::Date | Self::DateTime | Self::Month | Self::Year | Self::EpochSeconds | Self::EpochMillis
        )
    }

    /// Whether the values are figures that can be added or averaged.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal)
    }
}

/// A column that names a row of another table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForeignKey {
    /// The column here.
    pub column: String,
    /// The table it leads to.
    pub table: String,
    /// The column there.
    pub to: String,
    /// Whether the data set does not declare it: names and values say so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
}

impl Schema {
    /// The table of that name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))
    }
}

impl Table {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Whether the column names rows, of this table or another.
    #[must_use]
    pub fn is_key(&self, column: &str) -> bool {
        let same = |name: &String| name.eq_ignore_ascii_case(column);
        self.primary_key.iter().any(same) || self.foreign_keys.iter().any(|key| same(&key.column))
    }
}
