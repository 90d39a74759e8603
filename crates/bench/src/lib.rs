//! Measures Longhaul: what goes through, how long one waits, what it costs, and how that grows.
//!
//! [`run`] starts a log and services for each repetition, drives them from this process, and hands back
//! one [`Document`]. Nothing is asserted and nothing is left out: every value of every repetition is in
//! it, beside the median, the durability and the machine.
//!
//! What measures must not be what is measured. Throughput is read from the log when all is over; where
//! single moments count, one watcher on a thread and a connection of its own follows the log and notes
//! times, and its CPU time is told apart.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod afterwards;
mod bare;
mod bulk;
mod bustle;
mod error;
mod figures;
mod load;
mod machine;
mod options;
mod process;
mod pty;
mod report;
mod scenario;
mod screen;
mod services;
mod skim;
mod stage;
mod start;
mod watcher;
mod worker;

pub use error::Error;
pub use machine::Machine;
pub use options::{ALL, Layout, Options, Scenario, Server, Tell};
pub use pty::on_terminal;
pub use report::{Case, Cost, Document, FORMAT, Figure, Measured, Repetition, Summary, Versions};
pub use worker::serve;

use std::time::Instant;

use crate::scenario::Bench;

/// Measures these scenarios, one after another.
///
/// # Errors
/// [`Error`]; what was measured until then is lost.
pub async fn run(scenarios: &[Scenario], mut options: Options) -> Result<Document, Error> {
    let begun = Instant::now();
    if let Server::Named(named) = &mut options.server {
        // Also where the first to connect makes the log.
        named.shards = options.shards;
    }
    let begun_at = longhaul_journal::now().to_string();
    let machine = Machine::describe(stage::scratch(&options)?.path());
    let binary = match &options.server {
        Server::Fresh { offline, .. } => Some(locate(*offline).await?),
        Server::Named(_) => None,
    };
    let (server, nats_server, shards) = match (&options.server, &binary) {
        (Server::Fresh { .. }, Some(binary)) => {
            ("fresh", binary.version.to_string(), options.shards.unwrap_or(1))
        }
        (Server::Named(named), _) => {
            let info = longhaul_journal::Journal::connect(named).await?.info();
            // Not its name: others may read the document.
            let version = info.server.split_ascii_whitespace().nth(1).unwrap_or_default();
            ("named", version.to_owned(), info.shards)
        }
        (Server::Fresh { .. }, None) => return Err(Error::Unfit("no nats-server is there".to_owned())),
    };
    let services = match options.layout {
        Layout::Processes => "processes",
        Layout::Inside => "in the client's process",
    };
    let bench = Bench { options, binary, shards };
    let mut measured = Vec::new();
    for scenario in scenarios {
        measured.push(bench.measure(*scenario).await?);
    }
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    Ok(Document {
        format: FORMAT,
        begun_at,
        took_s: begun.elapsed().as_secs_f64(),
        versions: Versions { longhaul: env!("CARGO_PKG_VERSION"), build, nats_server },
        machine,
        server,
        services,
        scenarios: measured,
    })
}

async fn locate(offline: bool) -> Result<longhaul_broker::ServerBinary, Error> {
    let mut options = longhaul_broker::Options::from_env();
    options.offline |= offline;
    let found = tokio::task::spawn_blocking(move || {
        longhaul_broker::locate(&options, &mut longhaul_broker::talk_on_stderr())
    });
    Ok(found.await.map_err(|_| Error::BrokeOff("looking for the nats-server"))??)
}
