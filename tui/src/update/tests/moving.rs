//! Moving about: the row one is on, filters, views.

use longhaul_client::TextPart;
use longhaul_client::fleet::{Brief, Told};
use longhaul_core::{Millis, Sequence, Status};

use crate::app::View;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::testing::{NOW, Until, address, brief, happened, picture, press, sample, story};
use crate::update::update;

#[test]
fn the_row_one_is_on_stays_whatever_moves() {
    let mut app = sample(120, 36);
    press(&mut app, &["G", "k", "k"]);
    let on = app.selected().unwrap().key;
    let before = app.list().at;
    // Another task asks for something: it goes to the top, and pushes all others down.
    let new = Brief { sequence: Sequence(9000), ..brief(77, Status::Paused) };
    update(&mut app, Msg::Word(happened(vec![new])));
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(1))));
    assert_eq!(app.selected().unwrap().key, on);
    assert_eq!(app.list().at, before + 1);
}

#[test]
fn a_filter_shows_what_matches_and_esc_takes_it_away() {
    let mut app = sample(120, 36);
    let all = app.order.rows().len();
    press(&mut app, &["/", "s", "t", "a", "t", "u", "s", ":", "f", "a", "i", "l", "e", "d", "Enter"]);
    assert_eq!(app.order.rows().len(), 5);
    press(&mut app, &["Esc"]);
    assert_eq!(app.order.rows().len(), all);
    // Esc while typing goes back to what held before.
    press(&mut app, &["/", "x", "y", "z", "Esc"]);
    assert_eq!(app.order.rows().len(), all);
    // The inverse shows the rest.
    press(&mut app, &["!", "s", ":", "f", "a", "i", "l", "e", "d", "Enter"]);
    assert_eq!(app.order.rows().len(), all - 5);
}

#[test]
fn enter_opens_the_task_one_is_on_and_esc_closes_it() {
    let mut app = sample(80, 24);
    let at = app.store.address(app.selected().unwrap()).unwrap();
    assert_eq!(press(&mut app, &["Enter"]), [Effect::Open(at.clone())]);
    assert_eq!(app.opened.as_ref().unwrap().at, at);
    assert_eq!(press(&mut app, &["Esc"]), [Effect::Close]);
    assert!(app.opened.is_none());
}

#[test]
fn numbers_and_tab_go_through_the_views() {
    let mut app = sample(80, 24);
    for view in View::ALL {
        assert_eq!(app.view, view);
        press(&mut app, &["Tab"]);
    }
    press(&mut app, &["5"]);
    assert_eq!(app.view, View::Events);
    press(&mut app, &["Esc"]);
    assert_eq!(app.view, View::Tasks);
}

#[test]
fn copying_takes_the_marked_ones_or_the_one() {
    let mut app = sample(80, 24);
    press(&mut app, &["/", "i", "d", ":"]);
    press(&mut app, &["Esc"]);
    let Some(Effect::Copy(one)) = press(&mut app, &["y"]).pop() else { panic!("nothing was copied") };
    assert_eq!(one, app.selected().unwrap().key.task.to_string());
    press(&mut app, &["Space", "Space"]);
    let Some(Effect::Copy(two)) = press(&mut app, &["y"]).pop() else { panic!("nothing was copied") };
    assert_eq!(two.lines().count(), 2);
    assert!(app.store.key(&address(1)).is_some());

    // A command that is copied finds the task from anywhere.
    app.call = " --data '/a folder'".to_owned();
    let Some(Effect::Copy(command)) = press(&mut app, &["Y"]).pop() else { panic!("nothing was copied") };
    assert!(command.starts_with("longhaul --data '/a folder' --org acme get 0193"), "{command}");
}

#[test]
fn text_that_came_while_one_looked_elsewhere_is_there() {
    let mut app = sample(120, 36);
    press(&mut app, &["Enter"]);
    let at = app.opened.as_ref().unwrap().at.clone();
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    let said = |text: &str| Msg::Told(at.clone(), Told::Text(TextPart::Text(text.to_owned())));
    update(&mut app, Msg::Told(at.clone(), story(n, Until::Running)));
    press(&mut app, &["Tab"]);
    update(&mut app, said("one "));
    press(&mut app, &["S-Tab"]);
    update(&mut app, said("two "));
    press(&mut app, &["Tab"]);
    update(&mut app, said("three"));
    assert!(picture(&app).contains("one two three"), "{}", picture(&app));
    update(&mut app, Msg::Told(at.clone(), Told::Text(TextPart::Anew("other".to_owned()))));
    assert!(!picture(&app).contains("two"), "{}", picture(&app));
}

#[test]
fn the_story_of_the_row_one_rests_on_is_told_beside_the_list() {
    let mut app = sample(120, 36);
    press(&mut app, &["j"]);
    let at = app.store.address(app.selected().unwrap()).unwrap();
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    // Who moves on does not want it.
    let begun = app.now;
    assert_eq!(update(&mut app, Msg::Tick(begun.plus(Millis(100)))), []);
    assert_eq!(app.wakes_at(), app.now.plus(Millis(100)));
    assert_eq!(update(&mut app, Msg::Tick(begun.plus(Millis(200)))), [Effect::Open(at.clone())]);
    update(&mut app, Msg::Told(at.clone(), story(n, Until::Running)));
    assert!(picture(&app).contains("2. querying"), "{}", picture(&app));
    // Opening it needs no reading, nor does going back.
    assert_eq!(press(&mut app, &["Enter"]), []);
    assert!(app.opened.as_ref().unwrap().snapshot.is_some());
    assert_eq!(press(&mut app, &["h"]), []);
    assert!(picture(&app).contains("2. querying"), "{}", picture(&app));
    // Where there is no room for it, it is not told.
    assert_eq!(update(&mut app, Msg::Resize(80, 24)), [Effect::Close]);
}

#[test]
fn a_range_is_marked_from_the_last_mark_to_here() {
    let mut app = sample(80, 24);
    press(&mut app, &["j", "Space", "j", "j", "V"]);
    let marked: Vec<_> = app.order.rows()[1..=4].iter().map(|at| app.store.row(*at).key).collect();
    let meant: Vec<_> = app.subjects().iter().map(|at| app.store.key(at).unwrap()).collect();
    assert_eq!(meant, marked, "in the order of the list");
    press(&mut app, &["Esc"]);
    assert!(app.marks.is_empty());
}

#[test]
fn what_a_task_writes_never_reaches_the_terminal_as_more_than_text() {
    let mut app = sample(120, 36);
    press(&mut app, &["Enter", "Tab"]);
    let at = app.opened.as_ref().unwrap().at.clone();
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    update(&mut app, Msg::Told(at.clone(), story(n, Until::Running)));
    let hostile = "\u{1b}]52;c;aGk=\u{7}\u{1b}[2J\u{9b}31mred\u{202e}txt\u{200b}\r\u{8}end".to_owned();
    update(&mut app, Msg::Told(at, Told::Text(TextPart::Text(hostile))));
    let screen = picture(&app);
    assert!(screen.contains("]52;c;aGk=[2J31mredtxtend"), "{screen}");
}
