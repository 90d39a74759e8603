//! The client over the in-memory log. Where an executor's word is needed, the test says it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use longhaul_client::{
    AbortOutcome, Client, Error, ForkAt, Identity, NewTask, OnBusy, Rerun, TextPart, Until,
};
use longhaul_core::*;
use longhaul_journal::{Journal, Shards, TextDelta, new_id};
use serde_json::{Value, json};

fn client_of(journal: &Journal, user: &str) -> Client {
    Client::new(journal.clone(), Identity::new("acme", user, "test").unwrap())
}

fn client() -> Client {
    client_of(&Journal::memory(Shards::new(4).unwrap()), "ann")
}

fn report() -> NewTask {
    NewTask::new("report", "Quarterly review", &json!({"data": "x"})).unwrap()
}

fn in_conversation(on_busy: OnBusy) -> NewTask {
    report().conversation("chat-1", on_busy).unwrap()
}

/// Plays the executor of one task.
struct Executor {
    journal: Journal,
    at: TaskRef,
    actor: Actor,
}

impl Executor {
    fn of(client: &Client, task: TaskId) -> Self {
        let actor = Actor { role: Role::Executor, who: "e1".into(), via: "test".into() };
        Self {
            journal: client.journal().clone(),
            at: TaskRef { org: client.identity().org.clone(), task },
            actor,
        }
    }

    async fn start(&self) -> &Self {
        let s = self.journal.load(&self.at).await.unwrap().unwrap();
        let command = Command::Start {
            run: s.next_run,
            executor: new_id(),
            version: "1".into(),
            ledger: Sequence(1),
            why: s.admit_as,
        };
        self.journal.act(&self.at, &self.actor, &command).await.unwrap();
        self
    }

    async fn act(&self, act: Act) -> &Self {
        let run = self.journal.load(&self.at).await.unwrap().unwrap().run;
        self.journal.act(&self.at, &self.actor, &Command::Run { run, act }).await.unwrap();
        self
    }

    async fn step(&self, name: &str) -> &Self {
        self.act(Act::StartStep { step: name.into(), of: None }).await;
        self.act(Act::CompleteStep { step: name.into(), result: Payload::Inline(json!(name)) }).await
    }

    async fn complete(&self) {
        self.act(Act::Complete { output: Payload::Inline(json!({"answer": 42})) }).await;
    }
}

#[tokio::test]
async fn a_key_is_one_task_for_ever() {
    let client = client();
    let first = client.submit(report().idempotency_key("k").unwrap()).await.unwrap();
    let again = client.submit(report().idempotency_key("k").unwrap()).await.unwrap();
    assert!(first.created && !again.created);
    assert_eq!(first.snapshot.task, again.snapshot.task);
    let other = NewTask::new("report", "Another", &json!({})).unwrap().idempotency_key("k").unwrap();
    assert!(matches!(client.submit(other).await, Err(Error::KeyConflict { .. })));
    // After its end, and after its payload is gone, the key still names it.
    client.abort(first.snapshot.task, None).await.unwrap();
    client.erase(first.snapshot.task).await.unwrap();
    let later = client.submit(report().idempotency_key("k").unwrap()).await.unwrap();
    assert_eq!((later.created, later.snapshot.task), (false, first.snapshot.task));
}

#[tokio::test]
async fn the_same_key_from_many_at_once_is_one_task() {
    let client = client();
    let all = (0..16).map(|_| {
        let client = client.clone();
        async move { client.submit(report().idempotency_key("k").unwrap()).await.unwrap() }
    });
    let all = futures::future::join_all(all).await;
    assert_eq!(all.iter().filter(|one| one.created).count(), 1);
    assert!(all.iter().all(|one| one.snapshot.task == all[0].snapshot.task));
}

#[tokio::test]
async fn a_conversation_is_joined_by_default() {
    let client = client();
    let first = client.submit(in_conversation(OnBusy::Join)).await.unwrap();
    let second = client.submit(in_conversation(OnBusy::Join)).await.unwrap();
    assert!(second.joined && !second.created);
    assert_eq!(first.snapshot.task, second.snapshot.task);
    client.abort(first.snapshot.task, None).await.unwrap();
    let third = client.submit(in_conversation(OnBusy::Join)).await.unwrap();
    assert!(third.created);
}

#[tokio::test]
async fn many_who_join_at_once_find_one_task() {
    let client = client();
    let all = (0..8).map(|_| {
        let client = client.clone();
        async move { client.submit(in_conversation(OnBusy::Join)).await.unwrap() }
    });
    let all = futures::future::join_all(all).await;
    assert_eq!(all.iter().filter(|one| one.created).count(), 1);
}

#[tokio::test]
async fn a_busy_conversation_can_refuse_queue_or_be_interrupted() {
    let client = client();
    let first = client.submit(in_conversation(OnBusy::Join)).await.unwrap().snapshot.task;
    match client.submit(in_conversation(OnBusy::Reject)).await {
        Err(Error::Busy { task, .. }) => assert_eq!(task, first),
        other => panic!("{other:?}"),
    }
    let queued = client.submit(in_conversation(OnBusy::Enqueue)).await.unwrap();
    assert!(queued.created);
    Executor::of(&client, queued.snapshot.task).start().await;
    let last = client.submit(in_conversation(OnBusy::Interrupt)).await.unwrap();
    assert!(last.created);
    let interrupted = client.get(queued.snapshot.task).await.unwrap();
    assert_eq!(interrupted.status, Status::Aborting);
    assert!(interrupted.abort.unwrap().reason.unwrap().contains(&last.snapshot.task.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_task_never_came_counts_for_nothing() {
    let client = client();
    let claim = ConversationClaim {
        id: new_id(),
        conversation: ConversationId::new("chat-1").unwrap(),
        org: client.identity().org.clone(),
        task: new_id(),
        at: client.journal().now(),
    };
    client.journal().claim(&claim, Sequence::ZERO).await.unwrap();
    assert!(client.submit(in_conversation(OnBusy::Join)).await.unwrap().created);
}

#[tokio::test]
async fn an_abort_answers_with_what_happened() {
    let client = client();
    let waiting = client.submit(report()).await.unwrap().snapshot.task;
    assert_eq!(client.abort(waiting, Some("no")).await.unwrap().outcome, AbortOutcome::AtOnce);
    assert_eq!(client.abort(waiting, None).await.unwrap().outcome, AbortOutcome::EndedAlready);

    let running = client.submit(report()).await.unwrap().snapshot.task;
    let executor = Executor::of(&client, running);
    executor.start().await.act(Act::StartStep { step: "a".into(), of: None }).await;
    let begun = client.get(running).await.unwrap().sequence;
    let story = tokio::spawn({
        let client = client.clone();
        async move { client.abort_and_wait(running, Some("enough"), Duration::from_secs(30)).await }
    });
    client.wait_until(running, Until::ChangedAfter(begun), None).await.unwrap();
    assert_eq!(client.abort(running, None).await.unwrap().outcome, AbortOutcome::AskedBefore);
    executor.act(Act::CompleteStep { step: "a".into(), result: Payload::default() }).await;
    executor.act(Act::StopAt { checkpoint: "a".into() }).await;
    let story = story.await.unwrap().unwrap();
    assert_eq!(story.outcome, AbortOutcome::Stopped);
    let abort = story.abort.unwrap();
    assert_eq!((abort.reason.as_deref(), abort.steps_after), (Some("enough"), vec!["a".to_owned()]));
    assert!(matches!(client.abort(new_id(), None).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn waiting_ends_with_the_task_and_a_watch_sees_every_commit() {
    let client = client();
    let task = client.submit(report()).await.unwrap().snapshot.task;
    let mut watch = client.watch(task).await.unwrap();
    let waiter = tokio::spawn({
        let client = client.clone();
        async move { client.wait(task, Some(Duration::from_secs(30))).await }
    });
    let executor = Executor::of(&client, task);
    executor.start().await.step("a").await.step("b").await.complete().await;
    let mut names = Vec::new();
    while !watch.snapshot().status.is_terminal() {
        let update = watch.changed().await.unwrap();
        names.extend(update.commits.iter().flat_map(|(_, c)| c.events.iter().map(|e| e.body.name())));
    }
    assert_eq!(
        names,
        ["started", "step_started", "step_completed", "step_started", "step_completed", "completed"]
    );
    assert_eq!(waiter.await.unwrap().unwrap(), client.get(task).await.unwrap());
    assert_eq!(client.output(task).await.unwrap(), json!({"answer": 42}));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_runs_out_says_where_the_task_stands() {
    let client = client();
    let task = client.submit(report()).await.unwrap().snapshot.task;
    match client.wait_until(task, Until::Started, Some(Duration::from_secs(5))).await {
        Err(Error::TimedOut { status, .. }) => assert_eq!(status, Status::Pending),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn text_is_told_once_whether_heard_or_read() {
    let client = client();
    let task = client.submit(report()).await.unwrap().snapshot.task;
    let executor = Executor::of(&client, task);
    executor.start().await.act(Act::AppendText { segment: 1, text: "one ".into() }).await;
    let mut text = client.follow_text(task).await.unwrap();
    assert_eq!(text.next().await.unwrap().unwrap(), TextPart::Text("one ".into()));
    let delta = TextDelta { run: RunNumber(1), segment: 1, offset: 4, text: "two ".into() };
    client.journal().say_text(&executor.at, &delta).await.unwrap();
    assert_eq!(text.next().await.unwrap().unwrap(), TextPart::Text("two ".into()));
    executor.act(Act::AppendText { segment: 1, text: "two three".into() }).await.complete().await;
    assert_eq!(text.next().await.unwrap().unwrap(), TextPart::Text("three".into()));
    assert_eq!(text.next().await.unwrap().unwrap(), TextPart::End);
    assert!(text.next().await.is_none());
    assert_eq!(client.text(task).await.unwrap(), "one two three");
}

#[tokio::test]
async fn an_approval_is_answered_with_the_arguments_that_were_seen() {
    let client = client();
    let ask = || Act::RequestApproval {
        approval: new_id(),
        action: "send".into(),
        arguments: json!({"to": "bob"}),
        digest: longhaul_wire::canonical_digest(&json!({"to": "bob"})),
        schema: None,
        note: None,
        expires_at: client.journal().now().plus(Millis::minutes(60)),
    };
    let task = client.submit(report()).await.unwrap().snapshot.task;
    Executor::of(&client, task).start().await.act(ask()).await;
    let paused = client.wait_until(task, Until::EndedOrPaused, None).await.unwrap();
    let open = paused.open_approval().unwrap().clone();
    let wrong = longhaul_wire::canonical_digest(&json!({"to": "eve"}));
    let refused = client.decide(task, open.id, wrong, Decision::Approved).await;
    assert!(matches!(refused, Err(Error::Refused(Rejection::OtherArguments { .. }))));
    let decided = client.modify(task, json!({"to": "carol"})).await.unwrap();
    assert_eq!(decided.status, Status::Pending);
    assert!(matches!(client.approve(task).await, Err(Error::Refused(Rejection::NoApproval { .. }))));
    let second = client.decide(task, open.id, open.digest, Decision::Approved).await;
    assert!(matches!(
        second,
        Err(Error::Refused(Rejection::Decided { decision: Decision::Modified { .. }, .. }))
    ));
}

#[tokio::test]
async fn a_fork_begins_with_the_steps_recorded_so_far_and_a_rerun_with_none() {
    let client = client();
    let task = client.submit(report().label("team", "sales").unwrap()).await.unwrap().snapshot.task;
    let executor = Executor::of(&client, task);
    executor.start().await.step("planning").await.step("querying").await.complete().await;

    let fork = client.fork(task, ForkAt::Step("planning".into()), Rerun::default()).await.unwrap().snapshot;
    assert!(fork.recorded("planning").is_some() && fork.recorded("querying").is_none());
    assert_eq!(fork.lineage.forked_from.unwrap().task, task);
    assert_eq!(fork.labels.len(), 1);
    let missing =
        client.fork(task, ForkAt::Step("drafting".into()), Rerun::default()).await.unwrap_err().to_string();
    assert!(missing.contains("planning, querying"), "{missing}");

    let changes = Rerun { input: Some(json!("new")), title: Some("Again".into()) };
    let rerun = client.rerun(task, changes).await.unwrap().snapshot;
    assert!(rerun.steps.is_empty());
    assert_eq!((rerun.title.as_str(), &rerun.input), ("Again", &Payload::Inline(json!("new"))));
    assert_eq!(rerun.lineage.rerun_of, Some(task));
}

#[tokio::test]
async fn only_what_completed_is_continued_unless_the_policy_says_otherwise() {
    let client = client();
    let done = client.submit(report()).await.unwrap().snapshot.task;
    Executor::of(&client, done).start().await.complete().await;
    let next = client.submit(report().continues(done)).await.unwrap().snapshot;
    assert_eq!(next.context, Some(Payload::Inline(json!({"answer": 42}))));

    let stopped = client.submit(report()).await.unwrap().snapshot.task;
    Executor::of(&client, stopped).start().await.step("planning").await;
    assert!(matches!(client.submit(report().continues(stopped)).await, Err(Error::NotContinuable { .. })));
    client.abort(stopped, None).await.unwrap();
    Executor::of(&client, stopped).act(Act::StopAt { checkpoint: "planning".into() }).await;
    assert!(matches!(client.submit(report().continues(stopped)).await, Err(Error::NotContinuable { .. })));
    let policy = Policy { continue_unfinished: true, ..Policy::default() };
    let actor = Actor { role: Role::Client, who: "ann".into(), via: "test".into() };
    client.journal().set_policy(&client.identity().org, &actor, policy).await.unwrap();
    let resumed = client.submit(report().continues(stopped)).await.unwrap().snapshot;
    assert!(resumed.recorded("planning").is_some());
}

#[tokio::test]
async fn files_are_found_by_name_and_erased_with_the_task() {
    let client = client();
    let task = client.submit(report()).await.unwrap().snapshot.task;
    let executor = Executor::of(&client, task);
    let sha256 = client.journal().put(Bytes::from_static(b"%PDF")).await.unwrap();
    let artifact = Artifact { name: "a.pdf".into(), media_type: "application/pdf".into(), size: 4, sha256 };
    executor.start().await.act(Act::StoreArtifact(artifact)).await.complete().await;
    let (artifact, bytes) = client.download(task, None).await.unwrap();
    assert_eq!((artifact.name.as_str(), &bytes[..]), ("a.pdf", &b"%PDF"[..]));
    assert!(matches!(client.download(task, Some("b.pdf")).await, Err(Error::NoArtifact { .. })));

    let erased = client.erase(task).await.unwrap();
    assert!(
        erased.erased && erased.artifacts.is_empty() && erased.output == Some(Payload::Gone)
            || erased.output.is_none()
    );
    assert_eq!(client.get(task).await.unwrap(), erased);
    assert!(client.journal().get(sha256).await.is_err(), "the file is gone");
    assert!(client.rerun(task, Rerun::default()).await.is_err());
    assert!(matches!(client.retry(task).await, Err(Error::Refused(_))));
}

#[tokio::test]
async fn what_is_unusable_is_refused_before_anything_is_written() {
    let client = client();
    for kind in ["", "a.b", "*", ">", "a b", "a\0"] {
        assert!(matches!(NewTask::new(kind, "t", &Value::Null), Err(Error::Invalid { .. })), "{kind:?}");
    }
    assert!(NewTask::new("k", "a\u{1b}[31m", &Value::Null).is_err());
    assert!(report().idempotency_key("").is_err());
    assert!(report().conversation("a.b", OnBusy::Join).is_err());
    assert!(report().label("a b", "x").is_err() && report().label("a", "x\ny").is_err());
    assert!(Identity::new("a.b", "u", "test").is_err());
    let huge = NewTask::new("k", "t", &"x".repeat(65 * 1024 * 1024)).unwrap();
    assert!(client.submit(huge).await.is_err());
    // Large, but not too large: it goes through the object store and comes back.
    let large = NewTask::new("k", "t", &"x".repeat(200 * 1024)).unwrap();
    let large = client.submit(large).await.unwrap().snapshot;
    assert!(matches!(large.input, Payload::Stored { .. }));
    assert_eq!(client.journal().load_payload(&large.input).await.unwrap(), json!("x".repeat(200 * 1024)));
}
