//! Where the data of a report lies.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::Error;

/// The data of a report, as a request names it: one path, or a list of files.
///
/// A path is a file of SQLite, CSV, JSON or Parquet, or a folder whose CSV, JSON and Parquet files
/// are one table each.
/// `sample:chinook` is the data set that ships with the program. `postgres:NAME` is the database of
/// a connection that whoever runs the executor has given that name: an address and a password are
/// never part of a request. In JSON it is a text or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source(Vec<String>);

/// The name of the built-in sample in a request.
pub(crate) const SAMPLE: &str = "sample:chinook";

/// What a [`Source`] turned out to be.
#[derive(Debug)]
pub(crate) enum Found {
    Sample,
    /// The database of the connection of this name.
    Postgres(String),
    Sqlite(PathBuf),
    /// Files that are loaded, each of which is a table.
    Files(Vec<PathBuf>),
}

/// What the name of a connection stands behind.
const POSTGRES: &str = "postgres:";
/// Addresses, which do not belong into a request.
const ADDRESSES: [&str; 2] = ["postgres://", "postgresql://"];

const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";
const DATABASE_EXTENSIONS: [&str; 3] = ["sqlite", "sqlite3", "db"];
const TABLE_EXTENSIONS: [&str; 8] = ["csv", "tsv", "tab", "json", "ndjson", "jsonl", "parquet", "pq"];

impl Source {
    /// One file, one folder, the sample, or a connection.
    #[must_use]
    pub fn one(path: impl Into<String>) -> Self {
        Self(vec![path.into()])
    }

    /// Several files of CSV, JSON and Parquet, each of which becomes a table.
    #[must_use]
    pub fn many(paths: Vec<String>) -> Self {
        Self(paths)
    }

    /// A short name for titles and facts: the file's name, or how many files there are.
    #[must_use]
    pub fn name(&self) -> String {
        match self.0.as_slice() {
            [] => "no data".to_owned(),
            [one] if one == SAMPLE => crate::sample::CHINOOK_NAME.to_owned(),
            // An address is refused, and what it holds is not said.
            [one] if is_address(one) => "a database".to_owned(),
            [one] if one.starts_with(POSTGRES) => one[POSTGRES.len()..].to_owned(),
            [one] => file_name(Path::new(one)),
            [first, rest @ ..] => {
                let files = if rest.len() == 1 { "file" } else { "files" };
                format!("{} and {} other {files}", file_name(Path::new(first)), rest.len())
            }
        }
    }

    /// Looks at the paths and tells what they hold. With `roots`, only what lies in one of
    /// these folders is touched.
    pub(crate) fn find(&self, roots: &[PathBuf]) -> Result<Found, Error> {
        match self.0.as_slice() {
            [] => Err(Error::Nothing { place: "an empty list".to_owned() }),
            [one] if one == SAMPLE => Ok(Found::Sample),
            paths if paths.iter().any(|path| is_address(path)) => Err(Error::Address),
            [one] if one.starts_with(POSTGRES) => Ok(Found::Postgres(one[POSTGRES.len()..].to_owned())),
            [one] => find_one(Path::new(one), roots),
            paths => find_list(paths, roots),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => serializer.serialize_str(one),
            paths => serializer.collect_seq(paths),
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathOrList)
    }
}

struct PathOrList;

impl<'de> Visitor<'de> for PathOrList {
    type Value = Source;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a path, or a list of paths")
    }

    fn visit_str<E>(self, path: &str) -> Result<Source, E> {
        Ok(Source::one(path))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Source, A::Error> {
        let mut paths = Vec::new();
        while let Some(path) = list.next_element()? {
            paths.push(path);
        }
        Ok(Source(paths))
    }
}

fn is_address(text: &str) -> bool {
    ADDRESSES.iter().any(|begin| text.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin)))
}

fn find_list(paths: &[String], roots: &[PathBuf]) -> Result<Found, Error> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let file = resolve(Path::new(path), roots)?;
        require_file(&file)?;
        if is_sqlite(&file)? {
            return Err(Error::Mixed { path: path.into() });
        }
        if !files.contains(&file) {
            files.push(file);
        }
    }
    Ok(Found::Files(files))
}

fn find_one(path: &Path, roots: &[PathBuf]) -> Result<Found, Error> {
    let real = resolve(path, roots)?;
    if real.is_dir() {
        return find_in_folder(&real, roots);
    }
    require_file(&real)?;
    if is_sqlite(&real)? {
        return Ok(Found::Sqlite(real));
    }
    if DATABASE_EXTENSIONS.contains(&extension(&real).as_str()) {
        let reason = "it does not begin as an SQLite file does".to_owned();
        return Err(Error::Database { place: path.display().to_string(), reason });
    }
    Ok(Found::Files(vec![real]))
}

fn find_in_folder(folder: &Path, roots: &[PathBuf]) -> Result<Found, Error> {
    let unreadable = |source| Error::Unreadable { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if TABLE_EXTENSIONS.contains(&extension(&path).as_str()) {
            // A link in the folder may lead out of it: each file is resolved by itself.
            let file = resolve(&path, roots)?;
            require_file(&file)?;
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(Error::Nothing { place: format!("the folder {}", folder.display()) });
    }
    files.sort();
    files.dedup();
    Ok(Found::Files(files))
}

/// The real absolute path: links followed, so that a link cannot lead out of the roots, and a
/// name such as `file:x?mode=rw` cannot be read as a URI by the engine.
fn resolve(path: &Path, roots: &[PathBuf]) -> Result<PathBuf, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let real = fs::canonicalize(path).map_err(unreadable)?;
    let inside = |root: &PathBuf| fs::canonicalize(root).is_ok_and(|root| real.starts_with(root));
    if !roots.is_empty() && !roots.iter().any(inside) {
        return Err(Error::OutsideRoots { path: path.to_owned() });
    }
    Ok(real)
}

fn require_file(path: &Path) -> Result<(), Error> {
    let meta = fs::metadata(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    if meta.is_file() { Ok(()) } else { Err(Error::NotAFile { path: path.to_owned() }) }
}

fn is_sqlite(path: &Path) -> Result<bool, Error> {
    use std::io::Read;
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let mut head = Vec::with_capacity(SQLITE_MAGIC.len());
    fs::File::open(path)
        .map_err(unreadable)?
        .take(SQLITE_MAGIC.len() as u64)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    Ok(head == SQLITE_MAGIC)
}

/// What the name of a file ends with, in small letters; empty without an ending.
pub(crate) fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
