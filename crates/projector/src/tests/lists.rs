//! Lists: filters, orders, pages, counts, against what is true of the tasks.

use std::collections::{BTreeMap, BTreeSet};

use longhaul_core::*;
use longhaul_journal::{Parsed, Record};
use longhaul_wire::query::{By, Count, Cursor, Filter, Get, List, Sort, Tally};
use proptest::prelude::*;

use super::world::{World, kind, org, submission, user};
use super::{Asked, block_on};
use crate::error::QueryError;

/// What the filter says, said another way.
fn holds(filter: &Filter, task: &Snapshot) -> bool {
    let from = &task.lineage;
    let named = [from.rerun_of, from.forked_from.map(|point| point.task), from.continues, from.parent];
    filter.org.as_ref().is_none_or(|org| *org == task.owner.org)
        && filter.user.as_ref().is_none_or(|user| *user == task.owner.user)
        && filter.kind.as_ref().is_none_or(|kind| *kind == task.kind)
        && filter.conversation.as_ref().is_none_or(|id| Some(id) == task.owner.conversation.as_ref())
        && (filter.status.is_empty() || filter.status.contains(&task.status))
        && filter.labels.iter().all(|(key, value)| task.labels.get(key) == Some(value))
        && filter.since.is_none_or(|since| task.submitted_at >= since)
        && filter.until.is_none_or(|until| task.submitted_at < until)
        && filter
            .text
            .as_ref()
            .is_none_or(|text| task.title.as_str().to_lowercase().contains(&text.to_lowercase()))
        && filter.lineage.is_none_or(|ancestor| named.contains(&Some(ancestor)))
        && (filter.dismissed || !task.dismissed)
        && !filter.unreadable
}

pub(super) fn filters() -> impl Strategy<Value = Filter> {
    let some = |of: &'static [&'static str]| proptest::option::weighted(0.4, proptest::sample::select(of));
    let status = proptest::collection::vec(proptest::sample::select(&Status::ALL[..]), 0..4);
    let text = some(&["review", "GRÖSSTE", "größte", "%", "_", "'", "nothing like it", ""]);
    let times = proptest::option::weighted(0.2, (0_i64..400, 0_i64..400));
    let first = (some(&["acme", "bolt", "nobody"]), some(&["ann", "bob"]), some(&["report", "exec"]));
    let second = (some(&["c0", "c1"]), some(&["gold", "o'neill"]), text, status, times);
    (first, second, any::<bool>()).prop_map(|((o, u, k), (c, label, text, status, times), dismissed)| {
        Filter {
            org: o.map(org),
            user: u.map(user),
            kind: k.map(kind),
            conversation: c.map(|id| ConversationId::new(id).unwrap()),
            status,
            labels: label
                .map(|value| (LabelKey::new("tier").unwrap(), value.to_owned()))
                .into_iter()
                .collect(),
            since: times.map(|(from, _)| super::world::T0.plus(Millis(from as u64 * 3_500_000))),
            until: times.map(|(from, long)| super::world::T0.plus(Millis((from + long) as u64 * 3_500_000))),
            text: text.map(str::to_owned),
            lineage: None,
            dismissed,
            unreadable: false,
        }
    })
}

/// All pages of a list, one after the other.
async fn pages(asked: &Asked, list: &List) -> Vec<TaskRef> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = asked.ask(List { after, ..list.clone() }).await.unwrap();
        all.extend(page.items.into_iter().map(|item| TaskRef { org: item.org, task: item.task }));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

fn sort_key(sort: Sort, task: &Snapshot) -> Timestamp {
    match sort {
        Sort::Submitted => task.submitted_at,
        Sort::Updated => task.updated_at,
        Sort::Ended => task.ended_at.unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_list_is_what_the_filter_says_in_order(
        dice in proptest::collection::vec(any::<u32>(), 60..200),
        filters in proptest::collection::vec(filters(), 8),
        sort in proptest::sample::select(&[Sort::Submitted, Sort::Updated, Sort::Ended][..]),
        ascending in any::<bool>(),
        limit in 1_u32..9,
    ) {
        let world = World::thrown(3, &dice);
        let poisoned: BTreeSet<&TaskRef> = world.poisoned.iter().collect();
        block_on(async {
            let asked = Asked::of(&world).await;
            for mut filter in filters {
                if limit == 1 {
                    filter.lineage = world.tasks.values().find_map(|task| task.lineage.parent);
                }
                let mut expected: Vec<&Snapshot> = world.tasks.iter()
                    .filter(|(key, task)| !poisoned.contains(key) && holds(&filter, task))
                    .map(|(_, task)| task)
                    .filter(|task| sort != Sort::Ended || task.ended_at.is_some())
                    .collect();
                expected.sort_by_key(|task| (sort_key(sort, task), task.owner.org.clone(), task.task));
                if !ascending {
                    expected.reverse();
                }
                let expected: Vec<TaskRef> = expected.into_iter()
                    .map(|task| TaskRef { org: task.owner.org.clone(), task: task.task })
                    .collect();
                let list = List { filter, sort, ascending, limit: Some(limit), ..List::default() };
                let mut found = pages(&asked, &list).await;
                found.retain(|key| !poisoned.contains(key));
                assert_eq!(found, expected, "{list:?}");
            }
        });
    }

    #[test]
    fn a_list_says_which_record_submitted_a_task(dice in proptest::collection::vec(any::<u32>(), 60..200)) {
        let world = World::thrown(3, &dice);
        let mut first: BTreeMap<TaskRef, Sequence> = BTreeMap::new();
        for entry in world.entries().into_iter().flatten() {
            if let (Parsed::Task { org, task, .. }, Ok(Record::Task(commit))) = (&entry.subject, &entry.record)
                && matches!(commit.events.first().map(|event| &event.body), Some(EventBody::Submitted(_)))
            {
                first.entry(TaskRef { org: org.clone(), task: *task }).or_insert(entry.sequence);
            }
        }
        block_on(async {
            let asked = Asked::of(&world).await;
            let filter = Filter { dismissed: true, ..Filter::default() };
            let list = List { filter, limit: Some(500), ..List::default() };
            for item in asked.ask(list).await.unwrap().items {
                let key = TaskRef { org: item.org, task: item.task };
                if world.poisoned.contains(&key) {
                    continue;
                }
                // What is left of an erased task does not depend on what came before.
                let expected = first.get(&key).filter(|_| !world.tasks[&key].erased);
                assert_eq!(item.submitted.as_ref(), expected, "{key:?}");
            }
        });
    }

    #[test]
    fn counts_are_a_recount(
        dice in proptest::collection::vec(any::<u32>(), 60..200),
        filters in proptest::collection::vec(filters(), 8),
    ) {
        let world = World::thrown(2, &dice);
        block_on(async {
            let asked = Asked::of(&world).await;
            for filter in filters {
                let list = List { filter: filter.clone(), limit: Some(500), ..List::default() };
                let items = asked.ask(list).await.unwrap().items;
                let mut expected = Tally::default();
                let mut by_user: BTreeMap<(OrgId, Option<UserId>), u64> = BTreeMap::new();
                for item in &items {
                    expected.total += 1;
                    let view = item.view.as_ref();
                    *by_user.entry((item.org.clone(), view.map(|v| v.user.clone()))).or_default() += 1;
                    match (&item.unreadable, view) {
                        (None, Some(view)) => *expected.status.entry(view.status).or_default() += 1,
                        _ => expected.unreadable += 1,
                    }
                }
                let counted = asked.ask(Count { filter, by: Some(By::User), ..Count::default() }).await.unwrap();
                assert_eq!(counted.all, expected);
                let groups = counted.groups.into_iter();
                let groups: BTreeMap<_, _> = groups
                    .map(|group| ((group.org.unwrap(), group.user), group.tally.total))
                    .collect();
                assert_eq!(groups, by_user);
            }
        });
    }
}

#[test]
fn every_task_comes_once_while_everything_changes() {
    block_on(async {
        let mut world = World::new(1);
        let keys: Vec<TaskRef> = (0..60)
            .map(|n| {
                // Many share a time.
                world.now = super::world::T0.plus(Millis(n / 9));
                world.submit(submission("acme", "ann"))
            })
            .collect();
        for one_org in [true, false] {
            let mut asked = Asked::of(&world).await;
            let filter = Filter { org: one_org.then(|| org("acme")), ..Filter::default() };
            let (mut seen, mut after) = (Vec::new(), None);
            for round in 0.. {
                let page = List { filter: filter.clone(), after, limit: Some(7), ..List::default() };
                let page = asked.ask(page).await.unwrap();
                seen.extend(page.items.iter().map(|item| item.task));
                after = page.next;
                if after.is_none() {
                    break;
                }
                // Tasks on both sides of the cursor change, and new ones come.
                world.now = world.now.plus(Millis(5));
                for key in keys.iter().skip(round % 3).step_by(3) {
                    world.act(key, &Command::RequestAbort { by: "ann".into(), reason: None });
                    world.act(key, &Command::Retry { by: "ann".into() });
                }
                world.submit(submission("acme", "bob"));
                asked.catch_up(&world).await;
            }
            let once: BTreeSet<TaskId> = seen.iter().copied().collect();
            assert_eq!(once.len(), seen.len(), "a task came twice");
            assert!(keys.iter().all(|key| once.contains(&key.task)), "a task was left out");
        }
    });
}

#[test]
fn a_task_is_found_by_its_id_alone() {
    block_on(async {
        let mut world = World::new(4);
        let key = world.submit(submission("acme", "ann"));
        let twin = TaskRef { org: org("bolt"), task: key.task };
        let asked = Asked::of(&world).await;
        let by_id = Get { task: key.task, org: None, at_least: Default::default() };
        let found = asked.ask(by_id.clone()).await.unwrap().item.unwrap();
        assert_eq!(found.org, key.org);
        let view = found.view.unwrap();
        let shard = world.shards.of(&key.org);
        assert_eq!(
            (view.sequence, view.as_of),
            (Sequence(1), Some(Sequence(world.logs[usize::from(shard.0)].len() as u64)))
        );

        let elsewhere = Get { org: Some(twin.org.clone()), ..by_id.clone() };
        assert!(asked.ask(elsewhere.clone()).await.unwrap().item.is_none());

        // Another organisation's task of the same id is another task.
        world.commit(&twin, Role::Client, vec![EventBody::Submitted(Box::new(submission("bolt", "bob")))]);
        let asked = Asked::of(&world).await;
        assert!(matches!(asked.ask(by_id).await, Err(QueryError::Ambiguous(2))));
        assert_eq!(asked.ask(elsewhere).await.unwrap().item.unwrap().view.unwrap().user, user("bob"));
    });
}

#[test]
fn a_page_of_large_tasks_ends_early() {
    block_on(async {
        let mut world = World::new(1);
        for _ in 0..30 {
            let key = world.submit(submission("acme", "ann"));
            world.start(&key);
            let arguments = serde_json::Value::from("x".repeat(60_000));
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
        let page = asked.ask(List::default()).await.unwrap();
        assert!((1..30).contains(&page.items.len()), "{}", page.items.len());
        assert_eq!(pages(&asked, &List::default()).await.len(), 30);
    });
}

#[test]
fn what_is_not_usable_is_said() {
    block_on(async {
        let mut world = World::new(1);
        (0..3).for_each(|_| drop(world.submit(submission("acme", "ann"))));
        let asked = Asked::of(&world).await;
        for limit in [0, 501] {
            let refused = asked.ask(List { limit: Some(limit), ..List::default() }).await.unwrap_err();
            assert!(matches!(refused, QueryError::Unusable(_)), "{refused}");
        }
        let page = asked.ask(List { limit: Some(1), ..List::default() }).await.unwrap();
        let of_another_order = List { after: page.next, sort: Sort::Updated, ..List::default() };
        assert!(matches!(asked.ask(of_another_order).await, Err(QueryError::Unusable(_))));
        for bad in ["", "sd", "sd.x.y.z", "sd.1.00000000-0000-0000-0000-000000000000.a'b", "sd.1..", "💥"] {
            let list = List { after: Some(Cursor(bad.to_owned())), ..List::default() };
            assert!(matches!(asked.ask(list).await, Err(QueryError::Unusable(_))), "{bad}");
        }
    });
}
