//! Tables as people bring them. The input is the bytes of a CSV file.

use std::cell::OnceCell;
use std::collections::HashSet;

use longhaul_data::{Dataset, Error, Limits, Source, Stop, Table};
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// Small enough to be reached.
fn limits() -> Limits {
    Limits { rows: 5, result_bytes: 2_000, csv_bytes: 4_000, ..Limits::default() }
}

/// - No bytes panic; what is wrong with them is said, with a line that the file has.
/// - A file beyond the limit is not read.
/// - A table has columns with names of their own, figures that fit its rows, and no more rows than the
///   file has lines; asked for all of it, it gives as much as the limits allow and says whether that
///   is all.
pub fn check(input: &[u8]) {
    match open(input) {
        Ok(mut data) => {
            assert!(input.len() as u64 <= limits().csv_bytes, "a file beyond the limit was read");
            let [table] = data.schema().tables.as_slice() else {
                panic!("{} tables of one file", data.schema().tables.len())
            };
            let table = table.clone();
            describes(&table, input);
            give_all(&mut data, &table);
        }
        Err(error) => explains(&error, input),
    }
}

fn open(input: &[u8]) -> Result<Dataset, Error> {
    let path = FOLDER.with(|folder| {
        folder.get_or_init(|| tempfile::tempdir().expect("a folder for files")).path().join("data.csv")
    });
    std::fs::write(&path, input).expect("a file is written");
    Dataset::open(&Source::one(path.to_string_lossy()), &[], &limits(), &Stop::default())
}

/// Lines, however they end.
fn lines(input: &[u8]) -> u64 {
    1 + input.iter().filter(|byte| matches!(**byte, b'\n' | b'\r')).count() as u64
}

fn explains(error: &Error, input: &[u8]) {
    assert!(!error.to_string().is_empty());
    match error {
        Error::TooLarge { bytes, limit, .. } => assert!(bytes > limit),
        Error::Csv { fault, .. } => {
            assert!(!fault.problem.is_empty() && !fault.advice.is_empty());
            if let Some(line) = fault.line {
                assert!((1..=lines(input)).contains(&line), "line {line} of {}", lines(input));
            }
        }
        // The first bytes say that it is a database; SQLite says whether it is one.
        Error::Database { .. } => assert!(input.starts_with(b"SQLite format 3\0"), "{error}"),
        other => panic!("{other:?}"),
    }
}

fn describes(table: &Table, input: &[u8]) {
    let rows = table.rows.expect("a small table is counted");
    assert!(rows < lines(input) + 1, "{rows} rows");
    assert!((1..=500).contains(&table.columns.len()));
    let mut names = HashSet::new();
    for column in &table.columns {
        assert!(!column.name.is_empty() && !column.name.contains(char::is_control), "{:?}", column.name);
        assert!(names.insert(column.name.to_lowercase()), "two columns called {}", column.name);
        assert!(column.nulls + column.distinct <= rows, "{column:?}");
        assert_eq!(column.min.is_null(), column.max.is_null(), "{column:?}");
        assert!(column.samples.len() as u64 <= column.distinct, "{column:?}");
    }
}

fn give_all(data: &mut Dataset, table: &Table) {
    let all = data.query(&format!("SELECT * FROM \"{}\"", table.name)).expect("all rows");
    let columns = table.columns.iter().map(|column| column.name.as_str());
    assert!(all.columns.iter().map(String::as_str).eq(columns), "{:?}", all.columns);
    let (given, there) = (all.rows.len() as u64, table.rows.unwrap_or_default());
    assert!(given <= limits().rows as u64);
    assert_eq!(all.truncated, given < there, "{given} of {there} rows");
    let bytes: usize = all.rows.iter().flatten().filter_map(|cell| cell.as_str()).map(str::len).sum();
    assert!(bytes <= limits().result_bytes, "{bytes} bytes of text");
}
