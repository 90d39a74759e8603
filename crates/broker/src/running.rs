//! Where the server of a data directory is, for the other processes of the same user.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::directory::{self, Directory};

/// Where the server of a data directory can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Where clients connect: `nats://127.0.0.1:PORT`.
    pub url: String,
    /// The token that lets clients in. Kept in a file of its own.
    #[serde(skip)]
    pub token: String,
    /// The monitoring endpoint: `http://127.0.0.1:PORT`.
    pub monitoring_url: String,
    /// The server's process id.
    pub pid: u32,
}

/// Finds the server that another process of the same user runs in this data directory. None: none
/// does, or it is not up yet.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::BadFile`] if the directory's files cannot be read.
pub fn running(data_dir: &Path) -> Result<Option<Running>, Error> {
    if !directory::is_owned(data_dir)? {
        return Ok(None);
    }
    let Some(mut running) = last(data_dir) else {
        return Ok(None);
    };
    running.token = directory::read_token(data_dir)?;
    Ok(Some(running))
}

/// Tells other processes where the server is that this one runs here.
pub(crate) fn write(directory: &Directory, running: &Running) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(running)
        .map_err(|error| Error::Io { doing: "describe the server".to_owned(), source: error.into() })?;
    directory.write(&file(directory.path()), &text)
}

/// What was last written here, whether or not it still holds.
pub(crate) fn last(data_dir: &Path) -> Option<Running> {
    let text = std::fs::read(file(data_dir)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Takes back what was written: the server is not up.
pub(crate) fn forget(directory: &Directory) -> Result<(), Error> {
    let file = file(directory.path());
    match std::fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("remove {}", file.display()))(error))
        }
        _ => Ok(()),
    }
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}
