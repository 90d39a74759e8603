//! `up`: everything in one process.

use longhaul_broker::Durability as ServerDurability;
use longhaul_journal::{ConnectOptions, Durability};

use crate::args::{DurabilityArg, Up};
use crate::exit::{Code, told, usage};
use crate::output::say;
use crate::place::{Private, connect, named, server_directory, start};
use crate::services::{Services, Work};
use crate::settings::Settings;
use crate::signals::{interrupted, orphaned};

impl From<DurabilityArg> for ServerDurability {
    fn from(arg: DurabilityArg) -> Self {
        match arg {
            DurabilityArg::Strict => Self::Strict,
            DurabilityArg::Relaxed => Self::Relaxed,
        }
    }
}

pub(crate) async fn run(settings: &Settings, args: &Up) -> anyhow::Result<Code> {
    let mut work = Work::all(args.places);
    for given in &args.exec {
        work = work.program(given)?;
    }
    let (server, journal) = match named(settings) {
        Some(options) => {
            let durability = args.durability.map(Durability::from);
            (None, connect(ConnectOptions { shards: args.shards, durability, ..options }).await?)
        }
        None => {
            if args.shards == Some(0) {
                return Err(usage("a log has at least one shard"));
            }
            let durability = args.durability.unwrap_or(DurabilityArg::Strict).into();
            let private = Private { durability, port: args.port, shards: args.shards };
            let (server, journal) = start(settings, &private).await?;
            (Some(server), journal)
        }
    };
    let services = Services::start(&journal, &settings.data, work).await?;
    greet(settings, server.as_ref(), &journal);
    let outcome = tokio::select! {
        () = interrupted() => Ok(Code::Done),
        () = orphaned() => return Ok(Code::Interrupted),
        why = services.broken() => Err(why),
        exit = gone(server.as_ref()) => Err(told(Code::Unreachable, format!("the nats-server ended by itself: {exit}"))),
    };
    say("shutting down: runs stop at their next checkpoint and go on at the next start");
    services.stop().await;
    drop(journal);
    if let Some(server) = server {
        server.stop().await?;
    }
    outcome
}

async fn gone(server: Option<&longhaul_broker::Server>) -> String {
    match server {
        Some(server) => {
            let exit = server.exited().await;
            format!("{}; the end of its log:\n{}", exit.status, exit.log)
        }
        None => std::future::pending().await,
    }
}

/// Says what runs and what to do next.
fn greet(settings: &Settings, server: Option<&longhaul_broker::Server>, journal: &longhaul_journal::Journal) {
    let info = journal.info();
    say(format!("longhaul {} is up", env!("CARGO_PKG_VERSION")));
    match server {
        Some(server) => {
            say(format!("  log         {} ({})", server.url(), server_directory(settings).display()));
            say(format!("  token       in {}", server.data_dir().join("token").display()));
        }
        None => say(format!("  log         {}", settings.nats.as_deref().unwrap_or_default())),
    }
    say(format!("  durability  {}", crate::services::promise(info.durability)));
    say(format!("  shards      {}", info.shards));
    say(format!("  speaks for  {} of {}", settings.user, settings.org));
    say("");
    say("in another terminal:");
    say("  longhaul report DATA \"quarterly review\"    a report over a SQLite or CSV file");
    say("  longhaul run rehearsal --input '\"slow 5 500\"'    a task to try things with");
    say("  longhaul ls                                 what there is");
    say("Ctrl-C stops everything; what runs goes on at the next start.");
}
