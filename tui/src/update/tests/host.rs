//! The process the dashboard is part of: who opened it, leaving it, stopping it, reaching the log again.

use std::time::Duration;

use longhaul_client::fleet::{Link, Word};
use longhaul_core::{Millis, Status};

use crate::app::{App, View};
use crate::effect::Effect;
use crate::host::{Host, Hosted, Remark};
use crate::msg::Msg;
use crate::testing::{NOW, address, brief, empty, happened, picture, press, sample};
use crate::update::update;

/// What a command that runs services says of itself.
fn host() -> Hosted {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    Hosted::by(&Host {
        greeting: lines(&[
            "longhaul 0.1.0 is up",
            "  log         nats://127.0.0.1:4222 (~/longhaul/nats)",
            "",
            "in another terminal:",
            "  longhaul report DATA \"quarterly review\"",
        ]),
        ends: lines(&["The services stop with the dashboard.", "What runs goes on at the next start."]),
        serves: true,
        ..Host::default()
    })
}

fn hosted(app: App) -> App {
    App { host: host(), ..app }
}

fn says(app: &mut App, remark: Remark) {
    assert_eq!(update(app, Msg::Remark(remark)), []);
}

fn tick(app: &mut App, after: Millis) {
    update(app, Msg::Tick(NOW.plus(after)));
}

#[test]
fn what_ends_with_the_dashboard_does_not_end_unasked() {
    for leave in [&["q"][..], &["C-c"], &["/", "C-c"], &["?", "C-c"], &["Enter", "C-c"], &[":", "q", "Enter"]]
    {
        let mut app = hosted(sample(120, 36));
        press(&mut app, leave);
        assert!(!app.quit, "{leave:?} asks");
        let shown = picture(&app);
        assert!(shown.contains("Stop everything?") && shown.contains("The services stop"), "{shown}");
        press(&mut app, &["Enter"]);
        assert!(!app.quit, "Enter is pressed too easily");
        press(&mut app, &["Esc"]);
        assert!(!app.quit && app.popup.is_none() && !app.host.at_once);
        app.opened = None;
        press(&mut app, &["q", "y"]);
        assert!(app.quit && !app.host.at_once, "{leave:?}");
    }
    let mut app = hosted(sample(120, 36));
    press(&mut app, &["C-c", "C-c"]);
    assert!(app.quit && app.host.at_once, "twice is an answer");
}

#[test]
fn what_runs_is_counted_before_it_is_stopped() {
    let mut app = hosted(empty(80, 24));
    press(&mut app, &["q"]);
    assert!(!picture(&app).contains("now."), "{}", picture(&app));
    press(&mut app, &["Esc"]);
    update(&mut app, Msg::Word(happened(vec![brief(1, Status::Running)])));
    press(&mut app, &["q"]);
    assert!(picture(&app).contains("1 task runs now."), "{}", picture(&app));
    insta::assert_snapshot!("leaving-80x24", picture(&app));
}

#[test]
fn a_dashboard_alone_is_left_without_a_question() {
    for (leave, at_once) in
        [(&["q"][..], false), (&["C-c"], true), (&["/", "C-c"], true), (&["x", "C-c"], true)]
    {
        let mut app = sample(120, 36);
        press(&mut app, leave);
        assert!(app.quit && app.host.at_once == at_once, "{leave:?}");
    }
}

#[test]
fn how_to_go_on_stands_where_there_are_no_tasks() {
    let mut app = hosted(empty(80, 24));
    update(&mut app, Msg::Word(Word::Listed { tasks: Vec::new(), unreadable: 0, last: true }));
    for (view, why) in [("1", "No tasks yet."), ("7", "Nothing of yours yet.")] {
        press(&mut app, &[view]);
        let shown = picture(&app);
        for line in [why, "longhaul 0.1.0 is up", "nats://127.0.0.1:4222", "longhaul report DATA"] {
            assert!(shown.contains(line), "{line} in {shown}");
        }
    }
    press(&mut app, &["1"]);
    insta::assert_snapshot!("greeting-80x24", picture(&app));
}

#[test]
fn what_the_host_says_is_kept_and_what_it_is_about_stands_above_every_view() {
    let mut app = sample(120, 36);
    says(&mut app, Remark::Standing("The demo: answer one (2 a y).".to_owned()));
    says(&mut app, Remark::Said("somebody presses Stop\u{1b}[2J".to_owned()));
    for (view, number) in View::ALL.into_iter().zip(1..) {
        press(&mut app, &[&number.to_string()]);
        assert!(picture(&app).contains("The demo: answer one (2 a y)."), "{}", picture(&app));
        assert_eq!(app.view, view);
    }
    press(&mut app, &["6"]);
    assert!(picture(&app).contains("somebody presses Stop") && !picture(&app).contains('\u{1b}'));
    // What is worse goes before it.
    update(&mut app, Msg::Word(Word::Link(Link::Down { why: "gone".to_owned(), next: NOW })));
    assert!(picture(&app).contains("DISCONNECTED") && !picture(&app).contains("The demo:"));
}

#[test]
fn one_is_led_to_what_can_be_done_unless_one_has_gone_elsewhere() {
    let turn = |n| Remark::Turn {
        task: address(n),
        here: format!("Wait, or stop {n} yourself: x y."),
        elsewhere: format!("Wait, or go to {n} and stop it: x y."),
    };
    let on = |app: &App| app.subjects();
    let mut app = sample(80, 24);
    says(&mut app, turn(8));
    assert_eq!(on(&app), [address(8)]);
    assert!(picture(&app).contains("stop 8 yourself: x y."), "{}", picture(&app));

    // What is asked for is asked of the task it was asked of.
    press(&mut app, &["x"]);
    says(&mut app, turn(9));
    assert_eq!(on(&app), [address(8)]);
    press(&mut app, &["Esc"]);
    assert_eq!(on(&app), [address(9)]);

    press(&mut app, &["G"]);
    let there = on(&app);
    assert!(there != [address(9)] && picture(&app).contains("go to 9 and stop it"), "{}", picture(&app));
    says(&mut app, turn(16));
    assert_eq!(on(&app), there);
    assert!(picture(&app).contains("go to 16 and stop it: x y."), "{}", picture(&app));
    press(&mut app, &["2"]);
    says(&mut app, turn(17));
    assert_eq!(app.view, View::Approvals);

    // A task that is not known yet is waited for.
    let mut app = sample(80, 24);
    says(&mut app, turn(90));
    assert!(picture(&app).contains("go to 90"));
    let tasks = vec![brief(90, Status::Running)];
    update(&mut app, Msg::Word(Word::Listed { tasks, unreadable: 0, last: true }));
    tick(&mut app, Millis::seconds(1));
    assert_eq!(on(&app), [address(90)]);
    // There is nothing to be done any more.
    says(&mut app, Remark::Standing("The demo.".to_owned()));
    assert!(picture(&app).contains("The demo.") && !picture(&app).contains("stop 90"));
}

#[test]
fn a_dashboard_that_nobody_touched_closes_when_all_is_over() {
    let over =
        || Remark::Over("The demo is over: q says what came of it.".to_owned(), Duration::from_secs(20));
    let mut app = sample(120, 36);
    says(&mut app, over());
    tick(&mut app, Millis::seconds(5));
    let shown = picture(&app);
    assert!(
        shown.contains("The demo is over: q says what came of it. This closes by itself in 15s."),
        "{shown}"
    );
    tick(&mut app, Millis::seconds(21));
    assert!(app.quit && !app.host.at_once);

    for before in [true, false] {
        let mut app = sample(120, 36);
        if before {
            press(&mut app, &["j"]);
        }
        says(&mut app, over());
        if !before {
            press(&mut app, &["j"]);
        }
        tick(&mut app, Millis::minutes(10));
        assert!(!app.quit, "somebody is at it");
        assert!(picture(&app).contains("The demo is over") && !picture(&app).contains("by itself"));
        press(&mut app, &["q"]);
        assert!(app.quit);
    }
}

#[test]
fn f5_tries_at_once_what_is_out_of_reach() {
    let mut app = sample(120, 36);
    assert_eq!(press(&mut app, &["F5"]), [], "there is nothing to try");
    assert!(picture(&app).contains("the log answers"));
    let down = Link::Down { why: "gone".to_owned(), next: NOW.plus(Millis::seconds(3)) };
    update(&mut app, Msg::Word(Word::Link(down)));
    assert!(picture(&app).contains("F5 now"), "{}", picture(&app));
    assert_eq!(press(&mut app, &["F5"]), [Effect::Reconnect]);
}

#[test]
fn c_z_stops_it_wherever_one_is_if_no_services_stop_with_it() {
    for before in [&[][..], &["/"], &[":"], &["?"], &["x"], &["Enter"], &["t"]] {
        let mut app = sample(120, 36);
        press(&mut app, before);
        assert!(press(&mut app, &["C-z"]).contains(&Effect::Suspend), "{before:?}");
        assert!(!app.quit);
        let mut app = hosted(sample(120, 36));
        press(&mut app, before);
        assert!(!press(&mut app, &["C-z"]).contains(&Effect::Suspend), "services would stop: {before:?}");
    }
}
