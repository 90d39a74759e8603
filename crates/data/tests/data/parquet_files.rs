//! Parquet files as pyarrow writes them: read as meant, or refused with what to do.

use longhaul_data::{ColumnKind, Dataset, Error, Limits, Stop};
use serde_json::{Value, json};

use crate::support::{Files, column, kept, kinds, open};

fn fault(name: &str) -> String {
    match open(&kept(name)) {
        Err(error @ Error::Parquet { .. }) => error.to_string(),
        Err(other) => panic!("{name}: another error: {other}"),
        Ok(data) => panic!("{name} was read: {:?}", data.schema()),
    }
}

#[test]
fn every_type_is_read_as_meant() {
    let mut data = open(&kept("kinds.parquet")).unwrap();
    let found: Vec<(String, ColumnKind)> = kinds(&data);
    use ColumnKind::{Blob, Boolean, Date, DateTime, Decimal, Empty, Integer, Text};
    for (name, kind, usual, unusual) in [
        ("flag", Boolean, json!(1), json!(0)),
        ("tiny", Integer, json!(1), json!(-128)),
        ("whole", Integer, json!(1), json!(i64::MIN)),
        ("unsigned", Text, json!(1), json!("18446744073709551615")),
        ("half", Decimal, json!(1.5), json!(-2.0)),
        ("single", Decimal, json!(0.1), json!(-1e30)),
        ("double", Decimal, json!(0.1), Value::Null),
        ("money", Decimal, json!(12.34), json!(-0.05)),
        ("exact", Decimal, json!(1.5), json!(12_345_678_901_234_567_890.12_f64)),
        ("huge", Decimal, json!(2.0), json!(-1e70)),
        ("day", Date, json!("2020-02-29"), json!("0001-01-01")),
        ("at_millis", DateTime, json!("2020-02-29 12:30:00"), json!("1969-12-31 23:59:59.999")),
        ("at_micros", DateTime, json!("2020-02-29 12:30:00"), json!("2020-01-01 00:00:00.000001")),
        ("at_nanos", DateTime, json!("2020-02-29 12:30:00"), json!("2020-01-01 00:00:00.000001")),
        ("clock", Text, json!("08:15:00"), json!("23:59:59.5")),
        ("text", Text, json!("Köln"), json!("")),
        ("bytes", Blob, json!("plain"), json!("(2 bytes)")),
        ("coded", Text, json!("a"), json!("b")),
        ("tags", Text, json!(r#"["x",null,"y\""]"#), json!("[]")),
        ("place", Text, json!(r#"{"city":"Bern","at":[46.9,7.4]}"#), json!(r#"{"city":null,"at":null}"#)),
        ("counts", Text, json!(r#"{"b":2,"a":1}"#), json!("{}")),
        ("nothing", Empty, Value::Null, Value::Null),
    ] {
        assert!(found.contains(&(name.to_owned(), kind)), "{name} is not {kind:?}: {found:?}");
        let values = column(&mut data, "kinds", name);
        let close = |a: &Value, b: &Value| match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= b.abs() * 1e-15,
            _ => a == b,
        };
        assert!(close(&values[0], &usual) && close(&values[1], &unusual), "{name}: {values:?}");
        assert_eq!(values[2], Value::Null, "{name}");
    }
    assert_eq!(found.len(), 22);
    let remarks = data.schema().remarks.join("\n");
    assert!(remarks.contains("Column exact has values of more than 15 digits"), "{remarks}");
    assert!(remarks.contains("Column huge has values of more than 15 digits"), "{remarks}");
    assert_eq!(data.schema().remarks.len(), 2, "{remarks}");
}

#[test]
fn old_moments_names_and_no_rows() {
    let mut data = open(&kept("int96.parquet")).unwrap();
    assert_eq!(column(&mut data, "int96", "at"), [json!("2020-02-29 12:30:00")]);
    let data = open(&kept("names.parquet")).unwrap();
    let names: Vec<String> = kinds(&data).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["A", "a_2", "column_3"]);
    let data = open(&kept("empty.parquet")).unwrap();
    assert_eq!((data.schema().tables[0].rows, kinds(&data).len()), (Some(0), 6));
}

#[test]
fn broken_files_are_refused_in_words() {
    for (name, word) in [
        ("cut.parquet", "cut off"),
        ("footer.parquet", "footer cannot be read"),
        ("long-footer.parquet", "footer is longer than the file"),
        ("more-rows.parquet", "a row group of 63 rows has 60 values"),
        ("rows-differ.parquet", "it says that it has"),
        ("no-columns.parquet", "no columns"),
    ] {
        let said = fault(name);
        assert!(said.contains(word) && said.contains("; "), "{name}: {said}");
    }
    let files = Files::new(&[
        ("a.parquet", b"a,b\n1,2\n".as_slice()),
        ("short.parquet", b"PAR1"),
        ("twice.parquet", b"PAR1PAR1"),
        ("nothing.parquet", b""),
        ("secret.parquet", b"PAR1\0\0\0\0PARE"),
    ]);
    for (name, word) in [
        ("a.parquet", "does not begin"),
        ("short.parquet", "cut off"),
        ("twice.parquet", "cut off"),
        ("nothing.parquet", "does not begin"),
        ("secret.parquet", "encrypted"),
    ] {
        let error = open(&files.source(name)).err().unwrap();
        assert!(
            matches!(error, Error::Parquet { .. }) && error.to_string().contains(word),
            "{name}: {error}"
        );
    }
}

/// Every byte of a file turned over, one at a time, and the file cut at every byte: it is refused or
/// read as a table, never more.
#[test]
fn no_broken_byte_does_harm() {
    let whole = std::fs::read(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/orders-lz4.parquet"),
    )
    .unwrap();
    let files = Files::new::<&[u8]>(&[]);
    let path = files.path("orders.parquet");
    let mut refused = 0;
    let mut look = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        match open(&files.source("orders.parquet")) {
            Ok(data) => assert!(data.schema().tables[0].rows.is_some_and(|rows| rows <= 60)),
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    };
    for at in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] = !bytes[at];
        look(&bytes);
    }
    for end in (0..whole.len()).step_by(50) {
        look(&whole[..end]);
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn rows_and_bytes_are_bounded_and_a_stop_is_heard() {
    let open = |name: &str, limits: &Limits, stop: &Stop| Dataset::open(&kept(name), &[], limits, stop);
    let bomb = open("bomb.parquet", &Limits::default(), &Stop::default());
    assert!(matches!(bomb, Err(Error::TooManyRows { limit: 5_000_000, .. })));
    let bomb = open(
        "bomb.parquet",
        &Limits { file_bytes: 20_000, file_rows: 10_000_000, ..Limits::default() },
        &Stop::default(),
    );
    assert!(matches!(bomb, Err(Error::TooLargeUnpacked { limit: 80_000, .. })));
    let fewer = Limits { file_rows: 59, ..Limits::default() };
    assert!(matches!(open("orders.parquet", &fewer, &Stop::default()), Err(Error::TooManyRows { .. })));
    let smaller = Limits { file_bytes: 100, ..Limits::default() };
    assert!(matches!(open("orders.parquet", &smaller, &Stop::default()), Err(Error::TooLarge { .. })));
    let stop = Stop::default();
    stop.ask();
    assert!(matches!(open("orders.parquet", &Limits::default(), &stop), Err(Error::Stopped)));
}
