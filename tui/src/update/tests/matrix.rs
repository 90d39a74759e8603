//! Every view, in every state, size and theme: what must hold of each screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use crate::app::{App, View};
use crate::keys::{Context, TABLE};
use crate::msg::Msg;
use crate::store::Row;
use crate::testing::{State, THEMES, Until, address, drawn, key, picture, press, story};
use crate::text::width;
use crate::theme::{Theme, glyph};
use crate::update::{underway, update};

const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 36), (200, 60)];
const ODD: [(u16, u16); 6] = [(1, 1), (7, 3), (30, 8), (59, 40), (100, 30), (300, 12)];

/// What one looks at.
#[derive(Debug, Clone, Copy)]
enum Look {
    View(View),
    Opened,
    Help,
    Ask,
    Type,
}

fn looks() -> impl Iterator<Item = Look> {
    View::ALL.into_iter().map(Look::View).chain([Look::Opened, Look::Help, Look::Ask, Look::Type])
}

impl Look {
    fn at(self, app: &mut App) {
        match self {
            Self::View(view) => drop(press(app, &[&(view as usize + 1).to_string()])),
            Self::Opened => {
                press(app, &["Enter"]);
                let Some(at) = app.opened.as_ref().map(|opened| opened.at.clone()) else { return };
                let n = (0..40).find(|n| address(*n) == at).unwrap();
                update(app, Msg::Told(at, story(n, Until::Running)));
            }
            Self::Help => drop(press(app, &["?"])),
            Self::Ask => drop(press(app, &["a"])),
            Self::Type => drop(press(app, &[":"])),
        }
    }
}

/// Calls `check` with every screen.
fn screens(sizes: &[(u16, u16)], themes: &[(&str, Theme)], check: impl Fn(&str, State, Look, &App, &Buffer)) {
    for state in State::ALL {
        for (columns, rows) in sizes {
            for look in looks() {
                let mut app = state.app(*columns, *rows);
                look.at(&mut app);
                for (name, theme) in themes {
                    app.theme = *theme;
                    let which = format!("{look:?} {state:?} {columns}x{rows} {name}");
                    check(&which, state, look, &app, &drawn(&app));
                }
            }
        }
    }
}

fn line(buffer: &Buffer, row: u16) -> String {
    let cells = (0..buffer.area.width).map(|column| buffer[(column, row)].symbol());
    cells.collect()
}

fn screen_holds(which: &str, buffer: &Buffer) {
    // A wide character takes the cell behind it: there is none behind the last.
    for row in 0..buffer.area.height {
        let last = buffer[(buffer.area.width - 1, row)].symbol();
        assert!(width(last) <= 1, "{which}: {last:?} does not fit into row {row}");
    }
    for cell in &buffer.content {
        let plain = cell.symbol().chars().all(longhaul_core::text::is_plain);
        assert!(plain, "{which}: {:?} is not plain", cell.symbol());
    }
    if which.ends_with("ascii") {
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()), "{which}");
    }
    if which.ends_with("mono") {
        let colourless = |cell: &ratatui::buffer::Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
        assert!(buffer.content.iter().all(colourless), "{which}");
    }
}

#[test]
fn every_screen_is_plain_text_that_fits() {
    screens(&SIZES, &THEMES, |which, _, _, _, buffer| screen_holds(which, buffer));
    screens(&ODD, &THEMES[..1], |which, _, _, _, buffer| screen_holds(which, buffer));
}

#[test]
fn every_row_says_its_status_with_a_sign_and_a_word() {
    for state in State::ALL {
        for (columns, rows) in SIZES.into_iter().chain([(100, 30), (300, 16)]) {
            for (view, key, lines) in [(View::Tasks, "1", 1_u16), (View::Mine, "7", 2)] {
                let mut app = state.app(columns, rows);
                press(&mut app, &[key]);
                let area = Rect::new(0, 0, columns, rows);
                let body = crate::view::parts(&app, area).body;
                let (order, first) = match view {
                    View::Tasks => (app.order.rows(), body.y + crate::view::above_list(&app, view, area) + 2),
                    _ => (app.mine.rows(), body.y + 1),
                };
                let (buffer, room) = (drawn(&app), crate::update::room(&app, view));
                let shown = order.iter().skip(app.list().top).take(room);
                for (at, y) in shown.zip((first..).step_by(lines.into())) {
                    let row: &Row = app.store.row(*at);
                    let standing = row.standing();
                    let word = underway(&app, row).map_or(standing.word(), |(doing, _)| doing);
                    let told: String = (y..y + lines).map(|y| line(&buffer, y)).collect();
                    let which = format!("{view:?} {state:?} {columns}x{rows}: {told}");
                    assert!(told.contains(glyph(standing)), "{which}");
                    assert!(told.contains(word), "{which} lacks {word}");
                }
            }
        }
    }
}

#[test]
fn the_footer_only_names_keys_that_are_there() {
    screens(&SIZES, &THEMES[..1], |which, _, _, app, buffer| {
        // A popup may lie over it.
        if app.popup.is_some() {
            return;
        }
        let mut rest = line(buffer, buffer.area.height - 1);
        let past = app.past().map(|_| Context::Past);
        let contexts = past.into_iter().chain([app.context()]);
        for bind in contexts.flat_map(|context| app.keys.bindings(context)) {
            if let Some(key) = bind.keys.first().filter(|_| !bind.hint.is_empty()) {
                rest = rest.replacen(&format!(" {key} {}", bind.hint), "", 1);
            }
        }
        assert_eq!(rest.trim(), "", "{which}: this is no key that works here");
    });
}

#[test]
fn the_help_only_shows_keys_that_do_what_it_says() {
    for state in [State::Live, State::Past] {
        for look in looks() {
            let mut app = state.app(120, 60);
            look.at(&mut app);
            let past = app.past().map(|_| Context::Past);
            let contexts: Vec<_> = past.into_iter().chain([app.context()]).collect();
            for context in &contexts {
                for bind in app.keys.bindings(*context) {
                    for name in &bind.keys {
                        let does = contexts.iter().find_map(|context| app.keys.act(*context, &key(name)));
                        // In the past its own keys go before those of the view.
                        let hidden = past.is_some() && *context != Context::Past;
                        assert!(does == Some(bind.act) || hidden, "{name} in {context:?}: {does:?}");
                    }
                }
            }
        }
    }
    assert!(TABLE.iter().all(|line| !line.help.is_empty()));
}

#[test]
fn what_is_not_known_is_said_in_every_view_and_size() {
    screens(&SIZES, &THEMES[..1], |which, state, look, app, _| {
        // A popup may lie over it.
        if app.popup.is_some() {
            return;
        }
        let screen = picture(app);
        let tasks = matches!(look, Look::View(View::Tasks));
        let says: &[&str] = match state {
            State::Down => &["DISCONNECTED", "down"],
            State::Lag => &[" OLD"],
            State::Silent => &["NO PROJECTOR"],
            State::WeLag => &["catching up 18.2k"],
            State::Unreadable => &["3 unreadable"],
            State::Loading => &["loading 30 of 100,000"],
            State::Past => &["past"],
            State::Empty if tasks => &["No tasks yet."],
            State::NoMatch if tasks => &["Nothing matches.", "Esc clears the filter"],
            State::Huge if tasks => &["1.2M older"],
            _ => &["live"],
        };
        for text in says {
            assert!(screen.contains(text), "{which} does not say {text}:\n{screen}");
        }
    });
}
