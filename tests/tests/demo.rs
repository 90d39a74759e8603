//! The demo, line by line: with a mock of a language model on `PATH`, without one, and with something else
//! of that name.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use longhaul_tests::process::{Output, longhaul, run, with, without};
use longhaul_tests::{screen, toolchains};

/// Puts a program of that name, a shell script, into a folder of its own under `home`.
fn program(home: &Path, name: &str, script: &str) -> std::path::PathBuf {
    let folder = home.join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(folder.join(name), PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// The names of the documents, each of which is one.
fn documents(home: &Path, out: &Output) -> Vec<String> {
    let names = out.stdout.lines().map(|document| {
        let pdf = std::fs::read(home.join(document)).unwrap();
        assert!(pdf.starts_with(b"%PDF"), "{document}");
        document.rsplit('/').next().unwrap().to_owned()
    });
    names.collect()
}

fn tells(out: &Output, all: &[&str]) {
    for told in all {
        assert!(out.stderr.contains(told), "{told} in {}", out.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_the_analyst_writes_and_the_demo_says_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let mut demo = longhaul(home.path(), &["demo"]);
    without(&mut demo, "llmock");
    let out = run(demo).await.ok();
    assert_eq!(documents(home.path(), &out).len(), 4, "{out:?}");
    tells(&out, &["npm install -g @copilotkit/aimock", "LONGHAUL_MODEL"]);
    tells(&out, &["presses Stop", "somebody approves: rehearse", "presses Retry", "aborted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_mock_of_a_model_one_report_is_written_by_it_and_its_query_approved() {
    let home = tempfile::tempdir().unwrap();
    // Says who it is, then is the real one.
    let real = toolchains::model_mock().folder.join("node_modules/.bin/llmock");
    let pid = home.path().join("pid");
    let script = format!("echo $$ > {}\nexec {} \"$@\"", pid.display(), real.display());
    let mut demo = longhaul(home.path(), &["demo"]);
    with(&mut demo, &program(home.path(), "llmock", &script));
    let out = run(demo).await.ok();
    let written = documents(home.path(), &out);
    assert_eq!(written.len(), 5, "{out:?}");
    assert!(written.iter().any(|name| name == "what-fills-the-playlists.pdf"), "{written:?}");
    tells(&out, &["written by llmock", "somebody approves: execute_sql", "PlaylistTrack", "model 2"]);
    tells(&out, &["presses Stop", "presses Retry", "aborted"]);
    assert!(!out.stderr.contains("rehearse"), "the one that asks is the model: {}", out.stderr);
    // It goes with the demo.
    screen::ends(&pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_that_name_that_is_no_mock_is_told_of_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let mut demo = longhaul(home.path(), &["demo"]);
    with(&mut demo, &program(home.path(), "llmock", "echo 'usage: llmock FILE' >&2; exit 2"));
    let out = run(demo).await.ok();
    assert_eq!(documents(home.path(), &out).len(), 4, "{out:?}");
    tells(&out, &["llmock on PATH is no mock of a language model here: usage: llmock FILE"]);
}
