//! Sets a document: as PDF, HTML, Markdown or a Word file.
//!
//! [`set`] turns a [`Document`] into the bytes of one file. As a PDF ([`pdf`]) it is a report on A4: a
//! title block, a summary, numbered sections, charts, tables, and the queries behind them, tagged so
//! that it can be read aloud, with bookmarks. HTML is one file that needs no other and runs nothing;
//! in Markdown a chart is the table of its figures; in a Word file text, tables and charts can be
//! edited. The same document gives the same bytes on any machine.
//!
//! Texts are data all the way: the PDF's template is fixed, reads them from a JSON file and never
//! evaluates them, and what it may read is the template, that file and the fonts; in the other formats
//! every character that would be markup is written so that it is none.
//!
//! Typesetting is memory and time spent on somebody else's input, so it belongs in a process of
//! its own that can be limited and killed. [`run_child`] is that process's whole life.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

use std::path::PathBuf;

use longhaul_document::{Document, Faults, Format, Limits};
use typst_pdf::{PdfOptions, PdfStandards};

mod chart;
mod child;
mod docx;
mod fonts;
mod html;
mod markdown;
mod markup;
mod number;
mod paragraph;
mod ruler;
mod sheet;
mod table;
mod world;

pub use child::{BAD_INPUT, FAILED, MAX_CPU_SECONDS, MAX_INPUT, MAX_MEMORY, run_child};

use fonts::Fonts;

/// How a document is set.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How large the document may be.
    pub limits: Limits,
    /// Font files for characters that the fonts of this crate do not have, in order of preference:
    /// TrueType or OpenType, single or collections.
    ///
    /// The crate's own fonts cover Latin, Greek and Cyrillic. Chinese, Japanese, Korean and Arabic,
    /// for instance, need a font from here; without, such a character is an empty box, and the
    /// last page says so.
    pub fonts: Vec<PathBuf>,
}

/// Why a document was not set.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The document breaks the rules that [`Document::check`] knows.
    #[error("the document cannot be set: {0}")]
    Faulty(#[from] Faults),
    /// A file of [`Options::fonts`] cannot be used.
    #[error("cannot use the font {}: {reason}", path.display())]
    Font {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Setting failed: a defect of this crate, not of the document.
    #[error("setting the document failed: {0}")]
    Typesetting(String),
}

/// Sets `document` in a format.
///
/// Texts are [cleaned](Document::clean) first: what a reader cannot see is in no file.
///
/// # Errors
///
/// As [`pdf`].
pub fn set(document: &Document, format: Format, options: &Options) -> Result<Vec<u8>, Error> {
    let prepared = || {
        let mut document = document.clone();
        document.clean();
        document.check(&options.limits).map(|()| document)
    };
    match format {
        Format::Pdf => pdf(document, options),
        Format::Html => Ok(html::html(&prepared()?).into_bytes()),
        Format::Markdown => Ok(markdown::markdown(&prepared()?).into_bytes()),
        Format::Docx => docx::docx(&prepared()?).map_err(Error::Typesetting),
    }
}

/// Sets `document` as a PDF.
///
/// Texts are [cleaned](Document::clean) first, so that what a reader cannot see is not in the PDF
/// either.
///
/// # Errors
///
/// [`Error::Faulty`] for a document that is not whole or too large, [`Error::Font`] for a font
/// file that is none, [`Error::Typesetting`] when the template fails.
pub fn pdf(document: &Document, options: &Options) -> Result<Vec<u8>, Error> {
    export(document, options, PdfStandards::default())
}

/// Sets `document` as a PDF that keeps to `standards`.
fn export(document: &Document, options: &Options, standards: PdfStandards) -> Result<Vec<u8>, Error> {
    let fonts = Fonts::load(&options.fonts)?;
    let data = sheet::data(document, options, &fonts)?;
    let settings = PdfOptions {
        creator: typst::foundations::Smart::Custom(Some("Longhaul".to_owned())),
        standards,
        ..PdfOptions::default()
    };
    world::typeset(data, &fonts, |pages| {
        typst_pdf::pdf(pages, &settings).map_err(|errors| world::refused(&errors))
    })
}

#[cfg(test)]
mod formats;
#[cfg(test)]
mod tests;
