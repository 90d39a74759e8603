//! The rows of the comparison, in the formats that can be written here; `files/make.py` writes the
//! same ones as Parquet.

use serde_json::{Value, json};

pub(crate) const COLUMNS: [&str; 6] = ["order_id", "country", "ordered_on", "amount", "items", "paid"];

/// 60 orders of four countries, one of them unknown, over two years.
pub(crate) fn rows() -> Vec<[Value; 6]> {
    let countries = [json!("DE"), json!("FR"), json!("SE"), Value::Null];
    let rows = (0..60_usize).map(|n| {
        let day = format!("{}-{:02}-{:02}", 2020 + n / 30, 1 + n % 12, 1 + n % 28);
        let amount = (1234.0 + n as f64 * 377.0) / 100.0;
        let items = if n % 17 == 5 { Value::Null } else { json!(n % 5 + 1) };
        [json!(1000 + n), countries[n % 4].clone(), json!(day), json!(amount), items, json!(n % 3 != 0)]
    });
    rows.collect()
}

fn object(row: &[Value; 6]) -> Value {
    COLUMNS.iter().zip(row).map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

pub(crate) fn as_json() -> String {
    Value::Array(rows().iter().map(object).collect()).to_string()
}

pub(crate) fn as_wrapped_json() -> String {
    let rows: Vec<Value> = rows().iter().map(object).collect();
    format!("{:#}", json!({ "count": rows.len(), "rows": rows }))
}

/// Members without a value are left out, as many writers do.
pub(crate) fn as_lines() -> String {
    let line = |row: &[Value; 6]| {
        let Value::Object(mut object) = object(row) else { unreachable!() };
        object.retain(|_, value| !value.is_null());
        format!("{}\n", Value::Object(object))
    };
    // The first row has all members, so that the columns come in their order.
    rows().iter().map(line).collect()
}

pub(crate) fn as_csv() -> String {
    let mut text = COLUMNS.join(",") + "\n";
    for row in rows() {
        let cells: Vec<String> = row
            .iter()
            .map(|value| {
                value.as_str().map_or_else(
                    || if value.is_null() { String::new() } else { value.to_string() },
                    str::to_owned,
                )
            })
            .collect();
        text += &(cells.join(",") + "\n");
    }
    text
}

/// Statements that make the table and fill it. `day` and `money` are the types of the database.
pub(crate) fn as_sql(day: &str, money: &str) -> String {
    let mut text = format!(
        "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, country TEXT, ordered_on {day}, amount {money}, items INTEGER, paid BOOLEAN);\n"
    );
    for row in rows() {
        let cells: Vec<String> = row
            .iter()
            .map(|value| match value {
                Value::Null => "NULL".to_owned(),
                Value::String(text) => format!("'{text}'"),
                other => other.to_string(),
            })
            .collect();
        text += &format!("INSERT INTO orders VALUES ({});\n", cells.join(", "));
    }
    text
}
