//! A report that a language model writes, from the command line to the pages: the real program, and a
//! server that answers as a provider does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::process::Command;

use longhaul_client::Until;
use longhaul_core::{Millis, TaskId};
use longhaul_tests::model::{Mock, fixtures};
use longhaul_tests::process::{longhaul, run};
use longhaul_tests::{PATIENCE, Process, World};
use serde_json::json;

const KEY: &str = "sk-nobody-may-read-this-0123456789";

const SALES: &str =
    "day,country,total\n2026-01-03,USA,523.06\n2026-01-04,Canada,303.96\n2026-02-01,USA,100.00\n";

fn fixtures() -> Vec<serde_json::Value> {
    let sql = "SELECT country, round(sum(total), 2) AS sales FROM sales GROUP BY 1 ORDER BY 2 DESC";
    let parts = json!([
        {"kind": "table", "query": 1, "caption": "Sales by country"},
        {"kind": "chart", "query": 1, "caption": "Sales by country", "chart": "ranking", "label": "country",
         "values": ["sales"]}
    ]);
    let report = json!({
        "title": "Where sales come from",
        "summary": [
            {"kind": "figures", "figures": [{"label": "USA", "query": 1, "column": "sales"}]},
            {"kind": "paragraph", "text": "The USA buys most."}
        ],
        "sections": [{"heading": "Countries", "parts": parts}]
    });
    let asks = [("c1", "execute_sql", json!({"sql": sql, "purpose": "sales of each country"}))];
    vec![
        fixtures::calls("sales by country", 0, "I look at the sales.", &asks),
        fixtures::calls("sales by country", 1, "I write it down.", &[("c2", "write_report", report)]),
    ]
}

/// The command, with a model in its environment.
fn command(home: &std::path::Path, mock: &Mock, args: &[&str]) -> Command {
    let mut command = longhaul(home, args);
    command.env("LONGHAUL_MODEL", "mock/m1");
    command.env("LONGHAUL_MODEL_URL", format!("{}/v1", mock.url()));
    command.env("LONGHAUL_MODEL_KEY", KEY);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_writes_a_report_and_types_none_of_its_figures() {
    let mock = Mock::start(&fixtures());
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("sales.csv"), SALES).unwrap();
    let args = ["report", "sales.csv", "sales by country", "-o", "out.pdf"];
    let out = run(command(home.path(), &mock, &args)).await.ok();
    assert_eq!(mock.unprepared().await, Vec::<serde_json::Value>::new());
    assert_eq!(out.stdout.trim(), "out.pdf");

    // What the pages say is what SQL gives for the rows of the file.
    let text = pages(home.path(), "out.pdf");
    for figure in ["Where sales come from", "623.06", "303.96", "The USA buys most.", "SELECT country"] {
        assert!(text.contains(figure), "{figure} in\n{text}");
    }

    // Each call is a step, and what it cost is counted.
    let listed = run(longhaul(home.path(), &["ls", "-o", "json"])).await.ok().json();
    let task = listed[0]["task"].as_str().unwrap().to_owned();
    let replayed = run(longhaul(home.path(), &["replay", &task, "-o", "ndjson"])).await.ok().stdout;
    for step in ["\"model 1\"", "\"execute_sql 1\"", "\"model 2\"", "\"rendering\""] {
        assert!(replayed.contains(step), "{step} in\n{replayed}");
    }
    assert!(!replayed.contains(KEY) && !out.stderr.contains(KEY));
}

/// What the PDF in a folder says.
fn pages(folder: &std::path::Path, name: &str) -> String {
    let text = Command::new("pdftotext").args(["-layout", name, "-"]).current_dir(folder).output();
    let text = text.expect("pdftotext is missing: apt-get install poppler-utils");
    String::from_utf8_lossy(&text.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_approves_what_the_policy_names_and_what_they_change_is_what_runs() {
    let mock = Mock::start(&fixtures());
    let world = World::new(1).await;
    std::fs::write(world.path().join("sales.csv"), SALES).unwrap();
    let _scheduler = world.start(&["schedule"]);
    let _projector = world.start(&["project"]);
    let mut work = world.command(&["work", "--kind", "report"]);
    work.env("LONGHAUL_MODEL", "mock/m1").env("LONGHAUL_MODEL_KEY", KEY);
    work.env("LONGHAUL_MODEL_URL", format!("{}/v1", mock.url()));
    work.env("LONGHAUL_DATA", world.path().join("work")).env("LONGHAUL_LOG", "info");
    let _worker = Process::start(work, world.path(), "work");

    let shown = world.run(&["policy", "--ask", "execute_sql rows_read>2 within 2h"]).await.ok();
    assert!(shown.stdout.contains("execute_sql rows_read>2 within 2h"), "{}", shown.stdout);
    let bad = world.run(&["policy", "--ask", "execute_sql rows_read"]).await;
    assert_eq!(bad.code, Some(2), "{bad:?}");

    let args = ["report", "sales.csv", "sales by country", "--model", "mock/m1", "--detach"];
    let task = world.run(&args).await.ok().stdout.trim().to_owned();
    let client = world.client("ann");
    let id: TaskId = task.parse().unwrap();
    let paused = client.wait_until(id, Until::EndedOrPaused, Some(PATIENCE)).await.unwrap();
    let open = paused.open_approval().unwrap_or_else(|| panic!("{paused:#?}")).clone();
    assert_eq!((open.action.as_str(), open.note.as_deref()), ("execute_sql", Some("rows_read is 3, over 2")));
    // The time is counted from when it was decided to ask, which is recorded a moment later.
    let open_for = open.expires_at.since(open.requested_at);
    assert!((Millis::minutes(119)..=Millis::minutes(120)).contains(&open_for), "{open_for:?}");
    let got = world.run(&["get", &task]).await.ok().stdout;
    assert!(got.contains("rows_read is 3, over 2") && got.contains("GROUP BY 1 ORDER BY 2 DESC"), "{got}");

    // What does not fit the tool is refused, and the question stays open.
    for given in ["{\"sql\": \"SELECT 1\"}", "{\"sql\": 1, \"purpose\": \"x\"}"] {
        let refused = world.run(&["approve", &task, "--arguments", given]).await;
        assert_eq!(refused.code, Some(6), "{refused:?}");
        assert!(refused.stderr.contains("do not fit"), "{refused:?}");
    }
    let narrower = "sql=SELECT country, sum(total) AS sales FROM sales WHERE country <> 'USA' GROUP BY 1";
    world.run(&["approve", &task, "--set", narrower]).await.ok();
    world.run(&["wait", &task]).await.ok();
    assert_eq!(mock.unprepared().await, Vec::<serde_json::Value>::new());
    world.run(&["download", &task, "-o", "out.pdf"]).await.ok();
    let text = pages(world.path(), "out.pdf");
    assert!(text.contains("303.96") && text.contains("<> 'USA'") && !text.contains("623.06"), "{text}");
    let told = &mock.journal().await[1]["body"]["messages"];
    assert!(told.to_string().contains("a person changed the arguments"), "{told:#}");

    let shown = world.run(&["policy", "--no-ask", "execute_sql"]).await.ok();
    assert!(!shown.stdout.contains("approves"), "{}", shown.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_nobody_set_up_is_named_and_the_analyst_is_there_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("sales.csv"), SALES).unwrap();
    let args = ["report", "sales.csv", "sales by country", "--model", "nobody/knows", "-o", "x.pdf"];
    let out = run(longhaul(home.path(), &args)).await;
    assert_eq!(out.code, Some(1), "{out:?}");
    let told = format!("{}{}", out.stdout, out.stderr);
    assert!(told.contains("unknown_model") && told.contains("nobody"), "{told}");
    let args = ["report", "sales.csv", "sales by country", "--model", "built-in", "-o", "x.pdf"];
    run(longhaul(home.path(), &args)).await.ok();
    assert!(home.path().join("x.pdf").is_file());
}
