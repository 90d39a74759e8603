//! Raises a storm over the real program and says what it left. See `longhaul_tests::storm`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's harness may panic")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
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
    #[arg(long, value_name = "N", default_value_t = 1000, conflicts_with = "minutes",
        value_parser = clap::value_parser!(u64).range(1..))]
    submissions: u64,
    /// For so many minutes instead
    #[arg(long, value_name = "N", value_parser = positive)]
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
    /// Submissions a second at most, above 0; no bound without it
    #[arg(long, value_name = "N", value_parser = positive)]
    rate: Option<f64>,
    /// Open tasks beyond which clients wait, at least 1
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    backlog: u32,
    /// Where everything lies and stays, an empty folder; a scratch directory that is removed after a good end without it
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

/// A number above 0, and not beyond reason.
fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| *number > 0.0 && *number <= 1e6);
    number.ok_or_else(|| "a number above 0, at most 1000000".to_owned())
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let seed = arguments.seed.unwrap_or(now.as_secs());
    if let Some(file) = &arguments.report {
        // Before an hour of work, not after it.
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let writable = tempfile::tempfile_in(folder);
        writable.with_context(|| format!("the report cannot be written into {}", folder.display()))?;
    }
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
        backlog: arguments.backlog as usize,
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
    write!(std::io::stdout(), "{report}")?;
    if let Some(file) = &arguments.report {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if report.sound {
        return Ok(ExitCode::SUCCESS);
    }
    keep(scratch);
    if let Some(history) = &report.history {
        eprintln!("\na promise was broken; its whole log: {history}");
        eprintln!("audit it again:  longhaul doctor --bundle {history}");
        eprintln!("the same storm:  {}", again(std::env::args().skip(1), seed));
    }
    Ok(ExitCode::FAILURE)
}

/// The command for the same storm once more. Where it lay and where its report went is taken by now.
fn again(mut arguments: impl Iterator<Item = String>, seed: u64) -> String {
    const OWN: [&str; 3] = ["--seed", "--out", "--report"];
    let mut command = "just storm".to_owned();
    while let Some(argument) = arguments.next() {
        if OWN.contains(&argument.as_str()) {
            arguments.next();
        } else if !OWN.iter().any(|own| argument.strip_prefix(own).is_some_and(|rest| rest.starts_with('=')))
        {
            command.push_str(&format!(" {argument}"));
        }
    }
    format!("{command} --seed {seed}")
}

/// The first time the storm ends early and is judged; the second time everything ends.
async fn interrupted(enough: CancellationToken) {
    let [mut terminate, mut interrupt, mut hangup] =
        [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()]
            .map(|kind| signal(kind).unwrap());
    for told in 1.. {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            // Nobody is left to read what the storm would come to.
            _ = hangup.recv() => return,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_storm_is_asked_for_elsewhere() {
        let said = "--kills 3 --out /a --nodes=3 --report=b.json --seed 7 --rate 2.5";
        let said = said.split(' ').map(str::to_owned);
        assert_eq!(again(said, 7), "just storm --kills 3 --nodes=3 --rate 2.5 --seed 7");
        assert_eq!(again(std::iter::empty(), 8), "just storm --seed 8");
    }

    #[test]
    fn what_would_never_end_is_refused() {
        for wrong in [
            ["--backlog", "0"],
            ["--rate", "0"],
            ["--rate", "NaN"],
            ["--minutes", "inf"],
            ["--submissions", "0"],
        ] {
            assert!(Arguments::try_parse_from(["storm", wrong[0], wrong[1]]).is_err(), "{wrong:?}");
        }
        assert!(Arguments::try_parse_from(["storm", "--rate", "0.5", "--backlog", "1"]).is_ok());
    }
}
