//! The process the dashboard is part of: who opened it, leaving it, reaching the log again.

use longhaul_client::fleet::Link;
use longhaul_core::TaskRef;

use crate::app::{App, Confirm, Notice, Origin, Popup, View};
use crate::effect::Effect;
use crate::host::Remark;
use crate::store::Standing;
use crate::theme::Tone;

/// Takes what the host says.
pub(super) fn heard(app: &mut App, remark: &Remark) {
    // Who got onto the last one without being led is as good as led.
    if app.view == View::Tasks && app.host.turn.as_ref().is_some_and(|(task, _)| is_on(app, task)) {
        app.host.led = app.lists[View::Tasks as usize].selected;
    }
    if let Some(text) = app.host.hear(remark, app.now) {
        let notice = Notice { at: app.now, tone: Tone::Good, text, about: None };
        app.inbox.add(notice.clone());
        app.say(notice);
    }
}

/// Whether it is this task that actions are about.
pub(crate) fn is_on(app: &App, task: &TaskRef) -> bool {
    app.subjects().as_slice() == std::slice::from_ref(task)
}

/// Gets onto the task that the host has something to do about, as soon as it is listed: not if one is
/// elsewhere than where one was last led.
pub(super) fn lead(app: &mut App) {
    let Some((task, _)) = app.host.turn.as_ref().filter(|_| app.host.leads) else { return };
    // Whoever reads or types something is not disturbed.
    if app.popup.is_some() || app.prompt.is_some() {
        return;
    }
    let on = app.lists[View::Tasks as usize].selected;
    let stayed = match app.host.led {
        Some(led) => on == Some(led),
        None => !app.host.touched,
    };
    let listed = app.view == View::Tasks && app.opened.is_none() && app.past().is_none();
    if !listed || !stayed || !app.marks.is_empty() {
        app.host.leads = false;
        return;
    }
    let Some(key) = app.store.key(task) else { return };
    let Some(place) = app.order.place(&app.store, key) else { return };
    let list = &mut app.lists[View::Tasks as usize];
    (list.at, list.selected) = (place, Some(key));
    (app.host.led, app.host.leads) = (Some(key), false);
}

/// Leaves the dashboard. Asks first if something ends with it.
pub(super) fn leave(app: &mut App) {
    if app.host.ends.is_empty() {
        app.quit = true;
        return;
    }
    let running = match app.store.counts().of(Standing::Running) {
        0 => None,
        1 => Some("1 task runs now.".to_owned()),
        n => Some(format!("{n} tasks run now.")),
    };
    let lines = app.host.ends.iter().cloned().chain(running).collect();
    app.prompt = None;
    let confirm = Confirm::new("Stop everything", lines, Vec::new());
    app.popup = Some(Popup::Confirm(Confirm { quits: true, ..confirm }));
}

/// Leaves it from wherever one is. What asks first does so once.
pub(super) fn leave_now(app: &mut App) {
    let asked = matches!(&app.popup, Some(Popup::Confirm(confirm)) if confirm.quits);
    app.host.at_once = true;
    if asked {
        app.quit = true;
    } else {
        leave(app);
    }
}

/// Stops for a while, if nobody but the user of this dashboard would miss it.
pub(super) fn suspend(app: &mut App) -> Vec<Effect> {
    if !app.host.serves {
        return vec![Effect::Suspend];
    }
    let text = "services run in this process and would stop too: open another dashboard with longhaul tui";
    app.say(Notice { at: app.now, tone: Tone::Warning, text: text.to_owned(), about: None });
    Vec::new()
}

/// Tries at once to reach the log, if it is out of reach.
pub(super) fn reconnect(app: &mut App) -> Vec<Effect> {
    let (tone, text, effects) = match (app.origin, &app.link) {
        (Origin::File, _) => (Tone::Warning, "this is a file: there is nothing to connect to", Vec::new()),
        (_, Some(Link::Up { .. })) => (Tone::Good, "the log answers", Vec::new()),
        _ => (Tone::Warning, "trying to reach the log", vec![Effect::Reconnect]),
    };
    app.say(Notice { at: app.now, tone, text: text.to_owned(), about: None });
    effects
}
