//! The model is a fold: however it came about, the same log gives the same rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use longhaul_core::{Status, Usage};
use longhaul_journal::{Shard, Shards};
use proptest::prelude::*;

use super::world::World;
use super::{Bench, difference};
use crate::error::Error;
use crate::model::{Boards, Model, Place};

fn dice() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(any::<u32>(), 20..220)
}

/// All at once.
fn rebuilt(shards: Shards, entries: &[Vec<longhaul_journal::Entry>]) -> Vec<String> {
    let mut bench = Bench::new(shards);
    bench.fold_at_once(entries);
    bench.dump()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Small and large batches, restarts anywhere, records delivered again: the same rows.
    #[test]
    fn batches_and_restarts_leave_no_trace(
        dice in dice(),
        cuts in proptest::collection::vec((1_usize..12, any::<bool>(), 0_usize..4), 1..12),
        shards in prop_oneof![Just(1_u16), Just(3)],
    ) {
        let world = World::thrown(shards, &dice);
        let entries = world.entries();
        let mut live = Bench::new(world.shards);
        for (shard, log) in (0..).map(Shard).zip(&entries) {
            let (mut at, mut cuts) = (0, cuts.iter().cycle());
            while at < log.len() {
                let (size, restart, again) = cuts.next().unwrap();
                let end = (at + size).min(log.len());
                live.model().fold_one(shard, &log[at.saturating_sub(*again)..end]).unwrap();
                at = end;
                if *restart {
                    live.reopen();
                }
            }
        }
        let (live, anew) = (live.dump(), rebuilt(world.shards, &entries));
        prop_assert!(live == anew, "{}", difference(&live, &anew));
    }

    /// Folded over several reads and written at once, or lost before it was written: the same rows. And
    /// what is not written is not claimed.
    #[test]
    fn what_is_not_written_leaves_no_trace(
        dice in dice(),
        cuts in proptest::collection::vec((1_usize..40, 0_u8..6), 1..16),
    ) {
        let world = World::thrown(1, &dice);
        let entries = world.entries();
        let log = &entries[0];
        let mut live = Bench::new(world.shards);
        let (mut at, mut written) = (0, 0);
        for (size, then) in cuts {
            let end = (at + size).min(log.len());
            let before = live.dump();
            live.model().take_in(&BTreeMap::from([(Shard(0), log[at..end].to_vec())])).unwrap();
            prop_assert_eq!(live.model().position(Shard(0)).0 as usize, end);
            prop_assert_eq!(live.model().positions().of(Shard(0)).0 as usize, written);
            prop_assert!(live.dump() == before, "rows changed before they were written");
            at = end;
            match then {
                0 => {
                    live.reopen();
                    at = written;
                }
                1 | 2 => {
                    live.model().write().unwrap();
                    written = at;
                    let prefix = rebuilt(world.shards, &[log[..written].to_vec()]);
                    let live = live.dump();
                    prop_assert!(live == prefix, "{}", difference(&live, &prefix));
                }
                _ => {}
            }
        }
        live.model().take_in(&BTreeMap::from([(Shard(0), log[at..].to_vec())])).unwrap();
        live.model().write().unwrap();
        let (live, anew) = (live.dump(), rebuilt(world.shards, &entries));
        prop_assert!(live == anew, "{}", difference(&live, &anew));
    }

    /// What is erased can be forgotten: the rows do not depend on it any more.
    #[test]
    fn forgotten_payload_is_not_missed(dice in dice()) {
        let world = World::thrown(1, &dice);
        let before = rebuilt(world.shards, &world.entries());
        let after = rebuilt(world.shards, &world.entries_after_forgetting());
        // A record nobody could read is listed for as long as it is there.
        let rows = |dump: Vec<String>| dump.into_iter().filter(|row| !row.starts_with("unreadable")).collect::<Vec<_>>();
        let (before, after) = (rows(before), rows(after));
        prop_assert!(before == after, "{}", difference(&before, &after));
    }

    /// A row is the fold of its task's history, and what an organisation used is the sum over its tasks.
    #[test]
    fn rows_say_what_is_true(dice in dice()) {
        let world = World::thrown(1, &dice);
        let mut bench = Bench::new(world.shards);
        bench.fold(&world.entries(), 17);
        let rows = bench.model().snapshots();
        let mut used: BTreeMap<String, Usage> = BTreeMap::new();
        for (key, snapshot) in &rows {
            let sum = used.entry(key.org.to_string()).or_default();
            *sum = sum.plus(snapshot.usage);
            if !world.poisoned.contains(key) {
                prop_assert_eq!(Some(snapshot), world.tasks.get(key));
            }
        }
        for key in world.tasks.keys().filter(|key| !world.poisoned.contains(key)) {
            prop_assert!(rows.iter().any(|(known, _)| known == key), "no row for {:?}", key);
        }
        for (org, sum) in bench.model().usage_by_org() {
            let expected = used.remove(&org).unwrap_or_default();
            // SQLite's largest integer is where sums of absurd figures stop.
            let stop = |n: u64| n.min(i64::MAX as u64);
            prop_assert_eq!(stop(sum.input_tokens), stop(expected.input_tokens));
            prop_assert_eq!(stop(sum.output_tokens), stop(expected.output_tokens));
            prop_assert_eq!((sum.model_calls, sum.queries, sum.exact),
                (expected.model_calls, expected.queries, expected.exact));
        }
        prop_assert!(used.values().all(|left| *left == Usage::default()), "not counted: {:?}", used);
    }

    /// Rows and position are written together or not at all, wherever a batch is cut off.
    #[test]
    fn a_batch_that_fails_leaves_nothing(dice in dice(), steps in 1_i32..4000, size in 1_usize..60) {
        let world = World::thrown(1, &dice);
        let entries = world.entries();
        let mut live = Bench::new(world.shards);
        for batch in entries[0].chunks(size) {
            let before = live.dump();
            live.model().db().progress_handler(steps, Some(|| true)).unwrap();
            let outcome = live.model().fold_one(Shard(0), batch);
            live.model().db().progress_handler(0, None::<fn() -> bool>).unwrap();
            if outcome.is_err() {
                let after = live.dump();
                prop_assert!(before == after, "{}", difference(&before, &after));
                if steps % 2 == 0 {
                    live.reopen();
                }
                live.model().fold_one(Shard(0), batch).unwrap();
            }
        }
        let (live, anew) = (live.dump(), rebuilt(world.shards, &entries));
        prop_assert!(live == anew, "{}", difference(&live, &anew));
    }

    /// The files as a killed process leaves them hold exactly what one fold up to their position gives.
    #[test]
    fn a_kill_leaves_a_prefix(dice in dice(), size in 1_usize..30, at in 1_usize..12) {
        let world = World::thrown(1, &dice);
        let entries = world.entries();
        let mut live = Bench::new(world.shards);
        for batch in entries[0].chunks(size).take(at) {
            live.model().fold_one(Shard(0), batch).unwrap();
        }
        let copy = tempfile::tempdir().unwrap();
        for file in ["read-model.sqlite", "read-model.sqlite-wal"] {
            std::fs::copy(live.path().join(file), copy.path().join(file)).unwrap();
        }
        let place = Place::take(copy.path()).unwrap();
        let mut found = Model::open(&place, world.shards, false, Arc::new(Boards::default())).unwrap();
        let folded = found.position(Shard(0)).0 as usize;
        prop_assert_eq!(folded, entries[0].len().min(size * at));
        let found = crate::dump(found.db()).unwrap();
        let prefix = rebuilt(world.shards, &[entries[0][..folded].to_vec()]);
        prop_assert!(found == prefix, "{}", difference(&found, &prefix));
    }
}

#[test]
fn another_log_is_noticed() {
    let (first, second) = (World::thrown(1, &[1, 2, 3, 4, 5]), World::thrown(1, &[9, 8, 7, 6, 5]));
    let mut bench = Bench::new(first.shards);
    let entries = &first.entries()[0];
    bench.model().fold_one(Shard(0), entries).unwrap();
    bench.reopen();
    bench.model().fold_one(Shard(0), &entries[entries.len() - 1..]).unwrap();
    let mut other = second.entries()[0][..entries.len()].to_vec();
    other.last_mut().unwrap().bytes += 1;
    let refused = bench.model().fold_one(Shard(0), &other[other.len() - 1..]).unwrap_err();
    assert!(matches!(refused, Error::OtherLog { shard: Shard(0), .. }), "{refused}");
}

#[test]
fn what_another_version_left_is_built_anew() {
    let world = World::thrown(1, &(0..60).collect::<Vec<_>>());
    let mut bench = Bench::new(world.shards);
    bench.fold(&world.entries(), 10);
    let whole = bench.dump();
    bench.model().db().execute("UPDATE identity SET is_now = 'schema 0'", []).unwrap();
    bench.reopen();
    assert_eq!(bench.model().position(Shard(0)).0, 0);
    assert!(!bench.dump().iter().any(|row| row.starts_with("task ")));
    bench.fold(&world.entries(), 10);
    assert_eq!(bench.dump(), whole);

    // So is a model of a log with another number of shards.
    let shards = Shards::new(2).unwrap();
    bench.open = None;
    let place = Place::take(bench.path()).unwrap();
    let model = Model::open(&place, shards, false, Arc::new(Boards::default())).unwrap();
    assert_eq!(model.position(Shard(0)).0, 0);
}

#[test]
fn a_broken_file_is_built_anew_and_a_foreign_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("read-model.sqlite");
    std::fs::write(&file, vec![0x5a; 8192]).unwrap();
    let place = Place::take(dir.path()).unwrap();
    let model = Model::open(&place, Shards::ONE, false, Arc::new(Boards::default())).unwrap();
    assert_eq!(model.position(Shard(0)).0, 0);
    drop((model, place));

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("read-model.sqlite");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch("CREATE TABLE addresses (name TEXT); INSERT INTO addresses VALUES ('ann')").unwrap();
    let place = Place::take(dir.path()).unwrap();
    let refused = Model::open(&place, Shards::ONE, false, Arc::new(Boards::default())).err().unwrap();
    assert!(matches!(refused, Error::Foreign { .. }), "{refused}");
    let kept: i64 = db.query_row("SELECT count(*) FROM addresses", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn one_projector_folds_into_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let first = Place::take(dir.path()).unwrap();
    assert!(matches!(Place::take(dir.path()), Err(Error::InUse { .. })));
    drop(first);
    Place::take(dir.path()).unwrap();
}

/// The dice reach every status: else the properties above say little.
#[test]
fn the_dice_reach_everything() {
    let dice: Vec<u32> = (0..4000_u32).map(|n| n.wrapping_mul(2_654_435_761)).collect();
    let world = World::thrown(1, &dice);
    for status in Status::ALL {
        assert!(world.tasks.values().any(|task| task.status == status), "no task is {status}");
    }
    assert!(world.tasks.values().any(|task| task.erased));
    assert!(world.tasks.values().any(|task| task.dismissed && !task.erased));
    assert!(!world.poisoned.is_empty());
}
