//! A model check of admission, claim and run hand-over: every interleaving of two schedulers, two
//! executors and their clients over the real `decide`, `apply` and `Board`, within small bounds.
//!
//! A scheduler may lag, a process may crash between any two messages, an answer may be lost, a
//! dispatch may come twice, a run may be declared lost while its executor is only slow. In every state
//! the laws of [`laws`] hold, and from every state the system comes to an end by itself.
//!
//! What the bounds are, and what was explored, is told in `docs/model.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests may panic and tell")]

mod explore;
mod laws;
mod moves;
mod pure;
mod state;
mod tell;
mod world;

use explore::explore;
use laws::Law;
use longhaul_core::Caps;
use pure::Scene;
use state::Chances;
use world::{Bounds, Flaw, World};

/// More states than this are no small model any more.
const MOST: usize = 12_000_000;

const CAPS: Caps = Caps { user: 1, organisation: 2, conversation: 1, foreground: 1 };

const NONE: Chances =
    Chances { crashes: 0, lost_answers: 0, slow: 0, aborts: 0, retries: 0, slices: 0, fails: 0, asks: 0 };

/// Two schedulers, two executors, and these tasks, submitted one after the other.
fn bounds(tasks: &[&'static str], steps: usize, chances: Chances) -> Bounds {
    let scene = Scene { tasks: tasks.to_vec(), steps, attempts: 2, caps: CAPS };
    Bounds { scene, schedulers: 2, lag: 1, submitted: 0, chances }
}

/// The same, where the tasks are there from the beginning.
fn submitted(bounds: Bounds) -> Bounds {
    Bounds { submitted: bounds.scene.tasks.len(), ..bounds }
}

/// Every law holds in every state, and no state is stuck.
fn holds(bounds: Bounds) {
    let scene = format!("{bounds:?}");
    let explored = explore(&mut World::new(bounds, None), MOST);
    println!("{scene}\n{explored}\n");
    if let Some(fault) = explored.fault {
        panic!("{fault}");
    }
}

/// The model finds the harm a mistake would do.
fn finds(flaw: Flaw, law: Law, bounds: Bounds) {
    let explored = explore(&mut World::new(bounds, Some(flaw)), MOST);
    println!("{flaw:?}: {explored}\n");
    let fault = explored.fault.expect("the flaw is not found");
    assert_eq!(fault.law, law.to_string());
}

#[test]
fn users_compete_for_slots() {
    let chances = Chances { crashes: 1, ..NONE };
    holds(submitted(bounds(&["ann", "ann", "bob"], 0, chances)));
}

#[test]
fn what_is_urgent_comes_later_and_goes_first() {
    let chances = Chances { lost_answers: 1, ..NONE };
    holds(Bounds { submitted: 1, ..bounds(&["ann", "ann!", "bob"], 0, chances) });
}

#[test]
fn a_conversation_is_kept_while_somebody_is_asked() {
    let chances = Chances { crashes: 1, aborts: 1, asks: 1, ..NONE };
    holds(bounds(&["ann/chat", "bob/chat"], 0, chances));
}

#[test]
fn the_foreground_takes_slots_of_its_own() {
    let chances = Chances { crashes: 1, ..NONE };
    holds(submitted(bounds(&["ann/chat", "ann/chat^", "ann^"], 0, chances)));
    let chances = Chances { lost_answers: 1, aborts: 1, ..NONE };
    holds(bounds(&["ann/chat", "ann/chat^"], 0, chances));
}

#[test]
fn an_abort_meets_crashes_lost_answers_and_a_slow_executor() {
    let chances = Chances { crashes: 1, lost_answers: 1, slow: 1, aborts: 1, ..NONE };
    holds(bounds(&["ann"], 1, chances));
}

#[test]
fn a_slot_passes_on_among_aborts_crashes_and_losses() {
    let chances = Chances { crashes: 1, slow: 1, aborts: 1, ..NONE };
    holds(bounds(&["ann", "ann"], 0, chances));
}

#[test]
fn runs_side_by_side_meet_aborts_and_losses() {
    holds(submitted(bounds(&["ann", "bob"], 0, Chances { slow: 1, aborts: 1, ..NONE })));
    holds(submitted(bounds(&["ann", "bob"], 0, Chances { crashes: 1, aborts: 1, ..NONE })));
}

#[test]
fn a_failed_or_aborted_task_is_tried_again() {
    let chances = Chances { lost_answers: 1, fails: 1, aborts: 1, retries: 1, ..NONE };
    holds(bounds(&["ann"], 1, chances));
}

#[test]
fn recorded_steps_survive_slices_questions_and_losses() {
    let chances = Chances { crashes: 1, slow: 1, slices: 1, ..NONE };
    holds(bounds(&["ann"], 2, chances));
    let chances = Chances { slow: 1, slices: 1, asks: 1, ..NONE };
    holds(bounds(&["ann"], 2, chances));
}

#[test]
fn the_ledger_needs_its_expectation() {
    finds(Flaw::LedgerUnchecked, Law::UserCap, bounds(&["ann", "ann!"], 0, NONE));
}

#[test]
fn the_ledger_needs_its_expectation_in_the_foreground_too() {
    finds(Flaw::LedgerUnchecked, Law::ForegroundCap, bounds(&["ann^", "ann!^"], 0, NONE));
}

#[test]
fn an_abort_needs_its_expectation() {
    let bounds = bounds(&["ann"], 0, Chances { aborts: 1, ..NONE });
    finds(Flaw::AbortUnchecked, Law::AfterEnd, bounds);
}

#[test]
fn a_start_needs_its_expectation() {
    finds(Flaw::StartUnchecked, Law::TwoRuns, bounds(&["ann"], 0, NONE));
}

#[test]
fn a_loss_needs_its_expectation() {
    let bounds = bounds(&["ann"], 0, Chances { slow: 1, ..NONE });
    finds(Flaw::LostUnchecked, Law::AfterEnd, bounds);
}

#[test]
fn an_executor_that_is_refused_has_to_look_why() {
    let bounds = bounds(&["ann"], 0, Chances { aborts: 1, ..NONE });
    finds(Flaw::ExecutorInsists, Law::Overtaken, bounds);
}

#[test]
fn an_executor_without_an_answer_has_to_look_for_what_it_said() {
    let bounds = bounds(&["ann"], 1, Chances { lost_answers: 1, ..NONE });
    finds(Flaw::ExecutorRepeats, Law::StepAgain, bounds);
}

#[test]
fn what_was_admitted_has_to_be_handed_out_by_anybody() {
    finds(Flaw::DispatchedOnce, Law::Stuck, bounds(&["ann"], 0, Chances { lost_answers: 1, ..NONE }));
    finds(Flaw::DispatchedOnce, Law::Stuck, bounds(&["ann"], 0, Chances { crashes: 1, ..NONE }));
}

#[test]
fn somebody_has_to_look_after_lost_runs() {
    finds(Flaw::NobodyDeclaresLost, Law::Stuck, bounds(&["ann"], 0, Chances { crashes: 1, ..NONE }));
}

/// Minutes in a release build: `cargo test --release -p longhaul-core --test model -- --ignored
/// --nocapture --test-threads 1`.
mod wide {
    use super::*;

    fn lagging(lag: usize, bounds: Bounds) -> Bounds {
        Bounds { lag, ..bounds }
    }

    #[test]
    #[ignore = "takes minutes; for a change of the rules"]
    fn four_tasks_compete_for_slots() {
        let chances = Chances { crashes: 1, ..NONE };
        holds(lagging(3, submitted(bounds(&["ann", "ann!", "bob/chat", "cat/chat"], 0, chances))));
    }

    #[test]
    #[ignore = "takes minutes; for a change of the rules"]
    fn lanes_beside_each_other() {
        let chances = Chances { crashes: 1, ..NONE };
        holds(lagging(2, submitted(bounds(&["ann/chat", "bob", "ann/chat^", "ann!^"], 0, chances))));
    }

    #[test]
    #[ignore = "takes minutes; for a change of the rules"]
    fn two_tasks_of_a_user_meet_everything() {
        let chances = Chances { crashes: 1, lost_answers: 1, slow: 1, aborts: 1, ..NONE };
        holds(lagging(2, bounds(&["ann", "ann!"], 1, chances)));
    }

    #[test]
    #[ignore = "takes minutes; for a change of the rules"]
    fn two_users_meet_everything() {
        let chances = Chances { crashes: 1, slow: 1, aborts: 1, ..NONE };
        holds(lagging(2, bounds(&["ann/chat", "bob"], 0, chances)));
    }

    #[test]
    #[ignore = "takes minutes; for a change of the rules"]
    fn a_task_is_tried_again_among_crashes() {
        let chances =
            Chances { crashes: 1, lost_answers: 1, fails: 1, aborts: 1, retries: 1, slices: 1, ..NONE };
        holds(submitted(bounds(&["ann"], 1, chances)));
    }

    #[test]
    #[ignore = "takes minutes; for a change of the rules"]
    fn processes_crash_twice() {
        let chances = Chances { crashes: 2, lost_answers: 1, slow: 1, aborts: 1, ..NONE };
        holds(bounds(&["ann"], 1, chances));
    }
}
