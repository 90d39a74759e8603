//! Asking something of tasks: what is asked, whether it is meant, what becomes of it.

use longhaul_core::{Millis, Status, TaskRef};

use crate::app::{About, App, Asked, Confirm, Fate, Notice, Popup, Prompt, Steer, Typing};
use crate::effect::Effect;
use crate::keys::Act;
use crate::store::Row;
use crate::text::{fit, short};
use crate::theme::Tone;

/// How long what was accepted may take to show itself before that is said.
const PATIENCE: Millis = Millis::seconds(5);
/// How long it is waited for at all.
const FORGOTTEN: Millis = Millis::minutes(2);
/// From how many tasks on the number has to be typed.
const MANY: usize = 10;

/// Begins to ask: refuses what makes no sense, else asks whether it is meant.
pub(super) fn ask(app: &mut App, act: Act) -> Vec<Effect> {
    if let Some(why) = app.tied() {
        app.say(notice(app, Tone::Warning, why.to_owned(), None));
        return Vec::new();
    }
    let subjects = app.subjects();
    let mut fit_for: Vec<(TaskRef, Steer)> = Vec::new();
    let mut unfit = None;
    for at in &subjects {
        let Some(row) = app.store.key(at).and_then(|key| app.store.get(key)) else { continue };
        match steer_of(app, row, act) {
            Ok(steer) => fit_for.push((at.clone(), steer)),
            Err(why) => unfit = Some(why),
        }
    }
    if fit_for.is_empty() {
        if let Some(why) = unfit {
            app.say(notice(app, Tone::Warning, why, subjects.first().cloned()));
        }
        return Vec::new();
    }
    if act == Act::Reject {
        app.prompt = Some(Prompt { typing: Typing::Reject(fit_for), input: Default::default() });
    } else {
        app.popup = Some(Popup::Confirm(confirm(app, act, fit_for, subjects.len())));
    }
    Vec::new()
}

/// What a key asks of a task, or why it cannot.
pub(crate) fn steer_of(app: &App, row: &Row, act: Act) -> Result<Steer, String> {
    let question = || {
        let open = app
            .store
            .question(row.key)
            .ok_or_else(|| format!("it is {}: it asks for nothing", row.status))?;
        Ok::<_, String>((open.id, open.digest))
    };
    let steer = match act {
        Act::Approve => {
            let (approval, digest) = question()?;
            Steer::Approve { approval, digest }
        }
        Act::Reject => {
            let (approval, digest) = question()?;
            Steer::Reject { approval, digest, reason: None }
        }
        Act::Retry => Steer::Retry,
        Act::Rerun => Steer::Rerun,
        Act::Delete => Steer::Dismiss,
        _ => Steer::Abort,
    };
    match steer.unfit(row.status) {
        Some(why) => Err(why),
        None => Ok(steer),
    }
}

fn confirm(app: &App, act: Act, then: Vec<(TaskRef, Steer)>, of: usize) -> Confirm {
    let (title, what) = match act {
        Act::Approve => ("Approve", "goes on with exactly the arguments shown"),
        Act::Retry => ("Retry", "is tried again from its last recorded step"),
        Act::Rerun => ("Run again", "is submitted again as a new task; nothing is taken over"),
        Act::Delete => ("Remove", "is hidden from lists; its history stays"),
        _ => ("Abort", "stops at its next checkpoint; one that only waits stops at once"),
    };
    let mut lines = Vec::new();
    if let [(at, _)] = then.as_slice() {
        let row = app.store.key(at).and_then(|key| app.store.get(key));
        let name = row.map_or_else(String::new, |row| row.title.to_string());
        lines.push(format!("{} {}", short(at.task), fit(&name, 60)));
        if act == Act::Approve
            && let Some(open) = app.store.key(at).and_then(|key| app.store.question(key))
        {
            lines.push(format!("asks for: {}", fit(&open.action, 60)));
        }
        lines.push(format!("It {what}."));
    } else {
        lines.push(format!("{} tasks. Each {what}.", then.len()));
    }
    match of - then.len() {
        0 => {}
        1 => lines.push("1 other is left alone: it does not fit it.".to_owned()),
        others => lines.push(format!("{others} others are left alone: it does not fit them.")),
    }
    let word = (then.len() > MANY).then(|| then.len().to_string());
    Confirm { word, ..Confirm::new(title, lines, then) }
}

/// It is meant: asks.
pub(super) fn go(app: &mut App, asked: Vec<(TaskRef, Steer)>) -> Vec<Effect> {
    app.marks.clear();
    let effects = asked.iter().map(|(at, steer)| Effect::Steer(at.clone(), steer.clone())).collect();
    let (since, fate) = (app.now, Fate::Underway);
    let bulk = match asked.as_slice() {
        [] | [_] => None,
        [(_, steer), ..] => Some(app.bulks.begin(steer.done(), asked.len())),
    };
    if asked.iter().any(|(_, steer)| matches!(steer, Steer::Modify { .. })) {
        app.draft = None;
    }
    app.asked.extend(asked.into_iter().map(|(at, steer)| Asked { at, steer, since, fate, bulk }));
    effects
}

/// The log, or whoever, has answered.
pub(super) fn answered(app: &mut App, at: &TaskRef, steer: &Steer, outcome: Result<String, String>) {
    let place = app.asked.iter().position(|asked| asked.at == *at && asked.steer == *steer);
    let name = short(at.task);
    let bulk = place.and_then(|place| app.asked[place].bulk);
    let whole = bulk.and_then(|id| app.bulks.answered(id, outcome.is_ok()));
    match outcome {
        Ok(_) if bulk.is_some() => {
            if let Some(place) = place {
                app.asked[place].fate = Fate::Accepted;
            }
        }
        Ok(done) => {
            if let Some(place) = place {
                app.asked[place].fate = Fate::Accepted;
            }
            let notice = notice(app, Tone::Good, format!("{name}: {}", fit(&done, 300)), Some(at.clone()));
            app.inbox.add(notice.clone());
            app.say(notice);
        }
        Err(why) => {
            if let Some(place) = place {
                app.asked.remove(place);
            }
            let notice = notice(app, Tone::Bad, format!("{name}: {}", fit(&why, 300)), Some(at.clone()));
            app.inbox.add(notice.clone());
            app.say(notice);
        }
    }
    if let Some((text, well)) = whole {
        let notice = notice(app, if well { Tone::Good } else { Tone::Warning }, text, None);
        app.inbox.add(notice.clone());
        app.say(notice);
    }
    forget(app);
}

/// What has shown itself needs no waiting for; what does not for long, neither.
pub(super) fn forget(app: &mut App) {
    let (store, now) = (&app.store, app.now);
    app.asked.retain(|asked| {
        let row = store.key(&asked.at).and_then(|key| store.get(key));
        let shown = asked.fate == Fate::Accepted
            && row.is_none_or(|row| match asked.steer {
                Steer::Abort => row.status.is_terminal() || row.status == Status::Aborting,
                Steer::Approve { .. } | Steer::Modify { .. } | Steer::Reject { .. } => {
                    row.status != Status::Paused
                }
                Steer::Retry => !row.status.is_terminal(),
                Steer::Rerun | Steer::Fork { .. } | Steer::Dismiss | Steer::Erase => true,
            });
        !shown && now.since(asked.since) < FORGOTTEN
    });
}

/// What is to be said of something that was asked of a task and takes longer than it should.
pub(crate) fn overdue(app: &App, row: &Row) -> Option<&'static str> {
    let asked = app.asked.iter().rfind(|asked| app.store.key(&asked.at) == Some(row.key))?;
    let slow = app.past().is_none() && app.now.since(asked.since) > PATIENCE;
    slow.then_some(match asked.fate {
        Fate::Underway => "no answer yet",
        Fate::Accepted => "no effect yet",
    })
}

/// What is under way for a task, and whether it takes longer than it should.
pub(crate) fn underway(app: &App, row: &Row) -> Option<(&'static str, bool)> {
    // What is asked for now says nothing of the past.
    if app.past().is_some() {
        return None;
    }
    let mine = |at: &TaskRef| app.store.key(at) == Some(row.key);
    if let Some(asked) = app.asked.iter().rfind(|asked| mine(&asked.at)) {
        return Some((asked.steer.doing(), app.now.since(asked.since) > PATIENCE));
    }
    app.errands.iter().rfind(|errand| mine(&errand.at)).map(|errand| (errand.doing, false))
}

/// Asks whether a task's data is to be erased; the word has to be typed.
pub(super) fn erase(app: &mut App) -> Vec<Effect> {
    let Some((at, row)) = app.subject().and_then(|row| Some((app.store.address(row)?, row))) else {
        return Vec::new();
    };
    if let Some(why) = app.tied().map(str::to_owned).or_else(|| Steer::Erase.unfit(row.status)) {
        app.say(notice(app, Tone::Warning, why, Some(at)));
        return Vec::new();
    }
    let lines = vec![
        format!("{} {}", short(at.task), fit(row.title.as_str(), 60)),
        "What it was given and what it made is deleted for good.".to_owned(),
    ];
    let confirm = Confirm::new("Erase", lines, vec![(at, Steer::Erase)]);
    app.popup = Some(Popup::Confirm(Confirm { word: Some("erase".to_owned()), ..confirm }));
    Vec::new()
}

/// Asks whether to branch off after a step of the task that is meant.
pub(super) fn fork(app: &mut App, step: &str) {
    let Some((at, row)) = app.subject().and_then(|row| Some((app.store.address(row)?, row))) else {
        return;
    };
    // What it has recorded is known once its story is told; else the log answers.
    let state = app.story().and_then(|story| story.snapshot.as_ref());
    if let Some(state) = state.filter(|state| state.recorded(step).is_none()) {
        let recorded = state.steps.iter().filter(|step| step.result.is_some());
        let names: Vec<_> = recorded.map(|step| step.name.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { fit(&names.join(", "), 200) };
        let text = format!("it has recorded no step {}: there are {names}", fit(step, 40));
        app.say(notice(app, Tone::Warning, text, None));
        return;
    }
    let lines = vec![
        format!("{} {}", short(at.task), fit(row.title.as_str(), 60)),
        format!("A new task begins with what it had recorded up to {}.", fit(step, 60)),
    ];
    let then = vec![(at, Steer::Fork { step: step.to_owned() })];
    app.popup = Some(Popup::Confirm(Confirm::new("Fork", lines, then)));
}

fn notice(app: &App, tone: Tone, text: String, task: Option<TaskRef>) -> Notice {
    Notice { at: app.now, tone, text, about: task.map(About::Task) }
}
