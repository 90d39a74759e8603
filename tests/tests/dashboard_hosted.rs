//! `up` and `demo` on a terminal: they open the dashboard, and what they ran ends in good order.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::path::Path;
use std::process::Command;

use longhaul_tests::process::{Process, run, with, without};
use longhaul_tests::screen::{SANE, ends, screen};
use longhaul_tests::{eventually, longhaul, toolchains};

/// `longhaul ARGS` for somebody at a terminal: what runs tests may say that nobody looks.
fn attended(home: &Path, args: &[&str]) -> Command {
    let mut command = longhaul(home, args);
    command.env_remove("CI");
    command
}

/// The demo, without a language model.
fn demo(home: &Path) -> Command {
    let mut command = attended(home, &["demo"]);
    without(&mut command, "llmock");
    command
}

/// Waits until a script has come to where it makes this file.
async fn reached<T>(mark: &Path, shown: &tokio::task::JoinHandle<T>) {
    let seen = async || (mark.exists() || shown.is_finished()).then_some(());
    eventually("the screen to be seen", seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn up_shows_what_it_runs_and_asks_before_it_ends() {
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("submit");
    let steps = format!(
        "wait-for 'live' 60\nwait-for 'No tasks yet' 60\nexpect 'longhaul .* is up'\n\
         expect 'nats://127.0.0.1:'\nexpect 'longhaul report DATA'\nkey 6\nwait-for 'submit from another terminal' 10\n\
         key 1\nrun touch {}\nwait-for 'slow 10000' 60\nkey q\nwait-for 'Stop everything\\?' 10\n\
         expect '1 task runs now'\nkey Enter Esc\nwait-gone 'Stop everything' 10\nkey C-c\n\
         wait-for 'Stop everything\\?' 10\nkey y\nwait-for 'stopped; longhaul up goes on' 60\n\
         expect 'shutting down'\nwait-for 'left with 0' 30\n{SANE}",
        mark.display()
    );
    let (folder, up) = (home.path().to_owned(), attended(home.path(), &["up"]));
    let shown = tokio::spawn(async move { screen(&folder, &up, &steps).await });
    reached(&mark, &shown).await;
    let input = "\"slow 10000 20\"";
    let submitted = run(longhaul(home.path(), &["submit", "rehearsal", "--input", input])).await.ok();
    shown.await.unwrap();

    // Nothing that ran was lost.
    let mut up = Process::start(longhaul(home.path(), &["up"]), home.path(), "up");
    let task = submitted.stdout.trim();
    let status = async || {
        let out = run(longhaul(home.path(), &["get", task, "-o", "json"])).await;
        (out.code == Some(0) && out.json()["status"] == "running").then_some(())
    };
    eventually("the task to go on", status).await;
    up.terminate();
    assert_eq!(up.ended().await, Some(0), "{}", up.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_up_is_told_on_a_terminal_that_was_given_back() {
    let home = tempfile::tempdir().unwrap();
    let server = home.path().join(".local/share/longhaul/nats/server.lock");
    let ways = [
        ("kill -TERM PID".to_owned(), "shutting down", 0),
        ("kill -HUP PID".to_owned(), "shutting down", 0),
        (
            format!("kill -KILL $(cat {})", server.display()),
            "the nats-server ended by itself: signal: 9.*its log: ",
            7,
        ),
    ];
    for (how, told, code) in ways {
        let steps = format!(
            "wait-for 'No tasks yet' 60\nrun {how}\nwait-for 'left with {code}' 60\nexpect '{told}'\n{SANE}"
        );
        screen(home.path(), &attended(home.path(), &["up"]), &steps).await;
    }
    // Or told nobody any more: the terminal goes with the script's end.
    screen(home.path(), &attended(home.path(), &["up"]), "wait-for 'No tasks yet' 60\n").await;
    ends(&home.path().join("pid")).await;
    ends(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_lines_gets_lines() {
    let home = tempfile::tempdir().unwrap();
    let plain = attended(home.path(), &["up", "--plain"]);
    let mut asked = attended(home.path(), &["up"]);
    asked.env("LONGHAUL_PLAIN", "1");
    let mut automatic = attended(home.path(), &["up"]);
    automatic.env("CI", "true");
    let mut behind = Command::new("sh");
    let up = attended(home.path(), &["up"]);
    behind.args(["-mc", "\"$@\" & echo $! > behind; wait", "sh"]).arg(up.get_program()).args(up.get_args());
    for (name, value) in up.get_envs() {
        match value {
            Some(value) => behind.env(name, value),
            None => behind.env_remove(name),
        };
    }
    for program in [plain, asked, automatic] {
        let steps = format!(
            "wait-for 'Ctrl-C stops everything' 60\nexpect-var '#{{alternate_on}}' '^0$'\nkey C-c\n\
             wait-for 'left with 0' 60\n{SANE}"
        );
        screen(home.path(), &program, &steps).await;
    }
    // In the background it would only be stopped for the terminal.
    let steps = "wait-for 'Ctrl-C stops everything' 60\nexpect-var '#{alternate_on}' '^0$'\n\
         run kill -TERM $(cat behind)\nwait-for 'left with' 60\n";
    screen(home.path(), &behind, steps).await;
    ends(&home.path().join("behind")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whoever_watches_a_demo_leaves_undone_is_done() {
    let home = tempfile::tempdir().unwrap();
    // One does what the banner says as it says it, where it leads.
    let steps = format!(
        "wait-for 'Wait, or approve .* yourself: a y' 120\nkey a\nwait-for 'Approve\\?' 10\nkey y\n\
         wait-for 'Wait, or (stop|retry) .* yourself' 60\nkey /\ntype 'A long one'\nkey Enter x\n\
         wait-for 'Abort\\?' 10\nkey y\nwait-for 'Wait, or .*One that fails.* R y' 60\n\
         wait-for 'The demo is over' 120\nkey q\nwait-for 'left with 0' 60\nexpect-not 'ended failed'\n{SANE}"
    );
    screen(home.path(), &demo(home.path()), &steps).await;
    assert_eq!(documents(home.path()), 4);
}

/// The documents of a demo.
fn documents(home: &Path) -> usize {
    let all = std::fs::read_dir(home.join("longhaul-demo")).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| std::fs::read(path).unwrap().starts_with(b"%PDF")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_nobody_touches_comes_to_its_end() {
    let home = tempfile::tempdir().unwrap();
    let steps = format!(
        "wait-for 'The demo. Wait, or .*approve' 120\nwait-for 'The demo is over' 120\nexpect 'closes by itself'\n\
         wait-for 'the aborted task.s story' 120\nwait-for 'left with 0' 60\nexpect 'customer-churn.pdf'\n{SANE}"
    );
    screen(home.path(), &demo(home.path()), &steps).await;
    assert_eq!(documents(home.path()), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_lets_whoever_watches_act_and_leave() {
    let home = tempfile::tempdir().unwrap();
    let steps = format!(
        "wait-for 'The demo. Wait, or .*approve' 120\nkey 2\nwait-for 'rehearse' 60\nkey a\nwait-for 'Approve\\?' 10\n\
         key y\nwait-for 'Nothing waits for an answer' 60\nkey q\nwait-for 'goes on without the dashboard' 60\n\
         wait-for 'presses Stop' 60\nwait-for 'left with 0' 120\nexpect 'the aborted task.s story'\n\
         expect-not 'somebody approves'\n{SANE}"
    );
    screen(home.path(), &demo(home.path()), &steps).await;
    assert_eq!(documents(home.path()), 4);
    // At once is at once.
    let steps = format!("wait-for 'The demo' 120\nkey C-c\nwait-for 'left with 130' 60\n{SANE}");
    screen(home.path(), &demo(home.path()), &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_a_demo_decides_what_a_model_may_read() {
    let home = tempfile::tempdir().unwrap();
    let mut demo = attended(home.path(), &["demo"]);
    with(&mut demo, &toolchains::model_mock().folder.join("node_modules/.bin"));
    // The mock is refused its query, and writes without it; nothing ends before its reader has left.
    let steps = format!(
        "wait-for 'Wait, or (go to .What fills|approve .What fills)' 120\nkey 2\nwait-for 'execute_sql' 60\nkey r\n\
         type 'too much'\nkey Enter\nwait-for 'Nothing waits for an answer' 60\n\
         wait-for 'The demo is over' 180\nexpect-not 'closes by itself'\nkey q\n\
         wait-for 'left with 0' 60\nexpect 'Nothing was counted'\n{SANE}"
    );
    screen(home.path(), &demo, &steps).await;
    assert_eq!(documents(home.path()), 5);
}
