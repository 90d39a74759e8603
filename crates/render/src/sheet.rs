//! A document as the template wants it: every decision made, only setting left to do.

use longhaul_document::{Block, Document, KeyFigure, QueryRecord, Trend};
use serde::Serialize;

use crate::chart::{self, Drawing};
use crate::fonts::Fonts;
use crate::number::count;
use crate::paragraph;
use crate::ruler::{self, Face};
use crate::table::{self, TableSheet};
use crate::{Error, Options};

/// The paper: A4, in points.
pub(crate) const PAPER: (f64, f64) = (595.28, 841.89);
/// The margins at the sides, the top and the bottom, in points.
pub(crate) const MARGIN: (f64, f64, f64) = (56.0, 68.0, 62.0);
/// The width of a line of text, in points.
pub(crate) const MEASURE: f64 = PAPER.0 - 2.0 * MARGIN.0;
/// The width of a line on a page on its side, in points.
pub(crate) const FLIPPED_MEASURE: f64 = PAPER.1 - 2.0 * MARGIN.0;
/// The tallest chart, in points: a page less its caption.
pub(crate) const CHART_HEIGHT: f64 = PAPER.1 - MARGIN.1 - MARGIN.2 - 60.0;

/// The size of running text, in points.
const SIZE: f64 = 10.0;
/// The width of the labels of facts.
const FACT_LABEL: f64 = 110.0;
/// The space between cards, and inside them on either side.
const CARD: (f64, f64) = (10.0, 10.0);
/// The sizes that key figures are tried in, and that of one that fits in none of them.
const VALUE_SIZES: [f64; 4] = [22.0, 19.0, 16.5, 14.0];
const SMALL_VALUE: f64 = 11.0;
/// The least width of the first and the last two columns of the table of queries.
const QUERY_COLUMNS: (f64, f64) = (24.0, 52.0);

/// A text; with more than one piece, a line may break between them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Text {
    /// Breaks between words are enough.
    Whole(String),
    /// Some word is wider than its place.
    Pieces(Vec<String>),
}

impl Text {
    /// `text` for a place `width` points wide.
    pub(crate) fn new(text: &str, face: Face, size: f64, width: f64) -> Self {
        let mut pieces = ruler::pieces(text, face, size, width);
        if pieces.len() == 1 {
            // One piece was just asked for.
            return Self::Whole(pieces.pop().unwrap_or_default());
        }
        Self::Pieces(pieces)
    }
}

#[derive(Serialize)]
struct Sheet {
    paper: Paper,
    title: Text,
    /// The title for the PDF's own records.
    name: String,
    /// The title for the head of later pages.
    running: String,
    subtitle: Option<Text>,
    facts: Vec<(Text, Text)>,
    fact_label: f64,
    summary: Vec<Spread>,
    /// Whether a table of contents ends the first page.
    contents: bool,
    sections: Vec<Part>,
    queries: Vec<Query>,
    query_columns: [f64; 4],
    /// The characters that no font has, if any.
    missing: Option<String>,
}

#[derive(Serialize)]
struct Paper {
    width: f64,
    height: f64,
    side: f64,
    top: f64,
    bottom: f64,
    size: f64,
}

#[derive(Serialize)]
struct Part {
    heading: Text,
    spreads: Vec<Spread>,
}

/// What stands on pages of one orientation.
#[derive(Serialize)]
struct Spread {
    /// Whether they lie on their sides.
    flipped: bool,
    items: Vec<Item>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Item {
    Paragraphs { paragraphs: Vec<Vec<Text>> },
    Note { paragraphs: Vec<Vec<Text>> },
    Bullets { items: Vec<Vec<Vec<Text>>> },
    Cards { columns: usize, cards: Vec<Card> },
    Table(TableSheet),
    Chart { caption: Text, description: String, drawing: Drawing },
}

#[derive(Serialize)]
struct Card {
    label: Text,
    value: Text,
    /// The size of the value, in points.
    size: f64,
    change: Option<Text>,
    trend: Trend,
}

#[derive(Serialize)]
struct Query {
    purpose: Text,
    /// Lines of SQL with their indents, in characters.
    sql: Vec<(usize, Text)>,
    rows: String,
    millis: String,
}

impl Item {
    fn is_text(&self) -> bool {
        matches!(self, Self::Paragraphs { .. } | Self::Note { .. } | Self::Bullets { .. })
    }
}

/// The template's input for `document`, as JSON.
pub(crate) fn data(document: &Document, options: &Options, fonts: &Fonts) -> Result<Vec<u8>, Error> {
    let mut document = document.clone();
    document.clean();
    document.check(&options.limits)?;
    let sheet = sheet(&document, fonts);
    serde_json::to_vec(&sheet).map_err(|error| Error::Typesetting(error.to_string()))
}

fn sheet(document: &Document, fonts: &Fonts) -> Sheet {
    let query_columns = query_columns(&document.queries);
    Sheet {
        paper: Paper {
            width: PAPER.0,
            height: PAPER.1,
            side: MARGIN.0,
            top: MARGIN.1,
            bottom: MARGIN.2,
            size: SIZE,
        },
        title: Text::new(&document.title, Face::Strong, 25.0, MEASURE),
        name: document.title.clone(),
        running: ruler::shortened(&document.title, Face::Regular, 8.5, MEASURE * 0.8),
        subtitle: document.subtitle.as_ref().map(|text| Text::new(text, Face::Regular, 13.0, MEASURE)),
        facts: document
            .facts
            .iter()
            .map(|(label, value)| {
                let room = FACT_LABEL - 8.0;
                (
                    Text::new(label, Face::Regular, 9.5, room),
                    Text::new(value, Face::Regular, 9.5, MEASURE - FACT_LABEL),
                )
            })
            .collect(),
        fact_label: FACT_LABEL,
        summary: spreads(&document.summary),
        contents: document.sections.len() >= 3,
        sections: document
            .sections
            .iter()
            .map(|section| Part {
                heading: Text::new(&section.heading, Face::Strong, 15.0, MEASURE - 40.0),
                spreads: spreads(&section.blocks),
            })
            .collect(),
        queries: document.queries.iter().map(|record| query(record, &query_columns)).collect(),
        query_columns,
        missing: missing(document, fonts),
    }
}

/// The blocks as items, those on turned pages apart.
///
/// What introduces a table goes with it, so that no page is left with a heading and a line.
fn spreads(blocks: &[Block]) -> Vec<Spread> {
    let mut out: Vec<Spread> = Vec::new();
    for item in blocks.iter().map(item) {
        let flipped = matches!(&item, Item::Table(table) if table.flipped);
        match out.last_mut() {
            Some(last) if last.flipped == flipped => last.items.push(item),
            Some(last) if flipped => {
                let texts = last.items.iter().rev().take_while(|item| item.is_text()).count();
                // All of a short opening, else the last text alone.
                let moved = if texts == last.items.len() && texts <= 4 { texts } else { texts.min(1) };
                let mut items = last.items.split_off(last.items.len() - moved);
                items.push(item);
                out.push(Spread { flipped, items });
            }
            _ => out.push(Spread { flipped, items: vec![item] }),
        }
    }
    out.retain(|spread| !spread.items.is_empty());
    out
}

fn item(block: &Block) -> Item {
    match block {
        Block::Paragraph { text } => Item::Paragraphs { paragraphs: paragraphs(text, SIZE, MEASURE) },
        Block::Note { text } => Item::Note { paragraphs: paragraphs(text, SIZE - 0.5, MEASURE - 30.0) },
        Block::Bullets { items } => {
            Item::Bullets { items: items.iter().map(|text| paragraphs(text, SIZE, MEASURE - 20.0)).collect() }
        }
        Block::KeyFigures { figures } => cards(figures),
        Block::Table(table) => Item::Table(table::sheet(table)),
        Block::Chart(chart) => Item::Chart {
            caption: Text::new(&chart.caption, Face::Regular, 9.0, MEASURE - 60.0),
            description: chart::description(chart),
            drawing: chart::draw(chart, MEASURE, CHART_HEIGHT),
        },
    }
}

/// `text` as paragraphs of lines.
fn paragraphs(text: &str, size: f64, width: f64) -> Vec<Vec<Text>> {
    let line = |line: &&str| Text::new(line, Face::Regular, size, width);
    paragraph::paragraphs(text).iter().map(|lines| lines.iter().map(line).collect()).collect()
}

/// How many cards stand side by side: at most four, in rows as even as can be.
pub(crate) fn card_columns(cards: usize) -> usize {
    match cards {
        0 => 1,
        1..=4 => cards,
        5 | 6 | 9 => 3,
        _ => 4,
    }
}

fn cards(figures: &[KeyFigure]) -> Item {
    let columns = card_columns(figures.len());
    let (gap, inset) = CARD;
    let room = (MEASURE - gap * (columns - 1) as f64) / columns as f64 - 2.0 * inset - 2.0;
    let fits = |figure: &KeyFigure, size: f64| ruler::width(&figure.value, Face::Strong, size) <= room;
    // All figures are as large as the longest allows; one that is too long by far gets smaller by
    // itself, and then wraps.
    let large = |figure: &KeyFigure| VALUE_SIZES.into_iter().find(|&size| fits(figure, size));
    let common = figures.iter().filter_map(large).fold(VALUE_SIZES[0], f64::min);
    let card = |figure: &KeyFigure| {
        let size = if fits(figure, common) { common } else { SMALL_VALUE };
        Card {
            label: Text::new(&figure.label, Face::Regular, 9.0, room),
            value: Text::new(&figure.value, Face::Strong, size, room),
            size,
            change: figure.change.as_ref().map(|text| Text::new(text, Face::Regular, 9.0, room - 10.0)),
            trend: figure.trend,
        }
    };
    Item::Cards { columns, cards: figures.iter().map(card).collect() }
}

/// The columns of the table of queries: number, query, rows, time.
fn query_columns(records: &[QueryRecord]) -> [f64; 4] {
    let (number, figures) = QUERY_COLUMNS;
    let widest = |figure: fn(&QueryRecord) -> u64| {
        let width = |record| ruler::width(&count(figure(record)), Face::Regular, 9.0) + 11.0;
        records.iter().map(width).fold(figures, f64::max)
    };
    let (rows, millis) = (widest(|record| record.rows), widest(|record| record.millis));
    [number, MEASURE - number - rows - millis, rows, millis]
}

fn query(record: &QueryRecord, columns: &[f64; 4]) -> Query {
    let room = columns[1] - 11.0;
    let line = |line: &str| {
        let text = line.trim_start();
        // A deep indent leaves at least half of the width to the text.
        let indent = (line.chars().count() - text.chars().count()).min(24);
        let width = room - ruler::width("n", Face::Mono, 7.5) * (indent as f64 + 4.0);
        (indent, Text::new(text.trim_end(), Face::Mono, 7.5, width))
    };
    Query {
        purpose: Text::new(&record.purpose, Face::Strong, 9.0, room),
        sql: record.sql.lines().map(line).collect(),
        rows: count(record.rows),
        millis: count(record.millis),
    }
}

/// Names the characters of `document` that no font has, up to a number.
fn missing(document: &Document, fonts: &Fonts) -> Option<String> {
    const NAMED: usize = 12;
    // The names of fields are covered, so the JSON stands for all texts. JSON escapes nothing that
    // a clean text holds but quotes, backslashes, line breaks: all covered too.
    let json = serde_json::to_string(document).ok()?;
    let characters: std::collections::BTreeSet<char> =
        json.chars().filter(|&character| !character.is_ascii() && !fonts.covers(character)).collect();
    if characters.is_empty() {
        return None;
    }
    let named: Vec<String> =
        characters.iter().take(NAMED).map(|&character| format!("U+{:04X}", u32::from(character))).collect();
    let more = characters.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("{}{rest}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_lines_are_kept() {
        let whole = |text: &str| Text::Whole(text.to_owned());
        assert_eq!(
            paragraphs("one\ntwo\n\n\n three ", 10.0, 400.0),
            [vec![whole("one"), whole("two")], vec![whole("three")]]
        );
        let broken = paragraphs(&"x".repeat(300), 10.0, 400.0);
        assert!(matches!(&broken[0][0], Text::Pieces(pieces) if pieces.concat() == "x".repeat(300)));
    }

    #[test]
    fn what_introduces_a_wide_table_goes_with_it() {
        use longhaul_document::{Column, Table};

        let text = |text: &str| Block::Paragraph { text: text.to_owned() };
        let column = Column { name: "n".to_owned(), align: longhaul_document::Align::Right };
        let table = |columns: usize| {
            Block::Table(Table {
                caption: "c".to_owned(),
                columns: vec![column.clone(); columns],
                rows: vec![vec!["1,234,567,890,123".to_owned(); columns]],
                total: None,
                note: None,
            })
        };
        let shape = |blocks: &[Block]| -> Vec<(bool, usize)> {
            spreads(blocks).iter().map(|spread| (spread.flipped, spread.items.len())).collect()
        };
        assert_eq!(shape(&[text("a"), table(2), text("b")]), [(false, 3)]);
        assert_eq!(shape(&[text("a"), text("b"), table(10), table(10), text("c")]), [(true, 4), (false, 1)]);
        assert_eq!(shape(&[table(2), text("a"), text("b"), table(10)]), [(false, 2), (true, 2)]);
        assert!(shape(&[]).is_empty());
    }

    #[test]
    fn cards_stand_in_even_rows_of_at_most_four() {
        let columns: Vec<usize> = (1..=12).map(card_columns).collect();
        assert_eq!(columns, [1, 2, 3, 4, 3, 3, 4, 4, 3, 4, 4, 4]);
    }
}
