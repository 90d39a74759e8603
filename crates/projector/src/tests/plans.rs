//! The lists people look at all day are walks along an index: no scan of the table, no sort but of
//! tasks that live, where they are wanted in another order than that of submission.

use longhaul_core::Status;
use longhaul_wire::query::{Briefs, Count, Cursor, Filter, List, Sort};
use rusqlite::params_from_iter;

use super::Bench;
use super::world::{World, kind, org, submission, user};
use crate::answer::{Conditions, Part, Place, brief_statements, count_statement, statements};

/// How SQLite would answer.
fn plan(bench: &mut Bench, sql: &str, which: &Conditions) -> String {
    let mut statement = bench.model().db().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = statement.query_map(params_from_iter(&which.values), |row| row.get::<_, String>(3)).unwrap();
    rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_list_walks_along_an_index() {
    let mut world = World::new(1);
    let key = world.submit(submission("acme", "ann"));
    let mut bench = Bench::new(world.shards);
    bench.fold(&world.entries(), 10);

    let all = Filter::default();
    let acme = Filter { org: Some(org("acme")), ..Filter::default() };
    let ann = Filter { user: Some(user("ann")), ..acme.clone() };
    let reports = Filter { kind: Some(kind("report")), ..acme.clone() };
    let live = vec![Status::Pending, Status::Running, Status::Paused];
    let with = |filter: &Filter, status: &[Status]| Filter { status: status.to_vec(), ..filter.clone() };
    let cases = [
        (all.clone(), Sort::Submitted, vec!["task_live", "task_submitted"]),
        (all.clone(), Sort::Updated, vec!["task_live", "task_updated"]),
        (all.clone(), Sort::Ended, vec!["task_ended"]),
        (with(&all, &[Status::Failed]), Sort::Submitted, vec!["task_status_submitted"]),
        (with(&all, &[Status::Failed, Status::Expired]), Sort::Submitted, vec!["task_status_submitted"; 2]),
        (with(&all, &[Status::Completed]), Sort::Submitted, vec!["task_submitted"]),
        (with(&all, &live), Sort::Submitted, vec!["task_live"]),
        (with(&all, &live), Sort::Ended, vec![]),
        (acme.clone(), Sort::Submitted, vec!["org_live", "org_submitted"]),
        (acme.clone(), Sort::Updated, vec!["org_live", "org_updated"]),
        (acme.clone(), Sort::Ended, vec!["org_ended"]),
        (with(&acme, &[Status::Failed]), Sort::Submitted, vec!["org_status_submitted"]),
        (with(&acme, &[Status::Failed, Status::Expired]), Sort::Submitted, vec!["org_status_submitted"; 2]),
        (
            with(&acme, &[Status::Running, Status::Completed]),
            Sort::Submitted,
            vec!["org_live", "org_submitted"],
        ),
        (with(&acme, &[Status::Completed, Status::Failed]), Sort::Ended, vec!["org_ended"]),
        (with(&acme, &live), Sort::Submitted, vec!["org_live"]),
        (reports, Sort::Submitted, vec!["org_live", "org_kind_submitted"]),
        (ann.clone(), Sort::Submitted, vec!["org_live", "user_submitted"]),
        (ann, Sort::Updated, vec!["org_live", "user_updated"]),
    ];
    for (filter, sort, indexes) in cases {
        for ascending in [false, true] {
            let letters = match sort {
                Sort::Submitted => 's',
                Sort::Updated => 'u',
                Sort::Ended => 'e',
            };
            let way = if ascending { 'a' } else { 'd' };
            let cursor = Cursor(format!("{letters}{way}.1800000000000.{}.acme", key.task));
            for after in [None, Some(cursor)] {
                let found = if after.is_some() { "SEARCH" } else { "" };
                let list = List { filter: filter.clone(), sort, ascending, after, ..List::default() };
                let statements = statements(&list).unwrap();
                assert_eq!(statements.len(), indexes.len(), "{statements:?}");
                for ((sql, which), index) in statements.iter().zip(&indexes) {
                    let plan = plan(&mut bench, sql, which);
                    if index.ends_with("_live") && sort != Sort::Submitted {
                        assert!(plan.contains("_live"), "{plan}\n{list:?}");
                        continue;
                    }
                    assert!(
                        plan.contains(&format!("INDEX {index}")),
                        "{index} is not used: {plan}\n{list:?}"
                    );
                    // The next page begins where the last one ended, not at the beginning.
                    assert!(plan.contains(found), "{plan}\n{list:?}");
                    assert!(!plan.contains("TEMP B-TREE"), "{plan}\n{list:?}");
                }
            }
        }
    }
}

#[test]
fn briefs_walk_along_an_index() {
    let mut world = World::new(1);
    let key = world.submit(submission("acme", "ann"));
    let mut bench = Bench::new(world.shards);
    let place = Place { at: 1, org: key.org, task: key.task };
    let all = [(None, "task_live", "task_submitted"), (Some(org("acme")), "org_live", "org_submitted")];
    for (org, live, ended) in all {
        let briefs = Briefs { filter: Filter { org, ..Filter::default() }, ..Briefs::default() };
        for (part, index) in [(Part::Live, live), (Part::Ended, ended)] {
            for after in [None, Some(&place)] {
                let statements = brief_statements(&briefs, part, after, 10);
                let [(sql, which)] = &statements[..] else { panic!("{statements:?}") };
                let plan = plan(&mut bench, sql, which);
                assert!(plan.contains(&format!("INDEX {index}")), "{index} is not used: {plan}");
                assert!(after.is_none() || plan.contains("SEARCH"), "{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            }
        }
    }
}

#[test]
fn counts_read_an_index_alone() {
    let mut bench = Bench::new(longhaul_journal::Shards::ONE);
    let acme = Filter { org: Some(org("acme")), ..Filter::default() };
    let ann = Filter { user: Some(user("ann")), ..acme.clone() };
    let ended = Filter { status: vec![Status::Failed, Status::Expired], ..acme.clone() };
    for filter in [Filter::default(), acme, ann, ended] {
        let count = Count { filter, ..Count::default() };
        let (sql, which) = count_statement(&count, Part::Ended);
        let ended = plan(&mut bench, &sql, &which);
        assert!(ended.contains("COVERING INDEX task_count"), "{ended}");
        assert!(!ended.contains("TEMP B-TREE"), "{ended}");
        let (sql, which) = count_statement(&count, Part::Live);
        let live = plan(&mut bench, &sql, &which);
        assert!(live.contains("INDEX task_live") || live.contains("INDEX org_live"), "{live}");
    }
}
