//! Why tasks wait, as lists, queue and outlook say it.

use longhaul_core::board::{Candidate, WaitReason};
use longhaul_core::*;
use longhaul_wire::query::{Get, List, Outlook, Queue};
use longhaul_wire::{Shard, Subject};

use super::world::{World, executor, kind, org, submission, user};
use super::{Asked, Bench, block_on};

fn beat(free: u32) -> Beat {
    Beat {
        executor: executor(1),
        at: Timestamp(0),
        version: "1".to_owned(),
        host: "here/1".to_owned(),
        kinds: vec![Room { kind: kind("report"), places: 100, free }],
        runs: vec![],
        draining: false,
    }
}

fn hear(asked: &Asked, beat: &Beat) {
    let handle = asked.projector().handle();
    handle.shared.boards.each(|board| board.beat(beat));
}

#[test]
fn a_seventh_task_waits_for_its_users_cap() {
    block_on(async {
        let mut world = World::new(1);
        let keys: Vec<TaskRef> = (0..8)
            .map(|_| {
                world.now = world.now.plus(Millis(1));
                world.submit(submission("acme", "ann"))
            })
            .collect();
        keys[..6].iter().for_each(|key| world.start(key));
        let mut asked = Asked::of(&world).await;
        hear(&asked, &beat(94));

        let get = |key: &TaskRef| Get { task: key.task, org: None, at_least: Default::default() };
        let view = asked.ask(get(&keys[7])).await.unwrap().item.unwrap().view.unwrap();
        let waiting = view.waiting.unwrap();
        assert_eq!(waiting.reason, WaitReason::UserCap { running: 6, cap: 6 });
        assert_eq!(waiting.place, 2);
        let running = asked.ask(get(&keys[0])).await.unwrap().item.unwrap().view.unwrap();
        assert_eq!(running.waiting, None);

        let queued = asked.ask(Queue { org: Some(org("acme")), ..Queue::default() }).await.unwrap();
        let places: Vec<_> = queued.tasks.iter().map(|task| (task.task, task.waiting.place)).collect();
        assert_eq!((queued.total, places), (2, vec![(keys[6].task, 1), (keys[7].task, 2)]));
        let listed = asked.ask(List::default()).await.unwrap().items;
        assert_eq!(listed.iter().filter(|item| item.view.as_ref().unwrap().waiting.is_some()).count(), 2);

        let owner = submission("acme", "ann").owner;
        let candidate = Candidate {
            owner,
            kind: kind("report"),
            priority: Priority::Normal,
            lane: Lane::default(),
            not_before: None,
        };
        let third = Outlook { candidate: candidate.clone(), at_least: Default::default() };
        assert_eq!(asked.ask(third).await.unwrap().waiting.place, 3);
        let owner = Owner { user: user("bob"), ..candidate.owner.clone() };
        let free = Outlook { candidate: Candidate { owner, ..candidate }, at_least: Default::default() };
        assert!(asked.ask(free).await.unwrap().waiting.starts_now());

        // A slot frees: the next one starts now.
        world.complete(&keys[0]);
        asked.catch_up(&world).await;
        let view = asked.ask(get(&keys[6])).await.unwrap().item.unwrap().view.unwrap();
        assert_eq!(view.waiting.unwrap().reason, WaitReason::Next);
    });
}

#[test]
fn without_an_executor_that_is_the_reason() {
    block_on(async {
        let mut world = World::new(1);
        let key = world.submit(submission("acme", "ann"));
        let asked = Asked::of(&world).await;
        let queued = asked.ask(Queue::default()).await.unwrap();
        assert_eq!(queued.tasks[0].waiting.reason, WaitReason::NoExecutor { kind: kind("report") });
        assert_eq!(queued.tasks[0].task, key.task);
    });
}

/// What the boards know is restored from the rows.
#[test]
fn a_restart_does_not_change_the_reason() {
    block_on(async {
        let mut world = World::new(1);
        let caps = Caps { user: 1, ..Caps::default() };
        world.set_policy("acme", Policy { caps, ..Policy::default() });
        let keys: Vec<TaskRef> = (0..3).map(|_| world.submit(submission("acme", "ann"))).collect();
        world.admit(&keys[0]);
        let mut asked = Asked::of(&world).await;
        let before = {
            hear(&asked, &beat(99));
            asked.ask(Queue::default()).await.unwrap()
        };
        asked.reopen().await;
        hear(&asked, &beat(99));
        assert_eq!(asked.ask(Queue::default()).await.unwrap(), before);
        assert!(matches!(before.tasks[0].waiting.reason, WaitReason::Admitted { .. }));
        assert_eq!(before.tasks[1].waiting.reason, WaitReason::UserCap { running: 1, cap: 1 });
    });
}

#[test]
fn an_unreadable_ledger_is_said_before_and_after_a_restart() {
    block_on(async {
        let mut world = World::new(1);
        world.submit(submission("acme", "ann"));
        world.poison(Subject::ledger(world.shards, &org("acme")));
        let mut asked = Asked::of(&world).await;
        for _ in 0..2 {
            let queued = asked.ask(Queue::default()).await.unwrap();
            assert_eq!(queued.tasks[0].waiting.reason, WaitReason::LedgerUnreadable);
            asked.reopen().await;
        }
    });
}

/// What an erased task used still counts against the budget, even if nothing else is left of it.
#[test]
fn erasure_frees_no_budget() {
    let mut world = World::new(1);
    let budget = Some(TokenBudget { tokens: 5, per: Period::Ever });
    world.set_policy("acme", Policy { budget, ..Policy::default() });
    let key = world.submit(submission("acme", "ann"));
    world.start(&key);
    world.run(&key, Act::RecordUsage { usage: Usage { input_tokens: 7, ..Usage::default() }, model: None });
    world.complete(&key);
    world.act(&key, &Command::Erase { by: "ann".into() });
    let waits = world.submit(submission("acme", "ann"));
    for entries in [world.entries(), world.entries_after_forgetting()] {
        let mut bench = Bench::new(world.shards);
        bench.fold(&entries, 3);
        for _ in 0..2 {
            let waiting = bench.boards.with(Shard(0), |board| board.waiting(&waits, world.now));
            let reason = WaitReason::TokenBudget { used: 7, budget: 5, per: Period::Ever };
            assert_eq!(waiting.unwrap().reason, reason);
            bench.reopen();
        }
    }
}

/// A batch that was not written is folded again; the boards must not count it twice.
#[test]
fn a_batch_that_fails_is_spent_once() {
    let mut world = World::new(1);
    let budget = Some(TokenBudget { tokens: 5, per: Period::Ever });
    world.set_policy("acme", Policy { budget, ..Policy::default() });
    let key = world.submit(submission("acme", "ann"));
    world.start(&key);
    let usage = Usage { input_tokens: 7, ..Usage::default() };
    world.run(&key, Act::RecordUsage { usage, model: None });
    let waits = world.submit(submission("acme", "ann"));

    let entries = &world.entries()[0];
    let mut bench = Bench::new(world.shards);
    bench
        .model()
        .db()
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON position BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    bench.model().fold_one(Shard(0), entries).unwrap_err();
    bench.model().db().execute_batch("DROP TRIGGER full").unwrap();
    bench.model().fold_one(Shard(0), entries).unwrap();
    let waiting = bench.boards.with(Shard(0), |board| board.waiting(&waits, world.now));
    let reason = WaitReason::TokenBudget { used: 7, budget: 5, per: Period::Ever };
    assert_eq!(waiting.unwrap().reason, reason);
}
