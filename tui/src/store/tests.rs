use longhaul_client::fleet::{Brief, Word};
use longhaul_core::{Millis, Sequence, Status};

use super::{Counts, Standing, Store};
use crate::msg::Msg;
use crate::testing::{NOW, address, beats, brief, sample};
use crate::update::update;

#[test]
fn old_news_changes_nothing() {
    let mut store = Store::default();
    store.put(brief(1, Status::Completed));
    let old = Brief { sequence: Sequence(5), ..brief(1, Status::Running) };
    store.put(old);
    assert_eq!(store.counts().of(Standing::Completed), 1);
    assert_eq!(store.counts().total(), 1);
}

#[test]
fn a_hidden_task_is_known_and_not_counted() {
    let mut store = Store::default();
    store.put(brief(1, Status::Completed));
    store.put(Brief { dismissed: true, sequence: Sequence(2000), ..brief(1, Status::Completed) });
    assert_eq!(store.counts().total(), 0);
    assert!(store.key(&address(1)).is_some());
}

#[test]
fn runs_of_a_silent_executor_are_stalled_until_it_is_heard_again() {
    let mut app = sample(120, 36);
    let stalled = app.store.counts().of(Standing::Stalled);
    assert!(stalled > 0, "the second sample executor is silent");
    update(&mut app, Msg::Word(beats(Millis(100))));
    assert_eq!(app.store.counts().of(Standing::Stalled), 0);
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(10))));
    assert!(app.store.counts().of(Standing::Stalled) >= stalled, "both are silent now");
    assert_eq!(*app.store.counts(), Counts::recount(app.store.rows().map(|(_, row)| row)));
}

#[test]
fn an_executor_that_said_it_would_leave_has_left() {
    let mut app = sample(120, 36);
    let known = app.store.executors().len();
    let Word::Beats(mut pulses) = beats(Millis(100)) else { unreachable!("they are beats") };
    pulses.truncate(1);
    pulses[0].beat.draining = true;
    update(&mut app, Msg::Word(Word::Beats(pulses.clone())));
    assert_eq!(app.store.executors().len(), known, "it has runs to end first");
    pulses[0].beat.runs.clear();
    update(&mut app, Msg::Word(Word::Beats(pulses)));
    assert_eq!(app.store.executors().len(), known, "it is still heard");
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(10))));
    assert_eq!(app.store.executors().len(), known - 1);
}

#[test]
fn an_executor_that_is_lost_is_not_there_and_is_forgotten_in_the_end() {
    let mut app = sample(120, 36);
    update(&mut app, Msg::Word(beats(Millis(100))));
    assert_eq!(app.executors_there(), 2);
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(14))));
    assert_eq!(app.executors_there(), 2, "they are late");
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(16))));
    assert_eq!((app.executors_there(), app.store.executors().len()), (0, 2));
    update(&mut app, Msg::Tick(NOW.plus(Millis::minutes(12))));
    assert_eq!(app.store.executors().len(), 2, "tasks that run name them");
    let ended = (0..40).map(|n| Brief { sequence: Sequence(3_000_000), ..brief(n, Status::Completed) });
    update(&mut app, Msg::Word(Word::Listed { tasks: ended.collect(), unreadable: 0, last: true }));
    update(&mut app, Msg::Tick(NOW.plus(Millis::minutes(14))));
    assert!(app.store.executors().is_empty());
}

#[test]
fn a_question_is_known_for_as_long_as_it_is_open() {
    let mut app = sample(120, 36);
    let key = app.store.key(&address(2)).unwrap();
    assert!(app.store.question(key).is_some());
    let answered = Brief { sequence: Sequence(5000), ..brief(2, Status::Running) };
    update(&mut app, Msg::Word(Word::Listed { tasks: vec![answered], unreadable: 0, last: true }));
    assert!(app.store.question(key).is_none());
}

#[test]
fn a_hundred_thousand_rows_fit() {
    // A third of what the whole dashboard may take, texts that are not shared aside.
    assert!(size_of::<super::Row>() * 100_000 <= 50 << 20, "{} bytes", size_of::<super::Row>());
}
