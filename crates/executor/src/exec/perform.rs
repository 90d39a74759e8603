//! One run of a program.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use longhaul_core::{Act, Continuation, Millis};
use longhaul_journal::MAX_INLINE;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::capture::{Capture, feed};
use super::log::Log;
use super::policy::Program;
use super::process::{EVENTS, Process};
use super::protocol::{Lines, Said};
use super::words::Words;
use crate::failure::Failure;
use crate::run::Run;
use crate::run::context::Context;

/// `EX_TEMPFAIL`: the program could not do it now, and may later.
const TEMPORARY: i32 = 75;

/// How long the pipes are read after the program's group is gone.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long before a draining executor leaves its programs are gone, so that what became of them can
/// be recorded.
const MARGIN: Duration = Duration::from_secs(2);

/// Largest list of recorded steps in the environment, in bytes.
const MAX_STEPS: usize = 32 * 1024;

/// Why a program is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Abort,
    Span,
    Leave,
}

/// Runs a program with an input, to its end.
pub(super) async fn perform(run: &mut Run, program: &Program, input: &Value) -> Result<Value, Failure> {
    let line = input.to_string();
    let started = Process::spawn(command(run, program, &line)).await;
    let (mut process, pipes) = started.map_err(|error| not_started(program, &error))?;
    let _feeding = feed(pipes.input, line + "\n");
    let (printed, errors) = (Capture::new(pipes.output), Capture::new(pipes.errors));
    let mut events = Events::new(pipes.events);
    let context = Arc::clone(&run.context);
    let mut words = Words::new(run, program.cwd.clone());
    let mut reason = std::pin::pin!(reason(&context, program.grace));
    let (mut told, mut kill_at) = (None, None);
    let status = loop {
        tokio::select! {
            status = process.ended() => break status?,
            lines = events.next(), if events.are_open() => words.lines(lines).await?,
            why = &mut reason, if told.is_none() => {
                process.signal(Signal::TERM);
                (told, kill_at) = (Some(why), Some(Instant::now() + program.grace));
            }
            () = sleep_until(kill_at.unwrap_or_else(Instant::now)), if kill_at.is_some() => {
                process.signal(Signal::KILL);
                kill_at = None;
            }
        }
    };
    // What was said last is still in the pipes.
    let until = Instant::now() + LAST_WORDS;
    while events.are_open() {
        match timeout_at(until, events.next()).await {
            Ok(lines) => words.lines(lines).await?,
            Err(_) => break,
        }
    }
    let (printed, errors) = (printed.finish(until).await, errors.finish(until).await);
    for (name, log) in [("stdout.log", &printed), ("stderr.log", &errors)] {
        if !log.is_empty() {
            words.run.artifact(name, "text/plain; charset=utf-8", log.bytes()).await?;
        }
    }
    if told == Some(Why::Abort) || (told == Some(Why::Span) && !status.success()) {
        context.checkpoint(words.at()).await?;
    }
    match (status.code(), told) {
        (Some(0), _) => {
            words.close().await?;
            Ok(words.output.unwrap_or_else(|| json!({"status": 0})))
        }
        (Some(TEMPORARY), Some(Why::Leave)) => Err(context.stop(Act::Continue(Continuation::Drain)).await),
        (_, Some(Why::Leave)) => {
            let message = "the executor shut down before the program had ended; retry begins it anew";
            Err(Failure::retryable("shut_down", message))
        }
        _ => Err(failed(program, status, &errors)),
    }
}

/// Resolves when the program is to be told to end.
async fn reason(context: &Context, grace: Duration) -> Why {
    let ran = context.begun.ran_until(context.journal.now());
    let left = Millis(context.begun.limits.span.0.saturating_sub(ran.0));
    let mut leave = context.leave.clone();
    let leaving = async {
        let until = leave.wait_for(Option::is_some).await.ok().and_then(|until| *until);
        match until {
            Some(until) => {
                let early = until.checked_sub(grace.saturating_add(MARGIN));
                sleep_until(early.unwrap_or_else(Instant::now)).await;
            }
            // The executor is gone, and this with it.
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = context.cancelled() => Why::Abort,
        () = leaving => Why::Leave,
        () = sleep(left.duration()) => Why::Span,
    }
}

/// How the program is started.
fn command(run: &Run, program: &Program, line: &str) -> Command {
    let mut command = Command::new(&program.program);
    command
        .args(&program.args)
        .env_clear()
        .envs(program.environment(|name| std::env::var(name).ok()))
        .env("LONGHAUL_EVENTS", EVENTS.to_string())
        .env("LONGHAUL_TASK", run.task().to_string())
        .env("LONGHAUL_ORG", run.org().as_str())
        .env("LONGHAUL_KIND", run.kind().as_str())
        .env("LONGHAUL_RUN", run.run_number().to_string())
        .env("LONGHAUL_ATTEMPT", run.attempt().to_string());
    // Longer ones do not fit into an environment.
    if line.len() <= MAX_INLINE {
        command.env("LONGHAUL_INPUT", line);
    }
    let recorded = run.context.begun.steps.iter().filter(|step| step.result.is_some());
    let steps = Value::from(recorded.map(|step| step.name.as_str()).collect::<Vec<_>>()).to_string();
    if steps.len() <= MAX_STEPS {
        command.env("LONGHAUL_STEPS", steps);
    }
    if let Some(cwd) = &program.cwd {
        command.current_dir(cwd);
    }
    command
}

fn not_started(program: &Program, error: &std::io::Error) -> Failure {
    let cwd = program.cwd.as_deref().filter(|cwd| !cwd.is_dir());
    let message = match (cwd, error.kind()) {
        (Some(cwd), _) => format!("{} is no directory to run a program in", cwd.display()),
        (None, std::io::ErrorKind::NotFound) => {
            let program = program.program.display();
            format!("there is no program {program}; give its whole path, or a name that is in PATH")
        }
        (None, _) => format!("{} cannot be started: {error}", program.program.display()),
    };
    Failure::permanent("not_started", message)
}

/// Why a program that ended badly failed, with its last words.
fn failed(program: &Program, status: ExitStatus, errors: &Log) -> Failure {
    let name = program.program.display();
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("{name} ended with exit status {code}"),
        (None, Some(signal)) => format!("{name} was ended by signal {signal}"),
        (None, None) => format!("{name} ended badly"),
    };
    let message = match errors.excerpt() {
        Some(words) => format!("{how}: {words}"),
        None => how,
    };
    match status.code() {
        Some(TEMPORARY) => Failure::retryable("temporary_failure", message),
        Some(_) => Failure::permanent("exit_status", message),
        None => Failure::permanent("killed", message),
    }
}

/// The lines a program says, as they come.
struct Events {
    from: Option<pipe::Receiver>,
    lines: Lines,
    chunk: BytesMut,
}

impl Events {
    fn new(from: pipe::Receiver) -> Self {
        Self { from: Some(from), lines: Lines::default(), chunk: BytesMut::new() }
    }

    fn are_open(&self) -> bool {
        self.from.is_some()
    }

    /// Some more lines; at the end of the stream what is left. Nothing is lost if this is dropped.
    async fn next(&mut self) -> Vec<Said> {
        let Some(from) = &mut self.from else {
            return Vec::new();
        };
        if let Ok(1..) = from.read_buf(&mut self.chunk).await {
            let lines = self.lines.push(&self.chunk);
            self.chunk.clear();
            return lines;
        }
        self.from = None;
        vec![self.lines.end()]
    }
}
