//! What must hold of a file that is loaded, whatever its format.

use std::cell::OnceCell;
use std::collections::HashSet;

use longhaul_data::{Dataset, Error, FileFault, Limits, Source, Stop, Table};
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// Small enough to be reached.
pub(crate) fn limits() -> Limits {
    Limits { rows: 5, result_bytes: 2_000, file_bytes: 4_000, file_rows: 1_000, ..Limits::default() }
}

/// Opens the bytes as a file of that name.
pub(crate) fn open(name: &str, input: &[u8]) -> Result<Dataset, Error> {
    let path = FOLDER.with(|folder| {
        folder.get_or_init(|| tempfile::tempdir().expect("a folder for files")).path().join(name)
    });
    std::fs::write(&path, input).expect("a file is written");
    Dataset::open(&Source::one(path.to_string_lossy()), &[], &limits(), &Stop::default())
}

/// Lines, however they end.
pub(crate) fn lines(input: &[u8]) -> u64 {
    1 + input.iter().filter(|byte| matches!(**byte, b'\n' | b'\r')).count() as u64
}

/// That a file that became no table is refused in words, for a reason that it gives.
pub(crate) fn explains(error: &Error, input: &[u8]) {
    assert!(!error.to_string().is_empty());
    match error {
        Error::TooLarge { bytes, limit, .. } => assert!(bytes > limit),
        // A file of a few bytes can be as large as it likes once it is unpacked.
        Error::TooManyRows { .. } | Error::TooLargeUnpacked { .. } => {}
        Error::Csv { fault, .. } | Error::Json { fault, .. } | Error::Parquet { fault, .. } => {
            has_a_place(fault, input);
        }
        // The first bytes say that it is a database; SQLite says whether it is one.
        Error::Database { .. } => assert!(input.starts_with(b"SQLite format 3\0"), "{error}"),
        other => panic!("{other:?}"),
    }
}

fn has_a_place(fault: &FileFault, input: &[u8]) {
    assert!(!fault.problem.is_empty() && !fault.advice.is_empty());
    if let Some(line) = fault.line {
        assert!((1..=lines(input)).contains(&line), "line {line} of {}", lines(input));
    }
}

/// That the one table of an opened file has columns with names of their own and figures that fit its
/// rows; and that, asked for all of it, it gives as much as the limits allow and says whether that is all.
pub(crate) fn describes(data: &mut Dataset, input: &[u8]) -> Table {
    assert!(input.len() as u64 <= limits().file_bytes, "a file beyond the limit was read");
    let [table] = data.schema().tables.as_slice() else {
        panic!("{} tables of one file", data.schema().tables.len())
    };
    let table = table.clone();
    let rows = table.rows.expect("a small table is counted");
    assert!(rows <= limits().file_rows);
    assert!((1..=500).contains(&table.columns.len()));
    let mut names = HashSet::new();
    for column in &table.columns {
        assert!(!column.name.is_empty() && !column.name.contains(char::is_control), "{:?}", column.name);
        assert!(names.insert(column.name.to_lowercase()), "two columns called {}", column.name);
        assert!(column.nulls + column.distinct <= rows, "{column:?}");
        assert!(column.samples.len() as u64 <= column.distinct, "{column:?}");
    }
    give_all(data, &table);
    table
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
