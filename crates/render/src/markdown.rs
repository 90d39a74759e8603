//! A document as Markdown: CommonMark, with the tables that GitHub and most others read.
//!
//! Every character of a text that Markdown would take for markup is written with a backslash before
//! it. A chart is the table of its figures.

use longhaul_document::{Align, Block, Chart, Document, KeyFigure, QueryRecord, Table};

use crate::chart;
use crate::number::{Captions, count};
use crate::paragraph::paragraphs;

/// `document`, which is clean, as Markdown.
pub(crate) fn markdown(document: &Document) -> String {
    let mut page = Page::default();
    page.block(format!("# {}", line(&document.title)));
    if let Some(subtitle) = &document.subtitle {
        page.block(format!("*{}*", line(subtitle)));
    }
    let facts = document.facts.iter().map(|(name, value)| format!("- **{}**: {}", line(name), line(value)));
    page.block(facts.collect::<Vec<_>>().join("\n"));
    if !document.summary.is_empty() {
        page.block("## Summary".to_owned());
        page.blocks(&document.summary);
    }
    for (number, section) in document.sections.iter().enumerate() {
        page.block(format!("## {}. {}", number + 1, line(&section.heading)));
        if section.blocks.is_empty() {
            page.block("*Nothing to report.*".to_owned());
        }
        page.blocks(&section.blocks);
    }
    if !document.queries.is_empty() {
        page.block("## Appendix: queries".to_owned());
        for (number, query) in document.queries.iter().enumerate() {
            page.query(number + 1, query);
        }
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
    captions: Captions,
}

impl Page {
    /// Adds a block, an empty line before it; an empty one is left out.
    fn block(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&text);
        self.text.push('\n');
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::Paragraph { text } => self.block(running(text, "")),
                Block::Note { text } => self.block(running(text, "> ")),
                Block::Bullets { items } => {
                    let items = items.iter().map(|text| {
                        let text = running(text, "  ");
                        format!("- {}", text.strip_prefix("  ").unwrap_or(&text))
                    });
                    self.block(items.collect::<Vec<_>>().join("\n"));
                }
                Block::KeyFigures { figures } => {
                    self.block(figures.iter().map(key_figure).collect::<Vec<_>>().join("\n"));
                }
                Block::Table(table) => self.table(table),
                Block::Chart(chart) => self.chart(chart),
            }
        }
    }

    fn table(&mut self, table: &Table) {
        let caption = self.captions.table();
        self.block(format!("**{caption}** {}", line(&table.caption)));
        let columns: Vec<_> = table.columns.iter().map(|one| (one.name.as_str(), one.align)).collect();
        let strong = |cells: &Vec<String>| -> Vec<String> {
            cells
                .iter()
                .map(|cell| if cell.is_empty() { String::new() } else { format!("**{}**", line(cell)) })
                .collect()
        };
        let rows = table.rows.iter().map(|row| row.iter().map(|cell| line(cell)).collect());
        self.block(grid(&columns, rows.chain(table.total.as_ref().map(strong))));
        if let Some(note) = &table.note {
            self.block(line(note));
        }
    }

    fn chart(&mut self, chart: &Chart) {
        let caption = self.captions.figure();
        let unit = chart.unit.as_ref().map(|unit| format!(" ({})", line(unit))).unwrap_or_default();
        self.block(format!("**{caption}** {}{unit}", line(&chart.caption)));
        let mut columns = vec![("", Align::Left)];
        columns.extend(chart.series.iter().map(|series| (series.name.as_str(), Align::Right)));
        let show = chart::shown(chart);
        let rows = chart.labels.iter().enumerate().map(|(at, label)| {
            let values = chart
                .series
                .iter()
                .map(|series| series.values.get(at).copied().flatten().map(&show).unwrap_or_default());
            std::iter::once(line(label)).chain(values).collect()
        });
        self.block(grid(&columns, rows));
    }

    fn query(&mut self, number: usize, query: &QueryRecord) {
        let told = format!("{} rows, {} ms", count(query.rows), count(query.millis));
        let purpose = if query.purpose.is_empty() { "Query".to_owned() } else { line(&query.purpose) };
        self.block(format!("{number}\\. **{purpose}** ({told})"));
        // A fence is longer than any in what it holds.
        let longest = query.sql.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        self.block(format!("{fence}sql\n{}\n{fence}", query.sql.trim_end()));
    }
}

fn key_figure(figure: &KeyFigure) -> String {
    let change = figure.change.as_ref().map(|change| format!(" ({})", line(change))).unwrap_or_default();
    format!("- {}: **{}**{change}", line(&figure.label), line(&figure.value))
}

/// A table with a head. One without rows says so.
fn grid(columns: &[(&str, Align)], rows: impl Iterator<Item = Vec<String>>) -> String {
    let row = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let head: Vec<_> = columns.iter().map(|(name, _)| line(name)).collect();
    let rule = columns.iter().map(|(_, align)| match align {
        Align::Left => ":---".to_owned(),
        Align::Right => "---:".to_owned(),
    });
    let mut lines = vec![row(&head), row(&rule.collect::<Vec<_>>())];
    lines.extend(rows.map(|cells| row(&cells)));
    if lines.len() == 2 {
        let mut cells = vec![String::new(); columns.len()];
        if let Some(first) = cells.first_mut() {
            *first = "*No rows*".to_owned();
        }
        lines.push(row(&cells));
    }
    lines.join("\n")
}

/// A text of one line.
fn line(text: &str) -> String {
    escaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Running text, each line with something before it.
fn running(text: &str, before: &str) -> String {
    let line = |text: &str| format!("{before}{}", escaped(text));
    // A backslash at the end of a line keeps its break.
    let lines = |lines: Vec<&str>| lines.into_iter().map(line).collect::<Vec<_>>().join("\\\n");
    let paragraphs: Vec<_> = paragraphs(text).into_iter().map(lines).collect();
    paragraphs.join(&format!("\n{}\n", before.trim_end()))
}

/// A line of text with a backslash before all that would be markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    // Figures with a point or a bracket after them, and then a space, would number an item.
    let figures = text.bytes().take_while(u8::is_ascii_digit).count();
    for (at, c) in text.char_indices() {
        let alone = || !text[at + 1..].starts_with(|next: char| !next.is_whitespace() && next != c);
        let markup = match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '#' | '$' | '@' => true,
            '-' | '+' | '=' => at == 0 && alone(),
            ')' => at == figures && figures > 0 && alone(),
            // Addresses become links by themselves.
            '.' => {
                at == figures && figures > 0 && alone() || text[..at].to_ascii_lowercase().ends_with("www")
            }
            ':' => text[at..].starts_with("://"),
            _ => false,
        };
        if markup {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        for (text, expected) in [
            ("a *b* _c_ `d` [e](f)", r"a \*b\* \_c\_ \`d\` \[e\](f)"),
            ("# no heading", r"\# no heading"),
            ("- no item - here", r"\- no item - here"),
            ("12. no item, 3.5 is a figure", r"12\. no item, 3.5 is a figure"),
            ("1) no item", r"1\) no item"),
            ("125.86 USD", "125.86 USD"),
            ("+4 %, -3", "+4 %, -3"),
            ("---", r"\---"),
            ("<script>&amp;", r"\<script\>\&amp;"),
            ("see https://x.y and www.z.org, a@b.c", r"see https\://x.y and www\.z.org, a\@b.c"),
            ("===", r"\==="),
            ("a | b", r"a \| b"),
            (r"C:\dir", r"C:\\dir"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn lines_and_paragraphs_are_kept() {
        assert_eq!(running("one\ntwo\n\n\n three ", ""), "one\\\ntwo\n\nthree");
        assert_eq!(running("one\n\n- two", "> "), "> one\n>\n> \\- two");
        assert_eq!(running("", "> "), "");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let query =
            QueryRecord { purpose: String::new(), sql: "select '```'".to_owned(), rows: 1200, millis: 3 };
        let mut page = Page::default();
        page.query(1, &query);
        assert_eq!(page.text, "1\\. **Query** (1,200 rows, 3 ms)\n\n````sql\nselect '```'\n````\n");
    }

    #[test]
    fn a_table_without_rows_says_so() {
        let empty = grid(&[("a", Align::Left), ("b|c", Align::Right)], std::iter::empty());
        assert_eq!(empty, "| a | b\\|c |\n| :--- | ---: |\n| *No rows* |  |");
    }
}
