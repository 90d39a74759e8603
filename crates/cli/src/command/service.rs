//! `project`, `schedule`, `work`: one service alone, for deployments of many processes.

use longhaul_journal::{Durability, Journal};

use crate::args::{DurabilityArg, Schedule, Service, Work as WorkArgs};
use crate::exit::{Code, usage};
use crate::output::say;
use crate::place::{connect, named, nearby, server_directory};
use crate::services::{Services, Work};
use crate::settings::Settings;
use crate::signals::{interrupted, orphaned};

impl From<DurabilityArg> for Durability {
    fn from(arg: DurabilityArg) -> Self {
        match arg {
            DurabilityArg::Strict => Self::Strict,
            DurabilityArg::Relaxed => Self::Relaxed,
        }
    }
}

/// A service does not start a server of its own: it would be alone with it.
pub(crate) async fn log(settings: &Settings, service: &Service) -> anyhow::Result<Journal> {
    let mut options = match named(settings) {
        Some(options) => options,
        None => match longhaul_broker::running(&server_directory(settings))? {
            Some(running) => nearby(&running),
            None => {
                return Err(usage(format!(
                    "no nats-server is named and none runs on {}; name one with --nats URL, or start `longhaul up`",
                    settings.data.display()
                )));
            }
        },
    };
    options.durability = service.durability.map(Durability::from);
    options.shards = service.shards;
    let journal = connect(options).await?;
    say(format!("durability {}", crate::services::promise(journal.info().durability)));
    Ok(journal)
}

async fn until_stopped(services: Services, name: &str) -> anyhow::Result<Code> {
    say(format!("{name} runs"));
    let outcome = tokio::select! {
        () = interrupted() => Ok(Code::Done),
        () = orphaned() => return Ok(Code::Interrupted),
        why = services.broken() => Err(why),
    };
    say("shutting down");
    services.stop().await;
    outcome
}

pub(crate) async fn project(settings: &Settings, args: &Service) -> anyhow::Result<Code> {
    let journal = log(settings, args).await?;
    let services = Services::idle();
    services.project(&journal, settings.data.join("projector")).await?;
    until_stopped(services, "projector").await
}

pub(crate) async fn schedule(settings: &Settings, args: &Schedule) -> anyhow::Result<Code> {
    let journal = log(settings, &args.service).await?;
    let services = Services::idle();
    let options = longhaul_scheduler::Options { lease: args.lease, ..Default::default() };
    services.schedule(&journal, options).await;
    until_stopped(services, "scheduler").await
}

pub(crate) async fn work(settings: &Settings, args: &WorkArgs) -> anyhow::Result<Code> {
    if args.places == 0 {
        return Err(usage("an executor needs at least one place"));
    }
    let mut work = Work { kinds: args.kind.clone(), ..Work::all(args.places).reaching(settings)? };
    for given in &args.exec {
        work = work.program(given)?;
    }
    let journal = log(settings, &args.service).await?;
    let services = Services::idle();
    services.work(&journal, &work, args.drain.duration()).await?;
    until_stopped(services, "executor").await
}
