//! A record that cannot be read puts one task aside, visibly, and stops nothing.

use longhaul_core::*;
use longhaul_wire::Subject;
use longhaul_wire::query::{Count, Filter, Get, Health, List, Queue};

use super::world::{World, org, submission};
use super::{Asked, block_on};

fn get(key: &TaskRef) -> Get {
    Get { task: key.task, org: Some(key.org.clone()), at_least: Default::default() }
}

#[test]
fn one_task_is_put_aside_and_the_rest_goes_on() {
    block_on(async {
        let mut world = World::new(1);
        let (broken, whole) =
            (world.submit(submission("acme", "ann")), world.submit(submission("acme", "ann")));
        world.start(&broken);
        let at = world.poison(Subject::task(world.shards, &broken.org, broken.task));
        world.complete(&broken);
        world.start(&whole);
        world.complete(&whole);
        let asked = Asked::of(&world).await;

        let item = asked.ask(get(&broken)).await.unwrap().item.unwrap();
        let unreadable = item.unreadable.unwrap();
        assert_eq!(unreadable.sequence, at);
        assert!(unreadable.why.contains("version 99"), "{}", unreadable.why);
        // The last state that could be read, not what came after.
        assert_eq!(item.view.unwrap().status, Status::Running);
        let item = asked.ask(get(&whole)).await.unwrap().item.unwrap();
        assert_eq!((item.view.unwrap().status, item.unreadable), (Status::Completed, None));

        // It is seen in lists and counts, but is in no status.
        let all = asked.ask(List::default()).await.unwrap();
        assert_eq!(all.items.len(), 2);
        let running = Filter { status: vec![Status::Running], ..Filter::default() };
        assert!(asked.ask(List { filter: running, ..List::default() }).await.unwrap().items.is_empty());
        let aside = Filter { unreadable: true, ..Filter::default() };
        let aside = asked.ask(List { filter: aside, ..List::default() }).await.unwrap();
        assert_eq!(aside.items.len(), 1);
        let counted = asked.ask(Count::default()).await.unwrap().all;
        assert_eq!((counted.total, counted.unreadable), (2, 1));
        assert_eq!(counted.status.get(&Status::Running), None);

        // It takes nobody's slot and no place.
        let boards = &asked.projector().handle().shared.boards;
        assert!(!boards.with(longhaul_wire::Shard(0), |board| board.contains(&broken)));

        let health = asked.ask(Health::default()).await.unwrap();
        assert_eq!((health.tasks, health.unreadable), (2, 1));
        assert_eq!(health.put_aside[0].task, broken.task);
    });
}

#[test]
fn a_task_that_nothing_is_known_of_is_still_seen() {
    block_on(async {
        let mut world = World::new(1);
        let key = TaskRef { org: org("acme"), task: TaskId(world.id()) };
        world.poison(Subject::task(world.shards, &key.org, key.task));
        let asked = Asked::of(&world).await;
        let item = asked.ask(get(&key)).await.unwrap().item.unwrap();
        assert!(item.view.is_none() && item.unreadable.is_some());
        assert_eq!(asked.ask(List::default()).await.unwrap().items, [item]);
        assert_eq!(asked.ask(Queue::default()).await.unwrap().total, 0);
    });
}

#[test]
fn records_of_no_task_are_listed() {
    block_on(async {
        let mut world = World::new(4);
        let acme = org("acme");
        world.poison(Subject::ledger(world.shards, &acme));
        // A second history of the organisation's task, in a shard that is not its own.
        let key = world.submit(submission("acme", "ann"));
        let right = world.shards.of(&acme);
        let wrong = world.shards.all().find(|shard| *shard != right).unwrap();
        let parsed = longhaul_wire::Parsed::Task { shard: wrong, org: acme, task: key.task };
        let body = world.logs[usize::from(right.0)].last().unwrap().body.clone();
        world.write(parsed.subject(), body);

        let asked = Asked::of(&world).await;
        let health = asked.ask(Health::default()).await.unwrap();
        assert_eq!((health.records.len(), health.unreadable, health.tasks), (2, 0, 1));
        let item = asked.ask(get(&key)).await.unwrap().item.unwrap();
        assert_eq!(item.unreadable, None);
    });
}
