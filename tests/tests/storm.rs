//! A short storm on every change; `just storm` raises the long ones.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_tests::storm::{self, Length, Options};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_short_storm_breaks_no_promise() {
    let folder = tempfile::Builder::new().prefix("longhaul-storm-").tempdir().unwrap();
    let options = Options {
        seed: 20_261_121,
        length: Length::Submissions(300),
        kills: 12,
        nodes: 1,
        shards: 4,
        strict: false,
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
    assert_eq!(report.kills, 12);
    assert!(report.acknowledged >= 300);
}
