//! A document as one HTML file: styles and charts are in it, and it asks nothing of the network.

use longhaul_document::{Align, Block, Chart, Document, KeyFigure, QueryRecord, Table, Trend};

use crate::chart;
use crate::markup::Markup;
use crate::number::{Captions, count};
use crate::paragraph::paragraphs;
use crate::sheet::{CHART_HEIGHT, MEASURE};

/// Nothing is run, and nothing is fetched, whatever gets into the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// `document`, which is clean, as HTML.
pub(crate) fn html(document: &Document) -> String {
    let mut page = Page { out: Markup::new("<!doctype html>\n"), captions: Captions::default() };
    page.out.open("html", &[("lang", "en")]).open("head", &[]);
    page.out.empty("meta", &[("charset", "utf-8")]);
    page.out.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
    page.out.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    page.out.empty("meta", &[("name", "generator"), ("content", "Longhaul")]);
    page.out.element("title", &[], &document.title);
    page.out.open("style", &[]).fixed("\n").fixed(include_str!("template/report.css")).close();
    page.out.close().open("body", &[]).open("main", &[]);
    page.head(document);
    if !document.summary.is_empty() {
        page.out.open("section", &[]).element("h2", &[], "Summary");
        page.blocks(&document.summary);
        page.out.close();
    }
    if document.sections.len() >= 3 {
        page.contents(document);
    }
    for (at, section) in document.sections.iter().enumerate() {
        let number = (at + 1).to_string();
        page.out.open("section", &[("id", &anchor(at))]).open("h2", &[]);
        page.out.element("span", &[("class", "number")], &number).text(" ").text(&section.heading).close();
        if section.blocks.is_empty() {
            page.out.element("p", &[("class", "empty")], "Nothing to report.");
        }
        page.blocks(&section.blocks);
        page.out.close();
    }
    if !document.queries.is_empty() {
        page.out.open("section", &[]).element("h2", &[], "Appendix: queries");
        for (at, query) in document.queries.iter().enumerate() {
            page.query(at + 1, query);
        }
        page.out.close();
    }
    page.out.finish() + "\n"
}

fn anchor(section: usize) -> String {
    format!("section-{}", section + 1)
}

struct Page {
    out: Markup,
    captions: Captions,
}

impl Page {
    fn head(&mut self, document: &Document) {
        self.out.open("header", &[]).element("h1", &[], &document.title);
        if let Some(subtitle) = &document.subtitle {
            self.out.element("p", &[("class", "subtitle")], subtitle);
        }
        if !document.facts.is_empty() {
            self.out.open("dl", &[]);
            for (name, value) in &document.facts {
                self.out.element("dt", &[], name).element("dd", &[], value);
            }
            self.out.close();
        }
        self.out.close();
    }

    fn contents(&mut self, document: &Document) {
        self.out.open("nav", &[]).element("p", &[], "Contents").open("ol", &[]);
        for (at, section) in document.sections.iter().enumerate() {
            let to = format!("#{}", anchor(at));
            self.out.open("li", &[]).element("a", &[("href", &to)], &section.heading).close();
        }
        self.out.close().close();
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::Paragraph { text } => self.paragraphs(text),
                Block::Note { text } => {
                    self.out.open("div", &[("class", "note")]);
                    self.paragraphs(text);
                    self.out.close();
                }
                Block::Bullets { items } => {
                    self.out.open("ul", &[]);
                    for item in items {
                        self.out.open("li", &[]);
                        self.paragraphs(item);
                        self.out.close();
                    }
                    self.out.close();
                }
                Block::KeyFigures { figures } => {
                    self.out.open("div", &[("class", "cards")]);
                    figures.iter().for_each(|figure| self.card(figure));
                    self.out.close();
                }
                Block::Table(table) => self.table(table),
                Block::Chart(chart) => self.chart(chart),
            }
        }
    }

    fn paragraphs(&mut self, text: &str) {
        for lines in paragraphs(text) {
            self.out.open("p", &[]);
            for (at, line) in lines.into_iter().enumerate() {
                if at > 0 {
                    self.out.empty("br", &[]);
                }
                self.out.text(line);
            }
            self.out.close();
        }
    }

    fn card(&mut self, figure: &KeyFigure) {
        self.out.open("div", &[("class", "card")]);
        self.out.element("p", &[("class", "label")], &figure.label);
        self.out.element("p", &[("class", "value")], &figure.value);
        if let Some(change) = &figure.change {
            let class = match figure.trend {
                Trend::Up => "up",
                Trend::Down => "down",
                Trend::Flat => "flat",
            };
            self.out.element("p", &[("class", class)], change);
        }
        self.out.close();
    }

    fn caption(&mut self, name: &str, text: &str) {
        self.out.open("figcaption", &[]).element("b", &[], name).text(text).close();
    }

    fn table(&mut self, table: &Table) {
        let name = self.captions.table();
        self.out.open("figure", &[]);
        self.caption(&name, &table.caption);
        self.out.open("div", &[("class", "scroll")]).open("table", &[]);
        let row = |out: &mut Markup, cell: &'static str, cells: &mut dyn Iterator<Item = &str>| {
            out.open("tr", &[]);
            for (text, column) in cells.zip(&table.columns) {
                let right: &[_] = if column.align == Align::Right { &[("class", "right")] } else { &[] };
                out.element(cell, right, text);
            }
            out.close();
        };
        self.out.open("thead", &[]);
        row(&mut self.out, "th", &mut table.columns.iter().map(|column| column.name.as_str()));
        self.out.close().open("tbody", &[]);
        for cells in &table.rows {
            row(&mut self.out, "td", &mut cells.iter().map(String::as_str));
        }
        if table.rows.is_empty() {
            let all = table.columns.len().to_string();
            self.out.open("tr", &[]);
            self.out.element("td", &[("class", "empty"), ("colspan", &all)], "No rows").close();
        }
        self.out.close();
        if let Some(total) = &table.total {
            self.out.open("tfoot", &[]);
            row(&mut self.out, "td", &mut total.iter().map(String::as_str));
            self.out.close();
        }
        self.out.close().close();
        if let Some(note) = &table.note {
            self.out.element("p", &[("class", "under")], note);
        }
        self.out.close();
    }

    fn chart(&mut self, chart: &Chart) {
        let name = self.captions.figure();
        self.out.open("figure", &[("class", "chart")]);
        let drawing = chart::draw(chart, MEASURE, CHART_HEIGHT);
        self.out.append(chart::svg(&drawing, &chart::description(chart)));
        self.caption(&name, &chart.caption);
        self.out.close();
    }

    fn query(&mut self, number: usize, query: &QueryRecord) {
        let told = format!(" {} rows, {} ms", count(query.rows), count(query.millis));
        self.out.open("div", &[("class", "query")]).text(&format!("{number}. "));
        self.out.element("b", &[], if query.purpose.is_empty() { "Query" } else { &query.purpose });
        self.out.element("span", &[("class", "told")], &told);
        self.out.element("pre", &[], query.sql.trim_end()).close();
    }
}
