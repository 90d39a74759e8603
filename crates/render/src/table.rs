//! How wide the columns of a table are, how large its text is, and whether the page is turned.
//!
//! Widths are fixed here rather than found by typst, which would set every cell several times to
//! find them.

use longhaul_document::{Align, Table};
use serde::Serialize;

use crate::ruler::{self, Face};
use crate::sheet::{FLIPPED_MEASURE, MEASURE, Text};

/// The sizes of text that are tried, in points.
const SIZES: [f64; 4] = [9.0, 8.5, 8.0, 7.5];
/// The space at each side of a cell, in ems.
const INSET: f64 = 0.5;
/// The least width that a column of text may be wrapped to, in ems.
const LEAST_TEXT: f64 = 9.0;
/// The longest head, or word of a head, that a column is made wide for, in ems.
const LONGEST_HEAD: f64 = 12.0;
/// The most that a column of figures is widened to fill the line, in ems.
const MOST_SLACK: f64 = 3.5;

/// A table as the template wants it.
#[derive(Debug, Serialize)]
pub(crate) struct TableSheet {
    caption: Text,
    /// In points, cell insets included.
    widths: Vec<f64>,
    /// Whether each column is aligned to the right.
    right: Vec<bool>,
    size: f64,
    /// The space at the left and right of each column's cells, in points.
    insets: Vec<(f64, f64)>,
    /// Whether it stands on a page on its side.
    pub(crate) flipped: bool,
    head: Vec<Text>,
    rows: Vec<Vec<Text>>,
    total: Option<Vec<Text>>,
    note: Option<Text>,
}

/// What a column asks for, in ems.
#[derive(Debug, Clone, Copy)]
struct Need {
    /// The widest cell in one line, without insets; the head may take two.
    whole: f64,
    /// The head in one line.
    head: f64,
    /// The widest word of the head.
    head_word: f64,
    /// The space at the left of its cells.
    before: f64,
    /// Whether cells may be wrapped.
    text: bool,
}

impl Need {
    /// The space at both sides of its cells.
    fn inset(&self) -> f64 {
        self.before + INSET
    }

    /// The width with every cell in one line, insets included.
    fn full(&self) -> f64 {
        self.whole + self.inset()
    }
}

/// The widths of the columns, in points.
pub(crate) fn widths(table: &Table) -> Vec<f64> {
    choose(&needs(table)).2
}

/// The layout of `table`.
pub(crate) fn sheet(table: &Table) -> TableSheet {
    let needs = needs(table);
    let (flipped, size, widths) = choose(&needs);
    let cells = |row: &[String], face: Face| -> Vec<Text> {
        row.iter()
            .zip(widths.iter().zip(&needs))
            .map(|(cell, (width, need))| Text::new(cell, face, size, width - need.inset() * size))
            .collect()
    };
    let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let measure = if flipped { FLIPPED_MEASURE } else { MEASURE };
    TableSheet {
        caption: Text::new(&table.caption, Face::Regular, 9.0, measure - 60.0),
        right: table.columns.iter().map(|column| column.align == Align::Right).collect(),
        size,
        insets: needs.iter().map(|need| (need.before * size, INSET * size)).collect(),
        flipped,
        head: cells(&names, Face::Strong),
        rows: table.rows.iter().map(|row| cells(row, Face::Regular)).collect(),
        total: table.total.as_ref().map(|row| cells(row, Face::Strong)),
        note: table.note.as_ref().map(|note| Text::new(note, Face::Regular, 8.5, measure)),
        widths,
    }
}

/// The needs of all columns.
fn needs(table: &Table) -> Vec<Need> {
    table
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cell =
                |row: &Vec<String>, face| row.get(index).map_or(0.0, |cell| ruler::width(cell, face, 1.0));
            let widest = table.rows.iter().map(|row| cell(row, Face::Regular)).fold(0.0, f64::max);
            let total = table.total.as_ref().map_or(0.0, |row| cell(row, Face::Strong));
            let head = ruler::width(&column.name, Face::Strong, 1.0);
            let head_word = ruler::widest_word(&column.name, Face::Strong, 1.0);
            let text = column.align == Align::Left;
            // Figures end where a text begins: they need more air between them.
            let after_figures =
                index > 0 && table.columns.get(index - 1).is_some_and(|left| left.align == Align::Right);
            Need {
                whole: widest.max(total).max(head_word).max(head / 2.0) + 0.05,
                head: head + 0.05,
                head_word,
                before: if text && after_figures { 3.0 * INSET } else { INSET },
                text,
            }
        })
        .collect()
}

/// The largest text that needs no turned page, else the largest on a turned one; in the last
/// resort columns share the line, and even figures wrap.
fn choose(needs: &[Need]) -> (bool, f64, Vec<f64>) {
    let heads_in_line: Vec<Need> = needs
        .iter()
        .map(|need| Need { whole: need.whole.max(need.head.min(LONGEST_HEAD)), ..*need })
        .collect();
    for (flipped, measure) in [(false, MEASURE), (true, FLIPPED_MEASURE)] {
        for size in SIZES {
            let widths = unwrapped(&heads_in_line, size, measure).or_else(|| unwrapped(needs, size, measure));
            if let Some(widths) = widths {
                return (flipped, size, widths);
            }
        }
        // Before the page is turned, words may wrap, at the size that most tables have.
        for size in [8.5, 7.5] {
            if let Some(widths) = wrapped(needs, size, measure) {
                return (flipped, size, widths);
            }
        }
    }
    let size = SIZES[SIZES.len() - 1];
    (true, size, shared(needs, size, FLIPPED_MEASURE))
}

/// Widths with every cell in one line, together exactly `measure`; `None` if they do not fit.
fn unwrapped(needs: &[Need], size: f64, measure: f64) -> Option<Vec<f64>> {
    let mut widths: Vec<f64> = needs.iter().map(|need| need.full() * size).collect();
    let mut slack = measure - widths.iter().sum::<f64>();
    if slack < 0.0 {
        return None;
    }
    // Figures spread a little, words take the rest.
    let texts = needs.iter().filter(|need| need.text).count();
    let figures = needs.len() - texts;
    if figures > 0 && texts > 0 {
        let each = (slack / needs.len() as f64).min(MOST_SLACK * size);
        for (width, _) in widths.iter_mut().zip(needs).filter(|(_, need)| !need.text) {
            *width += each;
            slack -= each;
        }
    }
    let takers = if texts > 0 { texts } else { figures };
    for (width, _) in widths.iter_mut().zip(needs).filter(|(_, need)| need.text == (texts > 0)) {
        *width += slack / takers as f64;
    }
    Some(widths)
}

/// Widths with figures in one line and words wrapped to what is left; `None` if that is too little.
fn wrapped(needs: &[Need], size: f64, measure: f64) -> Option<Vec<f64>> {
    let texts: Vec<usize> = (0..needs.len()).filter(|&index| needs[index].text).collect();
    let mut widths: Vec<f64> = needs.iter().map(|need| need.full() * size).collect();
    let wants: Vec<f64> = texts.iter().map(|&index| widths[index]).collect();
    let room = measure - widths.iter().sum::<f64>() + wants.iter().sum::<f64>();
    for (&index, width) in texts.iter().zip(fair_shares(&wants, room)) {
        let need = &needs[index];
        let least = need.head_word.clamp(LEAST_TEXT, LONGEST_HEAD) + need.inset();
        if width < widths[index].min(least * size) {
            return None;
        }
        widths[index] = width;
    }
    (widths.iter().sum::<f64>() <= measure + 0.01).then_some(widths)
}

/// Widths together at most `measure`: what is narrow stays whole, even figures wrap in the rest.
fn shared(needs: &[Need], size: f64, measure: f64) -> Vec<f64> {
    let wants: Vec<f64> = needs.iter().map(|need| need.full() * size).collect();
    fair_shares(&wants, measure)
}

/// Divides `room` so that who wants less than an even share gets all of it, and the others get
/// equal shares of the rest.
fn fair_shares(wants: &[f64], room: f64) -> Vec<f64> {
    let mut sorted = wants.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut left = room;
    let mut share = 0.0;
    for (index, want) in sorted.iter().enumerate() {
        share = left / (sorted.len() - index) as f64;
        if *want > share {
            break;
        }
        left -= want;
        share = *want;
    }
    wants.iter().map(|want| want.min(share)).collect()
}

#[cfg(test)]
mod tests {
    use longhaul_document::Column;

    use super::*;

    fn table(cells: &[(&str, Align)], rows: usize) -> Table {
        Table {
            caption: "A table".to_owned(),
            columns: cells.iter().map(|&(_, align)| Column { name: "Column".to_owned(), align }).collect(),
            rows: vec![cells.iter().map(|(cell, _)| (*cell).to_owned()).collect(); rows],
            total: None,
            note: None,
        }
    }

    /// The layout of a table, after checking that no word of it can leave its cell.
    fn fitting(table: &Table) -> TableSheet {
        let sheet = sheet(table);
        let measure = if sheet.flipped { FLIPPED_MEASURE } else { MEASURE };
        let total: f64 = sheet.widths.iter().sum();
        assert!(total <= measure + 0.01, "{total} of {measure}");
        for (cells, face) in
            sheet.rows.iter().map(|row| (row, Face::Regular)).chain([(&sheet.head, Face::Strong)])
        {
            for (cell, (width, (before, after))) in cells.iter().zip(sheet.widths.iter().zip(&sheet.insets)) {
                let pieces = match cell {
                    Text::Whole(text) => std::slice::from_ref(text),
                    Text::Pieces(pieces) => pieces,
                };
                for piece in pieces {
                    let widest = ruler::widest_word(piece, face, sheet.size);
                    assert!(widest <= width - before - after + 0.01, "{piece:?} in {width}");
                }
            }
        }
        sheet
    }

    #[test]
    fn shares_are_fair() {
        assert_eq!(fair_shares(&[10.0, 90.0, 50.0], 100.0), [10.0, 45.0, 45.0]);
        assert_eq!(fair_shares(&[10.0, 30.0], 100.0), [10.0, 30.0]);
        assert_eq!(fair_shares(&[80.0, 80.0], 100.0), [50.0, 50.0]);
        assert!(fair_shares(&[], 100.0).is_empty());
    }

    #[test]
    fn a_small_table_fills_the_line_in_the_usual_size() {
        let sheet = fitting(&table(&[("USA", Align::Left), ("1,234.50", Align::Right)], 3));
        assert!(!sheet.flipped);
        assert_eq!(sheet.size, SIZES[0]);
        assert!((sheet.widths.iter().sum::<f64>() - MEASURE).abs() < 0.01);
        assert!(sheet.widths[0] > sheet.widths[1]);
    }

    #[test]
    fn twelve_columns_of_figures_stay_upright() {
        let sheet = fitting(&table(&[("12,345.67", Align::Right); 12], 3));
        assert!(!sheet.flipped);
        assert!(sheet.rows.iter().flatten().all(|cell| matches!(cell, Text::Whole(_))));
    }

    #[test]
    fn long_words_wrap_before_the_page_is_turned() {
        let sentence =
            "The customer asked for a refund after the second delivery had failed to arrive in time";
        let sheet =
            fitting(&table(&[("USA", Align::Left), (sentence, Align::Left), ("1.00", Align::Right)], 3));
        assert!(!sheet.flipped);
        assert!(sheet.size > 8.0);
    }

    #[test]
    fn a_wide_table_turns_the_page() {
        let sheet = fitting(&table(&[("1,234,567,890.12", Align::Right); 10], 3));
        assert!(sheet.flipped);
        assert!(sheet.rows.iter().flatten().all(|cell| matches!(cell, Text::Whole(_))));
    }

    #[test]
    fn the_widest_table_still_fits() {
        let endless = "9".repeat(900);
        fitting(&table(&[(endless.as_str(), Align::Right); 16], 2));
        fitting(&table(&[(endless.as_str(), Align::Left); 16], 2));
        fitting(&table(&[("", Align::Left)], 0));
    }
}
