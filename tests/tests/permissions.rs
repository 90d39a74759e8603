//! The server configuration in `docs/protocol.md`: each role can do its work with it, and no other's.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use longhaul_client::{Client, Identity, NewTask, Until};
use longhaul_core::{AdmissionCommit, Millis, OrgId, Policy, Sequence, Status, TaskRef};
use longhaul_executor::{Executor, Failure, Run};
use longhaul_journal::nats::{Auth, ConnectOptions, Nats};
use longhaul_journal::{Journal, TextDelta, new_id};
use longhaul_tests::process::run;
use longhaul_tests::toolchains::{Toolchain, javascript, python};
use longhaul_tests::world::{ended, submit};
use longhaul_tests::{Output, PATIENCE, Process, Services, World, eventually};
use serde_json::{Value, json};

const ROLES: [&str; 6] = ["installer", "client", "executor", "scheduler", "projector", "auditor"];

/// The configuration on the page.
fn on_the_page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, block) = page.split_once("```conf permissions\n").unwrap();
    block.split_once("\n```").unwrap().0.to_owned()
}

/// A world whose server lets nobody in but the roles on the page; a role's password is its name.
async fn guarded() -> World {
    let world = World::new(1).await;
    let file: PathBuf = world.server.data_dir().join("nats-server.conf");
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    config.as_object_mut().unwrap().remove("authorization").unwrap();
    let mut text = String::new();
    for (name, value) in config.as_object().unwrap() {
        text += &format!("{name}: {value}\n");
    }
    for role in ROLES {
        text += &format!("{}: {role}\n", role.to_uppercase());
    }
    std::fs::write(&file, text + &on_the_page()).unwrap();
    // The server reads its configuration anew on SIGHUP.
    let pid = i32::try_from(world.server.pid()).unwrap();
    // SAFETY: kill takes no pointers; the server is a child of this process, so the id is its.
    #[expect(unsafe_code, reason = "the standard library sends only SIGKILL")]
    let signalled = unsafe { libc::kill(pid, libc::SIGHUP) };
    assert_eq!(signalled, 0);
    let options = options(&world, "installer");
    eventually("the server to know its roles", async || Nats::connect(&options).await.ok()).await;
    world
}

fn options(world: &World, role: &str) -> ConnectOptions {
    ConnectOptions {
        auth: Auth::User { name: role.to_owned(), password: role.to_owned() },
        inbox_prefix: Some(format!("_INBOX_{role}")),
        ..ConnectOptions::new(world.server.url())
    }
}

async fn connect(world: &World, role: &str) -> Journal {
    let nats = Nats::connect(&options(world, role)).await.unwrap_or_else(|error| panic!("{role}: {error}"));
    Journal::new(Arc::new(nats)).with_deadline(Duration::from_secs(20))
}

async fn script(
    world: &World,
    role: &str,
    of: fn() -> &'static Toolchain,
    name: &str,
    args: &[&str],
) -> Command {
    let toolchain = tokio::task::spawn_blocking(of).await.unwrap();
    let address = world.server.url().strip_prefix("nats://").unwrap().to_owned();
    let url = format!("nats://{role}:{role}@{address}");
    let mut command = toolchain.command(name, args);
    command.args(["--nats", &url, "--inbox", &format!("_INBOX_{role}"), "--org", "acme"]);
    command
}

async fn py(world: &World, role: &str, name: &str, args: &[&str]) -> Output {
    run(script(world, role, python, name, args).await).await
}

async fn js(world: &World, role: &str, name: &str, args: &[&str]) -> Output {
    run(script(world, role, javascript, name, args).await).await
}

fn violations(world: &World) -> Vec<String> {
    let log = std::fs::read_to_string(world.server.log_path()).unwrap();
    log.lines().filter(|line| line.contains("Violation")).map(str::to_owned).collect()
}

async fn shout(run: &mut Run, input: Value) -> Result<Value, Failure> {
    let text = input["text"].as_str().unwrap_or_default().to_uppercase();
    run.step("shout", async |step| step.text(&text).await).await?;
    run.artifact("shout.txt", "text/plain", text.clone()).await?;
    // Larger than what lies in the log itself.
    Ok(json!({ "text": text, "echo": "!".repeat(100_000) }))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_can_do_its_work() {
    let world = guarded().await;
    let mut services = Services::default();
    let lease = Millis::seconds(4);
    let options = longhaul_scheduler::Options { lease, ..longhaul_scheduler::Options::default() };
    services.schedule(connect(&world, "scheduler").await, options);
    services.project(connect(&world, "projector").await, world.path().join("projector")).await;
    let asked = ["shout", "Hello", r#"{"text": "hello"}"#, "--conversation", "chat-7", "--user", "ann"];

    let client = Client::new(connect(&world, "client").await, Identity::new("acme", "ann", "test").unwrap());

    let args = ["--pace", "1"];
    let python = script(&world, "executor", python, "executor.py", &args).await;
    let mut shouter = Process::start(python, world.path(), "python");
    let said = py(&world, "client", "submit.py", &asked[..3]).await.ok().json();
    assert_eq!(said["output"]["inline"]["text"], "HELLO");
    let long = json!({ "text": "on and ".repeat(100) });
    let lost = submit(&client, NewTask::new("shout", "Lost", &long).unwrap()).await;
    client.wait_until(lost, Until::Started, Some(PATIENCE)).await.unwrap();
    shouter.kill();
    assert_eq!(ended(&client, lost).await.status, Status::Expired);

    services.work(Executor::new(connect(&world, "executor").await).handle("shout", shout));
    let large = json!({ "text": "hello", "more": "x".repeat(100_000) });
    let task = submit(&client, NewTask::new("shout", "Hello", &large).unwrap()).await;
    assert_eq!(ended(&client, task).await.status, Status::Completed);
    assert_eq!(client.output(task).await.unwrap()["text"], "HELLO");
    assert_eq!(client.text(task).await.unwrap(), "HELLO");
    for _ in 0..2 {
        let submitted = js(&world, "client", "submit.mjs", &asked).await.ok().json();
        let task = submitted["task"].as_str().unwrap();
        let watched = js(&world, "client", "watch.mjs", &[task]).await.ok();
        assert_eq!(watched.stdout, "HELLO", "{}", watched.stderr);
        assert_eq!(py(&world, "client", "abort.py", &[task]).await.code, Some(6), "it has ended");
        py(&world, "auditor", "audit.py", &[task]).await.ok();
    }
    // Nobody was denied anything on the way, not even what it did without.
    assert_eq!(violations(&world), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_can_do_anothers_work() {
    let world = guarded().await;
    let client = Client::new(connect(&world, "client").await, Identity::new("acme", "ann", "test").unwrap());
    let task = submit(&client, NewTask::new("shout", "Hello", &json!({})).unwrap()).await;

    let stranger =
        Client::new(connect(&world, "client").await, Identity::new("globex", "eve", "test").unwrap());
    let refused = stranger.submit(NewTask::new("shout", "Hello", &json!({})).unwrap()).await;
    assert!(format!("{:?}", refused.unwrap_err()).contains("ermissions"));

    let acme: OrgId = "acme".parse().unwrap();
    let actor =
        longhaul_core::Actor { role: longhaul_core::Role::Scheduler, who: "x".into(), via: "test".into() };
    let admission = AdmissionCommit {
        id: new_id(),
        org: acme.clone(),
        at: client.journal().now(),
        actor: actor.clone(),
        admissions: vec![longhaul_core::Admission {
            task,
            run: longhaul_core::RunNumber(1),
            user: "ann".parse().unwrap(),
            conversation: None,
            lane: longhaul_core::Lane::default(),
            kind: "shout".parse().unwrap(),
            why: longhaul_core::AdmissionReason::First,
        }],
    };
    for role in ["client", "executor", "projector", "auditor"] {
        let journal = connect(&world, role).await;
        let refused = journal.admit(&admission, Sequence::ZERO).await.unwrap_err();
        assert!(format!("{refused:?}").contains("ermissions"), "{role}: {refused:?}");
        let refused = journal.set_policy(&acme, &actor, Policy::default()).await.unwrap_err();
        assert!(format!("{refused:?}").contains("ermissions"), "{role}: {refused:?}");
    }
    let name = longhaul_core::CellName::new("limit-x").unwrap();
    let cells = connect(&world, "executor").await.cells(&acme);
    let version = cells.swap(&name, Sequence::ZERO, "mine".into()).await.unwrap();
    assert_eq!(cells.get(&name).await.unwrap(), Some((version, "mine".into())));
    for role in ["client", "scheduler", "projector", "auditor"] {
        let cells = connect(&world, role).await.cells(&acme);
        let read = cells.get(&name).await.unwrap_err();
        assert!(format!("{read:?}").contains("ermissions"), "{role}: {read:?}");
        let swapped = cells.swap(&name, version, "theirs".into()).await.unwrap_err();
        assert!(format!("{swapped:?}").contains("ermissions"), "{role}: {swapped:?}");
    }
    let at = TaskRef { org: acme, task };
    for role in ["projector", "auditor"] {
        let journal = connect(&world, role).await;
        let abort = longhaul_core::Command::RequestAbort { by: "eve".into(), reason: None };
        let actor = longhaul_core::Actor { role: longhaul_core::Role::Client, ..actor.clone() };
        let refused = journal.act(&at, &actor, &abort).await.unwrap_err();
        assert!(format!("{refused:?}").contains("ermissions"), "{role}: {refused:?}");
    }
    // What a role may say is heard by the others, and by nobody else's inbox.
    let listener = connect(&world, "client").await;
    let mut heard = listener.listen_text(&at).await.unwrap();
    let delta = TextDelta { run: longhaul_core::RunNumber(1), segment: 0, offset: 0, text: "hi".into() };
    // Whoever goes while it is still on the way takes it along: nobody answers to what is only said.
    let speaker = connect(&world, "executor").await;
    speaker.say_text(&at, &delta).await.unwrap();
    let said = tokio::time::timeout(PATIENCE, futures::StreamExt::next(&mut heard)).await.unwrap();
    assert_eq!(said, Some(delta));
    drop(speaker);
    assert_eq!(client.get(task).await.unwrap().status, Status::Pending);
    assert!(!violations(&world).is_empty(), "the server tells of what it denies");
}
