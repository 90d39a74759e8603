//! Looking for text in what one reads, and through the events of the log.

use longhaul_client::fleet::Brief;
use longhaul_core::Millis;

use crate::app::{App, Find, Notice, Prompt, Typing};
use crate::effect::Effect;
use crate::text::{fit, grouped};
use crate::theme::Tone;
use crate::view::task;

/// How often what grows is looked through anew, at most.
const PAUSE: Millis = Millis(250);

/// Has the projector look for what is filtered among the tasks that are not listed, if there are any.
pub(super) fn search(app: &App) -> Vec<Effect> {
    if app.listing.older() == 0 || app.past().is_some() || app.tied().is_some() {
        return Vec::new();
    }
    let asked = app.filter.asked_of_projector(app.now);
    let words = app.filter.text().to_owned();
    asked.map(|asked| Effect::Search(words, Box::new(asked))).into_iter().collect()
}

/// What the projector found there is listed from now on.
pub(super) fn found(app: &mut App, words: &str, found: Result<(Vec<Brief>, bool), String>) {
    let words = fit(words, 40);
    let (tone, text) = match found {
        Ok((tasks, more)) => {
            let mut new = 0_u64;
            for brief in tasks {
                if app.store.key(&brief.at).is_none() {
                    app.listing.found(brief.status);
                    new += 1;
                }
                app.store.put(brief);
            }
            let more = if more { ": only the latest that match are listed" } else { "" };
            let found = if new == 1 { "task" } else { "tasks" };
            (Tone::Good, format!("{} older {found} found for {words}{more}", grouped(new)))
        }
        Err(why) => (Tone::Bad, format!("older tasks cannot be looked for: {}", fit(&why, 200))),
    };
    app.say(Notice { at: app.now, tone, text, about: None });
}

/// Asks which events of the log to list.
pub(super) fn sift(app: &mut App, begin: &str) {
    let before = app.sift.text().to_owned();
    let text = if before.is_empty() { begin.to_owned() } else { before.clone() };
    app.prompt = Some(Prompt { typing: Typing::Sift { before }, input: text.into() });
}

/// Asks what to look for in the pane.
pub(super) fn find(app: &mut App) {
    let Some(opened) = &app.opened else { return };
    let before = opened.find.clone();
    app.prompt = Some(Prompt { typing: Typing::Find { before }, input: Default::default() });
}

/// Looks for something from what is in sight on.
pub(super) fn look_for(app: &mut App, find: Option<Find>) {
    let from = first_in_sight(app);
    let Some(opened) = &mut app.opened else { return };
    opened.find = find;
    refresh(app, true);
    if let Some(find) = app.opened.as_mut().and_then(|opened| opened.find.as_mut()) {
        find.go_to(from);
    }
    show(app);
}

/// To the next line that has it, or the one before.
pub(super) fn go(app: &mut App, forward: bool) {
    refresh(app, true);
    let Some(find) = app.opened.as_mut().and_then(|opened| opened.find.as_mut()) else {
        let text = "nothing is looked for: / does".to_owned();
        return app.say(Notice { at: app.now, tone: Tone::Warning, text, about: None });
    };
    find.go(forward);
    show(app);
}

/// Looks through the pane again if it has changed: at once, or not too often.
pub(super) fn refresh(app: &mut App, at_once: bool) {
    let now = app.now;
    let Some(opened) = app.opened.as_mut() else { return };
    let (pane, version) = (opened.pane, opened.version());
    let Some(mut find) = opened.find.take() else { return };
    let due = at_once || !find.is_of_pane(pane) || now.since(find.looked_at) >= PAUSE;
    if due && !find.is_of(pane, version) {
        let lines = app.opened.as_ref().map(|opened| task::lines(app, opened)).unwrap_or_default();
        find.look(pane, version, now, lines.into_iter());
    }
    if let Some(opened) = &mut app.opened {
        opened.find = Some(find);
    }
}

fn first_in_sight(app: &App) -> usize {
    app.opened.as_ref().map_or(0, |opened| task::top(app, opened))
}

/// Brings the line that was found into sight.
fn show(app: &mut App) {
    let room = usize::from(task::pane(app).height);
    let top = first_in_sight(app);
    let Some(opened) = &mut app.opened else { return };
    let Some(line) = opened.find.as_ref().and_then(Find::line) else { return };
    if !(top..top + room).contains(&line) {
        (opened.top, opened.follow) = (line.saturating_sub(room / 3), false);
    } else if opened.follow {
        // One reads it: what comes must not move it away.
        (opened.top, opened.follow) = (top, false);
    }
}
