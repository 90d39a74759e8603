//! What a query would take, as the engine plans it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::ask::Prepared;
use super::session::Broken;
use crate::engine::ROWS_READ;

/// The figure of a statement: what its plan costs, in the engine's own units.
const COST: &str = "cost";

/// Rows of tables, by the engine's statistics. A table that was never looked at has fewer than none.
const ROWS: &str = "
    SELECT sum(c.reltuples)::float8, bool_or(c.reltuples < 0)
    FROM unnest($1::text[], $2::text[]) AS read(schema, name)
    LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = read.schema
    LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = read.name";

/// The figures of a statement that the engine has read; nothing of it is run.
pub(super) async fn figures(client: &Client, prepared: &Prepared) -> Result<BTreeMap<String, u64>, Broken> {
    let mut text = String::new();
    for message in client.simple_query(&format!("EXPLAIN (VERBOSE, FORMAT JSON) {}", prepared.sql)).await? {
        if let SimpleQueryMessage::Row(row) = message {
            text.push_str(row.try_get(0)?.unwrap_or_default());
        }
    }
    let plan: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut figures = BTreeMap::new();
    if let Some(cost) = plan[0]["Plan"]["Total Cost"].as_f64() {
        figures.insert(COST.to_owned(), whole(cost));
    }
    let mut tables = BTreeSet::new();
    tables_of(&plan, &mut tables);
    let (schemas, names): (Vec<String>, Vec<String>) = tables.into_iter().unzip();
    let row = client.query_one(ROWS, &[&schemas, &names]).await?;
    let (rows, guessed): (Option<f64>, Option<bool>) = (row.try_get(0)?, row.try_get(1)?);
    if guessed != Some(true) {
        figures.insert(ROWS_READ.to_owned(), whole(rows.unwrap_or(0.0)));
    }
    Ok(figures)
}

/// The tables that a plan reads, each with its schema.
fn tables_of(plan: &Value, tables: &mut BTreeSet<(String, String)>) {
    match plan {
        Value::Array(plans) => plans.iter().for_each(|plan| tables_of(plan, tables)),
        Value::Object(node) => {
            let text = |name: &str| node.get(name).and_then(Value::as_str).map(str::to_owned);
            tables.extend(text("Schema").zip(text("Relation Name")));
            node.values().for_each(|inner| tables_of(inner, tables));
        }
        _ => {}
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no plan reaches 2^64")]
fn whole(estimate: f64) -> u64 {
    estimate.max(0.0).ceil() as u64
}
