//! Keys that a popup or a line one types takes.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

use crate::app::{App, Popup, Steer, Typing};
use crate::effect::Effect;
use crate::filter::Filter;
use crate::text::fit;

use super::steer;

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

fn is_quit(key: &KeyEvent) -> bool {
    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
}

/// A key while a line is typed.
pub(super) fn type_line(app: &mut App, key: &KeyEvent) -> Vec<Effect> {
    if is_quit(key) {
        app.quit = true;
        return Vec::new();
    }
    let Some(prompt) = &mut app.prompt else { return Vec::new() };
    match key.code {
        KeyCode::Esc => {
            let prompt = app.prompt.take();
            if let Some(Typing::Filter { before }) = prompt.map(|prompt| prompt.typing) {
                app.filter = Filter::parse(&before);
                app.order.mark_stale();
            }
        }
        KeyCode::Enter => {
            let Some(prompt) = app.prompt.take() else { return Vec::new() };
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
    if let Typing::Filter { .. } = prompt.typing {
        app.filter = Filter::parse(prompt.input.value());
        app.order.mark_stale();
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
    if is_quit(key) {
        app.quit = true;
        return Vec::new();
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
            if meant {
                let asked = std::mem::take(&mut confirm.then);
                app.popup = None;
                return steer::go(app, asked);
            }
            match (key.code, &confirm.word) {
                (KeyCode::Esc, _) | (KeyCode::Char('n' | 'N' | 'q'), None) => app.popup = None,
                (_, Some(_)) => edit(&mut confirm.typed, key),
                // Enter does not say yes: it is pressed too easily.
                _ => {}
            }
        }
    }
    Vec::new()
}
