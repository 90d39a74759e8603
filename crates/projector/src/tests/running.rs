//! The projector at work: live, through restarts, over logs that go away or change.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use longhaul_core::*;
use longhaul_wire::query::Count;

use super::world::{World, org, submission, user};
use super::{Asked, Bench, Running, block_on, difference};
use crate::catch_up::rebuild;
use crate::projector::{Options, Projector};

const SOON: Duration = Duration::from_secs(30);

fn dice(n: u32) -> Vec<u32> {
    (0..n).map(|n| n.wrapping_mul(2_654_435_761).rotate_left(7)).collect()
}

/// The rows of a projector that has stopped.
fn dump(dir: &std::path::Path) -> Vec<String> {
    crate::dump(&rusqlite::Connection::open(dir.join("read-model.sqlite")).unwrap()).unwrap()
}

#[test]
fn live_and_rebuilt_are_the_same() {
    block_on(async {
        let world = World::thrown(3, &dice(300));
        let mut running = Running::of(&World::new(3)).await;
        running.write(&world).await;
        running.all_folded().await;
        let live = running.stop().await;
        let anew = tempfile::tempdir().unwrap();
        rebuild(live.journal.clone(), Options::new(anew.path())).await.unwrap();
        let (live, anew) = (dump(live.dir.path()), dump(anew.path()));
        assert!(live == anew, "{}", difference(&live, &anew));
    });
}

#[test]
fn it_goes_on_after_the_log_was_away() {
    block_on(async {
        let mut world = World::new(1);
        world.submit(submission("acme", "ann"));
        let mut running = Running::of(&world).await;
        running.all_folded().await;
        running.memory.stop();
        running.memory.start();
        world.submit(submission("acme", "ann"));
        running.write(&world).await;
        running.all_folded().await;
        assert_eq!(running.handle.ask(Count::default()).await.unwrap().all.total, 2);
        running.stop().await;
    });
}

#[test]
fn another_log_is_folded_from_nothing() {
    block_on(async {
        let (first, second) = (World::thrown(1, &dice(120)), World::thrown(1, &dice(40)));
        for (old, new) in [(&first, &second), (&second, &first)] {
            let Asked { dir, open, .. } = Asked::of(old).await;
            drop(open);
            let mut other = Asked::of(new).await;
            let projector = Projector::open(other.journal.clone(), Options::new(dir.path())).await.unwrap();
            let running = Running::start(projector, &other);
            let heads = other.projector().handle().standing().borrow().positions.clone();
            let mut standing = running.handle.standing();
            let folded = standing.wait_for(|now| now.positions == heads && now.trouble.is_none());
            tokio::time::timeout(SOON, folded).await.unwrap().unwrap();
            // The positions may be those of the old log still: the rows tell.
            running.until(SOON, async |_| (dump(dir.path()) == dump(other.dir.path())).then_some(())).await;
            running.stop().await;
            other.open = None;
        }
    });
}

#[test]
fn what_changes_is_said_once_it_can_be_read() {
    block_on(async {
        let mut world = World::new(1);
        world.submit(submission("acme", "ann"));
        let mut running = Running::of(&world).await;
        let mut changes = running.journal.listen_changes(&org("acme"), Some(&user("ann"))).await.unwrap();
        running.all_folded().await;
        let key = world.submit(submission("acme", "ann"));
        world.submit(submission("acme", "bob"));
        world.act(&key, &Command::RequestAbort { by: "ann".into(), reason: None });
        running.write(&world).await;

        // What was there before is not news; of two changes at once only the last is said.
        let mut last = BTreeMap::new();
        while last.get(&key.task) != Some(&Status::Aborted) {
            let heard = tokio::time::timeout(SOON, changes.next()).await.unwrap().unwrap();
            assert_eq!((&heard.user, heard.task), (&user("ann"), key.task));
            let folded = running.handle.standing().borrow().positions.of(longhaul_wire::Shard(0));
            assert!(folded >= heard.change.sequence);
            last.insert(heard.task, heard.change.status);
        }
        running.stop().await;
    });
}

#[test]
fn a_write_that_fails_is_tried_again() {
    block_on(async {
        let mut world = World::thrown(1, &dice(60));
        let mut running = Running::of(&world).await;
        running.all_folded().await;
        // Somebody else holds the database for longer than a writer waits.
        let file = running.dir().join("read-model.sqlite");
        let other = rusqlite::Connection::open(&file).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let key = world.submit(submission("acme", "ann"));
        running.write(&world).await;
        let mut standing = running.handle.standing();
        let troubled = standing.wait_for(|now| now.trouble.is_some());
        let trouble = tokio::time::timeout(SOON, troubled).await.unwrap().unwrap().trouble.clone().unwrap();
        assert!(trouble.contains("written") && trouble.contains("locked"), "{trouble}");
        // Reading goes on meanwhile.
        assert!(running.handle.ask(Count::default()).await.is_ok());
        other.execute_batch("ROLLBACK").unwrap();
        running.all_folded().await;
        assert_eq!(running.handle.standing().borrow().trouble, None);
        let get = longhaul_wire::query::Get { task: key.task, org: None, at_least: Default::default() };
        assert!(running.handle.ask(get).await.unwrap().item.is_some());

        let stopped = running.stop().await;
        let mut anew = Bench::new(world.shards);
        let mut entries = world.entries();
        for (entry, stored) in entries[0].iter_mut().zip(&stopped.stored_at) {
            entry.stored_at = *stored;
        }
        anew.fold(&entries, 1000);
        let (live, anew) = (dump(stopped.dir.path()), anew.dump());
        assert!(live == anew, "{}", difference(&live, &anew));
    });
}

#[test]
fn two_projectors_answer_side_by_side() {
    block_on(async {
        let mut world = World::new(1);
        let mut first = Running::of(&world).await;
        let dir = tempfile::tempdir().unwrap();
        let second = Projector::open(first.journal.clone(), Options::new(dir.path())).await.unwrap();
        let second = first.beside(second);
        for n in 1..30 {
            let key = world.submit(submission("acme", "ann"));
            first.write(&world).await;
            let at_least = serde_json::json!({"at_least": {"0": world.tasks[&key].sequence}});
            let counted = first.ask("count", at_least.to_string().as_bytes()).await.unwrap();
            assert_eq!(counted["all"]["total"], n);
        }
        second.stop().await;
        first.stop().await;
    });
}

/// An empty list from a model that is being built would be believed.
#[test]
fn nothing_is_answered_before_the_log_is_folded() {
    block_on(async {
        let world = World::thrown(2, &dice(300));
        let full = Asked::of(&world).await;
        let whole = full.ask(Count::default()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let options = Options { batch: 1, ..Options::new(dir.path()) };
        let projector = Projector::open(full.journal.clone(), options).await.unwrap();
        let running = Running::start(projector, &full);
        let first = running.ask("count", b"").await.unwrap();
        assert_eq!(first["all"]["total"], whole.all.total);
        running.stop().await;
    });
}
