use super::*;
use crate::{Align, ChartKind, Column, Section, Series, Trend};

fn document(blocks: Vec<Block>) -> Document {
    Document {
        title: "Review".to_owned(),
        subtitle: None,
        facts: vec![("Source".to_owned(), "sales.csv".to_owned())],
        summary: Vec::new(),
        sections: vec![Section { heading: "Sales".to_owned(), blocks }],
        queries: Vec::new(),
    }
}

fn table(columns: usize, rows: &[usize]) -> Table {
    let column = Column { name: "n".to_owned(), align: Align::Right };
    Table {
        caption: "Figures".to_owned(),
        columns: vec![column; columns],
        rows: rows.iter().map(|&cells| vec!["1".to_owned(); cells]).collect(),
        total: None,
        note: None,
    }
}

fn chart(labels: usize, values: Vec<Option<f64>>) -> Chart {
    Chart {
        caption: "Figures".to_owned(),
        kind: ChartKind::Line,
        labels: vec!["2026".to_owned(); labels],
        series: vec![Series { name: String::new(), values }],
        unit: None,
    }
}

/// The faults of `document` as they are told.
fn faults(document: &Document, limits: &Limits) -> Vec<String> {
    match document.check(limits) {
        Ok(()) => Vec::new(),
        Err(faults) => faults.iter().map(Fault::to_string).collect(),
    }
}

#[test]
fn a_whole_document_passes_even_where_it_is_empty() {
    let mut document = document(vec![
        Block::Table(table(2, &[])),
        Block::Table(Table { total: Some(vec![String::new(); 2]), ..table(2, &[2, 2]) }),
        Block::Chart(chart(3, vec![Some(1.0), None, Some(-1e15)])),
    ]);
    document.sections.push(Section { heading: "Nothing yet".to_owned(), blocks: Vec::new() });
    assert_eq!(faults(&document, &Limits::default()), Vec::<String>::new());
}

#[test]
fn rows_and_series_must_fit() {
    let document = document(vec![
        Block::Table(Table { total: Some(Vec::new()), ..table(3, &[3, 2]) }),
        Block::Chart(chart(2, vec![Some(1.0)])),
    ]);
    assert_eq!(
        faults(&document, &Limits::default()),
        [
            "sections[0].blocks[0].table.rows[1]: has 2 cells, but there are 3 columns",
            "sections[0].blocks[0].table.total: has 0 cells, but there are 3 columns",
            "sections[0].blocks[1].chart.series[0]: has 1 values, but there are 2 labels",
        ]
    );
}

#[test]
fn names_must_say_something() {
    let mut document = document(vec![
        Block::Bullets { items: Vec::new() },
        Block::Table(table(0, &[])),
        Block::Chart(Chart { series: Vec::new(), ..chart(0, Vec::new()) }),
        Block::KeyFigures {
            figures: vec![KeyFigure {
                label: String::new(),
                value: "1".to_owned(),
                change: None,
                trend: Trend::Flat,
            }],
        },
    ]);
    document.title = "  ".to_owned();
    document.sections[0].heading.clear();
    assert_eq!(
        faults(&document, &Limits::default()),
        [
            "title: must not be empty",
            "sections[0].heading: must not be empty",
            "sections[0].blocks[0].bullets.items: must not be empty",
            "sections[0].blocks[1].table.columns: must not be empty",
            "sections[0].blocks[2].chart.labels: must not be empty",
            "sections[0].blocks[2].chart.series: must not be empty",
            "sections[0].blocks[3].key_figures.figures[0].label: must not be empty",
        ]
    );
}

#[test]
fn values_must_be_drawable() {
    let document =
        document(vec![Block::Chart(chart(3, vec![Some(f64::NAN), Some(f64::NEG_INFINITY), Some(1e16)]))]);
    assert_eq!(
        faults(&document, &Limits::default()),
        [
            "sections[0].blocks[0].chart.series[0].values[0]: is not a finite number; use null for a gap",
            "sections[0].blocks[0].chart.series[0].values[1]: is not a finite number; use null for a gap",
            "sections[0].blocks[0].chart.series[0].values[2]: is beyond ±1000000000000000; use a larger unit",
        ]
    );
}

#[test]
fn sizes_are_bounded() {
    let limits = Limits { rows: 2, cells: 5, line: 6, total_text: 40, ..Limits::default() };
    let mut document = document(vec![Block::Table(table(2, &[2, 2, 2]))]);
    // Six characters of two bytes each are six characters.
    document.title = "éééééé".to_owned();
    document.subtitle = Some("seventy".to_owned());
    assert_eq!(
        faults(&document, &limits),
        [
            "subtitle: has 7 characters, at most 6 are allowed",
            "facts[0][1]: has 9 characters, at most 6 are allowed",
            "sections[0].blocks[0].table.caption: has 7 characters, at most 6 are allowed",
            "sections[0].blocks[0].table.rows: has 3 rows, at most 2 are allowed",
            "document: has 6 cells in its tables, at most 5 are allowed",
            "document: has 54 bytes of text, at most 40 are allowed",
        ]
    );
}

#[test]
fn invisible_characters_are_faults_until_cleaned() {
    let mut document = document(vec![Block::Paragraph { text: "a\nb\u{202e}c".to_owned() }]);
    document.title = "Re\u{200b}view\n".to_owned();
    assert_eq!(
        faults(&document, &Limits::default()),
        [
            "title: holds the invisible character U+200B; remove it",
            "sections[0].blocks[0].paragraph.text: holds the invisible character U+202E; remove it",
        ]
    );
    document.clean();
    assert_eq!(faults(&document, &Limits::default()), Vec::<String>::new());
    assert_eq!(document.title, "Review");
    assert_eq!(document.sections[0].blocks, [Block::Paragraph { text: "a\nbc".to_owned() }]);
}

#[test]
fn faults_are_told_up_to_a_number() {
    let document = document(vec![Block::Table(table(1, &[2; 1_000]))]);
    assert_eq!(faults(&document, &Limits::default()).len(), Faults::MOST);
}
