//! What a query would take.

use std::collections::BTreeMap;

use longhaul_data::{Dataset, Limits, Source, Stop};

use crate::support::{Files, open};

#[test]
fn the_rows_of_the_tables_that_a_query_reads_are_counted_once_each() {
    let mut data = open(&Source::one("sample:chinook")).unwrap();
    let schema = data.schema().clone();
    let rows = |name: &str| schema.table(name).unwrap().rows.unwrap();
    let (track, album) = (rows("Track"), rows("Album"));
    for (sql, read) in [
        ("SELECT count(*) FROM Track", track),
        ("SELECT 1 FROM track WHERE TrackId = 1", track),
        ("SELECT a.Name FROM Track a JOIN Track b ON a.TrackId = b.TrackId LIMIT 1", track),
        ("SELECT * FROM Track JOIN Album USING (AlbumId)", track + album),
        ("WITH Album AS (SELECT 1 AS x) SELECT x FROM Album", 0),
        ("WITH t AS (SELECT * FROM Album) SELECT (SELECT count(*) FROM Track) FROM t", track + album),
        ("SELECT value FROM json_each('[1, 2]')", 0),
        ("SELECT 1", 0),
    ] {
        assert_eq!(data.figures(sql).unwrap(), BTreeMap::from([("rows_read".to_owned(), read)]), "{sql}");
    }
    for bad in ["DROP TABLE Track", "SELECT nope FROM Track", "SELECT 1; SELECT 2", "PRAGMA user_version", ""]
    {
        assert!(data.figures(bad).is_err(), "{bad}");
    }
}

#[test]
fn rows_that_nobody_counted_are_not_known() {
    let files = Files::new(&[("a.csv", "n,m\n1,2\n3,4\n")]);
    let mut data = open(&files.source("a.csv")).unwrap();
    assert_eq!(data.figures("SELECT sum(n) FROM a").unwrap()["rows_read"], 2);
    let hurried = Limits { schema_millis: 0, ..Limits::default() };
    let source = Source::one("sample:chinook");
    let mut data = Dataset::open(&source, &[], &hurried, &Stop::default()).unwrap();
    assert_eq!(data.schema().table("Track").unwrap().rows, None);
    assert!(data.figures("SELECT count(*) FROM Track").unwrap().is_empty());
}
