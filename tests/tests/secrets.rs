//! Keys and passwords stand nowhere: not in a record, an object, a file, a log, whatever goes wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::path::{Path, PathBuf};

use longhaul_client::NewTask;
use longhaul_core::{Snapshot, Status};
use longhaul_tests::model::{Fault, Mock, Relay, fixtures};
use longhaul_tests::world::{ended, submit};
use longhaul_tests::{Process, World};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

const KEY: &str = "sk-nobody-may-read-this-0123456789";
const PASSWORD: &str = "correct-horse-battery-staple";

/// Stands in every task, to see that what is searched can be read.
const MARK: &str = "a-mark-that-is-found";

const APIS: [(&str, &str, &str); 3] =
    [("openai", "gpt-m1", "/v1"), ("anthropic", "claude-m1", ""), ("gemini", "gemini-m1", "")];

/// What goes wrong, with providers that say the key themselves; and the code that a task ends with, unless
/// it is asked again.
fn faults() -> Vec<(Fault, Option<&'static str>)> {
    let instead = |status: u16, kind: &str, body: String| Fault::Instead {
        status,
        headers: vec![
            ("content-type".to_owned(), kind.to_owned()),
            ("retry-after-ms".to_owned(), "50".to_owned()),
        ],
        body,
    };
    let says =
        |message: &str| json!({"error": {"message": format!("{message} {KEY}"), "type": "e"}}).to_string();
    let json = "application/json";
    vec![
        (instead(401, json, says("no such key:")), Some("provider_unauthorised")),
        (instead(400, json, says("you sent")), Some("bad_model_request")),
        (instead(429, json, says("slow down,")), None),
        (instead(500, json, says("boom")), None),
        (Fault::CutAfter(1), None),
        (Fault::GarbageAfter(1), None),
        (instead(200, "text/html", format!("<html>{KEY}</html>")), None),
    ]
}

/// A world whose executor says all there is to say into its log.
async fn started(settings: &str, env: &[(&str, &str)]) -> (World, Vec<Process>) {
    let world = World::new(1).await;
    std::fs::write(world.path().join("longhaul.toml"), settings).unwrap();
    let services = vec![world.start(&["schedule"]), world.start(&["project"])];
    let mut command = world.command(&["work", "--kind", "report"]);
    command.env("LONGHAUL_LOG", "trace").envs(env.iter().copied());
    let worker = Process::start(command, world.path(), "worker");
    let services = services.into_iter().chain([worker]).collect();
    (world, services)
}

async fn report(world: &World, data: Value, model: &str) -> Snapshot {
    let input = json!({"data": data, "prompt": format!("go on with {MARK}"), "model": model, "formats": ["markdown"]});
    let client = world.client("ann");
    let task = submit(&client, NewTask::new("report", MARK, &input).unwrap()).await;
    ended(&client, task).await
}

/// Every file below a folder: the server's streams and objects, the read model, logs.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn holds(path: &Path, text: &str) -> bool {
    // Some are gone again by now.
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The secret stands in no file of that world, and the mark of its tasks in the log's own.
async fn stands_nowhere(world: &World, tasks: &[Snapshot], secret: &str) {
    for task in tasks {
        let events = serde_json::to_string(&world.events(task.task).await).unwrap();
        assert!(events.contains(MARK) && !events.contains(secret), "{events}");
    }
    let files = files(world.path());
    let inside = |path: &PathBuf| path.to_string_lossy().contains("LH_LOG_0") && holds(path, MARK);
    assert!(files.iter().any(inside), "the log cannot be searched");
    let worker = world.path().join("worker.log");
    assert!(holds(&worker, "TRACE"), "the executor's log says little");
    let found: Vec<_> = files.iter().filter(|path| holds(path, secret)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_database_never_comes_into_a_task() {
    let world = World::new(1).await;
    let address = format!("reader:{PASSWORD}@127.0.0.1:1/sales");
    for data in [
        format!("postgres://{address}"),
        format!("POSTGRES://{address}"),
        format!("postgresql://{address}"),
        format!("mysql://{address}"),
        format!("postgres:host=127.0.0.1 password={PASSWORD}"),
    ] {
        for args in [vec!["report", data.as_str(), "sales", "--detach"], vec!["chat", data.as_str()]] {
            let refused = world.run(&args).await;
            assert_eq!(refused.code, Some(2), "{args:?}: {refused:?}");
            assert!(refused.stderr.contains("no name of a database"), "{args:?}: {refused:?}");
            assert!(!refused.stderr.contains(PASSWORD) && !refused.stdout.contains(PASSWORD), "{refused:?}");
        }
    }
    let head = world.journal.head(longhaul_wire::Shard(0)).await.unwrap();
    assert_eq!(head, longhaul_core::Sequence::ZERO, "nothing was recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_key_stands_nowhere_whatever_goes_wrong() {
    let write = json!({"title": "T", "summary": [{"kind": "note", "text": "Nothing."}], "sections": []});
    let mock = Mock::start(&[fixtures::calls("go on", 0, "I write.", &[("c1", "write_report", write)])]);
    let mut relays = Vec::new();
    let mut settings = String::new();
    for (api, _, path) in APIS {
        let relay = Relay::start(mock.address()).await;
        settings += &format!(
            "[model.provider.{api}]\napi = \"{api}\"\nbase-url = \"{}{path}\"\nkey-env = \"THE_KEY\"\n",
            relay.url()
        );
        relays.push(relay);
    }
    let (world, _services) = started(&settings, &[("THE_KEY", KEY)]).await;
    let data = world.path().join("sales.csv");
    std::fs::write(&data, "country,total\nUSA,523.06\n").unwrap();
    let each = APIS.iter().zip(&relays).map(async |((api, model, _), relay)| {
        let mut tasks = Vec::new();
        for (fault, code) in faults() {
            relay.then(fault.clone());
            let task = report(&world, json!(data), &format!("{api}/{model}")).await;
            let ended = task.error.as_ref().map(|error| error.code.as_str());
            assert_eq!(ended, code, "{api}, {fault:?}: {task:#?}");
            tasks.push(task);
        }
        assert!(relay.asked().iter().all(|asked| !asked.path.contains(KEY)), "{api}");
        assert!(relay.asked().iter().any(|asked| asked.headers.iter().any(|(_, value)| value.contains(KEY))));
        tasks
    });
    let tasks = futures::future::join_all(each).await.concat();
    assert_eq!(mock.unprepared().await, Vec::<Value>::new());
    stands_nowhere(&world, &tasks, KEY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_databases_password_stands_nowhere_whatever_goes_wrong() {
    let write = json!({"title": "T", "summary": [{"kind": "note", "text": "Nothing."}], "sections": []});
    let mock = Mock::start(&[fixtures::calls("go on", 0, "I write.", &[("c1", "write_report", write)])]);
    // One that speaks something else, one that hangs up, one that is not there.
    let foreign = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports = [&foreign, &silent, &gone].map(|listener| listener.local_addr().unwrap().port());
    drop(gone);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = foreign.accept().await {
            let _ = stream.write_all(format!("E{PASSWORD} is no password of mine\n").as_bytes()).await;
        }
    });
    tokio::spawn(async move { while silent.accept().await.is_ok() {} });
    let url = |port: u16| format!("postgres://reader:{PASSWORD}@127.0.0.1:{port}/sales?sslmode=disable");
    let [foreign, silent, gone] = ports.map(url);
    let settings = "[data.foreign]\nurl-env = \"FOREIGN\"\n[data.silent]\nurl-env = \"SILENT\"\n";
    let base = format!("{}/v1", mock.url());
    let env = [
        ("FOREIGN", foreign.as_str()),
        ("SILENT", &silent),
        ("LONGHAUL_DATA_GONE_URL", &gone),
        ("LONGHAUL_MODEL", "mock/m1"),
        ("LONGHAUL_MODEL_URL", &base),
    ];
    let (world, _services) = started(settings, &env).await;
    let mut tasks = Vec::new();
    for name in ["foreign", "silent", "gone"] {
        let task = report(&world, json!(format!("postgres:{name}")), "mock/m1").await;
        assert_eq!(task.status, Status::Failed, "{name}: {task:#?}");
        assert_eq!(task.error.as_ref().unwrap().code, "data_unavailable", "{name}: {task:#?}");
        tasks.push(task);
    }
    stands_nowhere(&world, &tasks, PASSWORD).await;
}
