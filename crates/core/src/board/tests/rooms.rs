//! Where there is room: beats, and what the log says since.

use uuid::Uuid;

use super::log::*;
use crate::board::{Board, WaitReason};
use crate::*;

const OTHER: ExecutorId = ExecutorId(Uuid::from_u128(0xF));

fn world(kinds: &[(&str, u32)]) -> World {
    let mut w = World::new(Board::new());
    w.board.beat(&beat(EXECUTOR, kinds));
    w
}

fn listing(runs: &[TaskId], free: u32) -> Beat {
    let mut beat = beat(EXECUTOR, &[("report", 2)]);
    beat.kinds[0].free = free;
    beat.runs =
        runs.iter().map(|task| HeldRun { org: org("acme"), task: *task, run: RunNumber(1) }).collect();
    beat
}

#[test]
fn nothing_is_admitted_that_nobody_takes() {
    let mut w = World::new(Board::new());
    let task = w.log.submit(1, "acme/ann");
    assert_eq!(w.waits(task), "no_executor 1");
    assert!(w.plan().is_empty());
    w.board.beat(&beat(EXECUTOR, &[("chat", 5)]));
    assert_eq!(w.waits(task), "no_executor 1");
    w.board.beat(&beat(OTHER, &[("report", 1)]));
    assert_eq!(w.plan(), [task]);
    w.board.gone(OTHER);
    assert_eq!(w.waits(task), "no_executor 1");
}

#[test]
fn an_admitted_run_takes_its_place_before_it_starts() {
    let mut w = world(&[("report", 2)]);
    let tasks: Vec<_> = (1..=4).map(|n| w.log.submit(n, "acme/ann")).collect();
    assert_eq!(w.admit(99), &tasks[..2]);
    assert!(w.plan().is_empty());
    let waiting = w.why(tasks[3]).unwrap();
    assert_eq!(waiting.reason, WaitReason::ExecutorsBusy { kind: kind("report"), places: 2 });
    assert_eq!(waiting.place, 2);
}

#[test]
fn the_log_corrects_an_older_beat() {
    let mut w = world(&[("report", 2)]);
    let tasks: Vec<_> = (1..=4).map(|n| w.log.submit(n, "acme/ann")).collect();
    w.go();
    assert!(w.plan().is_empty(), "the beat says 2 are free, the log that 2 have started since");
    w.board.beat(&listing(&tasks[..2], 0));
    assert!(w.plan().is_empty());
    w.log.complete(tasks[0]);
    assert_eq!(w.plan(), [tasks[2]], "it has ended since the beat");
    w.board.beat(&listing(&tasks[..2], 0));
    assert!(w.plan().is_empty(), "its executor says that it is not done with it yet");
    w.board.beat(&listing(&tasks[1..2], 1));
    assert_eq!(w.go(), [tasks[2]]);
    w.log.complete(tasks[2]);
    assert_eq!(w.plan(), [tasks[3]], "started and ended between two beats");
    w.log.abort(tasks[1]).unwrap();
    assert_eq!(w.plan(), [tasks[3]], "aborting is still running");
}

#[test]
fn a_run_an_executor_has_already_taken_is_not_counted_twice() {
    let mut w = world(&[("report", 2)]);
    let tasks: Vec<_> = (1..=2).map(|n| w.log.submit(n, "acme/ann")).collect();
    assert_eq!(w.admit(1), [tasks[0]]);
    w.board.beat(&listing(&tasks[..1], 1));
    assert_eq!(w.plan(), [tasks[1]]);
}

#[test]
fn kinds_of_one_executor_share_its_places() {
    let mut w = world(&[("report", 2), ("chat", 2)]);
    let report = |n, w: &mut World| w.log.submit(n, "acme/ann");
    let chat =
        |n, w: &mut World| w.log.submit_as(n, Submission { kind: kind("chat"), ..submission("acme/ann") });
    let tasks = [report(1, &mut w), chat(2, &mut w), report(3, &mut w), chat(4, &mut w)];
    assert_eq!(w.plan(), &tasks[..2]);
    // An executor for one kind only is filled first.
    w.board.beat(&beat(OTHER, &[("chat", 1)]));
    assert_eq!(w.plan(), &tasks[..3]);
}

#[test]
fn a_draining_executor_takes_nothing() {
    let mut w = world(&[("report", 2)]);
    let task = w.log.submit(1, "acme/ann");
    assert_eq!(w.plan(), [task]);
    w.board.beat(&Beat { draining: true, ..beat(EXECUTOR, &[("report", 2)]) });
    assert_eq!(w.waits(task), "no_executor 1");
}

#[test]
fn urgency_counts_across_kinds() {
    let mut w = world(&[("report", 1), ("chat", 1)]);
    w.log.submit_as(1, Submission { priority: Priority::Batch, ..submission("acme/ann") });
    let chat = Submission { kind: kind("chat"), priority: Priority::Interactive, ..submission("acme/ann") };
    let chat = w.log.submit_as(2, chat);
    assert_eq!(w.plan(), [chat]);
}
