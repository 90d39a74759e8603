//! Turns of conversations, over the in-memory log: with and without a model.

use longhaul_agent::memory::Memory;
use longhaul_agent::path::{By, Choice, Path, Reason, choose};
use longhaul_agent::{Answered, CHAT, ChatInput};
use longhaul_core::{Limits, Policy, Snapshot, Status, ToolRule};
use longhaul_model::{Said, Turn};
use serde_json::{Value, json};

use crate::stage::{BY_COUNTRY, Stage, failed, input, report, says, sql, steps};

/// A turn over what a conversation remembers.
fn turn(message: &str, memory: &Memory, model: Option<&str>) -> ChatInput {
    ChatInput {
        message: message.to_owned(),
        data: None,
        choice: choose(message, &memory.at_hand(), None),
        memory: memory.clone(),
        model: model.map(str::to_owned),
        formats: Vec::new(),
    }
}

fn told(path: Path) -> Choice {
    Choice { path, reason: Reason::ToldSo, by: By::Person }
}

fn budget() -> Limits {
    Limits { queries: Some(3), ..Limits::default() }
}

async fn say(stage: &Stage, turn: &ChatInput) -> (Answered, Snapshot) {
    let task = stage.submit_as(CHAT, serde_json::to_value(turn).unwrap(), budget()).await;
    let ended = stage.end(task).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    let answered: Answered = serde_json::from_value(stage.client.output(task).await.unwrap()).unwrap();
    assert_eq!(
        stage.client.text(task).await.unwrap().trim(),
        answered.text,
        "what is streamed is the answer"
    );
    (answered, ended)
}

/// What a conversation knows after one report, by the built-in analyst or a model.
async fn reported(stage: &Stage, input: Value) -> Memory {
    let (task, ended) = stage.run(input, Limits::default()).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    stage.output(task).await.memory
}

fn built_in() -> Value {
    json!({"data": "sample:chinook", "prompt": "sales by country"})
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_what_is_at_hand_is_exported_summarised_and_asked() {
    let stage = Stage::new([]);
    let memory = reported(&stage, built_in()).await;
    let document = memory.document.clone().unwrap();
    assert!(!memory.answers.is_empty() && memory.turns[0].asked == "sales by country");

    let (answer, ended) = say(&stage, &turn("export this as markdown", &memory, None)).await;
    assert_eq!(steps(&ended), ["answering", "setting"]);
    assert_eq!((ended.usage.queries, ended.usage.model_calls), (0, 0));
    assert_eq!(answer.choice.reason.name(), "exports");
    assert!(answer.artifacts[0].ends_with(".md") && answer.text.contains(&answer.artifacts[0]), "{answer:?}");
    let (_, file) = stage.client.download(ended.task, Some(&answer.artifacts[0])).await.unwrap();
    let set: Value = serde_json::from_slice(&file[2..]).unwrap();
    assert_eq!(set, serde_json::to_value(&document).unwrap(), "it is the document, nothing else");

    let (answer, ended) = say(&stage, &turn("summarise what we found", &memory, None)).await;
    assert!(answer.text.starts_with(&document.title) && answer.text.contains("\n- "), "{answer:?}");
    assert!(ended.artifacts.is_empty());

    let (answer, _) = say(&stage, &turn("make this a one-pager", &memory, None)).await;
    let one = answer.memory.document.clone().unwrap();
    assert_eq!((&one.title, one.sections.len()), (&document.title, 1));
    let after = memory.clone().merge(answer.memory);
    assert_eq!(after.document.unwrap().sections.len(), 1, "what is said next is about the one-pager");

    let asked = turn("what were sales in Canada?", &memory, None);
    assert_eq!(asked.choice.reason.name(), "asks_of_what_is_known");
    let (answer, ended) = say(&stage, &asked).await;
    assert_eq!(ended.usage.queries, 1, "{ended:#?}");
    assert!(answer.text.contains("303.96"), "{answer:?}");
    assert_eq!(answer.memory.answers.len(), 1);
    assert_eq!(answer.memory.turns[0].answered, answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_said() {
    let stage = Stage::new([]);
    let nothing = Memory::default();
    for (message, said) in [
        ("hi", "I am the built-in analyst"),
        ("export this as a PDF", "nothing in this conversation yet"),
        ("thanks!", "You are welcome"),
    ] {
        let (answer, ended) = say(&stage, &turn(message, &nothing, None)).await;
        assert!(answer.text.contains(said), "{message}: {answer:?}");
        assert_eq!(steps(&ended), ["answering"]);
    }
    let fast = ChatInput { choice: told(Path::Fast), ..turn("sales by country", &nothing, None) };
    let (answer, _) = say(&stage, &fast).await;
    assert!(answer.text.contains("No data is known"), "{answer:?}");
    assert_eq!(answer.choice.by, By::Person);
    let memory = reported(&stage, built_in()).await;
    let (answer, _) = say(&stage, &turn("translate it to German", &memory, None)).await;
    assert!(answer.text.contains("name a model"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_answers_in_one_call_out_of_what_is_at_hand() {
    let stage = Stage::new([
        says("", &[sql(BY_COUNTRY)]),
        says("", &[report()]),
        says("Canada bought for 303.96.", &[]),
        says("", &[("start_task", json!({"title": "Japan", "request": "sales in Japan by year"}))]),
    ]);
    let memory = reported(&stage, input()).await;
    let (answer, ended) = say(&stage, &turn("what were sales in Canada?", &memory, Some("scripted"))).await;
    assert_eq!((answer.text.as_str(), steps(&ended)), ("Canada bought for 303.96.", vec!["model 1"]));
    let usage = ended.usage;
    assert_eq!((usage.model_calls, usage.queries, usage.input_tokens, usage.exact), (1, 0, 100, true));
    let asked = stage.model.asked().pop().unwrap();
    let Some(Said::Person { text }) = asked.dialog.last() else { panic!("{asked:?}") };
    assert!(text.starts_with("what were sales in Canada?") && text.contains(r#"["USA",523.06]"#), "{text}");
    assert_eq!(asked.dialog.len(), 3, "what was said before comes before");
    let tools: Vec<&str> = asked.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["start_task", "write_report"]);

    // It finds that what is at hand does not do: that is data, and whoever asked is to submit the task.
    let (answer, _) = say(&stage, &turn("and those of Canada?", &memory, Some("scripted"))).await;
    let start = answer.start.unwrap();
    assert_eq!((start.title.as_str(), start.request.as_str()), ("Japan", "sales in Japan by year"));
    assert_eq!(answer.choice, Choice { path: Path::Slow, reason: Reason::ModelNeedsData, by: By::Model });

    // An export needs no model.
    let (answer, ended) = say(&stage, &turn("export this", &memory, Some("scripted"))).await;
    assert_eq!(
        (ended.usage.model_calls, answer.artifacts.as_slice()),
        (0, &["sales-by-country.pdf".to_owned()][..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_does_not_fit_is_handed_in_once_more() {
    let wrong = json!({"title": "x", "summary": [], "sections": [
        {"heading": "y", "parts": [{"kind": "table", "query": 7, "caption": "z"}]}
    ]});
    let stage = Stage::new([
        says("", &[sql(BY_COUNTRY)]),
        says("", &[report()]),
        says("", &[("write_report", wrong.clone())]),
        says("Here.", &[report()]),
        says("", &[("write_report", wrong.clone())]),
        says("", &[("write_report", wrong)]),
    ]);
    let memory = reported(&stage, input()).await;
    let fast = |message| ChatInput { choice: told(Path::Fast), ..turn(message, &memory, Some("scripted")) };
    let (answer, ended) = say(&stage, &fast("a leaflet of it for the board")).await;
    assert_eq!((steps(&ended), ended.usage.model_calls), (vec!["model 1", "model 2", "setting"], 2));
    assert_eq!(answer.text, "Here.\nIt is in sales-by-country.pdf.");
    let figures = serde_json::to_string(&answer.memory.document).unwrap();
    assert!(figures.contains("523.06"), "figures are those of the rows: {figures}");
    let asked = stage.model.asked();
    let told = serde_json::to_string(&asked[3].dialog).unwrap();
    assert!(told.contains("draft_unusable") && told.contains("query 7"), "{told}");
    assert!(!asked[2].tools.iter().any(|tool| tool.name == "start_task"), "the person said: at once");

    let again = serde_json::to_value(fast("another")).unwrap();
    let task = stage.submit_as(CHAT, again, budget()).await;
    let ended = stage.end(task).await;
    assert_eq!(failed(&ended).0, "draft_unusable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_survives_a_crash_and_stops_at_once() {
    let hang = || Turn::Hang("thinking of it ".to_owned());
    let mut stage = Stage::new([hang(), says("Well.", &[]), hang()]);
    let asks = serde_json::to_value(turn("hello", &Memory::default(), Some("scripted"))).unwrap();
    let task = stage.submit_as(CHAT, asks.clone(), budget()).await;
    stage.until(task, |_, model| model.left() == 2).await;
    stage.crash().await;
    let ended = stage.end(task).await;
    assert_eq!((ended.status, ended.usage.model_calls, ended.usage.exact), (Status::Completed, 2, false));
    assert_eq!(stage.client.text(task).await.unwrap(), "Well.\n");

    let task = stage.submit_as(CHAT, asks, budget()).await;
    stage.until(task, |_, model| model.left() == 0).await;
    stage.client.abort(task, None).await.unwrap();
    let ended = stage.end(task).await;
    assert_eq!((ended.status, ended.usage.model_calls), (Status::Aborted, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_cannot_be_paid_for_is_not_asked() {
    let stage = Stage::new([]);
    let asks = serde_json::to_value(turn("hello", &Memory::default(), Some("scripted"))).unwrap();
    let task = stage.submit_as(CHAT, asks, Limits { tokens: Some(10), ..budget() }).await;
    assert_eq!(failed(&stage.end(task).await).0, "token_budget_spent");
    let long = serde_json::to_value(turn(&"x".repeat(20_000), &Memory::default(), None)).unwrap();
    let task = stage.submit_as(CHAT, long, budget()).await;
    assert_eq!(failed(&stage.end(task).await).0, "bad_request");
    assert!(stage.model.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_about_what_the_policy_names_in_a_turn_too() {
    let stage = Stage::new([
        says("", &[sql(BY_COUNTRY)]),
        says("", &[report()]),
        says("", &[report()]),
        says("Then in words: the USA leads.", &[]),
        says("", &[report()]),
    ]);
    let memory = reported(&stage, input()).await;
    let rule = ToolRule { tool: "write_report".to_owned(), over: None, expires: ToolRule::DAY };
    stage.policy(Policy { tools: vec![rule], ..Policy::default() }).await;
    let fast = ChatInput { choice: told(Path::Fast), ..turn("a leaflet of it", &memory, Some("scripted")) };
    let asked = async || {
        let task = stage.submit_as(CHAT, serde_json::to_value(&fast).unwrap(), budget()).await;
        let paused = stage.until(task, |snapshot, _| snapshot.status == Status::Paused).await;
        let open = paused.open_approval().unwrap();
        assert_eq!((open.action.as_str(), &open.arguments), ("write_report", &report().1));
        task
    };
    // No: the model is told, and nothing is written.
    let task = asked().await;
    stage.client.reject(task, Some("no leaflets")).await.unwrap();
    let ended = stage.end(task).await;
    assert_eq!((ended.status, ended.artifacts.len()), (Status::Completed, 0), "{ended:#?}");
    let told = serde_json::to_string(&stage.model.asked().last().unwrap().dialog).unwrap();
    assert!(told.contains("no leaflets"), "{told}");

    // Other arguments: the document is made of them, and the model is not asked again.
    let task = asked().await;
    let mut other = report().1;
    other["title"] = json!("A leaflet");
    stage.client.modify(task, other).await.unwrap();
    let ended = stage.end(task).await;
    assert_eq!((ended.status, ended.usage.model_calls), (Status::Completed, 1), "{ended:#?}");
    assert_eq!(ended.artifacts[0].name, "a-leaflet.pdf");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_asked_for_with_what_was_said_before() {
    let stage = Stage::new([says("", &[sql(BY_COUNTRY)]), says("", &[report()])]);
    let mut asks = input();
    asks["said"] = json!([{"asked": "who buys most?", "answered": "The USA."}]);
    let (_, ended) = stage.run(asks, Limits::default()).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    let asked = stage.model.asked();
    let Some(Said::Person { text }) = asked[0].dialog.first() else { panic!("{asked:?}") };
    assert!(text.starts_with("sales by country\n") && text.contains("The USA."), "{text}");
}
