//! `run`, `submit` and what every submission has in common.

use std::io::Read as _;

use anyhow::Context as _;
use longhaul_client::{Client, Error, NewTask, OnBusy, Submitted};
use longhaul_core::{Limits, RetryPolicy, Snapshot, Status, Timestamp, text};
use longhaul_executor::exec::EXEC;
use longhaul_wire::view::SnapshotView;
use serde_json::{Value, json};

use crate::args::{Format, Run, SubmissionArgs};
use crate::exit::{Code, told, usage};
use crate::follow::{Followed, follow};
use crate::output::{self, say};
use crate::place::Place;
use crate::signals::CtrlC;

/// Where a program's output is kept.
const STDOUT: &str = "stdout.log";
/// The most of it that is printed at the end, in bytes.
const MOST_PRINTED: u64 = 1 << 20;

/// JSON given as text, `@FILE` or `-` for stdin. What is not JSON is refused, with the place of the
/// fault.
pub(crate) fn json_argument(given: &str) -> anyhow::Result<Value> {
    let (text, from) = match given.strip_prefix('@') {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| usage(format!("cannot read the input file {path}: {error}")))?;
            (text, path.to_owned())
        }
        None if given == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read the input from stdin")?;
            (text, "stdin".to_owned())
        }
        None => (given.to_owned(), "--input".to_owned()),
    };
    serde_json::from_str(&text).map_err(|error| {
        usage(format!(
            "the input from {from} is not JSON: {error}; a text needs quotes of its own: '\"text\"'"
        ))
    })
}

/// `key=value`.
pub(crate) fn pair(given: &str) -> anyhow::Result<(&str, &str)> {
    given.split_once('=').ok_or_else(|| usage(format!("{given:?} is not KEY=VALUE")))
}

impl SubmissionArgs {
    /// Puts what was said on the command line into a task; `now` by the log's clock.
    pub(crate) fn apply(
        &self,
        task: NewTask,
        queries: Option<u32>,
        now: Timestamp,
    ) -> anyhow::Result<NewTask> {
        let limits = Limits { slice: self.slice, span: self.span, queries, tokens: self.tokens };
        let mut task = task.limits(limits).priority(self.priority.into()).lane(self.lane.into());
        if let Some(max_attempts) = self.max_attempts {
            task = task.retry(RetryPolicy { max_attempts, ..RetryPolicy::default() });
        }
        if let Some(key) = &self.idempotency_key {
            task = task.idempotency_key(key)?;
        }
        if let Some(conversation) = &self.conversation {
            task = task.conversation(conversation, self.on_busy.parse::<OnBusy>()?)?;
        }
        if let Some(when) = self.not_before {
            task = task.not_before(when.from(now));
        }
        for label in &self.labels {
            let (key, value) = pair(label)?;
            task = task.label(key, value)?;
        }
        if let Some(earlier) = self.continues {
            task = task.continues(earlier);
        }
        Ok(task)
    }
}

/// The task that `run` and `submit` describe.
fn described(args: &Run, submission: &SubmissionArgs, now: Timestamp) -> anyhow::Result<NewTask> {
    let input = match (&args.input, args.program.split_first()) {
        (Some(_), Some(_)) => return Err(usage("give either --input or a program after --, not both")),
        (Some(given), None) => json_argument(given)?,
        (None, Some((program, arguments))) => {
            let here = std::env::current_dir().context("the current directory is not known")?;
            json!({ "program": program, "args": arguments, "cwd": here })
        }
        (None, None) if args.kind == EXEC => {
            return Err(usage("which program? name it after --: longhaul run exec -- PROGRAM ARGS"));
        }
        (None, None) => Value::Null,
    };
    let title = match &args.title {
        Some(title) => title.clone(),
        None if !args.program.is_empty() => text::line(&args.program.join(" "), text::MAX_TITLE),
        None => match &input {
            Value::Null => args.kind.clone(),
            Value::String(said) => text::line(&format!("{}: {said}", args.kind), 80),
            other => text::line(&format!("{}: {other}", args.kind), 80),
        },
    };
    let title = if title.trim().is_empty() { args.kind.clone() } else { title };
    submission.apply(NewTask::new(&args.kind, &title, &input)?, None, now)
}

/// Submits and follows a task of any kind.
pub(crate) async fn run(place: &Place, args: &Run) -> anyhow::Result<Code> {
    run_as(place, args, &args.submission).await
}

/// The same, with something else said about the submission.
pub(crate) async fn run_as(place: &Place, args: &Run, submission: &SubmissionArgs) -> anyhow::Result<Code> {
    let client = place.client();
    let task = described(args, submission, place.journal().now())?;
    if submission.dry_run {
        return dry_run(client, &task, args.shape.format).await;
    }
    let mut ctrl_c = CtrlC::listen()?;
    let submitted = submitted(client.submit(task), &mut ctrl_c).await?;
    announce(&submitted, place.quiet());
    if submission.detach {
        output::one(args.shape.format, &view(&submitted.snapshot), |view| view.task.to_string())?;
        return Ok(Code::Done);
    }
    let followed = follow(client, submitted.snapshot.task, place.quiet(), &mut ctrl_c).await?;
    finish(place, &submitted.snapshot, followed, args.shape.format).await
}

/// The answer to a submission, unless the user is tired of waiting for it.
pub(crate) async fn submitted(
    submission: impl Future<Output = Result<Submitted, Error>>,
    ctrl_c: &mut CtrlC,
) -> anyhow::Result<Submitted> {
    tokio::select! {
        biased;
        submitted = submission => Ok(submitted?),
        () = ctrl_c.pressed() => Err(told(
            Code::Interrupted,
            "interrupted before the submission was answered; whether it was stored, longhaul ls tells",
        )),
    }
}

/// What would happen, without doing it.
pub(crate) async fn dry_run(client: &Client, task: &NewTask, format: Format) -> anyhow::Result<Code> {
    let question = longhaul_wire::query::Outlook {
        candidate: client.candidate(task),
        at_least: longhaul_wire::query::Positions::default(),
    };
    let foreseen = client.query(&question).await?;
    output::one(format, &foreseen, |foreseen| match foreseen.waiting.starts_now() {
        true => "it would start now".to_owned(),
        false => format!("it would wait: {}", foreseen.waiting),
    })?;
    Ok(Code::Done)
}

/// Says what the submission came to.
pub(crate) fn announce(submitted: &Submitted, quiet: bool) {
    if quiet {
        return;
    }
    let task = submitted.snapshot.task;
    match (submitted.created, submitted.joined) {
        (true, _) => say(format!("task {task}")),
        (false, true) => say(format!("joined task {task}, which the conversation is busy with")),
        (false, false) => say(format!("task {task}, submitted before under this key")),
    }
}

pub(crate) fn view(s: &Snapshot) -> SnapshotView {
    SnapshotView::new(s, None, None, None)
}

/// Tells how following ended.
pub(crate) async fn finish(
    place: &Place,
    submitted: &Snapshot,
    followed: Followed,
    format: Format,
) -> anyhow::Result<Code> {
    let task = submitted.task;
    match followed {
        Followed::Ended(s) => {
            if let (Format::Table, Status::Completed) = (format, s.status) {
                print_output(place.client(), &s).await?;
                for artifact in s.files() {
                    say(format!(
                        "file {} ({} bytes): longhaul download {task} {:?}",
                        artifact.name, artifact.size, artifact.name
                    ));
                }
            } else {
                output::one(format, &view(&s), |view| {
                    format!("{}: {}", view.status, text::block(&view.reason_text))
                })?;
            }
            let may_help = s.error.as_ref().is_some_and(|error| error.retryable);
            if s.status == Status::Expired || (s.status == Status::Failed && may_help) {
                say(format!("try again from the last recorded step: longhaul retry {task}"));
            }
            Ok(Code::of(s.status))
        }
        Followed::Paused(s) => {
            output::one(format, &view(&s), output::task)?;
            say(format!("it waits for you: longhaul approve {task}   or: longhaul reject {task}"));
            Ok(Code::Done)
        }
        Followed::Detached => {
            say(format!("{}; come back with: longhaul watch {task}", place.while_away()));
            Ok(Code::Interrupted)
        }
    }
}

/// What a completed task gave: a program's own output, else the handler's.
async fn print_output(client: &Client, s: &Snapshot) -> anyhow::Result<()> {
    let printed = s.artifacts.iter().find(|artifact| artifact.name == STDOUT);
    if let Some(artifact) = printed.filter(|artifact| artifact.size <= MOST_PRINTED) {
        let (_, bytes) = client.download(s.task, Some(&artifact.name)).await?;
        return output::raw(&text::block(&String::from_utf8_lossy(&bytes)));
    }
    match client.output(s.task).await? {
        Value::Null => Ok(()),
        Value::String(said) => output::line(text::block(&said)),
        other => output::line(output::json(&other, true)?),
    }
}
