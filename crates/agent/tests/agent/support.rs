//! Data sets for the tests.

use std::path::PathBuf;

use longhaul_agent::data::{Dataset, Error, Limits, Source, Stop};
use tempfile::TempDir;

pub(crate) fn chinook() -> Dataset {
    open(&Source::one("sample:chinook")).unwrap()
}

pub(crate) fn open(source: &Source) -> Result<Dataset, Error> {
    Dataset::open(source, &[], &Limits::default(), &Stop::default())
}

/// A folder with files of the given names and contents.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new<B: AsRef<[u8]>>(files: &[(&str, B)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        Self(dir)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn source(&self, name: &str) -> Source {
        Source::one(self.path(name).to_string_lossy())
    }

    pub(crate) fn folder(&self) -> Source {
        Source::one(self.0.path().to_string_lossy())
    }
}

/// One CSV file, opened.
pub(crate) fn csv(content: impl AsRef<[u8]>) -> Result<Dataset, Error> {
    let files = Files::new(&[("data.csv", content)]);
    open(&files.source("data.csv"))
}
