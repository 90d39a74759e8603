//! `abort`, `approve`, `reject`, `retry`, `rerun`, `fork`, `rm`, `erase`.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use anyhow::Context as _;
use longhaul_client::{AbortOutcome, Client, ForkAt, Rerun as Changes};
use longhaul_core::{Sequence, Snapshot, Status, TaskId, text};
use longhaul_wire::query;
use longhaul_wire::view::{AbortView, SnapshotView};
use serde::Serialize;
use serde_json::Value;

use crate::args::{Abort, Approve, Bulk, Fork, Format, Reject, Rerun};
use crate::command::submit::{announce, finish, json_argument, pair, submitted, view};
use crate::exit::{Code, code, told, usage};
use crate::follow::follow;
use crate::output::{self, say};
use crate::place::Place;
use crate::signals::CtrlC;

/// How long an abort waits for the run to reach a checkpoint before it says that the request stands.
const STOP: Duration = Duration::from_secs(60);

/// The tasks a bulk command means: named, or found by its filter among those it can act on.
async fn meant(
    client: &Client,
    bulk: &Bulk,
    able: &[Status],
    verb: &str,
) -> anyhow::Result<Option<Vec<TaskId>>> {
    let tasks = if bulk.tasks.is_empty() {
        if bulk.filter.is_empty() {
            return Err(usage(format!(
                "which tasks? name them, or use a filter such as --status {}",
                able[0]
            )));
        }
        let mut filter = bulk.filter.query(client)?;
        if filter.status.is_empty() {
            filter.status = able.to_vec();
        }
        let mut question = query::List { filter, limit: Some(query::MAX_PAGE), ..query::List::default() };
        let mut tasks = Vec::new();
        loop {
            let page = client.query(&question).await?;
            tasks.extend(page.items.into_iter().map(|item| item.task));
            match page.next {
                Some(next) => question.after = Some(next),
                None => break tasks,
            }
        }
    } else {
        bulk.tasks.clone()
    };
    if bulk.dry_run {
        for task in &tasks {
            output::line(task.to_string())?;
        }
        say(format!("would {verb} {} tasks", tasks.len()));
        return Ok(None);
    }
    if tasks.len() > 1 && !bulk.yes && !confirmed(verb, tasks.len())? {
        return Err(told(Code::Refused, "not confirmed; nothing was done"));
    }
    Ok(Some(tasks))
}

fn confirmed(verb: &str, n: usize) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(told(
            Code::Refused,
            format!("this would {verb} {n} tasks; say --yes, or look first with --dry-run"),
        ));
    }
    say(format!("{verb} {n} tasks? [y/N]"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Does one thing to each task; tells each outcome; the worst one decides the exit code.
async fn each<F>(format: Format, tasks: &[TaskId], done: &str, act: F) -> anyhow::Result<Code>
where
    F: AsyncFn(TaskId) -> Result<Snapshot, longhaul_client::Error>,
{
    let mut worst = Code::Done;
    for task in tasks {
        match act(*task).await {
            Ok(snapshot) => output::one(format, &view(&snapshot), |_| format!("{task}  {done}"))?,
            Err(error) if tasks.len() == 1 => return Err(error.into()),
            Err(error) => {
                let error = anyhow::Error::from(error);
                say(format!("{task}  {error:#}"));
                worst = code(&error);
            }
        }
    }
    Ok(worst)
}

/// What became of an abort, for programs.
#[derive(Serialize)]
struct Stopped {
    task: TaskId,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    abort: Option<AbortView>,
    snapshot: SnapshotView,
}

pub(crate) async fn abort(client: &Client, args: &Abort) -> anyhow::Result<Code> {
    let able = [Status::Running, Status::Pending, Status::Paused];
    let Some(tasks) = meant(client, &args.bulk, &able, "abort").await? else { return Ok(Code::Done) };
    let reason = args.reason.as_deref();
    for task in tasks {
        let answer = match args.no_wait {
            true => client.abort(task, reason).await?,
            false => client.abort_and_wait(task, reason, STOP).await?,
        };
        let outcome = match answer.outcome {
            AbortOutcome::AtOnce => "aborted",
            AbortOutcome::Asked => "asked",
            AbortOutcome::AskedBefore => "asked_before",
            AbortOutcome::Stopped => "stopped",
            AbortOutcome::EndedAlready => "ended_already",
        };
        let seen = view(&answer.snapshot);
        let stopped = Stopped { task, outcome, abort: seen.abort.clone(), snapshot: seen };
        output::one(args.bulk.shape.format, &stopped, |stopped| {
            let story = stopped.abort.as_ref().map(output::abort).unwrap_or_default();
            let told = match answer.outcome {
                AbortOutcome::AtOnce | AbortOutcome::Stopped => format!("aborted: {story}"),
                AbortOutcome::Asked => format!("stops at its next checkpoint: {story}"),
                AbortOutcome::AskedBefore => format!("stops at its next checkpoint already: {story}"),
                AbortOutcome::EndedAlready => {
                    let ended = answer.snapshot.ended_at.map(crate::time::local).unwrap_or_default();
                    format!("was {} already, since {ended}", answer.snapshot.status)
                }
            };
            format!("{task}  {}", text::block(&told))
        })?;
    }
    Ok(Code::Done)
}

/// Sets `key=value` in the arguments; the value is JSON, or else a text. Other members than there are
/// may be set if the schema names them.
fn set(arguments: &mut Value, schema: Option<&Value>, assignments: &[String]) -> anyhow::Result<()> {
    let properties = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    for assignment in assignments {
        let (key, value) = pair(assignment)?;
        // What must be a text is one, whatever it looks like.
        let is_text =
            properties.and_then(|all| all.get(key)).is_some_and(|member| member["type"] == "string");
        let read = if is_text { None } else { serde_json::from_str(value).ok() };
        let value = read.unwrap_or_else(|| Value::from(value));
        let Some(object) = arguments.as_object_mut() else {
            return Err(usage("the arguments are not an object; give new ones with --arguments JSON"));
        };
        if !object.contains_key(key) && !properties.is_some_and(|all| all.contains_key(key)) {
            let known: Vec<_> = object.keys().map(String::as_str).collect();
            return Err(usage(format!("there is no argument {key:?}; there are: {}", known.join(", "))));
        }
        object.insert(key.to_owned(), value);
    }
    Ok(())
}

pub(crate) async fn approve(client: &Client, args: &Approve) -> anyhow::Result<Code> {
    let changed = match &args.arguments {
        Some(given) => Some(json_argument(given)?),
        None if args.set.is_empty() => None,
        None => {
            let asked = client.get(args.task).await?;
            let open = asked.open_approval().ok_or_else(|| {
                told(
                    Code::Refused,
                    format!("task {} does not wait for an approval; it is {}", args.task, asked.status),
                )
            })?;
            let mut arguments = open.arguments.clone();
            set(&mut arguments, open.schema.as_ref(), &args.set)?;
            Some(arguments)
        }
    };
    let snapshot = match changed {
        Some(arguments) => client.modify(args.task, arguments).await?,
        None => client.approve(args.task).await?,
    };
    output::one(args.shape.format, &view(&snapshot), |view| format!("{}  approved; it goes on", view.task))?;
    Ok(Code::Done)
}

pub(crate) async fn reject(client: &Client, args: &Reject) -> anyhow::Result<Code> {
    let snapshot = client.reject(args.task, args.reason.as_deref()).await?;
    output::one(args.shape.format, &view(&snapshot), |view| format!("{}  rejected", view.task))?;
    Ok(Code::Done)
}

pub(crate) async fn retry(client: &Client, args: &Bulk) -> anyhow::Result<Code> {
    let able = [Status::Failed, Status::Expired, Status::Aborted];
    let Some(tasks) = meant(client, args, &able, "retry").await? else { return Ok(Code::Done) };
    each(args.shape.format, &tasks, "queued again", async |task| client.retry(task).await).await
}

pub(crate) async fn dismiss(client: &Client, args: &Bulk) -> anyhow::Result<Code> {
    let able = [Status::Completed, Status::Failed, Status::Expired, Status::Aborted];
    let Some(tasks) = meant(client, args, &able, "hide").await? else { return Ok(Code::Done) };
    each(args.shape.format, &tasks, "hidden", async |task| client.dismiss(task).await).await
}

pub(crate) async fn erase(client: &Client, args: &Bulk) -> anyhow::Result<Code> {
    let able = [Status::Completed, Status::Failed, Status::Expired, Status::Aborted];
    let Some(tasks) = meant(client, args, &able, "erase for ever").await? else { return Ok(Code::Done) };
    each(args.shape.format, &tasks, "erased", async |task| client.erase(task).await).await
}

pub(crate) async fn rerun(place: &Place, args: &Rerun) -> anyhow::Result<Code> {
    let input = args.input.as_deref().map(json_argument).transpose()?;
    let changes = Changes { input, title: args.title.clone() };
    new_task(place, place.client().rerun(args.task, changes), args.detach, args.shape.format).await
}

pub(crate) async fn fork(place: &Place, args: &Fork) -> anyhow::Result<Code> {
    let at = match args.at.parse() {
        Ok(sequence) => ForkAt::Sequence(Sequence(sequence)),
        Err(_) => ForkAt::Step(args.at.clone()),
    };
    let input = args.input.as_deref().map(json_argument).transpose()?;
    let forked = place.client().fork(args.task, at, Changes { input, title: None });
    new_task(place, forked, args.detach, args.shape.format).await
}

async fn new_task(
    place: &Place,
    submission: impl Future<Output = Result<longhaul_client::Submitted, longhaul_client::Error>>,
    detach: bool,
    format: Format,
) -> anyhow::Result<Code> {
    let mut ctrl_c = CtrlC::listen()?;
    let submitted = submitted(submission, &mut ctrl_c).await?;
    announce(&submitted, place.quiet());
    if detach {
        output::one(format, &view(&submitted.snapshot), |view| view.task.to_string())?;
        return Ok(Code::Done);
    }
    let followed = follow(place.client(), submitted.snapshot.task, place.quiet(), &mut ctrl_c).await?;
    finish(place, &submitted.snapshot, followed, format).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_changed_by_name() {
        let mut arguments = json!({"to": "bob", "copies": 1});
        set(&mut arguments, None, &["to=carol".into(), "copies=2".into()]).unwrap();
        assert_eq!(arguments, json!({"to": "carol", "copies": 2}));
        let unknown = set(&mut arguments, None, &["whom=x".into()]).unwrap_err().to_string();
        assert!(unknown.contains("to, copies"), "{unknown}");
        assert!(set(&mut json!(["x"]), None, &["to=x".into()]).is_err());
        assert!(set(&mut arguments, None, &["to".into()]).is_err());
        let schema = json!({"properties": {"to": {"type": "string"}, "cc": {"type": "string"}}});
        set(&mut arguments, Some(&schema), &["to=1".into(), "cc=[]".into(), "copies=3".into()]).unwrap();
        assert_eq!(arguments, json!({"to": "1", "cc": "[]", "copies": 3}));
    }
}
