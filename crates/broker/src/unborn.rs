//! What was begun in a server's directory and never came to be, and is in the way of the next start.
//!
//! Streams of which nothing reached the disk:
//! The server syncs what describes a stream when it makes it, but not with `persist_mode: async`. If
//! the power goes before the kernel writes it out by itself, a folder with empty files is left. The
//! server does not take such a stream up again, lets nobody make it anew, and calls itself unhealthy
//! for ever. Without the folder it is as if the stream had never been made: whoever needs it makes it.
//!
//! And the file by which the server tries at each start whether it can write: killed at that moment, it
//! leaves it, takes it for an account from then on, and calls itself unhealthy for ever.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::directory::bytes_below;

/// Removes such streams from a server's directory, and gives their names. One with a single byte of
/// a message, or a description, stays.
pub(crate) fn remove(data_dir: &Path) -> io::Result<Vec<String>> {
    let mut removed = Vec::new();
    for account in folders(&data_dir.join("jetstream"))? {
        for stream in folders(&account.join("streams"))? {
            let described = fs::metadata(stream.join("meta.inf")).is_ok_and(|meta| meta.len() > 0);
            if described || bytes_below(&stream.join("msgs")) > 0 {
                continue;
            }
            fs::remove_dir_all(&stream)?;
            removed.extend(stream.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    Ok(removed)
}

/// What the names of the files begin with by which the server tries whether it can write.
const TRIAL: &str = "_test_";

/// Removes the files by which a server tried whether it can write; how many there were. One that holds
/// something is not such a file.
pub(crate) fn remove_trials(data_dir: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(data_dir.join("jetstream")) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let meta = entry.metadata()?;
        if entry.file_name().to_string_lossy().starts_with(TRIAL) && meta.is_file() && meta.len() == 0 {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn folders(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let entries = match fs::read_dir(folder) {
        // What is in the server's way the server tells better.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trials_go() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(remove_trials(dir.path()).unwrap(), 0, "nothing there yet");
        let store = dir.path().join("jetstream");
        fs::create_dir_all(store.join("_test_folder")).unwrap();
        for (name, holds) in [("_test_123", ""), ("_test_124", "something"), ("other", "")] {
            fs::write(store.join(name), holds).unwrap();
        }
        assert_eq!(remove_trials(dir.path()).unwrap(), 1);
        assert!(!store.join("_test_123").exists());
        for left in ["_test_124", "other", "_test_folder"] {
            assert!(store.join(left).exists(), "{left}");
        }
    }

    #[test]
    fn only_what_has_nothing_goes() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(remove(dir.path()).unwrap(), [] as [String; 0], "nothing there yet");
        let make = |name: &str, meta: &str, block: &str| {
            let stream = dir.path().join("jetstream/$G/streams").join(name);
            fs::create_dir_all(stream.join("msgs")).unwrap();
            fs::write(stream.join("meta.inf"), meta).unwrap();
            fs::write(stream.join("msgs/1.blk"), block).unwrap();
        };
        make("WHOLE", "{}", "message");
        make("YOUNG", "{}", "");
        make("HURT", "", "message");
        make("UNBORN", "", "");
        assert_eq!(remove(dir.path()).unwrap(), ["UNBORN"]);
        for left in ["WHOLE", "YOUNG", "HURT"] {
            assert!(dir.path().join("jetstream/$G/streams").join(left).is_dir(), "{left}");
        }
    }
}
