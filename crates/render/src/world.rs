//! What typst may see while it sets a document: the template, the data, the fonts. Nothing else.

use std::sync::LazyLock;

use comemo::evict;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;

use crate::Error;
use crate::fonts::Fonts;

/// The template's files. Their names are fixed: typst keeps every file name it ever saw.
const TEMPLATE: [(&str, &str); 3] = [
    ("report.typ", include_str!("template/report.typ")),
    ("blocks.typ", include_str!("template/blocks.typ")),
    ("charts.typ", include_str!("template/charts.typ")),
];

/// The file that the template reads the document's texts from.
const DATA: &str = "document.json";

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    TEMPLATE
        .into_iter()
        .filter_map(|(name, text)| Some(Source::new(file_id(name)?, text.to_owned())))
        .collect()
});

/// The id of a file at the root; `None` for a name that no file can have.
fn file_id(name: &str) -> Option<FileId> {
    let path = VirtualPath::new(name).ok()?;
    Some(RootedPath::new(VirtualRoot::Project, path).intern())
}

/// All that typst can ask for.
struct Desk<'a> {
    fonts: &'a Fonts,
    main: FileId,
    data_id: FileId,
    data: Bytes,
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.fonts.store().book()
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        SOURCES.iter().find(|source| source.id() == id).cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.data_id { Ok(self.data.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.store().font(index)
    }

    /// A document says its dates itself, and is the same whenever it is set.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// Lays out the template with `data` and hands the pages to `export`.
///
/// What typst remembers of one document is dropped before the next, whether it succeeded or not:
/// documents share next to nothing, and a process that sets many must not grow.
pub(crate) fn typeset<T>(
    data: Vec<u8>,
    fonts: &Fonts,
    export: impl FnOnce(&PagedDocument) -> Result<T, Error>,
) -> Result<T, Error> {
    let (Some(main), Some(data_id)) = (file_id(TEMPLATE[0].0), file_id(DATA)) else {
        return Err(Error::Typesetting("the template has no usable name".to_owned()));
    };
    let desk = Desk { fonts, main, data_id, data: Bytes::new(data) };
    let result = typst::compile::<PagedDocument>(&desk)
        .output
        .map_err(|errors| refused(&errors))
        .and_then(|pages| export(&pages));
    evict(0);
    result
}

/// What typst says, in one line.
pub(crate) fn refused(errors: &[SourceDiagnostic]) -> Error {
    let said: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    Error::Typesetting(said.join("; "))
}
