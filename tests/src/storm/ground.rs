//! What the storm rages over: one nats-server or a cluster of three, and the roads to them.

use std::path::Path;
use std::time::Duration;

use longhaul_broker::{Cluster, Durability as Sync, Road, Server, ServerBinary, ServerConfig};
use longhaul_journal::{Auth, ConnectOptions, Durability, Journal};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::fault::Proxy;

/// How long a server that was started again may take, its port included.
const BACK_WITHIN: Duration = Duration::from_secs(90);

/// The servers and the roads to them.
pub struct Ground {
    /// Each may be down or frozen; whoever holds it does that.
    pub servers: Vec<Mutex<Server>>,
    /// One before each server.
    pub roads: Vec<Proxy>,
    /// Of a cluster: from which server, to which.
    between: Vec<(usize, usize, Proxy)>,
    direct: String,
    token: String,
    durability: Durability,
}

impl Ground {
    /// Starts the servers in `dir` and makes the log.
    ///
    /// # Errors
    /// If there is no nats-server or it does not come up.
    pub async fn prepare(dir: &Path, nodes: usize, shards: u16, strict: bool) -> anyhow::Result<Self> {
        let binary = locate().await?;
        let sync = if strict { Sync::Strict } else { Sync::Relaxed };
        let mut between = Vec::new();
        let servers = if nodes == 1 {
            let config = ServerConfig { durability: sync, ..ServerConfig::new(dir) };
            vec![Server::start(&binary, config).await?]
        } else {
            let road = |Road { from, to, port }| {
                let road = Proxy::start(&format!("127.0.0.1:{port}"));
                let begins = road.address().port();
                between.push((from, to, road));
                begins
            };
            Cluster::start_apart(&binary, dir, nodes, sync, road).await?.servers
        };
        let urls: Vec<&str> = servers.iter().map(Server::url).collect();
        let ground = Self {
            direct: urls.join(","),
            token: servers[0].token().to_owned(),
            durability: if strict { Durability::Strict } else { Durability::Relaxed },
            roads: urls.iter().map(|url| Proxy::start(url)).collect(),
            servers: servers.into_iter().map(Mutex::new).collect(),
            between,
        };
        let options = ConnectOptions {
            shards: Some(shards),
            replicas: (nodes > 1).then_some(nodes),
            ..ground.options(&ground.direct)
        };
        // A cluster that has just agreed on a leader refuses the first streams now and then.
        for _ in 0..30 {
            if Journal::connect(&options).await.is_ok() {
                return Ok(ground);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Journal::connect(&options).await?;
        Ok(ground)
    }

    fn options(&self, url: &str) -> ConnectOptions {
        ConnectOptions {
            auth: Auth::Token(self.token.clone()),
            durability_known: Some(self.durability),
            ..ConnectOptions::new(url)
        }
    }

    /// A connection that the faults of the roads do not reach.
    ///
    /// # Errors
    /// If it does not come about.
    pub async fn calm(&self) -> anyhow::Result<Journal> {
        Ok(Journal::connect(&self.options(&self.direct)).await?)
    }

    /// A connection over the roads, as the services have.
    ///
    /// # Errors
    /// If it does not come about.
    pub async fn exposed(&self) -> anyhow::Result<Journal> {
        Ok(Journal::connect(&self.options(&self.exposed_urls())).await?)
    }

    /// Where services find the log: over the roads.
    pub fn exposed_urls(&self) -> String {
        self.roads.iter().map(Proxy::url).collect::<Vec<_>>().join(",")
    }

    /// The secret that lets clients in.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Which server leads the most streams; the first where none says so.
    pub async fn leader(&self) -> usize {
        let mut leads = vec![0; self.servers.len()];
        for (n, server) in self.servers.iter().enumerate() {
            let Ok(server) = server.try_lock() else { continue };
            let (Ok(me), Ok(streams)) =
                (server.monitor("/varz").await, server.monitor("/jsz?streams=true").await)
            else {
                continue;
            };
            leads[n] = led(&me, &streams);
        }
        (0..leads.len()).max_by_key(|n| leads[*n]).unwrap_or(0)
    }

    /// Cuts a server off from the others of its cluster, or lets it back in. Services still reach it.
    pub fn isolate(&self, server: usize, on: bool) {
        let its = self.between.iter().filter(|(from, to, _)| [*from, *to].contains(&server));
        its.for_each(|(_, _, road)| road.close(on));
    }

    /// Starts a server again until it is there.
    ///
    /// # Panics
    /// If it does not come back.
    pub async fn bring_back(server: &mut Server) {
        let begun = std::time::Instant::now();
        while let Err(error) = server.restart().await {
            assert!(begun.elapsed() < BACK_WITHIN, "a nats-server does not come back: {error}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn locate() -> anyhow::Result<ServerBinary> {
    let locate = || {
        longhaul_broker::locate(&longhaul_broker::Options::from_env(), &mut longhaul_broker::talk_on_stderr())
    };
    Ok(tokio::task::spawn_blocking(locate).await??)
}

/// How many streams a server says it leads.
fn led(varz: &str, jsz: &str) -> usize {
    let read = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (me, answer) = (read(varz), read(jsz));
    let accounts = answer["account_details"].as_array();
    let streams = accounts.into_iter().flatten().filter_map(|account| account["stream_detail"].as_array());
    let leader = |stream: &&Value| stream["cluster"]["leader"].as_str() == me["server_name"].as_str();
    streams.flatten().filter(|stream| stream["cluster"]["leader"].is_string()).filter(leader).count()
}
