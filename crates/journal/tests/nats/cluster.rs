//! Three servers, each stream kept on all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::StreamExt as _;
use longhaul_broker::Cluster;
use longhaul_core::Sequence;
use longhaul_journal::nats::{Auth, ConnectOptions, Nats};
use longhaul_journal::port::{Append, AppendError, Durability, Port};
use longhaul_wire::{Shard, Subject};

use crate::server::{any, binary, connect, first, fresh, soon};

fn options(cluster: &Cluster, at: usize) -> ConnectOptions {
    ConnectOptions {
        auth: Auth::Token(cluster.token().to_owned()),
        replicas: Some(3),
        durability: Some(Durability::Strict),
        monitoring: cluster.servers.iter().map(|server| server.monitoring_url().to_owned()).collect(),
        ..ConnectOptions::new(cluster.servers[at].url())
    }
}

/// Appends to fresh subjects, reading each back over another server, until told to stop.
async fn write(writer: Arc<Nats>, reader: Arc<Nats>, stop: Arc<AtomicBool>) -> Vec<(Subject, Sequence)> {
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let subject = fresh(1);
        match writer.append(first(&subject, "x")).await {
            Ok(sequence) => {
                if let Ok(read) = reader.read(&subject, Sequence::ZERO).await {
                    let read: Vec<_> = read.iter().map(|stored| stored.sequence).collect();
                    assert_eq!(read, [sequence], "a stale read");
                }
                acknowledged.push((subject, sequence));
            }
            Err(AppendError::Conflict { .. }) => panic!("nobody else writes to {subject}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_strong_and_nothing_is_lost_when_the_leader_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let strict = longhaul_broker::Durability::Strict;
    let mut cluster = Cluster::start(&binary().await, directory.path(), 3, strict).await.unwrap();
    let (one, two) = (connect(options(&cluster, 0)).await, connect(options(&cluster, 1)).await);
    assert_eq!(one.info().durability, Durability::Strict);
    let mut follower = two.follow(Shard(0), Sequence::ZERO).await.unwrap();

    // A chain on one subject, read over another server after each link.
    let subject = fresh(1);
    let mut last = Sequence::ZERO;
    for n in 1..=200 {
        let append = Append { subject: subject.clone(), expect: Some(last), body: "x".into() };
        last = one.append(append).await.unwrap();
        let read = two.read(&subject, Sequence::ZERO).await.unwrap();
        assert_eq!((read.len(), read.last().unwrap().sequence), (n, last));
        assert_eq!(two.last(&subject).await.unwrap().unwrap().sequence, last);
    }

    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let (writer, reader) = if n % 2 == 0 { (&one, &two) } else { (&two, &one) };
            tokio::spawn(write(Arc::clone(writer), Arc::clone(reader), Arc::clone(&stop)))
        })
        .collect();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let leader = leader(&cluster).await;
        cluster.servers[leader].kill().await.unwrap();
        // The other two go on without it.
        soon("an append", async {
            let stopped = connect_to_living(&cluster, leader).await;
            while stopped.append(any(&fresh(1), "again")).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        cluster.servers[leader].restart().await.unwrap();
        cluster.ready().await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(soon("a writer's end", writer).await.unwrap());
    }
    assert!(acknowledged.len() > 50, "{}", acknowledged.len());
    let end = soon("an append", async {
        loop {
            match one.append(any(&fresh(1), "end")).await {
                Ok(end) => return end,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    for (subject, sequence) in &acknowledged {
        let read = two.read(subject, Sequence::ZERO).await.unwrap();
        assert_eq!(read.iter().map(|stored| stored.sequence).collect::<Vec<_>>(), [*sequence]);
    }
    for expected in 1..=end.0 {
        let seen = soon("the next message", follower.next()).await.unwrap().unwrap();
        assert_eq!(seen.sequence.0, expected);
    }
}

async fn connect_to_living(cluster: &Cluster, dead: usize) -> Arc<Nats> {
    let living = ConnectOptions {
        durability: None,
        monitoring: Vec::new(),
        ..options(cluster, (dead + 1) % cluster.servers.len())
    };
    loop {
        match Nats::connect(&living).await {
            Ok(nats) => return Arc::new(nats),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Which server leads the log's first stream.
async fn leader(cluster: &Cluster) -> usize {
    let token = async_nats::ConnectOptions::with_token(cluster.token().to_owned());
    let client = token.connect(cluster.servers[0].url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("LH_LOG_0").await.unwrap();
    let name = stream.cached_info().cluster.as_ref().unwrap().leader.clone().unwrap();
    for (at, server) in cluster.servers.iter().enumerate() {
        let varz: serde_json::Value = serde_json::from_str(&server.monitor("/varz").await.unwrap()).unwrap();
        if varz["server_name"] == name.as_str() {
            return at;
        }
    }
    panic!("no server is called {name}");
}
