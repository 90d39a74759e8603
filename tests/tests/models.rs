//! Models of providers, over real connections: a server that answers as OpenAI, Anthropic and Gemini do,
//! and a relay before it for whatever can go wrong on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures::StreamExt as _;
use longhaul_model::{
    Api, Ask, Class, Error, Heard, Model, ProviderSettings, Providers, RateFigures, Reply, Said, Secret,
    Settings, Stop, Tool, reply,
};
use longhaul_tests::model::{Fault, Mock, Relay, fixtures};
use longhaul_tests::{PATIENCE, eventually};
use serde_json::{Value, json};

const KEY: &str = "sk-nobody-may-read-this-0123456789";

const APIS: [(Api, &str); 3] =
    [(Api::OpenAi, "gpt-m1"), (Api::Anthropic, "claude-m1"), (Api::Gemini, "gemini-m1")];

const LONG: &str = "Sales grew in the north, and in the south they fell; here is what was found, in a text long \
                    enough that it takes many pieces.";

/// The model of a provider at `url`.
fn model(api: Api, name: &str, url: &str, patience: Duration) -> Arc<dyn Model> {
    let base_url = if api == Api::OpenAi { format!("{url}/v1") } else { url.to_owned() };
    let settings =
        ProviderSettings { base_url, key: Secret::new(KEY), patience, ..ProviderSettings::new("mock", api) };
    let providers = Providers::new(Settings { default: None, providers: vec![settings] }).unwrap();
    providers.get(Some(&format!("mock/{name}"))).unwrap().unwrap()
}

fn ask(dialog: &[Said]) -> Ask {
    let sql = json!({"type": "object", "properties": {"sql": {"type": "string"}}, "required": ["sql"]});
    let tool =
        Tool { name: "execute_sql".to_owned(), description: "Runs one SELECT.".to_owned(), parameters: sql };
    Ask {
        system: "You write reports.".to_owned(),
        dialog: dialog.into(),
        tools: [tool].into(),
        must_call: None,
        most_output: 500,
    }
}

fn person(text: &str) -> Said {
    Said::Person { text: text.to_owned() }
}

/// Everything that the libraries below say of what they do.
fn spoken() -> &'static Mutex<Vec<u8>> {
    struct Ear;
    impl Write for Ear {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            SPOKEN.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    static SPOKEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let all = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
        all.with_writer(|| Ear).with_ansi(false).init();
    });
    &SPOKEN
}

fn is_key_free(text: &str) {
    assert!(!text.contains(KEY), "the key stands in {text}");
}

/// Two turns of a dialog, recorded and read back in between as an executor would.
#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_with_tools_goes_on_from_what_was_recorded() {
    let mock = Mock::start(&[
        fixtures::calls(
            "sales by country",
            0,
            "I look.",
            &[
                ("call_1", "execute_sql", json!({"sql": "select 1"})),
                ("call_2", "execute_sql", json!({"sql": "select 2"})),
            ],
        ),
        fixtures::counted("sales by country", 1, LONG, 321, 45),
    ]);
    for (api, name) in APIS {
        let relay = Relay::start(mock.address()).await;
        let model = model(api, name, &relay.url(), PATIENCE);
        let mut dialog = vec![person("Show sales by country, please.")];
        let first = reply(&*model, ask(&dialog), |_| {}).await.unwrap();
        assert_eq!((first.text.as_str(), first.stop, first.model.as_str()), ("I look.", Stop::Calls, name));
        let wanted: Vec<_> = first.calls.iter().map(|call| call.arguments.clone().unwrap()).collect();
        assert_eq!(wanted, [json!({"sql": "select 1"}), json!({"sql": "select 2"})], "{api:?}");

        dialog.push(Said::Model(first.clone()));
        for (number, call) in first.calls.iter().enumerate() {
            let answer = json!({"rows": [[number, "it's \"so\""]]});
            dialog.push(Said::Tool { call: call.id.clone(), name: call.name.clone(), answer });
        }
        let recorded = serde_json::to_string(&dialog).unwrap();
        let dialog: Vec<Said> = serde_json::from_str(&recorded).unwrap();
        let mut pieces = Vec::new();
        let take = |heard| {
            if let Heard::Text(text) = heard {
                pieces.push(text);
            }
        };
        let second = reply(&*model, ask(&dialog), take).await.unwrap();
        assert_eq!(
            (second.text.as_str(), second.stop, second.calls.len()),
            (LONG, Stop::Ended, 0),
            "{api:?}"
        );
        assert!(pieces.len() > 2, "{api:?} said it at once: {pieces:?}");
        assert_eq!(pieces.concat(), LONG, "{api:?}");
        let cost = second.tokens;
        assert_eq!((cost.input, cost.output, cost.exact), (321, 45, true), "{api:?}");

        // Both answers stand in the question, each with what it answers.
        let asked = relay.asked();
        assert_eq!(asked.len(), 2, "{api:?}");
        let body = asked[1].body.to_string();
        assert!(body.contains("select 2") && body.contains("so"), "{api:?}: {body}");
        for asked in asked {
            is_key_free(&asked.path);
            is_key_free(&asked.body.to_string());
            let header = match api {
                Api::OpenAi => ("authorization".to_owned(), format!("Bearer {KEY}")),
                Api::Anthropic => ("x-api-key".to_owned(), KEY.to_owned()),
                Api::Gemini => ("x-goog-api-key".to_owned(), KEY.to_owned()),
            };
            assert!(asked.headers.contains(&header), "{api:?}: the key is missing in {:?}", asked.headers);
        }
    }
    assert_eq!(mock.unprepared().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_counts_is_estimated() {
    let mock = Mock::start(&[fixtures::text("say much", 0, LONG)]);
    for (api, name) in [APIS[1], APIS[2]] {
        let asked = ask(&[person(&"say much ".repeat(100))]);
        let about = asked.tokens();
        assert!((200..400).contains(&about), "{about}");
        let said = reply(&*model(api, name, &mock.url(), PATIENCE), asked, |_| {}).await.unwrap();
        let cost = said.tokens;
        assert_eq!((cost.input, cost.output, cost.exact), (about, LONG.len().div_ceil(4) as u64, false));
    }
    assert_eq!(mock.unprepared().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_told_with_good_answers_too() {
    let mock = Mock::start(&[fixtures::text("limits", 0, LONG)]);
    let openai = [("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "59")];
    let anthropic =
        [("anthropic-ratelimit-requests-limit", "60"), ("anthropic-ratelimit-requests-remaining", "59")];
    for ((api, name), headers) in [(APIS[0], openai), (APIS[1], anthropic)] {
        let relay = Relay::start(mock.address()).await;
        relay.then(Fault::Headers(headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into()));
        let heard: Vec<_> =
            model(api, name, &relay.url(), PATIENCE).ask(ask(&[person("limits")])).collect().await;
        let mut expected = RateFigures::default();
        (expected.requests.limit, expected.requests.remaining) = (Some(60), Some(59));
        assert_eq!(heard[0], Ok(Heard::Figures(expected)), "{api:?}");
        assert!(matches!(heard.last(), Some(Ok(Heard::Reply(_)))), "{api:?}: {heard:?}");
        let figures = heard.iter().filter(|heard| matches!(heard, Ok(Heard::Figures(_)))).count();
        assert_eq!(figures, 1, "{api:?}");
    }
    assert_eq!(mock.unprepared().await, Vec::<Value>::new());
}

fn instead(status: u16, headers: &[(&str, &str)], body: &Value) -> Fault {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Fault::Instead { status, headers, body: body.to_string() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_has_its_class_and_none_tells_the_key() {
    let spoken = spoken();
    let mock = Mock::start(&[fixtures::text("go on", 0, LONG)]);
    let says = |message: &str| json!({"error": {"message": message, "type": "some_error", "code": null}});
    let faults = [
        (Fault::CutAfter(3), Class::BrokenOff),
        (Fault::EndAfter(3), Class::BrokenOff),
        (Fault::GarbageAfter(3), Class::Malformed),
        (Fault::StallAfter(0), Class::Timeout),
        (Fault::StallAfter(3), Class::Timeout),
        (instead(429, &[("retry-after", "7")], &says("slow down")), Class::RateLimited),
        (instead(500, &[], &says("boom")), Class::Unavailable),
        (instead(503, &[("retry-after", "7")], &Value::Null), Class::Unavailable),
        (instead(401, &[], &says(&format!("no such key: {KEY}"))), Class::Unauthorised),
        (instead(400, &[], &says(&format!("you sent {KEY}"))), Class::BadRequest),
        (instead(400, &[], &says("This model's maximum context length is 8 tokens.")), Class::TooLong),
        (instead(404, &[], &says("no such model")), Class::BadRequest),
        (instead(200, &[("content-type", "text/html")], &json!("<html>")), Class::Malformed),
        (instead(200, &[("content-type", "text/event-stream")], &Value::Null), Class::BrokenOff),
        // Redirects are not followed: the key would go along.
        (instead(307, &[("location", "/elsewhere")], &Value::Null), Class::BadRequest),
    ];
    for (api, name) in APIS {
        let relay = Relay::start(mock.address()).await;
        for (number, (fault, class)) in faults.iter().enumerate() {
            let stalls = matches!(fault, Fault::StallAfter(_));
            let patience = if stalls { Duration::from_millis(700) } else { PATIENCE };
            let model = model(api, name, &relay.url(), patience);
            relay.then(fault.clone());
            let mut said = String::new();
            let take = |heard| {
                if let Heard::Text(text) = heard {
                    said.push_str(&text);
                }
            };
            let error: Error = match reply(&*model, ask(&[person("go on")]), take).await {
                Err(error) => error,
                Ok(reply) => panic!("{api:?}, {fault:?}: {reply:?}"),
            };
            assert_eq!(error.class, *class, "{api:?}, {fault:?}: {error}");
            is_key_free(&format!("{error} {error:?}"));
            assert!(error.message.starts_with("mock ") && error.message.len() <= 300, "{error}");
            assert!(!error.message.contains("127.0.0.1"), "an address is no news: {error}");
            let waits = matches!(fault, Fault::Instead { headers, .. } if headers.iter().any(|(name, _)| name == "retry-after"));
            assert_eq!(error.retry_after, waits.then_some(Duration::from_secs(7)), "{api:?}, {fault:?}");
            assert!(LONG.starts_with(&said), "{api:?}, {fault:?}: {said}");
            assert_eq!(relay.asked().len(), number + 1, "{api:?}, {fault:?}: it was asked again");
            // What was heard of an answer has cost something; what never began has not.
            assert_eq!(error.tokens.output > 0, !said.is_empty(), "{api:?}, {fault:?}: {error:?}");
            assert!(!error.tokens.exact, "{api:?}, {fault:?}");
        }
        let model = model(api, name, &relay.url(), PATIENCE);
        assert_eq!(reply(&*model, ask(&[person("go on")]), |_| {}).await.unwrap().text, LONG, "{api:?}");
        eventually("all connections are closed", async || (relay.open() == 0).then_some(())).await;
    }
    let spoken = String::from_utf8(spoken.lock().unwrap().clone()).unwrap();
    assert!(spoken.contains("hyper") && spoken.contains("rig"), "nothing was listened to: {spoken:.1000}");
    is_key_free(&spoken);
    assert_eq!(mock.unprepared().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_address_is_a_provider_out_of_reach() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (api, name) in APIS {
        let model = model(api, name, &format!("http://{nobody}"), PATIENCE);
        let error = reply(&*model, ask(&[person("hello")]), |_| {}).await.unwrap_err();
        assert_eq!((error.class, error.tokens.input), (Class::Unavailable, 0), "{error}");
        assert!(!error.message.contains(&nobody.to_string()), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_a_prepared_answer_is_noticed() {
    let mock = Mock::start(&[fixtures::text("go on", 0, LONG), fixtures::error("stop", 503, "down", None)]);
    let model = model(Api::OpenAi, "gpt-m1", &mock.url(), PATIENCE);
    reply(&*model, ask(&[person("go on")]), |_| {}).await.unwrap();
    reply(&*model, ask(&[person("stop")]), |_| {}).await.unwrap_err();
    assert_eq!(mock.unprepared().await, Vec::<Value>::new());
    let error = reply(&*model, ask(&[person("what nobody thought of")]), |_| {}).await.unwrap_err();
    assert_eq!(error.class, Class::Unavailable, "{error}");
    assert_eq!((mock.unprepared().await.len(), mock.journal().await.len()), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_no_silent_one() {
    let mock = Mock::start(&[fixtures::text("take your time", 0, LONG)]);
    for (api, name) in APIS {
        let relay = Relay::start(mock.address()).await;
        relay.then(Fault::Slow(Duration::from_millis(120)));
        let model = model(api, name, &relay.url(), PATIENCE);
        let said = reply(&*model, ask(&[person("take your time")]), |_| {}).await.unwrap();
        assert_eq!((said.text.as_str(), said.stop), (LONG, Stop::Ended), "{api:?}");
    }
    assert_eq!(mock.unprepared().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_question_closes_its_connection() {
    let mock = Mock::start(&[fixtures::text("go on", 0, LONG)]);
    for (api, name) in APIS {
        let relay = Relay::start(mock.address()).await;
        let model = model(api, name, &relay.url(), PATIENCE);
        let unheard = model.ask(ask(&[person("go on")]));
        drop(unheard);
        assert_eq!(relay.asked().len(), 0, "{api:?}: nothing is asked before it is polled");

        // In the middle of the answer.
        relay.then(Fault::StallAfter(4));
        let mut stream = model.ask(ask(&[person("go on")]));
        assert!(matches!(stream.next().await, Some(Ok(Heard::Text(_)))), "{api:?}");
        assert_eq!(relay.open(), 1, "{api:?}");
        drop(stream);
        eventually("the connection is closed", async || (relay.open() == 0).then_some(())).await;

        // Before the answer has begun.
        relay.then(Fault::StallAfter(0));
        let mut stream = model.ask(ask(&[person("go on")]));
        tokio::select! {
            heard = stream.next() => panic!("{api:?}: {heard:?}"),
            () = eventually("the question arrives", async || (relay.asked().len() == 2).then_some(())) => {}
        }
        drop(stream);
        eventually("the connection is closed", async || (relay.open() == 0).then_some(())).await;
    }
}

/// Both providers refuse the answers to calls of a turn whose signed thoughts they do not get back.
#[tokio::test(flavor = "multi_thread")]
async fn signed_thoughts_are_given_back() {
    let gemini = concat!(
        r#"data: {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"execute_sql","#,
        r#""args":{"sql":"select 1"}},"thoughtSignature":"c2lnbmVk"}]},"finishReason":"STOP","index":0}],"#,
        r#""usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5},"modelVersion":"gemini-m1"}"#,
        "\n\n",
    );
    let anthropic = [
        json!({"type": "message_start", "message": {"id": "m1", "type": "message", "role": "assistant",
            "model": "claude-m1", "content": [], "stop_reason": null,
            "usage": {"input_tokens": 10, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "one select will do"}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "signature_delta", "signature": "c2lnbmVk"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "tool_use", "id": "toolu_1", "name": "execute_sql", "input": {}}}),
        json!({"type": "content_block_delta", "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": "{\"sql\": \"select 1\"}"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}}),
        json!({"type": "message_stop"}),
    ];
    let event = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    let anthropic: String = anthropic.iter().map(event).collect();
    let stream = |body: String| {
        let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
        Fault::Instead { status: 200, headers, body }
    };
    for ((api, name), first) in [(APIS[2], gemini.to_owned()), (APIS[1], anthropic)] {
        let relay = Relay::start("127.0.0.1:1").await;
        relay.then(stream(first));
        relay.then(instead(500, &[], &Value::Null));
        let model = model(api, name, &relay.url(), PATIENCE);
        let mut dialog = vec![person("sales")];
        let said = reply(&*model, ask(&dialog), |_| {}).await.unwrap();
        assert_eq!((said.stop, said.text.as_str(), said.tokens.exact), (Stop::Calls, "", true), "{api:?}");
        let call = said.calls[0].clone();
        assert_eq!(call.arguments, Ok(json!({"sql": "select 1"})), "{api:?}");
        let recorded = serde_json::to_string(&said).unwrap();
        dialog.push(Said::Model(serde_json::from_str::<Reply>(&recorded).unwrap()));
        dialog.push(Said::Tool { call: call.id, name: call.name, answer: json!({"rows": [[1]]}) });
        reply(&*model, ask(&dialog), |_| {}).await.unwrap_err();
        let body = relay.asked()[1].body.to_string();
        assert!(body.contains("c2lnbmVk") && body.contains("rows"), "{api:?}: {body}");
    }
}

/// And the dialog that one provider began can be gone on with by another.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_no_json_is_passed_on_and_a_tool_can_be_asked_for() {
    let broken = concat!(
        r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-m1","choices":[{"index":0,"#,
        r#""delta":{"role":"assistant","tool_calls":[{"index":0,"id":"c1","type":"function","#,
        r#""function":{"name":"execute_sql","arguments":"{\"sql\": sel"}}]},"finish_reason":null}]}"#,
        "\n\n",
        r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-m1","choices":[{"index":0,"#,
        r#""delta":{},"finish_reason":"tool_calls"}]}"#,
        "\n\ndata: [DONE]\n\n",
    );
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    let relay = Relay::start("127.0.0.1:1").await;
    relay.then(Fault::Instead { status: 200, headers, body: broken.to_owned() });
    let said =
        reply(&*model(Api::OpenAi, "gpt-m1", &relay.url(), PATIENCE), ask(&[person("sales")]), |_| {}).await;
    let said = said.unwrap();
    assert_eq!((said.stop, &said.calls[0].arguments), (Stop::Calls, &Err("{\"sql\": sel".to_owned())));
    let call = said.calls[0].clone();
    let dialog = [
        person("sales"),
        Said::Model(said),
        Said::Tool { call: call.id, name: call.name, answer: json!({"error": "no JSON"}) },
    ];
    for (api, name) in APIS {
        let relay = Relay::start("127.0.0.1:1").await;
        relay.then(instead(500, &[], &Value::Null));
        let asked = Ask { must_call: Some("execute_sql".to_owned()), ..ask(&dialog) };
        reply(&*model(api, name, &relay.url(), PATIENCE), asked, |_| {}).await.unwrap_err();
        let body = &relay.asked()[0].body;
        assert!(body.to_string().contains("no JSON"), "{api:?}: {body}");
        let forced = if api == Api::Gemini { &body["toolConfig"] } else { &body["tool_choice"] };
        assert!(forced.to_string().contains("execute_sql"), "{api:?}: {body}");
    }
}
