//! The database file: opened if it is ours and up to date, else made anew.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use longhaul_wire::Shards;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::error::Error;

/// Marks the file as a read model of ours: "LHrm".
const APPLICATION_ID: i32 = 0x4c48_726d;

/// The form of the tables. Raised with every change of them or of what is put into them.
const SCHEMA: u32 = 5;

/// Bytes of a page.
const PAGE: u32 = 8192;

const TABLES: &str = include_str!("schema.sql");

/// What the user said, not the log: it stays when the model is built anew.
const MARKS: &str = "
CREATE TABLE IF NOT EXISTS read_mark (
    org      TEXT NOT NULL,
    user     TEXT NOT NULL,
    task     BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (org, user, task, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS read_up_to (
    org      TEXT NOT NULL,
    user     TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (org, user)
) STRICT, WITHOUT ROWID;
";

/// How long a writer waits for the other one (folding, read marks).
const BUSY: Duration = Duration::from_secs(2);

/// The tables that hold state of this place only.
const KEPT: [&str; 2] = ["read_mark", "read_up_to"];

/// The files of a read model.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Held as long as the projector lives: one process folds into a directory.
    _lock: File,
}

fn opened(source: rusqlite::Error) -> Error {
    Error::Database { what: "opened", source }
}

impl Place {
    /// Takes the directory, makes it if need be.
    pub(crate) fn take(dir: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Directory { path: dir.to_owned(), source };
        make_dir(dir).map_err(unusable)?;
        let lock_path = dir.join("projector.lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: dir.join("read-model.sqlite"), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path: lock_path }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Opens the database for folding. What another version, or a log of other shards, left there is
    /// dropped; `anew` drops it in any case.
    pub(crate) fn open(&self, shards: Shards, anew: bool) -> Result<Connection, Error> {
        match self.try_open(shards, anew) {
            Err(error) if error.is_damage() => {
                tracing::warn!(%error, path = %self.path.display(), "the read model is damaged; it is built anew");
                self.remove()?;
                self.try_open(shards, anew)
            }
            other => other,
        }
    }

    fn try_open(&self, shards: Shards, anew: bool) -> Result<Connection, Error> {
        let mut db = Connection::open(&self.path).map_err(opened)?;
        let application: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(opened)?;
        let tables: u32 =
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(opened)?;
        if application != APPLICATION_ID && tables > 0 {
            return Err(Error::Foreign { path: self.path.clone() });
        }
        if tables == 0 {
            // A task takes one to two kilobytes: of the usual pages most would hold two, and waste a third.
            db.pragma_update(None, "page_size", PAGE).map_err(opened)?;
        }
        settle(&db).map_err(opened)?;
        let identity = identity(shards);
        if anew || stored_identity(&db).map_err(opened)?.as_ref() != Some(&identity) {
            make(&mut db, &identity).map_err(opened)?;
        }
        Ok(db)
    }

    /// Opens the database for marks, beside the one that folds.
    pub(crate) fn open_marks(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.path, flags).map_err(opened)?;
        settle(&db).map_err(opened)?;
        Ok(db)
    }

    /// Opens the database for questions. Such a connection cannot write.
    pub(crate) fn open_reader(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.path, flags).map_err(opened)?;
        db.busy_timeout(BUSY).map_err(opened)?;
        db.set_prepared_statement_cache_capacity(64);
        Ok(db)
    }

    fn remove(&self) -> Result<(), Error> {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            match std::fs::remove_file(&name) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::Directory { path: name.into(), source });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What lies here is what users gave their tasks: nobody else on the machine reads it.
fn make_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn settle(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    // What is lost with the power is folded again: positions go with the rows.
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "cache_size", -32_000)?;
    // The pages at the ends of the orders change in every transaction: written home less often, they
    // are written home once for many changes.
    db.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    db.pragma_update(None, "journal_size_limit", 64_000_000)?;
    // What is erased is overwritten, not only let go of.
    db.pragma_update(None, "secure_delete", true)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// What the rows depend on besides the log. The program's version is part of it: how events fold
/// is code, and rows that two versions folded would agree with neither.
fn identity(shards: Shards) -> String {
    format!(
        "schema {SCHEMA}, program {}, records {}, shards {shards}",
        env!("CARGO_PKG_VERSION"),
        longhaul_wire::VERSION
    )
}

fn stored_identity(db: &Connection) -> rusqlite::Result<Option<String>> {
    let known = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'identity'";
    if db.query_row(known, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    db.query_row("SELECT is_now FROM identity", [], |row| row.get(0)).optional()
}

/// Drops every table but the marks, and makes them anew, empty; all or nothing.
fn make(db: &mut Connection, identity: &str) -> rusqlite::Result<()> {
    let all = db.transaction()?;
    for table in tables(&all)? {
        if !KEPT.contains(&table.as_str()) {
            all.execute_batch(&format!("DROP TABLE \"{}\"", table.replace('"', "\"\"")))?;
        }
    }
    all.pragma_update(None, "application_id", APPLICATION_ID)?;
    all.execute_batch(TABLES)?;
    all.execute_batch(MARKS)?;
    all.execute_batch("CREATE TABLE identity (is_now TEXT NOT NULL) STRICT")?;
    all.execute("INSERT INTO identity (is_now) VALUES (?)", [identity])?;
    all.commit()
}

/// Empties the model, marks included: it was folded from another log.
pub(crate) fn start_over(db: &mut Connection, shards: Shards) -> Result<(), Error> {
    make(db, &identity(shards)).map_err(opened)?;
    db.execute_batch("DELETE FROM read_mark; DELETE FROM read_up_to").map_err(opened)
}

fn tables(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    db.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Every row that follows from the log, as text, sorted: two models of one log are the same list.
///
/// # Errors
/// [`Error::Database`] if the file cannot be read.
pub(crate) fn dump(db: &Connection) -> Result<Vec<String>, Error> {
    dump_rows(db).map_err(|source| Error::Database { what: "read", source })
}

fn dump_rows(db: &Connection) -> rusqlite::Result<Vec<String>> {
    use rusqlite::types::ValueRef;
    let mut lines = Vec::new();
    for table in tables(db)?.into_iter().filter(|table| !KEPT.contains(&table.as_str())) {
        let mut statement = db.prepare(&format!("SELECT * FROM \"{}\"", table.replace('"', "\"\"")))?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mut line = table.clone();
            for (at, name) in names.iter().enumerate() {
                let value = match row.get_ref(at)? {
                    ValueRef::Null => "-".to_owned(),
                    ValueRef::Integer(n) => n.to_string(),
                    ValueRef::Real(x) => x.to_string(),
                    ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    // Snapshots are JSON; ids are 16 bytes.
                    ValueRef::Blob(bytes) if bytes.len() == 16 => hex(bytes),
                    ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                };
                line.push_str(&format!(" {name}={value}"));
            }
            lines.push(line);
        }
    }
    lines.sort_unstable();
    Ok(lines)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
