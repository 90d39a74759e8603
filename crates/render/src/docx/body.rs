//! The text of a Word file.

use longhaul_document::{Align, Block, Chart, Document, KeyFigure, QueryRecord, Table, Trend};

use super::{XML, chart, chart_id};
use crate::chart as figures;
use crate::markup::Markup;
use crate::number::{Captions, count};
use crate::paragraph::paragraphs;
use crate::sheet::{CHART_HEIGHT, MARGIN, MEASURE, PAPER, card_columns};
use crate::table;

const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PLACED: &str = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing";

/// English Metric Units in a point, in which drawings are measured.
const EMU: f64 = 12_700.0;
/// What the label of a fact takes of the width, in fiftieths of a per cent.
const FACT_LABEL: u32 = 1200;
/// The whole width, in fiftieths of a per cent.
const WHOLE: u32 = 5000;

/// The text, and the charts that it names.
pub(super) struct Body {
    pub(super) xml: String,
    pub(super) charts: Vec<String>,
}

pub(super) fn body(document: &Document) -> Body {
    let mut text = Text { out: Markup::new(XML), charts: Vec::new(), captions: Captions::default() };
    let names = [
        ("xmlns:w", WORD),
        ("xmlns:r", OFFICE),
        ("xmlns:wp", PLACED),
        ("xmlns:a", chart::DRAWING),
        ("xmlns:c", chart::CHART),
    ];
    text.out.open("w:document", &names).open("w:body", &[]);
    text.paragraph("Title", &[&document.title]);
    if let Some(subtitle) = &document.subtitle {
        text.paragraph("Subtitle", &[subtitle]);
    }
    text.facts(&document.facts);
    if !document.summary.is_empty() {
        text.paragraph("Heading1", &["Summary"]);
        text.blocks(&document.summary);
    }
    for (at, section) in document.sections.iter().enumerate() {
        text.paragraph("Heading1", &[&format!("{}  {}", at + 1, section.heading)]);
        if section.blocks.is_empty() {
            text.paragraph("Normal", &["Nothing to report."]);
        }
        text.blocks(&section.blocks);
    }
    if !document.queries.is_empty() {
        text.paragraph("Heading1", &["Appendix: queries"]);
        for (at, query) in document.queries.iter().enumerate() {
            text.query(at + 1, query);
        }
    }
    text.page();
    Body { xml: text.out.finish(), charts: text.charts }
}

/// What stands above every page but the first.
pub(super) fn header(title: &str) -> String {
    let mut text = Text { out: Markup::new(XML), charts: Vec::new(), captions: Captions::default() };
    text.out.open("w:hdr", &[("xmlns:w", WORD)]);
    text.paragraph("Header", &[title]);
    text.out.finish()
}

/// How a run of letters looks beside its paragraph.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Plain,
    Strong,
    Accent,
}

struct Text {
    out: Markup,
    charts: Vec<String>,
    captions: Captions,
}

impl Text {
    /// A paragraph of lines.
    fn paragraph(&mut self, style: &str, lines: &[&str]) {
        self.begin(style, Align::Left);
        self.lines(lines, Weight::Plain);
        self.out.close();
    }

    fn begin(&mut self, style: &str, align: Align) {
        self.out.open("w:p", &[]).open("w:pPr", &[]).empty("w:pStyle", &[("w:val", style)]);
        if align == Align::Right {
            self.out.empty("w:jc", &[("w:val", "right")]);
        }
        self.out.close();
    }

    fn lines(&mut self, lines: &[&str], weight: Weight) {
        for (at, line) in lines.iter().enumerate() {
            self.out.open("w:r", &[]);
            if weight != Weight::Plain {
                self.out.open("w:rPr", &[]).empty("w:b", &[]);
                if weight == Weight::Accent {
                    self.out.empty("w:color", &[("w:val", "1F3F66")]);
                }
                self.out.close();
            }
            if at > 0 {
                self.out.empty("w:br", &[]);
            }
            self.out.element("w:t", &[("xml:space", "preserve")], line).close();
        }
    }

    fn running(&mut self, style: &str, text: &str) {
        for lines in paragraphs(text) {
            self.paragraph(style, &lines);
        }
    }

    fn facts(&mut self, facts: &[(String, String)]) {
        if facts.is_empty() {
            return;
        }
        self.table("Facts", &[FACT_LABEL, WHOLE - FACT_LABEL]);
        for (name, value) in facts {
            self.out.open("w:tr", &[]);
            for (style, text) in [("FactLabel", name), ("Cell", value)] {
                self.out.open("w:tc", &[]);
                self.paragraph(style, &[text]);
                self.out.close();
            }
            self.out.close();
        }
        self.out.close();
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::Paragraph { text } => self.running("Normal", text),
                Block::Note { text } => self.running("Note", text),
                Block::Bullets { items } => {
                    for item in items {
                        // One item is one bullet, of however many paragraphs.
                        let lines: Vec<_> = paragraphs(item).into_iter().flatten().collect();
                        self.paragraph("ListBullet", &lines);
                    }
                }
                Block::KeyFigures { figures } => self.cards(figures),
                Block::Table(table) => self.rows(table),
                Block::Chart(chart) => self.chart(chart),
            }
        }
    }

    /// Opens a table over the whole line, with columns of these widths; [`Markup::close`] ends it.
    fn table(&mut self, style: &str, widths: &[u32]) {
        self.out.open("w:tbl", &[]).open("w:tblPr", &[]);
        self.out.empty("w:tblStyle", &[("w:val", style)]);
        self.out.empty("w:tblW", &[("w:w", &WHOLE.to_string()), ("w:type", "pct")]);
        self.out.close().open("w:tblGrid", &[]);
        for width in widths {
            let twips = f64::from(*width) / f64::from(WHOLE) * MEASURE * 20.0;
            self.out.empty("w:gridCol", &[("w:w", &format!("{twips:.0}"))]);
        }
        self.out.close();
    }

    fn cards(&mut self, figures: &[KeyFigure]) {
        let columns = card_columns(figures.len());
        let width = WHOLE / u32::try_from(columns).unwrap_or(1).max(1);
        self.table("TableNormal", &vec![width; columns]);
        for row in figures.chunks(columns) {
            self.out.open("w:tr", &[]).open("w:trPr", &[]).empty("w:cantSplit", &[]).close();
            for at in 0..columns {
                self.out.open("w:tc", &[]).open("w:tcPr", &[]);
                self.out.empty("w:tcW", &[("w:w", &width.to_string()), ("w:type", "pct")]);
                match row.get(at) {
                    Some(figure) => self.card(figure),
                    None => {
                        self.out.close();
                        self.paragraph("Cell", &[]);
                    }
                }
                self.out.close();
            }
            self.out.close();
        }
        self.out.close();
        self.paragraph("Cell", &[]);
    }

    /// The rest of a cell's properties, and a figure.
    fn card(&mut self, figure: &KeyFigure) {
        let side = |out: &mut Markup, name, color: &str, size: &str| {
            out.empty(name, &[("w:val", "single"), ("w:sz", size), ("w:space", "0"), ("w:color", color)]);
        };
        self.out.open("w:tcBorders", &[]);
        side(&mut self.out, "w:top", "1F3F66", "12");
        side(&mut self.out, "w:left", "FFFFFF", "24");
        side(&mut self.out, "w:right", "FFFFFF", "24");
        self.out.close();
        self.out.empty("w:shd", &[("w:val", "clear"), ("w:color", "auto"), ("w:fill", "F3F5F8")]);
        self.out.close();
        self.paragraph("FigureLabel", &[&figure.label]);
        self.paragraph("FigureValue", &[&figure.value]);
        if let Some(change) = &figure.change {
            let arrow = match figure.trend {
                Trend::Up => "▲ ",
                Trend::Down => "▼ ",
                Trend::Flat => "",
            };
            self.paragraph("Cell", &[&format!("{arrow}{change}")]);
        }
    }

    fn caption(&mut self, name: &str, text: &str, keeps: bool) {
        self.out.open("w:p", &[]).open("w:pPr", &[]).empty("w:pStyle", &[("w:val", "Caption")]);
        if keeps {
            self.out.empty("w:keepNext", &[]);
        }
        self.out.close();
        self.lines(&[name], Weight::Accent);
        self.lines(&[&format!("  {text}")], Weight::Plain);
        self.out.close();
    }

    fn rows(&mut self, table: &Table) {
        let name = self.captions.table();
        self.caption(&name, &table.caption, true);
        // In the proportions of the typeset one.
        let widths = table::widths(table);
        let line: f64 = widths.iter().sum();
        let share = |width: f64| (width / line.max(1.0) * f64::from(WHOLE)).round() as u32;
        self.table("Report", &widths.into_iter().map(share).collect::<Vec<_>>());
        self.row(table, table.columns.iter().map(|column| column.name.as_str()), Weight::Accent);
        for cells in &table.rows {
            self.row(table, cells.iter().map(String::as_str), Weight::Plain);
        }
        if table.rows.is_empty() {
            let all = table.columns.len().to_string();
            self.out.open("w:tr", &[]).open("w:tc", &[]);
            self.out.open("w:tcPr", &[]).empty("w:gridSpan", &[("w:val", &all)]).close();
            self.paragraph("Cell", &["No rows"]);
            self.out.close().close();
        }
        if let Some(total) = &table.total {
            self.row(table, total.iter().map(String::as_str), Weight::Strong);
        }
        self.out.close();
        self.paragraph("Under", &[table.note.as_deref().unwrap_or_default()]);
    }

    fn row<'a>(&mut self, table: &Table, cells: impl Iterator<Item = &'a str>, weight: Weight) {
        self.out.open("w:tr", &[]).open("w:trPr", &[]).empty("w:cantSplit", &[]);
        if weight == Weight::Accent {
            self.out.empty("w:tblHeader", &[]);
        }
        self.out.close();
        for (text, column) in cells.zip(&table.columns) {
            self.out.open("w:tc", &[]);
            if weight == Weight::Accent {
                self.out.open("w:tcPr", &[]);
                self.out.empty("w:shd", &[("w:val", "clear"), ("w:color", "auto"), ("w:fill", "F3F5F8")]);
                self.out.empty("w:vAlign", &[("w:val", "bottom")]).close();
            }
            self.begin("Cell", column.align);
            self.lines(&[text], weight);
            self.out.close().close();
        }
        self.out.close();
    }

    fn chart(&mut self, of: &Chart) {
        let name = self.captions.figure();
        // As high as the typeset one: that knows how much room its labels take.
        let height = figures::draw(of, MEASURE, CHART_HEIGHT).height().clamp(120.0, CHART_HEIGHT);
        let (width, height) = (format!("{:.0}", MEASURE * EMU), format!("{:.0}", height * EMU));
        let number = (self.charts.len() + 1).to_string();
        self.begin("Chart", Align::Left);
        let none = [("distT", "0"), ("distB", "0"), ("distL", "0"), ("distR", "0")];
        self.out.open("w:r", &[]).open("w:drawing", &[]).open("wp:inline", &none);
        self.out.empty("wp:extent", &[("cx", &width), ("cy", &height)]);
        let description = figures::description(of);
        self.out.empty("wp:docPr", &[("id", &number), ("name", &name), ("descr", &description)]);
        self.out.empty("wp:cNvGraphicFramePr", &[]);
        self.out.open("a:graphic", &[]).open("a:graphicData", &[("uri", chart::CHART)]);
        self.out.empty("c:chart", &[("r:id", &chart_id(self.charts.len()))]);
        self.out.close().close().close().close().close().close();
        self.caption(&name, &of.caption, false);
        self.charts.push(chart::chart(of));
    }

    fn query(&mut self, number: usize, query: &QueryRecord) {
        let purpose = if query.purpose.is_empty() { "Query" } else { &query.purpose };
        self.out.open("w:p", &[]).open("w:pPr", &[]).empty("w:pStyle", &[("w:val", "Cell")]);
        self.out.empty("w:keepNext", &[]).close();
        self.lines(&[&format!("{number}. {purpose}")], Weight::Strong);
        let told = format!("  {} rows, {} ms", count(query.rows), count(query.millis));
        self.lines(&[&told], Weight::Plain);
        self.out.close();
        let lines: Vec<_> = query.sql.trim_end().lines().collect();
        self.paragraph("Code", &lines);
    }

    /// The paper, and what stands at its head and foot.
    fn page(&mut self) {
        let twips = |points: f64| format!("{:.0}", points * 20.0);
        self.out.open("w:sectPr", &[]);
        self.out.empty("w:headerReference", &[("w:type", "default"), ("r:id", "rId_header")]);
        self.out.empty("w:footerReference", &[("w:type", "default"), ("r:id", "rId_footer")]);
        self.out.empty("w:footerReference", &[("w:type", "first"), ("r:id", "rId_footer")]);
        self.out.empty("w:pgSz", &[("w:w", &twips(PAPER.0)), ("w:h", &twips(PAPER.1))]);
        let (side, top, bottom) = (twips(MARGIN.0), twips(MARGIN.1), twips(MARGIN.2));
        self.out.empty(
            "w:pgMar",
            &[
                ("w:top", &top),
                ("w:right", &side),
                ("w:bottom", &bottom),
                ("w:left", &side),
                ("w:header", "640"),
                ("w:footer", "600"),
                ("w:gutter", "0"),
            ],
        );
        self.out.empty("w:titlePg", &[]).close();
    }
}
