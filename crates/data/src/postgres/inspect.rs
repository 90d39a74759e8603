//! Describing a database: its tables, what their columns hold.
//!
//! Small tables are looked through; of large ones the engine's own statistics are told, which are
//! estimates and said to be.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::ask::cell;
use super::session::{Broken, reason};
use crate::delimited::quote;
use crate::inspect::{LISTED_VALUES, MOST_TABLES, SAMPLES, integer_kind, text_kind};
use crate::schema::{Column, ColumnKind, Dialect, ForeignKey, Schema, Table};

/// Tables of no more bytes than this are looked through.
const LOOKED_THROUGH: i64 = 16 * 1024 * 1024;

/// Tables that the role may read, outside of the engine's own: columns and statistics.
const TABLES: &str = "
    SELECT c.oid, n.nspname::text, c.relname::text, pg_table_is_visible(c.oid), c.reltuples::float8,
           CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid)
                WHEN c.relkind = 'p' THEN
                    (SELECT coalesce(sum(pg_relation_size(relid)), 0)::int8 FROM pg_partition_tree(c.oid))
           END,
           a.attname::text, coalesce(nullif(t.typbasetype, 0), t.oid),
           s.null_frac::float8, s.n_distinct::float8,
           CASE WHEN s.most_common_vals IS NOT NULL
                THEN to_json(s.most_common_vals::text::text[])::text END,
           CASE WHEN s.histogram_bounds IS NOT NULL
                THEN to_json(s.histogram_bounds::text::text[])::text END,
           s.avg_width
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
         AND s.inherited = (c.relkind = 'p')
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
    ORDER BY NOT pg_table_is_visible(c.oid), n.nspname, c.relname, a.attnum";

/// Keys of one column, and primary keys of any number.
const KEYS: &str = "
    SELECT k.conrelid, k.contype::text, k.confrelid,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i),
           (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = k.confkey[1])
    FROM pg_constraint k
    WHERE k.contype = 'p' OR (k.contype = 'f' AND array_length(k.conkey, 1) = 1)
    ORDER BY k.conrelid, k.contype DESC, k.conname";

/// A table with what is needed to look through it.
struct Found {
    oid: u32,
    /// As it is written in a statement.
    from: String,
    bytes: Option<i64>,
    estimate: Option<u64>,
    types: Vec<Type>,
    table: Table,
}

/// Describes what the role may read, for at most so many milliseconds.
pub(super) async fn inspect(client: &Client, source: &str, millis: u64) -> Result<Schema, Broken> {
    let deadline = Instant::now() + Duration::from_millis(millis);
    let mut schema = Schema { source: source.to_owned(), dialect: Dialect::Postgres, ..Schema::default() };
    let mut tables: Vec<Found> = Vec::new();
    let mut left_out = 0_u64;
    for row in client.query(TABLES, &[]).await? {
        let oid: u32 = row.try_get(0)?;
        if tables.last().is_none_or(|last| last.oid != oid) {
            if tables.len() == MOST_TABLES {
                left_out += 1;
                break;
            }
            tables.push(table(&row)?);
        }
        if let Some(last) = tables.last_mut() {
            add_column(last, &row)?;
        }
    }
    keys(client, &mut tables).await?;
    let mut estimated = Vec::new();
    for found in &mut tables {
        let small = found.bytes.is_some_and(|bytes| bytes <= LOOKED_THROUGH);
        if small && Instant::now() < deadline {
            // What fails would end the whole transaction otherwise.
            client.batch_execute("SAVEPOINT looking").await?;
            match look_through(client, found, deadline).await {
                Ok(()) => client.batch_execute("RELEASE looking").await?,
                Err(Broken::Engine(error)) => {
                    client.batch_execute("ROLLBACK TO looking").await?;
                    found.table.rows = None;
                    schema.remarks.push(format!(
                        "The table {} could not be described ({}); it is left out of account.",
                        found.table.name,
                        reason(&error)
                    ));
                }
                Err(other) => return Err(other),
            }
        } else {
            found.table.rows = found.estimate;
            found.table.sampled = true;
            estimated.push(found.table.name.clone());
        }
    }
    if !estimated.is_empty() {
        schema.remarks.push(format!(
            "How many rows and which values these have is estimated by the database: {}.",
            estimated.join(", ")
        ));
    }
    if left_out > 0 {
        schema.remarks.push(format!("Only the first {MOST_TABLES} tables are described."));
    }
    schema.tables = tables.into_iter().map(|found| found.table).collect();
    Ok(schema)
}

fn table(row: &Row) -> Result<Found, Broken> {
    let (schema, name): (String, String) = (row.try_get(1)?, row.try_get(2)?);
    let visible: bool = row.try_get(3)?;
    let tuples: f64 = row.try_get(4)?;
    let from = format!("{}.{}", quote(&schema), quote(&name));
    let name = if visible { name } else { format!("{schema}.{name}") };
    Ok(Found {
        oid: row.try_get(0)?,
        from,
        bytes: row.try_get(5)?,
        estimate: whole(tuples),
        types: Vec::new(),
        table: Table { name, ..Table::default() },
    })
}

/// An estimate as a count; below zero it says that there is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate is not exact")]
fn whole(estimate: f64) -> Option<u64> {
    (estimate >= 0.0).then_some(estimate.round() as u64)
}

/// A column as the statistics describe it.
fn add_column(found: &mut Found, row: &Row) -> Result<(), Broken> {
    let kind = Type::from_oid(row.try_get(7)?).unwrap_or(Type::TEXT);
    let mut column = Column { name: row.try_get(6)?, kind: kind_of(&kind), ..Column::default() };
    #[expect(clippy::cast_precision_loss, reason = "an estimate is not exact")]
    let rows = found.estimate.unwrap_or(0) as f64;
    column.nulls = row.try_get::<_, Option<f64>>(8)?.and_then(|part| whole(part * rows)).unwrap_or(0);
    let distinct = row.try_get::<_, Option<f64>>(9)?;
    // Below zero it is a part of the rows.
    let distinct = distinct.and_then(|n| whole(if n < 0.0 { -n * rows } else { n }));
    column.distinct = distinct.unwrap_or(0);
    let values = |json: Option<String>| -> Vec<Value> {
        let texts: Vec<String> = json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        texts.iter().map(|text| cell(&kind, text)).collect()
    };
    let common = values(row.try_get(10)?);
    let bounds = values(row.try_get(11)?);
    if let (Some(first), Some(last)) = (bounds.first(), bounds.last()) {
        (column.min, column.max) = (first.clone(), last.clone());
    }
    column.text_length = row.try_get::<_, Option<i32>>(12)?.map_or(0.0, f64::from);
    column.samples = common.iter().chain(&bounds).take(SAMPLES).cloned().collect();
    if column.kind == ColumnKind::Integer {
        column.kind = integer_kind(&column);
    }
    found.types.push(kind);
    found.table.columns.push(column);
    Ok(())
}

fn kind_of(kind: &Type) -> ColumnKind {
    match *kind {
        Type::INT2 | Type::INT4 | Type::INT8 => ColumnKind::Integer,
        Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => ColumnKind::Decimal,
        Type::BOOL => ColumnKind::Boolean,
        Type::DATE => ColumnKind::Date,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => ColumnKind::DateTime,
        Type::BYTEA => ColumnKind::Blob,
        _ => ColumnKind::Text,
    }
}

async fn keys(client: &Client, tables: &mut [Found]) -> Result<(), Broken> {
    let names: Vec<(u32, String)> =
        tables.iter().map(|found| (found.oid, found.table.name.clone())).collect();
    for row in client.query(KEYS, &[]).await? {
        let (oid, sort, other): (u32, String, u32) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let Some(found) = tables.iter_mut().find(|found| found.oid == oid) else { continue };
        let columns: Vec<String> = row.try_get(3)?;
        if sort == "p" {
            found.table.primary_key = columns;
            continue;
        }
        let parent = names.iter().find(|(oid, _)| *oid == other);
        let to: Option<String> = row.try_get(4)?;
        if let ([column], Some((_, table)), Some(to)) = (columns.as_slice(), parent, to) {
            let key = ForeignKey { column: column.clone(), table: table.clone(), to, inferred: false };
            found.table.foreign_keys.push(key);
        }
    }
    Ok(())
}

/// Counts the rows of a table and looks at the values of each of its columns.
async fn look_through(client: &Client, found: &mut Found, deadline: Instant) -> Result<(), Broken> {
    let row = client.query_one(&format!("SELECT count(*) FROM {}", found.from), &[]).await?;
    found.table.rows = Some(row.try_get::<_, i64>(0)?.unsigned_abs());
    for (column, kind) in found.table.columns.iter_mut().zip(&found.types) {
        if Instant::now() >= deadline {
            break;
        }
        look_at(client, &found.from, column, kind).await?;
    }
    Ok(())
}

async fn look_at(client: &Client, from: &str, column: &mut Column, kind: &Type) -> Result<(), Broken> {
    let c = quote(&column.name);
    // What the statistics made of it may be out of date.
    column.kind = kind_of(kind);
    // Some types have no order of their own (JSON, points), no two of their values are compared.
    let ordered =
        kind_of(kind) != ColumnKind::Text || [Type::TEXT, Type::VARCHAR, Type::BPCHAR].contains(kind);
    let value = if ordered { c.clone() } else { format!("{c}::text") };
    let (min, max) = match column.kind {
        ColumnKind::Boolean => (format!("min({c}::int)::text"), format!("max({c}::int)::text")),
        ColumnKind::Blob => ("NULL".to_owned(), "NULL".to_owned()),
        _ => (format!("left(min({value})::text, 200)"), format!("left(max({value})::text, 200)")),
    };
    let row = client
        .query_one(
            &format!(
                "SELECT count(*) - count({c}), count(DISTINCT {value}), {min}, {max},
                        coalesce(avg(length({c}::text)), 0)::float8 FROM {from}"
            ),
            &[],
        )
        .await?;
    column.nulls = row.try_get::<_, i64>(0)?.unsigned_abs();
    column.distinct = row.try_get::<_, i64>(1)?.unsigned_abs();
    let as_value = |text: Option<String>| match (text, column.kind) {
        (None, _) => Value::Null,
        (Some(text), ColumnKind::Boolean) => Value::from(u8::from(text == "1")),
        (Some(text), _) => cell(kind, &text),
    };
    (column.min, column.max) = (as_value(row.try_get(2)?), as_value(row.try_get(3)?));
    column.text_length = row.try_get(4)?;
    if column.distinct == 0 {
        column.kind = ColumnKind::Empty;
        column.samples.clear();
        return Ok(());
    }
    if column.kind == ColumnKind::Blob {
        column.samples.clear();
        return Ok(());
    }
    let all_listed = column.distinct <= LISTED_VALUES;
    let order = if all_listed { format!("ORDER BY count(*) DESC, {value}") } else { String::new() };
    let sql = format!(
        "SELECT left({value}::text, 2001) FROM {from} WHERE {c} IS NOT NULL
         GROUP BY {value} {order} LIMIT {LISTED_VALUES}"
    );
    let mut values = Vec::new();
    for row in client.query(&sql, &[]).await? {
        values.extend(row.try_get::<_, Option<String>>(0)?.map(|text| cell(kind, &text)));
    }
    match column.kind {
        ColumnKind::Text => column.kind = text_kind(column, &values),
        ColumnKind::Integer => column.kind = integer_kind(column),
        _ => {}
    }
    column.samples = values.iter().take(SAMPLES).cloned().collect();
    if column.kind == ColumnKind::Text && all_listed {
        column.values = values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    }
    Ok(())
}
