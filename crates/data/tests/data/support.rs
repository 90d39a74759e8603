//! Files for data sets, in a folder of their own.

use std::path::{Path, PathBuf};

use longhaul_data::{ColumnKind, Dataset, Error, Limits, Source, Stop};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new<C: AsRef<[u8]>>(files: &[(&str, C)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        Self(folder)
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

/// One of the files that are kept beside these tests.
pub(crate) fn kept(name: &str) -> Source {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name);
    Source::one(path.to_string_lossy())
}

pub(crate) fn open(source: &Source) -> Result<Dataset, Error> {
    Dataset::open(source, &[], &Limits::default(), &Stop::default())
}

pub(crate) fn kinds(data: &Dataset) -> Vec<(String, ColumnKind)> {
    let [table] = data.schema().tables.as_slice() else { panic!("{:?}", data.schema()) };
    table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect()
}

pub(crate) fn column(data: &mut Dataset, table: &str, name: &str) -> Vec<Value> {
    let rows = data.query(&format!("SELECT \"{name}\" FROM \"{table}\"")).unwrap();
    rows.rows.into_iter().map(|mut row| row.remove(0)).collect()
}
