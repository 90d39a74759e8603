//! Three servers that form a cluster, with a road of its own between any two of them.

use std::collections::HashMap;
use std::path::Path;

use longhaul_broker::{Cluster, Durability, Road};
use longhaul_journal::{Auth, ConnectOptions, Journal};
use serde_json::Value;
use tempfile::TempDir;

use super::place::start;
use super::proxy::Proxy;
use crate::process::longhaul;
use crate::{Process, eventually};

/// A cluster and a log kept on all of its servers.
pub struct Nodes {
    /// The servers.
    pub cluster: Cluster,
    /// The log, over a connection of the test's own to whichever server is there.
    pub journal: Journal,
    roads: HashMap<(usize, usize), Proxy>,
    folder: TempDir,
}

impl Nodes {
    /// Three servers and a fresh log with so many shards.
    ///
    /// # Panics
    /// If they do not come up.
    pub async fn new(shards: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let binary = tokio::task::spawn_blocking(|| {
            let options = longhaul_broker::Options::from_env();
            longhaul_broker::locate(&options, &mut longhaul_broker::talk_on_stderr())
        });
        let binary = binary.await.expect("joined").unwrap_or_else(|error| panic!("{error}"));
        let mut roads = HashMap::new();
        let road = |road: Road| {
            let proxy = Proxy::start(&format!("127.0.0.1:{}", road.port));
            let begins = proxy.address().port();
            roads.insert((road.from, road.to), proxy);
            begins
        };
        let directory = folder.path().join("nats");
        let cluster = Cluster::start_apart(&binary, &directory, 3, Durability::Relaxed, road).await;
        let cluster = cluster.unwrap_or_else(|error| panic!("{error}"));
        let options = ConnectOptions {
            shards: Some(shards),
            replicas: Some(cluster.servers.len()),
            ..options(&cluster.urls().join(","), cluster.token())
        };
        let journal = Journal::connect(&options).await.unwrap_or_else(|error| panic!("{error:?}"));
        Self { cluster, journal, roads, folder }
    }

    /// A journal that knows of one server only.
    ///
    /// # Panics
    /// If it cannot connect.
    pub async fn journal_at(&self, node: usize) -> Journal {
        super::journal_at(self.cluster.urls()[node], self.cluster.token()).await
    }

    /// Where files may lie.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts `longhaul ARGS` as a service that knows of all servers.
    pub fn start(&self, name: &str, args: &[&str]) -> Process {
        let mut command = longhaul(self.path(), args);
        command
            .env("LONGHAUL_NATS", self.cluster.urls().join(","))
            .env("LONGHAUL_TOKEN", self.cluster.token());
        start(command, self.path(), name)
    }

    /// Which server leads a stream, by the word of one that runs.
    pub async fn leader(&self, stream: &str) -> usize {
        eventually(&format!("a leader of {stream}"), async || {
            for server in self.cluster.servers.iter().filter(|server| server.is_running()) {
                let Ok(answer) = server.monitor("/jsz?streams=true").await else { continue };
                let answer: Value = serde_json::from_str(&answer).ok()?;
                let streams = answer["account_details"].as_array()?.iter();
                let known =
                    streams.flat_map(|account| account["stream_detail"].as_array().into_iter().flatten());
                let leader = known
                    .filter(|detail| detail["name"] == stream)
                    .find_map(|detail| detail["cluster"]["leader"].as_str().map(str::to_owned));
                // `longhaul-2-…`: counted from 1.
                if let Some(place) = leader.and_then(|name| name.split('-').nth(1)?.parse::<usize>().ok()) {
                    return Some(place - 1);
                }
            }
            None
        })
        .await
    }

    /// Cuts a server off from the others, and waits until it knows of none of them.
    ///
    /// # Panics
    /// If there is another way to it.
    pub async fn isolate(&self, node: usize) {
        for (_, road) in self.roads_of(node) {
            road.close(true);
        }
        eventually("a server without routes", async || {
            let answer = self.cluster.servers[node].monitor("/routez").await.ok()?;
            let routes: Value = serde_json::from_str(&answer).ok()?;
            (routes["num_routes"] == 0).then_some(())
        })
        .await;
    }

    /// Opens all roads, and waits until the servers work together again.
    ///
    /// # Panics
    /// If they do not.
    pub async fn heal(&self) {
        for road in self.roads.values() {
            road.close(false);
        }
        self.cluster.ready().await.unwrap_or_else(|error| panic!("{error}"));
    }

    fn roads_of(&self, node: usize) -> impl Iterator<Item = (&(usize, usize), &Proxy)> {
        self.roads.iter().filter(move |((from, to), _)| *from == node || *to == node)
    }
}

fn options(url: &str, token: &str) -> ConnectOptions {
    ConnectOptions {
        auth: Auth::Token(token.to_owned()),
        durability_known: Some(longhaul_journal::Durability::Relaxed),
        ..ConnectOptions::new(url)
    }
}
