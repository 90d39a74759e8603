//! The bell: one line a fact, read once.

use longhaul_core::*;
use longhaul_wire::query::{Bell, Fact, MarkRead, Notifications, Positions};

use super::world::{World, org, submission, user};
use super::{Asked, Bench, block_on};
use crate::error::QueryError;

fn bell() -> Bell {
    Bell {
        org: org("acme"),
        user: user("ann"),
        unread: false,
        after: None,
        before: None,
        limit: None,
        at_least: Positions::default(),
    }
}

fn read() -> MarkRead {
    MarkRead {
        org: org("acme"),
        user: user("ann"),
        up_to: None,
        these: vec![],
        at_least: Positions::default(),
    }
}

fn statuses(said: &Notifications) -> Vec<(Status, bool)> {
    said.notifications.iter().map(|one| (one.status, one.read)).collect()
}

fn ask_approval(world: &mut World, key: &TaskRef) -> ApprovalId {
    world.start(key);
    let approval = ApprovalId(world.id());
    let asked = Act::RequestApproval {
        approval,
        action: "send".to_owned(),
        arguments: serde_json::Value::Null,
        digest: Digest([1; 32]),
        schema: None,
        note: None,
        expires_at: world.now.plus(Millis::minutes(60)),
    };
    world.run(key, asked);
    approval
}

#[test]
fn it_rings_for_ends_and_questions_once_each() {
    block_on(async {
        let mut world = World::new(1);
        let done = world.submit(submission("acme", "ann"));
        world.start(&done);
        world.complete(&done);
        let questioned = world.submit(submission("acme", "ann"));
        let approval = ask_approval(&mut world, &questioned);
        let others = world.submit(submission("acme", "bob"));
        world.act(&others, &Command::RequestAbort { by: "bob".into(), reason: None });
        // A failure that is tried again at once is not an end.
        let mut twice = submission("acme", "ann");
        twice.retry.max_attempts = 2;
        let twice = world.submit(twice);
        world.start(&twice);
        let error = TaskError { code: "e".into(), message: "m".into(), retryable: true };
        world.run(&twice, Act::Fail { error: error.clone() });

        let mut asked = Asked::of(&world).await;
        let said = asked.ask(bell()).await.unwrap();
        assert_eq!(statuses(&said), [(Status::Paused, false), (Status::Completed, false)]);
        assert_eq!((said.unread, said.notifications[1].task), (2, done.task));
        assert_eq!(said.notifications[0].title, "Quarterly review");

        // An answered question needs nobody any more.
        let decision = Decision::Approved;
        let digest = Digest([1; 32]);
        world.act(&questioned, &Command::DecideApproval { approval, digest, decision, by: "bob".into() });
        world.now = world.now.plus(Millis::minutes(60));
        world.start(&twice);
        world.run(&twice, Act::Fail { error });
        asked.catch_up(&world).await;
        let said = asked.ask(bell()).await.unwrap();
        assert_eq!(
            statuses(&said),
            [(Status::Failed, false), (Status::Paused, true), (Status::Completed, false)]
        );
        assert_eq!(said.unread, 2);
        assert!(said.notifications[1].settled);

        // What is put away is silent.
        world.act(&twice, &Command::Dismiss { by: "ann".into() });
        asked.catch_up(&world).await;
        assert_eq!(asked.ask(bell()).await.unwrap().unread, 1);
    });
}

#[test]
fn what_is_read_stays_read() {
    block_on(async {
        let mut world = World::new(1);
        let mut ends = Vec::new();
        for _ in 0..5 {
            let key = world.submit(submission("acme", "ann"));
            world.start(&key);
            ends.push((key.task, world.complete(&key).unwrap()));
        }
        let mut asked = Asked::of(&world).await;
        let these = vec![Fact { task: ends[3].0, sequence: ends[3].1 }];
        assert_eq!(asked.ask(MarkRead { these: these.clone(), ..read() }).await.unwrap().unread, 4);
        // Again, a fact nobody knows, and somebody else's: nothing changes.
        let nonsense = Fact { task: ends[0].0, sequence: ends[1].1 };
        assert_eq!(
            asked.ask(MarkRead { these: [these, vec![nonsense]].concat(), ..read() }).await.unwrap().unread,
            4
        );
        let bobs = MarkRead { user: user("bob"), up_to: Some(ends[4].1), ..read() };
        assert_eq!(asked.ask(bobs).await.unwrap().unread, 0);
        assert_eq!(asked.ask(MarkRead { up_to: Some(ends[1].1), ..read() }).await.unwrap().unread, 2);

        let unread = asked.ask(Bell { unread: true, ..bell() }).await.unwrap();
        let left: Vec<TaskId> = unread.notifications.iter().map(|one| one.task).collect();
        assert_eq!(left, [ends[4].0, ends[2].0]);

        // Reading everything does not read what is still to come.
        assert_eq!(
            asked.ask(MarkRead { up_to: Some(Sequence(u64::MAX)), ..read() }).await.unwrap().unread,
            0
        );
        let key = world.submit(submission("acme", "ann"));
        world.act(&key, &Command::RequestAbort { by: "ann".into(), reason: None });
        asked.catch_up(&world).await;
        assert_eq!(asked.ask(bell()).await.unwrap().unread, 1);

        assert!(matches!(asked.ask(read()).await, Err(QueryError::Unusable(_))));
    });
}

#[test]
fn pages_go_back_and_news_come_after() {
    block_on(async {
        let mut world = World::new(1);
        for _ in 0..5 {
            let key = world.submit(submission("acme", "ann"));
            world.act(&key, &Command::RequestAbort { by: "ann".into(), reason: None });
        }
        let asked = Asked::of(&world).await;
        let first = asked.ask(Bell { limit: Some(2), ..bell() }).await.unwrap();
        assert!(first.more && first.unread == 5);
        let last = first.notifications[1].sequence;
        let rest = asked.ask(Bell { before: Some(last), ..bell() }).await.unwrap();
        assert_eq!((rest.notifications.len(), rest.more), (3, false));
        let news = asked.ask(Bell { after: Some(last), ..bell() }).await.unwrap();
        assert_eq!(news.notifications, first.notifications[..1]);
    });
}

#[test]
fn marks_outlive_a_rebuild_but_not_another_log() {
    let mut world = World::new(1);
    let key = world.submit(submission("acme", "ann"));
    world.act(&key, &Command::RequestAbort { by: "ann".into(), reason: None });
    let mut bench = Bench::new(world.shards);
    bench.fold(&world.entries(), 10);
    let marks = |bench: &mut Bench| -> i64 {
        bench.model().db().query_row("SELECT count(*) FROM read_mark", [], |row| row.get(0)).unwrap()
    };
    bench
        .model()
        .db()
        .execute("INSERT INTO read_mark SELECT org, user, task, sequence FROM notification", [])
        .unwrap();
    bench.model().db().execute("UPDATE identity SET is_now = 'older'", []).unwrap();
    bench.reopen();
    assert_eq!(marks(&mut bench), 1);
    bench.model().start_over().unwrap();
    assert_eq!(marks(&mut bench), 0);
}
