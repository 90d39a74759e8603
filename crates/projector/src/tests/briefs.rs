//! Tasks in few words: what columns say is what the whole state says, page by page.

use std::collections::{BTreeMap, BTreeSet};

use longhaul_core::*;
use longhaul_wire::query::{Brief, BriefPage, Briefs, Cursor, Filter, Item, List, MAX_BRIEFS, Sort};
use proptest::prelude::*;

use super::lists::filters;
use super::world::{T0, World, org, submission};
use super::{Asked, block_on};
use crate::answer::size;
use crate::error::QueryError;

/// All pages, one after the other.
async fn pages(asked: &Asked, briefs: &Briefs) -> Vec<BriefPage> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = asked.ask(Briefs { after, ..briefs.clone() }).await.unwrap();
        after = page.next.clone();
        all.push(page);
        if after.is_none() {
            return all;
        }
    }
}

/// The same as whole states say it: those that have not ended first.
async fn expected(asked: &Asked, filter: &Filter) -> (Vec<Brief>, u32) {
    let (mut items, mut after): (Vec<Item>, _) = (Vec::new(), None);
    loop {
        let list = List { filter: filter.clone(), after, limit: Some(500), ..List::default() };
        let page = asked.ask(list).await.unwrap();
        items.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let all = items.len();
    let listed = |item: Item| {
        let (aside, submitted) = (item.unreadable.is_some(), item.submitted);
        let brief = Brief { aside, submitted, ..Brief::from(item.view?) };
        // Of a task that was put aside nobody knows why it waits.
        Some(Brief { waiting: brief.waiting.clone().filter(|_| !aside), ..brief })
    };
    let (ended, live): (Vec<Brief>, Vec<Brief>) =
        items.into_iter().filter_map(listed).partition(|brief| brief.ended_at.is_some());
    let unreadable = all - ended.len() - live.len();
    (live.into_iter().chain(ended).collect(), unreadable as u32)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_brief_says_what_the_snapshot_says(dice in proptest::collection::vec(any::<u32>(), 60..250)) {
        let world = World::thrown(3, &dice);
        block_on(async {
            let asked = Asked::of(&world).await;
            let filter = Filter { dismissed: true, ..Filter::default() };
            let page = asked.ask(Briefs { filter, limit: Some(MAX_BRIEFS), ..Briefs::default() }).await.unwrap();
            let told: BTreeMap<TaskRef, Brief> =
                page.tasks.into_iter().map(|brief| (brief.at.clone(), brief)).collect();
            for (key, task) in &world.tasks {
                if world.poisoned.contains(key) {
                    continue;
                }
                let brief = &told[key];
                let beside = Brief {
                    waiting: brief.waiting.clone(),
                    submitted: brief.submitted,
                    ..Brief::of(task)
                };
                assert_eq!(*brief, beside);
                assert_eq!(brief.waiting.is_some(), task.status == Status::Pending);
            }
            for brief in told.values() {
                let json = serde_json::to_vec(brief).unwrap();
                assert!(json.len() <= size(brief), "{} > {}: {brief:?}", json.len(), size(brief));
                assert_eq!(serde_json::from_slice::<Brief>(&json).unwrap(), *brief);
            }
        });
    }

    #[test]
    fn pages_of_briefs_are_a_list_with_what_lives_first(
        dice in proptest::collection::vec(any::<u32>(), 60..200),
        filters in proptest::collection::vec(filters(), 8),
        unreadable in any::<bool>(),
        limit in 1_u32..9,
    ) {
        let world = World::thrown(2, &dice);
        block_on(async {
            let asked = Asked::of(&world).await;
            for filter in filters {
                let filter = Filter { unreadable, ..filter };
                let briefs = Briefs { filter: filter.clone(), limit: Some(limit), ..Briefs::default() };
                let told = pages(&asked, &briefs).await;
                let full = |page: &BriefPage| page.tasks.len() as u32 + page.unreadable == limit;
                assert!(told[..told.len() - 1].iter().all(full), "only the last page ends early");
                let blank: u32 = told.iter().map(|page| page.unreadable).sum();
                let told: Vec<Brief> = told.into_iter().flat_map(|page| page.tasks).collect();
                assert_eq!((told, blank), expected(&asked, &filter).await, "{briefs:?}");
            }
        });
    }
}

#[test]
fn nobody_is_left_out_while_everything_changes() {
    block_on(async {
        let mut world = World::new(1);
        let keys: Vec<TaskRef> = (0..80)
            .map(|n| {
                // Many share a time.
                world.now = T0.plus(Millis(n / 9));
                let key = world.submit(submission("acme", "ann"));
                if n % 2 == 0 {
                    world.act(&key, &Command::RequestAbort { by: "ann".into(), reason: None });
                }
                key
            })
            .collect();
        let mut asked = Asked::of(&world).await;
        let filter = Filter { org: Some(org("acme")), ..Filter::default() };
        let (mut seen, mut after, mut from) = (BTreeSet::new(), None, None);
        for round in 0.. {
            let page = Briefs { filter: filter.clone(), after, limit: Some(7), ..Briefs::default() };
            let page = asked.ask(page).await.unwrap();
            from = from.or(Some(page.as_of.of(longhaul_journal::Shard(0))));
            seen.extend(page.tasks.iter().map(|brief| brief.at.clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
            // Tasks on both sides of the cursor end, or begin again, and new ones come.
            world.now = world.now.plus(Millis(5));
            for key in keys.iter().skip(round % 3).step_by(5) {
                match world.tasks[key].status.is_terminal() {
                    true => world.act(key, &Command::Retry { by: "ann".into() }),
                    false => world.act(key, &Command::RequestAbort { by: "ann".into(), reason: None }),
                };
            }
            world.submit(submission("acme", "bob"));
            asked.catch_up(&world).await;
        }
        // Whoever is not listed changed since the first page: the log tells of it.
        let from = from.unwrap();
        for key in &keys {
            assert!(seen.contains(key) || world.tasks[key].sequence > from, "{key:?} is told by nobody");
        }
    });
}

#[test]
fn erased_and_hidden_tasks_are_not_listed_unless_asked_for() {
    block_on(async {
        let mut world = World::new(1);
        let (erased, hidden) =
            (world.submit(submission("acme", "ann")), world.submit(submission("acme", "bob")));
        let by = || "ann".to_owned();
        for key in [&erased, &hidden] {
            world.act(key, &Command::RequestAbort { by: by(), reason: None });
        }
        world.act(&erased, &Command::Erase { by: by() });
        world.act(&hidden, &Command::Dismiss { by: by() });
        let asked = Asked::of(&world).await;
        assert!(asked.ask(Briefs::default()).await.unwrap().tasks.is_empty());
        let filter = Filter { dismissed: true, ..Filter::default() };
        let page = asked.ask(Briefs { filter, ..Briefs::default() }).await.unwrap();
        let of = |key: &TaskRef| page.tasks.iter().find(|brief| brief.at == *key).unwrap();
        assert_eq!((of(&erased).title.clone(), of(&erased).submitted), (Title::erased(), None));
        assert_eq!((of(&hidden).dismissed, of(&hidden).submitted), (true, Some(Sequence(2))));
    });
}

#[test]
fn a_page_with_large_questions_ends_early() {
    block_on(async {
        let mut world = World::new(1);
        for _ in 0..30 {
            let key = world.submit(submission("acme", "ann"));
            world.start(&key);
            let arguments = serde_json::Value::from("\u{1}".repeat(10_000));
            let approval = ApprovalId(world.id());
            let expires_at = world.now.plus(Millis::minutes(60));
            let (action, digest) = ("send".to_owned(), Digest([1; 32]));
            world.run(
                &key,
                Act::RequestApproval {
                    approval,
                    action,
                    arguments,
                    digest,
                    schema: None,
                    note: None,
                    expires_at,
                },
            );
        }
        let asked = Asked::of(&world).await;
        let told = pages(&asked, &Briefs::default()).await;
        assert!(told.len() > 1, "all on one page");
        assert!(told.iter().all(|page| serde_json::to_vec(page).unwrap().len() < 1_000_000));
        let questions = told.iter().flat_map(|page| &page.tasks).filter(|brief| brief.question.is_some());
        assert_eq!(questions.count(), 30);
    });
}

#[test]
fn what_is_no_page_is_said() {
    block_on(async {
        let mut world = World::new(1);
        (0..3).for_each(|_| drop(world.submit(submission("acme", "ann"))));
        let asked = Asked::of(&world).await;
        for limit in [0, MAX_BRIEFS + 1] {
            let refused = asked.ask(Briefs { limit: Some(limit), ..Briefs::default() }).await.unwrap_err();
            assert!(matches!(refused, QueryError::Unusable(_)), "{refused}");
        }
        let list = List { limit: Some(1), sort: Sort::Submitted, ..List::default() };
        let of_a_list = asked.ask(list).await.unwrap().next;
        for after in [of_a_list, Some(Cursor("be".to_owned())), Some(Cursor("💥".to_owned()))] {
            let refused = asked.ask(Briefs { after, ..Briefs::default() }).await.unwrap_err();
            assert!(matches!(refused, QueryError::Unusable(_)), "{refused}");
        }
    });
}
