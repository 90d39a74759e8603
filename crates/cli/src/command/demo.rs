//! `demo`: the main job and everything around it, on real data, in a scratch directory.
//!
//! Four reports over the sample data set by the built-in analyst, and one by a language model if there is
//! one; one task that runs long enough to be aborted, one that asks
//! a person, one that fails and is retried from its last recorded step. Every line printed is read
//! back from the log.

mod cast;
mod voice;
mod writer;

use std::path::Path;
use std::pin::pin;

use anyhow::Context as _;
use longhaul_client::Client;
use longhaul_core::{Caps, Snapshot, Status, TaskId};
use longhaul_tui::{Host, Left};
use tokio::sync::mpsc;

use self::cast::{Cast, Role};
use self::voice::Voice;
use self::writer::Writer;
use crate::args::Demo;
use crate::command::{dashboard, report};
use crate::exit::{Code, told};
use crate::output::{self, say};
use crate::place::{Need, Place};
use crate::settings::Settings;
use crate::signals::interrupted;

pub(crate) async fn run(settings: &Settings, args: &Demo) -> anyhow::Result<Code> {
    let scratch =
        tempfile::Builder::new().prefix("longhaul-demo-").tempdir().context("no scratch directory")?;
    let mut settings = Settings {
        nats: None,
        token: None,
        monitoring: Vec::new(),
        data: scratch.path().to_owned(),
        org: "demo".to_owned(),
        ..settings.clone()
    };
    let watched = dashboard::opens(args.plain);
    let log = scratch.path().join("demo.log");
    match watched {
        true => dashboard::log(&log, Some("error"))?,
        false => crate::log("error"),
    }
    say("a private log, a scheduler, a projector and an executor, in one process");
    let writer = Writer::find(&mut settings, scratch.path()).await?;
    match &writer {
        Writer::Configured(model) => {
            say(format!("one report is written by {model}, the others by the built-in analyst"))
        }
        Writer::Mock { .. } => say(
            "one report is written by llmock, a mock of a language model, the others by the built-in analyst",
        ),
        Writer::Nobody(why) => say(format!("the built-in analyst writes every report; {why}")),
    }
    let place = Place::open(&settings, Need::Everything).await?;
    let outcome = match watched {
        true => watch_all(&settings, &place, scratch.path(), &args.out, &writer).await,
        false => tokio::select! {
            outcome = tell_all(&place, scratch.path(), &args.out, &writer) => outcome,
            () = interrupted() => Ok(Code::Interrupted),
        },
    };
    place.close().await;
    // What would have stood on stderr meanwhile.
    std::fs::read_to_string(&log).unwrap_or_default().lines().for_each(say);
    if args.keep {
        let kept = scratch.keep();
        say(format!("kept: look around with  longhaul --data {} --org demo ls", kept.display()));
    }
    outcome
}

/// The demo, line by line.
async fn tell_all(place: &Place, scratch: &Path, out: &Path, writer: &Writer) -> anyhow::Result<Code> {
    let cast = play(place.client(), scratch, writer, &Voice::of_lines()).await?;
    close_up(place.client(), &cast, out, false).await
}

/// The demo in the dashboard. Who leaves it early sees the rest line by line.
async fn watch_all(
    settings: &Settings,
    place: &Place,
    scratch: &Path,
    out: &Path,
    writer: &Writer,
) -> anyhow::Result<Code> {
    let (voice, remarks) = Voice::of_dashboard();
    let host = Host { serves: true, remarks: Some(remarks), ..Host::default() };
    let mut shown = pin!(dashboard::show(settings, place.journal(), "demo".to_owned(), host));
    let mut played = pin!(play(place.client(), scratch, writer, &voice));
    let (cast, left) = tokio::select! {
        cast = &mut played => {
            let cast = cast?;
            voice.over("The demo is over: q says what came of it.").await;
            (Some(cast), shown.await?)
        }
        left = &mut shown => (None, left?),
    };
    if left != Left::Quit {
        return Ok(Code::Interrupted);
    }
    let rest = async {
        let cast = match cast {
            Some(cast) => cast,
            None => {
                say("the demo goes on without the dashboard; Ctrl-C ends it");
                played.await?
            }
        };
        close_up(place.client(), &cast, out, true).await
    };
    tokio::select! {
        outcome = rest => outcome,
        () = interrupted() => Ok(Code::Interrupted),
    }
}

/// Submits the tasks and does about them what is to be done, until all have ended.
async fn play(client: &Client, scratch: &Path, writer: &Writer, voice: &Voice) -> anyhow::Result<Cast> {
    let data = scratch.join("chinook.sqlite");
    std::fs::write(&data, longhaul_agent::sample::chinook()).context("cannot write the sample data")?;
    let mut cast = Cast::submit(client, &data, scratch.join("the-service-is-back"), writer).await?;
    let (all, cap) = (cast.roles.len(), Caps::default().user);
    voice.changed(&format!("submitted {all} tasks; a user may run {cap} at once, the others wait"));
    voice.stands(cast.stands()).await;
    let (tell, mut told) = mpsc::channel(64);
    for task in cast.roles.keys() {
        tokio::spawn(watch(client.clone(), *task, tell.clone()));
    }
    drop(tell);
    while !cast.is_over() {
        tokio::select! {
            told = told.recv() => {
                let Some(snapshot) = told else { break };
                cast.show(&snapshot, voice);
                cast.note(&snapshot, voice).await?;
            }
            task = cast.turn(voice) => cast.act(client, task, voice).await?,
        }
    }
    Ok(cast)
}

/// Sends every change of a task, for as long as somebody listens.
async fn watch(client: Client, task: TaskId, tell: mpsc::Sender<Snapshot>) {
    let Ok(mut watch) = client.watch(task).await else { return };
    loop {
        if tell.send(watch.snapshot().clone()).await.is_err() {
            return;
        }
        if let Err(error) = watch.changed().await {
            tracing::warn!(%task, %error, "watching broke off");
            return;
        }
    }
}

/// Fetches the documents, says what they found, and tells one task's story from the log.
async fn close_up(client: &Client, cast: &Cast, out: &Path, watched: bool) -> anyhow::Result<Code> {
    let mut code = Code::Done;
    say("");
    for task in &cast.documents {
        match cast.ended.get(task) {
            Some(Status::Completed) => {}
            Some(Status::Aborted) if watched => continue,
            _ => {
                code = Code::Failed;
                continue;
            }
        }
        std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
        for path in report::save(client, *task, Some(out)).await? {
            output::line(path.display().to_string())?;
        }
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
            // Whoever watched may have done with it as they liked.
            if !watched {
                return Err(told(Code::Failed, why));
            }
            say(why);
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
