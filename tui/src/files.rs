//! Files that are written where one is: never over another, never elsewhere.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use longhaul_core::text::is_plain;

/// How many names are tried before one gives up.
const TRIES: u32 = 1000;
/// Longest name, in bytes: what every file system takes.
const LONGEST: usize = 200;

/// Writes a new file into a folder; where. If there is one of that name, a number is put behind it.
///
/// # Errors
/// If it cannot be written. What was begun is then taken away.
pub(crate) fn write_new(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let name = safe(name);
    for n in 1..=TRIES {
        let path = folder.join(numbered(&name, n));
        match File::options().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                return match file.write_all(bytes).and_then(|()| file.sync_all()) {
                    Ok(()) => Ok(path),
                    Err(error) => {
                        // What cannot be written can perhaps not be removed either.
                        let _ = std::fs::remove_file(&path);
                        Err(error)
                    }
                };
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{TRIES} files are called {name} already")))
}

/// A name that is one part of a path, shows as what it is, and hides no file.
fn safe(name: &str) -> String {
    let mut clean: String =
        name.chars().map(|c| if is_plain(c) && !matches!(c, '/' | '\\') { c } else { '_' }).collect();
    while clean.len() > LONGEST {
        clean.pop();
    }
    match clean.trim_start_matches(['.', '-', ' ']) {
        "" => "file".to_owned(),
        text => text.to_owned(),
    }
}

fn numbered(name: &str, n: u32) -> String {
    match (n, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (_, Some((stem, ending))) if !stem.is_empty() => format!("{stem}-{n}.{ending}"),
        _ => format!("{name}-{n}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_and_nothing_leaves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| write_new(folder.path(), name, text.as_bytes()).unwrap();
        let first = write("report.pdf", "one");
        let second = write("report.pdf", "two");
        assert_eq!(second.file_name().unwrap(), "report-2.pdf");
        assert_eq!(std::fs::read(&first).unwrap(), b"one");
        for name in ["../../etc/passwd", "/etc/passwd", "..", "", ".bashrc", "a\u{1b}[2J\u{202e}b", "-rf"] {
            let path = write(name, "x");
            assert_eq!(path.parent().unwrap(), folder.path(), "{name:?}");
            let shown = path.file_name().unwrap().to_str().unwrap();
            assert!(shown.chars().all(is_plain) && !shown.starts_with(['.', '-']), "{shown:?}");
        }
    }
}
