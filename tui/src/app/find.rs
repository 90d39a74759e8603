//! Looking for text in what one reads.

use std::ops::Range;

use longhaul_core::Timestamp;

use super::Pane;

/// What is looked for in a pane, and where it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Find {
    text: String,
    needle: Vec<char>,
    /// The lines that have it, first to last.
    lines: Vec<usize>,
    /// Which of them one is at.
    at: usize,
    /// Of what pane and version those are; nothing: they are not known yet.
    of: Option<(Pane, u64)>,
    /// When they were looked for.
    pub(crate) looked_at: Timestamp,
}

impl Find {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), needle: text.chars().map(folded).collect(), ..Self::default() }
    }

    /// What is looked for.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether its lines are those of this pane and version.
    pub(crate) fn is_of(&self, pane: Pane, version: u64) -> bool {
        self.of == Some((pane, version))
    }

    /// Whether its lines are those of this pane, as it was some time.
    pub(crate) fn is_of_pane(&self, pane: Pane) -> bool {
        self.of.is_some_and(|(of, _)| of == pane)
    }

    /// Looks through all lines. One stays at the line one was at, or at the next that has it.
    pub(crate) fn look(
        &mut self,
        pane: Pane,
        version: u64,
        now: Timestamp,
        lines: impl Iterator<Item = String>,
    ) {
        let before = self.line().unwrap_or(0);
        self.lines = lines.enumerate().filter(|(_, line)| self.is_in(line)).map(|(at, _)| at).collect();
        (self.of, self.looked_at) = (Some((pane, version)), now);
        self.go_to(before);
    }

    /// To the first line that has it, from a line on; from the beginning if there is none.
    pub(crate) fn go_to(&mut self, line: usize) {
        let at = self.lines.partition_point(|at| *at < line);
        self.at = if at < self.lines.len() { at } else { 0 };
    }

    /// To the next line that has it, or the one before, round and round.
    pub(crate) fn go(&mut self, forward: bool) {
        let len = self.lines.len().max(1);
        self.at = if forward { (self.at + 1) % len } else { (self.at + len - 1) % len };
    }

    /// The line one is at.
    pub(crate) fn line(&self) -> Option<usize> {
        self.lines.get(self.at).copied()
    }

    /// The how manieth of how many lines that is; nothing if none has it.
    pub(crate) fn place(&self) -> Option<(usize, usize)> {
        (!self.lines.is_empty()).then(|| (self.at + 1, self.lines.len()))
    }

    fn is_in(&self, line: &str) -> bool {
        !self.ranges(line).is_empty()
    }

    /// Where in a line it is, upper or lower case.
    pub(crate) fn ranges(&self, line: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if self.needle.is_empty() {
            return found;
        }
        let mut rest = line;
        while !rest.is_empty() {
            let begin = line.len() - rest.len();
            let mut chars = rest.chars();
            let fits = self.needle.iter().all(|c| chars.next().is_some_and(|other| folded(other) == *c));
            if fits {
                rest = chars.as_str();
                found.push(begin..line.len() - rest.len());
            } else {
                let mut chars = rest.chars();
                chars.next();
                rest = chars.as_str();
            }
        }
        found
    }
}

/// A letter in lower case, as one letter.
fn folded(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(text: &str, lines: &[&str]) -> Find {
        let mut find = Find::new(text);
        find.look(Pane::Text, 1, Timestamp(0), lines.iter().map(|line| (*line).to_owned()));
        find
    }

    #[test]
    fn it_is_found_wherever_it_is_and_cut_nowhere() {
        let find = Find::new("äP");
        assert_eq!(find.ranges("Äp äpäp x"), [0..3, 4..7, 7..10]);
        assert!(Find::new("").ranges("x").is_empty());
        assert!(Find::new("xyz").ranges("xy").is_empty());
    }

    #[test]
    fn one_goes_round_and_stays_where_one_was() {
        let mut find = looked("a", &["a", "b", "ca", "d", "a"]);
        assert_eq!((find.line(), find.place()), (Some(0), Some((1, 3))));
        find.go(true);
        assert_eq!(find.line(), Some(2));
        find.look(Pane::Text, 2, Timestamp(0), ["b", "b", "a", "a"].into_iter().map(str::to_owned));
        assert_eq!((find.line(), find.place()), (Some(2), Some((1, 2))));
        find.go(false);
        assert_eq!(find.line(), Some(3));
        find.go(true);
        assert_eq!(find.line(), Some(2));
        find.go_to(9);
        assert_eq!(find.line(), Some(2));
        let mut nowhere = looked("z", &["a"]);
        nowhere.go(true);
        nowhere.go(false);
        assert_eq!((nowhere.line(), nowhere.place()), (None, None));
    }
}
