//! Dispatches over crashes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::StreamExt as _;
use longhaul_core::Kind;
use longhaul_journal::PortError;
use longhaul_journal::nats::Nats;
use longhaul_journal::port::{Durability, Port};
use longhaul_wire::{Shard, Subject};
use tokio::sync::mpsc;

use crate::server::{Place, any, soon, start};

fn runs(kind: &str) -> Subject {
    Subject::dispatch(Shard(0), &Kind::new(kind).unwrap())
}

/// Settles whatever comes and tells of it.
async fn work(nats: Arc<Nats>, subject: Subject, told: mpsc::UnboundedSender<String>) {
    let mut taker = nats.take(&subject, 8).await.unwrap();
    while let Some(delivery) = taker.next().await {
        let delivery = delivery.unwrap();
        let body = String::from_utf8(delivery.body().to_vec()).unwrap();
        // A settlement that is lost means one more delivery.
        let _ = delivery.done().await;
        if told.send(body).is_err() {
            return;
        }
    }
}

/// A kill takes with it what the server acknowledged and had not written yet: dispatches wait for no
/// disk. So what has not arrived is handed out again, as schedulers do.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_out_until_it_is_taken_arrives_over_crashes() {
    let mut place = start(Durability::Strict).await;
    let connections = [place.connect(1).await, place.connect(1).await];
    let subject = runs("report");
    let (sender, mut told) = mpsc::unbounded_channel();
    let takers: Vec<_> = (0..4)
        .map(|n| tokio::spawn(work(Arc::clone(&connections[n % 2]), subject.clone(), sender.clone())))
        .collect();
    let mut wanted = Vec::new();
    for round in 0..4 {
        for n in 0..50 {
            let body = format!("{round}.{n}");
            soon("a dispatch", async {
                while connections[0].append(any(&subject, body.clone())).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
            .await;
            wanted.push(body);
        }
        if round < 3 {
            place.crash(Duration::from_millis(100)).await;
        }
    }
    let mut seen = HashSet::new();
    soon("every delivery", async {
        while !wanted.iter().all(|body| seen.contains(body)) {
            match tokio::time::timeout(Duration::from_secs(1), told.recv()).await {
                Ok(body) => drop(seen.insert(body.unwrap())),
                Err(_) => {
                    for body in wanted.iter().filter(|body| !seen.contains(*body)) {
                        let _ = connections[0].append(any(&subject, body.clone())).await;
                    }
                }
            }
        }
    })
    .await;
    for taker in takers {
        taker.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_taker_goes_on_after_a_crash_and_a_freeze() {
    let mut place = start(Durability::Strict).await;
    let nats = place.connect(1).await;
    let subject = runs("report");
    let mut taker = nats.take(&subject, 1).await.unwrap();
    let mut take_one = async |place: &Place, body: &'static str| {
        let writer = place.connect(1).await;
        writer.append(any(&subject, body)).await.unwrap();
        // A settlement is a hint: a crash may make the server forget it.
        loop {
            let delivery = soon("a delivery", taker.next()).await.unwrap().unwrap();
            delivery.done().await.unwrap();
            if &delivery.body()[..] == body.as_bytes() {
                return;
            }
        }
    };
    take_one(&place, "before").await;
    place.crash(Duration::from_millis(200)).await;
    take_one(&place, "after the crash").await;
    place.server.freeze().unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    place.server.thaw().unwrap();
    take_one(&place, "after the freeze").await;
}

/// What was on its way to a taker that went is not kept from others for long.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_taker_did_not_look_at_goes_to_others_at_once() {
    let place = start(Durability::Relaxed).await;
    let (one, other) = (place.connect(1).await, place.connect(1).await);
    let subject = runs("report");
    let mut unread = one.take(&subject, 10).await.unwrap();
    for n in 0..10 {
        one.append(any(&subject, format!("{n}"))).await.unwrap();
    }
    let looked_at = soon("a delivery", unread.next()).await.unwrap().unwrap();
    looked_at.done().await.unwrap();
    // All ten were delivered to it.
    let stream = place.operator().await.get_stream("LH_RUN_0").await.unwrap();
    soon("the deliveries", async {
        while stream.consumer_info("run_report").await.unwrap().delivered.consumer_sequence < 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    // What was sent before an answer arrived before it.
    for _ in 0..3 {
        one.head(Shard(0)).await.unwrap();
    }
    drop((looked_at, unread));
    let mut taker = other.take(&subject, 10).await.unwrap();
    let started = std::time::Instant::now();
    for _ in 1..10 {
        soon("a delivery", taker.next()).await.unwrap().unwrap().done().await.unwrap();
    }
    assert!(started.elapsed() < longhaul_wire::topology::DISPATCH_WAIT, "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_of_somebody_elses_is_left_alone() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    let stream = place.operator().await.get_stream("LH_RUN_0").await.unwrap();
    let other = async_nats::jetstream::consumer::pull::Config {
        durable_name: Some("run_report".to_owned()),
        filter_subject: "lh.0.run.other".to_owned(),
        ..Default::default()
    };
    stream.create_consumer(other).await.unwrap();
    let refused = nats.take(&runs("report"), 1).await.err();
    assert!(
        matches!(&refused, Some(PortError::Misconfigured(why)) if why.contains("lh.0.run.other")),
        "{refused:?}"
    );
    let consumer = stream.consumer_info("run_report").await.unwrap();
    assert_eq!(consumer.config.filter_subject, "lh.0.run.other");
    // A subject that holds no dispatches has no takers.
    let task = crate::server::fresh(1);
    assert!(matches!(nats.take(&task, 1).await.err(), Some(PortError::Misconfigured(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn takers_that_start_at_once_share_one_consumer() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    let subject = runs("report");
    let takers = futures::future::join_all((0..16).map(|_| nats.take(&subject, 1))).await;
    assert!(takers.iter().all(Result::is_ok));
    let stream = place.operator().await.get_stream("LH_RUN_0").await.unwrap();
    let names: Vec<String> = stream.consumer_names().map(Result::unwrap).collect().await;
    assert_eq!(names, ["run_report"]);
}
