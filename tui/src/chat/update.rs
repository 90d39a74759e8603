//! What a message changes, and what is wanted because of it. Pure.

use longhaul_core::Status;
use longhaul_core::text::is_plain;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;

use super::state::{Chat, Msg, Turn};
use super::told::{Live, Told, Wish};
use super::view::{self, Voice};
use crate::text::{fit, wrap};

/// Lines that are remembered for the arrow keys.
const HISTORY: usize = 200;
/// Turns of before that are shown when a conversation is gone on with.
const BEFORE: usize = 3;
/// Lines of each answer of before.
const BEFORE_LINES: usize = 4;

/// Takes a message.
pub(super) fn update(chat: &mut Chat, msg: Msg) -> Vec<Wish> {
    match msg {
        Msg::Key(key) => pressed(chat, key),
        Msg::Paste(text) => {
            // One message is one line.
            let line: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
            line.trim_end()
                .chars()
                .filter(|c| is_plain(*c))
                .for_each(|c| typed(chat, InputRequest::InsertChar(c)));
            Vec::new()
        }
        Msg::Resize(columns, rows) => {
            chat.size = (columns, rows);
            Vec::new()
        }
        Msg::Told(told) => heard(chat, told),
        Msg::Tick => {
            chat.tick = chat.tick.wrapping_add(1);
            Vec::new()
        }
    }
}

fn typed(chat: &mut Chat, request: InputRequest) {
    chat.recalled = None;
    chat.input.handle(request);
}

fn pressed(chat: &mut Chat, key: KeyEvent) -> Vec<Wish> {
    chat.hint = None;
    if chat.asks_which {
        return chosen(chat, key);
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Enter => return entered(chat),
        KeyCode::Esc => return escaped(chat),
        KeyCode::Char('c') if control && chat.input.value().is_empty() => return leave(chat),
        KeyCode::Char('c') if control => chat.input.reset(),
        KeyCode::Char('d') if control && chat.input.value().is_empty() => return leave(chat),
        KeyCode::Char('z') if control => chat.suspend = true,
        KeyCode::Up => recall(chat, true),
        KeyCode::Down => recall(chat, false),
        KeyCode::Char('p') if control => recall(chat, true),
        KeyCode::Char('n') if control => recall(chat, false),
        code => {
            if let Some(request) = edit(code, control, alt) {
                typed(chat, request);
            }
        }
    }
    Vec::new()
}

/// What a key does to the line.
fn edit(code: KeyCode, control: bool, alt: bool) -> Option<InputRequest> {
    Some(match code {
        KeyCode::Backspace if control || alt => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if control || alt => InputRequest::GoToPrevWord,
        KeyCode::Right if control || alt => InputRequest::GoToNextWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char('h') if control => InputRequest::DeletePrevChar,
        KeyCode::Char('d') if control => InputRequest::DeleteNextChar,
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char('u') if control => InputRequest::DeleteLine,
        KeyCode::Char('k') if control => InputRequest::DeleteTillEnd,
        KeyCode::Char(c) if !control && !alt && is_plain(c) => InputRequest::InsertChar(c),
        _ => return None,
    })
}

/// A line is entered: sent, or kept until the one before is dealt with.
fn entered(chat: &mut Chat) -> Vec<Wish> {
    let line = chat.input.value_and_reset();
    chat.recalled = None;
    if line.trim().is_empty() {
        return Vec::new();
    }
    if chat.history.last() != Some(&line) {
        chat.history.push(line.clone());
        let over = chat.history.len().saturating_sub(HISTORY);
        chat.history.drain(..over);
    }
    let word = line.split_whitespace().next().unwrap_or_default();
    if matches!(word, "/approve" | "/reject") {
        view::say(chat, Voice::Person, &line);
        return vec![Wish::Decide(line)];
    }
    chat.queue.push_back(line);
    next(chat)
}

/// Sends the next line, if none is being dealt with.
fn next(chat: &mut Chat) -> Vec<Wish> {
    if chat.busy {
        return Vec::new();
    }
    let Some(line) = chat.queue.pop_front() else { return Vec::new() };
    chat.busy = true;
    view::say(chat, Voice::Person, &line);
    vec![Wish::Line(line)]
}

/// Goes through what was entered before.
fn recall(chat: &mut Chat, back: bool) {
    let at = chat.recalled.as_ref().map(|(at, _)| *at);
    let to = match (at, back) {
        (None, true) => chat.history.len().checked_sub(1),
        (None, false) => return,
        (Some(at), true) => Some(at.saturating_sub(1)),
        (Some(at), false) => Some(at + 1).filter(|at| *at < chat.history.len()),
    };
    let typed = match chat.recalled.take() {
        Some((_, typed)) => typed,
        None => chat.input.value().to_owned(),
    };
    match to {
        Some(to) => {
            chat.input = chat.history[to].clone().into();
            chat.recalled = Some((to, typed));
        }
        None => chat.input = typed.into(),
    }
}

/// Esc: stops the answer under way, else asks what to stop, else empties the line.
fn escaped(chat: &mut Chat) -> Vec<Wish> {
    if let Some(turn) = &mut chat.turn
        && let Some(task) = turn.task
    {
        turn.stopping = true;
        // Whoever stops the answer does not want the next at once.
        let waiting: Vec<String> = chat.queue.drain(..).collect();
        if !waiting.is_empty() && chat.input.value().is_empty() {
            chat.input = waiting.join(" ").into();
        }
        return vec![Wish::Stop(task)];
    }
    if chat.live.is_empty() {
        chat.input.reset();
    } else {
        chat.asks_which = true;
    }
    Vec::new()
}

/// An answer to which task shall stop.
fn chosen(chat: &mut Chat, key: KeyEvent) -> Vec<Wish> {
    let at = match key.code {
        KeyCode::Char('y') | KeyCode::Enter if chat.live.len() == 1 => Some(0),
        KeyCode::Char(c) => c.to_digit(10).and_then(|n| usize::try_from(n).ok()?.checked_sub(1)),
        _ => None,
    };
    chat.asks_which = false;
    match at.and_then(|at| chat.live.get(at)) {
        Some(live) => {
            chat.hint = Some(format!("stopping {}", fit(&live.title, 40)));
            vec![Wish::Stop(live.task)]
        }
        None => Vec::new(),
    }
}

fn leave(chat: &mut Chat) -> Vec<Wish> {
    chat.left = true;
    vec![Wish::Leave]
}

/// Takes what is told.
fn heard(chat: &mut Chat, told: Told) -> Vec<Wish> {
    match told {
        Told::Open { conversation, about, turns } => {
            opened(chat, conversation, &turns);
            view::say(chat, Voice::Why, &about);
        }
        Told::Asks { title, action, arguments, note, .. } => {
            let why = note.map(|note| format!(" ({note})")).unwrap_or_default();
            view::say(chat, Voice::Warning, &format!("{title} waits for a yes: {action}{why}"));
            view::say(chat, Voice::Note, &arguments);
            view::say(chat, Voice::Why, "/approve, or /reject with a reason");
        }
        Told::Turn { task, why } => {
            chat.turn = Some(Turn { task: Some(task), ..Turn::default() });
            view::say(chat, Voice::Why, &why.words);
        }
        Told::Text { task, text } => stream(chat, task, &text),
        Told::Anew { task, text } => {
            if let Some(turn) = chat.turn.as_mut().filter(|turn| turn.task == Some(task)) {
                let shown = std::mem::take(&mut turn.shown);
                turn.rest.clear();
                if shown {
                    view::say(chat, Voice::Why, "(the answer begins anew)");
                }
            }
            stream(chat, task, &text);
        }
        Told::Answered { task, text, files, why } => {
            let shown = chat.turn.as_ref().is_some_and(|turn| turn.shown || !turn.rest.is_empty());
            if !shown {
                stream(chat, task, &text);
            }
            finish(chat);
            view::files(chat, &files);
            if why.path == "slow" {
                view::say(chat, Voice::Why, &why.words);
            }
        }
        Told::Unanswered { status, why, .. } => {
            finish(chat);
            match status {
                Status::Aborted => view::say(chat, Voice::Warning, "stopped"),
                _ => view::say(chat, Voice::Warning, &format!("no answer: {why}")),
            }
        }
        Told::Started { title, why, .. } => {
            view::say(chat, Voice::Why, &why.words);
            view::say(chat, Voice::Report, &format!("report under way: {title}"));
        }
        Told::Joined { title, percent, why, .. } => {
            view::say(chat, Voice::Why, &why.words);
            let far = percent.map(|percent| format!(" ({percent} %)")).unwrap_or_default();
            view::say(chat, Voice::Report, &format!("this belongs to the report under way{far}: {title}"));
            view::say(chat, Voice::Why, "/queue makes another after it, /interrupt instead of it");
        }
        Told::Refused { why, .. } => view::say(chat, Voice::Warning, &why),
        Told::Note(text) => view::say(chat, Voice::Note, &text),
        Told::Standing(live) => stands(chat, live),
        Told::Ended(ended) => {
            chat.live.retain(|live| live.task != ended.task);
            chat.asks_which &= !chat.live.is_empty();
            chat.hint = None;
            view::ended(chat, &ended);
        }
        Told::Decided => {}
        Told::Ready => {
            finish(chat);
            chat.busy = false;
            return next(chat);
        }
    }
    Vec::new()
}

fn opened(chat: &mut Chat, conversation: String, turns: &[(String, String)]) {
    let first = turns.len().saturating_sub(BEFORE);
    if first > 0 {
        view::say(chat, Voice::Why, &format!("({first} earlier turns are remembered)"));
    }
    for (asked, answered) in &turns[first..] {
        view::say(chat, Voice::Before, asked);
        let lines: Vec<&str> = answered.lines().collect();
        let more = if lines.len() > BEFORE_LINES { "\n…" } else { "" };
        let head = lines[..lines.len().min(BEFORE_LINES)].join("\n");
        view::say(chat, Voice::Why, &format!("{head}{more}"));
    }
    chat.conversation = conversation;
}

/// A piece of the answer: lines that are full are finished.
fn stream(chat: &mut Chat, task: longhaul_core::TaskId, text: &str) {
    let width = view::measure(chat);
    let Some(turn) = chat.turn.as_mut().filter(|turn| turn.task == Some(task)) else { return };
    turn.rest.push_str(text);
    let mut lines = wrap(&turn.rest, width);
    turn.rest = lines.pop().unwrap_or_default();
    turn.shown |= !lines.is_empty();
    for line in lines {
        view::answer_line(chat, &line);
    }
}

/// The answer is over: what is left of it is finished too.
fn finish(chat: &mut Chat) {
    if let Some(turn) = chat.turn.take()
        && !turn.rest.trim().is_empty()
    {
        view::answer_line(chat, &turn.rest);
    }
}

fn stands(chat: &mut Chat, live: Live) {
    if let Some(turn) = chat.turn.as_mut().filter(|turn| turn.task == Some(live.task)) {
        turn.doing = live.doing;
        return;
    }
    match chat.live.iter_mut().find(|known| known.task == live.task) {
        Some(known) => *known = live,
        None => chat.live.push(live),
    }
}
