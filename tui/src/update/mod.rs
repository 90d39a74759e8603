//! What happens to the dashboard's data when something happens. No I/O, no clock: what is to be done
//! to the world is given back as [`Effect`]s.

mod act;
mod command;
mod edit;
mod errand;
mod host;
mod inbox;
mod popup;
mod seek;
mod steer;
mod travel;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use act::len;
pub(crate) use command::suggestions;
pub(crate) use host::is_on;
pub(crate) use steer::{overdue, steer_of, underway};

use longhaul_client::fleet::Point;
use longhaul_core::Timestamp;
use ratatui::crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use crate::app::{App, Notice, Opened, View};
use crate::effect::Effect;
use crate::filter::Filter;
use crate::layout::list_room;
use crate::msg::Msg;
use crate::store::{Sort, SortBy};
use crate::theme::Tone;
use crate::{keys, view};

/// How far one turn of the wheel goes, in rows.
const WHEEL: isize = 3;

/// Takes one message.
pub(crate) fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    if matches!(msg, Msg::Key(_) | Msg::Mouse(_) | Msg::Paste(_)) {
        app.host.touch();
        app.read_toast(matches!(&msg, Msg::Key(key) if key.code == KeyCode::Enter && app.prompt.is_some()));
    }
    let mut effects = match msg {
        Msg::Tick(now) => {
            let since = app.now;
            travel::behind(app, |app| tick(app, now));
            travel::tick(app, since)
        }
        Msg::Key(key) if app.prompt.is_some() => popup::type_line(app, &key),
        Msg::Key(key) if app.popup.is_some() => popup::key(app, &key),
        Msg::Key(key) => match meant(app, &key) {
            Some(act) => act::act(app, act),
            None => {
                elsewhere(app, &key);
                Vec::new()
            }
        },
        Msg::Mouse(mouse) => point(app, mouse),
        Msg::Paste(text) => popup::paste(app, &text),
        Msg::Resize(columns, rows) => {
            app.size = (columns, rows);
            Vec::new()
        }
        Msg::Word(word) => {
            let mut effects = travel::behind(app, |app| words::word(app, word));
            effects.extend(travel::advance(app));
            effects
        }
        // A story that goes on is not of the past.
        Msg::Told(..) if app.past().is_some() => Vec::new(),
        Msg::Told(at, told) => {
            words::told(app, &at, told);
            Vec::new()
        }
        Msg::Past(turn, answer) => travel::answered(app, turn, answer),
        Msg::Go(point) => travel::go(app, point),
        Msg::Answered { at, steer, outcome } => {
            travel::behind(app, |app| steer::answered(app, &at, &steer, outcome));
            Vec::new()
        }
        Msg::Remark(remark) => {
            host::heard(app, &remark);
            Vec::new()
        }
        Msg::Done { at, outcome } => {
            errand::done(app, at, outcome);
            Vec::new()
        }
        Msg::Found { words, found } => {
            travel::behind(app, |app| seek::found(app, &words, found));
            Vec::new()
        }
        Msg::Fetched { at, text } => errand::fetched(app, &at, text),
        Msg::Closed(outcome) => {
            if let Err(text) = outcome {
                app.say(Notice { at: app.now, tone: Tone::Bad, text, about: None });
            }
            Vec::new()
        }
        Msg::Edited(outcome) => {
            edit::edited(app, outcome);
            Vec::new()
        }
    };
    travel::recount(app);
    if app.view == View::Inbox && app.opened.is_none() {
        app.inbox.read();
    }
    settle(app);
    effects.extend(peek(app));
    travel::stories(app, effects)
}

/// What a key does here: in the past some do something else.
fn meant(app: &App, key: &KeyEvent) -> Option<keys::Act> {
    let past = app.past().and_then(|_| app.keys.act(keys::Context::Past, key));
    past.or_else(|| app.keys.act(app.context(), key))
}

/// Says of a key that does nothing in this list that it is one of the list of tasks.
fn elsewhere(app: &mut App, key: &KeyEvent) {
    let tasks = keys::Context::List(View::Tasks);
    if app.opened.is_some() || app.keys.act(tasks, key).is_none() {
        return;
    }
    let text = match app.alone {
        true => "that key belongs to the list of all tasks, which is not shown here".to_owned(),
        false => format!("that key belongs to the list of tasks{}", way_there(app)),
    };
    app.say(Notice { at: app.now, tone: Tone::Warning, text, about: None });
}

/// The key that shows the list of tasks, if one does.
fn way_there(app: &App) -> String {
    let mut binds = app.keys.bindings(app.context());
    let shows = binds.find(|bind| bind.act == keys::Act::Go(View::Tasks));
    shows.and_then(|bind| bind.keys.first()).map(|key| format!(": {key} shows it")).unwrap_or_default()
}

/// Has the story told of the row one rests on, where there is room for it beside the list.
fn peek(app: &mut App) -> Option<Effect> {
    if app.opened.is_some() {
        return None;
    }
    match app.wants_peek() {
        None => app.peek.take().map(|_| Effect::Close),
        Some(at) => {
            app.peek_due().filter(|due| *due <= app.now)?;
            app.peek = Some(Opened::new(at.clone()));
            Some(Effect::Open(at))
        }
    }
}

fn tick(app: &mut App, now: Timestamp) {
    // A clock that is set back must not make ages grow.
    app.now = app.now.max(now);
    app.began.get_or_insert(app.now);
    app.rate.advance(app.now);
    app.latency.advance(app.now);
    let silent = app.store.watch_beats(app.listened_until());
    words::silent(app, silent);
    if app.toast.as_ref().is_some_and(|(_, until)| *until <= app.now) {
        app.toast = None;
    }
    app.quit |= app.host.is_over(app.now);
    steer::forget(app);
}

/// What must hold after every message: the order is fresh enough, and each list is on a row that is
/// there, in sight.
fn settle(app: &mut App) {
    let columns = view::task::pane(app).width;
    if let Some(opened) = &mut app.opened {
        opened.wrap(columns.into());
    }
    seek::refresh(app, false);
    let sifted = app.tail.sift(&app.sift);
    let fresh = app.order.refresh(&app.store, &app.filter, app.sort, app.then());
    host::lead(app);
    let own_fresh = app.view == View::Mine && {
        let own = Filter::owned_by(&app.me.org, &app.me.user);
        let newest = Sort { by: SortBy::Age, reversed: false };
        app.mine.refresh(&app.store, &own, newest, app.then())
    };
    for view in View::ALL {
        let mut list = app.lists[view as usize];
        let past = app.past().is_some();
        match view {
            View::Events if sifted || past => list.grown = app.tail.grown(),
            View::Events => list.grow(app.tail.grown()),
            View::Inbox if past => list.grown = app.inbox.total(),
            View::Inbox => list.grow(app.inbox.total()),
            _ => {}
        }
        if sifted && view == View::Events {
            (list.at, list.top) = (0, 0);
        }
        // The row may have moved, or be gone: then what is at its place now.
        let moved = match view {
            View::Tasks if fresh => list.selected.and_then(|key| app.order.place(&app.store, key)),
            View::Mine if own_fresh => list.selected.and_then(|key| app.mine.place(&app.store, key)),
            View::Approvals => {
                let place = |key| app.questions().iter().position(|(open, _)| *open == key);
                list.selected.and_then(place)
            }
            _ => None,
        };
        list.go(moved.unwrap_or(list.at), act::len(app, view), room(app, view));
        list.selected = act::key_at(app, view, list.at);
        if view == View::Tasks && list.selected != app.rests.0 {
            app.rests = (list.selected, app.now);
        }
        app.lists[view as usize] = list;
    }
}

/// How many rows of a view's list are in sight.
pub(crate) fn room(app: &App, view: View) -> usize {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let body = view::parts(app, area).body;
    match view {
        View::Mine => view::mine_room(body),
        _ => list_room(body, view::above_list(app, view, area)),
    }
}

fn point(app: &mut App, mouse: MouseEvent) -> Vec<Effect> {
    if app.prompt.is_some() {
        return Vec::new();
    }
    if app.popup.is_some() {
        match mouse.kind {
            MouseEventKind::ScrollDown => popup::scroll(app, WHEEL),
            MouseEventKind::ScrollUp => popup::scroll(app, -WHEEL),
            _ => {}
        }
        return Vec::new();
    }
    match mouse.kind {
        MouseEventKind::ScrollDown => act::step(app, WHEEL),
        MouseEventKind::ScrollUp => act::step(app, -WHEEL),
        MouseEventKind::Drag(MouseButton::Left) if app.travel.jump.is_none() => {
            if let Some(view::Hit::Time(at)) = view::hit(app, mouse.column, mouse.row) {
                return travel::go(app, Point::At(at));
            }
        }
        MouseEventKind::Down(MouseButton::Left) => match view::hit(app, mouse.column, mouse.row) {
            Some(view::Hit::Tab(view)) => return act::act(app, keys::Act::Go(view)),
            Some(view::Hit::Row(at)) if app.list().at == at => return act::act(app, keys::Act::Open),
            Some(view::Hit::Row(at)) => act::go(app, at),
            Some(view::Hit::Time(at)) => return travel::go(app, Point::At(at)),
            Some(view::Hit::Key(act)) => return self::act::act(app, act),
            Some(view::Hit::Pane(pane)) => act::show_pane(app, pane),
            Some(view::Hit::Heading(column)) => self::act::sort_by(app, column),
            None => {}
        },
        _ => {}
    }
    Vec::new()
}
