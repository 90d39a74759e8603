//! The services of a measurement: as processes, or inside this one.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use longhaul_journal::{Auth, ConnectOptions, Journal};
use longhaul_projector::Projector;
use longhaul_scheduler::Scheduler;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::worker::executor;

/// How long a service may take to end when it is asked to.
const GOING: Duration = Duration::from_secs(20);

/// A service that runs as a process. Killed when dropped.
pub(crate) struct Process {
    pub(crate) role: &'static str,
    child: Child,
    log: PathBuf,
    /// It ends when this is closed: it is not to outlive a measurement that was killed.
    _tie: Option<ChildStdin>,
}

impl Process {
    /// Starts `program ARGS` against a server: the named one, or the one that runs on `folder`. `name`
    /// is unique among the services of one folder.
    pub(crate) fn start(
        role: &'static str,
        program: &Path,
        args: &[&str],
        server: Option<&ConnectOptions>,
        folder: &Path,
        name: &str,
    ) -> Result<Self, Error> {
        let log = folder.join(format!("{name}.log"));
        let output = std::fs::File::create(&log).map_err(Error::at("write", &log))?;
        let mut command = Command::from(command(program, server, folder)?);
        command.args(args).env("LONGHAUL_LOG", "warn").env("LONGHAUL_TIED", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(output);
        let mut child =
            command.kill_on_drop(true).spawn().map_err(Error::at("start the services from", program))?;
        // Taken out: who waits for a child closes what is still in it.
        let tie = child.stdin.take();
        Ok(Self { role, child, log, _tie: tie })
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// That it still runs.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(Error::ServiceEnded { name: self.role.to_owned(), said: last(&self.log) }),
            Err(source) => Err(Error::Io { doing: format!("look after the {}", self.role), source }),
        }
    }

    /// Asks it to go, and kills it if it does not.
    pub(crate) async fn stop(mut self) {
        let pid = self.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        if tokio::time::timeout(GOING, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// The program, for a server: the named one, or the one that runs on `folder`. What the caller has set
/// is not for it.
pub(crate) fn command(
    program: &Path,
    server: Option<&ConnectOptions>,
    folder: &Path,
) -> Result<std::process::Command, Error> {
    let config = folder.join("longhaul.toml");
    std::fs::write(&config, "").map_err(Error::at("write", &config))?;
    let mut command = std::process::Command::new(program);
    command.env("LONGHAUL_CONFIG", config).env("LONGHAUL_DATA", folder);
    for name in ["LONGHAUL_NATS", "LONGHAUL_TOKEN", "LONGHAUL_NATS_MONITOR", "LONGHAUL_PROFILE"] {
        command.env_remove(name);
    }
    if let Some(server) = server {
        command.env("LONGHAUL_NATS", &server.url);
        command.env("LONGHAUL_NATS_MONITOR", server.monitoring.join(","));
        if let Auth::Token(token) = &server.auth {
            command.env("LONGHAUL_TOKEN", token);
        }
    }
    Ok(command)
}

/// The last lines of a file.
fn last(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().rev().take(8).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Services that run in this process.
#[derive(Default)]
pub(crate) struct Inside {
    executors: CancellationToken,
    others: CancellationToken,
    running: JoinSet<Result<(), String>>,
    working: JoinSet<Result<(), String>>,
}

impl Inside {
    pub(crate) fn schedule(&mut self, journal: Journal) {
        let stop = self.others.clone();
        let scheduler = Scheduler::new(journal, longhaul_scheduler::Options::default());
        self.running.spawn(async move { scheduler.run(stop).await.map_err(|error| error.to_string()) });
    }

    pub(crate) async fn project(&mut self, journal: Journal, folder: PathBuf) -> Result<(), Error> {
        let projector = Projector::open(journal, longhaul_projector::Options::new(folder)).await?;
        let stop = self.others.clone();
        self.running.spawn(async move { projector.run(stop).await.map_err(|error| error.to_string()) });
        Ok(())
    }

    pub(crate) fn work(&mut self, journal: Journal, places: u32) {
        let stop = self.executors.clone();
        let executor = executor(journal, places);
        self.working.spawn(async move { executor.run(stop).await.map_err(|error| error.to_string()) });
    }

    /// That all of them still run.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        for running in [&mut self.running, &mut self.working] {
            if let Some(ended) = running.try_join_next() {
                let said = match ended {
                    Ok(Ok(())) => "nothing".to_owned(),
                    Ok(Err(why)) => why,
                    Err(why) => why.to_string(),
                };
                return Err(Error::ServiceEnded { name: "service".to_owned(), said });
            }
        }
        Ok(())
    }

    /// Stops them: the executors first, so that the others still see what they let go of.
    pub(crate) async fn stop(mut self) {
        self.executors.cancel();
        let drained = async { while self.working.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GOING, drained).await;
        self.others.cancel();
        let ended = async { while self.running.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GOING, ended).await;
    }
}
