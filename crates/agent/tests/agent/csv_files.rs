//! CSV files of every sort: read as meant, or refused with the line and what to do.

use longhaul_agent::data::{ColumnKind, Dataset, Error, FileFault};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::csv;

fn rows(data: &mut Dataset) -> Vec<Vec<Value>> {
    data.query("SELECT * FROM data").unwrap().rows
}

fn kinds(data: &Dataset) -> Vec<ColumnKind> {
    data.schema().tables[0].columns.iter().map(|c| c.kind).collect()
}

fn fault(content: impl AsRef<[u8]>) -> FileFault {
    match csv(content) {
        Err(Error::Csv { fault, .. }) => fault,
        Err(other) => panic!("another error: {other}"),
        Ok(data) => panic!("it was read: {:?}", data.schema()),
    }
}

#[test]
fn european_files_are_read_as_meant() {
    let mut data =
        csv("Datum;Region;Umsatz;Anteil\n31.12.2020;Süd;\"1.234,50\";12,5 %\n01.01.2021;Nord;80,00;7,5 %\n")
            .unwrap();
    assert_eq!(
        rows(&mut data),
        [
            vec![json!("2020-12-31"), json!("Süd"), json!(1234.5), json!(12.5)],
            vec![json!("2021-01-01"), json!("Nord"), json!(80.0), json!(7.5)],
        ]
    );
    let units: Vec<Option<&str>> =
        data.schema().tables[0].columns.iter().map(|c| c.unit.as_deref()).collect();
    assert_eq!(units, [None, None, None, Some("%")]);
    assert!(data.schema().remarks.is_empty());
}

#[test]
fn types_are_found() {
    let mut data = csv("when,day,month,year,n,x,ok,code,mixed,empty\n\
        2020-01-01T10:00:00Z,2020-01-01,2020-01,2019,1,1.5,yes,007,a,\n\
        2020-01-02 11:30,2020-01-02,2020-02,2020,\"1,200\",2,no,012,5,\n")
    .unwrap();
    use ColumnKind::{Boolean, Date, DateTime, Decimal, Empty, Integer, Month, Text, Year};
    assert_eq!(kinds(&data), [DateTime, Date, Month, Year, Integer, Decimal, Boolean, Text, Text, Empty]);
    assert_eq!(rows(&mut data)[1][0], json!("2020-01-02 11:30:00"));
    assert_eq!(rows(&mut data)[1][4], json!(1200));
}

#[test]
fn quoted_fields_keep_delimiters_quotes_and_lines() {
    let mut data = csv("name,note\n\"Smith, J.\",\"said \"\"hi\"\"\nand left\"\nBo,\n").unwrap();
    assert_eq!(
        rows(&mut data),
        [vec![json!("Smith, J."), json!("said \"hi\"\nand left")], vec![json!("Bo"), Value::Null]]
    );
    let mut data = csv("a\tb\nx, y\t1\nz\t2\n").unwrap();
    assert_eq!(rows(&mut data)[0][0], json!("x, y"));
    let mut data = csv("sep=|\na|b\n1|2\n").unwrap();
    assert_eq!(rows(&mut data), [[json!(1), json!(2)]]);
}

#[test]
fn encodings() {
    let mut data = csv(b"\xEF\xBB\xBFcity,n\nK\xC3\xB6ln,1\n").unwrap();
    assert_eq!(rows(&mut data)[0][0], json!("Köln"));
    assert!(data.schema().table("data").unwrap().column("city").is_some());
    let mut data = csv(b"city,n\nK\xF6ln,1\n").unwrap();
    assert_eq!(rows(&mut data)[0][0], json!("Köln"));
    assert!(data.schema().remarks[0].contains("Windows-1252"));
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain("a;b\n1;2\n".bytes().flat_map(|b| [b, 0])).collect();
    assert_eq!(rows(&mut csv(utf16).unwrap()), [[json!(1), json!(2)]]);
}

#[test]
fn headings_are_made_usable() {
    let data = csv("name,Name,,\"order\nby\"\nx,y,1,2\n").unwrap();
    let names: Vec<&str> = data.schema().tables[0].columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["name", "Name_2", "column_3", "order by"]);
    assert!(data.schema().remarks[0].contains("Name_2"));
    // Trailing delimiters make no column.
    let data = csv("a,b,\n1,2,\n3,4,\n").unwrap();
    assert_eq!(data.schema().tables[0].columns.len(), 2);
}

#[test]
fn one_column_and_no_rows_are_tables_too() {
    let mut data = csv("signed_up\n2020-01-01\n2020-01-02\n").unwrap();
    assert_eq!(kinds(&data), [ColumnKind::Date]);
    assert_eq!(rows(&mut data).len(), 2);
    let data = csv("a,b,c\n").unwrap();
    assert_eq!(data.schema().tables[0].rows, Some(0));
}

#[test]
fn slips_are_left_out_and_told() {
    let mut text = String::from("day,amount\n");
    for n in 0..60 {
        text.push_str(&format!("2020-01-{:02},{n}.5\n", n % 28 + 1));
    }
    text.push_str("2020-02-01,unknown\n2020-02-02\n");
    let data = csv(text).unwrap();
    assert_eq!(kinds(&data), [ColumnKind::Date, ColumnKind::Decimal]);
    let remarks = data.schema().remarks.join("\n");
    assert!(remarks.contains("\"unknown\" in line 62"), "{remarks}");
    assert!(remarks.contains("Line 63 has fewer fields"), "{remarks}");
}

#[test]
fn numbers_too_long_for_figures_are_told() {
    let data = csv("shop,n\nNorth,99999999999999999999\nSouth,5\n").unwrap();
    assert_eq!(kinds(&data)[1], ColumnKind::Text);
    let remarks = data.schema().remarks.join("\n");
    assert!(
        remarks.contains("In column n, whole numbers of more than 18 digits were read as text"),
        "{remarks}"
    );
}

#[test]
fn what_is_no_csv_is_refused_with_its_line() {
    for (content, line, word) in [
        ("", None, "empty"),
        ("\n\n  \n", None, "empty"),
        ("2020-01-01,5\n2020-01-02,6\n", Some(1), "header"),
        ("12.5;3\n1;2\n", Some(1), "header"),
        (",,\n1,2,3\n", Some(1), "header"),
        ("a,b\n1,2\n3,4,5\n", Some(3), "3 fields"),
        ("a,b,c\n1,2,3\n4\n5\n6,7,8\n", Some(3), "1 field "),
        ("Report of sales\nday,amount\n2020-01-01,5\n2020-01-02,6\n", Some(2), "above the header"),
        ("a,b\n1,\"open\n2,3\n4,5\n", Some(2), "never closed"),
        (
            "Dear reader, this is a letter.\nIt goes on for a while, and on, and on.\nIt ends.\n",
            Some(1),
            "running text",
        ),
        (
            "This is only a long line of text without any table in it at all.\nAnd another.\n",
            Some(1),
            "running text",
        ),
        ("{\"a\": 1}\n", None, "JSON"),
        ("<html><body>\n", None, "HTML"),
        ("a,b\n1,\0\n", Some(2), "NUL"),
        ("PK\u{3}\u{4}rest", None, "Excel"),
    ] {
        let fault = fault(content);
        assert_eq!(fault.line, line, "{content:?}: {fault}");
        assert!(fault.to_string().contains(word), "{content:?}: {fault}");
        assert!(!fault.advice.is_empty());
    }
    assert_eq!(fault(b"a,b\n\xC3\xA4,1\n\xFF,2\n").line, Some(3));
}

#[test]
fn wide_files_are_refused() {
    let header: Vec<String> = (0..600).map(|n| format!("c{n}")).collect();
    assert!(fault(header.join(",")).problem.contains("600 columns"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = csv(bytes);
    }

    #[test]
    fn no_text_of_table_signs_makes_it_panic(text in "([a-z0-9,;|\t\"'\n.\\\\ €%-]|2020-01-0[0-9]|sep=){0,200}") {
        if let Ok(mut data) = csv(text) {
            prop_assert!(data.query("SELECT count(*) FROM data").is_ok());
        }
    }

    #[test]
    fn a_well_written_table_is_read_back(cells in proptest::collection::vec(("[a-zA-Z ,;\"|\n]{0,12}", any::<i32>()), 1..30)) {
        let mut text = String::from("name,figure\n");
        for (name, figure) in &cells {
            text.push_str(&format!("\"{}\",{figure}\n", name.replace('"', "\"\"")));
        }
        let mut data = csv(&text).unwrap();
        let found = rows(&mut data);
        prop_assert_eq!(found.len(), cells.len());
        for (row, (_, figure)) in found.iter().zip(&cells) {
            prop_assert_eq!(row[1].as_i64(), Some(i64::from(*figure)));
        }
    }
}
