//! Drafts: whatever a model hands in, tables and charts hold what the rows hold and nothing else.

use longhaul_agent::data::Rows;
use longhaul_agent::draft::{Chapter, ChartKind, Draft, Kept, Part, Pick, assemble};
use longhaul_document::{Block, Document};
use proptest::prelude::*;
use serde_json::{Value, json};

fn kept(columns: &[&str], rows: Vec<Vec<Value>>) -> Kept {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let rows = Rows { columns, rows, truncated: false, millis: 3 };
    Kept { purpose: "a purpose".to_owned(), sql: "SELECT 1".to_owned(), rows }
}

fn draft(parts: Vec<Part>) -> Draft {
    let sections = vec![Chapter { heading: "All".to_owned(), parts }];
    Draft { title: "A title".to_owned(), subtitle: None, summary: Vec::new(), sections }
}

fn table(query: usize, columns: Option<&[&str]>) -> Part {
    let columns = columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    Part::Table { query, caption: "A table".to_owned(), columns, top: None }
}

fn chart(query: usize, label: &str, values: &[&str]) -> Part {
    Part::Chart {
        query,
        caption: "A chart".to_owned(),
        chart: ChartKind::Bars,
        label: label.to_owned(),
        values: values.iter().map(|name| (*name).to_owned()).collect(),
        top: None,
        unit: None,
    }
}

fn faults(parts: Vec<Part>, kept: &[Kept]) -> Vec<String> {
    assemble(&draft(parts), kept).unwrap_err().iter().map(ToString::to_string).collect()
}

fn sales() -> Kept {
    kept(&["country", "sales"], vec![vec![json!("USA"), json!(523.06)], vec![json!("Canada"), json!(303.96)]])
}

#[test]
fn what_does_not_fit_is_told_all_at_once() {
    let wrong = vec![
        table(2, None),
        table(1, Some(&["Country", "profit"])),
        chart(1, "country", &["country"]),
        chart(1, "country", &[]),
        Part::Figures {
            figures: vec![Pick {
                label: "x".to_owned(),
                query: 1,
                column: "sales".to_owned(),
                row: 9,
                unit: None,
            }],
        },
    ];
    let told = faults(wrong, &[sales()]);
    let expected = [
        ("sections[0].parts[0]", "there is no query 2; there is query 1"),
        ("sections[0].parts[1]", "no column \"profit\"; it has \"country\", \"sales\""),
        ("sections[0].parts[2]", "holds texts"),
        ("sections[0].parts[3]", "at least one column"),
        ("sections[0].parts[4].figures[0]", "there is no row 9"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, (place, problem)) in told.iter().zip(expected) {
        assert!(told.starts_with(place) && told.contains(problem), "{told}");
    }
    let nothing = Draft { title: "T".to_owned(), subtitle: None, summary: Vec::new(), sections: Vec::new() };
    assert!(assemble(&nothing, &[]).is_err());
}

#[test]
fn figures_of_the_text_that_no_row_has_are_named() {
    let text = "The USA bought 523.06, 63.2% of 827.02; in 2011 Canada lost 4,711.".to_owned();
    let document = assemble(&draft(vec![Part::Paragraph { text }]), &[sales()]).unwrap();
    let Some(Block::Note { text }) = document.sections.last().and_then(|section| section.blocks.last())
    else {
        panic!("{document:#?}");
    };
    assert!(text.contains("4,711") && !text.contains("523") && !text.contains("827"), "{text}");
    assert!(!text.contains("63.2"), "a share of the sum is in the rows: {text}");
}

/// The numbers of a cell as it is printed, read back.
fn read(cell: &str) -> Option<(f64, i32)> {
    let plain = cell.replace(',', "").replace('−', "-");
    let decimals = plain.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    Some((plain.parse().ok()?, i32::try_from(decimals).unwrap()))
}

/// Whether every number in tables and charts stands in the rows, at the same place.
fn holds(document: &Document, kept: &Kept) {
    for block in document.sections.iter().flat_map(|section| &section.blocks) {
        match block {
            Block::Table(table) => {
                for (row, cells) in kept.rows.rows.iter().zip(&table.rows) {
                    for (value, cell) in row.iter().zip(cells) {
                        match (value.as_f64(), read(cell)) {
                            (Some(x), Some((shown, decimals))) => {
                                let half = 0.5 * 10f64.powi(-decimals) + x.abs() * 1e-12;
                                assert!((x - shown).abs() <= half, "{x} is shown as {cell}");
                            }
                            (None, None) => {}
                            (value, _) => panic!("{value:?} is shown as {cell}"),
                        }
                    }
                }
                assert!(table.rows.len() <= kept.rows.rows.len() && table.total.is_none());
            }
            Block::Chart(chart) => {
                for (at, series) in chart.series.iter().enumerate() {
                    for (row, shown) in kept.rows.rows.iter().zip(&series.values) {
                        let value = row[at + 1].as_f64();
                        let near = value.zip(*shown).is_some_and(|(x, y)| (x - y).abs() <= 1e-4);
                        assert!(
                            near || value.is_none() && shown.is_none(),
                            "{value:?} is drawn as {shown:?}"
                        );
                    }
                }
            }
            _ => {}
        }
    }
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => (-1e9..1e9f64).prop_map(|x| json!(x)),
        2 => (-1_000_000_000..1_000_000_000i64).prop_map(|n| json!(n)),
        2 => (0..100_000i64).prop_map(|n| json!(n as f64 / 100.0)),
        1 => Just(Value::Null),
    ]
}

proptest! {
    #[test]
    fn every_number_of_tables_and_charts_is_in_the_rows(
        rows in proptest::collection::vec((".{0,12}", number(), number()), 1..60),
        named in any::<bool>(),
    ) {
        // Letters before each label: a label that looks like a number is one for whoever reads it back.
        let rows = rows.into_iter().map(|(label, a, b)| vec![json!(format!("x {label}")), a, b]).collect();
        let query = kept(&["label", "first", "second_id"], rows);
        let columns: &[&str] = &["label", "FIRST", "second_id"];
        let parts = vec![table(1, named.then_some(columns)), chart(1, "label", &["first", "second_id"])];
        let document = assemble(&draft(parts), std::slice::from_ref(&query)).unwrap();
        holds(&document, &query);
    }
}
