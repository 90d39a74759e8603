//! A report that a language model writes, from the command line to the pages: the real program, and a
//! server that answers as a provider does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::process::Command;

use longhaul_tests::model::{Mock, fixtures};
use longhaul_tests::process::{longhaul, run};
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
    let text = Command::new("pdftotext").args(["-layout", "out.pdf", "-"]).current_dir(home.path()).output();
    let text = text.expect("pdftotext is missing: apt-get install poppler-utils");
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
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
