//! Replay over hand-written histories.

use std::future::{pending, ready};
use std::time::Duration;

use clap::Parser as _;
use longhaul_core::*;
use longhaul_journal::new_id;
use serde_json::Value;

use super::replay;
use super::script::{Script, failed, step, usage};
use crate::args::{Cli, Command};
use crate::exit::{Code, code};

/// What the command writes and how it ends.
async fn ran(script: &Script, org: &str, args: &str) -> anyhow::Result<(Code, String)> {
    let cli = Cli::try_parse_from(["longhaul", "replay"].into_iter().chain(args.split_whitespace()))?;
    let Command::Replay(args) = cli.command else { panic!("not a replay") };
    let mut out = Vec::new();
    let code = replay(&script.journal, &script.client(org), &args, &mut out, pending()).await?;
    Ok((code, String::from_utf8(out).unwrap()))
}

async fn shown(script: &Script, args: &str) -> String {
    ran(script, "acme", args).await.unwrap().1
}

async fn json(script: &Script, args: &str) -> Value {
    serde_json::from_str(&shown(script, &format!("{args} -o json")).await).unwrap()
}

/// A task that is run, records a step, costs something and completes.
async fn report(script: &Script, org: &str, title: &str) -> TaskRef {
    let task = script.submit(org, title).await;
    let run = script.start(&task).await;
    script.say(&task, Role::Executor, step(run, "planning", 0)).await;
    script.say(&task, Role::Executor, vec![usage(run, 1200)]).await;
    script.complete(&task, run).await;
    task
}

#[tokio::test]
async fn every_event_is_shown_with_the_state_after_it() {
    let script = Script::new(4);
    let task = report(&script, "acme", "Quarterly review").await;
    let text = shown(&script, &task.task.to_string()).await;
    let statuses: Vec<&str> =
        text.lines().filter_map(|line| line.split_once("→ ")).map(|(_, to)| to).collect();
    assert_eq!(statuses, ["pending", "running", "running", "running", "running", "completed"]);
    for said in [
        "submitted report \"Quarterly review\" for ann",
        "client ann via test · just submitted",
        "step_completed planning, 10 bytes",
        "usage_recorded 1200 tokens in, 0 out, 1 call, 2 queries by m",
    ] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
    let list = json(&script, &task.task.to_string()).await;
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 5, "a commit each");
    assert_eq!(list[2]["events"].as_array().unwrap().len(), 2);
    assert_eq!(list[4]["snapshot"]["status"], "completed");
    assert_eq!(list[4]["snapshot"]["usage"]["input_tokens"], 1200);
    assert_eq!(list[4]["actor"]["role"], "executor");
    let lines = shown(&script, &format!("{} -o ndjson", task.task)).await;
    assert!(lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).eq(list.iter().cloned()));
}

#[tokio::test(start_paused = true)]
async fn the_state_at_a_moment_is_what_was_stored_by_then() {
    let script = Script::new(1);
    let before = script.journal.now();
    tokio::time::advance(Duration::from_secs(10)).await;
    let task = script.submit("acme", "Quarterly review").await;
    tokio::time::advance(Duration::from_secs(10)).await;
    let between = script.journal.now();
    tokio::time::advance(Duration::from_secs(10)).await;
    let run = script.start(&task).await;
    script.complete(&task, run).await;

    let then = json(&script, &format!("{} --at {between}", task.task)).await;
    assert_eq!((then["status"].as_str(), then["sequence"].as_u64()), (Some("pending"), Some(1)));
    assert_eq!(json(&script, &format!("{} --at 3", task.task)).await["status"], "running");
    let later = script.journal.now().plus(longhaul_core::Millis::minutes(1));
    for beyond in ["999".to_owned(), later.to_string()] {
        let refused = ran(&script, "acme", &format!("{} --at {beyond}", task.task)).await.unwrap_err();
        assert_eq!(code(&refused), Code::Usage, "{refused}");
    }
    assert!(
        shown(&script, &format!("{} --at {between}", task.task)).await.contains("pending: just submitted")
    );

    let early = ran(&script, "acme", &format!("{} --at {before}", task.task)).await;
    let error = early.unwrap_err();
    assert_eq!(code(&error), Code::NotFound);
    assert!(error.to_string().contains("was not there yet"), "{error}");

    for (scope, at, statuses) in [
        ("--all", before, vec![]),
        ("--all", between, vec!["pending"]),
        ("--of-org", script.journal.now(), vec!["completed"]),
    ] {
        let list = json(&script, &format!("{scope} --at {at}")).await;
        let found: Vec<&str> =
            list.as_array().unwrap().iter().filter_map(|one| one["status"].as_str()).collect();
        assert_eq!(found, statuses, "{scope} {at}");
    }
}

#[tokio::test]
async fn a_difference_names_what_changed_and_nothing_else() {
    let script = Script::new(1);
    let task = report(&script, "acme", "Quarterly review").await;
    let found = json(&script, &format!("{} --diff 1 3", task.task)).await;
    let change =
        |field: &str| found["changes"].as_array().unwrap().iter().find(|c| c["field"] == field).cloned();
    let status = change("status").unwrap();
    assert_eq!((&status["from"], &status["to"]), (&Value::from("pending"), &Value::from("running")));
    assert!(change("executor").unwrap().get("from").is_none());
    assert!(change("title").is_none());
    assert!(shown(&script, &format!("{} --diff 3 3", task.task)).await.contains("nothing changed"));
    let wrong = ran(&script, "acme", &format!("{} --diff 3 1", task.task)).await.unwrap_err();
    assert_eq!(code(&wrong), Code::Usage);
}

#[tokio::test]
async fn a_difference_of_all_tells_who_appeared_changed_and_ended() {
    let script = Script::new(1);
    let ends = script.submit("acme", "ends").await;
    let fails = script.submit("acme", "fails").await;
    let run = script.start(&fails).await;
    script.say(&fails, Role::Executor, vec![failed(run)]).await;
    let run = script.start(&ends).await;
    let still = script.submit("acme", "still").await;
    let still_run = script.start(&still).await;
    let from = script.say(&ends, Role::Executor, step(run, "a", 0)).await;
    script.complete(&ends, run).await;
    let retried = EventBody::Retried { attempt: 2, by: Some("ann".to_owned()), not_before: None };
    script.say(&fails, Role::Client, vec![retried]).await;
    script.say(&still, Role::Executor, step(still_run, "a", 0)).await;
    let new = script.submit("acme", "new").await;
    let to = script.submit("other", "elsewhere").await;
    let to = script.journal.load(&to).await.unwrap().unwrap().sequence;

    let found = json(&script, &format!("--of-org --diff {from} {to}")).await;
    assert_eq!(found["others"], 1);
    let mut changes: Vec<(String, String)> = found["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["title"].as_str().unwrap().to_owned(), one["what"].as_str().unwrap().to_owned()))
        .collect();
    changes.sort();
    let expected = [("ends", "ended"), ("fails", "changed"), ("new", "appeared")];
    assert_eq!(changes, expected.map(|(title, what)| (title.to_owned(), what.to_owned())));
    let all = shown(&script, &format!("--all --diff {from} {to}")).await;
    assert!(all.contains("elsewhere") && all.contains(&new.task.to_string()), "{all}");
}

#[tokio::test]
async fn all_shows_every_shard_ledgers_policies_and_what_cannot_be_read() {
    let script = Script::new(4);
    let one = report(&script, "acme", "one").await;
    let two = report(&script, "initech", "two").await;
    script.policy("acme", Caps { user: 2, ..Caps::default() }).await;
    let broken = script.submit("acme", "broken").await;
    script.garble(&broken).await;
    script
        .say(&broken, Role::Client, vec![EventBody::AbortRequested { by: "ann".into(), reason: None }])
        .await;
    // After its end a task is read again.
    script.say(&one, Role::Client, vec![EventBody::Dismissed { by: "ann".to_owned() }]).await;

    let all = json(&script, "--all").await;
    let of = |record: &str| all.as_array().unwrap().iter().filter(|one| one["record"] == record).count();
    assert_eq!((of("task"), of("admissions"), of("policy"), of("unreadable")), (13, 2, 1, 1));
    let last =
        all.as_array().unwrap().iter().rfind(|told| told["task"] == one.task.to_string().as_str()).unwrap();
    assert_eq!(
        (&last["snapshot"]["status"], &last["snapshot"]["dismissed"]),
        (&"completed".into(), &true.into())
    );
    let aside = all
        .as_array()
        .unwrap()
        .iter()
        .rfind(|told| told["task"] == broken.task.to_string().as_str())
        .unwrap();
    assert_eq!(aside["snapshot"]["status"], "pending", "what follows an unreadable record is not folded");
    assert_eq!(aside["ignored"][0]["why"], "the task is put aside");

    let text = shown(&script, "--of-org").await;
    assert!(text.contains("policy: 2 running tasks of a user") && text.contains("unreadable: "), "{text}");
    assert!(!text.contains(&two.task.to_string()));
    // A sequence names a place in one shard.
    assert_eq!(code(&ran(&script, "acme", "--all --at 3").await.unwrap_err()), Code::Usage);
    assert!(ran(&script, "acme", "--of-org --at 3").await.is_ok());
}

#[tokio::test]
async fn what_the_fold_ignores_is_shown_as_such() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let late = EventBody::Completed { run: RunNumber(7), output: Payload::default() };
    script.say(&task, Role::Executor, vec![late]).await;
    let text = shown(&script, &task.task.to_string()).await;
    assert!(text.contains("(ignored: it names a run that is not the current one)"), "{text}");
    assert_eq!(json(&script, &task.task.to_string()).await[1]["ignored"][0]["event"], 0);
}

#[tokio::test]
async fn nothing_a_task_says_reaches_the_terminal_as_it_is() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    let text = EventBody::TextAppended {
        run,
        segment: 0,
        offset: 0,
        text: "\u{1b}[31mred\u{202e}\n\u{7}next".into(),
    };
    let message = Some("\u{1b}]0;title\u{7}".to_owned());
    let progress = EventBody::Progressed { run, fraction: Some(0.5), message, waits: None };
    script.say(&task, Role::Executor, vec![text, progress]).await;
    for args in [
        task.task.to_string(),
        "--all".to_owned(),
        format!("{} --diff 1 3", task.task),
        "--all --at 3".into(),
    ] {
        let shown = shown(&script, &args).await;
        assert!(shown.chars().all(|c| c == '\n' || text::is_plain(c)), "{args}: {shown:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn history_is_played_with_its_pauses_and_can_be_stopped() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(20)).await;
        script.say(&task, Role::Client, vec![EventBody::Dismissed { by: "ann".to_owned() }]).await;
    }
    let begun = tokio::time::Instant::now();
    let (done, text) = ran(&script, "acme", &format!("{} --speed 10", task.task)).await.unwrap();
    assert_eq!((done, begun.elapsed().as_secs()), (Code::Done, 6));
    assert!(!text.is_empty());

    let cli = Cli::try_parse_from(["longhaul", "replay", "--all", "--speed", "1", "-o", "json"]).unwrap();
    let Command::Replay(args) = cli.command else { panic!("not a replay") };
    let mut out = Vec::new();
    let stopped = replay(&script.journal, &script.client("acme"), &args, &mut out, ready(())).await.unwrap();
    assert_eq!(stopped, Code::Interrupted);
    assert!(serde_json::from_slice::<Vec<Value>>(&out).unwrap().is_empty(), "still one JSON document");
    for speed in ["0", "-1", "NaN", "inf"] {
        let refused = ran(&script, "acme", &format!("{} --speed={speed}", task.task)).await.unwrap_err();
        assert_eq!(code(&refused), Code::Usage, "{speed}");
    }
}

#[tokio::test]
async fn a_task_of_another_organisation_is_not_found() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    assert_eq!(code(&ran(&script, "other", &task.task.to_string()).await.unwrap_err()), Code::NotFound);
    let none: TaskId = new_id();
    assert_eq!(code(&ran(&script, "acme", &none.to_string()).await.unwrap_err()), Code::NotFound);
    assert_eq!(shown(&script, "--of-org -o json").await.matches("record").count(), 1);
    assert_eq!(ran(&script, "nobody", "--of-org -o json").await.unwrap().1, "[]\n");
}

#[tokio::test]
async fn an_erased_history_leaves_gaps_that_stop_nothing() {
    let script = Script::new(1);
    let erased = report(&script, "acme", "gone").await;
    let client = script.client("acme");
    client.erase(erased.task).await.unwrap();
    let kept = report(&script, "acme", "kept").await;
    let all = json(&script, "--all").await;
    let tasks = all.as_array().unwrap().iter().filter(|one| one["record"] == "task");
    assert_eq!(tasks.count(), 6, "the erasure, and what is kept");
    let head = script.journal.head(longhaul_journal::Shard(0)).await.unwrap();
    let now = json(&script, &format!("--all --at {head}")).await;
    assert_eq!(now.as_array().unwrap().len(), 2);
    let difference = json(&script, &format!("--all --diff 0 {head}")).await;
    let what = |task: &TaskRef| {
        let id = task.task.to_string();
        difference["tasks"].as_array().unwrap().iter().find(|one| one["task"] == id.as_str()).unwrap()["what"]
            .clone()
    };
    assert_eq!((what(&erased), what(&kept)), ("erased".into(), "ended".into()));
}
