//! Running one query, and reading its cells.

use std::time::Instant;

use serde_json::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::session::Broken;
use crate::query::{LONGEST_CELL, Limits, Rows, cut};

/// Bytes that one fetch may bring, rows at their widest.
const FETCH_BYTES: usize = 8 * 1024 * 1024;
const FETCH_ROWS: usize = 200;

/// A statement that the engine has read: its columns, and how to ask for them.
pub(super) struct Prepared {
    columns: Vec<(String, Type)>,
    pub(super) sql: String,
}

/// Has the engine read `sql` alone: it is one statement, it is valid, and its columns are known.
pub(super) async fn prepare(client: &Client, sql: &str) -> Result<Prepared, Broken> {
    let statement = client.prepare(sql).await?;
    let columns: Vec<(String, Type)> =
        statement.columns().iter().map(|column| (column.name().to_owned(), column.type_().clone())).collect();
    // Every cell comes as text and is cut by the engine: a value may have a gigabyte.
    let names: Vec<String> = (1..=columns.len()).map(|n| format!("c{n}")).collect();
    let cells: Vec<String> =
        columns.iter().zip(&names).map(|((_, kind), name)| cell_of(kind, name)).collect();
    // The line feed ends a comment behind the statement.
    let sql = if columns.is_empty() {
        format!("SELECT FROM ({sql}\n) AS asked")
    } else {
        format!("SELECT {} FROM ({sql}\n) AS asked({})", cells.join(", "), names.join(", "))
    };
    client.prepare(&sql).await?;
    Ok(Prepared { columns, sql })
}

fn cell_of(kind: &Type, name: &str) -> String {
    match *kind {
        Type::BYTEA => format!("'(' || pg_catalog.octet_length({name}) || ' bytes)'"),
        // One byte more than is kept tells that there is more.
        _ => format!("pg_catalog.left({name}::pg_catalog.text, {})", LONGEST_CELL + 1),
    }
}

/// Runs a prepared statement through a cursor, until it has no more rows or a limit is reached.
pub(super) async fn run(client: &Client, prepared: &Prepared, limits: &Limits) -> Result<Rows, Broken> {
    let began = Instant::now();
    client.execute(&format!("DECLARE asked NO SCROLL CURSOR FOR {}", prepared.sql), &[]).await?;
    let width = prepared.columns.len().max(1) * (LONGEST_CELL + 1);
    let fetch = format!("FETCH FORWARD {} FROM asked", (FETCH_BYTES / width).clamp(1, FETCH_ROWS));
    let mut rows = Vec::new();
    let mut bytes = 0;
    let mut truncated = false;
    'fetching: loop {
        let mut came = 0;
        for message in client.simple_query(&fetch).await? {
            let SimpleQueryMessage::Row(row) = message else { continue };
            came += 1;
            if rows.len() == limits.rows {
                truncated = true;
                break 'fetching;
            }
            let mut cells = Vec::with_capacity(prepared.columns.len());
            for (n, (_, kind)) in prepared.columns.iter().enumerate() {
                let cell = row.try_get(n)?.map_or(Value::Null, |text| cell(kind, text));
                bytes += cell.as_str().map_or(8, str::len);
                cells.push(cell);
            }
            if bytes > limits.result_bytes {
                truncated = true;
                break 'fetching;
            }
            rows.push(cells);
        }
        if came == 0 {
            break;
        }
    }
    let columns = prepared.columns.iter().map(|(name, _)| name.clone()).collect();
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Rows { columns, rows, truncated, millis })
}

/// A cell from the text of it, as the same value is in SQLite: 1 and 0 for true and false, a figure for
/// a number that one can hold.
pub(super) fn cell(kind: &Type, text: &str) -> Value {
    match *kind {
        Type::BOOL => Value::from(u8::from(text.starts_with('t'))),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => {
            number(text)
        }
        _ => cut(text.as_bytes()).into(),
    }
}

fn number(text: &str) -> Value {
    if let Ok(n) = text.parse::<i64>() {
        return n.into();
    }
    let whole = text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<f64>() {
        // A whole number of that many digits is a key.
        Ok(_) if whole => text.into(),
        Ok(x) if x.is_finite() => x.into(),
        // NaN and infinity.
        Ok(_) => Value::Null,
        Err(_) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_typed() {
        for (kind, text, wanted) in [
            (Type::BOOL, "true", json!(1)),
            (Type::BOOL, "false", json!(0)),
            (Type::INT8, "-9223372036854775808", json!(i64::MIN)),
            (Type::FLOAT4, "0.1", json!(0.1)),
            (Type::FLOAT8, "1e+300", json!(1e300)),
            (Type::FLOAT8, "NaN", Value::Null),
            (Type::FLOAT8, "-Infinity", Value::Null),
            (Type::NUMERIC, "12", json!(12)),
            (Type::NUMERIC, "12.50", json!(12.5)),
            (Type::NUMERIC, "3.1666666666666667", json!(3.166_666_666_666_666_7)),
            (Type::NUMERIC, "12345678901234567890", json!("12345678901234567890")),
            (Type::DATE, "2020-02-29", json!("2020-02-29")),
            (Type::TEXT, "12", json!("12")),
        ] {
            assert_eq!(cell(&kind, text), wanted, "{kind} {text}");
        }
        assert_eq!(
            cell(&Type::TEXT, &"x".repeat(LONGEST_CELL + 1)).as_str().unwrap().chars().last(),
            Some('…')
        );
    }
}
