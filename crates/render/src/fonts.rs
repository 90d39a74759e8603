//! The fonts a document is set in.
//!
//! Source Sans 3 and Source Code Pro ship with this crate (see `fonts/`). Behind them stand the
//! fonts embedded in typst, for symbols the first two do not have, and whatever the caller adds,
//! for scripts that none of them has.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::text::Font;
use typst_kit::fonts::FontStore;

use crate::Error;

/// The family of everything but code.
pub(crate) const SANS: &[u8] = include_bytes!("../fonts/SourceSans3-Regular.ttf");
/// Headings, table heads, totals.
pub(crate) const SANS_STRONG: &[u8] = include_bytes!("../fonts/SourceSans3-SemiBold.ttf");
const SANS_ITALIC: &[u8] = include_bytes!("../fonts/SourceSans3-Italic.ttf");
/// SQL.
pub(crate) const MONO: &[u8] = include_bytes!("../fonts/SourceCodePro-Regular.ttf");

/// The fonts that come with the program, in the order they are tried.
static SHIPPED: LazyLock<Vec<Font>> = LazyLock::new(|| {
    [SANS, SANS_STRONG, SANS_ITALIC, MONO]
        .into_iter()
        .filter_map(|data| Font::new(Bytes::new(data), 0))
        .collect()
});

/// The fonts embedded in typst.
static EMBEDDED: LazyLock<Vec<Font>> =
    LazyLock::new(|| typst_kit::fonts::embedded().map(|(font, _)| font).collect());

/// The fonts for one document.
pub(crate) struct Fonts {
    store: FontStore,
    all: Vec<Font>,
}

impl Fonts {
    /// The shipped and embedded fonts and those in the files `extra`, in that order of preference
    /// but for the embedded ones, which come last.
    pub(crate) fn load(extra: &[PathBuf]) -> Result<Self, Error> {
        let mut all = SHIPPED.clone();
        for path in extra {
            all.extend(read(path)?);
        }
        all.extend(EMBEDDED.iter().cloned());
        let mut store = FontStore::new();
        store.extend(all.iter().map(|font| (font.clone(), font.info().clone())));
        Ok(Self { store, all })
    }

    /// What typst asks for.
    pub(crate) fn store(&self) -> &FontStore {
        &self.store
    }

    /// Whether some font can draw `character`.
    pub(crate) fn covers(&self, character: char) -> bool {
        let code = u32::from(character);
        self.all.iter().any(|font| font.info().coverage.contains(code))
    }
}

/// The fonts in a file: one, or all of a collection.
fn read(path: &Path) -> Result<Vec<Font>, Error> {
    let failed = |reason: String| Error::Font { path: path.to_owned(), reason };
    let data = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let fonts: Vec<Font> = Font::iter(Bytes::new(data)).collect();
    if fonts.is_empty() {
        return Err(failed("it holds no TrueType or OpenType font".to_owned()));
    }
    Ok(fonts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_fonts_are_there() {
        let names: Vec<_> = SHIPPED
            .iter()
            .map(|font| (font.info().family.as_str(), font.info().variant.weight.to_number()))
            .collect();
        assert_eq!(
            names,
            [
                ("Source Sans 3", 400),
                ("Source Sans 3", 600),
                ("Source Sans 3", 400),
                ("Source Code Pro", 400)
            ]
        );
    }

    #[test]
    fn latin_greek_cyrillic_and_symbols_are_covered() {
        let fonts = Fonts::load(&[]).unwrap();
        let missing: String =
            "aÅßñøŁžĐ αΩ Жя €£¥₹ –—…−±×÷≤≥≈ →▲▼■●✓ ²³½ №".chars().filter(|&c| !fonts.covers(c)).collect();
        assert_eq!(missing, "");
        assert!(!fonts.covers('中'));
    }

    #[test]
    fn a_file_that_is_no_font_is_refused() {
        let error = Fonts::load(&[PathBuf::from("no-such-font.ttf")]);
        assert!(matches!(error, Err(Error::Font { .. })));
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let error = Fonts::load(&[manifest]).err().unwrap().to_string();
        assert!(error.contains("no TrueType or OpenType font"), "{error}");
    }
}
