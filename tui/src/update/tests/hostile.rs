//! Whatever tasks write, nothing but text reaches the terminal: in every view, pane and popup, at every
//! size.

use longhaul_client::TextPart;
use longhaul_client::fleet::{Brief, Happening, Link, Told, Word};
use longhaul_core::text::is_plain;
use longhaul_core::{Digest, Sequence, Status, TaskError};
use longhaul_wire::view::StepName;
use ratatui::crossterm::event::{KeyModifiers, MouseEvent, MouseEventKind};

use crate::app::{App, Pane, View};
use crate::effect::Effect;
use crate::export::{self, Format};
use crate::msg::Msg;
use crate::testing::{NOW, THEMES, Until, address, beats, brief, drawn, empty, happened, press, story, up};
use crate::update::update;

/// What a hostile task would write anywhere: sets the clipboard, clears the screen, renames the window,
/// answers for the terminal, turns text round, hides, widens, piles marks up.
const HOSTILE: &str = "\u{1b}]52;c;aGFja2Vk\u{7}\u{1b}[2J\u{1b}[?1049l\u{1b}]0;owned\u{1b}\\\u{9b}31m\u{90}q\u{9c}\r\u{8}\u{0}\n\
    \u{202e}dlrow\u{202c}\u{2066}x\u{2069}\u{200b}\u{200d}\u{feff}\u{ad}\u{e0041}👩‍👩‍👧漢字e\u{301}\u{301}\u{301}\u{301}\u{301}\u{85}\u{2028}\u{7f}end";

fn hostile(n: u32, status: Status) -> Brief {
    let mut task = brief(n, status);
    task.note = HOSTILE.to_owned();
    task.step = Some(StepName { name: HOSTILE.to_owned(), index: 3, of: Some(u32::MAX) });
    task.fraction = Some([f64::NAN, f64::INFINITY, -1.0, 7.0][n as usize % 4]);
    task.attempt = u32::MAX;
    if let Some(question) = &mut task.question {
        question.action = HOSTILE.to_owned();
        question.arguments = serde_json::json!({ HOSTILE: [HOSTILE, { "deep": HOSTILE }] });
        question.digest = Digest([n.to_be_bytes()[3]; 32]);
    }
    task.sequence = Sequence(2_000_000 + u64::from(n));
    task
}

/// A dashboard full of them, on one's own tasks as well.
fn full(columns: u16, rows: u16) -> App {
    let mut app = empty(columns, rows);
    let tasks: Vec<_> = (0..16).map(|n| hostile(n, Status::ALL[n as usize % 8])).collect();
    let mut events = Vec::new();
    for n in 0..16 {
        let text = HOSTILE.to_owned();
        events.push(Happening { sequence: Sequence(1), at: NOW, task: address(n), name: "failed", text });
    }
    for word in
        [up(), Word::Listed { tasks: tasks.clone(), unreadable: 3, last: true }, beats(Default::default())]
    {
        update(&mut app, Msg::Word(word));
    }
    let Word::Beats(mut pulses) = beats(Default::default()) else { panic!("beats") };
    for pulse in &mut pulses {
        (pulse.beat.host, pulse.beat.version) = (HOSTILE.to_owned(), HOSTILE.to_owned());
    }
    update(&mut app, Msg::Word(Word::Beats(pulses)));
    let Word::Happened(mut changes) = happened(tasks) else { panic!("changes") };
    changes.events = events;
    update(&mut app, Msg::Word(Word::Happened(changes)));
    app
}

/// A story in which every text is hostile.
fn tale(n: u32) -> Vec<Told> {
    let Told::Anew { mut snapshot, mut events } = story(n, Until::Aborted) else { panic!("it begins anew") };
    for step in &mut snapshot.steps {
        step.name = HOSTILE.to_owned();
    }
    if let Some(abort) = &mut snapshot.abort {
        (abort.requested_by, abort.reason) = (HOSTILE.to_owned(), Some(HOSTILE.to_owned()));
        abort.checkpoint = Some(HOSTILE.to_owned());
        abort.steps_after = vec![HOSTILE.to_owned(); 3];
    }
    snapshot.error =
        Some(TaskError { code: HOSTILE.to_owned(), message: HOSTILE.repeat(20), retryable: true });
    snapshot.progress.message = Some(HOSTILE.to_owned());
    snapshot.input = longhaul_core::Payload::Inline(serde_json::json!(HOSTILE));
    snapshot.output = Some(longhaul_core::Payload::Inline(serde_json::json!({ HOSTILE: HOSTILE })));
    events.iter_mut().for_each(|event| event.text = HOSTILE.to_owned());
    let text = Told::Text(TextPart::Text(HOSTILE.repeat(50)));
    vec![Told::Anew { snapshot, events }, text, Told::Broken(HOSTILE.to_owned())]
}

/// Every cell is text; what the terminal is told besides is clean as well.
fn check(app: &App, effects: &[Effect], where_: &str) {
    for cell in &drawn(app).content {
        assert!(cell.symbol().chars().all(is_plain), "{where_}: {:?}", cell.symbol());
    }
    for effect in effects {
        if let Effect::Copy(text) | Effect::Ring(text) = effect {
            assert!(text.chars().all(|c| c == '\n' || is_plain(c)), "{where_}: {text:?}");
        }
    }
}

#[test]
fn no_view_passes_anything_on_but_text() {
    for (columns, rows) in [(120, 36), (80, 24), (200, 60), (60, 15), (30, 10), (7, 3), (1, 1)] {
        for (name, theme) in THEMES {
            let mut app = full(columns, rows);
            app.theme = theme;
            for view in View::ALL {
                let mut effects = press(&mut app, &[&(view as usize + 1).to_string()]);
                effects.extend(press(&mut app, &["G", "y", "Y"]));
                check(&app, &effects, &format!("{view:?} {columns}x{rows} {name}"));
            }
        }
    }
}

#[test]
fn no_pane_and_no_popup_passes_anything_on_but_text() {
    for (columns, rows) in [(120, 36), (80, 24), (60, 15), (9, 4)] {
        for n in 0..8 {
            let mut app = full(columns, rows);
            let at = address(n);
            app.opened = Some(crate::app::Opened::new(at.clone()));
            for told in tale(n) {
                update(&mut app, Msg::Told(at.clone(), told));
                for _ in Pane::ALL {
                    let effects = press(&mut app, &["Tab", "G", "e"]);
                    check(&app, &effects, "a pane");
                }
            }
            for key in ["a", "m", "r", "x", "R", "C", "F", "D", "w", "E", "Esc", ":", "?"] {
                let effects = press(&mut app, &[key]);
                check(&app, &effects, key);
                press(&mut app, &["Esc"]);
                app.opened = Some(crate::app::Opened::new(at.clone()));
                tale(n)
                    .into_iter()
                    .take(2)
                    .for_each(|told| drop(update(&mut app, Msg::Told(at.clone(), told))));
            }
        }
    }
}

#[test]
fn what_comes_back_from_elsewhere_is_cleaned_too() {
    let mut app = full(120, 36);
    let at = address(0);
    let why = || Err(HOSTILE.to_owned());
    for msg in [
        Msg::Answered { at: at.clone(), steer: crate::app::Steer::Abort, outcome: why() },
        Msg::Answered { at: at.clone(), steer: crate::app::Steer::Abort, outcome: Ok(HOSTILE.to_owned()) },
        Msg::Done { at: Some(at.clone()), outcome: why() },
        Msg::Done { at: None, outcome: Ok(HOSTILE.to_owned()) },
        Msg::Fetched { at: at.clone(), text: why() },
        Msg::Closed(Err(HOSTILE.to_owned())),
        Msg::Edited(Err(HOSTILE.to_owned())),
        Msg::Word(Word::Link(Link::Down { why: HOSTILE.to_owned(), next: NOW })),
        Msg::Paste(HOSTILE.to_owned()),
        Msg::Mouse(MouseEvent {
            kind: MouseEventKind::ScrollDown,
            column: 3,
            row: 3,
            modifiers: KeyModifiers::NONE,
        }),
    ] {
        let effects = update(&mut app, msg);
        check(&app, &effects, "a message");
        let effects = press(&mut app, &["6"]);
        check(&app, &effects, "the inbox");
        press(&mut app, &["/"]);
        update(&mut app, Msg::Paste(HOSTILE.to_owned()));
        check(&app, &[], "a line one types");
        press(&mut app, &["Esc"]);
    }
}

#[test]
fn the_pager_and_spreadsheets_get_text() {
    let mut app = full(120, 36);
    let effects = update(&mut app, Msg::Fetched { at: address(0), text: Ok(HOSTILE.to_owned()) });
    let [Effect::Show(text)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(text.chars().all(|c| c == '\n' || is_plain(c)), "{text:?}");
    for format in Format::ALL {
        let text = export::tasks(&app, app.order.rows(), format);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{9b}'), "{format:?}");
    }
}
