//! What keys do.

use longhaul_core::{Status, TaskRef};

use crate::app::{App, Choice, Choose, Chosen, Column, Notice, Opened, Pane, Popup, Prompt, Typing, View};
use crate::effect::Effect;
use crate::filter::Filter;
use crate::keys::Act;
use crate::store::{Key, Sort, SortBy};
use crate::theme::Tone;

use super::{edit, errand, host, inbox, room, seek, steer, travel};

/// Does what a key asks for.
pub(super) fn act(app: &mut App, act: Act) -> Vec<Effect> {
    let page = room(app, app.view).max(1).cast_signed();
    match act {
        Act::Up => step(app, -1),
        Act::Down => step(app, 1),
        Act::PageUp => step(app, -page),
        Act::PageDown => step(app, page),
        Act::HalfUp => step(app, -(page / 2).max(1)),
        Act::HalfDown => step(app, (page / 2).max(1)),
        Act::Top => step(app, isize::MIN),
        Act::Bottom => step(app, isize::MAX),
        Act::Open => return open(app),
        Act::Back => return back(app),
        Act::Quit => host::leave(app),
        Act::QuitNow => host::leave_now(app),
        Act::Go(view) => return go_to(app, view),
        Act::NextPane => return pane(app, 1),
        Act::PreviousPane => return pane(app, -1),
        Act::Filter if app.view == View::Events => seek::sift(app, ""),
        Act::FilterNot if app.view == View::Events => seek::sift(app, "!"),
        Act::Find => seek::find(app),
        Act::FindNext if app.opened.is_some() => seek::go(app, true),
        Act::FindPrevious if app.opened.is_some() => seek::go(app, false),
        Act::Wrap => {
            if let Some(opened) = &mut app.opened {
                opened.wrap_turned = !opened.wrap_turned;
            }
        }
        Act::Filter => filter(app, ""),
        Act::FilterNot => filter(app, "! "),
        Act::SortNext => {
            let at = SortBy::ALL.iter().position(|by| *by == app.sort.by).unwrap_or(0);
            app.sort = Sort { by: SortBy::ALL[(at + 1) % SortBy::ALL.len()], reversed: false };
            app.order.mark_stale();
        }
        Act::SortReverse => {
            app.sort.reversed = !app.sort.reversed;
            app.order.mark_stale();
        }
        Act::Mark => mark(app),
        Act::MarkRange => mark_range(app),
        Act::MarkAll => mark_all(app),
        Act::FindNext => find(app, true),
        Act::FindPrevious => find(app, false),
        Act::Command => app.prompt = Some(Prompt { typing: Typing::Command, input: Default::default() }),
        Act::Columns => columns(app),
        Act::Modify => return edit::modify(app),
        Act::Fork => fork(app),
        Act::Download => return errand::download(app),
        Act::Page => return errand::page(app),
        Act::Export => return errand::export(app),
        Act::Why => return errand::why(app),
        Act::Stop => return stop(app),
        Act::Approve | Act::Reject | Act::Abort | Act::Retry | Act::Rerun | Act::Delete => {
            return steer::ask(app, act);
        }
        Act::Copy => {
            let ids: Vec<_> = app.subjects().iter().map(|at| at.task.to_string()).collect();
            return copy(app, ids);
        }
        Act::CopyCommand => {
            let subjects = app.subjects();
            let line = |at: &TaskRef| format!("longhaul{} --org {} get {}", app.call, at.org, at.task);
            let lines = subjects.iter().map(line).collect();
            return copy(app, lines);
        }
        Act::Follow => {
            if let Some(opened) = &mut app.opened {
                opened.follow = !opened.follow;
                opened.fresh = 0;
            }
        }
        Act::Level => {
            if let Some(opened) = &mut app.opened {
                opened.all_levels = !opened.all_levels;
                opened.follow = true;
            } else {
                app.sift.all_levels = !app.sift.all_levels;
            }
        }
        Act::Past
        | Act::EventBack
        | Act::EventNext
        | Act::TurnBack
        | Act::TurnNext
        | Act::MinuteBack
        | Act::MinuteNext
        | Act::Play
        | Act::Faster
        | Act::Slower => return travel::act(app, act),
        Act::Zoom => {
            if let Some(opened) = &mut app.opened {
                opened.zoomed = !opened.zoomed;
            }
        }
        Act::Help => app.popup = Some(Popup::Help { filter: Default::default(), top: 0 }),
        Act::Redraw => return vec![Effect::Redraw],
        Act::Reconnect => return host::reconnect(app),
        Act::Suspend => return host::suspend(app),
        Act::Mouse => {
            app.mouse = !app.mouse;
            app.chosen.mouse = Some(app.mouse);
            return vec![Effect::Mouse(app.mouse)];
        }
    }
    Vec::new()
}

/// How many rows a view's list has.
pub(crate) fn len(app: &App, view: View) -> usize {
    match view {
        View::Tasks => app.order.rows().len(),
        View::Approvals => app.store.questions().count(),
        View::Executors => match app.past() {
            Some(past) => past.executors.len(),
            None => app.store.executors().len(),
        },
        View::Caps => app.caps().map_or(0, |caps| caps.len()),
        View::Events => app.tail.len(),
        View::Inbox => app.notices().count(),
        View::Mine => app.mine.rows().len(),
    }
}

/// Moves by `by` rows, as far as there are rows.
pub(super) fn step(app: &mut App, by: isize) {
    if app.opened.is_some() {
        return scroll(app, by);
    }
    let at = app.list().at.saturating_add_signed(by);
    // To the very ends, whatever `by` is.
    go(app, if by == isize::MIN { 0 } else { at });
}

/// Moves to a place.
pub(super) fn go(app: &mut App, at: usize) {
    let (len, room) = (len(app, app.view), room(app, app.view));
    app.list_mut().go(at, len, room);
    app.list_mut().selected = key_at(app, app.view, app.list().at);
}

/// The task at a place of a list, where the list is one of tasks that one acts on.
pub(super) fn key_at(app: &App, view: View, at: usize) -> Option<Key> {
    match view {
        View::Tasks => app.order.rows().get(at).map(|at| app.store.row(*at).key),
        View::Mine => app.mine.rows().get(at).map(|at| app.store.row(*at).key),
        View::Approvals => app.questions().get(at).map(|(key, _)| *key),
        View::Executors | View::Caps | View::Events | View::Inbox => None,
    }
}

fn scroll(app: &mut App, by: isize) {
    let room = crate::view::task::pane(app).height;
    let Some(lines) = app.opened.as_ref().map(|opened| crate::view::task::len(app, opened)) else { return };
    let Some(opened) = &mut app.opened else { return };
    let end = lines.saturating_sub(room.into());
    let top = if opened.follow { end } else { opened.top.min(end) };
    opened.top = if by == isize::MIN { 0 } else { top.saturating_add_signed(by).min(end) };
    opened.follow = opened.top >= end && (by > 0 || opened.follow && by == 0);
    if opened.follow {
        opened.fresh = 0;
    }
}

fn open(app: &mut App) -> Vec<Effect> {
    let at = match app.view {
        View::Tasks | View::Approvals | View::Mine => app.subject().and_then(|row| app.store.address(row)),
        View::Inbox => return inbox::open(app),
        View::Events => app.tail.newest().nth(app.list().at).map(|event| event.task.clone()),
        View::Caps => {
            held(app);
            None
        }
        View::Executors => {
            runs(app);
            None
        }
    };
    at.map(|at| open_task(app, at)).unwrap_or_default()
}

/// Opens the task that is meant.
pub(super) fn open_subject(app: &mut App) -> Vec<Effect> {
    let at = app.subject().and_then(|row| app.store.address(row));
    at.map(|at| open_task(app, at)).unwrap_or_default()
}

/// Opens a task.
pub(super) fn open_task(app: &mut App, at: TaskRef) -> Vec<Effect> {
    if let Some(told) = app.peek.take_if(|peek| peek.at == at) {
        app.opened = Some(told);
        return Vec::new();
    }
    app.peek = None;
    app.opened = Some(Opened::new(at.clone()));
    vec![Effect::Open(at)]
}

fn back(app: &mut App) -> Vec<Effect> {
    if travel::cancel(app) {
        return vec![Effect::Unask];
    }
    if close(app) {
        return Vec::new();
    }
    if app.view == View::Events && !app.sift.text().is_empty() {
        app.sift.set("");
    } else if !app.marks.is_empty() {
        app.marks.clear();
    } else if app.view == View::Tasks && !app.filter.is_empty() {
        app.filter = Filter::default();
        app.order.mark_stale();
    } else if app.past().is_some() && app.travel.ends_at.is_none() {
        return travel::leave(app);
    } else if !app.alone {
        app.view = View::Tasks;
    }
    Vec::new()
}

/// A Stop button: asks whether the running task one watches is to stop. No is back to the list.
fn stop(app: &mut App) -> Vec<Effect> {
    if app.opened.as_mut().is_some_and(|opened| opened.find.take().is_some()) {
        return Vec::new();
    }
    let runs = app.subject().is_some_and(|row| row.status == Status::Running);
    if !runs || app.tied().is_some() {
        return back(app);
    }
    let effects = steer::ask(app, Act::Abort);
    if let Some(Popup::Confirm(confirm)) = &mut app.popup {
        confirm.leaves = true;
    }
    effects
}

/// What is held back by the cap one is on.
fn held(app: &mut App) {
    let caps = app.caps().unwrap_or_default();
    if let Some(cap) = caps.get(app.list().at) {
        set_filter(app, &cap.filter(&app.me.org));
        app.view = View::Tasks;
    }
}

/// What the executor one is on runs.
fn runs(app: &mut App) {
    let at = app.list().at;
    let id = match app.past() {
        Some(past) => past.executors.get(at).map(|(id, _)| *id),
        None => crate::view::executors(app).get(at).map(|one| one.pulse.beat.executor),
    };
    if let Some(id) = id {
        set_filter(app, &format!("executor:{}", crate::text::short(id)));
        app.view = View::Tasks;
    }
}

/// Lists only what matches, and remembers it.
pub(super) fn set_filter(app: &mut App, text: &str) {
    app.filter = Filter::parse(text);
    app.order.mark_stale();
    if !app.filter.is_empty() {
        app.sought = app.filter.clone();
    }
}

/// To the next task that matches what was looked for last, round and round.
fn find(app: &mut App, forward: bool) {
    let (rows, here) = (app.order.rows(), app.list().at);
    if app.sought.is_empty() || rows.is_empty() {
        let text = "nothing was looked for yet: / does".to_owned();
        return app.say(Notice { at: app.now, tone: Tone::Warning, text, about: None });
    }
    let matches = |place: &usize| app.sought.matches(&app.store, app.store.row(rows[*place]), app.now);
    let further =
        |n: usize| if forward { (here + n) % rows.len() } else { (here + rows.len() - n) % rows.len() };
    let found = (1..=rows.len()).map(further).find(matches);
    match found {
        Some(place) => go(app, place),
        None => {
            let text = format!("nothing listed matches {}", crate::text::fit(app.sought.text(), 60));
            app.say(Notice { at: app.now, tone: Tone::Warning, text, about: None });
        }
    }
}

/// Sorts by a column; by the same one once more: the other way round.
pub(super) fn sort_by(app: &mut App, by: SortBy) {
    let reversed = app.sort.by == by && !app.sort.reversed;
    app.sort = Sort { by, reversed };
    app.order.mark_stale();
}

/// Asks which columns to show.
pub(super) fn columns(app: &mut App) {
    let choices = Column::ALL.map(|column| {
        let label = column.word().to_owned();
        Choice { label, then: Chosen::Column(column) }
    });
    app.popup = Some(Popup::Choose(Choose { title: "Columns", choices: choices.to_vec(), at: 0 }));
}

/// Asks after which step to branch off.
fn fork(app: &mut App) {
    if let Some(why) = app.tied() {
        return app.say(Notice { at: app.now, tone: Tone::Warning, text: why.to_owned(), about: None });
    }
    let Some(snapshot) = app.story().and_then(|told| told.snapshot.as_deref()) else {
        let text = "its steps are not read yet: Enter opens it".to_owned();
        return app.say(Notice { at: app.now, tone: Tone::Warning, text, about: None });
    };
    let recorded = (0..).zip(&snapshot.steps).filter(|(_, step)| step.result.is_some());
    let choice = |(at, step): (usize, &longhaul_core::snapshot::Step)| Choice {
        label: format!("{}. {}", step.index + 1, crate::text::fit(&step.name, 50)),
        then: Chosen::Fork(at),
    };
    let choices: Vec<_> = recorded.map(choice).collect();
    if choices.is_empty() {
        let text = "it has recorded no step yet: C runs it again from the beginning".to_owned();
        return app.say(Notice { at: app.now, tone: Tone::Warning, text, about: None });
    }
    let at = choices.len() - 1;
    app.popup = Some(Popup::Choose(Choose { title: "Branch off after which step", choices, at }));
}

pub(super) fn go_to(app: &mut App, view: View) -> Vec<Effect> {
    if app.alone {
        return Vec::new();
    }
    app.view = view;
    if view == View::Inbox {
        app.inbox.read();
    }
    close(app);
    Vec::new()
}

/// Closes the opened task. Its story goes on beside the list if it is wanted there.
pub(super) fn close(app: &mut App) -> bool {
    let Some(mut opened) = app.opened.take() else { return false };
    (opened.pane, opened.follow, opened.fresh, opened.zoomed) = (Default::default(), true, 0, false);
    opened.find = None;
    app.peek = Some(opened);
    true
}

fn pane(app: &mut App, by: isize) -> Vec<Effect> {
    if let Some(opened) = &mut app.opened {
        opened.pane = opened.pane.further(by);
        (opened.top, opened.follow, opened.fresh) = (0, true, 0);
        return Vec::new();
    }
    let len = View::ALL.len().cast_signed();
    let at = (app.view as isize + by).rem_euclid(len).cast_unsigned();
    go_to(app, View::ALL[at])
}

/// Shows a pane of the opened task.
pub(super) fn show_pane(app: &mut App, pane: Pane) {
    if let Some(opened) = &mut app.opened {
        opened.pane = pane;
        (opened.top, opened.follow, opened.fresh) = (0, true, 0);
    }
}

fn filter(app: &mut App, begin: &str) {
    let before = app.filter.text().to_owned();
    let text = if before.is_empty() { begin.to_owned() } else { before.clone() };
    app.prompt = Some(Prompt { typing: Typing::Filter { before }, input: text.into() });
}

fn mark(app: &mut App) {
    let Some(key) = app.list().selected else { return };
    app.marks.toggle(key);
    step(app, 1);
}

/// Marks what lies between the last mark and the row one is on, both included.
fn mark_range(app: &mut App) {
    let here = app.list().at;
    let last = app.marks.last().and_then(|key| app.order.place(&app.store, key)).unwrap_or(here);
    let (from, to) = (here.min(last), here.max(last));
    let between = app.order.rows().iter().skip(from).take(to + 1 - from);
    app.marks.add(between.map(|at| app.store.row(*at).key));
}

fn mark_all(app: &mut App) {
    if app.marks.len() == app.order.rows().len() {
        app.marks.clear();
    } else {
        app.marks.add(app.order.rows().iter().map(|at| app.store.row(*at).key));
    }
}

fn copy(app: &mut App, lines: Vec<String>) -> Vec<Effect> {
    if lines.is_empty() {
        return Vec::new();
    }
    let what = if lines.len() == 1 {
        format!("copied {}", lines[0])
    } else {
        format!("copied {} lines", lines.len())
    };
    app.say(Notice { at: app.now, tone: Tone::Good, text: what, about: None });
    // Ids only; but whatever is copied may be pasted into a shell.
    let clean: Vec<_> = lines.iter().map(|line| longhaul_core::text::line(line, 1000)).collect();
    vec![Effect::Copy(clean.join("\n"))]
}
