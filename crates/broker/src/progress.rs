//! What the search for a binary has to tell, and one ready way to show it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// One thing to tell whoever waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// One line: what happens and why.
    pub line: String,
    /// How far a download is. The same line comes again and again with new figures until it is
    /// through; a line without figures comes once.
    pub bytes: Option<Bytes>,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes {
    /// Bytes that are here. `done == total` is the last word of a download.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

impl Progress {
    pub(crate) fn line(line: impl Into<String>) -> Progress {
        Progress { line: line.into(), bytes: None }
    }
}

/// Shows progress on stderr: lines as lines, a download as a bar. Where stderr is no terminal the
/// bar is left out and its line is printed once.
pub fn talk_on_stderr() -> impl FnMut(Progress) {
    let mut download: Option<(String, ProgressBar)> = None;
    move |progress| {
        let Some(bytes) = progress.bytes else {
            // A bar that did not come to its end would be drawn over the line.
            if let Some((_, bar)) = download.take() {
                bar.abandon();
            }
            eprintln!("{}", progress.line);
            return;
        };
        let same = matches!(&download, Some((line, _)) if *line == progress.line);
        if !same {
            let bar = ProgressBar::new(bytes.total);
            if bar.is_hidden() {
                eprintln!("{}", progress.line);
            }
            if let Ok(style) =
                ProgressStyle::with_template("{msg}\n{bar:40} {binary_bytes} of {binary_total_bytes}")
            {
                bar.set_style(style);
            }
            bar.set_message(progress.line.clone());
            bar.enable_steady_tick(Duration::from_millis(100));
            download = Some((progress.line, bar));
        }
        if let Some((_, bar)) = &download {
            bar.set_position(bytes.done);
            if bytes.done >= bytes.total {
                bar.finish();
            }
        }
    }
}
