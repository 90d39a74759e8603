//! Makes text fit to print: what cannot be seen, or moves what can be seen, is taken out.
//!
//! Text from a database or a model may hold characters that draw nothing and yet change what a
//! reader sees: an override that turns a figure around, a zero-width space that keeps a search
//! from finding a name. None of them has a place in a report.

use crate::{Block, Chart, Document, KeyFigure, QueryRecord, Section, Table};

/// How much of its own layout a text keeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A title, a cell, a label: line breaks become spaces.
    Line,
    /// A paragraph, SQL: line breaks stay.
    Lines,
}

/// Whether `character` draws nothing and so has no place in a text.
///
/// Line feed and tab count as forbidden nowhere; where they do not fit, [`Document::clean`] turns
/// them into spaces. The two joiners (U+200C, U+200D) are needed by Persian, by Indian scripts and
/// by emoji, and are judged by their neighbours instead.
pub(crate) fn is_forbidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        _ if character.is_control() => true,
        // Bidirectional marks, embeddings, overrides and isolates.
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Line and paragraph separators: a line feed says the same.
        '\u{2028}' | '\u{2029}' => true,
        // Zero-width and other invisible characters.
        '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => true,
        '\u{180b}'..='\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' => true,
        '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' => true,
        '\u{fff0}'..='\u{fffb}' => true,
        // Tags, and the noncharacters of every plane.
        '\u{e0000}'..='\u{e007f}' => true,
        '\u{fdd0}'..='\u{fdef}' => true,
        _ => u32::from(character) & 0xfffe == 0xfffe,
    }
}

/// `text` without forbidden characters, trimmed, in the given shape.
fn cleaned(text: &str, shape: Shape) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                // `\r\n` is one line break, a lone `\r` is one too.
                if characters.peek() != Some(&'\n') {
                    push_break(&mut out, shape);
                }
            }
            '\n' | '\u{0b}' | '\u{0c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => push_break(&mut out, shape),
            '\t' => out.push_str(if shape == Shape::Lines { "    " } else { " " }),
            '\u{200c}' | '\u{200d}' => {
                let joins =
                    |side: Option<char>| side.is_some_and(|side| !side.is_ascii() && !is_forbidden(side));
                if joins(out.chars().next_back()) && joins(characters.peek().copied()) {
                    out.push(character);
                }
            }
            _ if is_forbidden(character) => {}
            _ => out.push(character),
        }
    }
    match shape {
        Shape::Line => out.trim().to_owned(),
        // Leading spaces of a first line may be an indent.
        Shape::Lines => out.trim_matches('\n').trim_end().to_owned(),
    }
}

fn push_break(out: &mut String, shape: Shape) {
    out.push(if shape == Shape::Lines { '\n' } else { ' ' });
}

fn line(text: &mut String) {
    *text = cleaned(text, Shape::Line);
}

fn lines(text: &mut String) {
    *text = cleaned(text, Shape::Lines);
}

/// Cleans an optional line; one that is empty then was none.
fn optional_line(text: &mut Option<String>) {
    *text = text.take().map(|text| cleaned(&text, Shape::Line)).filter(|text| !text.is_empty());
}

impl Document {
    /// Takes out of every text what a reader cannot see: control characters, bidirectional marks
    /// and overrides, zero-width characters; and trims it.
    ///
    /// Line breaks stay in paragraphs, bullets, notes and SQL and become spaces elsewhere; a tab becomes
    /// spaces. What is left passes [`Document::check`] as far as characters are concerned.
    /// Cleaning twice is the same as cleaning once.
    pub fn clean(&mut self) {
        line(&mut self.title);
        optional_line(&mut self.subtitle);
        for (label, value) in &mut self.facts {
            line(label);
            line(value);
        }
        self.summary.iter_mut().for_each(clean_block);
        for Section { heading, blocks } in &mut self.sections {
            line(heading);
            blocks.iter_mut().for_each(clean_block);
        }
        for QueryRecord { purpose, sql, .. } in &mut self.queries {
            line(purpose);
            lines(sql);
        }
    }
}

fn clean_block(block: &mut Block) {
    match block {
        Block::Paragraph { text } | Block::Note { text } => lines(text),
        Block::Bullets { items } => items.iter_mut().for_each(lines),
        Block::KeyFigures { figures } => {
            for KeyFigure { label, value, change, .. } in figures {
                line(label);
                line(value);
                optional_line(change);
            }
        }
        Block::Table(Table { caption, columns, rows, total, note }) => {
            line(caption);
            columns.iter_mut().for_each(|column| line(&mut column.name));
            rows.iter_mut().chain(total).flatten().for_each(line);
            optional_line(note);
        }
        Block::Chart(Chart { caption, labels, series, unit, .. }) => {
            line(caption);
            labels.iter_mut().for_each(line);
            series.iter_mut().for_each(|series| line(&mut series.name));
            optional_line(unit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_go_and_visible_ones_stay() {
        let cases = [
            ("plain", "plain"),
            ("  trimmed\t", "trimmed"),
            ("a\u{202e}b\u{2066}c\u{200f}d", "abcd"),
            ("ze\u{200b}ro\u{feff}\u{2060}", "zero"),
            ("nul\0 esc\u{1b}[31m", "nul esc[31m"),
            ("one\r\ntwo\rthree\u{2028}four", "one two three four"),
            ("tag\u{e0041}\u{e007f}\u{ffff}", "tag"),
            ("Zoë Åström 中文 naïve €", "Zoë Åström 中文 naïve €"),
            // A joiner inside Persian or an emoji stays, one inside Latin text goes.
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}🔬", "👩\u{200d}🔬"),
            ("pay\u{200d}pal\u{200c}", "paypal"),
        ];
        for (dirty, clean) in cases {
            assert_eq!(cleaned(dirty, Shape::Line), clean, "{dirty:?}");
        }
    }

    #[test]
    fn line_breaks_and_indents_stay_in_sql() {
        let sql = "\r\nselect a,\r\n\tb -- \u{202e}x\r\n  from t\n\n";
        assert_eq!(cleaned(sql, Shape::Lines), "select a,\n    b -- x\n  from t");
    }

    #[test]
    fn what_is_clean_holds_nothing_forbidden_and_stays_as_it_is() {
        let everything: String =
            (0..=0x2_ffff_u32).chain(0xe_0000..=0xe_0fff).filter_map(char::from_u32).collect();
        for shape in [Shape::Line, Shape::Lines] {
            let once = cleaned(&everything, shape);
            assert!(!once.chars().any(is_forbidden));
            assert_eq!(cleaned(&once, shape), once);
        }
    }
}
