//! Long reports: written section by section, and by models that cannot read everything at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use longhaul_agent::Models;
use longhaul_core::{Limits, Millis, Snapshot, Status};
use longhaul_model::{Ask, Class, Error, Facts, Heard, Model, Reply, Said, Scripted, Turn};
use serde_json::{Value, json};

use crate::renderer::script;
use crate::stage::{BY_COUNTRY, SETS, Stage, answers, input, report, says, sql, steps};

fn section(heading: &str, query: usize) -> (&'static str, Value) {
    let parts = json!([{"kind": "table", "query": query, "caption": heading, "top": 3}]);
    ("write_section", json!({"heading": heading, "parts": parts}))
}

fn ending(sections: &Value) -> (&'static str, Value) {
    let summary = json!([{"kind": "paragraph", "text": "The USA leads."}]);
    ("write_report", json!({"title": "All of it", "summary": summary, "sections": sections}))
}

fn markdown() -> Value {
    let mut input = input();
    input["formats"] = json!(["markdown"]);
    input
}

fn headings(document: &Value) -> Vec<&str> {
    let sections = document["sections"].as_array().unwrap();
    sections.iter().map(|section| section["heading"].as_str().unwrap()).collect()
}

const MEDIA: &str = "SELECT m.Name AS medium, count(*) AS tracks FROM Track JOIN MediaType m USING (MediaTypeId) \
                     GROUP BY 1 ORDER BY 2 DESC";

#[tokio::test(flavor = "multi_thread")]
async fn sections_are_kept_as_they_are_written() {
    let turns = [
        says("", &[sql(BY_COUNTRY)]),
        says("", &[section("Countries", 1), section("Media", 2)]),
        Turn::Hang("Now the media ".to_owned()),
        says("", &[sql(MEDIA)]),
        says("", &[section("Media", 2), section("Countries", 1)]),
        says("", &[ending(&json!([{"heading": "Outlook", "parts": [{"kind": "note", "text": "None."}]}]))]),
    ];
    let mut stage = Stage::new(turns);
    let task = stage.submit(markdown(), Limits::default()).await;
    stage.until(task, |_, model| model.left() == 3).await;
    let draft = stage.draft(task).await;
    assert_eq!(headings(&draft), ["Countries", "a purpose"], "what there is, and the rows");
    assert!(draft["title"].as_str().unwrap().starts_with("Draft: ") && draft.to_string().contains("523.06"));
    stage.crash().await;
    let ended = stage.end(task).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    let written = steps(&ended).into_iter().filter(|name| name.starts_with("write_section")).count();
    assert_eq!(written, 3, "what did not fit was not written");
    let told = answers(&stage.model);
    assert_eq!(told[2].1["error"]["code"], "draft_unusable");
    assert!(told[2].1["error"]["faults"][0]["problem"].as_str().unwrap().contains("no query 2"), "{told:#?}");
    assert_eq!(told[5].1["written"], json!(["Countries", "Media"]));
    let (_, file) = stage.client.download(task, Some("all-of-it.md")).await.unwrap();
    let document: Value = serde_json::from_slice(&file[2..]).unwrap();
    assert_eq!(headings(&document), ["Countries", "Media", "Outlook", "About the figures"]);
    // Whoever does not ask for the draft is not given it.
    let (artifact, _) = stage.client.download(task, None).await.unwrap();
    assert_eq!(artifact.name, "all-of-it.md");
}

const TRACKS: &str = "SELECT Name AS name, Milliseconds AS length FROM Track ORDER BY TrackId";
/// What a question may grow by before it must be condensed, in tokens: one long answer, not two.
const ROOM: u64 = 1_000;

/// A script that comes to everything: queries, sections, a summary, the report.
fn everything() -> Vec<Turn> {
    vec![
        says("I look.", &[("get_schema", json!({})), sql(BY_COUNTRY)]),
        says("", &[section("Countries", 1), sql(TRACKS)]),
        says("The USA leads with 523.06 in query 1.", &[]),
        says("", &[section("Tracks", 2), ("read_skill", json!({"name": "breakdown"}))]),
        says("", &[ending(&json!([]))]),
    ]
}

/// How much the first question is, in tokens.
async fn first_question() -> u64 {
    let stage = Stage::new([says("", &[report()])]);
    let _ = stage.run(input(), Limits::default()).await;
    stage.model.asked()[0].tokens()
}

/// A model that must condense before its third turn.
async fn forgetful() -> Scripted {
    let first = first_question().await;
    Scripted::new(everything()).with_context((first + ROOM) * 10 / 7)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_too_long_is_condensed_and_the_rows_stay() {
    let stage = Stage::of(forgetful().await, script(SETS), |_| {});
    let (task, ended) = stage.run(markdown(), Limits::default()).await;
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    let expected = [
        "opening",
        "model 1",
        "get_schema 1",
        "execute_sql 1",
        "model 2",
        "write_section 1",
        "execute_sql 2",
        "summary 3",
        "model 3",
        "write_section 2",
        "read_skill 1",
        "model 4",
        "drafting",
        "rendering",
    ];
    assert_eq!(steps(&ended), expected);
    assert_eq!((ended.usage.model_calls, ended.usage.input_tokens, ended.usage.exact), (5, 500, true));
    let asked = stage.model.asked();
    let context = (asked[0].tokens() + ROOM) * 10 / 7;
    for ask in &asked {
        assert!(ask.tokens() <= context, "{} of {context}", ask.tokens());
    }
    let [Said::Person { text }] = &asked[3].dialog[..] else { panic!("{:#?}", asked[3].dialog) };
    for told in [
        "sales by country\n",
        "The USA leads with 523.06 in query 1.",
        "- 1: a purpose; columns country, sales; 24 rows",
        "- 2: a purpose; columns name, length; 1000 rows",
        "- Countries",
        "Queries left: 1.",
    ] {
        assert!(text.contains(told), "{told:?} is not in {text}");
    }
    let (_, file) = stage.client.download(task, None).await.unwrap();
    let document: Value = serde_json::from_slice(&file[2..]).unwrap();
    assert_eq!(headings(&document), ["Countries", "Tracks", "About the figures"]);
    assert!(
        document.to_string().contains("523.06") && document.to_string().contains("For Those About To Rock")
    );
}

/// A model that answers the same question the same, however often it is asked.
struct Steady {
    facts: Facts,
    answers: Vec<Reply>,
    /// The questions, each once.
    known: Mutex<Vec<Vec<Said>>>,
    asked: AtomicUsize,
}

impl Model for Steady {
    fn ask(&self, ask: Ask) -> BoxStream<'static, Result<Heard, Error>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut known = self.known.lock().unwrap();
        let at = known.iter().position(|dialog| dialog[..] == ask.dialog[..]).unwrap_or_else(|| {
            known.push(ask.dialog.to_vec());
            known.len() - 1
        });
        let answer =
            self.answers.get(at).cloned().ok_or_else(|| Error::new(Class::BadRequest, "a turn is missing"));
        stream::iter([answer.map(|reply| Heard::Reply(Box::new(reply)))]).boxed()
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }
}

fn steady(context: u64) -> (Arc<Steady>, Stage) {
    let answers = everything().into_iter().map(|turn| match turn {
        Turn::Reply(reply) => reply,
        other => panic!("{other:?}"),
    });
    let facts = Facts {
        provider: "scripted".to_owned(),
        model: "script".to_owned(),
        context: Some(context),
        rates: longhaul_model::Rates::default(),
    };
    let model =
        Steady { facts, answers: answers.collect(), known: Mutex::default(), asked: AtomicUsize::new(0) };
    let model = Arc::new(model);
    let asked: Arc<dyn Model> = Arc::clone(&model) as _;
    let stage =
        Stage::with([], script(SETS), |agent| agent.models = Models::by(move |_| Ok(Arc::clone(&asked))));
    (model, stage)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_every_step_and_slices_of_one_change_nothing() {
    let context = (first_question().await + ROOM) * 10 / 7;
    let (calm, undisturbed) = steady(context);
    let (_, expected) = undisturbed.run(markdown(), Limits::default()).await;
    let (model, mut stage) = steady(context);
    let task = stage.submit(markdown(), Limits { slice: Millis(1), ..Limits::default() }).await;
    let (mut recorded, mut crashes) = (0, 0);
    let count = |s: &Snapshot| s.steps.iter().filter(|step| step.result.is_some()).count();
    let ended = loop {
        let now = stage.until_ended_or(task, |s| count(s) > recorded).await;
        if now.status.is_terminal() {
            break now;
        }
        recorded = count(&now);
        stage.crash().await;
        crashes += 1;
    };
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    assert!(crashes >= 10, "{crashes} crashes");
    assert_eq!(steps(&ended), steps(&expected));
    assert_eq!(*model.known.lock().unwrap(), *calm.known.lock().unwrap(), "one dialog");
    let (asked, once) = (model.asked.load(Ordering::SeqCst), calm.asked.load(Ordering::SeqCst));
    assert!(asked <= once + crashes, "{asked} times, {crashes} crashes");
    // What a crash swallowed is counted, and nothing is counted that was not asked.
    let (usage, least) = (ended.usage, expected.usage);
    assert_eq!(usage.queries, least.queries);
    assert!(
        usage.input_tokens >= least.input_tokens && usage.output_tokens >= least.output_tokens,
        "{usage:?}"
    );
    assert!(usage.model_calls as usize >= once && usage.model_calls as usize <= once + crashes, "{usage:?}");
}
