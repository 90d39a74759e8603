//! `demo`: the main job and everything around it, on real data, in a scratch directory.
//!
//! Four reports over the sample data set; one task that runs long enough to be aborted, one that asks
//! a person, one that fails and is retried from its last recorded step. Every line printed is read
//! back from the log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use longhaul_client::{Client, NewTask};
use longhaul_core::{Limits, Sequence, Snapshot, Status, TaskId, text};
use serde_json::json;
use tokio::sync::mpsc;

use crate::args::Demo;
use crate::command::report;
use crate::exit::{Code, told};
use crate::output::{self, say};
use crate::place::{Need, Place};
use crate::settings::Settings;
use crate::signals::interrupted;
use crate::time::local;

const REPORTS: [&str; 4] =
    ["Quarterly review of 2010", "Sales by country", "Top customers", "Customer churn"];

/// What the demo does about a task of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Report,
    ToAbort,
    ToApprove,
    ToRetry,
}

pub(crate) async fn run(settings: &Settings, args: &Demo) -> anyhow::Result<Code> {
    let scratch =
        tempfile::Builder::new().prefix("longhaul-demo-").tempdir().context("no scratch directory")?;
    let settings = Settings {
        nats: None,
        token: None,
        monitoring: Vec::new(),
        data: scratch.path().to_owned(),
        org: "demo".to_owned(),
        ..settings.clone()
    };
    say("a private log, a scheduler, a projector and an executor, in one process");
    let place = Place::open(&settings, Need::Everything).await?;
    let outcome = tokio::select! {
        outcome = story(&place, scratch.path(), &args.out) => outcome,
        () = interrupted() => Ok(Code::Interrupted),
    };
    place.close().await;
    if args.keep {
        let kept = scratch.keep();
        say(format!("kept: look around with  longhaul --data {} --org demo ls", kept.display()));
    }
    outcome
}

async fn story(place: &Place, scratch: &Path, out: &Path) -> anyhow::Result<Code> {
    let client = place.client();
    let data = scratch.join("chinook.sqlite");
    std::fs::write(&data, longhaul_agent::sample::chinook()).context("cannot write the sample data")?;
    let switch = scratch.join("the-service-is-back");
    let mut cast = Cast::submit(client, &data, &switch).await?;
    let (tell, mut told) = mpsc::channel(64);
    for task in cast.roles.keys() {
        tokio::spawn(watch(client.clone(), *task, tell.clone()));
    }
    drop(tell);
    while let Some((snapshot, _)) = told.recv().await {
        cast.show(&snapshot);
        cast.react(client, &snapshot, &switch).await?;
        if cast.all_ended() {
            break;
        }
    }
    close_up(client, &cast, out).await
}

/// Sends every change of a task, for as long as somebody listens.
async fn watch(client: Client, task: TaskId, tell: mpsc::Sender<(Snapshot, Sequence)>) {
    let Ok(mut watch) = client.watch(task).await else { return };
    loop {
        let snapshot = watch.snapshot().clone();
        let sequence = snapshot.sequence;
        if tell.send((snapshot, sequence)).await.is_err() {
            return;
        }
        if let Err(error) = watch.changed().await {
            tracing::warn!(%task, %error, "watching broke off");
            return;
        }
    }
}

/// The tasks of the demo.
#[derive(Default)]
struct Cast {
    roles: BTreeMap<TaskId, Role>,
    last: BTreeMap<TaskId, String>,
    ended: BTreeMap<TaskId, Status>,
    documents: Vec<TaskId>,
    /// Whose Stop was pressed.
    stops: BTreeSet<TaskId>,
}

impl Cast {
    async fn submit(client: &Client, data: &Path, switch: &Path) -> anyhow::Result<Self> {
        let mut cast = Self {
            roles: BTreeMap::new(),
            last: BTreeMap::new(),
            ended: BTreeMap::new(),
            documents: Vec::new(),
            stops: BTreeSet::new(),
        };
        for prompt in REPORTS {
            let limits = Limits { queries: Some(report::QUERIES), ..Limits::default() };
            let task = report::task(data, prompt, None)?.limits(limits);
            let task = client.submit(task).await?.snapshot.task;
            cast.roles.insert(task, Role::Report);
            cast.documents.push(task);
        }
        let long = NewTask::new("rehearsal", "A long one, to be aborted", &json!("slow 600 150"))?;
        let asks = NewTask::new("rehearsal", "One that asks before it acts", &json!("approve"))?;
        // Fails for as long as the service it needs is away; its first step is recorded all the same.
        let script =
            r#"printf '{"step":"fetched"}\n' >&"$LONGHAUL_EVENTS"; sleep 0.3; test -e "$1" || exit 75"#;
        let flaky = json!({ "program": "sh", "args": ["-c", script, "sh", switch] });
        let flaky = NewTask::new("exec", "One that fails at first", &flaky)?;
        for (task, role) in [(long, Role::ToAbort), (asks, Role::ToApprove), (flaky, Role::ToRetry)] {
            cast.roles.insert(client.submit(task).await?.snapshot.task, role);
        }
        say(format!("submitted {} tasks; a user may run 6 at once, so one waits", cast.roles.len()));
        Ok(cast)
    }

    /// Prints a task's change, once.
    fn show(&mut self, s: &Snapshot) {
        let doing = match s.status {
            Status::Running => {
                let step =
                    s.current_step().filter(|step| step.result.is_none()).map(|step| step.name.as_str());
                let message = s.progress.message.as_deref().map(|message| format!(": {message}"));
                match (self.roles.get(&s.task), step) {
                    // The long one would fill the screen.
                    (Some(Role::ToAbort), _) | (_, None) => "running".to_owned(),
                    (_, Some(step)) => format!("{step}{}", message.unwrap_or_default()),
                }
            }
            status => format!("{status}: {}", s.reason_text()),
        };
        // Between two steps there is nothing to tell.
        let between =
            doing == "running" && self.last.contains_key(&s.task) && s.run.0 > 0 && !s.steps.is_empty();
        if between {
            return self.note_end(s);
        }
        if self.last.get(&s.task) != Some(&doing) {
            let line = format!("{}  {:32} {doing}", &local(s.updated_at)[11..], s.title.as_str());
            say(text::line(&line, 160));
            self.last.insert(s.task, doing);
        }
        self.note_end(s);
    }

    fn note_end(&mut self, s: &Snapshot) {
        if s.status.is_terminal() {
            self.ended.insert(s.task, s.status);
        } else {
            self.ended.remove(&s.task);
        }
    }

    /// Does what a person would.
    async fn react(&mut self, client: &Client, s: &Snapshot, switch: &Path) -> anyhow::Result<()> {
        let recorded = s.steps.iter().filter(|step| step.result.is_some()).count();
        match self.roles.get(&s.task) {
            Some(Role::ToAbort)
                if s.status == Status::Running && recorded >= 5 && self.stops.insert(s.task) =>
            {
                say("          (somebody presses Stop)");
                client.abort(s.task, Some("seen enough")).await?;
            }
            Some(Role::ToApprove) => {
                if let Some(open) = s.open_approval() {
                    say(format!("          (somebody approves: {} {})", open.action, open.arguments));
                    client.approve(s.task).await?;
                }
            }
            Some(Role::ToRetry) if s.status == Status::Failed && s.attempt == 1 => {
                say("          (the service is back; somebody presses Retry)");
                std::fs::write(switch, "").context("cannot write into the scratch directory")?;
                client.retry(s.task).await?;
                self.ended.remove(&s.task);
            }
            _ => {}
        }
        Ok(())
    }

    fn all_ended(&self) -> bool {
        self.ended.len() == self.roles.len()
    }
}

/// Fetches the documents, says what they found, and tells one task's story from the log.
async fn close_up(client: &Client, cast: &Cast, out: &Path) -> anyhow::Result<Code> {
    let mut code = Code::Done;
    say("");
    for task in &cast.documents {
        if cast.ended.get(task) != Some(&Status::Completed) {
            code = Code::Failed;
            continue;
        }
        std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
        let path: PathBuf = report::save(client, *task, Some(out)).await?;
        output::line(path.display().to_string())?;
        if let Some(first) = report::summary(client, *task).await?.first() {
            say(format!("    {first}"));
        }
    }
    for (task, role) in &cast.roles {
        let snapshot = client.get(*task).await?;
        let expected = match role {
            Role::ToAbort => Status::Aborted,
            _ => Status::Completed,
        };
        if snapshot.status != expected {
            let why = format!(
                "{:?} ended {}: {}",
                snapshot.title.as_str(),
                snapshot.status,
                snapshot.reason_text()
            );
            return Err(told(Code::Failed, why));
        }
        if let (Role::ToAbort, Some(abort)) = (role, &crate::command::submit::view(&snapshot).abort) {
            say("");
            say(format!("the aborted task's story, from the log: {}", output::abort(abort)));
        }
    }
    say("");
    say("next: longhaul up, then longhaul report YOUR-DATA \"sales by country\"");
    Ok(code)
}
