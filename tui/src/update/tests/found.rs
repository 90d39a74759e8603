//! What a first look found wanting: keys that do nothing, notices that are cut, words that are no terms.

use longhaul_client::fleet::{Link, Word};
use longhaul_core::{Millis, Status};

use crate::app::{App, Notice, View};
use crate::msg::Msg;
use crate::testing::{NOW, brief, empty, picture, press, sample, up};
use crate::theme::Tone;
use crate::update::update;

fn footer(app: &App) -> String {
    picture(app).lines().last().unwrap_or_default().to_owned()
}

fn listed(tasks: Vec<longhaul_client::fleet::Brief>) -> App {
    let mut app = empty(120, 36);
    for word in [up(), Word::Listed { tasks, unreadable: 0, last: true }] {
        update(&mut app, Msg::Word(word));
    }
    update(&mut app, Msg::Tick(NOW.plus(Millis(300))));
    app
}

#[test]
fn enter_on_an_executor_lists_what_it_runs() {
    let mut app = sample(120, 36);
    press(&mut app, &["3", "Enter"]);
    update(&mut app, Msg::Tick(NOW.plus(Millis(900))));
    assert_eq!(app.view, View::Tasks);
    assert!(app.filter.text().starts_with("executor:"), "{}", app.filter.text());
    assert!(!app.order.rows().is_empty());
}

#[test]
fn the_footer_offers_only_what_can_be_done() {
    let mut app = listed(Vec::new());
    for view in ["1", "2", "3", "4", "5", "6", "7"] {
        press(&mut app, &[view]);
        assert!(!footer(&app).contains(" open"), "view {view} is empty: {}", footer(&app));
    }
    let mut app = listed(vec![brief(0, Status::Running), brief(1, Status::Completed)]);
    assert!(footer(&app).contains("abort"));
    let done = app.order.rows().iter().position(|at| app.store.row(*at).status == Status::Completed).unwrap();
    press(&mut app, &["g"]);
    (0..done).for_each(|_| drop(press(&mut app, &["j"])));
    press(&mut app, &["Space"]);
    assert_eq!(app.marks.len(), 1);
    press(&mut app, &["g"]);
    for act in ["abort", "approve", "retry"] {
        assert!(!footer(&app).contains(act), "nothing marked can take {act}: {}", footer(&app));
    }
    press(&mut app, &["Esc"]);
    let down = Link::Down { why: "refused".to_owned(), next: NOW.plus(Millis(4_300)) };
    update(&mut app, Msg::Word(Word::Link(down)));
    for keys in [["1", "g"], ["7", "g"]] {
        press(&mut app, &keys);
        for act in ["abort", "stop", "download", "remove", "again"] {
            assert!(!footer(&app).contains(act), "{act} needs the log: {}", footer(&app));
        }
        assert!(!picture(&app).contains(" x stop"), "nor is it offered beside a task");
    }
}

#[test]
fn a_key_of_the_tasks_says_so_elsewhere() {
    for key in ["/", "s", "c", "Space"] {
        let mut app = sample(120, 36);
        press(&mut app, &["7", key]);
        assert!(picture(&app).contains("that key belongs to the list of tasks: 1 shows it"), "{key}");
    }
}

#[test]
fn a_notice_that_is_cut_is_kept_once() {
    let mut app = sample(60, 20);
    let say = |app: &mut App, text: &str| {
        let notice = Notice { at: app.now, tone: Tone::Bad, text: text.to_owned(), about: None };
        app.say(notice);
    };
    let before = app.inbox.total();
    say(&mut app, "short");
    assert_eq!(app.inbox.total(), before);
    let long = "too long for a line ".repeat(5);
    say(&mut app, &long);
    say(&mut app, &long);
    assert_eq!(app.inbox.total(), before + 1);
}

#[test]
fn a_filter_that_means_nothing_is_explained() {
    let mut app = sample(120, 36);
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste("status:bogus".to_owned()));
    press(&mut app, &["Enter"]);
    update(&mut app, Msg::Tick(NOW.plus(Millis(900))));
    let screen = picture(&app);
    assert!(screen.contains("status:bogus: no such status. There are"), "{screen}");
    assert!(screen.contains("running, held, pending, aborted, completed"), "{screen}");
}

#[test]
fn whose_caps_they_are_is_said_where_all_are_listed() {
    let mut app = sample(120, 36);
    app.me.everything = true;
    assert!(picture(&app).contains("12/50 slots acme"));
    press(&mut app, &["4"]);
    assert!(picture(&app).contains("Caps of acme only"));
}
