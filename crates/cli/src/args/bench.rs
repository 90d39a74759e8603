//! The arguments of `bench`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure
    #[arg(value_enum)]
    pub(crate) scenario: ScenarioArg,
    /// How many tasks; each scenario has a number of its own without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tasks: Option<u32>,
    /// How often everything is measured
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    /// What an acknowledgement is to promise; a server named with --nats is as it is
    #[arg(long, value_enum, value_name = "PROMISE")]
    pub(crate) durability: Option<Promise>,
    /// Shards of the log
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) shards: Option<u16>,
    /// How many executors
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) executors: u32,
    /// How many runs each executor holds at once
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) concurrency: u32,
    /// How many submissions are under way at once
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) writers: u32,
    /// In how many organisations the tasks lie, at most 10000
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) organisations: u32,
    /// dashboard: how many events happen each second meanwhile
    #[arg(long, default_value_t = 5000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// dashboard: for how long its cost is watched, with events and without
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
    /// dashboard: columns and rows of its terminal
    #[arg(long, default_value = "120x36", value_name = "SIZE", value_parser = size)]
    pub(crate) size: (u16, u16),
    /// All services in this process, as `longhaul up` has them, instead of one process for each
    #[arg(long)]
    pub(crate) in_process: bool,
    /// Fewer of everything, once: to see that it works
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where the log of a fresh server lies; the system's temporary folder without it
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Write the whole document there; `-` is stdout, the table goes to stderr then
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// Reads `120x36`. What is measured is the layout that has room for everything.
fn size(text: &str) -> Result<(u16, u16), String> {
    let sides =
        text.split_once('x').and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    let fits = |(columns, rows): &(u16, u16)| (110..=1000).contains(columns) && (30..=1000).contains(rows);
    sides.filter(fits).ok_or_else(|| "columns and rows, 110x30 at least: 120x36".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScenarioArg {
    /// No-op tasks from end to end, as many as go through
    Throughput,
    /// How long one waits at 50 tasks a second: until the start, until the end can be read
    Latency,
    /// From an abort until it can be read that the task has stopped
    Abort,
    /// What one task can record, word after word
    Progress,
    /// What tasks that only wait take of an executor's memory
    Sleeping,
    /// How fast a million events are read, folded and made into a read model; --tasks are events here
    Replay,
    /// How cost grows with finished tasks, shards, executors, organisations (takes long)
    Growth,
    /// The dashboard on a terminal of its own: what it costs, how fast it draws, answers keys and goes to a moment
    Dashboard,
    /// Everything
    All,
    /// An executor for the measurements' own tasks (started by the others)
    #[value(hide = true)]
    Worker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Promise {
    /// fsync before the acknowledgement
    Strict,
    /// fsync every second
    Relaxed,
    /// One after the other
    Both,
}
