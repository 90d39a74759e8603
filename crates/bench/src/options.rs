//! What is to be measured, and how.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use longhaul_journal::{ConnectOptions, Durability};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// No-op tasks from end to end, as many as go through.
    Throughput,
    /// How long one waits at a steady, low pace.
    Latency,
    /// From an abort until it can be read that the task has stopped.
    Abort,
    /// What one task can record, word after word.
    Progress,
    /// What tasks that only wait take of an executor's memory.
    Sleeping,
    /// How fast history is read again.
    Replay,
    /// How cost grows.
    Growth,
    /// What the dashboard costs, and how fast it is.
    Dashboard,
}

/// Everything, in the order it is measured.
pub const ALL: [Scenario; 8] = [
    Scenario::Throughput,
    Scenario::Latency,
    Scenario::Abort,
    Scenario::Progress,
    Scenario::Sleeping,
    Scenario::Replay,
    Scenario::Growth,
    Scenario::Dashboard,
];

impl Scenario {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Latency => "latency",
            Self::Abort => "abort",
            Self::Progress => "progress",
            Self::Sleeping => "sleeping",
            Self::Replay => "replay",
            Self::Growth => "growth",
            Self::Dashboard => "dashboard",
        }
    }
}

/// Against which server.
#[derive(Debug, Clone)]
pub enum Server {
    /// A private one, started anew in an empty folder for each repetition.
    Fresh {
        /// What an acknowledgement is to promise, one after another.
        durability: Vec<Durability>,
        /// Never fetch the program.
        offline: bool,
    },
    /// One that runs. It is used as it is, in organisations of the measurement's own.
    Named(Box<ConnectOptions>),
}

/// Where the services run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Each in a process of its own, so that its cost is known.
    Processes,
    /// All in the client's process, as `longhaul up` has them.
    Inside,
}

/// How to measure.
#[derive(Clone)]
pub struct Options {
    /// Against which server.
    pub server: Server,
    /// Where the services run.
    pub layout: Layout,
    /// The `longhaul` program that the services are started from.
    pub program: PathBuf,
    /// How many tasks; each scenario has a number of its own if nothing is said.
    pub tasks: Option<u32>,
    /// How often everything is measured.
    pub repeat: u32,
    /// Shards of a fresh log, and what a named one must have.
    pub shards: Option<u16>,
    /// How many executors.
    pub executors: u32,
    /// How many runs each executor holds at once.
    pub concurrency: u32,
    /// How many submissions are under way at once.
    pub writers: u32,
    /// In how many organisations the tasks lie.
    pub organisations: u32,
    /// How many events happen each second while the dashboard is watched.
    pub rate: u32,
    /// For how many seconds its cost is watched.
    pub seconds: u32,
    /// Columns and rows of its terminal.
    pub size: (u16, u16),
    /// Fewer of everything: whether it works, not how fast.
    pub quick: bool,
    /// Where the log of a fresh server lies; the system's temporary folder if nothing is said.
    pub scratch: Option<PathBuf>,
    /// Hears what is being done.
    pub tell: Tell,
}

/// Hears what is being done.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("server", &self.server)
            .field("layout", &self.layout)
            .field("tasks", &self.tasks)
            .field("repeat", &self.repeat)
            .finish_non_exhaustive()
    }
}
