//! How tables lead to each other: by declared keys, or by names and values that agree.

use rusqlite::Connection;

use super::delimited::quote;
use super::query::count;
use super::schema::{Column, ColumnKind, ForeignKey, Schema, Table};
use crate::words::{singular, words};

/// The keys that the database declares for a table. A key of several columns is left out: no
/// report joins by one.
pub(super) fn declared(connection: &Connection, table: &str) -> Result<Vec<ForeignKey>, rusqlite::Error> {
    let mut statement = connection.prepare(
        "SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1) \
         GROUP BY id HAVING count(*) = 1 ORDER BY id DESC",
    )?;
    let rows: Vec<(String, String, Option<String>)> = statement
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let mut keys = Vec::with_capacity(rows.len());
    for (column, parent, to) in rows {
        let to = match to {
            Some(to) => Some(to),
            None => only_primary_key(connection, &parent)?,
        };
        if let Some(to) = to {
            keys.push(ForeignKey { column, table: parent, to, inferred: false });
        }
    }
    Ok(keys)
}

fn only_primary_key(connection: &Connection, table: &str) -> Result<Option<String>, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0")?;
    let names: Vec<String> = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(<[String; 1]>::try_from(names).ok().map(|[name]| name))
}

/// Adds the keys that names and values give away, for tables that declare none: CSV files.
pub(super) fn infer(connection: &Connection, schema: &mut Schema) -> Result<(), rusqlite::Error> {
    for table in &mut schema.tables {
        if table.primary_key.is_empty()
            && let Some(key) = own_key(table)
        {
            table.primary_key = vec![key];
        }
    }
    let mut found = Vec::new();
    for (n, table) in schema.tables.iter().enumerate() {
        for column in &table.columns {
            if let Some(key) = leads_to(connection, schema, table, column)? {
                found.push((n, key));
            }
        }
    }
    for (n, key) in found {
        schema.tables[n].foreign_keys.push(key);
    }
    Ok(())
}

/// The column that is different in every row and called like a key of this table.
fn own_key(table: &Table) -> Option<String> {
    let rows = table.rows.filter(|rows| *rows > 0 && !table.sampled)?;
    let own: Vec<String> = words(&table.name).iter().map(|w| singular(w)).collect();
    let is_key = |column: &&Column| {
        let mut name = words(&column.name);
        let is_id = name.pop_if(|last| ["id", "key", "code"].contains(&last.as_str())).is_some();
        let rest: Vec<String> = name.iter().map(|w| singular(w)).collect();
        is_id && (rest.is_empty() || rest == own) && column.distinct == rows && column.nulls == 0
    };
    table.columns.iter().find(is_key).map(|c| c.name.clone())
}

fn leads_to(
    connection: &Connection,
    schema: &Schema,
    table: &Table,
    column: &Column,
) -> Result<Option<ForeignKey>, rusqlite::Error> {
    let may_be = matches!(column.kind, ColumnKind::Integer | ColumnKind::Text);
    if !may_be || table.is_key(&column.name) || table.rows.unwrap_or(0) == 0 {
        return Ok(None);
    }
    let mut name = words(&column.name);
    if name.pop_if(|last| ["id", "key", "code"].contains(&last.as_str())).is_none() {
        return Ok(None);
    }
    let target: Vec<String> = name.iter().map(|word| singular(word)).collect();
    for parent in &schema.tables {
        let parent_name: Vec<String> = words(&parent.name).iter().map(|w| singular(w)).collect();
        // `support_rep_id` does not name a table; `customer_id` names `customers`.
        let named = !target.is_empty() && parent_name.ends_with(&target);
        let [key] = parent.primary_key.as_slice() else {
            continue;
        };
        let same_column = key.eq_ignore_ascii_case(&column.name) && !target.is_empty();
        if parent.name == table.name || !(named || same_column) {
            continue;
        }
        if values_agree(connection, table, &column.name, parent, key)? {
            return Ok(Some(ForeignKey {
                column: column.name.clone(),
                table: parent.name.clone(),
                to: key.clone(),
                inferred: true,
            }));
        }
    }
    Ok(None)
}

/// Whether nearly every value is one of the other table's keys.
fn values_agree(
    connection: &Connection,
    table: &Table,
    column: &str,
    parent: &Table,
    key: &str,
) -> Result<bool, rusqlite::Error> {
    let (c, t, p, k) = (quote(column), quote(&table.name), quote(&parent.name), quote(key));
    let sql = format!(
        "SELECT count(*), count(*) FILTER (WHERE v IN (SELECT {k} FROM {p})) \
         FROM (SELECT DISTINCT {c} AS v FROM {t} WHERE {c} IS NOT NULL LIMIT 20000)"
    );
    let (all, known) = connection.query_row(&sql, [], |row| Ok((count(row, 0)?, count(row, 1)?)))?;
    Ok(all > 0 && known * 20 >= all * 19)
}
