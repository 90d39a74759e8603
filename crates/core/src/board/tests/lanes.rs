//! The foreground: slots of its own, beside those of the background.

use super::log::*;
use crate::board::{Candidate, WaitReason};
use crate::*;

fn caps(user: u32, organisation: u32, foreground: u32) -> Policy {
    let caps = Caps { user, organisation, conversation: 1, foreground };
    Policy { caps, ..Policy::default() }
}

/// A world in which a user has as many tasks running in the background as it may.
fn busy() -> World {
    let mut w = World::new(roomy());
    for n in 1..=6 {
        w.log.submit(n, "acme/ann");
    }
    assert_eq!(w.go().len(), 6);
    w
}

#[test]
fn the_foreground_does_not_wait_for_the_background() {
    let mut w = busy();
    let seventh = w.log.submit(7, "acme/ann");
    let asked = w.log.submit(8, "acme/ann^");
    assert_eq!(w.waits(seventh), "user_cap 1");
    assert_eq!(w.go(), [asked]);
    assert_eq!(w.waits(seventh), "user_cap 1", "nobody stands before it that it does not wait for");
    w.log.complete(asked);
    assert_eq!(w.go(), [], "the slot of the foreground is none of the background");
}

#[test]
fn the_third_in_the_foreground_waits_and_says_why() {
    let mut w = busy();
    let asked: Vec<TaskId> = (11..=14).map(|n| w.log.submit(n, "acme/ann^")).collect();
    assert_eq!(w.go(), asked[..2]);
    let why = w.why(asked[2]).unwrap();
    assert_eq!(why.reason, WaitReason::ForegroundCap { running: 2, cap: 2 });
    assert_eq!(why.to_string(), "2 of the user's 2 foreground slots are taken, place 1");
    assert_eq!(why.blockers, asked[..2], "those that it waits for, not what runs in the background");
    assert_eq!(w.waits(asked[3]), "foreground_cap 2");
    let other = w.log.submit(20, "acme/bob^");
    assert_eq!(w.go(), [other], "another user has slots of his own");
    w.log.complete(asked[0]);
    assert_eq!(w.go(), [asked[2]]);
}

#[test]
fn it_takes_no_slot_of_the_background() {
    let mut w = World::new(roomy());
    w.log.policy("acme", caps(1, 1, 2));
    for n in 1..=2 {
        w.log.submit(n, "acme/ann^");
    }
    assert_eq!(w.go().len(), 2);
    let background = w.log.submit(3, "acme/ann");
    assert_eq!(w.go(), [background]);
    let (second, beside) = (w.log.submit(4, "acme/bob"), w.log.submit(5, "acme/bob^"));
    assert_eq!(w.go(), [beside], "the organisation is full, its foreground is not");
    assert_eq!(w.waits(second), "organisation_cap 1");
    let blockers = w.why(second).unwrap().blockers;
    assert_eq!(blockers, [background]);
}

#[test]
fn it_speaks_beside_what_its_conversation_waits_for() {
    let mut w = World::new(roomy());
    let report = w.log.submit(1, "acme/ann/chat");
    assert_eq!(w.go(), [report]);
    let (next, asked) = (w.log.submit(2, "acme/ann/chat"), w.log.submit(3, "acme/ann/chat^"));
    assert_eq!(w.go(), [asked]);
    assert_eq!(w.waits(next), "conversation 1");
    assert_eq!(w.why(next).unwrap().blockers, [report], "what is said beside it is not in its way");
    // And it keeps the conversation from nobody, running or paused.
    w.log.ask(asked).unwrap();
    w.log.complete(report);
    assert_eq!(w.go(), [next]);
    w.log.answer(asked).unwrap();
    assert_eq!(w.go(), [asked]);
}

#[test]
fn of_a_users_tasks_the_foreground_goes_first() {
    let mut w = World::new(roomy());
    let urgent = Submission { priority: Priority::Interactive, ..submission("acme/ann") };
    let (report, asked) = (w.log.submit_as(1, urgent), w.log.submit(2, "acme/ann^"));
    assert_eq!(w.admit(1), [asked]);
    assert_eq!(w.admit(1), [report]);
}

/// A user that is served in the foreground while its organisation has no slot left keeps its turn in the
/// background: it could have had none there.
#[test]
fn a_turn_in_the_foreground_costs_none_where_there_is_no_slot() {
    let mut w = World::new(roomy());
    w.log.policy("acme", caps(6, 1, 2));
    let first = w.log.submit(1, "acme/zoe");
    w.go();
    let (ann, bob) = (w.log.submit(2, "acme/ann"), w.log.submit(3, "acme/bob"));
    for n in 10..14 {
        let asked = w.log.submit(n, "acme/ann^");
        assert_eq!(w.go(), [asked]);
        w.log.complete(asked);
    }
    w.log.complete(first);
    assert_eq!(w.go(), [ann]);
    assert_eq!(w.waits(bob), "organisation_cap 1");
}

#[test]
fn a_budget_that_is_used_up_binds_both() {
    let mut w = World::new(roomy());
    let budget = Some(TokenBudget { tokens: 0, per: Period::Ever });
    w.log.policy("acme", Policy { budget, ..Policy::default() });
    let asked = w.log.submit(1, "acme/ann^");
    assert_eq!(w.go(), []);
    assert_eq!(w.waits(asked), "token_budget 1");
}

#[test]
fn a_forecast_knows_the_lane() {
    let mut w = busy();
    let mut forecast = |path: &str| {
        w.follow();
        let now = w.log.now;
        w.board.forecast(&Candidate::from(&submission(path)), now).reason.code()
    };
    assert_eq!(forecast("acme/ann"), "user_cap");
    assert_eq!(forecast("acme/ann^"), "next");
}
