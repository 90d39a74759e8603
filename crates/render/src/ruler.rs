//! How wide a text is, and how it is made to fit.
//!
//! Column widths, chart labels and card sizes are decided here, before typesetting: it keeps the
//! template free of arithmetic, and large tables fast.

use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::layout::Abs;
use typst::text::{Font, FontInstance, FontVariations};

use crate::fonts;

/// A font as far as widths go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// Running text and cells.
    Regular,
    /// Headings, table heads, totals, key figures.
    Strong,
    /// SQL.
    Mono,
}

/// The advances of a face, in ems.
struct Advances {
    /// ASCII is nearly everything that is measured.
    ascii: [f64; 128],
    font: Option<FontInstance>,
}

impl Advances {
    fn of(data: &'static [u8]) -> Self {
        let font = Font::new(Bytes::new(data), 0).map(|font| {
            let variant = font.info().variant;
            font.instantiate(variant, Abs::pt(10.0), &FontVariations::default())
        });
        let mut advances = Self { ascii: [0.0; 128], font };
        for code in 0..128_u8 {
            advances.ascii[usize::from(code)] = advances.look_up(char::from(code));
        }
        advances
    }

    fn look_up(&self, character: char) -> f64 {
        let advance = self.font.as_ref().and_then(|font| {
            let glyph = font.ttf().glyph_index(character)?;
            font.x_advance(glyph.0)
        });
        match advance {
            Some(advance) => advance.get(),
            // Another font draws it. East Asian characters and pictures are square.
            None if character >= '\u{1100}' => 1.0,
            None => 0.62,
        }
    }

    fn get(&self, character: char) -> f64 {
        match self.ascii.get(character as usize) {
            Some(advance) => *advance,
            None => self.look_up(character),
        }
    }
}

static REGULAR: LazyLock<Advances> = LazyLock::new(|| Advances::of(fonts::SANS));
static STRONG: LazyLock<Advances> = LazyLock::new(|| Advances::of(fonts::SANS_STRONG));
static MONO: LazyLock<Advances> = LazyLock::new(|| Advances::of(fonts::MONO));

/// The width of `text` set in one line at `size`, both in points.
pub(crate) fn width(text: &str, face: Face, size: f64) -> f64 {
    let advances: &Advances = match face {
        Face::Regular => &REGULAR,
        Face::Strong => &STRONG,
        Face::Mono => &MONO,
    };
    text.chars().map(|character| advances.get(character)).sum::<f64>() * size
}

/// The width of the widest word of `text`.
pub(crate) fn widest_word(text: &str, face: Face, size: f64) -> f64 {
    text.split_whitespace().map(|word| width(word, face, size)).fold(0.0, f64::max)
}

/// `text`, cut short with an ellipsis where it is wider than `limit`.
pub(crate) fn shortened(text: &str, face: Face, size: f64, limit: f64) -> String {
    if width(text, face, size) <= limit {
        return text.to_owned();
    }
    let room = limit - width("…", face, size);
    let mut out = String::new();
    let mut used = 0.0;
    for piece in unbreakable(text) {
        used += width(piece, face, size);
        if used > room {
            break;
        }
        out.push_str(piece);
    }
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

/// `text` in at most `lines` lines no wider than `limit`; what is left over ends in an ellipsis.
pub(crate) fn wrapped(text: &str, face: Face, size: f64, limit: f64, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while words.peek().is_some() {
        if out.len() + 1 == lines {
            let rest: Vec<&str> = words.collect();
            out.push(shortened(&rest.join(" "), face, size, limit));
            return out;
        }
        let mut line = String::new();
        while let Some(word) = words.peek() {
            let longer = if line.is_empty() { (*word).to_owned() } else { format!("{line} {word}") };
            if !line.is_empty() && width(&longer, face, size) > limit {
                break;
            }
            line = longer;
            words.next();
        }
        out.push(shortened(&line, face, size, limit));
    }
    out
}

/// `text` in pieces between which a line may break, so that no word is wider than `limit`.
///
/// A text whose words all fit is one piece; breaks between words need no help. A word that is too
/// wide may break after punctuation, and anywhere within a few characters.
pub(crate) fn pieces(text: &str, face: Face, size: f64, limit: f64) -> Vec<String> {
    const LONGEST: usize = 4;
    if widest_word(text, face, size) <= limit {
        return vec![text.to_owned()];
    }
    let is_punctuation = |part: &str| part.chars().all(|character| character.is_ascii_punctuation());
    let mut out = Vec::new();
    let mut piece = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        if width(word.trim_end(), face, size) <= limit {
            piece.push_str(word);
            continue;
        }
        let (mut length, mut used) = (0, 0.0);
        let mut after_punctuation = false;
        for part in unbreakable(word) {
            let punctuation = is_punctuation(part);
            // Punctuation stays with what it follows while there is room for it.
            let long = length >= LONGEST || after_punctuation;
            let wide = used + width(part, face, size) > limit;
            if length > 0 && (wide || (long && !punctuation)) {
                out.push(std::mem::take(&mut piece));
                (length, used) = (0, 0.0);
            }
            piece.push_str(part);
            length += 1;
            used += width(part, face, size);
            after_punctuation = punctuation;
        }
    }
    out.push(piece);
    out
}

/// `text` in its smallest pieces: a character with the marks that belong to it.
fn unbreakable(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices();
        let (_, mut last) = characters.next()?;
        let end = characters
            .find(|&(_, character)| {
                let joined = belongs_to_previous(character) || last == '\u{200d}';
                last = character;
                !joined
            })
            .map_or(rest.len(), |(index, _)| index);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// Whether `character` is drawn onto the one before it: an accent, a joiner, a variant, a skin tone.
fn belongs_to_previous(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}'
        | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200c}' | '\u{200d}' | '\u{20d0}'..='\u{20ff}'
        | '\u{3099}' | '\u{309a}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_fonts() {
        // Source Sans 3 has digits of 497/1000 em, Source Code Pro is 600/1000 em throughout.
        assert!((width("1234", Face::Regular, 10.0) - 19.88).abs() < 1e-9);
        assert!((width("Wi…", Face::Mono, 10.0) - 18.0).abs() < 1e-9);
        assert!(width("total", Face::Strong, 10.0) > width("total", Face::Regular, 10.0));
        assert_eq!(width("中文", Face::Regular, 10.0), 20.0);
    }

    #[test]
    fn a_shortened_text_fits_and_says_so() {
        let text = "Rock And Roll, Alternative & Punk";
        assert_eq!(shortened(text, Face::Regular, 8.0, 500.0), text);
        let short = shortened(text, Face::Regular, 8.0, 60.0);
        assert!(short.ends_with('…') && text.starts_with(short.trim_end_matches('…')), "{short}");
        assert!(width(&short, Face::Regular, 8.0) <= 60.0);
        assert_eq!(shortened(text, Face::Regular, 8.0, 1.0), "…");
        // An accent is not torn from its letter.
        assert_eq!(shortened("e\u{301}e\u{301}e\u{301}", Face::Mono, 10.0, 18.1), "e\u{301}…");
    }

    #[test]
    fn wrapped_lines_fit_and_lose_nothing_but_what_the_ellipsis_stands_for() {
        let text = "Electronica and dance from the northern branch";
        let lines = wrapped(text, Face::Regular, 8.0, 80.0, 9);
        assert_eq!(lines.join(" "), text);
        assert!(lines.iter().all(|line| width(line, Face::Regular, 8.0) <= 80.0));
        let lines = wrapped(text, Face::Regular, 8.0, 80.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…'));
        assert!(wrapped("  ", Face::Regular, 8.0, 80.0, 2).is_empty());
    }

    #[test]
    fn only_words_that_are_too_wide_may_break() {
        let text = "a very_long_identifier_indeed, here";
        let broken = pieces(text, Face::Mono, 10.0, 60.0);
        assert_eq!(broken.concat(), text);
        assert_eq!(broken[..3], ["a very_", "long_", "iden"]);
        assert!(broken.iter().all(|piece| widest_word(piece, Face::Mono, 10.0) <= 60.0), "{broken:?}");
        assert_eq!(pieces("all of it fits", Face::Mono, 10.0, 60.0), ["all of it fits"]);
    }
}
