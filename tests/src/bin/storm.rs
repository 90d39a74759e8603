//! Raises a storm over the real program and says what it left. See `longhaul_tests::storm`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's harness may panic")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use longhaul_tests::storm::{self, Length, Options};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Raise a storm of faults over Longhaul under load, and check every promise on the log it leaves.
#[derive(Debug, Parser)]
struct Arguments {
    /// Decides on everything left to chance; drawn and printed if not given
    #[arg(long)]
    seed: Option<u64>,
    /// Until so many submissions were acknowledged
    #[arg(long, value_name = "N", default_value_t = 1000, conflicts_with = "minutes")]
    submissions: u64,
    /// For so many minutes instead
    #[arg(long, value_name = "N")]
    minutes: Option<f64>,
    /// How many kills; freezes, drains, cuts and lost answers are in proportion
    #[arg(long, value_name = "N", default_value_t = 20)]
    kills: u32,
    /// nats-servers
    #[arg(long, value_name = "1|3", default_value_t = 1, value_parser = nodes)]
    nodes: usize,
    /// Shards of the log
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    shards: u16,
    /// Whether the server syncs to disk before it acknowledges
    #[arg(long, value_enum, default_value = "relaxed")]
    durability: Durability,
    /// Submissions a second at most
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// Open tasks beyond which clients wait
    #[arg(long, value_name = "N", default_value_t = 400)]
    backlog: usize,
    /// Where everything lies and stays; a scratch directory that is removed after a good end without it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the report there as JSON
    #[arg(long, value_name = "FILE.json")]
    report: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Durability {
    Strict,
    Relaxed,
}

fn nodes(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("one server, or a cluster of three".to_owned()),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let seed = arguments.seed.unwrap_or(now.as_secs());
    let (out, scratch) = match &arguments.out {
        Some(out) => (std::path::absolute(out)?, None),
        None => {
            let scratch = tempfile::Builder::new().prefix("longhaul-storm-").tempdir()?;
            (scratch.path().to_owned(), Some(scratch))
        }
    };
    let options = Options {
        seed,
        length: match arguments.minutes {
            Some(minutes) => Length::Time(Duration::from_secs_f64(minutes * 60.0)),
            None => Length::Submissions(arguments.submissions),
        },
        kills: arguments.kills,
        nodes: arguments.nodes,
        shards: arguments.shards,
        strict: arguments.durability == Durability::Strict,
        rate: arguments.rate,
        backlog: arguments.backlog,
        enough: CancellationToken::new(),
        program: longhaul_tests::binary(),
        out: out.clone(),
    };
    eprintln!("storm with seed {seed}; what happens is written to {}", out.join("storm.log").display());
    let enough = options.enough.clone();
    let report = tokio::select! {
        report = storm::run(&options) => report,
        () = interrupted(enough) => anyhow::bail!("interrupted twice: nothing was judged"),
    };
    if report.is_err() {
        keep(scratch);
        return report.map(|_| ExitCode::FAILURE);
    }
    let report = report?;
    if let Some(file) = &arguments.report {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    write!(std::io::stdout(), "{report}")?;
    if report.sound {
        return Ok(ExitCode::SUCCESS);
    }
    keep(scratch);
    if let Some(history) = &report.history {
        eprintln!("\na promise was broken; its whole log: {history}");
        eprintln!("audit it again:  longhaul doctor --bundle {history}");
        let again = std::env::args().collect::<Vec<_>>().join(" ");
        let seed = if arguments.seed.is_some() { String::new() } else { format!(" --seed {seed}") };
        eprintln!("the same storm:  {again}{seed}");
    }
    Ok(ExitCode::FAILURE)
}

/// The first time the storm ends early and is judged; the second time everything ends.
async fn interrupted(enough: CancellationToken) {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate()).unwrap(), signal(SignalKind::interrupt()).unwrap());
    for told in 1.. {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if told > 1 {
            return;
        }
        eprintln!("the storm ends early; what it left is judged. Once more to leave at once");
        enough.cancel();
    }
}

fn keep(scratch: Option<tempfile::TempDir>) {
    if let Some(scratch) = scratch {
        eprintln!("kept: {}", scratch.keep().display());
    }
}
