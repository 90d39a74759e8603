//! What the dashboard does not know, it says: how old things are, what is out of reach, what is missing.

use std::collections::BTreeMap;

use longhaul_client::fleet::{Changes, Link, Word};
use longhaul_core::{Millis, Sequence, Status, Timestamp};
use longhaul_wire::Shard;
use longhaul_wire::query::{Condition, Positions};

use crate::app::App;
use crate::msg::Msg;
use crate::testing::{NOW, brief, empty, picture, press, sample, up};
use crate::update::update;

fn word(app: &mut App, word: Word) {
    update(app, Msg::Word(word));
}

/// So long after the sample was made.
fn after(app: &mut App, time: Millis) {
    update(app, Msg::Tick(NOW.plus(Millis(300)).plus(time)));
}

/// The line of the screen that has a text.
fn line(app: &App, has: &str) -> String {
    let screen = picture(app);
    let found = screen.lines().find(|line| line.contains(has));
    found.unwrap_or_else(|| panic!("{has} is not there:\n{screen}")).to_owned()
}

/// A projector that has folded up to a place and says how many records are left.
fn condition(as_of: u64, lag: u64) -> Condition {
    Condition {
        as_of: Positions::at(Shard(0), Sequence(as_of)),
        version: "0.1.0".to_owned(),
        lag: BTreeMap::from([(0, lag)]),
        trouble: None,
        tasks: 40,
        unreadable: 0,
        put_aside: Vec::new(),
        records: Vec::new(),
    }
}

fn ends_at(sequence: u64, at: Timestamp) -> Word {
    let heads = Positions::at(Shard(0), Sequence(sequence));
    Word::Link(Link::Up { took: std::time::Duration::from_millis(2), heads, at })
}

fn read(behind: u64, stored_at: Timestamp, unreadable: u32) -> Word {
    Word::Happened(Box::new(Changes {
        shard: Shard(0),
        up_to: Sequence(1_204_340),
        stored_at,
        behind,
        tasks: Vec::new(),
        events: Vec::new(),
        unreadable,
    }))
}

#[test]
fn a_lost_link_is_counted_and_actions_say_why_they_are_off() {
    let mut app = sample(80, 24);
    word(&mut app, Word::Link(Link::Down { why: "refused".to_owned(), next: NOW.plus(Millis(4_300)) }));
    after(&mut app, Millis::seconds(1));
    assert_eq!(
        line(&app, "DISCONNECTED"),
        " ! DISCONNECTED 1s. Last known state. Retry in 3s (F5 now). Actions are off."
    );
    after(&mut app, Millis::seconds(14));
    assert_eq!(
        line(&app, "DISCONNECTED"),
        " ! DISCONNECTED 14s. Last known state. Trying again (F5 now). Actions are off."
    );
    for key in ["a", "m", "r", "x", "R", "C", "F", "D"] {
        app.toast = None;
        let asked = press(&mut app, &[key]);
        assert!(asked.is_empty() && app.popup.is_none() && app.prompt.is_none(), "{key} is off");
        assert!(line(&app, "out of reach").contains("actions are off"), "{key} says why");
    }
    // The soonest to lapse goes on lapsing, and ages grow.
    assert!(picture(&app).contains("3m33s"), "{}", picture(&app));
    app.size = (60, 15);
    assert_eq!(line(&app, "DISCONNECTED"), " ! DISCONNECTED 14s. Trying again (F5 now). Actions are off.");
    app.size = (30, 8);
    assert_eq!(line(&app, "DOWN"), "! DOWN 14s");
    app.size = (80, 24);
    word(&mut app, ends_at(1_204_331, NOW.plus(Millis::seconds(15))));
    assert!(!picture(&app).contains("DISCONNECTED"));
    assert!(line(&app, "connected again").contains("after 14s"));
}

#[test]
fn what_a_late_projector_tells_is_said_to_be_old() {
    let mut app = sample(120, 36);
    for n in 1..=50 {
        word(&mut app, ends_at(1_204_331 + n * 400, NOW.plus(Millis::seconds(n))));
    }
    after(&mut app, Millis::seconds(50));
    word(&mut app, Word::Projector(Some(Box::new(condition(1_204_331 + 9 * 400, 16_400)))));
    assert_eq!(
        line(&app, " OLD "),
        " ! WHY TASKS WAIT AND CAPS ARE 40s OLD (projector 16.4k events behind). Tasks are live, actions go through. 5 Events"
    );
    after(&mut app, Millis::seconds(51));
    app.size = (80, 24);
    assert_eq!(
        line(&app, " OLD "),
        " ! QUEUE AND CAPS ARE 41s OLD (16.4k events behind). Tasks are live. 5 Events"
    );
    app.size = (60, 15);
    assert_eq!(line(&app, " OLD "), " ! QUEUE, CAPS 41s OLD (16.4k behind). 5 Events");
    app.listed = false;
    app.size = (80, 24);
    assert_eq!(
        line(&app, " OLD "),
        " ! LISTS ARE 41s OLD (16.4k events behind). Actions still go through. 5 Events"
    );
    app.listed = true;
    // Actions are not off.
    press(&mut app, &["a"]);
    assert!(app.popup.is_some());
    press(&mut app, &["Esc"]);
    word(&mut app, Word::Projector(Some(Box::new(condition(1_204_331 + 50 * 400, 0)))));
    assert!(!picture(&app).contains(" OLD "));
}

#[test]
fn a_projector_that_is_silent_is_missed() {
    let mut app = sample(80, 24);
    word(&mut app, Word::Projector(None));
    after(&mut app, Millis::seconds(12));
    word(&mut app, Word::Projector(None));
    assert_eq!(
        line(&app, "NO PROJECTOR"),
        " ! NO PROJECTOR for 12s. Tasks are live; queue and caps are old."
    );
    press(&mut app, &["5"]);
    assert!(line(&app, "none answers").contains("for 12s"));
    word(&mut app, Word::Projector(Some(Box::new(condition(1_204_331, 0)))));
    assert!(!picture(&app).contains("NO PROJECTOR"));
}

#[test]
fn a_reader_that_is_behind_says_how_far() {
    let mut app = sample(80, 24);
    word(&mut app, read(18_234, Timestamp(NOW.0 - 9_000), 0));
    after(&mut app, Millis::seconds(1));
    assert!(line(&app, "longhaul").contains(" live catching up 18.2k, 10s old"), "{}", picture(&app));
    app.size = (60, 15);
    assert!(line(&app, "longhaul").contains(" live catching up 18.2k "), "{}", picture(&app));
    word(&mut app, read(40, NOW, 0));
    assert!(!picture(&app).contains("catching up"), "a moment is not worth a word");
}

#[test]
fn what_cannot_be_read_is_counted_and_where_to_look_is_said() {
    let mut app = sample(80, 24);
    word(&mut app, read(0, NOW, 2));
    word(&mut app, read(0, NOW, 1));
    assert!(line(&app, "longhaul").contains("3 unreadable"));
    let told = app.inbox.notices().filter(|notice| notice.text.contains("longhaul doctor")).count();
    assert_eq!(told, 1, "the first is told of, the others are counted");
    press(&mut app, &["5"]);
    assert!(line(&app, "unreadable 3").contains("longhaul doctor names them"));
    // The row one clicks is the row one sees below.
    assert_eq!(line(&app, "step_completed"), picture(&app).lines().nth(6).unwrap());
}

#[test]
fn another_log_is_not_taken_for_the_same() {
    let mut app = sample(80, 24);
    word(&mut app, Word::Anew);
    assert!(app.inbox.notices().any(|notice| notice.text.contains("another one than it was")));
    assert!(picture(&app).contains("Reading the list"));
    word(&mut app, Word::Listed { tasks: vec![brief(1, Status::Running)], unreadable: 0, last: true });
    assert!(picture(&app).contains("1 tasks"));
}

#[test]
fn there_is_a_frame_before_there_is_anything_in_it() {
    let app = empty(80, 24);
    let screen = picture(&app);
    assert!(screen.contains("connecting") && screen.contains("1 Tasks") && screen.contains("q quit"));
    let mut app = app;
    word(&mut app, up());
    assert!(picture(&app).contains("loading"));
}
