//! Reading what a task wrote and what happens: looking for text, wrapping, following, what is left out.

use longhaul_client::TextPart;
use longhaul_client::fleet::{Brief, Changes, Happening, Told, Word};
use longhaul_core::{Sequence, Snapshot, Status};
use longhaul_wire::Shard;
use ratatui::style::Modifier;

use crate::app::{App, Pane, View};
use crate::msg::Msg;
use crate::testing::{
    NOW, THEMES, Until, address, brief, drawn, happened, picture, press, sample, story, styles, task_id,
};
use crate::update::update;

/// A dashboard on the opened first sample task, with a text of so many lines.
fn opened(columns: u16, rows: u16, lines: usize) -> App {
    let mut app = sample(columns, rows);
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste(format!("id:{}", task_id(1))));
    press(&mut app, &["Enter", "Enter"]);
    update(&mut app, Msg::Told(address(1), story(1, Until::Running)));
    write(&mut app, &(0..lines).map(|n| format!("line {n} of the text\n")).collect::<String>());
    app
}

fn write(app: &mut App, text: &str) {
    update(app, Msg::Told(address(1), Told::Text(TextPart::Text(text.to_owned()))));
}

/// So many more events of the opened task.
fn go_on(app: &mut App, name: &'static str, n: u64) {
    let event = |n: u64| Happening {
        sequence: Sequence(1_300_000 + n),
        at: NOW,
        task: address(1),
        name,
        text: format!("{}{n}", "a long way to say something ".repeat(4)),
    };
    let snapshot: Box<Snapshot> = app.opened.as_ref().unwrap().snapshot.clone().unwrap();
    let told = Told::More { snapshot, events: (0..n).map(event).collect() };
    update(app, Msg::Told(address(1), told));
}

fn look_for(app: &mut App, text: &str) {
    press(app, &["/"]);
    update(app, Msg::Paste(text.to_owned()));
}

fn last_line(app: &App) -> String {
    let screen = picture(app);
    screen.lines().rev().find(|line| line.contains('╰')).unwrap().to_owned()
}

#[test]
fn text_is_found_in_a_pane_and_one_goes_from_place_to_place() {
    let mut app = opened(80, 24, 300);
    press(&mut app, &["Tab"]);
    assert_eq!(app.opened.as_ref().unwrap().pane, Pane::Text);
    look_for(&mut app, "LINE 1");
    assert!(last_line(&app).contains("/LINE 1 "), "it is found as one types: {}", picture(&app));
    press(&mut app, &["Enter"]);
    // 1, 10 to 19, 100 to 199; one begins where one is: at the end of the text, so at the first.
    assert!(last_line(&app).contains("/LINE 1 1/111"), "{}", last_line(&app));
    assert!(picture(&app).contains("line 1 of the text"));
    press(&mut app, &["n", "n"]);
    assert!(last_line(&app).contains("3/111") && picture(&app).contains("line 11 of the text"));
    press(&mut app, &["N", "N", "N"]);
    assert!(last_line(&app).contains("111/111") && picture(&app).contains("line 199 of the text"));
    // What is found is marked, not by a colour: reversed in the line one is at, underlined elsewhere.
    let buffer = drawn(&app);
    let marks = |has: Modifier| {
        let cells = buffer.content.iter().filter(|cell| cell.modifier.contains(has));
        cells.map(ratatui::buffer::Cell::symbol).collect::<String>()
    };
    assert_eq!(marks(Modifier::UNDERLINED | Modifier::REVERSED), "line 1");
    assert!(marks(Modifier::UNDERLINED).starts_with("line 1line 1"));
    // What comes does not move it away; what is found is counted on.
    write(&mut app, "line 1000 of the text\n");
    update(&mut app, Msg::Tick(NOW.plus(longhaul_core::Millis::seconds(2))));
    assert!(last_line(&app).contains("111/112"), "{}", last_line(&app));
    press(&mut app, &["Esc"]);
    assert!(
        app.opened.as_ref().unwrap().find.is_none() && app.popup.is_none(),
        "Esc ends it and stops nothing"
    );
    look_for(&mut app, "nowhere");
    assert!(last_line(&app).contains("/nowhere not found"));
    press(&mut app, &["Esc"]);
    assert!(app.opened.as_ref().unwrap().find.is_none(), "Esc takes back what was typed");
}

#[test]
fn what_is_looked_for_is_found_in_every_pane() {
    for (pane, text) in [
        (Pane::Events, "querying"),
        (Pane::Input, "who pays late"),
        (Pane::About, "priority"),
        (Pane::Usage, "model calls"),
        (Pane::Chain, "submitted"),
        (Pane::Why, "running"),
    ] {
        let mut app = opened(120, 36, 3);
        while app.opened.as_ref().unwrap().pane != pane {
            press(&mut app, &["Tab"]);
        }
        look_for(&mut app, text);
        press(&mut app, &["Enter"]);
        assert!(last_line(&app).contains(&format!("/{text} 1/")), "{pane:?}: {}", picture(&app));
        assert!(styles(&app).contains(text), "{pane:?}");
    }
}

#[test]
fn a_running_task_says_what_it_waits_for_itself() {
    let mut app = opened(120, 36, 3);
    let waits = longhaul_core::Waits {
        code: longhaul_core::RATE_LIMIT.to_owned(),
        provider: "openai".to_owned(),
        until: app.now,
    };
    app.opened.as_mut().unwrap().snapshot.as_mut().unwrap().progress.waits = Some(waits);
    while app.opened.as_ref().unwrap().pane != Pane::Why {
        press(&mut app, &["Tab"]);
    }
    assert!(picture(&app).contains("It waits for the rate limit of openai until"), "{}", picture(&app));
}

#[test]
fn long_lines_are_wrapped_or_cut() {
    let mut app = opened(80, 24, 0);
    go_on(&mut app, "failed", 2);
    let cut = picture(&app);
    assert_eq!(cut.matches("failed  ").count(), 2);
    press(&mut app, &["W"]);
    let whole = picture(&app);
    assert!(whole.contains("something 1") && !cut.contains("something 1"), "the end is there too\n{whole}");
    press(&mut app, &["W"]);
    assert_eq!(picture(&app), cut);
    press(&mut app, &["Tab"]);
    write(&mut app, &"word ".repeat(40));
    assert!(!picture(&app).contains('…'), "texts are wrapped from the beginning");
    press(&mut app, &["W"]);
    assert!(picture(&app).contains('…'));
}

#[test]
fn wrapped_events_are_where_they_are_counted() {
    let mut app = opened(80, 24, 0);
    go_on(&mut app, "failed", 40);
    press(&mut app, &["W", "g"]);
    let (mut before, mut seen) = (String::new(), 0);
    // Line by line to the end: every event comes once.
    for _ in 0..400 {
        let screen = picture(&app);
        seen += usize::from(screen != before);
        before = screen;
        press(&mut app, &["j"]);
    }
    assert!(before.contains("something 39"), "{before}");
    assert!(seen > 100, "one line at a time: {seen}");
    assert!(before.contains("following"), "at the end it is followed again");
}

#[test]
fn a_tail_that_is_not_followed_says_what_came() {
    let mut app = opened(80, 24, 0);
    go_on(&mut app, "failed", 50);
    assert!(last_line(&app).contains("following"));
    press(&mut app, &["k"]);
    let before = picture(&app);
    go_on(&mut app, "failed", 214);
    assert!(last_line(&app).contains("214 new, f follows"), "{}", last_line(&app));
    let shown =
        |screen: &str| screen.lines().skip(12).take(8).map(|line| line.replace('┃', "│")).collect::<Vec<_>>();
    assert_eq!(shown(&picture(&app)), shown(&before), "what one reads stays");
    press(&mut app, &["f"]);
    assert!(last_line(&app).contains("following"));
}

#[test]
fn what_is_not_kept_is_counted() {
    let mut app = opened(80, 24, 0);
    for _ in 0..3 {
        go_on(&mut app, "failed", 5_000);
    }
    press(&mut app, &["k", "g"]);
    assert!(picture(&app).contains("5.0k earlier ones are not kept here"), "{}", picture(&app));
    press(&mut app, &["Tab"]);
    write(&mut app, &"0123456789abcdef\n".repeat(70_000));
    press(&mut app, &["g"]);
    assert!(picture(&app).contains("of earlier text are not kept here"), "{}", picture(&app));
}

#[test]
fn the_noise_of_a_run_is_left_out_until_it_is_asked_for() {
    let mut app = opened(80, 24, 0);
    go_on(&mut app, "progressed", 30);
    assert!(!picture(&app).contains("progressed"));
    press(&mut app, &["e"]);
    assert!(picture(&app).contains("progressed"));
    press(&mut app, &["e"]);
    assert!(!picture(&app).contains("progressed"));
}

/// The log goes on by one event of each of these tasks.
fn happens(app: &mut App, name: &'static str, tasks: &[u32]) {
    let event = |n: &u32| Happening {
        sequence: Sequence(2_000_000 + u64::from(*n)),
        at: NOW,
        task: address(*n),
        name,
        text: format!("by task {n}"),
    };
    update(
        app,
        Msg::Word(Word::Happened(Box::new(Changes {
            shard: Shard(0),
            up_to: Sequence(3_000_000),
            stored_at: NOW,
            behind: 0,
            tasks: Vec::new(),
            events: tasks.iter().map(event).collect(),
            unreadable: 0,
        }))),
    );
}

#[test]
fn the_tail_of_the_log_is_filtered_and_stays_where_one_reads() {
    let mut app = sample(80, 24);
    press(&mut app, &["5"]);
    happens(&mut app, "failed", &(0..100).collect::<Vec<_>>());
    happens(&mut app, "progressed", &(0..100).collect::<Vec<_>>());
    assert!(!picture(&app).contains("progressed") && picture(&app).contains("101 of 201"));
    press(&mut app, &["j", "j", "PgDn"]);
    let on = |app: &App| app.tail.newest().nth(app.list().at).cloned().unwrap();
    let before = on(&app);
    happens(&mut app, "failed", &[1, 2, 3]);
    assert_eq!(on(&app), before, "what one reads stays");
    assert!(last_line(&app).contains("newer, g to see"), "{}", last_line(&app));
    press(&mut app, &["g"]);
    happens(&mut app, "completed", &[7]);
    assert_eq!(on(&app).name, "completed", "at the top one sees what is new");
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste("COMPLETED !step".to_owned()));
    assert!(picture(&app).contains("1 of "), "as one types: {}", picture(&app));
    press(&mut app, &["Enter"]);
    happens(&mut app, "failed", &[9]);
    happens(&mut app, "completed", &[11]);
    assert_eq!(app.tail.len(), 2);
    press(&mut app, &["Enter"]);
    assert_eq!(app.opened.as_ref().unwrap().at, address(11), "Enter opens what one is on");
    press(&mut app, &["h", "Esc"]);
    assert!(app.sift.text().is_empty() && app.view == View::Events);
    press(&mut app, &["e"]);
    assert!(app.tail.len() == app.tail.kept());
    update(
        &mut app,
        Msg::Word(happened(vec![Brief { sequence: Sequence(9_000_000), ..brief(1, Status::Running) }])),
    );
    press(&mut app, &["!"]);
    assert!(app.prompt.as_ref().unwrap().input.value().starts_with('!'));
    press(&mut app, &["Esc", "Esc"]);
    assert_eq!(app.view, View::Tasks);
}

#[test]
fn what_is_found_as_it_looks() {
    for (name, theme) in THEMES.into_iter().filter(|(name, _)| matches!(*name, "dark" | "mono")) {
        let mut app = opened(80, 24, 300);
        app.theme = theme;
        press(&mut app, &["Tab"]);
        look_for(&mut app, "of the");
        press(&mut app, &["Enter", "n", "n"]);
        insta::assert_snapshot!(format!("found-{name}"), format!("{}\n\n{}", picture(&app), styles(&app)));
    }
}
