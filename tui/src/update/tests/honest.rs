//! What the dashboard does not know, it says: how old things are, what is out of reach, what is missing.

use longhaul_client::fleet::{Link, Word};
use longhaul_core::{Millis, Status, Timestamp};
use longhaul_wire::query::Tally;

use crate::app::App;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::testing::{NOW, brief, condition, empty, ends_at, picture, press, read, sample, up};
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
    assert_eq!(app.count(crate::store::Standing::Stalled), 4, "who cannot be heard has not stalled");
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
    after(&mut app, Millis::seconds(16));
    assert_eq!(app.count(crate::store::Standing::Stalled), 4, "they have not had the time to be heard");
    after(&mut app, Millis::seconds(20));
    assert_eq!(app.count(crate::store::Standing::Stalled), 10, "they were not heard again");
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
    assert!(picture(&app).contains(" 1 task\n"));
}

fn counted(app: &mut App, status: &[(Status, u64)], older: u64) {
    let total = status.iter().map(|(_, n)| n).sum();
    let tally = Tally { total, status: status.iter().copied().collect(), unreadable: 0 };
    word(app, Word::Counted { tally, older });
}

/// A page of so many tasks.
fn listed(app: &mut App, tasks: std::ops::Range<u32>, status: Status, last: bool) {
    let tasks = tasks.map(|n| brief(n, status)).collect();
    word(app, Word::Listed { tasks, unreadable: 0, last });
    let later = app.now.plus(Millis(300));
    update(app, Msg::Tick(later));
}

#[test]
fn counts_come_first_and_then_the_rows() {
    let mut app = empty(120, 36);
    word(&mut app, up());
    counted(&mut app, &[(Status::Running, 400), (Status::Pending, 1_600), (Status::Completed, 98_000)], 0);
    let screen = picture(&app);
    assert!(screen.contains(" loading 0 of 100,000"), "{screen}");
    for text in ["400 running", "1.6k pending", "98.0k completed", "100,000 tasks", "Reading the list"] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
    listed(&mut app, 0..12_400, Status::Completed, false);
    let screen = picture(&app);
    assert!(screen.contains(" loading 12,400 of 100,000"), "{screen}");
    assert!(screen.contains("98.0k completed") && screen.contains("refactor billing"), "{screen}");
    app.size = (60, 15);
    assert!(line(&app, "longhaul").contains("loading 12,400 of 100,000"));
    app.size = (30, 8);
    assert!(
        picture(&app).contains("loading 12,400 of 100,000") && !picture(&app).contains("nothing needs you")
    );
    app.size = (80, 24);
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste("zzz".to_owned()));
    assert!(picture(&app).contains("read so far matches"), "it may yet come");
    press(&mut app, &["Esc"]);
    app.size = (120, 36);
    listed(&mut app, 12_400..12_500, Status::Running, true);
    let screen = picture(&app);
    assert!(
        !screen.contains("loading") && screen.contains("12,500 tasks"),
        "what counts now are the rows\n{screen}"
    );
}

#[test]
fn what_ended_long_ago_is_counted_and_can_be_found() {
    let mut app = empty(120, 36);
    word(&mut app, up());
    counted(
        &mut app,
        &[(Status::Running, 20), (Status::Failed, 300_020), (Status::Completed, 900_020)],
        1_200_000,
    );
    listed(&mut app, 0..20, Status::Running, false);
    listed(&mut app, 20..40, Status::Failed, false);
    listed(&mut app, 40..60, Status::Completed, true);
    let screen = picture(&app);
    for text in ["1.2M older: / finds them", "300k failed", "900k completed", "20 running", "1.2M tasks"] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
    let asked = {
        press(&mut app, &["/"]);
        update(&mut app, Msg::Paste("failed user:ana billing".to_owned()));
        press(&mut app, &["Enter"])
    };
    let [Effect::Search(words, filter)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(filter.status, [Status::Failed]);
    assert_eq!((filter.text.as_deref(), filter.user.as_ref().unwrap().as_str()), (Some("billing"), "ana"));
    let found = vec![brief(120, Status::Failed), brief(144, Status::Failed)];
    update(&mut app, Msg::Found { words: words.clone(), found: Ok((found, true)) });
    let later = app.now.plus(Millis(300));
    update(&mut app, Msg::Tick(later));
    let screen = picture(&app);
    assert!(screen.contains("2 older tasks found for failed user:ana billing: only the latest"), "{screen}");
    assert!(app.order.rows().len() >= 2, "{screen}");
    // Those that were found are not counted twice.
    assert_eq!(app.count(crate::store::Standing::Failed), 300_020);
    update(&mut app, Msg::Found { words: words.clone(), found: Err("no projector answers".to_owned()) });
    assert!(picture(&app).contains("older tasks cannot be looked for: no projector answers"));
    // Where all are listed, nothing is asked.
    let mut app = sample(120, 36);
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste("billing".to_owned()));
    assert!(press(&mut app, &["Enter"]).is_empty());
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
