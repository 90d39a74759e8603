//! The program's own word on itself. That this test exists also makes `cargo test` build the program
//! that the tests of the whole workspace run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::process::Command;

fn longhaul(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_longhaul")).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_command_has_help() {
    let (code, help, _) = longhaul(&["--help"]);
    assert_eq!(code, Some(0));
    for command in [
        "up",
        "demo",
        "report",
        "chat",
        "run",
        "submit",
        "get",
        "ls",
        "watch",
        "wait",
        "text",
        "abort",
        "approve",
        "reject",
        "retry",
        "rerun",
        "fork",
        "rm",
        "erase",
        "download",
        "replay",
        "project",
        "schedule",
        "work",
        "doctor",
        "completions",
        "man",
        "schema",
    ] {
        assert!(help.contains(&format!("  {command} ")), "{command} in {help}");
        let (code, help, _) = longhaul(&[command, "--help"]);
        assert_eq!(code, Some(0), "{command}");
        assert!(help.contains("Usage"), "{command}");
    }
}

#[test]
fn wrong_usage_is_2_and_says_what_is_right() {
    let (code, _, error) = longhaul(&["get"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("Usage"), "{error}");
    let (code, _, error) = longhaul(&["wait", "x"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("not a UUID"), "{error}");
}

#[test]
fn completions_schema_and_man_need_no_log() {
    for args in [&["completions", "bash"][..], &["completions", "zsh"], &["man"], &["schema"]] {
        let (code, out, error) = longhaul(args);
        assert_eq!(code, Some(0), "{args:?}: {error}");
        assert!(out.len() > 500, "{args:?}");
    }
    let (_, schema, _) = longhaul(&["schema"]);
    serde_json::from_str::<serde_json::Value>(&schema).unwrap();
}
