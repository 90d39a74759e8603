//! One's own tasks, files, what is in front of other programs.

use longhaul_client::fleet::{Brief, Word};
use longhaul_core::{Sequence, Status, Timestamp};

use crate::app::{App, Popup, Steer, View};
use crate::diff::Change;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::testing::{NOW, Until, address, brief, happened, picture, press, sample, story};
use crate::update::update;

/// A dashboard on one's own tasks.
fn mine(columns: u16, rows: u16) -> App {
    let mut app = sample(columns, rows);
    press(&mut app, &["7"]);
    app
}

/// The row one is on, moved to one of a status.
fn onto(app: &mut App, status: Status) {
    let at = app.mine.rows().iter().position(|at| app.store.row(*at).status == status).unwrap();
    press(app, &["g"]);
    (0..at).for_each(|_| drop(press(app, &["j"])));
    assert_eq!(app.subject().unwrap().status, status);
}

#[test]
fn only_ones_own_tasks_are_there_the_newest_first() {
    let app = mine(120, 36);
    let rows: Vec<_> = app.mine.rows().iter().map(|at| app.store.row(*at)).collect();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| app.store.name(row.user) == "ana"));
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row.submitted_at)));
    insta::assert_snapshot!("mine-120x36", picture(&app));
    insta::assert_snapshot!("mine-80x24", picture(&mine(80, 24)));
}

#[test]
fn alone_nothing_else_is_there() {
    let mut app = mine(60, 20);
    app.alone = true;
    for key in ["1", "Tab", "Esc", "6", "2"] {
        press(&mut app, &[key]);
        assert_eq!(app.view, View::Mine, "{key}");
    }
    insta::assert_snapshot!("mine-alone-60x20", picture(&app));
    update(&mut app, Msg::Resize(30, 10));
    insta::assert_snapshot!("mine-alone-30x10", picture(&app));
}

#[test]
fn what_has_ended_stays_until_it_is_removed() {
    let mut app = mine(120, 36);
    onto(&mut app, Status::Completed);
    let key = app.subject().unwrap().key;
    let at = app.store.address(app.subject().unwrap()).unwrap();
    press(&mut app, &["D"]);
    assert_eq!(press(&mut app, &["y"]), [Effect::Steer(at.clone(), Steer::Dismiss)]);
    assert!(picture(&app).contains("hiding…"));
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    let gone = Brief { dismissed: true, sequence: Sequence(9000), ..brief(n, Status::Completed) };
    update(&mut app, Msg::Word(happened(vec![gone])));
    update(&mut app, Msg::Tick(Timestamp(NOW.0 + 2000)));
    assert!(app.mine.rows().iter().all(|at| app.store.row(*at).key != key));
}

#[test]
fn escape_on_a_running_task_is_a_stop_button() {
    let mut app = mine(120, 36);
    onto(&mut app, Status::Running);
    let at = app.store.address(app.subject().unwrap()).unwrap();
    press(&mut app, &["Enter", "Esc"]);
    assert!(matches!(&app.popup, Some(Popup::Confirm(confirm)) if confirm.leaves));
    // Once more: nothing is stopped, and one is back in the list.
    press(&mut app, &["Esc"]);
    assert!(app.popup.is_none() && app.opened.is_none());
    press(&mut app, &["Enter", "Esc"]);
    assert_eq!(press(&mut app, &["y"]), [Effect::Steer(at, Steer::Abort)]);
    assert!(app.opened.is_some(), "one goes on watching it stop");
}

#[test]
fn a_download_is_shown_as_asked_and_then_says_where() {
    let mut app = mine(120, 36);
    onto(&mut app, Status::Completed);
    let at = app.store.address(app.subject().unwrap()).unwrap();
    assert_eq!(press(&mut app, &["o"]), [Effect::Download(at.clone())]);
    assert!(picture(&app).contains("fetching…"));
    let outcome = Ok("written: ./report.pdf".to_owned());
    update(&mut app, Msg::Done { at: Some(at.clone()), outcome });
    assert!(!picture(&app).contains("fetching…") && picture(&app).contains("./report.pdf"));
    press(&mut app, &["o"]);
    update(&mut app, Msg::Done { at: Some(at), outcome: Err("it was\u{1b}[2J erased".to_owned()) });
    assert!(picture(&app).contains("it was[2J erased"));
    assert_eq!(app.inbox.unread(), 2, "both are kept");
}

#[test]
fn changed_arguments_are_shown_before_they_are_sent() {
    let mut app = mine(120, 36);
    onto(&mut app, Status::Paused);
    let Some(Effect::Edit(draft)) = press(&mut app, &["m"]).pop() else { panic!("no editor") };
    assert!(draft.text.contains("segment:plan-b"));
    let mut changed = draft.clone();
    changed.text = draft.text.replace("plan-b", "plan-c");
    update(&mut app, Msg::Edited(Ok(changed.clone())));
    let Some(Popup::Confirm(confirm)) = &app.popup else { panic!("no question") };
    let differ = |change: &&Change| matches!(change, Change::In(_) | Change::Out(_));
    assert_eq!(confirm.changes.iter().filter(differ).count(), 2);
    insta::assert_snapshot!("modify-120x36", picture(&app));
    let asked = press(&mut app, &["y"]);
    let [Effect::Steer(at, Steer::Modify { approval, digest, arguments })] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!((at, *approval, *digest), (&draft.at, draft.approval, draft.digest));
    assert_eq!(arguments["to"], "segment:plan-c");
}

#[test]
fn what_is_no_json_is_not_sent_and_not_lost() {
    let mut app = mine(120, 36);
    onto(&mut app, Status::Paused);
    let Some(Effect::Edit(draft)) = press(&mut app, &["m"]).pop() else { panic!("no editor") };
    let mut broken = draft.clone();
    broken.text = "{ \"to\": ".to_owned();
    update(&mut app, Msg::Edited(Ok(broken.clone())));
    assert!(app.popup.is_none() && app.asked.is_empty());
    assert!(picture(&app).contains("that is no JSON"), "{}", picture(&app));
    assert_eq!(press(&mut app, &["m"]), [Effect::Edit(broken)], "one goes on where one was");
    update(&mut app, Msg::Edited(Ok(draft)));
    assert!(app.popup.is_none() && picture(&app).contains("nothing was changed"));
}

#[test]
fn what_does_not_fit_what_is_asked_is_not_sent_and_not_lost() {
    let mut app = mine(120, 36);
    onto(&mut app, Status::Paused);
    let Some(Effect::Edit(draft)) = press(&mut app, &["m"]).pop() else { panic!("no editor") };
    let mut other = draft.clone();
    other.text = draft.text.replace("\"segment:plan-b\"", "[\"plan-c\"]");
    update(&mut app, Msg::Edited(Ok(other.clone())));
    assert!(app.popup.is_none() && app.asked.is_empty());
    assert!(
        picture(&app).contains("does not fit, to: it is an array, it must be string"),
        "{}",
        picture(&app)
    );
    assert_eq!(press(&mut app, &["m"]), [Effect::Edit(other)], "one goes on where one was");
}

#[test]
fn a_fork_begins_after_a_recorded_step() {
    let mut app = mine(120, 36);
    onto(&mut app, Status::Running);
    let at = app.store.address(app.subject().unwrap()).unwrap();
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    press(&mut app, &["F"]);
    assert!(app.popup.is_none() && picture(&app).contains("not read yet"));
    press(&mut app, &["Enter"]);
    update(&mut app, Msg::Told(at.clone(), story(n, Until::Running)));
    press(&mut app, &["F", "Enter"]);
    let step = "planning".to_owned();
    assert_eq!(press(&mut app, &["y"]), [Effect::Steer(at, Steer::Fork { step })]);
    press(&mut app, &[":", "f", "o", "r", "k", "Space", "9", "9", "Enter"]);
    assert!(
        app.popup.is_none() && picture(&app).contains("no step 99: there are planning"),
        "{}",
        picture(&app)
    );
}

#[test]
fn what_is_listed_is_exported_and_of_an_opened_task_its_history() {
    let mut app = sample(120, 36);
    let asked = press(&mut app, &["E", "j", "j", "Enter"]);
    let [Effect::Save { name, text }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(name, "tasks-143207.csv");
    assert_eq!(text.lines().count(), app.order.rows().len() + 1);
    press(&mut app, &["Space", "Space"]);
    let asked = press(&mut app, &["E", "Enter"]);
    let [Effect::Save { text, .. }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(text.lines().count(), 2, "those that are marked");
    press(&mut app, &["Enter"]);
    let at = app.opened.as_ref().unwrap().at.clone();
    assert_eq!(press(&mut app, &["E"]), [Effect::History(at)]);
}

#[test]
fn the_bell_rings_for_questions_and_failures_and_not_often() {
    let mut app = sample(80, 24);
    let rings = |app: &mut App, n, status| {
        let task = Brief { sequence: Sequence(2_000_000 + u64::from(n)), ..brief(n, status) };
        let effects = update(app, Msg::Word(happened(vec![task])));
        effects.iter().filter(|effect| matches!(effect, Effect::Ring(_))).count()
    };
    assert_eq!(rings(&mut app, 60, Status::Running), 0);
    assert_eq!(rings(&mut app, 61, Status::Paused), 1);
    assert_eq!(rings(&mut app, 62, Status::Failed), 0, "too soon");
    update(&mut app, Msg::Tick(Timestamp(NOW.0 + 11_000)));
    assert_eq!(rings(&mut app, 63, Status::Failed), 1);
    update(&mut app, Msg::Tick(Timestamp(NOW.0 + 30_000)));
    press(&mut app, &[":", "b", "e", "l", "l", " ", "o", "f", "f", "Enter"]);
    assert_eq!(rings(&mut app, 64, Status::Failed), 0);
}

#[test]
fn many_at_once_are_told_of_as_one() {
    let mut app = sample(120, 36);
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste("status:failed".to_owned()));
    press(&mut app, &["Enter", "*", "R"]);
    let asked = press(&mut app, &["y"]);
    assert_eq!(asked.len(), 5);
    for (place, effect) in asked.into_iter().enumerate() {
        let Effect::Steer(at, steer) = effect else { panic!("{effect:?}") };
        let outcome = if place == 2 { Err("it was erased".to_owned()) } else { Ok("queued".to_owned()) };
        update(&mut app, Msg::Answered { at, steer, outcome });
    }
    let told: Vec<_> = app.inbox.notices().map(|notice| notice.text.clone()).collect();
    assert_eq!(told[0], "queued for another attempt of 4 tasks, 1 refused");
    assert!(told[1].contains("it was erased"));
    assert_eq!(told.len(), 2);
}

#[test]
fn commands_do_what_they_say() {
    let mut app = sample(120, 36);
    let typed = |app: &mut App, text: &str| {
        press(app, &[":"]);
        update(app, Msg::Paste(text.to_owned()));
        press(app, &["Enter"])
    };
    typed(&mut app, "tasks failed");
    assert_eq!(app.order.rows().len(), 5);
    typed(&mut app, "sort tokens");
    assert_eq!(app.sort.by, crate::store::SortBy::Tokens);
    let id = crate::text::short(app.store.row(app.order.rows()[2]).key.task);
    let opened = typed(&mut app, &format!("task {id}"));
    assert!(matches!(opened.as_slice(), [Effect::Open(at)] if crate::text::short(at.task) == id));
    typed(&mut app, "nonsense");
    assert!(picture(&app).contains("no command is called nonsense"));
    typed(&mut app, "bulk retry");
    assert!(matches!(&app.popup, Some(Popup::Confirm(confirm)) if confirm.then.len() == 5));
    press(&mut app, &["Esc", ":", "t", "h"]);
    insta::assert_snapshot!("command-120x36", picture(&app));
    press(&mut app, &["Tab"]);
    assert_eq!(app.prompt.as_ref().unwrap().input.value(), "theme ");
}

#[test]
fn what_was_looked_for_is_found_again() {
    let mut app = sample(120, 36);
    press(&mut app, &["n"]);
    assert!(picture(&app).contains("nothing was looked for yet"));
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste("status:failed".to_owned()));
    press(&mut app, &["Enter", "Esc", "g"]);
    assert!(app.filter.is_empty());
    let mut seen = Vec::new();
    for _ in 0..6 {
        press(&mut app, &["n"]);
        assert_eq!(app.selected().unwrap().status, Status::Failed);
        seen.push(app.list().at);
    }
    assert_eq!(seen[5], seen[0], "round and round");
    press(&mut app, &["N"]);
    assert_eq!(app.list().at, seen[4]);
}

#[test]
fn columns_are_chosen_and_fit_whatever_the_width() {
    let mut app = sample(120, 36);
    press(&mut app, &["c", "j", "j", "j", "j", "j", "Enter", "j", "Enter", "Esc"]);
    let screen = picture(&app);
    assert!(screen.contains("User") && screen.contains("Kind"), "{screen}");
    for columns in [60, 80, 200] {
        update(&mut app, Msg::Resize(columns, 24));
        assert!(picture(&app).contains("Status"), "{columns}");
    }
    update(&mut app, Msg::Word(Word::Anew));
    assert!(app.mine.rows().is_empty());
}

#[test]
fn why_it_waits_and_why_it_stopped_is_told_in_sentences() {
    let mut app = sample(120, 36);
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste("status:held".to_owned()));
    press(&mut app, &["Enter"]);
    let at = app.store.address(app.selected().unwrap()).unwrap();
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    press(&mut app, &["w"]);
    let waiting =
        longhaul_client::fleet::Told::Anew { snapshot: crate::testing::pending(n), events: Vec::new() };
    update(&mut app, Msg::Told(at, waiting));
    insta::assert_snapshot!("why-held-120x36", picture(&app));

    let mut app = sample(120, 36);
    press(&mut app, &["w"]);
    let at = app.opened.as_ref().unwrap().at.clone();
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    update(&mut app, Msg::Told(at, story(n, Until::Aborted)));
    insta::assert_snapshot!("why-aborted-120x36", picture(&app));
}
