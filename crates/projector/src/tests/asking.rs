//! Questions: reading one's own writes, and the service.

use std::time::Duration;

use longhaul_core::*;
use longhaul_wire::Shard;
use longhaul_wire::query::{
    Count, ENDPOINTS, Executors, Get, Health, List, MAX_PAGE, Page, Positions, Query, Roster, SERVICE,
};
use serde_json::{Value, json};

use super::world::{World, executor, submission};
use super::{Asked, Running, block_on};
use crate::error::QueryError;

const SOON: Duration = Duration::from_secs(30);

#[test]
fn one_reads_what_one_has_written() {
    block_on(async {
        let mut world = World::new(2);
        let mut running = Running::of(&world).await;
        for n in 1..40 {
            let key = world.submit(submission(if n % 2 == 0 { "acme" } else { "bolt" }, "ann"));
            let shard = world.shards.of(&key.org);
            running.write(&world).await;
            let at_least = Positions::at(shard, world.tasks[&key].sequence);
            let got = running
                .handle
                .ask(Get { task: key.task, org: None, at_least: at_least.clone() })
                .await
                .unwrap();
            assert!(got.as_of.covers(&at_least));
            assert!(got.item.is_some());
            let count = Count { at_least, ..Count::default() };
            assert_eq!(running.handle.ask(count).await.unwrap().all.total, n);
        }
        running.stop().await;
    });
}

#[test]
fn what_is_not_folded_in_time_is_said() {
    block_on(async {
        let mut world = World::new(1);
        world.submit(submission("acme", "ann"));
        let asked = Asked::of(&world).await;
        let mut handle = asked.projector().handle();
        handle.patience = Duration::from_millis(20);
        let ahead = List { at_least: Positions::at(Shard(0), Sequence(9)), ..List::default() };
        let refused = handle.ask(ahead).await.unwrap_err();
        assert_eq!(refused.code(), 504);
        let said = refused.to_string();
        assert!(said.contains("up to 1,") && said.contains("up to 9"), "{said}");
        let nowhere = List { at_least: Positions::at(Shard(7), Sequence(1)), ..List::default() };
        assert!(matches!(handle.ask(nowhere).await, Err(QueryError::Unusable(_))));
    });
}

#[test]
fn the_service_answers_every_endpoint() {
    block_on(async {
        let mut world = World::new(1);
        let key = world.submit(submission("acme", "ann"));
        let running = Running::of(&world).await;
        let candidate = json!({"owner": {"org": "acme", "user": "ann"}, "kind": "report"});
        let of_user = json!({"org": "acme", "user": "ann"});
        for endpoint in ENDPOINTS {
            let question = match endpoint {
                "get" => json!({"task": key.task}),
                "outlook" => json!({"candidate": candidate}),
                "usage" | "slots" => json!({"org": "acme"}),
                "notifications" => of_user.clone(),
                "mark_read" => json!({"org": "acme", "user": "ann", "up_to": 5}),
                _ => json!({}),
            };
            let mut with_place = question.clone();
            with_place["at_least"] = json!({"0": 1});
            for question in [question, with_place] {
                let answer = running.ask(endpoint, question.to_string().as_bytes()).await.unwrap();
                assert_eq!(answer["as_of"], json!({"0": 1}), "{endpoint}");
            }
        }
        // By hand, without anything.
        let page = running.ask(List::ENDPOINT, b"").await.unwrap();
        let page: Page = serde_json::from_value(page).unwrap();
        assert_eq!(page.items[0].task, key.task);
        running.stop().await;
    });
}

#[test]
fn a_bad_question_gets_a_clear_error() {
    block_on(async {
        let running = Running::of(&World::new(1)).await;
        let cases: [(&str, &[u8], u16, &str); 9] = [
            ("list", b"{", 400, "longhaul.list"),
            ("list", b"\xff\x00", 400, "longhaul.list"),
            ("list", br#"{"filter":{"stauts":["running"]}}"#, 400, "stauts"),
            ("list", br#"{"filter":{"status":["jogging"]}}"#, 400, "jogging"),
            ("list", br#"{"filter":{"org":"a.b"}}"#, 400, "organisation"),
            ("list", br#"{"limit":1000000}"#, 400, "500"),
            ("get", br#"{"task":"42"}"#, 400, "longhaul.get"),
            ("notifications", b"", 400, "org"),
            ("list", br#"{"at_least":{"3":1}}"#, 400, "no shard 3"),
        ];
        for (endpoint, question, code, word) in cases {
            let (found, text) = running.ask(endpoint, question).await.unwrap_err();
            assert_eq!(found, code, "{text}");
            assert!(text.contains(word), "{text}");
        }
        let long = format!("{{\"filter\":{{\"text\":\"{}\"}}}}", "x".repeat(100_000));
        assert_eq!(running.ask("list", long.as_bytes()).await.unwrap_err().0, 400);
        assert_eq!(MAX_PAGE, 500);
        running.stop().await;
    });
}

#[test]
fn executors_are_heard_and_shown() {
    block_on(async {
        let mut world = World::new(1);
        let key = world.submit(submission("acme", "ann"));
        world.start(&key);
        let running = Running::of(&world).await;
        let beat = |at| Beat {
            executor: executor(1),
            at,
            version: "1".to_owned(),
            host: "here/1".to_owned(),
            kinds: vec![],
            runs: vec![HeldRun { org: key.org.clone(), task: key.task, run: RunNumber(1) }],
            draining: false,
        };
        let at = running.journal.now();
        running.journal.beat(&beat(at)).await.unwrap();
        let roster = running
            .until(SOON, async |handle| {
                let roster: Roster = handle.ask(Executors::default()).await.unwrap();
                (!roster.executors.is_empty()).then_some(roster)
            })
            .await;
        assert_eq!(roster.executors[0].beat.executor, executor(1));
        assert!(!roster.executors[0].stale);
        let get = Get { task: key.task, org: None, at_least: Default::default() };
        let view = running.handle.ask(get).await.unwrap().item.unwrap().view.unwrap();
        assert_eq!(view.heartbeat_at, Some(at));
        running.stop().await;
    });
}

/// A beat that has lain in the store since its executor died is no sign of life.
#[test]
fn an_old_beat_is_stale() {
    block_on(async {
        let running = Running::of(&World::new(1)).await;
        let now = running.journal.now();
        let beat = |at: Timestamp| Beat {
            executor: executor(2),
            at,
            version: "1".to_owned(),
            host: "there/2".to_owned(),
            kinds: vec![Room { kind: super::world::kind("report"), places: 1, free: 1 }],
            runs: vec![],
            draining: false,
        };
        let stale = async |handle: &crate::Handle| {
            let roster: Roster = handle.ask(Executors::default()).await.unwrap();
            roster.executors.first().map(|heard| heard.stale)
        };
        running.journal.beat(&beat(Timestamp(now.0 - 60_000))).await.unwrap();
        assert!(running.until(SOON, stale).await);
        // It beats again, with a clock that is behind: it lives.
        running.journal.beat(&beat(Timestamp(now.0 - 59_000))).await.unwrap();
        running.until(SOON, async |handle| stale(handle).await.filter(|stale| !stale)).await;
        running.stop().await;
    });
}

#[test]
fn the_projector_says_how_it_is() {
    block_on(async {
        let mut world = World::new(2);
        world.submit(submission("acme", "ann"));
        let running = Running::of(&world).await;
        let health = running.handle.ask(Health::default()).await.unwrap();
        assert_eq!((health.version.as_str(), health.tasks), (env!("CARGO_PKG_VERSION"), 1));
        assert!(health.lag.values().all(|lag| *lag == 0));
        let json: Value = running.ask("status", b"").await.unwrap();
        assert_eq!(json["trouble"], Value::Null);
        assert_eq!(SERVICE, "longhaul");
        running.stop().await;
    });
}
