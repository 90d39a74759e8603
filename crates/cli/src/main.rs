//! The `longhaul` command: one binary for those who submit, watch and steer tasks, and for those who
//! run the services.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod args;
mod command;
mod exit;
mod follow;
mod output;
mod place;
mod services;
mod settings;
mod signals;
mod time;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::{Cli, Command};
use crate::exit::Code;
use crate::place::{Need, Place};
use crate::settings::Settings;

/// Records, snapshots and rows are allocated and freed by the million, most of them beyond what the
/// system's allocator keeps at hand.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: the typesetter is a child that must not start a runtime.
    if std::env::args_os().nth(1).is_some_and(|first| first == "__render") {
        let format = std::env::args().nth(2).and_then(|name| name.parse().ok()).unwrap_or_default();
        return longhaul_render::run_child(format, &longhaul_render::Options::default());
    }
    if std::env::args_os().nth(1).is_some_and(|first| first == "__terminal") {
        output::say(format!("error: {}", longhaul_bench::on_terminal(std::env::args_os().skip(2))));
        return Code::Failed.into();
    }
    let cli = Cli::parse();
    let runtime = match threads(&cli.command).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::say(format!("error: the runtime does not start: {error}"));
            return Code::Failed.into();
        }
    };
    let code = match runtime.block_on(run(&cli)) {
        Ok(code) => code,
        Err(error) => {
            output::say(format!("error: {}", chain(&error)));
            exit::code(&error)
        }
    };
    // A handler that never yields must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code.into()
}

/// Schedulers and projectors fold one log and never compute for long: on one thread, nothing has to wake
/// another. Executors run other people's code, which may.
fn threads(command: &Command) -> tokio::runtime::Builder {
    match command {
        Command::Schedule(_) | Command::Project(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    }
}

/// The whole chain of causes on one line, each said once.
fn chain(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.ends_with(&cause) {
            let separator = if told.is_empty() { "" } else { ": " };
            told = format!("{told}{separator}{cause}");
        }
    }
    longhaul_core::text::block(&told)
}

/// Logs go to stderr, and only what `LONGHAUL_LOG` asks for.
fn log(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LONGHAUL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let colours = output::lively() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    let _ = subscriber.with_writer(std::io::stderr).try_init();
}

async fn run(cli: &Cli) -> anyhow::Result<Code> {
    let settings = Settings::resolve(&cli.global)?;
    match &cli.command {
        Command::Up(args) => command::up::run(&settings, args).await,
        Command::Demo(args) => command::demo::run(&settings, args).await,
        Command::Tui(args) => command::tui::run(&settings, args).await,
        Command::Project(args) => {
            log("info");
            command::service::project(&settings, args).await
        }
        Command::Schedule(args) => {
            log("info");
            command::service::schedule(&settings, args).await
        }
        Command::Work(args) => {
            log("info");
            command::service::work(&settings, args).await
        }
        Command::Bench(args) => {
            log("error");
            command::bench::run(&settings, args).await
        }
        Command::Doctor(args) if let Some(path) = &args.bundle => command::doctor::offline(path, args),
        Command::Setup(_) => command::setup::run(&settings),
        Command::Schema => command::print::schema(),
        Command::Completions { shell } => command::print::completions(*shell, &mut Cli::command()),
        Command::Man { dir } => command::print::man(dir.as_deref(), &Cli::command()),
        Command::Render => Err(exit::usage("__render is the typesetter's own; it takes no options")),
        other => {
            log("error");
            let place = Place::open(&settings, need(other)).await?;
            let outcome = with_place(&place, &settings, other).await;
            place.close().await;
            outcome
        }
    }
}

/// What must be there for a command, where nothing runs yet.
fn need(command: &Command) -> Need {
    match command {
        Command::Report(_) | Command::Chat(_) | Command::Run(_) | Command::Watch(_) | Command::Wait(_) => {
            Need::Everything
        }
        Command::Rerun(args) if !args.detach => Need::Everything,
        Command::Fork(args) if !args.detach => Need::Everything,
        Command::Text(args) if args.follow => Need::Everything,
        Command::Submit(_) | Command::Rerun(_) | Command::Fork(_) | Command::Policy(_) => Need::Questions,
        // Stopping needs whoever runs the task; nothing runs here, so nothing needs stopping but the log.
        _ => Need::Reading,
    }
}

async fn with_place(place: &Place, settings: &Settings, command: &Command) -> anyhow::Result<Code> {
    let client = place.client();
    match command {
        Command::Report(args) => command::report::run(place, settings, args).await,
        Command::Chat(args) => command::chat::run(place, settings, args).await,
        Command::Run(args) => command::submit::run(place, args).await,
        Command::Submit(args) => {
            let submission = args::SubmissionArgs { detach: true, ..args.submission.clone() };
            command::submit::run_as(place, args, &submission).await
        }
        Command::Get(args) => command::read::get(client, args).await,
        Command::Ls(args) => command::read::list(client, args).await,
        Command::Watch(args) => command::read::watch(place, args).await,
        Command::Wait(args) => command::read::wait(client, args).await,
        Command::Text(args) => command::read::read_text(client, args).await,
        Command::Download(args) => command::read::download(client, args).await,
        Command::Notifications(args) => command::read::notifications(client, args).await,
        Command::Policy(args) => command::policy::policy(client, args).await,
        Command::Abort(args) => command::act::abort(client, args).await,
        Command::Approve(args) => command::act::approve(client, args).await,
        Command::Reject(args) => command::act::reject(client, args).await,
        Command::Retry(args) => command::act::retry(client, args).await,
        Command::Rerun(args) => command::act::rerun(place, args).await,
        Command::Fork(args) => command::act::fork(place, args).await,
        Command::Rm(args) => command::act::dismiss(client, args).await,
        Command::Erase(args) => command::act::erase(client, args).await,
        Command::Replay(args) => command::replay::run(place.journal(), client, args).await,
        Command::Doctor(args) => command::doctor::run(place.journal(), client, args, &place.facts()).await,
        Command::Up(_)
        | Command::Demo(_)
        | Command::Tui(_)
        | Command::Project(_)
        | Command::Schedule(_)
        | Command::Work(_)
        | Command::Bench(_)
        | Command::Setup(_)
        | Command::Schema
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Render => Err(exit::usage("this command needs no log")),
    }
}
