//! The same question over the same rows gives the same answer, whatever the rows came as.

use longhaul_data::{ColumnKind, Dataset};
use serde_json::Value;

use crate::orders;
use crate::support::{Files, kept, kinds, open};

/// Questions in words that all engines know.
pub(crate) const QUESTIONS: [&str; 8] = [
    "SELECT order_id, country, ordered_on, items FROM orders ORDER BY order_id",
    "SELECT count(*), count(country), count(items), sum(items) FROM orders",
    "SELECT country, count(*) AS n, round(sum(amount), 2) AS total FROM orders GROUP BY country ORDER BY total",
    "SELECT min(ordered_on), max(ordered_on) FROM orders WHERE country = 'SE'",
    "SELECT order_id, amount FROM orders WHERE amount > 200 AND ordered_on >= '2021-06-01' ORDER BY amount DESC",
    "SELECT country FROM orders WHERE paid AND items IS NULL ORDER BY order_id",
    "SELECT a.order_id FROM orders a JOIN orders b ON b.order_id = a.order_id + 1 AND b.items > a.items ORDER BY 1 LIMIT 7",
    "WITH t AS (SELECT country AS c, avg(items) AS m FROM orders GROUP BY country) SELECT c, round(m, 3) FROM t WHERE c IS NOT NULL ORDER BY c",
];

pub(crate) fn answers(data: &mut Dataset) -> Vec<Vec<Vec<Value>>> {
    QUESTIONS
        .iter()
        .map(|question| data.query(question).unwrap_or_else(|error| panic!("{question}: {error}")).rows)
        .map(|rows| rows.into_iter().map(|row| row.into_iter().map(figure).collect()).collect())
        .collect()
}

/// 5 and 5.0 are one figure.
fn figure(value: Value) -> Value {
    value.as_f64().map_or(value, Value::from)
}

/// What SQLite answers over a file of its own: what the others are held against.
pub(crate) fn wanted() -> Vec<Vec<Vec<Value>>> {
    let files = Files::new::<&[u8]>(&[]);
    let path = files.path("orders.sqlite");
    rusqlite::Connection::open(&path).unwrap().execute_batch(&orders::as_sql("DATE", "REAL")).unwrap();
    answers(&mut open(&files.source("orders.sqlite")).unwrap())
}

#[test]
fn files_of_every_format_answer_alike() {
    let wanted = wanted();
    assert_eq!(wanted[0].len(), 60);
    let files = Files::new(&[
        ("csv/orders.csv", orders::as_csv()),
        ("list/orders.json", orders::as_json()),
        ("wrapped/orders.json", orders::as_wrapped_json()),
        ("lines/orders.jsonl", orders::as_lines()),
        ("more/orders.ndjson", orders::as_lines()),
    ]);
    let written = [
        "csv/orders.csv",
        "list/orders.json",
        "wrapped/orders.json",
        "lines/orders.jsonl",
        "more/orders.ndjson",
    ];
    let parquet = ["orders", "orders-zstd", "orders-lz4", "orders-gzip"];
    let parquet = parquet.map(|name| {
        let bytes = std::fs::read(kept_path(name)).unwrap();
        std::fs::create_dir_all(files.path(name)).unwrap();
        std::fs::write(files.path(name).join("orders.parquet"), bytes).unwrap();
        format!("{name}/orders.parquet")
    });
    for name in written.into_iter().chain(parquet.iter().map(String::as_str)) {
        let mut data = open(&files.source(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        use ColumnKind::{Boolean, Date, Decimal, Integer, Text};
        let mut found = kinds(&data);
        found.sort_by_key(|(column, _)| orders::COLUMNS.iter().position(|one| one == column));
        let found: Vec<ColumnKind> = found.into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(found, [Integer, Text, Date, Decimal, Integer, Boolean], "{name}");
        assert_eq!(data.schema().tables[0].primary_key, ["order_id"], "{name}");
        assert_eq!(data.schema().remarks, Vec::<String>::new(), "{name}");
        assert_eq!(answers(&mut data), wanted, "{name}");
    }
}

fn kept_path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(format!("{name}.parquet"))
}

#[test]
fn a_folder_may_mix_formats() {
    let files = Files::new(&[
        (
            "customers.json",
            r#"[{"customer_id": 1, "name": "Ada"}, {"customer_id": 2, "name": "Bo"}]"#.as_bytes(),
        ),
        ("visits.csv", b"id,customer_id,on\n1,2,2020-01-01\n2,2,2020-01-03\n".as_slice()),
        ("orders.parquet", &std::fs::read(kept_path("orders")).unwrap()),
        ("notes.txt", b"not a table"),
    ]);
    let mut data = open(&files.folder()).unwrap();
    let tables: Vec<&str> = data.schema().tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(tables, ["customers", "orders", "visits"]);
    let key = &data.schema().table("visits").unwrap().foreign_keys[0];
    assert_eq!((key.column.as_str(), key.table.as_str(), key.inferred), ("customer_id", "customers", true));
    let rows = data
        .query("SELECT name, count(*) FROM visits JOIN customers USING (customer_id) GROUP BY 1")
        .unwrap();
    assert_eq!(rows.rows, [[Value::from("Bo"), Value::from(2)]]);
    assert!(data.query("DELETE FROM orders").is_err());
}

#[test]
fn a_parquet_file_is_known_by_its_first_bytes() {
    let files = Files::new(&[("orders", std::fs::read(kept_path("orders")).unwrap())]);
    assert_eq!(open(&files.source("orders")).unwrap().schema().tables[0].rows, Some(60));
    assert!(open(&kept("orders.parquet")).is_ok());
}
