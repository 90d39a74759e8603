//! What a program printed, within bounds. Pure.

use std::collections::VecDeque;

use longhaul_core::text;

/// How much is kept of the beginning, in bytes.
const HEAD: usize = 4 * 1024 * 1024;

/// How much is kept of the end, in bytes.
const TAIL: usize = 1024 * 1024;

/// Longest excerpt of the end, in characters.
const EXCERPT: usize = 400;

/// The beginning and the end of what was printed.
#[derive(Debug)]
pub(super) struct Log {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
    bounds: (usize, usize),
}

impl Default for Log {
    fn default() -> Self {
        Self { head: Vec::new(), tail: VecDeque::new(), left_out: 0, bounds: (HEAD, TAIL) }
    }
}

impl Log {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (head, tail) = self.bounds;
        let (first, rest) = bytes.split_at(bytes.len().min(head - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(tail);
        self.tail.drain(..surplus);
        self.left_out += surplus as u64;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// All of it, with a line that says what is missing.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut all = self.head.clone();
        if self.left_out > 0 {
            all.extend_from_slice(format!("\n[… {} bytes are left out …]\n", self.left_out).as_bytes());
        }
        all.extend(&self.tail);
        all
    }

    /// Its last words, on one line; nothing if there are none.
    pub(super) fn excerpt(&self) -> Option<String> {
        // Four bytes make at least one character.
        let last = self.head.iter().chain(&self.tail).rev().take(4 * EXCERPT).copied().collect::<Vec<_>>();
        let last: Vec<u8> = last.into_iter().rev().collect();
        let clean = text::line(String::from_utf8_lossy(&last).trim(), usize::MAX);
        let skip = clean.chars().count().saturating_sub(EXCERPT);
        let excerpt: String = clean.chars().skip(skip).collect();
        let mark = if skip > 0 { "…" } else { "" };
        Some(format!("{mark}{}", excerpt.trim())).filter(|excerpt| !excerpt.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(bounds: (usize, usize), printed: &[&str]) -> Log {
        let mut log = Log { bounds, ..Log::default() };
        printed.iter().for_each(|bytes| log.push(bytes.as_bytes()));
        log
    }

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        assert_eq!(log((4, 4), &["abcd", "ef", "gh"]).bytes(), b"abcdefgh");
        let long = log((4, 4), &["ab", "cdefg", "hijklm", "nop"]).bytes();
        assert_eq!(String::from_utf8(long).unwrap(), "abcd\n[… 8 bytes are left out …]\nmnop");
        assert!(log((4, 4), &[]).is_empty());
    }

    #[test]
    fn its_last_words_are_one_plain_line() {
        assert_eq!(log((100, 100), &["\n"]).excerpt(), None);
        assert_eq!(log((100, 100), &["a\n", "b\x1b[0m\u{202E} \n\n"]).excerpt().unwrap(), "a b[0m");
        let long = log((10, 10_000), &["x".repeat(5000).as_str(), "end"]).excerpt().unwrap();
        assert!(long.starts_with("…x") && long.ends_with("xend") && long.chars().count() == EXCERPT + 1);
    }
}
