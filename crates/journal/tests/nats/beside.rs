//! What lies beside the log: heartbeats, words, objects, services.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::StreamExt as _;
use longhaul_core::ExecutorId;
use longhaul_journal::port::{Durability, Port};
use longhaul_journal::{PortError, ServiceSpec, new_id};
use longhaul_wire::sha256;

use crate::server::{connect, soon, start};

/// A crash may cost the last beats, but not their stream: nobody who may make it again is needed.
#[tokio::test(flavor = "multi_thread")]
async fn beats_go_on_after_a_crash() {
    let mut place = start(Durability::Strict).await;
    let nats = place.connect(1).await;
    let executor = new_id::<ExecutorId>().to_string();
    let mut beats = nats.beats().await.unwrap();
    for n in 0..10_u8 {
        nats.beat(&executor, Bytes::from(vec![n])).await.unwrap();
    }
    while soon("a beat", beats.next()).await.unwrap().unwrap()[..] != [9] {}
    place.crash(Duration::from_millis(100)).await;
    place.operator().await.get_stream("LH_BEATS").await.unwrap();
    soon("a beat's acknowledgement", async {
        while nats.beat(&executor, Bytes::from_static(&[10])).await.is_err() {}
    })
    .await;
    while soon("a beat", beats.next()).await.unwrap().unwrap()[..] != [10] {}
    assert!(matches!(nats.beat("a.b", Bytes::new()).await, Err(PortError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_hears_on_after_a_crash() {
    let mut place = start(Durability::Strict).await;
    let nats = place.connect(1).await;
    let mut heard = nats.listen("lh.live.acme.*").await.unwrap();
    place.crash(Duration::from_millis(100)).await;
    let speaker = connect(place.options()).await;
    soon("a word", async {
        loop {
            speaker.say("lh.live.acme.t", Bytes::from_static(b"word")).await.unwrap();
            let next = tokio::time::timeout(Duration::from_millis(200), heard.next()).await;
            if let Ok(Some((subject, body))) = next {
                assert_eq!((subject.as_str(), &body[..]), ("lh.live.acme.t", &b"word"[..]));
                return;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_survive_a_crash_and_damage_is_noticed() {
    let mut place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    let body: Bytes = (0..80_u32 << 18).flat_map(u32::to_le_bytes).collect::<Vec<u8>>().into();
    assert_eq!(body.len(), 80 << 20);
    let digest = sha256(&body);
    nats.put(digest, body.clone()).await.unwrap();
    place.crash(Duration::ZERO).await;
    assert!(nats.get(digest).await.unwrap() == body);
    // Storing it again stores nothing.
    let operator = place.operator().await;
    let stored =
        async || operator.get_stream("OBJ_LH_FILES").await.unwrap().cached_info().state.last_sequence;
    let before = stored().await;
    nats.put(digest, body.clone()).await.unwrap();
    assert_eq!(stored().await, before);
    // Any client knows it as an object of the store.
    let store = operator.get_object_store("LH_FILES").await.unwrap();
    assert_eq!(store.info(digest.to_string()).await.unwrap().size, body.len());
    // A piece of it goes.
    let stream = operator.get_stream("OBJ_LH_FILES").await.unwrap();
    stream.delete_message(7).await.unwrap();
    let damaged = nats.get(digest).await;
    assert!(matches!(&damaged, Err(PortError::Corrupt(why)) if why.contains("damaged")), "{damaged:?}");
}

fn spec() -> ServiceSpec {
    ServiceSpec {
        name: "longhaul".to_owned(),
        version: "0.1.0".to_owned(),
        description: "answers".to_owned(),
        endpoints: vec!["list".to_owned(), "slow".to_owned()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_shared_found_and_there_again_after_a_crash() {
    let mut place = start(Durability::Strict).await;
    let wait = Duration::from_secs(10);
    let mut servers = Vec::new();
    for n in 0..2_u8 {
        let nats = place.connect(1).await;
        let mut questions = nats.serve(spec()).await.unwrap();
        servers.push(tokio::spawn(async move {
            let mut held = Vec::new();
            while let Some(question) = questions.next().await {
                match question.endpoint() {
                    "list" => question.answer(Ok(Bytes::from(vec![n]))).await.unwrap(),
                    // Never answered.
                    _ => held.push(question),
                }
            }
        }));
    }
    let nats = place.connect(1).await;
    let mut answered = [0; 2];
    for _ in 0..100 {
        let answer = nats.ask("longhaul.list", Bytes::new(), wait).await.unwrap().unwrap();
        answered[usize::from(answer[0])] += 1;
    }
    assert!(answered.iter().all(|count| *count > 0), "{answered:?}");
    // `nats micro ls` asks this.
    let client = place.operator().await.client();
    let found = client.request("$SRV.INFO.longhaul", Bytes::new()).await.unwrap();
    let found: serde_json::Value = serde_json::from_slice(&found.payload).unwrap();
    assert_eq!(found["endpoints"].as_array().unwrap().len(), 2, "{found}");

    let silent = nats.ask("longhaul.slow", Bytes::new(), Duration::from_millis(300)).await;
    assert!(
        matches!(&silent, Err(PortError::Unreachable(why)) if why.contains("longhaul.slow")),
        "{silent:?}"
    );

    place.crash(Duration::from_millis(100)).await;
    soon("an answer", async {
        while nats.ask("longhaul.list", Bytes::new(), wait).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for server in servers {
        server.abort();
    }
    let nobody = soon("nobody's answer", async {
        loop {
            match nats.ask("longhaul.list", Bytes::new(), wait).await {
                Err(PortError::NotFound(what)) => return what,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await;
    assert!(nobody.contains("longhaul.list") && nobody.contains("longhaul up"), "{nobody}");
}
