//! Making the log, and leaving alone what is there.

use futures::future::join_all;
use longhaul_journal::PortError;
use longhaul_journal::nats::{Auth, ConnectOptions, Nats};
use longhaul_journal::port::{Durability, Port};

use crate::server::{connect, custom, first, fresh, refused, start};

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_make_one_log() {
    let place = start(Durability::Relaxed).await;
    let options = ConnectOptions { shards: Some(4), ..place.options() };
    let all = join_all((0..12).map(|_| Nats::connect(&options))).await;
    for nats in all {
        assert_eq!(nats.unwrap().info().shards, 4);
    }
    assert_eq!(
        streams(&place).await,
        ["LH_BEATS", "LH_CELLS", "LH_LOG_0", "LH_LOG_1", "LH_LOG_2", "LH_LOG_3", "OBJ_LH_FILES"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_disagree_on_shards_do_not_make_a_mixture() {
    let place = start(Durability::Relaxed).await;
    let asked = [1, 4, 1, 4, 1, 4].map(|shards| ConnectOptions { shards: Some(shards), ..place.options() });
    let outcomes = join_all(asked.iter().map(Nats::connect)).await;
    let made = connect(place.options()).await.info().shards;
    for (options, outcome) in asked.iter().zip(outcomes) {
        match outcome {
            Ok(_) => assert_eq!(options.shards, Some(made)),
            Err(PortError::Misconfigured(_)) => assert_ne!(options.shards, Some(made)),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_shards_is_what_the_log_was_made_with() {
    let place = start(Durability::Relaxed).await;
    assert_eq!(place.connect(3).await.info().shards, 3);
    assert_eq!(connect(place.options()).await.info().shards, 3);
    let why = refused(ConnectOptions { shards: Some(2), ..place.options() }).await;
    assert!(matches!(why, PortError::Misconfigured(_)));
    assert!(why.to_string().contains("has 3 shards, and 2 were asked for"), "{why}");
    let why = refused(ConnectOptions { shards: Some(0), ..place.options() }).await.to_string();
    assert!(why.contains("has 3 shards"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_otherwise_is_named_and_left_alone() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    let subject = fresh(1);
    nats.append(first(&subject, "kept")).await.unwrap();
    let operator = place.operator().await;
    let mut config = operator.get_stream("LH_LOG_0").await.unwrap().cached_info().config.clone();
    config.max_age = std::time::Duration::from_secs(3600);
    config.discard = async_nats::jetstream::stream::DiscardPolicy::Old;
    operator.update_stream(&config).await.unwrap();
    let why = refused(place.options()).await;
    assert!(matches!(why, PortError::Misconfigured(_)), "{why}");
    let why = why.to_string();
    for expected in ["LH_LOG_0", "max_age: wanted 0ns, found 3600s", "discard: wanted New, found Old"] {
        assert!(why.contains(expected), "{expected} in: {why}");
    }
    let mut found = operator.get_stream("LH_LOG_0").await.unwrap();
    assert_eq!(found.info().await.unwrap().config.max_age, config.max_age);
    assert_eq!(found.info().await.unwrap().state.messages, 1);
    // An operator's own limits are no such difference.
    config.max_age = std::time::Duration::ZERO;
    config.discard = async_nats::jetstream::stream::DiscardPolicy::New;
    config.max_bytes = 1 << 30;
    operator.update_stream(&config).await.unwrap();
    connect(place.options()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_stream_is_left_alone() {
    let place = start(Durability::Relaxed).await;
    let operator = place.operator().await;
    let own = async_nats::jetstream::stream::Config {
        name: "LH_LOG_0".to_owned(),
        subjects: vec!["somebody.else.>".to_owned()],
        ..Default::default()
    };
    operator.create_stream(own).await.unwrap();
    let why = refused(place.options()).await;
    assert!(matches!(why, PortError::Misconfigured(_)), "{why}");
    assert!(why.to_string().contains("not made by longhaul"), "{why}");
    let found = operator.get_stream("LH_LOG_0").await.unwrap();
    assert_eq!(found.cached_info().config.subjects, ["somebody.else.>"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_two_streams_is_made_good() {
    let place = start(Durability::Relaxed).await;
    place.connect(4).await;
    let operator = place.operator().await;
    for name in ["LH_LOG_2", "LH_BEATS", "LH_CELLS"] {
        operator.delete_stream(name).await.unwrap();
    }
    assert_eq!(connect(place.options()).await.info().shards, 4);
    operator.get_stream("LH_LOG_2").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn less_durability_than_asked_for_is_refused() {
    let (strict, relaxed) = (start(Durability::Strict).await, start(Durability::Relaxed).await);
    let asking = |place: &crate::server::Place, asked, monitoring: &[&str]| ConnectOptions {
        durability: Some(asked),
        durability_known: None,
        monitoring: monitoring.iter().map(|url| (*url).to_owned()).collect(),
        ..place.options()
    };
    let (at_strict, at_relaxed) = (strict.server.monitoring_url(), relaxed.server.monitoring_url());
    for (place, asked, monitoring, found) in [
        (&strict, Durability::Strict, at_strict, Durability::Strict),
        (&strict, Durability::Relaxed, at_strict, Durability::Strict),
        (&relaxed, Durability::Relaxed, at_relaxed, Durability::Relaxed),
    ] {
        assert_eq!(connect(asking(place, asked, &[monitoring])).await.info().durability, found);
    }
    for (place, asked, monitoring, expected) in [
        (&relaxed, Durability::Strict, &[at_relaxed][..], "what is in force is Relaxed"),
        (&strict, Durability::Strict, &[], "it is not known what is in force"),
        // Another server's word proves nothing.
        (&relaxed, Durability::Strict, &[at_strict], "it is not known what is in force"),
    ] {
        let why = refused(asking(place, asked, monitoring)).await;
        assert!(matches!(why, PortError::Misconfigured(_)), "{why}");
        assert!(why.to_string().contains(expected), "{why}");
    }
    // Who is refused has made nothing: the next one may still say how many shards there are.
    let fresh = start(Durability::Relaxed).await;
    refused(asking(&fresh, Durability::Strict, &[fresh.server.monitoring_url()])).await;
    assert!(streams(&fresh).await.is_empty());
}

async fn streams(place: &crate::server::Place) -> Vec<String> {
    let mut names: Vec<String> =
        futures::TryStreamExt::try_collect(place.operator().await.stream_names()).await.unwrap();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_reads_makes_nothing() {
    let place = start(Durability::Relaxed).await;
    let reading = ConnectOptions { existing: true, ..place.options() };
    let why = refused(reading.clone()).await;
    assert!(why.to_string().contains("there is no log here"), "{why}");
    assert!(streams(&place).await.is_empty());
    place.connect(2).await;
    assert_eq!(connect(reading).await.info().shards, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_jetstream_is_no_log() {
    let server = custom(|_| String::new()).await;
    let why = refused(ConnectOptions::new(&server.url)).await;
    assert!(matches!(why, PortError::Misconfigured(_)), "{why}");
    assert!(why.to_string().contains("no JetStream"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_learns_why() {
    let place = start(Durability::Relaxed).await;
    let wrong = ConnectOptions { auth: Auth::Token("wrong".to_owned()), ..place.options() };
    let why = refused(wrong).await;
    assert!(matches!(why, PortError::Refused(_)), "{why:?}");
    assert!(!format!("{why}").contains(place.server.token()), "{why}");
    let nobody = refused(ConnectOptions::new("nats://127.0.0.1:1")).await;
    assert!(matches!(nobody, PortError::Unreachable(_)), "{nobody:?}");
    let nonsense = refused(ConnectOptions::new("http://[")).await;
    assert!(matches!(nonsense, PortError::Misconfigured(_) | PortError::Unreachable(_)), "{nonsense:?}");
    // The token may stand in the URL, as for other clients.
    let url = ConnectOptions::new(place.server.url_with_token());
    assert_eq!(connect(url).await.info().shards, 1);
}
