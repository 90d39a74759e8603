//! What happened during a storm: counts, and what nobody expected.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Most findings kept with their words.
const FINDINGS: usize = 50;

/// Filled while the storm goes on, by all its parts.
pub struct Record {
    begun: Instant,
    counts: Mutex<BTreeMap<String, u64>>,
    findings: Mutex<Vec<String>>,
    log: Mutex<std::fs::File>,
}

impl Record {
    /// An empty one; what happens is also written to the file `log`, with its time.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn new(log: &std::path::Path) -> std::io::Result<Self> {
        Ok(Self {
            begun: Instant::now(),
            counts: Mutex::default(),
            findings: Mutex::default(),
            log: Mutex::new(std::fs::File::create(log)?),
        })
    }

    /// How long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Writes a line with its time.
    pub fn note(&self, line: &str) {
        // A full disk must not end the storm.
        let _ = writeln!(self.log.lock().unwrap(), "{:9.3} {line}", self.elapsed().as_secs_f64());
    }

    /// One more of something.
    pub fn count(&self, what: &str) {
        *self.counts.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }

    /// Everything counted.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap().clone()
    }

    /// Something that must not happen.
    pub fn finding(&self, what: String) {
        self.note(&format!("FINDING {what}"));
        let mut findings = self.findings.lock().unwrap();
        if findings.len() < FINDINGS {
            findings.push(what);
        }
    }

    /// A process ended that should not have, or ended badly.
    pub fn broke(&self, name: &str, code: Option<i32>, said: &str) {
        let end: Vec<&str> = said.lines().rev().take(12).collect();
        let end: Vec<&str> = end.into_iter().rev().collect();
        let code = code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
        self.finding(format!("{name} broke, {code}:\n{}", end.join("\n")));
    }

    /// What must not have happened and did.
    pub fn findings(&self) -> Vec<String> {
        self.findings.lock().unwrap().clone()
    }
}
