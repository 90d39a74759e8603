//! `bench`: measures, and says under which promise each figure was had.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use longhaul_bench::{ALL, Document, Layout, Options, Scenario, Server, Summary};
use longhaul_journal::Durability;
use tokio_util::sync::CancellationToken;

use crate::args::{Bench, Promise, ScenarioArg, Service};
use crate::command::read::{can_write, write_file};
use crate::command::service::log;
use crate::exit::{Code, usage};
use crate::output::{self, say};
use crate::place::named;
use crate::settings::Settings;
use crate::signals::{interrupted, orphaned};

pub(crate) async fn run(settings: &Settings, args: &Bench) -> anyhow::Result<Code> {
    let scenarios = match args.scenario {
        ScenarioArg::Throughput => vec![Scenario::Throughput],
        ScenarioArg::Latency => vec![Scenario::Latency],
        ScenarioArg::Abort => vec![Scenario::Abort],
        ScenarioArg::Progress => vec![Scenario::Progress],
        ScenarioArg::Sleeping => vec![Scenario::Sleeping],
        ScenarioArg::Replay => vec![Scenario::Replay],
        ScenarioArg::Growth => vec![Scenario::Growth],
        ScenarioArg::Dashboard => vec![Scenario::Dashboard],
        ScenarioArg::All => ALL.to_vec(),
        ScenarioArg::Worker => return work(settings, args).await,
    };
    let options = options(settings, args)?;
    let json_to_stdout = args.json.as_deref() == Some(Path::new("-"));
    if let Some(path) = args.json.as_deref().filter(|_| !json_to_stdout) {
        // Before an hour of work, not after it.
        can_write(path)?;
    }
    if cfg!(debug_assertions) {
        say("this is a debug build: its figures say nothing about speed");
    }
    let document = tokio::select! {
        document = longhaul_bench::run(&scenarios, options) => document?,
        () = interrupted() => return Ok(Code::Interrupted),
    };
    match &args.json {
        Some(_) if json_to_stdout => {
            say(table(&document));
            output::line(output::json(&document, true)?)?;
        }
        json => {
            // First what cannot fail for want of room.
            output::line(table(&document))?;
            if let Some(path) = json {
                write_file(path, (output::json(&document, true)? + "\n").as_bytes())?;
            }
        }
    }
    Ok(Code::Done)
}

/// The executor that another `bench` starts.
async fn work(settings: &Settings, args: &Bench) -> anyhow::Result<Code> {
    let journal = log(settings, &Service { durability: None, shards: None }).await?;
    let stop = CancellationToken::new();
    let working = longhaul_bench::serve(journal, args.concurrency, stop.clone());
    tokio::pin!(working);
    tokio::select! {
        ended = &mut working => ended?,
        () = orphaned() => return Ok(Code::Interrupted),
        () = interrupted() => {
            stop.cancel();
            working.await?;
        }
    }
    Ok(Code::Done)
}

fn options(settings: &Settings, args: &Bench) -> anyhow::Result<Options> {
    let server = match (named(settings), args.durability) {
        (Some(_), Some(_)) => {
            return Err(usage(
                "the server named with --nats promises what it promises; leave --durability out",
            ));
        }
        (Some(options), None) => Server::Named(Box::new(options)),
        (None, promise) => {
            let durability = match promise {
                Some(Promise::Strict) => vec![Durability::Strict],
                Some(Promise::Relaxed) => vec![Durability::Relaxed],
                Some(Promise::Both) | None => vec![Durability::Relaxed, Durability::Strict],
            };
            Server::Fresh { durability, offline: settings.offline }
        }
    };
    let quiet = settings.quiet;
    Ok(Options {
        server,
        layout: if args.in_process { Layout::Inside } else { Layout::Processes },
        program: std::env::current_exe().context("the path of this program is not known")?,
        tasks: args.tasks,
        repeat: if args.quick { 1 } else { args.repeat },
        shards: args.shards,
        executors: args.executors,
        concurrency: args.concurrency,
        writers: args.writers,
        organisations: args.organisations,
        rate: args.rate,
        seconds: if args.quick { args.seconds.min(2) } else { args.seconds },
        size: args.size,
        quick: args.quick,
        scratch: args.scratch.clone(),
        tell: Arc::new(move |text| {
            if !quiet {
                say(text);
            }
        }),
    })
}

/// Every figure with its median and range.
fn table(document: &Document) -> String {
    let mut parts = vec![about(document)];
    for measured in &document.scenarios {
        let rows = measured.figures.iter().map(row);
        let header = ["figure", "durability", "case", "median", "lowest", "highest", "unit"];
        parts.push(format!("{}\n{}", measured.scenario, output::table(&header, rows)));
        parts.extend(measured.notes.iter().map(|note| format!("  {note}")));
    }
    parts.join("\n\n")
}

fn about(document: &Document) -> String {
    let machine = &document.machine;
    let sync = machine.sync_ms.map(|ms| format!(", {ms:.2} ms a sync")).unwrap_or_default();
    format!(
        "longhaul {} ({}), nats-server {}, {} cores of {}{}",
        document.versions.longhaul,
        document.versions.build,
        document.versions.nats_server,
        machine.cores,
        machine.processor.as_deref().unwrap_or(&machine.system),
        sync
    )
}

fn row(figure: &Summary) -> Vec<String> {
    let case: Vec<_> = figure.case.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let (scale, unit) = match figure.unit {
        "bytes" if figure.median.abs() >= f64::from(1 << 20) => (f64::from(1 << 20), "MiB"),
        unit => (1.0, unit),
    };
    let lowest = figure.values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = figure.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    vec![
        figure.name.replace('_', " "),
        figure.durability.to_owned(),
        case.join(", "),
        number(figure.median / scale),
        number(lowest / scale),
        number(highest / scale),
        unit.to_owned(),
    ]
}

/// Three figures that mean something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_what_they_mean() {
        for (value, shown) in
            [(5123.4, "5123"), (12.34, "12.3"), (1.234, "1.23"), (0.2941, "0.294"), (0.0, "0.000")]
        {
            assert_eq!(number(value), shown);
        }
    }
}
