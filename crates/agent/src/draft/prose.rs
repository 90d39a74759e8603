//! Figures in running text, and whether some row has them.

use super::{Draft, Kept, Part};

/// A figure as it stands in a text.
#[derive(Debug, Clone, PartialEq)]
struct Figure {
    text: String,
    value: f64,
    /// How many decimals are written.
    decimals: i32,
    percent: bool,
}

/// The figures of a draft's text that no row has, each once: no cell, no sum of a column, no share of
/// one, no number of rows. Small whole numbers and years are not looked for: they count things.
pub(super) fn not_found(draft: &Draft, kept: &[Kept]) -> Vec<String> {
    let known = Known::of(kept);
    let mut lost = Vec::new();
    for figure in texts(draft).into_iter().flat_map(figures) {
        if !known.has(&figure) && !lost.contains(&figure.text) {
            lost.push(figure.text);
        }
    }
    lost
}

fn texts(draft: &Draft) -> Vec<&str> {
    let mut texts: Vec<&str> = Vec::new();
    for part in draft.summary.iter().chain(draft.sections.iter().flat_map(|section| &section.parts)) {
        match part {
            Part::Paragraph { text } | Part::Note { text } => texts.push(text),
            Part::Bullets { items } => texts.extend(items.iter().map(String::as_str)),
            Part::Figures { .. } | Part::Table { .. } | Part::Chart { .. } => {}
        }
    }
    texts
}

/// What the rows hold.
struct Known {
    values: Vec<f64>,
    shares: Vec<f64>,
}

impl Known {
    fn of(kept: &[Kept]) -> Self {
        let (mut values, mut shares) = (Vec::new(), Vec::new());
        for query in kept {
            // A count that a double cannot hold is no figure of a report.
            values.push(query.rows.rows.len() as f64);
            for at in 0..query.rows.columns.len() {
                let column = query.rows.rows.iter().filter_map(|row| row.get(at)?.as_f64());
                let column: Vec<f64> = column.collect();
                let sum: f64 = column.iter().sum();
                if sum != 0.0 {
                    shares.extend(column.iter().map(|x| x / sum * 100.0));
                }
                values.extend(column);
                values.push(sum);
            }
        }
        Self { values, shares }
    }

    fn has(&self, figure: &Figure) -> bool {
        let half = 0.5 * 10f64.powi(-figure.decimals) * 1.000_001;
        let near = |x: f64| (x.abs() - figure.value).abs() <= half;
        let scales: &[f64] = if figure.percent { &[1.0, 100.0] } else { &[1.0, 1e-3, 1e-6, 1e-9] };
        self.values.iter().any(|x| scales.iter().any(|scale| near(x * scale)))
            || figure.percent && self.shares.iter().any(|x| near(*x))
    }
}

/// The figures of a text that are worth looking for.
fn figures(text: &str) -> Vec<Figure> {
    let chars: Vec<char> = text.chars().collect();
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if !digit(at) {
            at += 1;
            continue;
        }
        let begin = at;
        while digit(at) || (matches!(chars.get(at), Some(',' | '.')) && digit(at + 1)) {
            at += 1;
        }
        // `Q4`, `v1.2`, `2011-12-22`: parts of names and dates.
        let joined = |c: Option<&char>| c.is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '/' | '-'));
        let named = begin > 0 && joined(chars.get(begin - 1));
        if named || joined(chars.get(at)) {
            continue;
        }
        let written: String = chars[begin..at].iter().collect();
        let after: String = chars[at..].iter().take(9).collect();
        let percent = after.starts_with('%') || after.starts_with(" %") || after.starts_with(" percent");
        found.extend(read(written, percent));
    }
    found
}

fn read(written: String, percent: bool) -> Option<Figure> {
    let plain = written.replace(',', "");
    let value: f64 = plain.parse().ok()?;
    let decimals = plain.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let year = decimals == 0 && !written.contains(',') && (1900.0..=2100.0).contains(&value);
    let small = decimals == 0 && value < 1000.0;
    let worth = percent && value > 0.0 && value != 100.0 || !year && !small;
    let text = if percent { format!("{written}%") } else { written };
    worth.then_some(Figure { text, value, decimals: i32::try_from(decimals).ok()?, percent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_from_names_and_counts() {
        let of = |text: &str| figures(text).into_iter().map(|f| f.text).collect::<Vec<_>>();
        assert_eq!(
            of("In Q4 2011 the 24 countries bought 2,328.60 USD, 12.5 % more."),
            ["2,328.60", "12.5%"]
        );
        assert_eq!(of("2011-12-22, v1.25, 7 of 9, 100 percent"), [""; 0]);
        assert_eq!(of("about 3.5 million; 12345 rows, 40%."), ["3.5", "12345", "40%"]);
    }
}
