//! Conversations over a pipe: the real program, with a server that answers as a provider does, and without
//! any model.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::path::Path;
use std::process::Command;

use longhaul_tests::model::{Fault, Mock, Relay, fixtures};
use longhaul_tests::process::{Process, longhaul, run};
use longhaul_tests::talk::Talk;
use serde_json::{Value, json};

const SALES: &str = "day,country,total\n2026-01-03,USA,523.06\n2026-01-04,Canada,303.96\n\
                     2026-01-09,Canada,10.00\n2026-02-01,USA,100.00\n";

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("sales.csv"), SALES).unwrap();
    home
}

/// A report about sales by country, as a model hands it in.
fn report(to: &str) -> [Value; 2] {
    let sql = "SELECT country, round(sum(total), 2) AS sales FROM sales GROUP BY 1 ORDER BY 2 DESC";
    let parts = json!([{"kind": "table", "query": 1, "caption": "Sales by country"}]);
    let report = json!({
        "title": "Where sales come from",
        "summary": [{"kind": "paragraph", "text": "The USA buys most."}],
        "sections": [{"heading": "Countries", "parts": parts}]
    });
    let asks = [("c1", "execute_sql", json!({"sql": sql, "purpose": "sales of each country"}))];
    [
        fixtures::calls(to, 0, "I look.", &asks),
        fixtures::calls(to, 1, "I write.", &[("c2", "write_report", report)]),
    ]
}

fn with_model(home: &Path, url: &str, args: &[&str]) -> Command {
    let mut command = longhaul(home, args);
    command.env("LONGHAUL_MODEL", "mock/m1");
    command.env("LONGHAUL_MODEL_URL", format!("{url}/v1"));
    command.env("LONGHAUL_MODEL_KEY", "sk-nobody-may-read-this-0123456789");
    command
}

async fn json_of(home: &Path, args: &[&str]) -> Value {
    run(longhaul(home, args)).await.ok().json()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_reports_are_made_and_what_they_found_is_at_hand() {
    let home = home();
    let mut talk = Talk::start(longhaul(home.path(), &["chat", "sales.csv", "-o", "ndjson"]));
    let conversation = talk.hear("open").await["conversation"].as_str().unwrap().to_owned();
    let answer = talk.ask("hello", "answer").await;
    assert_eq!((&answer["path"], &answer["reason"]), (&json!("fast"), &json!("talk")));
    let started = talk.ask("total by country", "started").await;
    assert_eq!((&started["path"], &started["reason"]), (&json!("slow"), &json!("needs_analysis")));
    talk.say("/wait");
    let ended = talk.hear("ended").await;
    assert_eq!((&ended["status"], &ended["task"]), (&json!("completed"), &started["task"]));
    assert!(ended["summary"].to_string().contains("USA"), "{ended}");

    let answer = talk.ask("export this as markdown", "answer").await;
    let file = answer["files"][0].as_str().unwrap();
    assert!(file.ends_with(".md") && answer["reason"] == "exports", "{answer}");
    talk.ask("/save out.md", "note").await;
    let written = std::fs::read_to_string(home.path().join("out.md")).unwrap();
    // 523.06 + 100.00 and 303.96 + 10.00
    assert!(written.contains("623.06") && written.contains("313.96"), "{written}");
    let answer = talk.ask("what was the total in Canada?", "answer").await;
    assert!(answer["text"].as_str().unwrap().contains("313.96"), "{answer}");
    assert_eq!(talk.ask("/dance", "refused").await["code"], "bad_command");
    let out = talk.end().await;
    assert_eq!(out.code, Some(6), "something was refused: {out:?}");

    // The way and the reason are kept with the task, which is one like any other.
    let task = answer["task"].as_str().unwrap();
    let kept = json_of(home.path(), &["get", task, "-o", "json"]).await;
    let labels = json!({"path": "fast", "reason": "asks_of_what_is_known"});
    assert_eq!((&kept["kind"], &kept["labels"]), (&json!("chat"), &labels));
    assert_eq!((&kept["conversation"], &kept["usage"]["queries"]), (&json!(conversation), &json!(1)));
    assert_eq!((&kept["lane"], &kept["output"]["choice"]["by"]), (&json!("foreground"), &json!("rules")));

    // Another terminal goes on with it.
    let mut talk =
        Talk::start(longhaul(home.path(), &["chat", "--conversation", &conversation, "-o", "ndjson"]));
    assert_eq!(talk.hear("open").await["turns"], 4);
    let answer = talk.ask("make this a one-pager", "answer").await;
    assert_eq!((&answer["reason"], answer["files"].as_array().unwrap().len()), (&json!("reshapes"), 1));
    assert_eq!(talk.end().await.ok().code, Some(0));
    run(longhaul(home.path(), &["doctor"])).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_words_an_answer_is_all_that_is_on_stdout() {
    let home = home();
    let mut command = longhaul(home.path(), &["chat"]);
    command.stdin(std::process::Stdio::piped());
    let script = home.path().join("script");
    // What is no text is a line like any other: what comes after it is heard.
    std::fs::write(&script, b"sales by country\n\xff\xfe bad\r\nexport this as a PDF\n").unwrap();
    command.stdin(std::fs::File::open(&script).unwrap());
    let out = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(6), "{stdout}{stderr}");
    assert!(stdout.starts_with("not done: it needs figures"), "{stdout}");
    assert!(stdout.contains("There is nothing in this conversation yet"), "{stdout}");
    assert!(stderr.contains("fast: it points back, and nothing is at hand yet"), "{stderr}");

    for (args, code, told) in [
        (&["chat", "-o", "json"][..], 2, "ndjson"),
        (&["chat", "nowhere.csv"], 2, "there is no nowhere.csv"),
        (&["chat", "--path", "middle"], 2, "fast"),
        (&["chat", "--conversation", "not an id"], 2, "use only"),
        (&["chat", "--continues", "01890a5d-ac96-774b-bcce-b302099a8057"], 5, "no task"),
    ] {
        let out = run(longhaul(home.path(), args)).await;
        assert!(out.code == Some(code) && out.stderr.contains(told), "{args:?} {out:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_answers_beside_the_reports_under_way() {
    let [looks, writes] = report("sales by country");
    let [looks_again, writes_again] = report("ranking of the countries");
    let wants = json!({"title": "The ranking", "request": "ranking of the countries, with their shares"});
    // The first that fits is given, and a report is told what was said before it.
    let mock = Mock::start(&[
        looks_again,
        writes_again,
        fixtures::text("thanks a lot", 0, "You are welcome."),
        fixtures::text("which country has the most sales?", 2, "The USA, with 623.06."),
        fixtures::calls(
            "which country has the least sales?",
            3,
            "I need more.",
            &[("c1", "start_task", wants)],
        ),
        looks,
        writes,
    ]);
    let relay = Relay::start(mock.address()).await;
    // The report's first question is never answered.
    relay.then(Fault::StallAfter(0));
    let home = home();
    let mut talk = Talk::start(with_model(home.path(), &relay.url(), &["chat", "sales.csv", "-o", "ndjson"]));
    let report = talk.ask("sales by country", "started").await;
    longhaul_tests::eventually("the report's question", async || (relay.asked().len() == 1).then_some(()))
        .await;

    // Meanwhile somebody is answered, and what belongs to the report is no second one.
    let answer = talk.ask("thanks a lot", "answer").await;
    assert_eq!(answer["text"], "You are welcome.");
    for (message, reason) in [
        ("generate a report about refunds", "asks_for_document"),
        ("export this as a PDF", "nothing_at_hand"),
    ] {
        let joined = talk.ask(message, "joined").await;
        assert_eq!((&joined["task"], &joined["reason"]), (&report["task"], &json!(reason)));
    }

    // What was stopped is not gone on from, with the reason; tried again it is.
    let task = report["task"].as_str().unwrap();
    run(longhaul(home.path(), &["abort", task])).await;
    assert_eq!(talk.hear("ended").await["status"], "aborted");
    let refused = talk.ask("summarise what we found", "refused").await;
    assert_eq!(refused["code"], "not_continuable");
    assert!(refused["why"].as_str().unwrap().contains("is aborted: only a completed task"), "{refused}");
    let again = talk.ask("/retry", "started").await;
    assert_eq!(again["task"], report["task"]);
    let ended = talk.hear("ended").await;
    assert_eq!(
        (&ended["status"], &ended["files"]),
        (&json!("completed"), &json!(["where-sales-come-from.pdf"]))
    );

    // One call, out of the rows; a second finds that it needs a task of its own.
    let answer = talk.ask("which country has the most sales?", "answer").await;
    assert_eq!((&answer["text"], &answer["path"]), (&json!("The USA, with 623.06."), &json!("fast")));
    let kept = json_of(home.path(), &["get", answer["task"].as_str().unwrap(), "-o", "json"]).await;
    assert_eq!((&kept["usage"]["model_calls"], &kept["usage"]["queries"]), (&json!(1), &json!(0)));
    assert_eq!(kept["budget"]["queries"], 3);
    let answer = talk.ask("which country has the least sales?", "answer").await;
    assert_eq!((&answer["path"], &answer["reason"]), (&json!("slow"), &json!("model_needs_data")));
    let started = talk.hear("started").await;
    assert_eq!((&started["title"], &started["reason"]), (&json!("The ranking"), &json!("model_needs_data")));
    let kept = json_of(home.path(), &["get", started["task"].as_str().unwrap(), "-o", "json"]).await;
    assert_eq!(kept["lineage"]["parent"], answer["task"]);
    // At the end of stdin reports are waited for.
    let out = talk.end().await;
    assert_eq!(out.code, Some(6), "{out:?}");
    assert!(out.stdout.contains(r#""status":"completed""#), "{out:?}");
    assert_eq!(mock.unprepared().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_overrules_and_begins_from_a_task_of_before() {
    let home = home();
    run(longhaul(home.path(), &["report", "sales.csv", "sales by country", "-o", "x.pdf"])).await.ok();
    let listed = json_of(home.path(), &["ls", "-o", "json"]).await;
    let task = listed[0]["task"].as_str().unwrap();
    let args =
        ["chat", "sales.csv", "--continues", task, "--path", "fast", "-o", "ndjson", "--format", "markdown"];
    let mut talk = Talk::start(longhaul(home.path(), &args));
    assert_eq!(talk.hear("open").await["turns"], 1);
    let answer = talk.ask("write a report about the total by day", "answer").await;
    assert_eq!((&answer["path"], &answer["reason"]), (&json!("fast"), &json!("told_so")));
    assert!(answer["files"][0].as_str().unwrap().ends_with(".md"), "{answer}");
    let kept = json_of(home.path(), &["get", answer["task"].as_str().unwrap(), "-o", "json"]).await;
    assert_eq!(kept["lineage"]["continues"], task);
    talk.ask("/path slow", "note").await;
    let started = talk.ask("export this as a PDF", "started").await;
    assert_eq!((&started["path"], &started["reason"]), (&json!("slow"), &json!("told_so")));
    talk.say("/wait");
    assert_eq!(talk.hear("ended").await["status"], "completed");
    talk.end().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_names_is_asked_about_in_the_conversation() {
    let home = home();
    let mut talk =
        Talk::start(longhaul(home.path(), &["chat", "sales.csv", "--path", "fast", "-o", "ndjson"]));
    talk.hear("open").await;
    run(longhaul(home.path(), &["policy", "--ask", "execute_sql"])).await.ok();
    let asks = talk.ask("total by country", "asks").await;
    assert_eq!(asks["action"], "execute_sql");
    assert!(asks["arguments"]["sql"].as_str().unwrap().contains("SELECT"), "{asks}");
    let answer = talk.ask("/approve", "answer").await;
    assert_eq!(answer["task"], asks["task"]);
    assert!(answer["text"].as_str().unwrap().contains("USA"), "{answer}");
    // Answers that are written ahead wait for their questions.
    talk.say("total by day");
    let answer = talk.ask("/reject not today", "answer").await;
    assert!(answer["text"].as_str().unwrap().contains("not today"), "{answer}");
    assert_eq!(talk.ask("/approve", "refused").await["code"], "no_question");
    // Several may ask: the last is answered first, and none is forgotten.
    talk.say("/path slow");
    let report = talk.ask("sales by country", "asks").await;
    talk.say("/path fast");
    let turn = talk.ask("total by day", "asks").await;
    assert_ne!(report["task"], turn["task"]);
    assert_eq!(talk.ask("/approve", "answer").await["task"], turn["task"]);
    run(longhaul(home.path(), &["policy", "--no-ask", "execute_sql"])).await.ok();
    let done = talk.ask("/approve", "ended").await;
    assert_eq!((&done["task"], done["status"].as_str()), (&report["task"], Some("completed")), "{done}");
    assert_eq!(talk.end().await.code, Some(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_no_report_however_few_the_places() {
    let home = home();
    let up = longhaul(home.path(), &["up", "--plain", "--places", "1"]);
    let mut up = Process::start(up, home.path(), "up");
    longhaul_tests::eventually("that everything is up", async || up.said().contains("is up").then_some(()))
        .await;
    let slow = ["run", "rehearsal", "--input", "\"slow 600 1000\"", "--detach"];
    let task = run(longhaul(home.path(), &slow)).await.ok().stdout.trim().to_owned();
    longhaul_tests::eventually("that it runs", async || {
        let task = json_of(home.path(), &["get", &task, "-o", "json"]).await;
        (task["status"] == "running").then_some(())
    })
    .await;
    let mut talk = Talk::start(longhaul(home.path(), &["chat", "sales.csv", "-o", "ndjson"]));
    talk.ask("hello", "answer").await;
    let started = talk.ask("total by country", "started").await;
    let answer = talk.ask("thanks", "answer").await;
    assert_eq!(answer["text"], "You are welcome.");
    let report = json_of(home.path(), &["get", started["task"].as_str().unwrap(), "-o", "json"]).await;
    assert_eq!(report["status"], "pending", "the only place for reports is taken");
    drop(talk);
    // Both executors let go in order.
    up.terminate();
    assert_eq!(up.ended().await, Some(0), "{}", up.said());
}
