//! Where data may lie, and how it is named.

use longhaul_agent::data::{Dataset, Error, Limits, Source, Stop};

use crate::support::{Files, open};

#[test]
fn a_folder_is_one_table_per_file_with_keys_found_by_name_and_value() {
    let files = Files::new(&[
        ("customers.csv", "customer_id,name,country\n1,Ada,UK\n2,Bo,SE\n3,Cy,CH\n"),
        (
            "orders.csv",
            "id,customer_id,ordered_on,amount\n1,1,2020-01-01,5\n2,3,2020-01-02,6\n3,3,2020-01-03,7\n",
        ),
        ("notes.txt", "not a table"),
    ]);
    let data = open(&files.folder()).unwrap();
    let names: Vec<&str> = data.schema().tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["customers", "orders"]);
    let orders = data.schema().table("orders").unwrap();
    assert_eq!(orders.primary_key, ["id"]);
    let key = &orders.foreign_keys[0];
    assert_eq!(
        (key.column.as_str(), key.table.as_str(), key.to.as_str()),
        ("customer_id", "customers", "customer_id")
    );
    assert!(key.inferred);

    let list = Source::many(vec![
        files.path("orders.csv").to_string_lossy().into_owned(),
        files.path("customers.csv").to_string_lossy().into_owned(),
    ]);
    assert_eq!(open(&list).unwrap().schema().tables.len(), 2);
    assert_eq!(list.name(), "orders.csv and 1 other file");
}

#[test]
fn what_is_no_data_is_said_so() {
    let files = Files::new(&[("notes.txt", "hello"), ("garbage.sqlite", "hello"), ("garbage.DB", "")]);
    for garbage in ["garbage.sqlite", "garbage.DB"] {
        let error = open(&files.source(garbage)).err().unwrap();
        assert!(matches!(error, Error::Database { .. }), "{error}");
    }
    assert!(matches!(open(&files.folder()), Err(Error::Nothing { .. })));
    assert!(matches!(open(&files.source("nowhere.csv")), Err(Error::Unreadable { .. })));
    assert!(matches!(open(&Source::many(vec![])), Err(Error::Nothing { .. })));
    assert!(matches!(open(&Source::one("/dev/zero")), Err(Error::NotAFile { .. })));
    assert!(matches!(open(&Source::one("")), Err(Error::Unreadable { .. })));
    assert!(matches!(open(&Source::one("a\0b")), Err(Error::Unreadable { .. })));
    assert!(matches!(open(&Source::one("file:/etc/passwd?mode=ro")), Err(Error::Unreadable { .. })));
}

#[test]
fn roots_keep_files_in_and_links_from_leading_out() {
    let inside = Files::new(&[("a.csv", "a,b\nx,1\n")]);
    let outside = Files::new(&[("b.csv", "a,b\nx,1\n")]);
    std::os::unix::fs::symlink(outside.path("b.csv"), inside.path("link.csv")).unwrap();
    let roots = [inside.path("")];
    let open = |source: &Source| Dataset::open(source, &roots, &Limits::default(), &Stop::default());
    assert!(open(&inside.source("a.csv")).is_ok());
    assert!(matches!(open(&outside.source("b.csv")), Err(Error::OutsideRoots { .. })));
    assert!(matches!(open(&inside.source("link.csv")), Err(Error::OutsideRoots { .. })));
    assert!(matches!(open(&inside.folder()), Err(Error::OutsideRoots { .. })));
    assert!(open(&Source::one("sample:chinook")).is_ok());
}

#[test]
fn sizes_are_bounded() {
    let files = Files::new(&[("a.csv", "a,b\nx,1\n".repeat(100))]);
    let limits = Limits { file_bytes: 100, ..Limits::default() };
    let result = Dataset::open(&files.source("a.csv"), &[], &limits, &Stop::default());
    assert!(matches!(result, Err(Error::TooLarge { bytes: 800, limit: 100, .. })));
}

#[test]
fn a_stop_ends_reading() {
    let stop = Stop::default();
    stop.ask();
    let files = Files::new(&[("a.csv", format!("a,b\n{}", "x,1\n".repeat(5_000)))]);
    let result = Dataset::open(&files.source("a.csv"), &[], &Limits::default(), &stop);
    assert!(matches!(result, Err(Error::Stopped)));
}

#[test]
fn a_source_is_a_path_or_a_list_in_json() {
    let one: Source = serde_json::from_str("\"a.csv\"").unwrap();
    assert_eq!(one, Source::one("a.csv"));
    let many: Source = serde_json::from_str("[\"a.csv\", \"b.csv\"]").unwrap();
    assert_eq!(serde_json::to_string(&many).unwrap(), "[\"a.csv\",\"b.csv\"]");
    let error = serde_json::from_str::<Source>("7").unwrap_err();
    assert!(error.to_string().contains("a path, or a list of paths"));
}
