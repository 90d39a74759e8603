//! Screens as they look: text and styles.

use longhaul_client::TextPart;
use longhaul_client::fleet::{Link, Told, Word};
use longhaul_core::Millis;

use crate::app::{App, Pane};
use crate::msg::Msg;
use crate::testing::{
    NOW, THEMES, Until, address, empty, picture, press, sample, story, styles, task_id, up,
};
use crate::update::update;

const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 36), (200, 60)];

#[test]
fn tasks() {
    for (columns, rows) in SIZES {
        let app = sample(columns, rows);
        insta::assert_snapshot!(format!("tasks-{columns}x{rows}"), picture(&app));
    }
}

#[test]
fn tasks_in_every_theme() {
    for (name, theme) in THEMES {
        let mut app = sample(80, 24);
        app.theme = theme;
        insta::assert_snapshot!(format!("tasks-{name}"), format!("{}\n\n{}", picture(&app), styles(&app)));
    }
}

#[test]
fn every_view() {
    for (place, name) in ["approvals", "executors", "caps", "events", "inbox"].into_iter().enumerate() {
        for (columns, rows) in [(80, 24), (120, 36)] {
            let mut app = sample(columns, rows);
            press(&mut app, &[(place + 2).to_string().as_str()]);
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), picture(&app));
        }
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
fn states() {
    let mut app = empty(80, 24);
    insta::assert_snapshot!("loading-80x24", picture(&app));
    update(&mut app, Msg::Word(up()));
    update(&mut app, Msg::Word(Word::Listed { tasks: Vec::new(), unreadable: 0, last: true }));
    insta::assert_snapshot!("empty-80x24", picture(&app));

    let mut app = sample(80, 24);
    let down = Link::Down { why: "connection refused".to_owned(), next: NOW.plus(Millis::seconds(17)) };
    update(&mut app, Msg::Word(Word::Link(down)));
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(14))));
    insta::assert_snapshot!("down-80x24", picture(&app));
    press(&mut app, &["/", "z", "z", "z", "Enter"]);
    insta::assert_snapshot!("no-match-80x24", picture(&app));
    app.size = (30, 8);
    insta::assert_snapshot!("card-30x8", picture(&app));
}
