//! Following over everything that can happen to a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{BoxStream, StreamExt as _};
use longhaul_core::Sequence;
use longhaul_journal::PortError;
use longhaul_journal::nats::Nats;
use longhaul_journal::port::{Durability, Port, Stored};
use longhaul_wire::Shard;

use crate::server::{any, fresh, soon, start};

type Follower = BoxStream<'static, Result<Stored, PortError>>;

async fn follow(nats: &Nats, after: u64) -> Follower {
    nats.follow(Shard(0), Sequence(after)).await.unwrap()
}

async fn next(follower: &mut Follower) -> Stored {
    soon("the next message", follower.next()).await.unwrap().unwrap()
}

/// Reads from `after` to `to`: every sequence once, in order.
async fn all(follower: &mut Follower, after: u64, to: u64) {
    for expected in after + 1..=to {
        let seen = next(follower).await;
        assert_eq!(seen.sequence.0, expected);
    }
}

async fn append_many(nats: &Nats, count: usize, bytes: usize) -> u64 {
    let body = bytes::Bytes::from(vec![b'x'; bytes]);
    let subject = fresh(1);
    let mut last = 0;
    for some in (0..count).collect::<Vec<_>>().chunks(500) {
        for stored in join_all(some.iter().map(|_| nats.append(any(&subject, body.clone())))).await {
            last = last.max(stored.unwrap().0);
        }
    }
    last
}

/// Appends until told to stop; gives what was acknowledged.
async fn write(nats: Arc<Nats>, stop: Arc<AtomicBool>) -> Vec<Sequence> {
    let subject = fresh(1);
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        acknowledged.extend(nats.append(any(&subject, "x")).await.ok());
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_misses_and_repeats_nothing_over_crashes_under_load() {
    let mut place = start(Durability::Strict).await;
    let nats = place.connect(1).await;
    let mut follower = follow(&nats, 0).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> =
        (0..24).map(|_| tokio::spawn(write(Arc::clone(&nats), Arc::clone(&stop)))).collect();
    let reader = tokio::spawn(async move {
        let mut seen: Vec<Sequence> = Vec::new();
        loop {
            let message = next(&mut follower).await;
            if &message.body[..] == b"end" {
                return seen;
            }
            seen.push(message.sequence);
        }
    });
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        place.crash(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(soon("a writer's end", writer).await.unwrap());
    }
    let end = nats.append(any(&fresh(1), "end")).await.unwrap();
    let seen = soon("the follower's end", reader).await.unwrap();
    let expected: Vec<_> = (1..end.0).map(Sequence).collect();
    assert!(seen == expected, "{} of {} seen", seen.len(), expected.len());
    assert!(acknowledged.iter().all(|sequence| seen.binary_search(sequence).is_ok()));
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_follower_goes_on_after_a_crash() {
    let mut place = start(Durability::Strict).await;
    let nats = place.connect(1).await;
    let last = append_many(&nats, 3, 10).await;
    let mut follower = follow(&nats, 0).await;
    all(&mut follower, 0, last).await;
    place.crash(Duration::from_millis(500)).await;
    let back = std::time::Instant::now();
    let writer = place.connect(1).await;
    let sequence = writer.append(any(&fresh(1), "after")).await.unwrap();
    let seen = next(&mut follower).await;
    eprintln!("seen {:?} after the server was back", back.elapsed());
    assert_eq!((seen.sequence, seen.pending), (sequence, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_goes_on_after_a_frozen_server_thaws() {
    let place = start(Durability::Strict).await;
    let nats = place.connect(1).await;
    let last = append_many(&nats, 3, 10).await;
    let mut follower = follow(&nats, 0).await;
    all(&mut follower, 0, last).await;
    place.server.freeze().unwrap();
    // Longer than a follower bears silence.
    let silent = tokio::time::timeout(Duration::from_secs(12), follower.next()).await;
    assert!(silent.is_err());
    place.server.thaw().unwrap();
    let last = append_many(&nats, 50, 10).await;
    all(&mut follower, 3, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_whose_consumer_is_deleted_makes_another() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    let last = append_many(&nats, 10, 10).await;
    let mut follower = follow(&nats, 0).await;
    all(&mut follower, 0, last).await;
    let stream = place.operator().await.get_stream("LH_LOG_0").await.unwrap();
    let names: Vec<String> = stream.consumer_names().map(Result::unwrap).collect().await;
    assert_eq!(names.len(), 1);
    stream.delete_consumer(&names[0]).await.unwrap();
    let last = append_many(&nats, 10, 10).await;
    all(&mut follower, 10, last).await;
}

/// It holds little meanwhile, and the server does not cut it off.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_does_not_read_for_a_while_misses_nothing() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    let mut follower = follow(&nats, 0).await;
    let last = append_many(&nats, 10, 10).await;
    all(&mut follower, 0, last).await;
    // 48 MB, three times what the server holds for a client.
    let last = append_many(&nats, 3000, 16 << 10).await;
    let nudge = tokio::time::timeout(Duration::from_secs(12), std::future::pending::<()>()).await;
    assert!(nudge.is_err());
    all(&mut follower, 10, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_messages_come_through() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    let mut follower = follow(&nats, 0).await;
    let largest = nats.info().max_message;
    let subject = fresh(1);
    for n in 1..=6_u64 {
        nats.append(any(&subject, vec![b'x'; largest])).await.unwrap();
        let small = nats.append(any(&subject, "small")).await.unwrap();
        assert_eq!(small.0, 2 * n);
    }
    for n in 1..=12 {
        let seen = next(&mut follower).await;
        assert_eq!((seen.sequence.0, seen.pending), (n, 12 - n));
        assert_eq!(seen.body.len(), if n % 2 == 1 { largest } else { 5 });
    }
    let read = nats.read(&subject, Sequence::ZERO).await.unwrap();
    assert_eq!(read.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_forgotten_is_left_out() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    let last = append_many(&nats, 2000, 10).await;
    let forgotten: Vec<_> = (1..=last).filter(|n| n % 3 == 0).map(Sequence).collect();
    nats.forget(Shard(0), &forgotten).await.unwrap();
    let mut follower = follow(&nats, 0).await;
    for expected in (1..=last).filter(|n| n % 3 != 0) {
        assert_eq!(next(&mut follower).await.sequence.0, expected);
    }
}

/// Waiting in silence for sequences that somebody else will get would be worse than an end.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_its_end_is_noticed() {
    let mut place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    let last = append_many(&nats, 10, 10).await;
    let mut follower = follow(&nats, 0).await;
    all(&mut follower, 0, last).await;
    let operator = place.operator().await;
    let config = operator.get_stream("LH_LOG_0").await.unwrap().cached_info().config.clone();
    operator.delete_stream("LH_LOG_0").await.unwrap();
    operator.create_stream(config).await.unwrap();
    place.crash(Duration::ZERO).await;
    let end = soon("the end", follower.next()).await;
    assert!(matches!(&end, Some(Err(PortError::Corrupt(why))) if why.contains("lost its end")), "{end:?}");
    assert!(follower.next().await.is_none());
    let refused = nats.follow(Shard(0), Sequence(last)).await.err();
    assert!(matches!(refused, Some(PortError::Corrupt(_))), "{refused:?}");
}
