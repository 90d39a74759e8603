//! Calls that a person must approve first: what the policy names, and nothing else.

use longhaul_core::{Decision, Limits, Millis, Policy, Snapshot, Status, TaskId, Threshold, ToolRule};
use longhaul_model::{Scripted, Turn};
use serde_json::{Value, json};

use crate::renderer::script;
use crate::stage::{BY_COUNTRY, Stage, answers, input, report, says, sql, steps};

fn rule(tool: &str, over: Option<(&str, u64)>) -> ToolRule {
    let over = over.map(|(figure, over)| Threshold { figure: figure.to_owned(), over });
    ToolRule { tool: tool.to_owned(), over, expires: ToolRule::DAY }
}

async fn staged(turns: impl IntoIterator<Item = Turn>, tools: Vec<ToolRule>) -> Stage {
    let stage = Stage::new(turns);
    stage.policy(Policy { tools, ..Policy::default() }).await;
    stage
}

async fn asked(stage: &Stage, task: TaskId, times: usize) -> Snapshot {
    stage.until(task, |s, _| s.status == Status::Paused && s.approvals.len() == times).await
}

fn last(model: &Scripted) -> (String, Value) {
    answers(model).pop().unwrap()
}

const LINES: &str = "SELECT count(*) AS n FROM InvoiceLine";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_is_what_runs() {
    // 412 invoices are within the bound, 2,240 lines are not.
    let turns = [says("", &[sql(BY_COUNTRY), sql(LINES)]), says("", &[report()])];
    let stage = staged(turns, vec![rule("execute_sql", Some(("rows_read", 1_000)))]).await;
    let task = stage.submit(input(), Limits::default()).await;
    let paused = asked(&stage, task, 1).await;
    let open = paused.open_approval().unwrap();
    assert_eq!((open.action.as_str(), &open.arguments), ("execute_sql", &sql(LINES).1));
    assert_eq!(open.note.as_deref(), Some("rows_read is 2,240, over 1,000"));
    assert_eq!(open.schema.as_ref().unwrap()["required"], json!(["sql", "purpose"]));
    assert_eq!((paused.usage.queries, stage.model.asked().len()), (1, 1), "it waits before it is paid for");
    stage.client.approve(task).await.unwrap();
    let ended = stage.end(task).await;
    assert_eq!((ended.status, ended.usage.queries), (Status::Completed, 2), "{ended:#?}");
    assert_eq!(last(&stage.model).1["rows"], json!([[2240]]));
    let expected = [
        "opening",
        "model 1",
        "policy on execute_sql 1",
        "execute_sql 1",
        "policy on execute_sql 2",
        "decision on execute_sql 2",
        "execute_sql 2",
        "model 2",
        "drafting",
        "rendering",
    ];
    assert_eq!(steps(&ended), expected);
    assert_eq!(ended.usage.model_calls, 2, "nothing is asked twice for the pause");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_runs_instead_and_the_model_is_told() {
    let turns = [
        says("", &[sql(BY_COUNTRY)]),
        // The same again is not asked about again.
        says("", &[sql(BY_COUNTRY)]),
        says("", &[report()]),
    ];
    let stage = staged(turns, vec![rule("execute_sql", None)]).await;
    let task = stage.submit(input(), Limits::default()).await;
    asked(&stage, task, 1).await;
    // What does not fit is refused before it is recorded.
    for bad in [
        json!({"sql": "SELECT 1"}),
        json!({"sql": 7, "purpose": "x"}),
        json!({"sql": "x", "purpose": "y", "z": 1}),
    ] {
        let refused = stage.client.modify(task, bad).await.unwrap_err().to_string();
        assert!(refused.contains("do not fit"), "{refused}");
    }
    let narrower = BY_COUNTRY.replace("FROM Invoice", "FROM Invoice WHERE BillingCountry LIKE 'C%'");
    stage.client.modify(task, json!({"sql": narrower, "purpose": "only some"})).await.unwrap();
    let ended = stage.end(task).await;
    assert_eq!(
        (ended.status, ended.usage.queries, ended.approvals.len()),
        (Status::Completed, 1, 1),
        "{ended:#?}"
    );
    let told = answers(&stage.model);
    assert_eq!(told[0].1["rows"][0][0], "Canada");
    assert!(told[0].1["changed"].as_str().unwrap().contains("LIKE 'C%'"), "{told:#?}");
    assert_eq!((&told[1].1["rows"], told[1].1["note"].is_string()), (&told[0].1["rows"], true));
    let (_, file) = stage.client.download(task, None).await.unwrap();
    assert!(file.starts_with(b"%PDF"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_and_silence_are_answers() {
    let other = "SELECT 1 AS n FROM Track";
    let turns = [
        says("", &[sql(LINES)]),
        says("", &[sql(LINES), sql(other)]),
        says("", &[sql(BY_COUNTRY)]),
        says("", &[report()]),
    ];
    let mut rules = vec![rule("execute_sql", Some(("rows_read", 1_000)))];
    rules[0].expires = Millis::seconds(4);
    let stage = staged(turns, rules).await;
    let task = stage.submit(input(), Limits::default()).await;
    asked(&stage, task, 1).await;
    stage.client.reject(task, Some("too much for today")).await.unwrap();
    let ended = stage.end(task).await;
    assert_eq!((ended.status, ended.usage.queries), (Status::Completed, 1), "{ended:#?}");
    let decisions: Vec<_> =
        ended.approvals.iter().map(|asked| asked.decision.as_ref().unwrap().decision.clone()).collect();
    assert_eq!(
        decisions,
        [Decision::Rejected { reason: Some("too much for today".to_owned()) }, Decision::Lapsed]
    );
    let told = answers(&stage.model);
    let error =
        |n: usize| (told[n].1["error"]["code"].as_str(), told[n].1["error"]["message"].as_str().unwrap());
    assert_eq!(error(0).0, Some("rejected"));
    assert!(error(0).1.contains("\"too much for today\""));
    assert_eq!((error(1).0, told[1].1["note"].is_string()), (Some("rejected"), true), "asked once");
    assert_eq!(error(2).0, Some("not_approved"));
    assert_eq!(told[3].1["rows"][0], json!(["USA", 523.06]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_bothered_with_what_would_be_refused_anyway() {
    let turns =
        [says("", &[sql("DROP TABLE Track"), sql("SELECT nope FROM Track")]), says("", &[sql(BY_COUNTRY)])];
    let turns = turns.into_iter().chain([says("", &[report()])]);
    let stage =
        staged(turns, vec![rule("execute_sql", Some(("rows_read", 1_000))), rule("elsewhere", None)]).await;
    let (_, ended) = stage.run(input(), Limits::default()).await;
    assert_eq!((ended.status, ended.approvals.len()), (Status::Completed, 0), "{ended:#?}");
    let told = answers(&stage.model);
    assert_eq!(
        (&told[0].1["error"]["code"], &told[1].1["error"]["code"]),
        (&json!("refused"), &json!("invalid"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_can_be_approved_too() {
    let turns = [says("", &[sql(BY_COUNTRY)]), says("", &[report()]), says("", &[report()])];
    let stage = staged(turns, vec![rule("write_report", Some(("sections", 0)))]).await;
    let task = stage.submit(input(), Limits::default()).await;
    let open = asked(&stage, task, 1).await.open_approval().unwrap().clone();
    assert_eq!((open.action.as_str(), open.note.as_deref()), ("write_report", Some("sections is 1, over 0")));
    let mut changed = open.arguments.clone();
    changed["title"] = "Another title".into();
    stage.client.modify(task, changed).await.unwrap();
    assert_eq!(stage.end(task).await.status, Status::Completed);
    assert_eq!(stage.output(task).await.title, "Another title");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_analyst_asks_too() {
    let stage = staged([], vec![rule("execute_sql", Some(("query", 1)))]).await;
    let mut request = input();
    request.as_object_mut().unwrap().remove("model");
    request["prompt"] = "sales by country and by month".into();
    let task = stage.submit(request, Limits::default()).await;
    let open = asked(&stage, task, 1).await.open_approval().unwrap().clone();
    assert_eq!(open.note.as_deref(), Some("query is 2, over 1"));
    let other = json!({"sql": "SELECT 1", "purpose": "x"});
    assert!(stage.client.modify(task, other).await.is_err(), "what it writes is planned with its queries");
    stage.client.reject(task, None).await.unwrap();
    let ended = loop {
        let now = stage.until_ended_or(task, |s| s.status == Status::Paused).await;
        if now.status.is_terminal() {
            break now;
        }
        stage.client.approve(task).await.unwrap();
    };
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    assert!(!steps(&ended).contains(&"query 2") && steps(&ended).contains(&"query 1"));
}

/// At every moment between a call that is asked about and its answer, the executor is killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_point_asks_nobody_twice() {
    let folder = tempfile::tempdir().unwrap();
    let hung = folder.path().join("hung");
    let renderer = script(&format!(
        "test -e {0} || {{ touch {0}; exec sleep 600; }}; cat > /dev/null; printf '%%PDF-1.7 a document'",
        hung.display()
    ));
    // Long enough to be killed in.
    let slow = |steps: u32| {
        format!(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {steps}) \
             SELECT BillingCountry AS country, sum(Total) AS sales, (SELECT max(x) FROM n) AS x FROM Invoice GROUP BY 1"
        )
    };
    let turns = [
        says("", &[sql(&slow(900_000)), sql(&slow(900_001))]),
        Turn::Hang("well ".to_owned()),
        says("", &[report()]),
    ];
    let mut stage = Stage::with(turns, renderer, |_| {});
    stage.policy(Policy { tools: vec![rule("execute_sql", None)], ..Policy::default() }).await;
    let task = stage.submit(input(), Limits::default()).await;
    for n in 1..=2 {
        asked(&stage, task, n).await;
        stage.crash().await;
        stage.client.approve(task).await.unwrap();
        stage
            .until(task, move |s, _| {
                s.steps.iter().any(|step| step.name == format!("decision on execute_sql {n}"))
            })
            .await;
        stage.crash().await;
        if n == 1 {
            // A rule that is gone or new changes nothing about what lies behind.
            stage
                .policy(Policy {
                    tools: vec![rule("get_schema", None), rule("execute_sql", None)],
                    ..Policy::default()
                })
                .await;
        }
    }
    stage.until(task, |_, model| model.left() == 1).await;
    stage.crash().await;
    stage.until(task, |_, _| hung.exists()).await;
    stage.policy(Policy { tools: vec![rule("write_report", None)], ..Policy::default() }).await;
    stage.crash().await;
    let ended = stage.end(task).await;
    assert_eq!((ended.status, ended.approvals.len()), (Status::Completed, 2), "{ended:#?}");
    assert_eq!((ended.usage.queries, stage.model.asked().len()), (2, 3));
    let mut names = steps(&ended);
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "each step once");
    let asked = stage.model.asked();
    assert_eq!(asked[1].dialog, asked[2].dialog);
}
