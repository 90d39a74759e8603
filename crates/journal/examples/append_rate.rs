//! How fast appends go to a nats-server of its own: strict or relaxed, one by one or gathered, by so
//! and so many writers.
//!
//! ```sh
//! cargo run --release -p longhaul-journal --example append_rate
//! ```
#![expect(clippy::print_stdout, reason = "what it measured is what it is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use longhaul_broker::{Options, Server, ServerConfig, locate, talk_on_stderr};
use longhaul_core::{OrgId, Sequence};
use longhaul_journal::nats::{Auth, ConnectOptions, Nats};
use longhaul_journal::new_id;
use longhaul_journal::port::{Append, Durability, Port};
use longhaul_wire::{Shards, Subject};

type Failed = Box<dyn Error + Send + Sync>;

/// How long each case is measured.
const SPAN: Duration = Duration::from_secs(3);

/// A commit of ordinary size.
const BYTES: usize = 300;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let binary =
        tokio::task::spawn_blocking(|| locate(&Options::from_env(), &mut talk_on_stderr())).await??;
    println!("durability  appends    writers    a second   p50 ms   p99 ms");
    for durability in [Durability::Strict, Durability::Relaxed] {
        // Nobody gathers where it is not known that the server syncs each time.
        for known in [None, Some(durability)] {
            if known == Some(Durability::Relaxed) {
                continue;
            }
            let directory = tempfile::tempdir()?;
            let config = ServerConfig {
                durability: match durability {
                    Durability::Strict => longhaul_broker::Durability::Strict,
                    _ => longhaul_broker::Durability::Relaxed,
                },
                ..ServerConfig::new(directory.path())
            };
            let server = Server::start(&binary, config).await?;
            let options = ConnectOptions {
                auth: Auth::Token(server.token().to_owned()),
                durability_known: known,
                ..ConnectOptions::new(server.url())
            };
            let nats = Arc::new(Nats::connect(&options).await?);
            let appends = if known.is_some() { "gathered" } else { "one by one" };
            for writers in [1, 4, 16, 32, 64, 256, 1024] {
                let (rate, mut waits) = measure(&nats, writers).await?;
                waits.sort_unstable();
                let at = |share: usize| millis(waits.get(waits.len() * share / 100));
                let (median, slow) = (at(50), at(99));
                println!(
                    "{:<12}{appends:<11}{writers:<11}{rate:>8.0} {median:>8.2} {slow:>8.2}",
                    format!("{durability:?}")
                );
            }
            server.stop().await?;
        }
    }
    Ok(())
}

fn millis(wait: Option<&Duration>) -> f64 {
    wait.map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
}

/// Appends a second and how long each took, with so many writers each of whom waits for its answer.
async fn measure(nats: &Arc<Nats>, writers: usize) -> Result<(f64, Vec<Duration>), Failed> {
    let started = Instant::now();
    let all: Vec<_> = (0..writers).map(|_| tokio::spawn(write(Arc::clone(nats), started + SPAN))).collect();
    let mut waits = Vec::new();
    for writer in all {
        waits.extend(writer.await??);
    }
    Ok((waits.len() as f64 / started.elapsed().as_secs_f64(), waits))
}

async fn write(nats: Arc<Nats>, until: Instant) -> Result<Vec<Duration>, Failed> {
    let org = OrgId::new("measured")?;
    let body = Bytes::from(vec![b'x'; BYTES]);
    let mut waits = Vec::new();
    while Instant::now() < until {
        let subject = Subject::task(Shards::ONE, &org, new_id());
        let began = Instant::now();
        nats.append(Append { subject, expect: Some(Sequence::ZERO), body: body.clone() }).await?;
        waits.push(began.elapsed());
    }
    Ok(waits)
}
