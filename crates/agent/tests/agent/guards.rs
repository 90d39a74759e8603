//! Nothing but reading, and never without bounds.

use longhaul_agent::data::{Dataset, Limits, QueryError, Source, Stop};
use rusqlite::Connection;
use serde_json::json;

use crate::support::{Files, chinook, open};

fn refused(sql: &str) -> QueryError {
    chinook().query(sql).map(|rows| rows.rows).expect_err(&format!("`{sql}` must be refused"))
}

#[test]
fn reading_works() {
    let mut data = chinook();
    let rows = data
        .query("WITH t AS (SELECT BillingCountry AS c, Total FROM Invoice) SELECT c, round(sum(Total), 2) FROM t GROUP BY c ORDER BY 2 DESC LIMIT 2;")
        .unwrap();
    assert_eq!(rows.rows, [[json!("USA"), json!(523.06)], [json!("Canada"), json!(303.96)]]);
    assert!(!rows.truncated);
}

#[test]
fn whatever_writes_is_refused_in_words() {
    for sql in [
        "INSERT INTO Genre VALUES (99, 'x')",
        "UPDATE Genre SET Name = 'x'",
        "DELETE FROM Genre",
        "DROP TABLE Genre",
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x AS SELECT 1",
        "ALTER TABLE Genre ADD COLUMN x",
        "REPLACE INTO Genre VALUES (1, 'x')",
        "VACUUM",
        "VACUUM INTO '/somewhere/copy.sqlite'",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "SAVEPOINT x",
        "COMMIT",
        "ATTACH DATABASE '/somewhere/x.sqlite' AS x",
        "DETACH DATABASE main",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = WAL",
        "PRAGMA table_info(Genre)",
        "PRAGMA writable_schema = ON",
        "WITH x AS (SELECT 1) DELETE FROM Genre",
        "INSERT INTO Genre SELECT * FROM Genre RETURNING *",
        "CREATE VIRTUAL TABLE x USING fts5(a)",
        "EXPLAIN DELETE FROM Genre",
    ] {
        let error = refused(sql);
        assert!(!error.ran(), "`{sql}`: {error}");
        assert!(
            matches!(error, QueryError::NotAQuery { .. } | QueryError::Refused { .. }),
            "`{sql}`: {error:?}"
        );
    }
}

#[test]
fn what_hides_inside_a_select_is_refused() {
    for sql in [
        "SELECT load_extension('/somewhere/evil.so')",
        "SELECT * FROM pragma_table_info('Genre')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('/somewhere/x', 'x')",
        "SELECT edit('x')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT sqlite_compileoption_get(1)",
        "SELECT * FROM dbstat",
        "SELECT zeroblob(1000)",
        "SELECT randomblob(1000)",
        "SELECT * FROM Genre; DELETE FROM Genre",
        "SELECT 1; SELECT 2",
        "SELECT 1;; SELECT 2",
    ] {
        let error = refused(sql);
        assert!(!error.ran(), "`{sql}`: {error}");
    }
    assert_eq!(
        refused("SELECT hex(randomblob(1000000000))").to_string(),
        "the query was refused: it calls the function randomblob; only reading the tables of this data set is allowed"
    );
    assert!(refused("SELECT 1; SELECT 2").to_string().contains("2 statements"));
    assert!(refused("DELETE FROM Genre").to_string().contains("a DELETE"));
}

#[test]
fn nonsense_is_an_answer_too() {
    for sql in [
        "",
        "  \n",
        "-- nothing",
        "hello",
        "SELECT * FROM Nowhere",
        "SELECT \"nope\" FROM Genre",
        "SELECT 1\0",
    ] {
        assert!(!refused(sql).ran(), "`{sql}`");
    }
    assert!(refused("SELECT * FROM Nowhere").to_string().contains("no such table: Nowhere"));
    let long = format!("SELECT '{}'", "x".repeat(200_000));
    assert!(!refused(&long).ran());
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(!refused(&deep).ran());
}

/// Each would be a tree that is deeper than a thread's stack.
#[test]
fn long_chains_do_not_overflow_the_stack() {
    let grown =
        |chain: &str, link: &str| chain.to_owned() + &link.repeat((99_000 - chain.len()) / link.len());
    let mut data = chinook();
    for link in ["+1", "||1", "->1", "::x", " UNION SELECT 1"] {
        let read = data.query(&grown("SELECT 1", link)).map(|_| ());
        assert!(matches!(read, Err(QueryError::Invalid { .. })), "SELECT 1{link}…: {read:?}");
        let write = data.query(&grown("DELETE FROM Genre WHERE 1", link)).map(|_| ());
        assert!(write.as_ref().is_err_and(|error| !error.ran()), "DELETE … 1{link}…: {write:?}");
    }
    let long_list = grown("SELECT count(*) FROM Genre WHERE GenreId IN (1", ", 1") + ")";
    assert_eq!(data.query(&long_list).unwrap().rows, [[json!(1)]]);
}

#[test]
fn bombs_are_stopped_by_the_clock() {
    let limits = Limits { query_millis: 200, ..Limits::default() };
    let source = Source::one("sample:chinook");
    for sql in [
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 0",
        "SELECT count(*) FROM Track a, Track b, Track c, Track d",
    ] {
        let mut data = Dataset::open(&source, &[], &limits, &Stop::default()).unwrap();
        let error = data.query(sql).unwrap_err();
        assert_eq!(error, QueryError::TooSlow { millis: 200 }, "`{sql}`");
        assert!(error.ran());
        // The connection is as good as before.
        assert_eq!(data.query("SELECT 1").unwrap().rows, [[json!(1)]]);
    }
}

#[test]
fn large_values_do_not_come_up() {
    let mut data = chinook();
    for sql in [
        "SELECT length(printf('%.*c', 100000000, 'x'))",
        "SELECT length(replace(printf('%.*c', 1000000, 'x'), 'x', 'yyyyyyyyyyyyyyyyyyyy'))",
        "SELECT length(group_concat(a.Name || b.Name)) FROM Track a, Track b",
    ] {
        let error = data.query(sql).unwrap_err();
        assert!(error.to_string().contains("too big"), "`{sql}`: {error}");
    }
}

#[test]
fn rows_and_bytes_are_bounded_and_said_so() {
    let source = Source::one("sample:chinook");
    let limits = Limits { rows: 10, ..Limits::default() };
    let mut data = Dataset::open(&source, &[], &limits, &Stop::default()).unwrap();
    let rows = data.query("SELECT * FROM Track").unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (10, true));
    let rows = data.query("SELECT * FROM Track LIMIT 10").unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (10, false));

    let limits = Limits { result_bytes: 5_000, ..Limits::default() };
    let mut data = Dataset::open(&source, &[], &limits, &Stop::default()).unwrap();
    let rows = data.query("SELECT printf('%.*c', 1000, 'x') FROM Track").unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (5, true));
    let rows = data.query("SELECT printf('%.*c', 100000, 'x') || 'ü'").unwrap();
    assert!(rows.rows[0][0].as_str().unwrap().len() < 3_000);
}

#[test]
fn a_stop_ends_a_running_query() {
    let stop = Stop::default();
    let source = Source::one("sample:chinook");
    let mut data = Dataset::open(&source, &[], &Limits::default(), &stop).unwrap();
    let (started, wait) = std::sync::mpsc::channel();
    let running = std::thread::spawn(move || {
        started.send(()).unwrap();
        data.query("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n")
    });
    wait.recv().unwrap();
    stop.ask();
    assert_eq!(running.join().unwrap().unwrap_err(), QueryError::Stopped);
}

#[test]
fn a_file_with_code_in_its_schema_cannot_run_it() {
    let files = Files::new::<&[u8]>(&[]);
    let path = files.path("hostile.sqlite");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2);
             CREATE VIEW v AS SELECT load_extension('/somewhere/x.so') FROM t;
             CREATE VIEW w AS SELECT randomblob(1000000) FROM t;
             CREATE TABLE big (b); INSERT INTO big VALUES (zeroblob(20000000));
             CREATE TABLE bytes (b); INSERT INTO bytes VALUES (x'00ff');",
        )
        .unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    let mut data = open(&files.source("hostile.sqlite")).unwrap();
    assert!(data.query("SELECT * FROM v").is_err());
    assert!(data.query("SELECT * FROM w").is_err());
    assert!(data.query("SELECT b FROM big").is_err());
    assert_eq!(data.query("SELECT b FROM bytes").unwrap().rows, [[json!("(2 bytes)")]]);
    drop(data);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn damaged_databases_are_refused() {
    let mut bytes = longhaul_agent::sample::chinook().to_vec();
    bytes.truncate(5_000);
    let files = Files::new(&[("cut.sqlite", bytes), ("head.sqlite", b"SQLite format 3\0".to_vec())]);
    for name in ["cut.sqlite", "head.sqlite"] {
        let told = match open(&files.source(name)) {
            Err(error) => error.to_string(),
            // A cut file may open; what it cannot describe it says.
            Ok(data) => data.schema().remarks.join(" "),
        };
        assert!(told.contains("malformed") || told.contains("not a database"), "{name}: {told}");
    }
}
