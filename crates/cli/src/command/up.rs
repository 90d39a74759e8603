//! `up`: everything in one process.

use std::path::Path;

use longhaul_broker::Durability as ServerDurability;
use longhaul_journal::{ConnectOptions, Durability};
use longhaul_tui::Host;

use crate::args::{DurabilityArg, Up};
use crate::command::dashboard;
use crate::command::tui::address;
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
    let watched = dashboard::opens(args.plain);
    let log = settings.data.join("up.log");
    match watched {
        true => dashboard::log(&log, Some("warn"))?,
        false => crate::log("warn"),
    }
    let mut work = Work::all(args.places).reaching(settings)?;
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
    let notices = notices(settings, server.as_ref());
    let greeting = greeting(settings, server.as_ref(), &journal, watched.then_some(log.as_path()));
    greeting.iter().for_each(say);
    let ended = async {
        if watched {
            let ends = ending(server.is_some());
            let host = Host { greeting, notices, ends, serves: true, remarks: None };
            let place = address(settings.nats.as_deref());
            return dashboard::show(settings, &journal, place, host).await.map(drop);
        }
        say("Ctrl-C stops everything; what runs goes on at the next start.");
        interrupted().await;
        Ok(())
    };
    let outcome = tokio::select! {
        ended = ended => ended.map(|()| Code::Done),
        () = orphaned() => return Ok(Code::Interrupted),
        why = services.broken() => Err(why),
        // Without a log nothing that services let go of could be recorded: they end with it.
        why = gone(server.as_ref()) => return Err(told(Code::Unreachable, why)),
    };
    say("shutting down: runs stop at their next checkpoint and go on at the next start");
    services.stop().await;
    drop(journal);
    if let Some(server) = server {
        server.stop().await?;
    }
    if watched {
        say("stopped; longhaul up goes on from here");
    }
    outcome
}

async fn gone(server: Option<&longhaul_broker::Server>) -> String {
    match server {
        Some(server) => {
            let status = server.exited().await.status;
            format!(
                "the nats-server ended by itself: {status}; its log: {}. Services ended with it; what is \
                 recorded is kept, and longhaul up goes on from there",
                server.log_path().display()
            )
        }
        None => std::future::pending().await,
    }
}

/// What runs and what to do next, a line each.
fn greeting(
    settings: &Settings,
    server: Option<&longhaul_broker::Server>,
    journal: &longhaul_journal::Journal,
    log: Option<&Path>,
) -> Vec<String> {
    let info = journal.info();
    let mut lines = vec![format!("longhaul {} is up", env!("CARGO_PKG_VERSION"))];
    match server {
        Some(server) => {
            let folder = server_directory(settings);
            lines.push(format!("  log         {} ({})", server.url(), folder.display()));
            lines.push(format!("  token       in {}", server.data_dir().join("token").display()));
        }
        None => lines.push(format!("  log         {}", settings.nats.as_deref().unwrap_or_default())),
    }
    lines.push(format!("  durability  {}", crate::services::promise(info.durability)));
    lines.push(format!("  shards      {}", info.shards));
    lines.push(format!("  speaks for  {} of {}", settings.user, settings.org));
    lines.extend(log.map(|log| format!("  messages    in {}", log.display())));
    let rest = [
        "",
        "in another terminal:",
        "  longhaul report DATA \"quarterly review\"        a report over SQLite or CSV",
        "  longhaul chat DATA                             a conversation about data",
        "  longhaul run rehearsal --input '\"slow 5 500\"'  a task to try things with",
        "  longhaul ls                                    what there is",
    ];
    lines.extend(rest.map(str::to_owned));
    lines
        .extend(log.map(|_| "  longhaul tui                                   another dashboard".to_owned()));
    lines
}

/// What the inbox says of it: where it is, and how to go on.
fn notices(settings: &Settings, server: Option<&longhaul_broker::Server>) -> Vec<String> {
    let place = match server {
        Some(server) => format!("{} in {}", server.url(), server_directory(settings).display()),
        None => address(settings.nats.as_deref()),
    };
    vec![
        format!("longhaul {} is up; the log is {place}", env!("CARGO_PKG_VERSION")),
        "submit from another terminal: longhaul report DATA \"quarterly review\"".to_owned(),
    ]
}

/// What ends with the dashboard.
fn ending(server: bool) -> Vec<String> {
    let what = match server {
        true => "The log and the services of this process stop with the dashboard.",
        false => "The services of this process stop with the dashboard; the log stays.",
    };
    let rest = [
        "What runs stops at its next checkpoint and goes on at the next start.",
        "Another dashboard (longhaul tui) can be closed without this.",
    ];
    [what].into_iter().chain(rest).map(str::to_owned).collect()
}
