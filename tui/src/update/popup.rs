//! Keys that a popup or a line one types takes.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use tui_input::{Input, InputRequest};

use crate::app::{App, Chosen, Column, Find, Popup, Steer, Typing};
use crate::effect::Effect;
use crate::filter::Filter;
use crate::layout::Shape;
use crate::text::fit;

use super::{act, command, errand, host, seek, steer};

/// How far a page of a popup goes, in lines.
const PAGE: isize = 10;

/// Longest line one can type, in characters.
const LONGEST: usize = 1000;

/// What a key does to a line.
fn request(key: &KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match (key.code, control) {
        (KeyCode::Char(c), false) => InputRequest::InsertChar(c),
        (KeyCode::Backspace, false) => InputRequest::DeletePrevChar,
        (KeyCode::Delete, _) => InputRequest::DeleteNextChar,
        (KeyCode::Left, false) => InputRequest::GoToPrevChar,
        (KeyCode::Right, false) => InputRequest::GoToNextChar,
        (KeyCode::Left, true) => InputRequest::GoToPrevWord,
        (KeyCode::Right, true) => InputRequest::GoToNextWord,
        (KeyCode::Home, _) | (KeyCode::Char('a'), true) => InputRequest::GoToStart,
        (KeyCode::End, _) | (KeyCode::Char('e'), true) => InputRequest::GoToEnd,
        (KeyCode::Char('u'), true) => InputRequest::DeleteLine,
        (KeyCode::Char('k'), true) => InputRequest::DeleteTillEnd,
        (KeyCode::Char('w'), true) | (KeyCode::Backspace, true) => InputRequest::DeletePrevWord,
        _ => return None,
    })
}

fn edit(input: &mut Input, key: &KeyEvent) {
    let Some(request) = request(key) else { return };
    let grows = matches!(request, InputRequest::InsertChar(_));
    if !grows || input.value().chars().count() < LONGEST {
        input.handle(request);
    }
}

fn is_control(key: &KeyEvent, letter: char) -> bool {
    key.code == KeyCode::Char(letter) && key.modifiers.contains(KeyModifiers::CONTROL)
}

/// Does what C-c and C-z do everywhere; nothing if the key is neither.
fn anywhere(app: &mut App, key: &KeyEvent) -> Option<Vec<Effect>> {
    if is_control(key, 'c') {
        host::leave_now(app);
        return Some(Vec::new());
    }
    is_control(key, 'z').then(|| host::suspend(app))
}

/// A key while a line is typed.
pub(super) fn type_line(app: &mut App, key: &KeyEvent) -> Vec<Effect> {
    if let Some(effects) = anywhere(app, key) {
        return effects;
    }
    let Some(prompt) = &mut app.prompt else { return Vec::new() };
    match key.code {
        KeyCode::Esc => match app.prompt.take().map(|prompt| prompt.typing) {
            Some(Typing::Filter { before }) => {
                app.filter = Filter::parse(&before);
                app.order.mark_stale();
            }
            Some(Typing::Sift { before }) => app.sift.set(&before),
            Some(Typing::Find { before }) => seek::look_for(app, before),
            _ => {}
        },
        KeyCode::Tab if matches!(prompt.typing, Typing::Command) => {
            if let Some(whole) = command::complete(prompt.input.value()) {
                prompt.input = whole.into();
            }
        }
        KeyCode::Enter => {
            let Some(prompt) = app.prompt.take() else { return Vec::new() };
            if let Typing::Filter { .. } = prompt.typing {
                act::set_filter(app, prompt.input.value());
                return seek::search(app);
            }
            if let Typing::Command = prompt.typing {
                return command::run(app, prompt.input.value());
            }
            if let Typing::Reject(asked) = prompt.typing {
                let said = fit(prompt.input.value().trim(), LONGEST);
                let reason = (!said.is_empty()).then_some(said);
                let with_reason = |steer| match steer {
                    Steer::Reject { approval, digest, .. } => {
                        Steer::Reject { approval, digest, reason: reason.clone() }
                    }
                    other => other,
                };
                let asked = asked.into_iter().map(|(at, steer)| (at, with_reason(steer))).collect();
                return steer::go(app, asked);
            }
        }
        _ => {
            edit(&mut prompt.input, key);
            typed(app);
        }
    }
    Vec::new()
}

/// What is typed takes effect at once where it can.
fn typed(app: &mut App) {
    let Some(prompt) = &app.prompt else { return };
    match prompt.typing {
        Typing::Filter { .. } => {
            app.filter = Filter::parse(prompt.input.value());
            app.order.mark_stale();
        }
        Typing::Sift { .. } => app.sift.set(prompt.input.value()),
        Typing::Find { .. } => {
            let text = prompt.input.value();
            let find = (!text.is_empty()).then(|| Find::new(text));
            seek::look_for(app, find);
        }
        Typing::Reject(_) | Typing::Command => {}
    }
}

/// Text that was pasted: into the line one types, as one line. Elsewhere it is dropped: pasted text
/// must never work as keys.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    if let Some(prompt) = &mut app.prompt {
        let room = LONGEST.saturating_sub(prompt.input.value().chars().count());
        for c in longhaul_core::text::line(text, room.max(1)).chars() {
            prompt.input.handle(InputRequest::InsertChar(c));
        }
        typed(app);
    }
    Vec::new()
}

/// A key while a popup is open.
pub(super) fn key(app: &mut App, key: &KeyEvent) -> Vec<Effect> {
    if let Some(effects) = anywhere(app, key) {
        return effects;
    }
    let Some(popup) = &mut app.popup else { return Vec::new() };
    match popup {
        Popup::Help { filter, top } => match key.code {
            KeyCode::Esc | KeyCode::Enter => app.popup = None,
            KeyCode::Char('?' | 'q') if filter.value().is_empty() => app.popup = None,
            KeyCode::Down | KeyCode::PageDown => *top += 1,
            KeyCode::Up | KeyCode::PageUp => *top = top.saturating_sub(1),
            _ => {
                edit(filter, key);
                *top = 0;
            }
        },
        Popup::Confirm(confirm) => {
            let meant = match (&confirm.word, key.code) {
                (None, KeyCode::Char('y' | 'Y')) => true,
                (Some(word), KeyCode::Enter) => confirm.typed.value() == word,
                _ => false,
            };
            if meant && confirm.quits {
                app.quit = true;
                return Vec::new();
            }
            if meant {
                let asked = std::mem::take(&mut confirm.then);
                app.popup = None;
                return steer::go(app, asked);
            }
            match (key.code, &confirm.word) {
                (KeyCode::Esc, _) | (KeyCode::Char('n' | 'N' | 'q'), None) => {
                    let leaves = confirm.leaves;
                    app.host.at_once = false;
                    app.popup = None;
                    if leaves {
                        act::close(app);
                    }
                }
                (KeyCode::Down, _) => confirm.scroll(1),
                (KeyCode::Up, _) => confirm.scroll(-1),
                (KeyCode::PageDown, _) => confirm.scroll(PAGE),
                (KeyCode::PageUp, _) => confirm.scroll(-PAGE),
                (_, Some(_)) => edit(&mut confirm.typed, key),
                // Enter does not say yes: it is pressed too easily.
                _ => {}
            }
        }
        Popup::Choose(choose) => match key.code {
            KeyCode::Esc | KeyCode::Char('q') => app.popup = None,
            KeyCode::Down | KeyCode::Char('j') => choose.go(1),
            KeyCode::Up | KeyCode::Char('k') => choose.go(-1),
            KeyCode::Enter | KeyCode::Char(' ') => return chosen(app),
            _ => {}
        },
    }
    Vec::new()
}

/// The wheel over a popup.
pub(super) fn scroll(app: &mut App, by: isize) {
    match &mut app.popup {
        Some(Popup::Help { top, .. }) => *top = top.saturating_add_signed(by),
        Some(Popup::Confirm(confirm)) => confirm.scroll(by),
        Some(Popup::Choose(choose)) => choose.go(by.signum()),
        None => {}
    }
}

/// Does what was chosen.
fn chosen(app: &mut App) -> Vec<Effect> {
    let Some(Popup::Choose(choose)) = &app.popup else { return Vec::new() };
    let Some(then) = choose.choices.get(choose.at).map(|choice| choice.then) else { return Vec::new() };
    match then {
        Chosen::Column(column) => {
            let wide = Shape::of(Rect::new(0, 0, app.size.0, app.size.1)).wide;
            let mut shown = app.columns.take().unwrap_or_else(|| Column::usual(wide));
            match shown.iter().position(|known| *known == column) {
                Some(at) => drop(shown.remove(at)),
                None => shown.push(column),
            }
            shown.sort_by_key(|column| Column::ALL.iter().position(|known| known == column));
            app.columns = Some(shown);
        }
        Chosen::Export(format) => {
            app.popup = None;
            return errand::export_as(app, format);
        }
        Chosen::Fork(at) => {
            app.popup = None;
            let step = app
                .story()
                .and_then(|told| told.snapshot.as_ref()?.steps.get(at))
                .map(|step| step.name.clone());
            if let Some(step) = step {
                steer::fork(app, &step);
            }
        }
    }
    Vec::new()
}
