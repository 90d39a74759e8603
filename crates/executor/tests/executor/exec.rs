//! Programs as handlers. The programs are shells, the time is real.

use std::path::{Path, PathBuf};
use std::time::Duration;

use longhaul_core::*;
use longhaul_executor::exec::{ExecPolicy, Program};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::stage::*;

/// The submission of a shell script, with its own input.
fn script(text: &str, input: Value) -> Submission {
    submission("exec", json!({"program": "sh", "args": ["-c", text], "input": input, "grace": 0.3}))
}

fn start(stage: &Stage) -> Working {
    stage.start(stage.executor().handle_exec(ExecPolicy::new().any(["LANGUAGE"])))
}

async fn file(stage: &Stage, ended: &Snapshot, name: &str) -> String {
    let artifact = ended.artifacts.iter().find(|artifact| artifact.name == name);
    let artifact = artifact.unwrap_or_else(|| panic!("no {name}: {ended:#?}"));
    String::from_utf8(stage.journal.get(artifact.sha256).await.unwrap().to_vec()).unwrap()
}

/// Whether a process is there and not just waiting to be reaped.
pub(crate) fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    // The state follows the name, which is in brackets and may hold anything.
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !matches!(rest.trim_start().chars().next(), Some('Z' | 'X')))
}

pub(crate) async fn gone(pid: &str) {
    within("the end of a process", async {
        while lives(pid) {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

pub(crate) async fn written(path: &Path) -> String {
    within("a file", async {
        loop {
            match std::fs::read_to_string(path) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_program_gets_its_input_and_gives_its_output() {
    let stage = Stage::new();
    let _working = start(&stage);
    let text = r#"
        read -r line
        [ "$line" = "$LONGHAUL_INPUT" ] || exit 9
        if read -r more; then exit 8; fi
        echo "printed $LONGHAUL_TASK $LONGHAUL_ATTEMPT/$LONGHAUL_RUN for $LONGHAUL_ORG"
        echo "warned" >&2
        echo "{\"output\": 1}" >&$LONGHAUL_EVENTS
        printf '{"output": {"input": %s, "events": %s}}' "$line" "$LONGHAUL_EVENTS" >&3
    "#;
    let task = stage.submit(script(text, json!({"name": "ä \"x\"", "n": [1, null]}))).await;
    let ended = stage.end(&task).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    assert_eq!(output(&ended), &json!({"input": {"name": "ä \"x\"", "n": [1, null]}, "events": 3}));
    let printed = format!("printed {} 1/1 for acme\n", task.task);
    assert_eq!(file(&stage, &ended, "stdout.log").await, printed);
    assert_eq!(file(&stage, &ended, "stderr.log").await, "warned\n");
}

#[tokio::test]
async fn its_exit_status_decides() {
    let stage = Stage::new();
    let _working = start(&stage);
    let task = stage.submit(script("exit 0", json!(null))).await;
    let ended = stage.end(&task).await;
    assert_eq!((output(&ended), ended.artifacts.len()), (&json!({"status": 0}), 0));
    for (text, code, retryable, message) in [
        (
            "echo first >&2; echo 'no such table' >&2; exit 3",
            "exit_status",
            false,
            "sh ended with exit status 3: first no such table",
        ),
        ("exit 75", "temporary_failure", true, "sh ended with exit status 75"),
        ("kill -9 $$", "killed", false, "sh was ended by signal 9"),
    ] {
        let task = stage.submit(script(text, json!(null))).await;
        let error = stage.end(&task).await.error.unwrap();
        assert_eq!(
            (error.code.as_str(), error.retryable, error.message.as_str()),
            (code, retryable, message)
        );
    }
    for (input, code, word) in [
        (json!({"program": "/no/such/program"}), "not_started", "/no/such/program"),
        (json!({"program": "sh", "cwd": "/no/such/place"}), "not_started", "/no/such/place"),
        (json!({"program": "/etc/passwd"}), "not_started", "/etc/passwd"),
        (json!({"program": "a\0b"}), "not_started", "cannot be started"),
        (json!({"args": []}), "bad_input", "program"),
        (json!({"program": "sh", "args": [1]}), "bad_input", "args[0]"),
    ] {
        let task = stage.submit(submission("exec", input)).await;
        let error = stage.end(&task).await.error.unwrap();
        assert_eq!((error.code.as_str(), error.retryable), (code, false));
        assert!(error.message.contains(word), "{}", error.message);
    }
}

#[tokio::test]
async fn what_it_says_is_recorded() {
    let stage = Stage::new();
    let _working = start(&stage);
    let place = TempDir::new().unwrap();
    let text = r#"
        exec >&3
        echo '{"step": "fetch", "of": 2}'
        echo '{"text": "fetching "}'
        echo 'this is no event'
        echo '{"usage": {"input_tokens": 5, "queries": 1}, "model": "m", "result": {"rows": 7}}'
        echo '{"step": "write", "progress": 0.5, "message": "writing"}'
        mkdir out; printf 'a,b' > out/table.csv
        echo '{"artifact": "out/table.csv"}'
        echo '{"artifact": "out/table.csv", "name": "copy", "media_type": "text/plain"}'
        echo '{"text": "done"}'
    "#;
    let mut said = script(text, json!(null));
    said.input = Payload::Inline(json!({"program": "sh", "args": ["-c", text], "cwd": place.path()}));
    let task = stage.submit(said).await;
    let ended = stage.end(&task).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    let steps = ended.steps.iter().map(|step| (step.name.as_str(), step.of, step.result.clone().unwrap()));
    let result = |value| Payload::Inline(value);
    assert_eq!(
        steps.collect::<Vec<_>>(),
        [("fetch", Some(2), result(json!({"rows": 7}))), ("write", Some(2), result(json!(null)))]
    );
    assert_eq!(stage.text(&task).await, [(1, "fetching ".into()), (3, "done".into())].into());
    assert_eq!((ended.usage.input_tokens, ended.usage.queries), (5, 1));
    assert_eq!(ended.progress.message.as_deref(), Some("writing"));
    let messages = stage.events(&task).await.into_iter().filter_map(|event| match event {
        EventBody::Progressed { message, .. } => message,
        _ => None,
    });
    assert!(messages.into_iter().any(|message| message.contains("no event")));
    assert_eq!(file(&stage, &ended, "table.csv").await, "a,b");
    let kept: Vec<_> =
        ended.artifacts.iter().map(|kept| (kept.name.as_str(), kept.media_type.as_str())).collect();
    assert_eq!(kept, [("table.csv", "text/csv; charset=utf-8"), ("copy", "text/plain")]);
}

#[tokio::test]
async fn a_file_that_is_not_there_fails_the_task() {
    let stage = Stage::new();
    let _working = start(&stage);
    let place = TempDir::new().unwrap();
    let pipe = place.path().join("pipe");
    for artifact in ["missing.txt", ".", "pipe"] {
        let text = format!(
            "mkfifo {0:?} 2>/dev/null; echo '{{\"artifact\": \"{artifact}\"}}' >&3; sleep 1000",
            pipe.display()
        );
        let mut said = script(&text, json!(null));
        said.input = Payload::Inline(json!({"program": "sh", "args": ["-c", text], "cwd": place.path()}));
        let task = stage.submit(said).await;
        assert_eq!(stage.end(&task).await.error.unwrap().code, "artifact_unreadable", "{artifact}");
    }
}

#[tokio::test]
async fn a_program_that_is_begun_anew_learns_what_is_recorded() {
    let stage = Stage::new();
    let _working = start(&stage);
    let text = r#"
        printf '{"step": "one"}\n{"step": "two"}\n' >&3
        [ "$LONGHAUL_ATTEMPT" = 2 ] || exit 75
        printf '{"output": %s}' "$LONGHAUL_STEPS" >&3
    "#;
    let retry = RetryPolicy { max_attempts: 2, backoff: Millis(1), ..RetryPolicy::default() };
    let task = stage.submit(Submission { retry, ..script(text, json!(null)) }).await;
    let ended = stage.end(&task).await;
    assert_eq!((output(&ended), ended.steps.len()), (&json!(["one"]), 2));
}

/// A script that starts another process in its group, and writes both their numbers into a file.
fn family(place: &TempDir, first: &str, then: &str) -> (PathBuf, String) {
    let pids = place.path().join("pids");
    let file = pids.display();
    (
        pids.clone(),
        format!("{first}; sleep 1000 & echo $$ $! > '{file}.new'; mv '{file}.new' '{file}'; {then}"),
    )
}

#[tokio::test]
async fn an_abort_ends_its_whole_group_gently_or_not() {
    let stage = Stage::new();
    let _working = start(&stage);
    for (trap, log) in [("trap 'echo bye; exit 0' TERM", Some("bye\n")), ("trap '' TERM", None)] {
        let place = TempDir::new().unwrap();
        let (pids, text) = family(&place, trap, "while true; do sleep 0.01; done");
        let task = stage.submit(script(&text, json!(null))).await;
        let pids = written(&pids).await;
        stage.abort(&task).await.unwrap();
        let ended = stage.end(&task).await;
        assert_eq!(
            (ended.status, ended.abort.as_ref().unwrap().checkpoint.as_deref()),
            (Status::Aborted, Some("start"))
        );
        for pid in pids.split_whitespace() {
            gone(pid).await;
        }
        match log {
            Some(log) => assert_eq!(file(&stage, &ended, "stdout.log").await, log),
            None => assert!(ended.artifacts.is_empty()),
        }
    }
}

#[tokio::test]
async fn its_group_dies_with_a_run_that_was_taken_over_or_killed() {
    let stage = Stage::new();
    let working = start(&stage);
    for kill in [false, true] {
        let place = TempDir::new().unwrap();
        let (pids, text) = family(&place, ":", "wait");
        let task = stage.submit(script(&text, json!(null))).await;
        let pids = written(&pids).await;
        if kill {
            working.kill().await;
            for pid in pids.split_whitespace() {
                gone(pid).await;
            }
            return;
        }
        stage.lose(&task).await;
        for pid in pids.split_whitespace() {
            gone(pid).await;
        }
        assert_eq!(stage.end(&task).await.status, Status::Expired);
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_ended_with_it() {
    let stage = Stage::new();
    let _working = start(&stage);
    let place = TempDir::new().unwrap();
    // The process left behind keeps every pipe open.
    let (pids, text) = family(&place, ":", "exit 0");
    let task = stage.submit(script(&text, json!(null))).await;
    assert_eq!(stage.end(&task).await.status, Status::Completed);
    for pid in written(&pids).await.split_whitespace() {
        gone(pid).await;
    }
}

#[tokio::test]
async fn neither_a_flood_nor_deaf_ears_hold_it_up() {
    let stage = Stage::new();
    let _working = start(&stage);
    // Does not read its large input, prints far more than is kept, and a line without end.
    let text = r#"
        [ -z "$LONGHAUL_INPUT" ] || exit 9
        head -c 9000000 /dev/zero | tr '\0' 'x'
        echo end
        head -c 3000000 /dev/zero | tr '\0' 'y' >&3
        echo >&3
        echo '{"output": "still there"}' >&3
    "#;
    let task = stage.submit(Submission {
        input: stage
            .journal
            .store_payload(json!({"program": "sh", "args": ["-c", text], "input": "z".repeat(300_000)}))
            .await
            .unwrap(),
        ..script("", json!(null))
    });
    let task = task.await;
    let ended = stage.end(&task).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    assert_eq!(output(&ended), &json!("still there"));
    let log = file(&stage, &ended, "stdout.log").await;
    assert!(log.len() < 6_000_000 && log.contains("bytes are left out") && log.ends_with("xend\n"));
}

#[tokio::test]
async fn a_fixed_program_takes_its_whole_input_from_the_task_and_no_secrets_from_here() {
    let stage = Stage::new();
    let program =
        Program::new("sh").arg("-c").arg(r#"read -r line; env >&2; echo "{\"output\": $line}" >&3"#);
    let policy = ExecPolicy::new().program("fixed", program.env("COLOUR", "blue"));
    let _working = stage.start(stage.executor().handle_exec(policy));
    let input = json!({"program": "rm", "args": ["-rf", "/"]});
    let task = stage.submit(submission("fixed", input.clone())).await;
    let ended = stage.end(&task).await;
    assert_eq!(output(&ended), &input);
    let environment = file(&stage, &ended, "stderr.log").await;
    assert!(environment.contains("COLOUR=blue\n") && environment.contains("PATH="));
    let allowed = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "COLOUR"];
    // What the shell sets by itself.
    let own = ["PWD", "OLDPWD", "SHLVL", "_"];
    for name in environment.lines().filter_map(|line| Some(line.split_once('=')?.0)) {
        let known = allowed.contains(&name) || own.contains(&name) || name.starts_with("LONGHAUL_");
        assert!(known, "{name}");
    }
    // The free kind is not there unless it is asked for.
    let task = stage.submit(script("exit 0", json!(null))).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(stage.get(&task).await.status, Status::Pending);
}

#[tokio::test]
async fn a_used_up_span_ends_it() {
    let stage = Stage::new();
    let _working = start(&stage);
    let task =
        stage.submit(Submission { limits: limits(100, 300), ..script("sleep 1000", json!(null)) }).await;
    let ended = stage.end(&task).await;
    assert_eq!((ended.status, ended.run), (Status::Expired, RunNumber(1)));
}

#[tokio::test]
async fn a_draining_executor_ends_it_and_says_whether_it_can_go_on() {
    for (text, resumes) in [
        (
            "[ $LONGHAUL_RUN = 2 ] && exit 0; trap 'exit 75' TERM; echo '{\"step\": \"a\"}' >&3; while true; do sleep 0.01; done",
            true,
        ),
        ("echo '{\"step\": \"a\"}' >&3; sleep 1000", false),
    ] {
        let stage = Stage::new();
        let executor = stage.executor().drain_within(Duration::from_millis(2500));
        let working = stage.start(executor.handle_exec(ExecPolicy::new().any(["LANGUAGE"])));
        let task = stage.submit(script(text, json!(null))).await;
        stage.until(&task, "in its step", |snapshot| !snapshot.steps.is_empty()).await;
        working.drain().await;
        if resumes {
            let waiting = stage.get(&task).await;
            assert_eq!(waiting.reason, Reason::Continued { why: Continuation::Drain });
            let _next = start(&stage);
            assert_eq!(stage.end(&task).await.status, Status::Completed);
        } else {
            let error = stage.end(&task).await.error.unwrap();
            assert_eq!((error.code.as_str(), error.retryable), ("shut_down", true));
        }
    }
}
