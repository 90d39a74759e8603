//! Describing a data set: its tables, what the columns hold, a few values of each.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use super::delimited::quote;
use super::error::Error;
use super::keys;
use super::query::{Limits, Stop, bound, count, json, reason, unbound};
use super::schema::{Column, ColumnKind, Schema, Table};
use crate::words::words;

/// Larger tables are described by this many of their first rows.
const PROFILED_ROWS: u64 = 200_000;
/// Values of a column that the answer of `get_schema` shows.
pub(super) const SAMPLES: usize = 5;
/// Text columns with no more values than this have them all listed.
pub(super) const LISTED_VALUES: u64 = 120;
/// Values by which the form of a text column is judged.
const JUDGED_VALUES: usize = 300;
/// More tables than any report looks at.
pub(super) const MOST_TABLES: usize = 200;

/// Reads the schema of a connection that is not locked yet.
pub(super) fn inspect(
    connection: &mut Connection,
    source: &str,
    limits: &Limits,
    stop: &Stop,
) -> Result<Schema, Error> {
    let deadline = Instant::now() + Duration::from_millis(limits.schema_millis);
    let unusable = |error: rusqlite::Error| {
        if stop.is_asked() {
            return Error::Stopped;
        }
        Error::Database { place: source.to_owned(), reason: reason(&error) }
    };
    let mut schema = Schema { source: source.to_owned(), ..Schema::default() };
    for name in table_names(connection).map_err(unusable)? {
        let mut table = declared(connection, &name).map_err(unusable)?;
        bound(connection, deadline, stop).map_err(unusable)?;
        let profiled = profile(connection, &mut table);
        unbound(connection).map_err(unusable)?;
        if let Err(error) = profiled {
            if stop.is_asked() {
                return Err(Error::Stopped);
            }
            schema.remarks.push(format!(
                "The table {name} could not be described ({}); it is left out of account.",
                reason(&error)
            ));
            table.rows = None;
        }
        schema.tables.push(table);
    }
    bound(connection, deadline, stop).map_err(unusable)?;
    let inferred = keys::infer(connection, &mut schema);
    unbound(connection).map_err(unusable)?;
    if inferred.is_err() && stop.is_asked() {
        return Err(Error::Stopped);
    }
    Ok(schema)
}

fn table_names(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    // Virtual tables run code of their own, and their shadows hold no rows of the owner's.
    let mut statement = connection.prepare(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.take(MOST_TABLES).collect()
}

/// The table as it is declared: columns, keys.
fn declared(connection: &Connection, name: &str) -> Result<Table, rusqlite::Error> {
    let mut statement =
        connection.prepare("SELECT name, pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid")?;
    let columns: Vec<(String, i64)> =
        statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut primary: Vec<&(String, i64)> = columns.iter().filter(|(_, pk)| *pk > 0).collect();
    primary.sort_by_key(|(_, pk)| *pk);
    Ok(Table {
        name: name.to_owned(),
        rows: None,
        sampled: false,
        primary_key: primary.iter().map(|(column, _)| column.clone()).collect(),
        columns: columns
            .iter()
            .map(|(column, _)| Column { name: column.clone(), ..Column::default() })
            .collect(),
        foreign_keys: keys::declared(connection, name)?,
    })
}

fn profile(connection: &Connection, table: &mut Table) -> Result<(), rusqlite::Error> {
    let from = quote(&table.name);
    let sql = format!("SELECT count(*) FROM {from}");
    let rows = connection.query_row(&sql, [], |row| count(row, 0))?;
    table.sampled = rows > PROFILED_ROWS;
    let source =
        if table.sampled { format!("(SELECT * FROM {from} LIMIT {PROFILED_ROWS})") } else { from.clone() };
    let declared_types = declared_types(connection, &table.name)?;
    for (column, declared) in table.columns.iter_mut().zip(declared_types) {
        profile_column(connection, &source, column, &declared)?;
        if table.sampled && column.kind.is_time() {
            // The period of the data must be the whole period.
            let name = quote(&column.name);
            let sql = format!("SELECT min({name}), max({name}) FROM {from}");
            (column.min, column.max) =
                connection.query_row(&sql, [], |row| Ok((json(row.get_ref(0)?), json(row.get_ref(1)?))))?;
        }
    }
    table.rows = Some(rows);
    Ok(())
}

fn declared_types(connection: &Connection, table: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection
        .prepare("SELECT upper(type) FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid")?;
    let types = statement.query_map([table], |row| row.get(0))?;
    types.collect()
}

/// How many values of each storage class a column has.
struct Classes {
    integers: u64,
    decimals: u64,
    texts: u64,
    blobs: u64,
}

fn profile_column(
    connection: &Connection,
    source: &str,
    column: &mut Column,
    declared: &str,
) -> Result<(), rusqlite::Error> {
    let c = quote(&column.name);
    let of = |class: &str| format!("count(*) FILTER (WHERE typeof({c}) = '{class}')");
    let sql = format!(
        "SELECT count(*) - count({c}), count(DISTINCT {c}), min({c}), max({c}), \
         coalesce(avg(length({c})), 0), {}, {}, {}, {} FROM {source}",
        of("integer"),
        of("real"),
        of("text"),
        of("blob"),
    );
    let classes = connection.query_row(&sql, [], |row| {
        column.nulls = count(row, 0)?;
        column.distinct = count(row, 1)?;
        column.min = json(row.get_ref(2)?);
        column.max = json(row.get_ref(3)?);
        column.text_length = row.get(4)?;
        Ok(Classes {
            integers: count(row, 5)?,
            decimals: count(row, 6)?,
            texts: count(row, 7)?,
            blobs: count(row, 8)?,
        })
    })?;
    if classes.blobs > 0 {
        column.kind = ColumnKind::Blob;
        column.min = Value::Null;
        column.max = Value::Null;
        return Ok(());
    }
    let all_listed = column.distinct <= LISTED_VALUES;
    let wanted = if all_listed { LISTED_VALUES as usize } else { JUDGED_VALUES };
    let values = values(connection, source, &c, wanted, all_listed)?;
    column.kind = kind(column, declared, &classes, &values);
    column.samples = values.iter().take(SAMPLES).cloned().collect();
    if column.kind == ColumnKind::Text && all_listed {
        column.values = values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    }
    Ok(())
}

/// Values of a column: the commonest first where all are listed, else some.
fn values(
    connection: &Connection,
    source: &str,
    column: &str,
    wanted: usize,
    ranked: bool,
) -> Result<Vec<Value>, rusqlite::Error> {
    let order = if ranked { "ORDER BY count(*) DESC, 1" } else { "" };
    let mut statement = connection.prepare(&format!(
        "SELECT {column} FROM {source} WHERE {column} IS NOT NULL GROUP BY {column} {order} LIMIT {wanted}"
    ))?;
    let found = statement.query_map([], |row| Ok(json(row.get_ref(0)?)))?;
    found.collect()
}

fn kind(column: &Column, declared: &str, classes: &Classes, values: &[Value]) -> ColumnKind {
    let numbers = classes.integers + classes.decimals;
    if numbers + classes.texts == 0 {
        return ColumnKind::Empty;
    }
    if classes.texts > 0 {
        return if numbers > 0 { ColumnKind::Text } else { text_kind(column, values) };
    }
    if declared.starts_with("BOOL") {
        return ColumnKind::Boolean;
    }
    if classes.decimals > 0 {
        return ColumnKind::Decimal;
    }
    integer_kind(column)
}

pub(super) fn text_kind(column: &Column, values: &[Value]) -> ColumnKind {
    let texts: Vec<&str> =
        values.iter().chain([&column.min, &column.max]).filter_map(Value::as_str).collect();
    let all = |test: fn(&str) -> bool| texts.iter().all(|text| test(text));
    if all(is_iso_date) {
        ColumnKind::Date
    } else if all(is_iso_moment) {
        ColumnKind::DateTime
    } else if all(is_iso_month) {
        ColumnKind::Month
    } else {
        ColumnKind::Text
    }
}

/// Names by which a whole number may be a moment or a year.
const TIME_WORDS: [&str; 14] = [
    "date",
    "time",
    "timestamp",
    "at",
    "on",
    "created",
    "updated",
    "day",
    "ts",
    "epoch",
    "start",
    "end",
    "started",
    "ended",
];

pub(super) fn integer_kind(column: &Column) -> ColumnKind {
    let (Some(min), Some(max)) = (column.min.as_i64(), column.max.as_i64()) else {
        return ColumnKind::Integer;
    };
    let words = words(&column.name);
    let named = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if named(&["year", "yr", "jahr"]) && min >= 1800 && max <= 2200 {
        return ColumnKind::Year;
    }
    if named(&TIME_WORDS) {
        // From 1980 to 2100, in seconds or milliseconds.
        if min >= 315_532_800 && max <= 4_102_444_800 {
            return ColumnKind::EpochSeconds;
        }
        if min >= 315_532_800_000 && max <= 4_102_444_800_000 {
            return ColumnKind::EpochMillis;
        }
    }
    let flag = words.first().is_some_and(|w| w == "is" || w == "has")
        || named(&["churn", "churned", "active", "cancelled", "canceled", "flag", "deleted"]);
    if flag && min >= 0 && max <= 1 {
        return ColumnKind::Boolean;
    }
    ColumnKind::Integer
}

fn is_iso_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_iso_month(text: &str) -> bool {
    text.len() == 7 && text.is_ascii() && is_iso_date(&format!("{text}-01"))
}

/// A day or a moment in a form that SQLite's date functions read.
fn is_iso_moment(text: &str) -> bool {
    if is_iso_date(text) {
        return true;
    }
    let is_day = text.get(..10).is_some_and(is_iso_date);
    let Some(rest) = text.get(10..) else {
        return false;
    };
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | '+' | '-' | 'Z');
    is_day && rest.len() >= 6 && rest.starts_with([' ', 'T']) && rest[1..].chars().all(allowed)
}
