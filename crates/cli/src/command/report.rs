//! `report`: the main job in one line.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use longhaul_agent::DocumentFormat;
use longhaul_agent::data::Connections;
use longhaul_client::{Client, NewTask};
use longhaul_core::{RetryPolicy, Status, TaskId, text};
use serde_json::json;

use crate::args::{Format, Report};
use crate::command::read::{can_write, write_file};
use crate::command::submit::{announce, dry_run, finish, submitted};
use crate::exit::{Code, usage};
use crate::follow::{Followed, follow};
use crate::output::{self, say};
use crate::place::Place;
use crate::settings::Settings;
use crate::signals::CtrlC;

/// Queries of one report, unless more are asked for.
pub(crate) const QUERIES: u32 = 3;

/// What the name of a connection stands behind, in place of a path.
const DATABASE: &str = "postgres:";
/// In place of a model: the analyst that ships with the program.
pub(crate) const BUILT_IN: &str = "built-in";

/// Attempts of one report, unless it is said otherwise: its steps are recorded, so the loss of an
/// executor costs no more than the step under way.
pub(crate) const ATTEMPTS: u32 = 3;

/// A report over `data` about `prompt`, as a task. The executor may run elsewhere: the path is made
/// absolute.
pub(crate) fn task(
    data: &Path,
    prompt: &str,
    skills: Option<&Path>,
    formats: &[DocumentFormat],
    model: Option<&str>,
) -> anyhow::Result<NewTask> {
    let mut input = json!({ "data": located(data)?, "prompt": prompt });
    if let Some(skills) = skills {
        input["skills"] = json!(absolute(skills)?);
    }
    if !formats.is_empty() {
        input["formats"] = json!(formats);
    }
    if let Some(model) = model {
        input["model"] = json!(model);
    }
    let title = text::line(prompt, text::MAX_TITLE);
    let task = NewTask::new("report", if title.trim().is_empty() { "Report" } else { &title }, &input)?;
    Ok(task.retry(RetryPolicy { max_attempts: ATTEMPTS, ..RetryPolicy::default() }))
}

/// Data as a task names it, which may run elsewhere: a path made absolute, or the name of a database.
pub(crate) fn located(data: &Path) -> anyhow::Result<PathBuf> {
    let text = data.to_string_lossy();
    // A database is a name that whoever runs the executor gave it.
    let scheme = text.get(..DATABASE.len()).is_some_and(|head| head.eq_ignore_ascii_case(DATABASE));
    if scheme && text.strip_prefix(DATABASE).is_some_and(Connections::is_name) {
        return Ok(data.to_owned());
    }
    // Tasks are read by others, and so are messages: neither repeats what may hold a password.
    if scheme || (text.contains("://") && !data.exists()) {
        return Err(usage(
            "that is no name of a database, and an address may hold a password: it stays out of tasks. Whoever \
             runs the executor names it in longhaul.toml ([data.sales], url-env = \"SALES_URL\"); then give \
             postgres:sales, of a-z, 0-9, - and _",
        ));
    }
    if !data.exists() {
        return Err(usage(format!(
            "there is no {}; give a file of SQLite, CSV, JSON or Parquet, or a folder of such files",
            data.display()
        )));
    }
    absolute(data)
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path)
        .map_err(|error| usage(format!("{} is not a usable path: {error}", path.display())))
}

pub(crate) async fn run(place: &Place, settings: &Settings, args: &Report) -> anyhow::Result<Code> {
    if args.prompt.trim().is_empty() {
        return Err(usage("the request is empty; say what the report is about: \"sales by country\""));
    }
    let goes_to = args.output.as_deref().unwrap_or(Path::new("."));
    if !args.submission.detach && !args.submission.dry_run {
        // Before minutes of work, not after them.
        can_write(goes_to)?;
    }
    let model = model(settings, args)?;
    let task = task(&args.data, &args.prompt, args.skills.as_deref(), &formats(args)?, model.as_deref())?;
    let task = args.submission.apply(task, Some(args.queries.unwrap_or(QUERIES)), place.journal().now())?;
    let client = place.client();
    if args.submission.dry_run {
        return dry_run(client, &task, Format::Table).await;
    }
    let mut ctrl_c = CtrlC::listen()?;
    let submitted = submitted(client.submit(task), &mut ctrl_c).await?;
    announce(&submitted, place.quiet());
    let task = submitted.snapshot.task;
    if args.submission.detach {
        output::line(task.to_string())?;
        return Ok(Code::Done);
    }
    match follow(client, task, place.quiet(), &mut ctrl_c).await? {
        Followed::Ended(s) if s.status == Status::Completed => {
            let paths = save(client, task, args.output.as_deref()).await;
            let paths = paths.with_context(|| {
                format!("the report is kept; fetch it with: longhaul download {task} -o FILE")
            })?;
            if !place.quiet() {
                for sentence in summary(client, task).await? {
                    say(format!("  {sentence}"));
                }
            }
            for path in paths {
                output::line(path.display().to_string())?;
            }
            Ok(Code::Done)
        }
        other => finish(place, &submitted.snapshot, other, Format::Table).await,
    }
}

/// The model that is to write: the one named, else that of the settings, else none.
fn model(settings: &Settings, args: &Report) -> anyhow::Result<Option<String>> {
    let model = match &args.model {
        Some(model) => Some(model.clone()),
        None => settings.models()?.default,
    };
    Ok(model.filter(|model| model != BUILT_IN))
}

/// The formats asked for: those named, or the one that the name of the file ends with.
fn formats(args: &Report) -> anyhow::Result<Vec<DocumentFormat>> {
    let file = args.output.as_deref().filter(|path| !path.is_dir());
    if let (Some(file), true) = (file, args.format.len() > 1) {
        let file = file.display();
        return Err(usage(format!("{file} is one file, for one format; give a folder that is there")));
    }
    if !args.format.is_empty() {
        return Ok(args.format.clone());
    }
    let ending = file.and_then(|path| path.extension()?.to_str()?.parse().ok());
    Ok(ending.into_iter().collect())
}

/// Writes the files a task made: under `output`, or their own names here.
pub(crate) async fn save(
    client: &Client,
    task: TaskId,
    output: Option<&Path>,
) -> anyhow::Result<Vec<PathBuf>> {
    let snapshot = client.get(task).await?;
    let mut paths = Vec::with_capacity(snapshot.artifacts.len());
    for artifact in snapshot.files() {
        let bytes = client.content(artifact).await?;
        let path = match output {
            Some(path) if path.is_dir() => path.join(&artifact.name),
            Some(path) => path.to_owned(),
            None => PathBuf::from(&artifact.name),
        };
        write_file(&path, &bytes)?;
        paths.push(path);
    }
    Ok(paths)
}

/// What the report found, in its own sentences.
pub(crate) async fn summary(client: &Client, task: TaskId) -> anyhow::Result<Vec<String>> {
    let output = client.output(task).await?;
    let sentences = output["summary"].as_array().cloned().unwrap_or_default();
    Ok(sentences.iter().filter_map(|one| one.as_str()).map(|one| text::line(one, 400)).collect())
}
