//! A real server: started, stopped, killed, brought back, left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use longhaul_broker::{Durability, Error, Options, Server, ServerBinary, ServerConfig, locate, running};

/// The server to test with. Fetched once per machine if there is none.
fn binary() -> ServerBinary {
    locate(&Options::from_env(), &mut |progress| eprintln!("{}", progress.line))
        .unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn starts_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(), ServerConfig::new(dir.path())).await.unwrap();
    server.healthy().await.unwrap();
    assert!(server.syncing().await.unwrap().keeps(Durability::Strict));
    let seen = running(dir.path()).unwrap().unwrap();
    assert_eq!((seen.url.as_str(), seen.pid), (server.url(), server.pid()));
    assert_eq!(seen.token, server.token());
    let error = Server::start(&binary(), ServerConfig::new(dir.path())).await.unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    server.stop().await.unwrap();
    assert_eq!(running(dir.path()).unwrap(), None);
}
