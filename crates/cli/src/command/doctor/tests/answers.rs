//! The projector's answers against the log: a real projector, and one that lies.

use std::sync::Arc;

use bytes_of::body;
use futures::StreamExt as _;
use longhaul_audit::{Known, difference};
use longhaul_core::*;
use longhaul_journal::port::Port as _;
use longhaul_journal::{Answer, Journal, ServiceSpec, Shard};
use longhaul_projector::{Options, Projector};
use longhaul_wire::query::{
    Condition, Count, Counted, ENDPOINTS, Get, Got, Health, Item, Positions, Query, Queue, Queued, SERVICE,
    Unreadable, UsageOf, Used,
};
use longhaul_wire::view::SnapshotView;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::super::{ServerFacts, examine};
use super::{Check, Verdict, bad};
use crate::command::replay::script::{Script, step, usage};

async fn doctor(script: &Script) -> Vec<Check> {
    examine(&script.journal, &script.client("acme"), 200, &ServerFacts::default(), |_| {}).await.0
}

/// Some organisations with tasks of every sort, and one that cannot be read.
async fn busy() -> Script {
    let script = Script::new(4);
    for org in ["acme", "initech", "hooli"] {
        for n in 0..4 {
            let task = script.submit(org, &format!("task {n}")).await;
            if n == 0 {
                continue;
            }
            let run = script.start(&task).await;
            script.say(&task, Role::Executor, step(run, "a", 0)).await;
            script.say(&task, Role::Executor, vec![usage(run, 100 + n)]).await;
            if n > 1 {
                script.complete(&task, run).await;
            }
            if n > 2 {
                script.client(org).erase(task.task).await.unwrap();
            }
        }
    }
    let broken = script.submit("acme", "broken").await;
    script.garble(&broken).await;
    script
}

#[tokio::test]
async fn a_projector_that_folds_as_the_log_says_is_good() {
    let script = busy().await;
    let dir = tempfile::tempdir().unwrap();
    let projector = Projector::open(script.journal.clone(), Options::new(dir.path())).await.unwrap();
    let cancel = CancellationToken::new();
    let running = tokio::spawn(projector.run(cancel.clone()));
    serving(&script).await;
    let checks = doctor(&script).await;
    // Nobody runs tasks here, the log is in memory, one task is put aside: worth a word, no more.
    let expected =
        ["durability", "executors", "scheduler", "queue", "newer"].map(|check| (check, Verdict::Warn));
    assert_eq!(bad(&checks), expected, "{checks:#?}");
    let found = |name: &str| checks.iter().find(|check| check.check == name).unwrap().found.clone();
    assert!(found("counts").starts_with("13 tasks"), "{}", found("counts"));
    assert!(found("usage").contains("3 organisations"), "{}", found("usage"));
    assert!(found("refold").starts_with("13 tasks"), "{}", found("refold"));
    cancel.cancel();
    running.await.unwrap().unwrap();
}

/// Waits until somebody answers.
async fn serving(script: &Script) {
    let client = script.client("acme");
    let answered = async {
        while client.query(&Health::default()).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), answered).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_projector_the_log_is_examined_all_the_same() {
    let script = busy().await;
    let checks = doctor(&script).await;
    assert!(bad(&checks).contains(&("projector", Verdict::Fail)));
    assert!(checks.iter().any(|check| check.check == "slots" && check.verdict == Verdict::Ok));
    assert!(!checks.iter().any(|check| check.check == "refold"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_is_one_failed_check_and_no_error() {
    let script = busy().await;
    script.memory.stop();
    let journal = script.journal.clone().with_deadline(std::time::Duration::from_secs(1));
    let (checks, _) = examine(&journal, &script.client("acme"), 5, &ServerFacts::default(), |_| {}).await;
    assert_eq!(checks.last().map(|check| (check.check, check.verdict)), Some(("log", Verdict::Fail)));
}

/// A projector that forgets one task, invents another's status, and cannot add up.
async fn lie(journal: Journal, wrong: TaskId, missing: TaskId) {
    let spec = ServiceSpec {
        name: SERVICE.to_owned(),
        version: "0".to_owned(),
        description: String::new(),
        endpoints: ENDPOINTS.map(str::to_owned).into(),
    };
    let mut questions = journal.serve(spec).await.unwrap();
    while let Some(question) = questions.next().await {
        let mut heads = Positions::default();
        for shard in journal.shards().all() {
            heads.advance(shard, journal.head(shard).await.unwrap());
        }
        let answer = if question.endpoint() == Get::ENDPOINT {
            let get: Get = serde_json::from_slice(question.body()).unwrap();
            let at = TaskRef { org: get.org.unwrap(), task: get.task };
            let snapshot = journal.load(&at).await.unwrap().unwrap();
            let mut view = SnapshotView::new(&snapshot, None, Some(Timestamp(7)), Some(Sequence(9)));
            if get.task == wrong {
                view.status = Status::Expired;
                view.attempt = 9;
            }
            let item =
                Item { org: at.org, task: at.task, view: Some(view), unreadable: None, submitted: None };
            body(&Got { as_of: heads, item: Some(item).filter(|item| item.task != missing) })
        } else if question.endpoint() == Count::ENDPOINT {
            body(&Counted { as_of: heads, all: Default::default(), groups: Vec::new() })
        } else if question.endpoint() == UsageOf::ENDPOINT {
            body(&Used { as_of: heads, total: Usage::default(), tasks: 0, days: Vec::new(), budget: None })
        } else if question.endpoint() == Queue::ENDPOINT {
            body(&Queued { as_of: heads, total: 0, tasks: Vec::new() })
        } else {
            body(&condition(heads))
        };
        question.answer(answer).await.unwrap();
    }
}

fn condition(as_of: Positions) -> Condition {
    let lag = [(0, 0)].into();
    let (version, trouble) = ("0".to_owned(), None);
    Condition {
        as_of,
        version,
        lag,
        trouble,
        tasks: 0,
        unreadable: 0,
        put_aside: Vec::new(),
        records: Vec::new(),
    }
}

mod bytes_of {
    /// An answer's body.
    pub(super) fn body<T: super::Serialize>(answer: &T) -> super::Answer {
        Ok(serde_json::to_vec(answer).unwrap().into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_projector_that_says_something_else_than_the_log_is_found_out() {
    let script = Arc::new(Script::new(1));
    let wrong = script.submit("acme", "wrong").await;
    let missing = script.submit("acme", "missing").await;
    let run = script.start(&wrong).await;
    script.say(&wrong, Role::Executor, vec![usage(run, 5)]).await;
    let liar = tokio::spawn(lie(script.journal.clone(), wrong.task, missing.task));
    serving(&script).await;
    let checks = doctor(&script).await;
    let failed: Vec<_> = bad(&checks).into_iter().filter(|(_, verdict)| *verdict == Verdict::Fail).collect();
    assert_eq!(failed, ["refold", "counts", "usage"].map(|check| (check, Verdict::Fail)), "{checks:#?}");
    let details = |name: &str| checks.iter().find(|check| check.check == name).unwrap().details.join("\n");
    let refold = details("refold");
    assert!(refold.contains("attempt is 1 in the log, 9 in the projector (and 1 more)"), "{refold}");
    assert!(
        refold.contains(&format!("task {} of acme: the projector does not have it", missing.task)),
        "{refold}"
    );
    assert!(details("counts").contains("total is 2 in the log, 0 in the projector"), "{}", details("counts"));
    assert!(details("usage").contains("acme: 5 tokens in"), "{}", details("usage"));
    let advice = |checks: &[Check], name: &str| {
        checks.iter().find(|check| check.check == name).unwrap().advice.clone().unwrap()
    };
    assert!(advice(&checks, "counts").contains("delete the projector's directory"));
    // Where the log has lost something, the projector may be all there is of it.
    script.memory.forget(Shard(0), &[Sequence(1)]).await.unwrap();
    let checks = doctor(&script).await;
    for name in ["refold", "counts", "usage"] {
        if let Some(check) = checks.iter().find(|check| check.check == name && check.is_bad()) {
            assert!(!check.advice.as_ref().unwrap().contains("delete"), "{check:?}");
        }
    }
    assert!(advice(&checks, "counts").contains("keep the projector's directory"));
    assert!(advice(&checks, "gaps").contains("the projector's directory"));
    liar.abort();
}

#[tokio::test]
async fn the_first_member_that_differs_is_named() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let snapshot = script.journal.load(&task).await.unwrap().unwrap();
    let view = SnapshotView::new(&snapshot, None, None, Some(Sequence(5)));
    let log = Known { snapshot: Some(snapshot), unreadable: None };
    let row = |view: SnapshotView| Item {
        org: task.org.clone(),
        task: task.task,
        view: Some(view),
        unreadable: None,
        submitted: None,
    };
    assert_eq!(
        difference(&log, Some(&row(view.clone()))),
        None,
        "what is known beside the log is not compared"
    );
    assert_eq!(difference(&Known::default(), None), None);
    let later = row(SnapshotView { sequence: Sequence(2), ..view.clone() });
    assert_eq!(difference(&log, Some(&later)).unwrap(), "sequence is 1 in the log, 2 in the projector");
    let unreadable = Some(Unreadable { sequence: Sequence(3), why: String::new() });
    let aside = Item { unreadable, ..row(view) };
    assert_eq!(
        difference(&log, Some(&aside)).unwrap(),
        "not put aside by the log, put aside at 3 in the projector"
    );
    assert_eq!(difference(&log, None).unwrap(), "the projector does not have it");
    assert_eq!(difference(&Known::default(), Some(&aside)).unwrap(), "the log does not have it");
}
