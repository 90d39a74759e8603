//! JSON files: read as meant, or refused with the line and what to do.

use longhaul_data::{ColumnKind, Dataset, Error, FileFault, Limits, Stop};
use serde_json::{Value, json};

use crate::support::{Files, column, kinds, open};

fn json(content: impl AsRef<[u8]>) -> Result<Dataset, Error> {
    let files = Files::new(&[("data.json", content)]);
    open(&files.source("data.json"))
}

fn fault(content: impl AsRef<[u8]>) -> FileFault {
    match json(content) {
        Err(Error::Json { fault, .. }) => fault,
        Err(other) => panic!("another error: {other}"),
        Ok(data) => panic!("it was read: {:?}", data.schema()),
    }
}

#[test]
fn values_keep_their_types() {
    let mut data = json(
        r#"[{"id": 1, "zip": "01234", "day": "2020-01-31", "price": 5, "ok": true, "note": "", "none": null},
            {"id": 2, "zip": "00001", "day": "2020-02-01", "price": 0.1, "ok": false, "extra": "only here"}]"#,
    )
    .unwrap();
    use ColumnKind::{Boolean, Date, Decimal, Empty, Integer, Text};
    let found: Vec<ColumnKind> = kinds(&data).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(found, [Integer, Text, Date, Decimal, Boolean, Text, Empty, Text]);
    let rows = data.query("SELECT * FROM data").unwrap();
    assert_eq!(
        rows.rows,
        [
            vec![
                json!(1),
                json!("01234"),
                json!("2020-01-31"),
                json!(5.0),
                json!(1),
                json!(""),
                Value::Null,
                Value::Null
            ],
            vec![
                json!(2),
                json!("00001"),
                json!("2020-02-01"),
                json!(0.1),
                json!(0),
                Value::Null,
                Value::Null,
                json!("only here")
            ],
        ]
    );
    assert!(data.schema().remarks.is_empty());
}

#[test]
fn nested_values_are_json_that_can_be_asked() {
    let mut data =
        json(r#"[{"id":1,"tags":["a","b"],"at":{"y":2,"x":[1.5,null]}},{"id":2,"tags":[]}]"#).unwrap();
    assert_eq!(column(&mut data, "data", "tags"), [json!(r#"["a","b"]"#), json!("[]")]);
    assert_eq!(column(&mut data, "data", "at"), [json!(r#"{"y":2,"x":[1.5,null]}"#), Value::Null]);
    let rows = data.query("SELECT data.id, value FROM data, json_each(tags) ORDER BY 2 DESC").unwrap();
    assert_eq!(rows.rows, [[json!(1), json!("b")], [json!(1), json!("a")]]);
    assert_eq!(data.query("SELECT at ->> '$.x[0]' FROM data WHERE id = 1").unwrap().rows, [[json!(1.5)]]);
}

#[test]
fn mixed_columns_are_text_and_told() {
    let mut data =
        json(r#"[{"a":1,"b":true,"c":1,"d":[1]},{"a":"x","b":2,"c":18446744073709551615,"d":"[2]"}]"#)
            .unwrap();
    assert_eq!(column(&mut data, "data", "a"), [json!("1"), json!("x")]);
    assert_eq!(column(&mut data, "data", "b"), [json!("true"), json!("2")]);
    assert_eq!(column(&mut data, "data", "c"), [json!("1"), json!("18446744073709551615")]);
    let remarks = data.schema().remarks.join("\n");
    assert!(remarks.contains("Column a mixes values of different sorts (numbers and texts)"), "{remarks}");
    assert!(
        remarks.contains("Column b mixes values of different sorts (true or false and numbers)"),
        "{remarks}"
    );
    assert!(remarks.contains("In column c, whole numbers of more than 18 digits"), "{remarks}");
    assert!(remarks.contains("Column d mixes"), "{remarks}");
}

#[test]
fn names_are_made_usable_and_the_last_of_two_members_counts() {
    let mut data = json("[{\"Name\":1,\"name\":2,\"\":3,\"a\\nb\":4,\"Name\":5}]").unwrap();
    let names: Vec<String> = kinds(&data).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Name", "name_2", "column_3", "a b"]);
    assert_eq!(column(&mut data, "data", "Name"), [json!(5)]);
    assert!(data.schema().remarks[0].contains("name_2"));
}

#[test]
fn rows_are_found_in_a_member_and_what_is_beside_it_is_told() {
    let mut data = json(r#"{"page": 1, "results": [{"a": 1}, {"a": 2}], "next": null}"#).unwrap();
    assert_eq!(column(&mut data, "data", "a"), [json!(1), json!(2)]);
    assert!(data.schema().remarks[0].contains("member results"), "{:?}", data.schema().remarks);
    let mut data = json("\u{feff}{\"rows\": [{\"a\": 1}]}").unwrap();
    assert_eq!(column(&mut data, "data", "a"), [json!(1)]);
    assert!(data.schema().remarks.is_empty());
    // One object that is all there is, is one row.
    let mut data = json("{\n  \"a\": 1,\n  \"b\": [1, 2]\n}\n").unwrap();
    assert_eq!(column(&mut data, "data", "b"), [json!("[1,2]")]);
}

#[test]
fn what_is_no_table_is_refused_with_its_line() {
    let deep = format!("[{{\"a\":{}1{}}}]", "[".repeat(200), "]".repeat(200));
    let many: Vec<String> = (0..501).map(|n| format!("\"c{n}\":1")).collect();
    for (content, line, word) in [
        ("", None, "empty"),
        ("  \n ", None, "empty"),
        ("a,b\n1,2\n", Some(1), "not JSON"),
        ("[]", None, "no row"),
        ("{\"rows\": []}", None, "no row"),
        ("[{}, {}]", None, "no row has a member"),
        ("[1, 2]", Some(1), "expected an object as each row"),
        ("[\n{\"a\": 1},\n\"x\"\n]", Some(3), "expected an object as each row"),
        ("[\n[1, 2]]", Some(2), "expected an object as each row"),
        ("{\"a\": 1}\n{\"a\": 2}\n7\n", Some(3), "expected an object as each row"),
        ("[{\"a\": 1}\n{\"a\": 2}]", Some(2), "expected `,` or `]`"),
        ("[{\"a\": 1},\n{\"a\": ", Some(2), "EOF"),
        ("{\"a\": 1}\n{\"a\"", Some(2), "EOF"),
        ("{\"a\": 1}\n{\"a\": nan}\n", Some(2), "expected"),
        ("[{\"a\": 1}] rest", Some(1), "trailing characters"),
        ("[{\"a\": 1e999}]", Some(1), "number out of range"),
        ("[{\"a\": \"\u{1}\"}]", Some(1), "control character"),
        (deep.as_str(), Some(1), "recursion limit"),
        (&format!("[{{{}}}]", many.join(",")), None, "500"),
    ] {
        let fault = fault(content);
        let short: String = content.chars().take(60).collect();
        assert_eq!(fault.line, line, "{short:?}: {fault}");
        assert!(fault.problem.contains(word), "{short:?}: {fault}");
        assert!(!fault.advice.is_empty());
    }
    assert_eq!(fault(b"[\n{\"a\": \"\xFF\"}]").line, Some(2));
    assert!(fault(b"\xFF\xFE[\0").problem.contains("UTF-16"));
}

#[test]
fn bytes_and_rows_are_bounded_and_a_stop_is_heard() {
    let files = Files::new(&[("data.json", format!("[{}{{\"a\":1}}]", "{\"a\":1},".repeat(4_999)))]);
    let open = |limits: &Limits, stop: &Stop| Dataset::open(&files.source("data.json"), &[], limits, stop);
    assert!(open(&Limits { file_rows: 5_000, ..Limits::default() }, &Stop::default()).is_ok());
    let fewer = open(&Limits { file_rows: 4_999, ..Limits::default() }, &Stop::default());
    assert!(matches!(fewer, Err(Error::TooManyRows { limit: 4_999, .. })));
    let smaller = open(&Limits { file_bytes: 1_000, ..Limits::default() }, &Stop::default());
    assert!(matches!(smaller, Err(Error::TooLarge { limit: 1_000, .. })));
    let stop = Stop::default();
    stop.ask();
    assert!(matches!(open(&Limits::default(), &stop), Err(Error::Stopped)));
}
