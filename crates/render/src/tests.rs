//! What is true of whole documents.

use longhaul_document::{Align, Block, Chart, Column, Document, QueryRecord, Section, Table};
use typst::layout::{Abs, Frame, FrameItem, Point, Transform};
use typst_layout::PagedDocument;
use typst_pdf::PdfStandard;

use super::*;

/// Documents like those that the program makes, and one made to break the layout.
pub(super) fn samples() -> [(&'static str, Document); 3] {
    let read = |json: &str| serde_json::from_str(json).unwrap();
    [
        ("quarterly review", read(include_str!("../samples/quarterly-review.json"))),
        ("detail", read(include_str!("../samples/detail.json"))),
        ("hard cases", read(include_str!("../samples/hard-cases.json"))),
    ]
}

fn document(blocks: Vec<Block>) -> Document {
    Document {
        title: "Review".to_owned(),
        subtitle: None,
        facts: Vec::new(),
        summary: Vec::new(),
        sections: vec![Section { heading: "Sales".to_owned(), blocks }],
        queries: Vec::new(),
    }
}

/// A run of text on a page: its two ends, in points from the upper left corner.
struct Run {
    text: String,
    start: (f64, f64),
    end: (f64, f64),
}

/// A page as laid out.
struct Page {
    width: f64,
    height: f64,
    runs: Vec<Run>,
}

impl Page {
    /// All text, in the order of the layout, without spaces: where lines are broken is not text.
    fn text(&self) -> String {
        self.runs
            .iter()
            .flat_map(|run| run.text.chars())
            .filter(|character| !character.is_whitespace())
            .collect()
    }
}

/// The pages of `document`.
fn pages(document: &Document) -> Vec<Page> {
    let fonts = Fonts::load(&[]).unwrap();
    let data = sheet::data(document, &Options::default(), &fonts).unwrap();
    world::typeset(data, &fonts, |pages| Ok(laid_out(pages))).unwrap()
}

fn laid_out(document: &PagedDocument) -> Vec<Page> {
    document
        .pages()
        .iter()
        .map(|page| {
            let mut runs = Vec::new();
            collect(&page.frame, Transform::identity(), &mut runs);
            Page { width: page.frame.width().to_pt(), height: page.frame.height().to_pt(), runs }
        })
        .collect()
}

fn collect(frame: &Frame, transform: Transform, runs: &mut Vec<Run>) {
    for (at, item) in frame.items() {
        let moved = transform.pre_concat(Transform::translate(at.x, at.y));
        match item {
            FrameItem::Group(group) => collect(&group.frame, moved.pre_concat(group.transform), runs),
            FrameItem::Text(text) => {
                let place = |x: Abs| {
                    let point = Point::with_x(x).transform(moved);
                    (point.x.to_pt(), point.y.to_pt())
                };
                runs.push(Run {
                    text: text.text.to_string(),
                    start: place(Abs::zero()),
                    end: place(text.width()),
                });
            }
            _ => {}
        }
    }
}

/// Every text that must be in the PDF in full: all but what charts may shorten.
fn texts(document: &Document) -> Vec<String> {
    let mut document = document.clone();
    document.clean();
    let mut out = vec![document.title];
    out.extend(document.subtitle);
    out.extend(document.facts.into_iter().flat_map(|(label, value)| [label, value]));
    let sections = document.sections.into_iter().map(|section| (Some(section.heading), section.blocks));
    for (heading, blocks) in std::iter::once((None, document.summary)).chain(sections) {
        out.extend(heading);
        for block in blocks {
            match block {
                Block::Paragraph { text } | Block::Note { text } => out.push(text),
                Block::Bullets { items } => out.extend(items),
                Block::KeyFigures { figures } => {
                    for figure in figures {
                        out.extend([figure.label, figure.value].into_iter().chain(figure.change));
                    }
                }
                Block::Table(Table { caption, columns, rows, total, note }) => {
                    out.push(caption);
                    out.extend(columns.into_iter().map(|column| column.name));
                    out.extend(rows.into_iter().chain(total).flatten());
                    out.extend(note);
                }
                Block::Chart(Chart { caption, .. }) => out.push(caption),
            }
        }
    }
    for QueryRecord { purpose, sql, rows, millis } in document.queries {
        out.extend([purpose, sql]);
        // Figures are grouped on paper.
        assert!(rows < 1_000 || rows == 1_000_000_000_000, "{rows}");
        assert!(millis < 1_000 || millis == 1_000_000_000, "{millis}");
    }
    out
}

#[test]
fn samples_are_pdfs_and_the_same_every_time() {
    for (name, document) in samples() {
        let first = pdf(&document, &Options::default()).unwrap();
        assert!(first.starts_with(b"%PDF-1.7"), "{name}");
        assert!(first.trim_ascii_end().ends_with(b"%%EOF"), "{name}");
        assert!(first == pdf(&document, &Options::default()).unwrap(), "{name} differs from itself");
    }
}

#[test]
fn nothing_leaves_the_page_and_nothing_vanishes() {
    for (name, document) in samples() {
        let pages = pages(&document);
        for (number, page) in pages.iter().enumerate() {
            for run in &page.runs {
                for (x, y) in [run.start, run.end] {
                    let inside =
                        (54.0..=page.width - 54.0).contains(&x) && (20.0..=page.height - 20.0).contains(&y);
                    assert!(inside, "{name}, page {}: {:?} at {x} {y}", number + 1, run.text);
                }
            }
        }
        let printed: String = pages.iter().map(Page::text).collect();
        for text in texts(&document) {
            // A long text may go on behind the head of the next page, so it is looked for by word.
            for word in text.split_whitespace() {
                assert!(printed.contains(word), "{name}: {word:?} of {text:?}");
            }
        }
    }
}

#[test]
fn hostile_text_is_only_text() {
    let hostile = [
        "#read(\"/etc/passwd\")",
        "#while true {}",
        "#include \"document.json\"",
        "<script>alert(1)</script>",
        "$x$ *a* _b_ `c` @d <e> = f // g /* h */ \\i \\u{41}",
        "[#panic()]",
        "\"},\"title\":\"x",
    ];
    let everywhere = hostile.join(" ");
    let mut document = document(vec![
        Block::Paragraph { text: everywhere.clone() },
        Block::Bullets { items: vec![everywhere.clone()] },
        Block::Note { text: everywhere.clone() },
        Block::Table(Table {
            caption: everywhere.clone(),
            columns: vec![Column { name: everywhere.clone(), align: Align::Left }],
            rows: vec![vec![everywhere.clone()]],
            total: Some(vec![everywhere.clone()]),
            note: Some(everywhere.clone()),
        }),
    ]);
    document.title.clone_from(&everywhere);
    document.sections[0].heading.clone_from(&everywhere);
    document.facts = vec![(everywhere.clone(), everywhere.clone())];
    document.queries =
        vec![QueryRecord { purpose: everywhere.clone(), sql: everywhere.clone(), rows: 1, millis: 1 }];
    let printed: String = pages(&document).iter().map(Page::text).collect();
    let wanted: String = everywhere.split_whitespace().collect();
    // Title, heading, two of a fact, paragraph, bullet, note, five of the table, two of the query.
    assert_eq!(printed.matches(&wanted).count(), 14);
}

#[test]
fn characters_that_turn_text_around_are_gone() {
    let document =
        document(vec![Block::Paragraph { text: "pay \u{202e}001\u{202c} to\u{200b}day".to_owned() }]);
    let printed: String = pages(&document).iter().map(Page::text).collect();
    assert!(printed.contains("pay001today"), "{printed}");
}

#[test]
fn a_table_over_many_pages_repeats_its_head_and_keeps_its_rows() {
    let column = |name: &str, align| Column { name: name.to_owned(), align };
    let table = Table {
        caption: "Entries".to_owned(),
        columns: vec![column("Entry heading", Align::Left), column("Figure", Align::Right)],
        rows: (0..500).map(|index| vec![format!("entry{index}."), format!("{index}")]).collect(),
        total: Some(vec!["Sum".to_owned(), "124,750".to_owned()]),
        note: None,
    };
    let pages = pages(&document(vec![Block::Table(table)]));
    assert!(pages.len() > 5);
    assert!(pages.iter().all(|page| page.text().contains("Entryheading")));
    let printed: String = pages.iter().map(Page::text).collect();
    assert!((0..500).all(|index| printed.matches(&format!("entry{index}.")).count() == 1));
    assert_eq!(printed.matches("124,750").count(), 1);
    assert!(pages.last().unwrap().text().contains(&format!("{0}/{0}", pages.len())));
}

#[test]
fn characters_without_a_font_are_owned_up_to() {
    let text = |document: &Document| pages(document).iter().map(Page::text).collect::<String>();
    let plain = text(&document(vec![Block::Paragraph {
        text: "Žluťoučký kůň, Ελλάδα, Київ".to_owned()
    }]));
    assert!(!plain.contains("Nofontathand"));
    let foreign = text(&document(vec![Block::Paragraph { text: "東京 revenue".to_owned() }]));
    assert!(foreign.contains("emptyboxes:U+4EAC,U+6771."), "{foreign}");
    // They are boxes on paper, but can still be copied and searched for.
    assert!(foreign.contains("東京"));
}

#[test]
fn samples_can_be_read_aloud() {
    // PDF/UA-1 demands a title, a language, a whole tag tree, and words for every picture.
    for (name, document) in samples() {
        let standards = PdfStandards::new(&[PdfStandard::Ua_1]).unwrap();
        let result = export(&document, &Options::default(), standards);
        if name == "hard cases" {
            // It also demands a font for every character.
            continue;
        }
        assert!(result.is_ok(), "{name}: {}", result.unwrap_err());
    }
}

#[test]
fn a_faulty_document_is_refused_with_its_faults() {
    let row = vec!["1".to_owned(), "2".to_owned()];
    let table = Table {
        caption: "Figures".to_owned(),
        columns: vec![Column { name: "n".to_owned(), align: Align::Right }],
        rows: vec![row],
        total: None,
        note: None,
    };
    let mut document = document(vec![Block::Table(table)]);
    document.title = "\u{200b}".to_owned();
    let error = pdf(&document, &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the document cannot be set: title: must not be empty; \
         sections[0].blocks[0].table.rows[0]: has 2 cells, but there are 1 columns"
    );
}

#[test]
fn an_empty_document_is_one_page() {
    let mut document = document(Vec::new());
    let text = |document: &Document| {
        let pages = pages(document);
        assert_eq!(pages.len(), 1);
        pages[0].text()
    };
    assert!(text(&document).contains("1SalesNothingtoreport."));
    document.sections.clear();
    assert!(text(&document).contains("Review"));
}
