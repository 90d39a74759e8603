//! What is told of a moment is what a fold of the log up to there says: whatever the moment, in both
//! directions, over a log and over a file of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::collections::BTreeMap;

use longhaul_client::fleet::{Brief, Moment, Point, Scope, Word};
use longhaul_client::{Client, Error};
use longhaul_core::{Sequence, TaskRef, Timestamp};
use longhaul_journal::{Entry, Shard};
use proptest::prelude::*;
use tokio::sync::mpsc;

mod world;

use world::log::{fold, histories, log, recorded, run, task_of};
use world::{Happens, World, client};

async fn then(client: &Client, tasks: &[TaskRef], moment: &Moment) -> BTreeMap<TaskRef, Brief> {
    let told = client.tasks_then(tasks.to_vec(), moment).await.unwrap();
    told.into_iter().filter_map(|(task, brief)| Some((task, brief?))).collect()
}

/// Everything that is said of a log equals its fold.
async fn check(client: &Client, log: &[Entry], tasks: &[TaskRef], cut: usize) {
    let last = &log[cut - 1];
    let place = Point::Place { shard: Some(last.shard), sequence: last.sequence };
    let moment = client.moment(&Scope::Everything, place).await.unwrap();
    assert_eq!(then(client, tasks, &moment).await, fold(&log[..cut]), "the first {cut} records");

    // All that was stored by a time.
    let by = log.iter().filter(|entry| entry.stored_at <= last.stored_at).count();
    let moment_by = client.moment(&Scope::Everything, Point::At(last.stored_at)).await.unwrap();
    assert_eq!(then(client, tasks, &moment_by).await, fold(&log[..by]), "all stored by then");

    // On from there to the end, and back to the beginning.
    let (mut state, mut at) = (fold(&log[..cut]), cut);
    let mut places = moment.positions.clone();
    loop {
        let stretch = client.stretch_after(&Scope::Everything, &places).await.unwrap();
        for step in stretch.steps {
            at += 1;
            while task_of(&log[at - 1]).is_none() {
                at += 1;
            }
            assert_eq!((step.shard, step.sequence), (log[at - 1].shard, log[at - 1].sequence));
            assert_eq!(state.get(&step.task), step.before.as_ref());
            state.insert(step.task, step.after.unwrap());
            assert_eq!(state, fold(&log[..at]));
        }
        places = stretch.to;
        if stretch.last {
            break;
        }
    }
    assert_eq!(state, fold(log));
    let (mut state, mut at) = (fold(&log[..cut]), cut);
    let mut places = moment.positions;
    loop {
        let stretch = client.stretch_before(&Scope::Everything, &places).await.unwrap();
        for step in stretch.steps.into_iter().rev() {
            while task_of(&log[at - 1]).is_none() {
                at -= 1;
            }
            at -= 1;
            assert_eq!((step.shard, step.sequence), (log[at].shard, log[at].sequence));
            assert_eq!(state.get(&step.task), step.after.as_ref());
            match step.before {
                Some(before) => drop(state.insert(step.task, before)),
                None => drop(state.remove(&step.task)),
            }
            assert_eq!(state, fold(&log[..at]));
        }
        places = stretch.from;
        if stretch.last {
            break;
        }
    }
    assert_eq!(state, BTreeMap::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_moment_is_a_fold_of_the_log_up_to_it(
        happens in histories(),
        shards in 1_u16..5,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        run(async {
            let mut world = World::new(shards);
            world.happen(&happens).await;
            let log = log(&world.journal).await;
            let live = client(&world.journal);
            let file = recorded(&world.journal, &log);
            for cut in cuts {
                let cut = cut.index(log.len()) + 1;
                check(&live, &log, &world.tasks, cut).await;
                check(&file, &log, &world.tasks, cut).await;
            }
        });
    }

    #[test]
    fn a_file_tells_how_everything_stood_at_its_end(happens in histories(), shards in 1_u16..5) {
        run(async {
            let mut world = World::new(shards);
            world.happen(&happens).await;
            let log = log(&world.journal).await;
            let (sender, mut words) = mpsc::channel(4096);
            recorded(&world.journal, &log).recorded(&Scope::Everything, sender).await.unwrap();
            let (mut told, mut done) = (BTreeMap::new(), false);
            while let Some(word) = words.recv().await {
                if let Word::Listed { tasks, last, .. } = word {
                    told.extend(tasks.into_iter().map(|brief| (brief.at.clone(), brief)));
                    done |= last;
                }
            }
            assert!(done);
            assert_eq!(told, fold(&log));
        });
    }
}

#[test]
fn a_long_log_is_walked_stretch_by_stretch() {
    run(async {
        let mut world = World::new(3);
        // Three organisations that do not take turns evenly: no stretch fits all of them.
        for n in 0..1500_u64 {
            let org = if n % 700 < 400 { 0 } else { n as usize % 3 };
            world.happen(&[Happens::Submit(org), Happens::Wait(n % 3)]).await;
        }
        let (log, client) = (log(&world.journal).await, client(&world.journal));
        let here = Point::Place { shard: Some(log[777].shard), sequence: log[777].sequence };
        let moment = client.moment(&Scope::Everything, here).await.unwrap();
        let (mut places, mut after) = (moment.positions.clone(), Vec::new());
        for stretches in 1.. {
            let stretch = client.stretch_after(&Scope::Everything, &places).await.unwrap();
            after.extend(stretch.steps.into_iter().map(|step| (step.shard, step.sequence)));
            places = stretch.to;
            if stretch.last {
                assert!(stretches > 1, "it takes more than one");
                break;
            }
        }
        let tasks = |part: &[Entry]| -> Vec<(Shard, Sequence)> {
            part.iter().filter(|entry| task_of(entry).is_some()).map(|e| (e.shard, e.sequence)).collect()
        };
        assert_eq!(after, tasks(&log[778..]));
        let (mut places, mut before) = (moment.positions, Vec::new());
        loop {
            let stretch = client.stretch_before(&Scope::Everything, &places).await.unwrap();
            let steps = stretch.steps.into_iter().map(|step| (step.shard, step.sequence));
            before.splice(0..0, steps);
            places = stretch.from;
            if stretch.last {
                break;
            }
        }
        assert_eq!(before, tasks(&log[..778]));
    });
}

#[test]
fn a_place_names_its_shard_where_there_are_many() {
    run(async {
        let mut world = World::new(4);
        world.happen(&[Happens::Submit(0), Happens::Submit(1)]).await;
        let client = client(&world.journal);
        let place = Point::Place { shard: None, sequence: Sequence(1) };
        let refused = client.moment(&Scope::Everything, place).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
        let own = Scope::Organisation(world.tasks[0].org.clone());
        let moment = client.moment(&own, place).await.unwrap();
        assert_eq!(moment.of(&world.tasks[0].org), Sequence(1));
        // Before anything there is nothing.
        let nothing = client.moment(&Scope::Everything, Point::At(Timestamp(0))).await.unwrap();
        assert!(nothing.positions.iter().all(|(_, sequence)| sequence == Sequence::ZERO));
        for (shard, sequence, why) in
            [(0, 99, "there is no sequence 99 yet"), (4, 1, "there is no shard 4: shards are 0 to 3")]
        {
            let beyond = Point::Place { shard: Some(Shard(shard)), sequence: Sequence(sequence) };
            let refused = client.moment(&Scope::Everything, beyond).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{refused}");
        }
    });
}
