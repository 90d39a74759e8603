//! Writes the golden histories of the format's present version: by the real decider where the rules
//! allow it, by hand where something odd is to be read.

use std::path::Path;

use longhaul_audit::{Header, Stored};
use longhaul_core::*;
use longhaul_wire::{Record, Shards, Subject, canonical_digest, sha256};
use serde_json::{Value, json};

use crate::harness::*;

/// The histories, by name.
pub(crate) fn histories() -> Vec<(&'static str, Vec<String>)> {
    vec![
        ("completed", completed_after_three_runs()),
        ("failed", failed()),
        ("aborted", aborted()),
        ("expired", expired()),
        ("approvals", approvals()),
        ("lineage", lineage()),
        ("foreground", foreground()),
        ("erased", erased()),
        ("unknown-members", unknown_members()),
        ("put-aside", put_aside()),
    ]
}

/// Writes what is not there yet; what is there is never touched.
pub(crate) fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    let mut file = std::fs::File::create_new(&path).unwrap_or_else(|why| {
        panic!("{}: {why}; a golden history is never written again", path.display());
    });
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}

fn lines(log: &Log) -> Vec<String> {
    let records = log.records.iter().map(|stored| stored.line().unwrap());
    std::iter::once(Header::new(Shards::ONE).line()).chain(records).collect()
}

/// Changes a line by hand.
fn edit(line: &mut String, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_str(line).unwrap();
    change(&mut value);
    *line = value.to_string();
}

fn second(log: &mut Log) {
    log.after(Millis::seconds(1));
}

/// One command after another, a second apart.
fn acts(log: &mut Log, task: &TaskRef, acts: Vec<Act>) {
    for act in acts {
        second(log);
        log.act(task, act);
    }
}

fn begin_step(step: &str) -> Act {
    Act::StartStep { step: step.to_owned(), of: Some(3) }
}

fn end_step(step: &str) -> Act {
    Act::CompleteStep { step: step.to_owned(), result: Payload::Inline(json!({"rows": [1, 2.5, "drei"]})) }
}

fn used(input_tokens: u64, exact: bool) -> Act {
    let usage = Usage { input_tokens, output_tokens: 40, model_calls: 1, queries: 2, exact };
    Act::RecordUsage { usage, model: Some("model-1".to_owned()) }
}

fn ask(log: &mut Log, minutes: u64) -> Act {
    let arguments = json!({"to": "bob", "amount": 12.75});
    Act::RequestApproval {
        approval: ApprovalId(log.id()),
        action: "send".to_owned(),
        digest: canonical_digest(&arguments),
        arguments,
        schema: None,
        note: None,
        expires_at: log.now.plus(Millis::minutes(minutes)),
    }
}

fn answer(log: &mut Log, task: &TaskRef, decision: Decision) {
    second(log);
    let state = log.state(task).unwrap();
    let open = state.open_approval().unwrap();
    let (approval, digest, by) = (open.id, open.digest, "eve".to_owned());
    log.give(task, Command::DecideApproval { approval, digest, decision, by }).unwrap();
}

fn lose(log: &mut Log, task: &TaskRef) {
    let (run, beat) = (log.state(task).unwrap().run, log.now);
    log.after(LEASE);
    log.give(task, Command::DeclareLost { run, last_beat: Some(beat), lease: LEASE }).unwrap();
}

fn restart(log: &mut Log, task: &TaskRef) {
    log.after(Millis::minutes(6));
    log.start(task);
}

/// A task of a conversation, with everything a submission and a run may carry, over three runs.
fn completed_after_three_runs() -> Vec<String> {
    let mut log = log();
    let caps = Caps { user: 2, organisation: 10, conversation: 1, foreground: 2 };
    let budget = Some(TokenBudget { tokens: 1_000_000, per: Period::Day });
    log.policy(Policy { caps, weight: 3, budget, continue_unfinished: true, ..Policy::default() });
    let task = TaskRef { org: org(), task: TaskId::for_key(&org(), "order-7") };
    let conversation = ConversationId::new("c-1").unwrap();
    let (id, at) = (CommitId(log.id()), log.now);
    let claim = ConversationClaim { id, conversation: conversation.clone(), org: org(), task: task.task, at };
    let subject = Subject::conversation(Shards::ONE, &org(), &conversation);
    log.store(&subject, Ok(Record::Conversation(claim)));
    let said = Submission {
        title: Title::new("Geschäftsjahr “2026” · 総括").unwrap(),
        limits: Limits { queries: Some(50), tokens: Some(200_000), ..Limits::default() },
        priority: Priority::Interactive,
        labels: [(LabelKey::new("team").unwrap(), "finance".to_owned())].into(),
        key: Some(IdempotencyKey { key: "order-7".to_owned(), body: sha256(b"body") }),
        ..submission("ann", Some("c-1"))
    };
    log.give(&task, Command::Submit(Box::new(said))).unwrap();
    restart(&mut log, &task);
    let artifact = |n: u64| Artifact {
        name: "report.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        size: n,
        sha256: sha256(b"pdf"),
    };
    let text = |segment: u32, text: &str| Act::AppendText { segment, text: text.to_owned() };
    acts(
        &mut log,
        &task,
        vec![
            begin_step("planning"),
            Act::Progress { fraction: Some(0.3), message: Some("1 of 3 queries".to_owned()), waits: None },
            text(1, "Erste Zeile\n"),
            text(1, "zweite · 二"),
            used(120, true),
            end_step("planning"),
            begin_step("querying"),
            Act::StoreArtifact(artifact(10)),
            Act::Continue(Continuation::Slice),
        ],
    );
    restart(&mut log, &task);
    let question = ask(&mut log, 600);
    acts(
        &mut log,
        &task,
        vec![begin_step("querying"), text(1, "told anew"), end_step("querying"), used(7, false), question],
    );
    answer(&mut log, &task, Decision::Modified { arguments: json!({"to": "carol"}) });
    restart(&mut log, &task);
    let done =
        vec![begin_step("drafting"), Act::StoreArtifact(artifact(20)), end_step("drafting"), complete()];
    acts(&mut log, &task, done);
    log.give(&task, Command::Dismiss { by: "ann".to_owned() }).unwrap();
    lines(&log)
}

/// Failures: retried by the policy, failed for good, and retried by a person to a good end.
fn failed() -> Vec<String> {
    let mut log = log();
    let retry = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let task = log.submit_as(Submission { retry, ..submission("ann", None) });
    restart(&mut log, &task);
    acts(&mut log, &task, vec![begin_step("a"), end_step("a"), used(5, true), begin_step("b"), fail(true)]);
    restart(&mut log, &task);
    acts(&mut log, &task, vec![begin_step("b"), fail(true)]);
    let retried = log.submit_as(Submission { retry, ..submission("bob", None) });
    restart(&mut log, &retried);
    acts(&mut log, &retried, vec![begin_step("a"), end_step("a"), fail(false)]);
    second(&mut log);
    log.give(&retried, Command::Retry { by: "bob".to_owned() }).unwrap();
    restart(&mut log, &retried);
    acts(&mut log, &retried, vec![begin_step("b"), end_step("b"), complete()]);
    lines(&log)
}

/// Aborted while it waits, while it runs, while it is paused, and while its run is lost; and one that
/// is retried.
fn aborted() -> Vec<String> {
    let mut log = log();
    let asked = Command::RequestAbort { by: "ann".to_owned(), reason: Some("not needed".to_owned()) };
    let waiting = log.submit();
    second(&mut log);
    log.give(&waiting, asked.clone()).unwrap();
    let running = log.submit();
    restart(&mut log, &running);
    acts(&mut log, &running, vec![begin_step("a")]);
    log.give(&running, asked.clone()).unwrap();
    acts(&mut log, &running, vec![used(9, true), end_step("a"), Act::StopAt { checkpoint: "a".to_owned() }]);
    let paused = log.submit();
    restart(&mut log, &paused);
    let question = ask(&mut log, 60);
    acts(&mut log, &paused, vec![question]);
    log.give(&paused, abort()).unwrap();
    let lost = log.submit();
    restart(&mut log, &lost);
    log.give(&lost, abort()).unwrap();
    lose(&mut log, &lost);
    let again = log.submit();
    restart(&mut log, &again);
    log.give(&again, abort()).unwrap();
    acts(&mut log, &again, vec![complete()]);
    log.give(&again, Command::Retry { by: "ann".to_owned() }).unwrap();
    restart(&mut log, &again);
    let pending = log.submit();
    log.give(&pending, abort()).unwrap();
    log.give(&pending, Command::Retry { by: "ann".to_owned() }).unwrap();
    lines(&log)
}

/// Heartbeats that stop: taken over once, then no attempt is left. Spans that run out, at a
/// checkpoint and from outside.
fn expired() -> Vec<String> {
    let mut log = log();
    let retry = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let silent = log.submit_as(Submission { retry, ..submission("ann", None) });
    restart(&mut log, &silent);
    acts(&mut log, &silent, vec![begin_step("a"), end_step("a"), begin_step("b")]);
    lose(&mut log, &silent);
    restart(&mut log, &silent);
    lose(&mut log, &silent);
    let limits = Limits { span: Millis::minutes(10), ..Limits::default() };
    let long = log.submit_as(Submission { limits: limits.clone(), ..submission("bob", None) });
    log.start(&long);
    log.after(Millis::minutes(5));
    log.act(&long, Act::Continue(Continuation::Drain));
    log.start(&long);
    log.after(Millis::minutes(6));
    log.act(&long, Act::Continue(Continuation::Slice));
    let stuck = log.submit_as(Submission { limits, ..submission("bob", None) });
    log.start(&stuck);
    log.after(Millis::minutes(11));
    log.give(&stuck, Command::Expire).unwrap();
    lines(&log)
}

/// Every answer a question can have, and one that has none yet.
fn approvals() -> Vec<String> {
    let mut log = log();
    let rejected = Decision::Rejected { reason: Some("too much".to_owned()) };
    for decision in [Some(Decision::Approved), Some(rejected), Some(Decision::Lapsed), None] {
        let task = log.submit();
        log.start(&task);
        let question = ask(&mut log, 5);
        acts(&mut log, &task, vec![begin_step("a"), end_step("a"), question]);
        match decision {
            Some(Decision::Lapsed) => {
                let approval = log.state(&task).unwrap().open_approval().unwrap().id;
                log.after(Millis::minutes(6));
                log.give(&task, Command::LapseApproval { approval }).unwrap();
            }
            Some(decision) => answer(&mut log, &task, decision),
            None => {}
        }
        if log.state(&task).unwrap().status == Status::Pending {
            log.start(&task);
            log.act(&task, complete());
        }
    }
    lines(&log)
}

/// A task that continues another, with its output as context and steps of a fork; and one not due.
fn lineage() -> Vec<String> {
    let mut log = log();
    let (first, _) = log.running();
    log.act(&first, complete());
    let sequence = log.last();
    let inherited =
        vec![InheritedStep { step: "planning".to_owned(), result: Payload::Inline(json!("plan")) }];
    let said = Submission {
        lineage: Lineage {
            rerun_of: Some(first.task),
            forked_from: Some(ForkPoint { task: first.task, sequence }),
            continues: Some(first.task),
            parent: Some(first.task),
        },
        inherited,
        context: Some(Payload::Inline(json!({"answer": 42}))),
        input: Payload::Stored { sha256: sha256(b"input"), size: 70_000 },
        ..submission("ann", None)
    };
    let next = log.submit_as(said);
    log.start(&next);
    acts(&mut log, &next, vec![begin_step("drafting"), end_step("drafting"), complete()]);
    let not_before = Some(log.now.plus(Millis::minutes(60)));
    log.submit_as(Submission { not_before, priority: Priority::Batch, ..submission("ann", None) });
    lines(&log)
}

/// Beside a report that holds their conversation and their user's only slot.
fn foreground() -> Vec<String> {
    let mut log = log();
    let caps = Caps { user: 1, organisation: 1, conversation: 1, foreground: 2 };
    log.policy(Policy { caps, ..Policy::default() });
    let report = log.submit_as(submission("ann", Some("c-1")));
    log.start(&report);
    for end in [complete(), fail(false)] {
        let said = Submission { lane: Lane::Foreground, ..submission("ann", Some("c-1")) };
        let asked = log.submit_as(said);
        log.start(&asked);
        acts(&mut log, &asked, vec![begin_step("answering"), end]);
    }
    log.act(&report, complete());
    lines(&log)
}

/// Erased with its history still there, with its history gone, and between the two.
fn erased() -> Vec<String> {
    let mut log = log();
    for kept in [5, 1, 3] {
        let (task, _) = log.running();
        acts(&mut log, &task, vec![used(3, true), complete()]);
        log.give(&task, Command::Erase { by: "ann".to_owned() }).unwrap();
        let of_task = |stored: &Stored| stored.entry().task(Shards::ONE).as_ref() == Some(&task);
        let all: Vec<Sequence> =
            log.records.iter().filter(|stored| of_task(stored)).map(|stored| stored.sequence).collect();
        let gone = &all[..all.len().saturating_sub(kept)];
        log.records.retain(|stored| !gone.contains(&stored.sequence));
    }
    lines(&log)
}

/// Members that a reader may overlook, members left out that have a default, and events that the
/// fold ignores.
fn unknown_members() -> Vec<String> {
    let mut log = log();
    let (task, run) = log.running();
    log.say(&task, Role::Executor, step(run, "a", 0));
    // What the rules do not allow is ignored and counted.
    log.say(&task, Role::Executor, vec![usage(run.next(), 1), step(run, "a", 0).remove(1)]);
    log.say(&task, Role::Client, vec![completed(run)]);
    log.act(&task, complete());
    log.say(&task, Role::Executor, vec![usage(run, 1)]);
    let minimal = log.submit();
    let mut lines = lines(&log);
    for line in &mut lines[1..] {
        edit(line, |line| {
            line["record"]["mood"] = json!({"of": ["a", "later", "minor", "version"]});
            let Some(events) = line["record"]["events"].as_array_mut() else { return };
            for event in events {
                event["colour"] = json!("blue");
                let body = event["body"].as_object_mut().unwrap();
                body.values_mut().for_each(|body| body["weight"] = json!(0.1));
            }
        });
    }
    let last = lines.last_mut().unwrap();
    assert!(last.contains(&minimal.task.to_string()));
    edit(last, |line| {
        let said = line["record"]["events"][0]["body"]["submitted"].as_object_mut().unwrap();
        said.retain(|name, _| ["owner", "kind", "title", "input", "weight"].contains(&name.as_str()));
    });
    lines
}

/// Records of a newer version, of an unknown kind, and no records at all: each puts one task aside,
/// and only that. An erasure makes it whole again.
fn put_aside() -> Vec<String> {
    let mut log = log();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (task, run) = log.running();
        log.say(&task, Role::Executor, vec![usage(run, 1)]);
        log.act(&task, complete());
        tasks.push(task);
    }
    log.give(&tasks[2], Command::Erase { by: "ann".to_owned() }).unwrap();
    let mut lines = lines(&log);
    // A header, then five records a task, the fourth of which is what cannot be read.
    edit(&mut lines[4], |line| {
        line["record"]["v"] = json!(1000);
        line["record"]["events"][0]["body"] = json!({"teleported": {"to": "elsewhere"}});
    });
    edit(&mut lines[9], |line| {
        line["record"]["events"][0]["body"] = json!({"teleported": {"to": "elsewhere"}});
    });
    edit(&mut lines[14], |line| {
        line["record"].take();
        line.as_object_mut().unwrap().remove("record");
        line["unreadable"] = json!("expected value at line 1 column 1");
    });
    lines
}
