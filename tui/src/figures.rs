//! How long the dashboard takes over what it does, by its own clock: kept only where somebody asked for
//! it, every sample, and written when it ends. `longhaul bench dashboard` makes figures of them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// Samples, as they are written: times of day in microseconds since 1970, spans in microseconds.
#[derive(Debug, Default, Serialize)]
struct Samples {
    /// When the source was first asked for anything.
    connected_at: Option<u64>,
    /// When the first frame with all tasks was on the terminal.
    listed_at: Option<u64>,
    frames: Vec<Frame>,
    keys: Vec<Key>,
}

#[derive(Debug, Serialize)]
struct Frame {
    /// When it was on the terminal.
    at: u64,
    /// From when it was due until it was written.
    took: u64,
    /// How much was written.
    bytes: usize,
}

#[derive(Debug, Serialize)]
struct Key {
    /// When it was read.
    at: u64,
    /// Until the frame after it was written.
    took: u64,
}

/// What was measured so far.
#[derive(Debug)]
pub(crate) struct Figures {
    path: PathBuf,
    begun: Instant,
    /// The time of day then.
    begun_at: u64,
    /// Keys that no frame has followed yet.
    pressed: Vec<Instant>,
    samples: Samples,
}

impl Figures {
    /// To be written into a file.
    pub(crate) fn new(path: &Path) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            path: path.to_owned(),
            begun: Instant::now(),
            begun_at: u64::try_from(since.as_micros()).unwrap_or(u64::MAX),
            pressed: Vec::new(),
            samples: Samples::default(),
        }
    }

    fn time(&self, at: Instant) -> u64 {
        self.begun_at + micros(at.saturating_duration_since(self.begun))
    }

    /// The source is there, and asked.
    pub(crate) fn connected(&mut self) {
        self.samples.connected_at = Some(self.time(Instant::now()));
    }

    /// Something was typed.
    pub(crate) fn pressed(&mut self, at: Instant) {
        self.pressed.push(at);
    }

    /// A frame was written. `listed`: all tasks are known.
    pub(crate) fn drawn(&mut self, due: Instant, bytes: usize, listed: bool) {
        let now = Instant::now();
        let at = self.time(now);
        self.samples.frames.push(Frame { at, took: micros(now - due), bytes });
        for pressed in std::mem::take(&mut self.pressed) {
            self.samples.keys.push(Key { at: self.time(pressed), took: micros(now - pressed) });
        }
        if listed && self.samples.listed_at.is_none() {
            self.samples.listed_at = Some(at);
        }
    }

    /// Writes them.
    pub(crate) fn write(&self) -> io::Result<()> {
        std::fs::write(&self.path, serde_json::to_vec(&self.samples)?)
    }
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_key_is_timed_until_the_frame_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figures.json");
        let mut figures = Figures::new(&path);
        let begun = figures.begun;
        figures.connected();
        figures.pressed(begun);
        figures.pressed(begun + Duration::from_micros(1));
        figures.drawn(begun, 10, false);
        figures.drawn(begun, 20, true);
        figures.write().unwrap();
        let told: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(told["keys"].as_array().unwrap().len(), 2);
        assert_eq!(told["frames"].as_array().unwrap().len(), 2);
        assert_eq!(told["frames"][1]["bytes"], 20);
        assert_eq!(told["listed_at"], told["frames"][1]["at"]);
        assert!(told["connected_at"].as_u64() <= told["listed_at"].as_u64());
    }
}
