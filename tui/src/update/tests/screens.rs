//! Screens as they look: text and styles.

use longhaul_client::TextPart;
use longhaul_client::fleet::Told;

use crate::app::{App, Pane, View};
use crate::msg::Msg;
use crate::testing::{State, THEMES, Until, address, empty, picture, press, sample, story, styles, task_id};
use crate::update::update;

const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 36), (200, 60)];

#[test]
fn every_view_in_every_size() {
    for view in View::ALL {
        for (columns, rows) in SIZES {
            let mut app = sample(columns, rows);
            press(&mut app, &[&(view as usize + 1).to_string()]);
            let name = view.name().to_lowercase();
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), picture(&app));
        }
    }
}

#[test]
fn every_theme() {
    for (name, theme) in THEMES {
        for ((columns, rows), begins) in [((80, 24), "tasks"), ((120, 36), "tasks-120x36")] {
            let mut app = sample(columns, rows);
            app.theme = theme;
            let text = format!("{}\n\n{}", picture(&app), styles(&app));
            insta::assert_snapshot!(format!("{begins}-{name}"), text);
        }
        let mut app = opened(80, 24, 1, Until::Running);
        app.theme = theme;
        insta::assert_snapshot!(format!("task-{name}"), format!("{}\n\n{}", picture(&app), styles(&app)));
    }
}

#[test]
fn an_opened_task_before_it_is_read() {
    let mut app = sample(120, 36);
    press(&mut app, &["Enter"]);
    insta::assert_snapshot!("task-120x36", picture(&app));
}

/// A dashboard on an opened sample task whose story goes on for as long as said.
fn opened(columns: u16, rows: u16, n: u32, until: Until) -> App {
    let mut app = sample(columns, rows);
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste(format!("id:{}", task_id(n))));
    press(&mut app, &["Enter", "Enter"]);
    update(&mut app, Msg::Told(address(n), story(n, until)));
    let text = "Late payers are few: 3 of 214.\nAll of them began to pay late in May. ".to_owned();
    update(&mut app, Msg::Told(address(n), Told::Text(TextPart::Text(text))));
    app
}

#[test]
fn an_opened_task() {
    for (columns, rows) in [(60, 15), (80, 24), (120, 36), (200, 60)] {
        let app = opened(columns, rows, 1, Until::Running);
        insta::assert_snapshot!(format!("task-running-{columns}x{rows}"), picture(&app));
    }
    let app = opened(120, 36, 6, Until::Aborted);
    insta::assert_snapshot!("task-aborted-120x36", picture(&app));
    insta::assert_snapshot!("task-aborted-styles", styles(&app));
}

#[test]
fn every_pane_of_an_opened_task() {
    let mut app = opened(120, 24, 4, Until::Completed);
    for pane in Pane::ALL {
        insta::assert_snapshot!(format!("pane-{}", pane.name().to_lowercase()), picture(&app));
        press(&mut app, &["Tab"]);
    }
}

#[test]
fn popups() {
    let mut app = sample(120, 36);
    press(&mut app, &["a"]);
    insta::assert_snapshot!("confirm-120x36", picture(&app));
    press(&mut app, &["Esc", "?"]);
    insta::assert_snapshot!("help-120x36", picture(&app));
}

#[test]
fn every_state() {
    for state in State::ALL.into_iter().filter(|state| !matches!(state, State::Live | State::Past)) {
        let name = format!("{state:?}").to_lowercase();
        for (columns, rows) in [(60, 15), (80, 24), (120, 36), (30, 8)] {
            let app = state.app(columns, rows);
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), picture(&app));
        }
        if matches!(state, State::Lag | State::Silent | State::WeLag | State::Unreadable | State::Down) {
            let mut app = state.app(80, 24);
            press(&mut app, &["5"]);
            insta::assert_snapshot!(format!("{name}-events-80x24"), picture(&app));
        }
    }
}

#[test]
fn before_anything_was_heard() {
    insta::assert_snapshot!("connecting-80x24", picture(&empty(80, 24)));
}

#[test]
fn a_banner_as_it_is_styled() {
    for (name, theme) in THEMES {
        let mut app = State::Down.app(80, 24);
        app.theme = theme;
        let top: Vec<_> = styles(&app).lines().take(12).map(str::to_owned).collect();
        insta::assert_snapshot!(format!("down-styles-{name}"), top.join("\n"));
    }
}
