//! Running text, wrapped once and not at every frame.

use crate::text::wrap;

/// Running text in lines of a width. What is added at the end wraps only the last paragraph anew.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paper {
    columns: usize,
    lines: Vec<String>,
    /// The last paragraph, which may go on, and the first of its lines.
    last: String,
    last_at: usize,
}

impl Paper {
    /// A text in lines of at most `columns` columns.
    pub(crate) fn new(text: &str, columns: usize) -> Self {
        let mut paper = Self { columns, ..Self::default() };
        paper.add(text);
        paper
    }

    /// How wide it is.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Its lines; none of an empty text.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Goes on with a text.
    pub(crate) fn add(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.lines.truncate(self.last_at);
        self.last.push_str(text);
        let last = std::mem::take(&mut self.last);
        let (whole, open) = match last.rsplit_once('\n') {
            Some((whole, open)) => (Some(whole), open),
            None => (None, last.as_str()),
        };
        if let Some(whole) = whole {
            self.lines.extend(wrap(whole, self.columns));
        }
        self.last_at = self.lines.len();
        self.lines.extend(wrap(open, self.columns));
        self.last = open.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_comes_in_pieces_looks_like_what_comes_at_once(
            pieces in prop::collection::vec("[a-z \\n]{0,12}", 0..8), columns in 1_usize..20,
        ) {
            let mut paper = Paper::new("", columns);
            pieces.iter().for_each(|piece| paper.add(piece));
            let whole = pieces.concat();
            let once = Paper::new(&whole, columns);
            prop_assert_eq!(paper.lines(), once.lines());
            if !whole.is_empty() {
                prop_assert_eq!(once.lines().to_vec(), wrap(&whole, columns));
            }
        }
    }
}
