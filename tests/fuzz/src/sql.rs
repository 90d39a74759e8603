//! Statements as a model may write them. The input is the text of one, asked of the sample.

use std::cell::RefCell;

use longhaul_data::{Dataset, Limits, QueryError, Rows, Source, Stop};

/// What must stay as it is, whatever was asked.
const SAME: &str = "SELECT (SELECT count(*) FROM Track), (SELECT count(*) FROM Invoice), \
                    (SELECT group_concat(name || coalesce(sql, '')) FROM sqlite_schema)";

struct Sample {
    data: Dataset,
    same: Rows,
}

thread_local! {
    static SAMPLE: RefCell<Option<Sample>> = const { RefCell::new(None) };
}

fn limits() -> Limits {
    Limits { rows: 20, result_bytes: 10_000, query_millis: 30, ..Limits::default() }
}

/// - No statement panics or ends the process; one that gives no rows says why.
/// - An answer keeps to its limits.
/// - The data, and the guard over it, are afterwards as they were.
pub fn check(input: &[u8]) {
    let sql = String::from_utf8_lossy(input);
    SAMPLE.with_borrow_mut(|sample| {
        let sample = sample.get_or_insert_with(Sample::open);
        match sample.data.query(&sql) {
            Ok(rows) => keeps_to(&rows),
            Err(why) => assert!(!why.to_string().is_empty()),
        }
        assert_eq!(sample.look(), sample.same, "the data set is not what it was");
        let refused = sample.data.query("DELETE FROM Track");
        assert!(matches!(refused, Err(QueryError::NotAQuery { .. })), "{refused:?}");
    });
}

impl Sample {
    fn open() -> Self {
        let source = Source::one("sample:chinook");
        let data = Dataset::open(&source, &[], &limits(), &Stop::default()).expect("the sample");
        let mut sample =
            Self { data, same: Rows { columns: vec![], rows: vec![], truncated: false, millis: 0 } };
        sample.same = sample.look();
        sample
    }

    fn look(&mut self) -> Rows {
        // A machine under load may take longer than the limit.
        let rows = (0..100).find_map(|_| self.data.query(SAME).ok()).expect("the sample can be asked");
        Rows { millis: 0, ..rows }
    }
}

fn keeps_to(rows: &Rows) {
    assert!(rows.rows.len() <= limits().rows);
    assert!(rows.rows.iter().all(|row| row.len() == rows.columns.len()));
    let bytes: usize = rows.rows.iter().flatten().filter_map(|cell| cell.as_str()).map(str::len).sum();
    assert!(bytes <= limits().result_bytes, "{bytes} bytes of text");
}
