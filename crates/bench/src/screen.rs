//! What a terminal shows, as far as the dashboard makes use of one.

use unicode_width::UnicodeWidthChar as _;

/// The screen of a terminal.
#[derive(Debug)]
pub(crate) struct Screen {
    cells: Vec<Vec<char>>,
    /// Row and column, counted from 0.
    cursor: (usize, usize),
    /// A sequence or a character whose end has not come yet.
    begun: Vec<u8>,
    /// A frame is being written: what is shown is half of this one, half of that.
    pub(crate) within_frame: bool,
    /// How many frames have been written.
    pub(crate) frames: u64,
    /// What it answers to whoever asked it something.
    answers: Vec<u8>,
}

impl Screen {
    /// An empty one.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        Self {
            cells: vec![vec![' '; columns.into()]; rows.into()],
            cursor: (0, 0),
            begun: Vec::new(),
            within_frame: false,
            frames: 0,
            answers: Vec::new(),
        }
    }

    /// Whether a row has this text.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.rows().any(|row| row.contains(text))
    }

    /// Its rows, top to bottom.
    pub(crate) fn rows(&self) -> impl Iterator<Item = String> {
        self.cells.iter().map(|row| row.iter().collect())
    }

    /// What is to be answered.
    pub(crate) fn answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answers)
    }

    /// Takes what is written to the terminal.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        while let Some((part, after)) = first(rest) {
            self.part(part);
            rest = after;
        }
        self.begun = rest.to_vec();
    }

    fn part(&mut self, part: Part<'_>) {
        match part {
            Part::Char(char) => self.put(char),
            Part::Control(b'\r') => self.cursor.1 = 0,
            Part::Control(b'\n') => self.cursor.0 += 1,
            Part::Control(_) => {}
            Part::Sequence(parameters, end) => self.sequence(parameters, end),
            // Black, as a dark terminal has it.
            Part::Command(b"11;?") => self.answers.extend_from_slice(b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
            Part::Command(b"10;?") => self.answers.extend_from_slice(b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\"),
            Part::Command(_) => {}
        }
    }

    fn put(&mut self, char: char) {
        let (row, column) = self.cursor;
        if let Some(cell) = self.cells.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = char;
        }
        self.cursor.1 += char.width().unwrap_or(0);
    }

    fn sequence(&mut self, parameters: &[u8], end: u8) {
        let text = std::str::from_utf8(parameters).unwrap_or_default();
        match (text, end) {
            ("?2026", b'h') => self.within_frame = true,
            ("?2026", b'l') => {
                self.frames += u64::from(self.within_frame);
                self.within_frame = false;
            }
            ("" | "0", b'c') => self.answers.extend_from_slice(b"\x1b[?62;22c"),
            (_, b'H') => {
                let mut places = text.split(';').map(|place| place.parse::<usize>().unwrap_or(1).max(1) - 1);
                self.cursor = (places.next().unwrap_or(0), places.next().unwrap_or(0));
            }
            (_, b'J') => self.cells.iter_mut().for_each(|row| row.fill(' ')),
            _ => {}
        }
    }
}

/// A piece of what is written to a terminal.
enum Part<'a> {
    Char(char),
    Control(u8),
    /// `ESC [ PARAMETERS END`
    Sequence(&'a [u8], u8),
    /// `ESC ] … BEL` or `ESC ] … ESC \`
    Command(&'a [u8]),
}

/// The first piece and what comes after it; nothing if its end is not there yet.
fn first(bytes: &[u8]) -> Option<(Part<'_>, &[u8])> {
    match bytes {
        [] | [0x1b] => None,
        [0x1b, b'[', rest @ ..] => {
            let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
            Some((Part::Sequence(&rest[..end], rest[end]), &rest[end + 1..]))
        }
        [0x1b, b']', rest @ ..] => {
            let end = rest.iter().position(|byte| matches!(byte, 0x07 | 0x1b))?;
            let after = match rest[end] {
                0x07 => end + 1,
                _ => (rest.len() > end + 1).then_some(end + 2)?,
            };
            Some((Part::Command(&rest[..end]), &rest[after..]))
        }
        [0x1b, other, rest @ ..] => Some((Part::Control(*other), rest)),
        [byte, rest @ ..] if *byte < 0x20 => Some((Part::Control(*byte), rest)),
        [byte, ..] => {
            let length = match byte {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xff => 4,
                _ => 1,
            };
            let (char, rest) = bytes.split_at_checked(length)?;
            let char = std::str::from_utf8(char).ok().and_then(|text| text.chars().next());
            Some((Part::Char(char.unwrap_or(char::REPLACEMENT_CHARACTER)), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_however_it_is_cut() {
        let frame = "\x1b[?2026h\x1b[2;3H\x1b[1;38;5;4m◊ a\x1b[0mb\x1b]8;;x\x1b\\\x1b[1;1Htop\x1b[?2026l";
        for cut in 0..=frame.len() {
            let mut screen = Screen::new(10, 2);
            let (before, after) = frame.as_bytes().split_at(cut);
            screen.take(before);
            screen.take(after);
            assert_eq!(screen.rows().collect::<Vec<_>>(), ["top       ", "  ◊ ab    "], "cut at {cut}");
            assert_eq!((screen.frames, screen.within_frame), (1, false));
        }
    }

    #[test]
    fn it_answers_as_a_terminal_does() {
        let mut screen = Screen::new(10, 2);
        screen.take(b"\x1b]11;?\x07\x1b[c");
        assert_eq!(screen.answers(), b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;22c");
        assert!(screen.answers().is_empty());
    }
}
