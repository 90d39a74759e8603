//! Short storms on every change; `just storm` raises the long ones.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_tests::storm::{self, Length, Options};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Two storms at once would be one on a small machine: each stalls the other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Raises a storm and sees that it broke no promise. What is left of one that did is kept.
async fn weather(length: u64, kills: u32, nodes: usize, strict: bool) {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::Builder::new().prefix("longhaul-storm-").tempdir().unwrap();
    let options = Options {
        seed: 20_261_121,
        length: Length::Submissions(length),
        kills,
        nodes,
        shards: 4,
        strict,
        rate: None,
        backlog: 200,
        enough: CancellationToken::new(),
        program: longhaul_tests::binary(),
        out: folder.path().to_owned(),
    };
    let report = storm::run(&options).await.unwrap();
    eprintln!("{report}");
    if !report.sound {
        panic!("a promise was broken; everything is kept in {}", folder.keep().display());
    }
    assert_eq!(report.kills, u64::from(kills));
    assert!(report.acknowledged >= length);
}

#[tokio::test]
async fn what_another_storm_left_is_not_taken_for_this_one_s() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("marks")).unwrap();
    let options = Options {
        seed: 1,
        length: Length::Submissions(1),
        kills: 0,
        nodes: 1,
        shards: 1,
        strict: false,
        rate: None,
        backlog: 1,
        enough: CancellationToken::new(),
        program: longhaul_tests::binary(),
        out: folder.path().to_owned(),
    };
    let refused = storm::run(&options).await.unwrap_err().to_string();
    assert!(refused.contains("is not empty"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_one_server_breaks_no_promise() {
    weather(600, 24, 1, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_a_cluster_breaks_no_promise() {
    weather(150, 8, 3, true).await;
}
