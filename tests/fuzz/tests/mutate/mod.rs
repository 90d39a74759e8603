//! Inputs made of other inputs, the same ones in the same order every time.

use std::collections::BTreeSet;

/// Longest input, in bytes.
const LONGEST: usize = 8 * 1024;

/// Bytes that mean something to some reader.
const TELLING: &[u8] = b"\0\n\r\t \"'\\{}[]:,;|.*>-+/()%!0159eTZ\x7f\x80\xc3\xff";

/// Values that are the last of their kind, or one too many.
const EXTREMES: [&str; 16] = [
    "0",
    "-1",
    "-0.0",
    "255",
    "256",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "null",
    "\"\"",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
];

/// Makes inputs of inputs.
pub(crate) struct Mutator<'a> {
    from: &'a [Vec<u8>],
    /// Words that occur in them: names of members, figures, ids.
    words: Vec<&'a [u8]>,
    state: u64,
}

impl<'a> Mutator<'a> {
    /// Over some inputs; another name gives another order.
    pub(crate) fn new(from: &'a [Vec<u8>], name: &str) -> Self {
        let is_end = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
        let words: BTreeSet<&[u8]> =
            from.iter().flat_map(|input| input.split(is_end)).filter(|word| !word.is_empty()).collect();
        let state = name.bytes().fold(0, |state, byte| state * 31 + u64::from(byte));
        Self { from, words: words.into_iter().collect(), state }
    }

    /// The next input.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let from = self.from;
        let mut input = from[self.below(from.len())].clone();
        for _ in 0..=self.below(4) {
            self.mutate(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let from = self.from;
        let (start, end) = self.stretch(input.len());
        match self.below(10) {
            0 if !input.is_empty() => {
                let at = self.below(input.len());
                input[at] ^= 1 << self.below(8);
            }
            1 | 2 => {
                let byte = TELLING[self.below(TELLING.len())];
                input.insert(start, byte);
            }
            3 => drop(input.drain(start..end)),
            4 => {
                let again = input[start..end].to_vec();
                input.splice(start..start, again);
            }
            5 => {
                let other = &from[self.below(from.len())];
                let (first, last) = self.stretch(other.len());
                input.splice(start..end, other[first..last].iter().copied());
            }
            6 | 7 => {
                let at = self.below(self.words.len());
                let word = self.words[at];
                let (start, end) = self.word(input);
                input.splice(start..end, word.iter().copied());
            }
            8 => {
                let extreme = EXTREMES[self.below(EXTREMES.len())];
                let (start, end) = self.word(input);
                input.splice(start..end, extreme.bytes());
            }
            _ => input.truncate(start),
        }
    }

    /// Some stretch of so many bytes, mostly a short one.
    fn stretch(&mut self, length: usize) -> (usize, usize) {
        let start = self.below(length + 1);
        let longest = if self.below(4) == 0 { length } else { 16 };
        (start, (start + self.below(longest + 1)).min(length))
    }

    /// A word of the input: the one at or after some place.
    fn word(&mut self, input: &[u8]) -> (usize, usize) {
        let from = self.below(input.len() + 1);
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let Some(start) = input[from..].iter().position(is_part).map(|at| from + at) else {
            return (from, from);
        };
        let length = input[start..].iter().position(|byte| !is_part(byte)).unwrap_or(input.len() - start);
        (start, start + length)
    }

    /// Less than `bound`: SplitMix64, modulo. What little that favours does not matter here.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound.max(1) as u64).unwrap()
    }
}
