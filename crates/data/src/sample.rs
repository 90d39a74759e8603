//! The sample data set that ships with the program.

/// The music store of the demo, as the bytes of an SQLite file: see `data/README.md` for where
/// it comes from.
#[must_use]
pub fn chinook() -> &'static [u8] {
    include_bytes!("../data/chinook.sqlite")
}

/// The file name under which the sample is named in a document.
pub const CHINOOK_NAME: &str = "chinook.sqlite";
