//! Processes whose clock is wrong.

use std::path::PathBuf;
use std::process::Command;

/// Makes a command run with a clock that is so many seconds ahead, or behind if negative. What counts
/// on how time passes is not touched: no clock of a real machine jumps back and forth.
///
/// # Panics
/// If libfaketime is not there; the message says how to get it.
pub fn skewed(mut command: Command, seconds: i64) -> Command {
    command
        .env("LD_PRELOAD", library())
        .env("FAKETIME", format!("{seconds:+}"))
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    command
}

/// Where the library lies that moves the clocks.
fn library() -> PathBuf {
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].into_iter().map(PathBuf::from);
    // Debian keeps libraries in a folder of each architecture.
    let folders = folders.flat_map(|folder| {
        let below = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        std::iter::once(folder.clone()).chain(below.collect::<Vec<_>>())
    });
    let places = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    places.into_iter().find(|place| place.is_file()).expect(
        "libfaketimeMT.so.1 is not there, which moves the clock of a process; install the package \
         `faketime` (apt-get install faketime)",
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::skewed;

    #[test]
    fn the_clock_of_a_process_is_moved() {
        let mut date = Command::new("date");
        date.arg("+%s");
        let output = skewed(date, 3600).output().unwrap();
        let said: u64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        assert!((3590..3610).contains(&(said - now)), "it says {said}, it is {now}");
    }
}
