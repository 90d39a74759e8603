//! `longhaul bench` from end to end, a few tasks of everything: that it measures and says under which
//! promise. Never how fast.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::path::Path;
use std::process::{Command, Output};

use longhaul_broker::{Durability, Server, ServerConfig};
use serde_json::Value;
use tempfile::TempDir;

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The program, with nothing of the developer's settings but where the nats-server is.
async fn longhaul(home: &Path, args: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LONGHAUL_") {
            command.env_remove(name);
        }
    }
    command.env("LONGHAUL_NATS_SERVER", server_program().await.path).env("HOME", home);
    command.env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
    command.envs(settings.iter().copied()).current_dir(home).args(args);
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

async fn server_program() -> longhaul_broker::ServerBinary {
    let found = tokio::task::spawn_blocking(|| {
        longhaul_broker::locate(&longhaul_broker::Options::from_env(), &mut |_| {})
    });
    found.await.unwrap().unwrap_or_else(|error| panic!("{error}"))
}

/// What it answered, if it did what was asked.
fn json(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

async fn measured(home: &Path, args: &[&str]) -> Value {
    let mut all = vec!["--quiet", "bench"];
    all.extend(args);
    all.extend(["--quick", "--tasks", "50", "--json", "-"]);
    let document = json(&longhaul(home, &all, &[]).await);
    assert_eq!(document["format"], 1);
    assert!(document["machine"]["cores"].as_u64() > Some(0), "{}", document["machine"]);
    assert!(document["versions"]["nats_server"].is_string());
    let [scenario] = document["scenarios"].as_array().unwrap().as_slice() else {
        panic!("one scenario was asked for: {document}")
    };
    assert_eq!(scenario["scenario"], args[0]);
    for figure in scenario["figures"].as_array().unwrap() {
        let values = figure["values"].as_array().unwrap();
        assert!(!values.is_empty() && values.iter().all(Value::is_number), "{figure}");
        assert!(figure["median"].is_number() && figure["unit"].is_string(), "{figure}");
    }
    scenario.clone()
}

/// The median of a figure; there must be one.
fn median(scenario: &Value, name: &str, durability: &str, case: Option<(&str, u64)>) -> f64 {
    let figures = scenario["figures"].as_array().unwrap();
    let found = figures.iter().find(|figure| {
        let fits = case.is_none_or(|(key, value)| figure["case"][key] == value);
        figure["name"] == name && figure["durability"] == durability && fits
    });
    let found = found.unwrap_or_else(|| panic!("no figure {name} in {durability}, {case:?}: {figures:?}"));
    found["median"].as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn throughput_is_measured_under_both_promises() {
    let home = home();
    let scenario = measured(home.path(), &["throughput"]).await;
    for durability in ["relaxed", "strict"] {
        assert!(median(&scenario, "tasks_per_second", durability, None) > 0.0);
        median(&scenario, "cpu_per_task_nats_server", durability, None);
        median(&scenario, "cpu_per_task_executor", durability, None);
    }
    let scenario = measured(home.path(), &["throughput", "--in-process", "--durability", "relaxed"]).await;
    assert!(median(&scenario, "tasks_per_second", "relaxed", None) > 0.0);
    let processes: Vec<_> = scenario["repetitions"][0]["processes"].as_array().unwrap().clone();
    let names: Vec<_> = processes.iter().map(|cost| cost["process"].as_str().unwrap()).collect();
    assert_eq!(names, ["nats-server", "client"], "throughput is read from the log afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_are_measured() {
    let home = home();
    let scenario = measured(home.path(), &["latency", "--durability", "relaxed"]).await;
    let at = |name: &str| median(&scenario, name, "relaxed", None);
    assert!(at("started_p50") > 0.0 && at("started_p50") <= at("started_max"));
    assert!(at("visible_p50") > 0.0 && at("acknowledged_p99") > 0.0);

    let scenario = measured(home.path(), &["abort", "--durability", "relaxed"]).await;
    assert!(median(&scenario, "aborted_p50", "relaxed", None) > 0.0);
    assert!(median(&scenario, "cut_short_max", "relaxed", None) > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_task_and_sleeping_ones_are_measured() {
    let home = home();
    let scenario = measured(home.path(), &["progress", "--durability", "relaxed"]).await;
    for name in ["awaited", "pipelined", "steps", "said"] {
        assert!(median(&scenario, &format!("{name}_per_second"), "relaxed", None) > 0.0);
    }
    let scenario = measured(home.path(), &["sleeping", "--durability", "relaxed"]).await;
    assert!(median(&scenario, "executor_with_sleepers", "relaxed", None) > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_and_growth_are_measured() {
    let home = home();
    let scenario = measured(home.path(), &["replay", "--durability", "relaxed"]).await;
    for name in ["followed_per_second", "folded_per_second", "rebuilt_per_second", "scheduler_start"] {
        assert!(median(&scenario, name, "relaxed", None) > 0.0, "{name}");
    }
    let scenario = measured(home.path(), &["growth", "--durability", "relaxed"]).await;
    let of = |name, case| assert!(median(&scenario, name, "relaxed", Some(case)) > 0.0, "{name} {case:?}");
    of("server_start", ("finished", 500));
    of("memory_projector", ("finished", 500));
    of("tasks_per_second", ("shards", 8));
    of("tasks_per_second", ("executors", 8));
    of("last_organisation", ("organisations", 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_is_measured_on_a_terminal() {
    let home = home();
    let scenario = measured(home.path(), &["dashboard", "--durability", "relaxed", "--rate", "100"]).await;
    let at = |name: &str| median(&scenario, name, "relaxed", None);
    for name in ["start_to_paint", "connect_to_shown", "jump_from_now", "jump_within_past", "key", "seen"] {
        assert!(at(&format!("{name}_p50")) > 0.0, "{name}");
    }
    assert!(at("start_to_paint_max") <= at("start_to_shown_max"));
    assert!(at("idle_frames") > 0.0 && at("busy_frame_p99") > 0.0 && at("busy_events") > 0.0);
    assert!(at("idle_memory") <= at("idle_memory_peak"));
    let processes = scenario["repetitions"][0]["processes"].as_array().unwrap();
    assert!(processes.iter().any(|cost| cost["process"] == "dashboard"));
    assert_eq!(scenario["parameters"]["size"], "120x36");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_server_is_used_as_it_is() {
    let home = home();
    let config =
        ServerConfig { durability: Durability::Relaxed, ..ServerConfig::new(home.path().join("nats")) };
    let server = Server::start(&server_program().await, config).await.unwrap();
    let settings = [("LONGHAUL_NATS", server.url()), ("LONGHAUL_TOKEN", server.token())];
    let args = ["-q", "bench", "throughput", "--quick", "--tasks", "50", "--shards", "2", "--json", "-"];
    let document = json(&longhaul(home.path(), &args, &settings).await);
    assert_eq!(document["server"], "named");
    let scenario = &document["scenarios"][0];
    assert_eq!(scenario["parameters"]["shards"], 2);
    assert!(scenario["notes"].to_string().contains("organisations of its own"));
    let figures = scenario["figures"].as_array().unwrap();
    assert!(figures.iter().all(|figure| figure["durability"] == "unknown"), "nobody said what it promises");
    let args = ["bench", "throughput", "--durability", "strict"];
    let refused = longhaul(home.path(), &args, &settings).await;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("leave --durability out"), "{said}");
}
