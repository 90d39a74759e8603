//! Files: what a task made, its history, what is listed.

use longhaul_core::TaskRef;

use crate::app::{About, App, Choice, Choose, Chosen, Errand, Notice, Pane, Popup, View};
use crate::effect::Effect;
use crate::export::{self, Format};
use crate::text::{fit, short};
use crate::theme::Tone;

/// More tasks at once are not downloaded: that many files in a folder help nobody.
const MANY: usize = 100;

/// Writes what the tasks that are meant made.
pub(super) fn download(app: &mut App) -> Vec<Effect> {
    let subjects = app.subjects();
    if subjects.len() > MANY {
        let text = format!("{} tasks are marked: at most {MANY} are downloaded at once", subjects.len());
        say(app, Tone::Warning, text, None);
        return Vec::new();
    }
    let begin = |at: TaskRef| {
        app.errands.push(Errand { at: at.clone(), doing: "fetching…" });
        Effect::Download(at)
    };
    subjects.into_iter().map(begin).collect()
}

/// Reads what one looks at in the pager: the running text of a pane that is told already, else the
/// task's output.
pub(super) fn page(app: &mut App) -> Vec<Effect> {
    if let Some(text) = app.opened.as_ref().and_then(|opened| opened.reads()) {
        return vec![Effect::Show(longhaul_core::text::block(&text))];
    }
    let Some(at) = app.subject().and_then(|row| app.store.address(row)) else { return Vec::new() };
    app.errands.push(Errand { at: at.clone(), doing: "fetching…" });
    vec![Effect::Fetch(at)]
}

/// A text to read is here, or is not.
pub(super) fn fetched(app: &mut App, at: &TaskRef, text: Result<String, String>) -> Vec<Effect> {
    app.errands.retain(|errand| errand.at != *at);
    match text {
        // The pager gets no more than text: it may pass escapes on.
        Ok(text) => vec![Effect::Show(longhaul_core::text::block(&text))],
        Err(why) => {
            let text = format!("{}: {}", short(at.task), fit(&why, 300));
            say(app, Tone::Bad, text, Some(at.clone()));
            Vec::new()
        }
    }
}

/// Exports the opened task's history, or asks in what form to export what is listed.
pub(super) fn export(app: &mut App) -> Vec<Effect> {
    if let Some(opened) = &app.opened {
        let at = opened.at.clone();
        app.errands.push(Errand { at: at.clone(), doing: "writing…" });
        return vec![Effect::History(at)];
    }
    let n = listed(app).len();
    let tasks = if n == 1 { "task" } else { "tasks" };
    let label = |format: Format| match format {
        Format::Ndjson => format!("ndjson  {n} {tasks}, a JSON document a line"),
        Format::Json => format!("json    {n} {tasks}, one JSON array"),
        Format::Csv => format!("csv     {n} {tasks}, a table for spreadsheets"),
    };
    let choices =
        Format::ALL.map(|format| Choice { label: label(format), then: Chosen::Export(format) }).to_vec();
    app.popup = Some(Popup::Choose(Choose { title: "Export what is listed", choices, at: 0 }));
    Vec::new()
}

/// The rows of the list one looks at: those marked, if there are any.
fn listed(app: &App) -> Vec<u32> {
    let rows = if app.view == View::Mine { app.mine.rows() } else { app.order.rows() };
    let marked = |at: &&u32| app.marks.has(app.store.row(**at).key);
    match app.view == View::Tasks && !app.marks.is_empty() {
        true => rows.iter().filter(marked).copied().collect(),
        false => rows.to_vec(),
    }
}

/// Exports what is listed.
pub(super) fn export_as(app: &mut App, format: Format) -> Vec<Effect> {
    let rows = listed(app);
    let text = export::tasks(app, &rows, format);
    let time = crate::text::clock(app.now).replace(':', "");
    vec![Effect::Save { name: format!("tasks-{time}.{}", format.word()), text }]
}

/// Something was written or fetched, or was not.
pub(super) fn done(app: &mut App, at: Option<TaskRef>, outcome: Result<String, String>) {
    if let Some(at) = &at {
        app.errands.retain(|errand| errand.at != *at);
    }
    let name = at.as_ref().map(|at| format!("{}: ", short(at.task))).unwrap_or_default();
    let (tone, text) = match outcome {
        Ok(text) => (Tone::Good, text),
        Err(why) => (Tone::Bad, why),
    };
    say(app, tone, format!("{name}{}", fit(&text, 400)), at);
}

/// Says something for a moment, and keeps it in the inbox.
fn say(app: &mut App, tone: Tone, text: String, task: Option<TaskRef>) {
    let notice = Notice { at: app.now, tone, text, about: task.map(About::Task) };
    app.inbox.add(notice.clone());
    app.say(notice);
}

/// Opens a task where it says why it stands as it does.
pub(super) fn why(app: &mut App) -> Vec<Effect> {
    let effects = match app.opened {
        Some(_) => Vec::new(),
        None => super::act::open_subject(app),
    };
    if let Some(opened) = &mut app.opened {
        (opened.pane, opened.top) = (Pane::Why, 0);
    }
    effects
}
