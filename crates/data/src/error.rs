//! What can go wrong with a data set or a query.

use std::fmt;
use std::path::PathBuf;

/// What may be named instead of what is no data.
const KINDS: &str = "name a file of SQLite, CSV, JSON or Parquet, or a folder of CSV, JSON and Parquet files";

/// A data set that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path leads to nothing, or to nothing that may be read.
    #[error("cannot read {}; check the path and its permissions", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The path is a device, a pipe, a socket.
    #[error("{} is not a file; {KINDS}", path.display())]
    NotAFile {
        /// The path as given.
        path: PathBuf,
    },
    /// The path lies outside the folders that this executor may read.
    #[error("{} lies outside the folders this executor may read; move the file or ask for access", path.display())]
    OutsideRoots {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder without data, or an empty list of paths.
    #[error("no data in {place}; {KINDS}")]
    Nothing {
        /// Where data was looked for.
        place: String,
    },
    /// A list that mixes kinds of files.
    #[error("{} is an SQLite file inside a list; name it alone, lists are for CSV, JSON and Parquet files", path.display())]
    Mixed {
        /// The file that does not fit.
        path: PathBuf,
    },
    /// More bytes than the limit.
    #[error(
        "{place} has {bytes} bytes, more than the {limit} that are read; load the data into an SQLite file and name that"
    )]
    TooLarge {
        /// The file or the list.
        place: String,
        /// How large it is.
        bytes: u64,
        /// How large it may be.
        limit: u64,
    },
    /// More rows than the limit.
    #[error(
        "{place} has more than the {limit} rows that are read; leave out what the report does not need, or load the data into an SQLite file and name that"
    )]
    TooManyRows {
        /// The file or the list.
        place: String,
        /// How many rows it may have.
        limit: u64,
    },
    /// Few bytes on disk, too many in memory.
    #[error(
        "{place} takes more than {limit} bytes of memory once it is unpacked; leave out columns the report does not need, or load the data into an SQLite file and name that"
    )]
    TooLargeUnpacked {
        /// The file or the list.
        place: String,
        /// How many bytes of memory it may take.
        limit: u64,
    },
    /// A CSV file that does not hold a table.
    #[error("{} is not a usable CSV file: {fault}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        fault: FileFault,
    },
    /// A JSON file that does not hold a table.
    #[error("{} is not a usable JSON file: {fault}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        fault: FileFault,
    },
    /// A Parquet file that does not hold a table.
    #[error("{} is not a usable Parquet file: {fault}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong; it has no lines.
        fault: FileFault,
    },
    /// A database that SQLite cannot open or read.
    #[error("{place} is not a usable SQLite database: {reason}")]
    Database {
        /// The file.
        place: String,
        /// What SQLite said.
        reason: String,
    },
    /// A whole address of a database where the name of a connection belongs.
    #[error(
        "the data is named by the address of a database, which may hold a password; name a connection of this executor instead: postgres:NAME"
    )]
    Address,
    /// No connection has the name.
    #[error("this executor has no connection called {name:?}; {}", names_of(known))]
    UnknownConnection {
        /// The name as given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A database that cannot be reached or read.
    #[error("the database of the connection {name} cannot be read: {reason}")]
    Unreachable {
        /// The connection.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A role that may do what no report needs.
    #[error(
        "the connection {name} is not used, because {reason}; give it a role that may only read: CREATE ROLE reader LOGIN PASSWORD '…'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
    )]
    Role {
        /// The connection.
        name: String,
        /// What the role may do.
        reason: String,
    },
    /// Somebody asked to stop.
    #[error("reading the data was stopped")]
    Stopped,
}

/// Why a file is not a table: where, what, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// The line, counted from 1, where there is one to name.
    pub line: Option<u64>,
    /// What is wrong there.
    pub problem: String,
    /// What the owner of the file can do.
    pub advice: String,
}

impl FileFault {
    pub(crate) fn at(line: u64, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { line: Some(line), problem: problem.into(), advice: advice.into() }
    }

    pub(crate) fn whole(problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { line: None, problem: problem.into(), advice: advice.into() }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(out, "line {line}: ")?;
        }
        write!(out, "{}; {}", self.problem, self.advice)
    }
}

fn names_of(names: &[String]) -> String {
    if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) }
}

/// A query that gave no rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text is not one reading statement; it was not run.
    #[error("{reason}; send exactly one SELECT statement")]
    NotAQuery {
        /// What it is instead.
        reason: String,
    },
    /// The statement wants something other than reading; it was not run.
    #[error("the query was refused: {reason}; only reading the tables of this data set is allowed")]
    Refused {
        /// What it wanted.
        reason: String,
    },
    /// The engine cannot make sense of the statement; it was not run.
    #[error("the query is not valid: {reason}; `get_schema` names the tables and columns")]
    Invalid {
        /// What the engine said.
        reason: String,
    },
    /// The query ran into its time limit.
    #[error(
        "the query took longer than {millis} ms and was stopped; ask for less: fewer rows, a filter, an aggregate"
    )]
    TooSlow {
        /// The limit.
        millis: u64,
    },
    /// Somebody asked to stop while it ran.
    #[error("the query was stopped")]
    Stopped,
    /// The query ran and failed.
    #[error("the query failed: {reason}")]
    Failed {
        /// What the engine said.
        reason: String,
    },
}

impl QueryError {
    /// Whether the database did work for it, so that it counts as a query.
    #[must_use]
    pub fn ran(&self) -> bool {
        matches!(self, Self::TooSlow { .. } | Self::Stopped | Self::Failed { .. })
    }
}
