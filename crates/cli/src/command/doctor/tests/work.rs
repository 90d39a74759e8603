//! Who is at work, and what the server says.

use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::*;
use longhaul_journal::{Durability, Shard, new_id};
use longhaul_wire::query::{Condition, Positions, Queued, QueuedTask};

use super::super::check::{Verdict, summary, table};
use super::super::services::{self, Beats};
use super::super::{ServerFacts, server};
use crate::command::replay::script::Script;

fn beat(script: &Script) -> Beat {
    Beat {
        executor: new_id(),
        at: script.journal.now(),
        version: "1".to_owned(),
        host: "here/1".to_owned(),
        kinds: vec![Room { kind: Kind::new("report").unwrap(), places: 4, free: 3 }],
        runs: Vec::new(),
        draining: false,
    }
}

#[tokio::test(start_paused = true)]
async fn executors_are_told_with_what_they_take() {
    let script = Script::new(1);
    let none = Beats::listen(&script.journal).await.unwrap();
    assert_eq!(services::executors(&none, script.journal.now()).verdict, Verdict::Warn);
    let silent = Beat { at: Timestamp(0), ..beat(&script) };
    script.journal.beat(&silent).await.unwrap();
    script.journal.beat(&beat(&script)).await.unwrap();
    let heard = Beats::listen(&script.journal).await.unwrap();
    let check = services::executors(&heard, script.journal.now());
    assert_eq!(check.verdict, Verdict::Ok);
    assert_eq!(check.found, "1 at work: report (3 of 4 places free); 1 other has fallen silent");
}

#[tokio::test(start_paused = true)]
async fn an_executor_whose_clock_is_wrong_but_that_beats_is_alive() {
    let script = Script::new(1);
    let old = Beat { at: Timestamp(0), ..beat(&script) };
    let journal = script.journal.clone();
    let beating = tokio::spawn(async move {
        loop {
            journal.beat(&old).await.unwrap();
            tokio::time::sleep(BEAT.duration()).await;
        }
    });
    let heard = Beats::listen(&script.journal).await.unwrap();
    assert_eq!(services::executors(&heard, script.journal.now()).verdict, Verdict::Ok);
    beating.abort();
}

fn queued(tasks: Vec<(TaskId, WaitReason)>) -> Queued {
    let tasks: Vec<QueuedTask> = tasks
        .into_iter()
        .map(|(task, reason)| QueuedTask {
            org: OrgId::new("acme").unwrap(),
            user: UserId::new("ann").unwrap(),
            task,
            kind: Kind::new("report").unwrap(),
            title: "t".to_owned(),
            priority: Priority::Normal,
            lane: Lane::default(),
            queued_at: Timestamp(0),
            waiting: Waiting { reason, place: 1, blockers: Vec::new(), not_before: None },
        })
        .collect();
    Queued { as_of: Positions::default(), total: tasks.len() as u64, tasks }
}

/// A scheduler that beats.
async fn scheduling(script: &Script) -> Beats {
    script.journal.beat(&Beat { kinds: Vec::new(), ..beat(script) }).await.unwrap();
    Beats::listen(&script.journal).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_scheduler_is_known_by_its_beat_and_by_what_it_leaves_undone() {
    let script = Script::new(1);
    let beats = scheduling(&script).await;
    let now = script.journal.now();
    assert_eq!(services::executors(&beats, now).verdict, Verdict::Warn, "it runs nothing");
    let judge =
        |before: &Queued, after: &Queued| services::scheduler(before, after, &beats, [].into_iter(), now);
    let (a, b) = (new_id(), new_id());
    let capped = WaitReason::UserCap { running: 6, cap: 6 };
    let idle = queued(Vec::new());
    let busy = queued(vec![(a, capped), (b, WaitReason::Next)]);
    assert_eq!(judge(&idle, &busy).verdict, Verdict::Ok, "it became free just now");
    assert_eq!(judge(&busy, &idle).verdict, Verdict::Ok);
    let overdue = judge(&busy, &busy);
    assert_eq!((overdue.verdict, overdue.details.len()), (Verdict::Warn, 1));
    assert!(overdue.details[0].contains(&b.to_string()), "{overdue:?}");
    let none = services::scheduler(&idle, &idle, &Beats::default(), [].into_iter(), now);
    assert_eq!(none.verdict, Verdict::Warn);
}

#[test]
fn what_waits_is_counted_by_reason_and_a_kind_nobody_takes_is_named() {
    let capped = WaitReason::UserCap { running: 6, cap: 6 };
    let check = services::waiting(&queued(vec![(new_id(), capped.clone()), (new_id(), WaitReason::Next)]));
    assert_eq!((check.verdict, check.found.as_str()), (Verdict::Ok, "2 tasks wait: 1 next, 1 user_cap"));
    let odd = WaitReason::NoExecutor { kind: Kind::new("odd").unwrap() };
    let check = services::waiting(&queued(vec![(new_id(), capped), (new_id(), odd)]));
    assert!(check.verdict == Verdict::Warn && check.advice.unwrap().contains("nobody takes odd"));
}

#[tokio::test(start_paused = true)]
async fn a_run_on_a_silent_executor_is_overdue() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    script.start(&task).await;
    let s = script.journal.load(&task).await.unwrap().unwrap();
    let beats = scheduling(&script).await;
    let judge = |seconds: u64| {
        let now = script.journal.now().plus(Millis::seconds(seconds));
        let idle = queued(Vec::new());
        services::scheduler(&idle, &idle, &beats, [&s].into_iter(), now)
    };
    assert_eq!(judge(5).found, "1 at work; nothing is overdue");
    let overdue = judge(100);
    assert_eq!(overdue.found, "none is heard; 1 task is overdue");
    assert!(overdue.details[0].contains(&task.task.to_string()), "{overdue:?}");
}

#[test]
fn a_projector_in_trouble_is_a_failure_and_one_that_is_behind_a_word() {
    let heads = [(Shard(0), Sequence(5_000))];
    let condition = |lag: u64, trouble: Option<&str>| Condition {
        as_of: Positions::at(Shard(0), Sequence(5_000 - lag)),
        version: "1".to_owned(),
        lag: [(0, lag)].into(),
        trouble: trouble.map(str::to_owned),
        tasks: 3,
        unreadable: 0,
        put_aside: Vec::new(),
        records: Vec::new(),
    };
    assert_eq!(services::judged(&condition(3, None), &heads).verdict, Verdict::Ok);
    assert_eq!(services::judged(&condition(3_000, None), &heads).verdict, Verdict::Warn);
    let full = services::judged(&condition(3, Some("the disk is full")), &heads);
    assert!(full.verdict == Verdict::Fail && full.found.contains("the disk is full"));
}

#[tokio::test]
async fn what_an_acknowledgement_promises_is_said_plainly() {
    let info = Script::new(1).journal.info();
    let judge = |durability| {
        server::durability(
            &longhaul_journal::PortInfo { durability, ..info.clone() },
            &ServerFacts::default(),
        )
    };
    let strict = judge(Durability::Strict);
    assert!(strict.verdict == Verdict::Ok && strict.found.contains("power loss"));
    for weaker in [Durability::Relaxed, Durability::Unknown, Durability::None] {
        assert_eq!(judge(weaker).verdict, Verdict::Warn, "{weaker:?}");
    }
    let private = ServerFacts { private: true, ..ServerFacts::default() };
    let of_its_own = server::durability(
        &longhaul_journal::PortInfo { durability: Durability::Strict, ..info.clone() },
        &private,
    );
    assert!(of_its_own.found.contains("started for this check"), "{of_its_own:?}");
    let small = longhaul_journal::PortInfo { max_message: 1000, ..info };
    assert_eq!(server::connection(&small, &ServerFacts::default()).verdict, Verdict::Warn);
}

#[test]
fn the_table_is_plain_and_says_what_to_do() {
    let checks = vec![
        super::Check::ok("one", "fine"),
        super::Check::fail("another", "bad \u{1b}[31m", "mend it").with(vec!["here".to_owned()]),
    ];
    let text = table(&checks);
    assert_eq!(
        text,
        "ok    one      fine\nFAIL  another  bad [31m\n                 here\n               → mend it"
    );
    assert_eq!(summary(&checks), "2 checks: 1 ok, 0 to look at, 1 failed");
}
