//! Asking something of tasks.

use longhaul_client::fleet::{Brief, Link, Word};
use longhaul_core::{Millis, Sequence, Status};

use crate::app::{App, Popup, Steer};
use crate::effect::Effect;
use crate::msg::Msg;
use crate::testing::{NOW, address, brief, happened, picture, press, sample};
use crate::update::update;

/// A dashboard on the only task of a status that the filter leaves.
fn on(status: &str) -> App {
    let mut app = sample(120, 36);
    press(&mut app, &["/"]);
    update(&mut app, Msg::Paste(format!("status:{status}")));
    press(&mut app, &["Enter"]);
    app
}

#[test]
fn an_abort_is_asked_shown_and_forgotten_when_it_shows_itself() {
    let mut app = on("running");
    let at = app.store.address(app.selected().unwrap()).unwrap();
    press(&mut app, &["x"]);
    // Enter is no yes.
    assert_eq!(press(&mut app, &["Enter"]), []);
    assert_eq!(press(&mut app, &["y"]), [Effect::Steer(at.clone(), Steer::Abort)]);
    assert!(picture(&app).contains("aborting…"));
    let outcome = Ok("abort asked for".to_owned());
    update(&mut app, Msg::Answered { at: at.clone(), steer: Steer::Abort, outcome });
    assert_eq!(app.asked.len(), 1, "it has not shown itself yet");
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    let stopped = Brief { sequence: Sequence(2_000_000), ..brief(n, Status::Aborting) };
    update(&mut app, Msg::Word(happened(vec![stopped])));
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(1))));
    assert_eq!(app.asked, []);
}

#[test]
fn what_takes_long_is_said_in_words() {
    let mut app = on("running");
    let at = app.store.address(app.selected().unwrap()).unwrap();
    press(&mut app, &["x", "y"]);
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(4))));
    assert!(!picture(&app).contains("no answer yet"));
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(6))));
    assert!(picture(&app).contains("no answer yet"), "{}", picture(&app));
    let outcome = Ok("abort asked for".to_owned());
    update(&mut app, Msg::Answered { at, steer: Steer::Abort, outcome });
    assert!(picture(&app).contains("no effect yet"));
}

#[test]
fn an_approval_is_bound_to_what_was_looked_at() {
    let mut app = on("paused");
    let row = app.selected().unwrap();
    let (at, open) = (app.store.address(row).unwrap(), app.store.question(row.key).unwrap().clone());
    press(&mut app, &["a"]);
    let steer = Steer::Approve { approval: open.id, digest: open.digest };
    assert_eq!(press(&mut app, &["y"]), [Effect::Steer(at, steer)]);
}

#[test]
fn among_the_approvals_the_one_that_is_looked_at_is_meant() {
    let mut app = sample(120, 36);
    press(&mut app, &["G", "2", "j"]);
    let looked_at = app.subject().unwrap().key;
    let shown = crate::text::short(looked_at.task);
    assert!(picture(&app).contains(&format!("send_email by {shown}")), "{}", picture(&app));
    // A question that lapses sooner comes in above; one that was answered goes.
    let mut sooner = Brief { sequence: Sequence(2_000_000), ..brief(50, Status::Paused) };
    sooner.question.as_mut().unwrap().expires_at = NOW.plus(Millis::seconds(5));
    let answered = Brief { sequence: Sequence(2_000_001), ..brief(34, Status::Running) };
    update(&mut app, Msg::Word(happened(vec![sooner, answered])));
    assert_eq!(app.subject().unwrap().key, looked_at);
    let at = app.store.address(app.subject().unwrap()).unwrap();
    press(&mut app, &["a"]);
    let asked = press(&mut app, &["y"]);
    assert!(matches!(asked.as_slice(), [Effect::Steer(task, Steer::Approve { .. })] if *task == at));
}

#[test]
fn where_no_task_is_listed_none_is_meant() {
    let mut app = sample(120, 36);
    press(&mut app, &["3", "x", "a"]);
    assert!(app.popup.is_none());
    assert_eq!(app.subjects(), []);
}

#[test]
fn a_rejection_takes_a_reason() {
    let mut app = on("paused");
    press(&mut app, &["r", "n", "o", " ", "Enter"]);
    let [asked] = app.asked.as_slice() else { panic!("{:?}", app.asked) };
    assert!(matches!(&asked.steer, Steer::Reject { reason: Some(why), .. } if why == "no"));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    let mut app = on("completed");
    assert_eq!(press(&mut app, &["x"]), []);
    assert!(app.popup.is_none());
    assert!(picture(&app).contains("only a task that has not ended"), "{}", picture(&app));
}

#[test]
fn many_at_once_need_their_number() {
    let mut app = sample(120, 36);
    press(&mut app, &["*", "x"]);
    let Some(Popup::Confirm(confirm)) = &app.popup else { panic!("no question") };
    let n = confirm.then.len();
    assert!(n > 10 && n < 40, "{n}");
    assert_eq!(press(&mut app, &["y", "Enter"]), []);
    assert!(app.popup.is_some(), "y is too easy");
    press(&mut app, &["Backspace"]);
    for digit in n.to_string().chars() {
        press(&mut app, &[digit.to_string().as_str()]);
    }
    assert_eq!(press(&mut app, &["Enter"]).len(), n);
}

#[test]
fn a_refusal_is_told_and_kept() {
    let mut app = on("failed");
    let at = app.store.address(app.selected().unwrap()).unwrap();
    press(&mut app, &["R", "y"]);
    let outcome = Err("it was erased".to_owned());
    update(&mut app, Msg::Answered { at, steer: Steer::Retry, outcome });
    assert_eq!(app.asked, []);
    assert_eq!(app.inbox.unread(), 1);
    assert!(picture(&app).contains("it was erased"));
}

#[test]
fn nothing_is_asked_while_the_log_is_out_of_reach() {
    let mut app = on("running");
    let down = Link::Down { why: "connection refused".to_owned(), next: NOW.plus(Millis::seconds(2)) };
    update(&mut app, Msg::Word(Word::Link(down)));
    press(&mut app, &["x"]);
    assert!(app.popup.is_none());
    assert!(picture(&app).contains("DISCONNECTED"));
}
