//! A real server: started, stopped, killed, brought back, left behind.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::support::{Client, binary, pid, start, until};
use longhaul_broker::{Durability, Error, Server, ServerBinary, ServerConfig, Source, Version, running};
use rustix::process::{Signal, kill_process, test_kill_process};

#[tokio::test]
async fn lets_in_who_has_the_token_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path()).await;

    Client::connect(server.url(), server.token()).await.unwrap();
    for wrong in ["", "0123456789"] {
        let refusal = Client::connect(server.url(), wrong).await.unwrap_err();
        assert!(refusal.contains("Authorization Violation"), "{refusal}");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn keeps_its_secrets_from_other_users() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir.path().join("new")).await;
    let mode = |name: &str| {
        let meta = std::fs::metadata(server.data_dir().join(name)).unwrap();
        meta.permissions().mode() & 0o777
    };

    assert_eq!(mode(""), 0o700);
    for file in ["token", "nats-server.conf", "server.json"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    let log = std::fs::read_to_string(server.log_path()).unwrap();
    assert!(!log.contains(server.token()));
}

#[tokio::test]
async fn any_name_of_a_data_directory_will_do() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir.path().join(r#"it's "my" $HOME, \n {zürich}"#)).await;

    assert!(server.log_path().is_file());
    assert!(server.data_dir().join("jetstream").is_dir());
}

#[tokio::test]
async fn the_durability_asked_for_is_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let strict = start(&dir.path().join("strict")).await;
    let relaxed =
        ServerConfig { durability: Durability::Relaxed, ..ServerConfig::new(dir.path().join("relaxed")) };
    let relaxed = Server::start(&binary(), relaxed).await.unwrap();

    let syncing = strict.syncing().await.unwrap();
    assert!(syncing.always);
    assert!(syncing.keeps(Durability::Strict) && syncing.keeps(Durability::Relaxed));
    let syncing = relaxed.syncing().await.unwrap();
    assert!(!syncing.always);
    assert_eq!(syncing.interval, Duration::from_secs(1));
    assert!(!syncing.keeps(Durability::Strict) && syncing.keeps(Durability::Relaxed));
}

#[tokio::test]
async fn the_documented_limits_are_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let config = ServerConfig { max_file_store: Some(123 << 20), ..ServerConfig::new(dir.path()) };
    let server = Server::start(&binary(), config).await.unwrap();

    let varz = server.monitor("/varz").await.unwrap();
    let varz: serde_json::Value = serde_json::from_str(&varz).unwrap();
    let seconds = |name: &str| varz[name].as_u64().unwrap() / 1_000_000_000;
    assert_eq!(varz["max_payload"], 8 << 20);
    assert_eq!(varz["max_pending"], 16 << 20);
    assert_eq!(varz["ping_max"], 2);
    assert_eq!(seconds("ping_interval"), 10);
    assert_eq!(seconds("write_deadline"), 5);
    assert_eq!(varz["host"], "127.0.0.1");
    assert_eq!(varz["http_host"], "127.0.0.1");
    assert_eq!(varz["jetstream"]["config"]["max_storage"], 123 << 20);
}

#[tokio::test]
async fn by_default_the_store_stays_below_the_free_disk() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path()).await;

    let varz = server.monitor("/varz").await.unwrap();
    let varz: serde_json::Value = serde_json::from_str(&varz).unwrap();
    let limit = varz["jetstream"]["config"]["max_storage"].as_u64().unwrap();
    let disk = rustix::fs::statvfs(dir.path()).unwrap();
    assert!(limit > 0 && limit < disk.f_blocks * disk.f_frsize / 10 * 9);
}

#[tokio::test]
async fn a_data_directory_has_one_server() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path()).await;

    let error = Server::start(&binary(), ServerConfig::new(dir.path())).await.unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    let holder = format!("process {}", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");

    first.healthy().await.unwrap();
    first.stop().await.unwrap();
    start(dir.path()).await;
}

#[tokio::test]
async fn others_find_it_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(running(dir.path()).unwrap(), None);
    let server = start(dir.path()).await;

    let seen = running(dir.path()).unwrap().unwrap();
    assert_eq!(seen.url, server.url());
    assert_eq!(seen.token, server.token());
    assert_eq!(seen.monitoring_url, server.monitoring_url());
    assert_eq!(seen.pid, server.pid());

    server.stop().await.unwrap();
    assert_eq!(running(dir.path()).unwrap(), None);
}

#[tokio::test]
async fn the_next_server_has_the_same_token_and_port() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path()).await;
    let before = (first.url().to_owned(), first.token().to_owned());
    first.stop().await.unwrap();

    let second = start(dir.path()).await;
    assert_eq!((second.url().to_owned(), second.token().to_owned()), before);
}

#[tokio::test]
async fn a_taken_port_is_refused_if_it_was_asked_for_and_replaced_if_not() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path()).await;
    let port: u16 = first.url().rsplit_once(':').unwrap().1.parse().unwrap();
    first.stop().await.unwrap();
    let squatter = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();

    let asked = ServerConfig { port: Some(port), ..ServerConfig::new(dir.path()) };
    let error = Server::start(&binary(), asked).await.unwrap_err();
    assert!(matches!(error, Error::PortTaken { port: taken } if taken == port), "{error}");

    let elsewhere = start(dir.path()).await;
    assert!(!elsewhere.url().ends_with(&format!(":{port}")));
    drop(squatter);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_and_the_port_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(dir.path()).await;
    let (url, pid) = (server.url().to_owned(), server.pid());
    let mut client = Client::connect(server.url(), server.token()).await.unwrap();
    client.make_stream("KEPT", "kept", 1).await;
    for text in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"] {
        client.publish("kept", text).await;
    }

    server.kill().await.unwrap();
    assert!(!server.is_running());
    assert!(matches!(server.freeze(), Err(Error::NotRunning)));
    assert!(Client::connect(&url, server.token()).await.is_err());
    server.restart().await.unwrap();

    assert_eq!(server.url(), url);
    assert_ne!(server.pid(), pid);
    let mut client = Client::connect(&url, server.token()).await.unwrap();
    assert_eq!(client.messages("KEPT").await, 10);

    // A restart of one that runs stops it first.
    let pid = server.pid();
    server.restart().await.unwrap();
    assert_ne!(server.pid(), pid);
    let mut client = Client::connect(&url, server.token()).await.unwrap();
    assert_eq!(client.messages("KEPT").await, 10);
}

#[tokio::test]
async fn a_frozen_server_answers_again_when_it_is_thawed() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path()).await;
    let mut client = Client::connect(server.url(), server.token()).await.unwrap();

    server.freeze().unwrap();
    client.send("PING\r\n").await;
    let silence = tokio::time::timeout(Duration::from_millis(300), client.line()).await;
    assert!(silence.is_err(), "{silence:?}");
    server.thaw().unwrap();
    // It may ask the same at that moment.
    while client.line().await != "PONG" {}
    // Frozen again: stopping must not hang on it.
    server.freeze().unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_end_nobody_asked_for_is_told_with_the_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(dir.path()).await;
    let process = pid(server.pid());

    let exited = server.exited();
    kill_process(process, Signal::ABORT).unwrap();
    let exit = tokio::time::timeout(Duration::from_secs(10), exited).await.unwrap();
    assert!(!exit.status.success());
    assert!(exit.log.contains("SIGABRT"), "{}", exit.log);

    // One that was asked for is not told.
    server.restart().await.unwrap();
    let exited = server.exited();
    server.kill().await.unwrap();
    let silence = tokio::time::timeout(Duration::from_millis(200), exited).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test]
async fn a_start_that_fails_says_what_the_server_said() {
    let dir = tempfile::tempdir().unwrap();
    // A file where the server wants a folder.
    std::fs::write(dir.path().join("jetstream"), "in the way").unwrap();
    let error = Server::start(&binary(), ServerConfig::new(dir.path())).await.unwrap_err();
    assert!(matches!(error, Error::EndedAtStart { .. }), "{error}");
    assert!(error.to_string().contains("JetStream"), "{error}");

    // Nothing of it stays: the directory is free and a start succeeds.
    std::fs::remove_file(dir.path().join("jetstream")).unwrap();
    start(dir.path()).await;
}

#[tokio::test]
async fn one_that_does_not_get_ready_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let idle =
        ServerBinary { path: dir.path().join("idle"), version: Version::PINNED, source: Source::Explicit };
    std::fs::write(&idle.path, "#!/bin/sh\nexec sleep 600\n").unwrap();
    std::fs::set_permissions(&idle.path, Permissions::from_mode(0o755)).unwrap();
    let config = ServerConfig { start_within: Duration::from_millis(100), ..ServerConfig::new(dir.path()) };

    let error = Server::start(&idle, config).await.unwrap_err();
    assert!(matches!(error, Error::NotReady { .. }), "{error}");
    assert!(error.to_string().contains("no connection yet"), "{error}");
    let noted = std::fs::read_to_string(dir.path().join("server.lock")).unwrap();
    let process = pid(noted.trim().parse().unwrap());
    assert!(test_kill_process(process).is_err());
}

#[tokio::test]
async fn dropped_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path()).await;
    let process = pid(server.pid());
    drop(server);
    assert!(test_kill_process(process).is_err());
    assert_eq!(running(dir.path()).unwrap(), None);
}

#[tokio::test]
async fn it_does_not_depend_on_the_thread_that_asked_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(start(&path))
    })
    .join()
    .unwrap();

    // That thread is gone. Had the kernel tied the server to it, it would end now.
    let end = tokio::time::timeout(Duration::from_secs(1), server.exited()).await;
    assert!(end.is_err(), "{end:?}");
    server.healthy().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_start_that_was_cut_off_left_is_in_nobody_s_way() {
    let dir = tempfile::tempdir().unwrap();
    // By such a file the server tries whether it can write.
    std::fs::create_dir(dir.path().join("jetstream")).unwrap();
    std::fs::write(dir.path().join("jetstream/_test_3448449794"), "").unwrap();
    start(dir.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_given_up_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let binary = binary();
    // Given up at many different moments, from before the program runs to after it is up.
    for milliseconds in 0..40 {
        let start = Server::start(&binary, ServerConfig::new(dir.path()));
        drop(tokio::time::timeout(Duration::from_millis(milliseconds), start).await);
        let noted = std::fs::read_to_string(dir.path().join("server.lock")).unwrap_or_default();
        if let Ok(process) = noted.trim().parse() {
            until("the server is gone", || test_kill_process(pid(process)).is_err().then_some(())).await;
        }
    }
    // The directory is free.
    start(dir.path()).await;
}
