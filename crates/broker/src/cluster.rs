//! Several servers on this machine that form one cluster.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::task::JoinSet;

use crate::directory::{keep_token, make, write_token};
use crate::{ClusterConfig, Durability, Error, Server, ServerBinary, ServerConfig, ports};

/// How long the servers may take to find each other and agree on a leader.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A cluster of servers, all children of this process. For tests and for trying things out: one
/// machine that fails takes all of them along.
#[derive(Debug)]
pub struct Cluster {
    /// The servers. Single ones may be killed and restarted; [`Cluster::ready`] waits until those
    /// that run work together again.
    pub servers: Vec<Server>,
}

/// A way from one server of a cluster to another, by their places in [`Cluster::servers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Road {
    /// Who connects.
    pub from: usize,
    /// To whom.
    pub to: usize,
    /// The port of the latter; the road begins at the port that is given for it.
    pub port: u16,
}

impl Cluster {
    /// Starts `size` servers in directories of their own below `dir` and waits until they work
    /// together. One token opens all of them.
    ///
    /// # Errors
    ///
    /// As [`Server::start`]; [`Error::NotReady`] if they do not find each other.
    pub async fn start(
        binary: &ServerBinary,
        dir: &Path,
        size: usize,
        durability: Durability,
    ) -> Result<Cluster, Error> {
        Cluster::start_over(binary, dir, size, durability, None).await
    }

    /// As [`Cluster::start`], but the servers reach each other only over roads of the caller's: to
    /// make them fail.
    ///
    /// # Errors
    ///
    /// As [`Cluster::start`].
    pub async fn start_apart(
        binary: &ServerBinary,
        dir: &Path,
        size: usize,
        durability: Durability,
        mut road: impl FnMut(Road) -> u16,
    ) -> Result<Cluster, Error> {
        Cluster::start_over(binary, dir, size, durability, Some(&mut road)).await
    }

    async fn start_over(
        binary: &ServerBinary,
        dir: &Path,
        size: usize,
        durability: Durability,
        mut road: Option<&mut dyn FnMut(Road) -> u16>,
    ) -> Result<Cluster, Error> {
        make(dir)?;
        let token = keep_token(dir)?;
        let mut routes = Vec::new();
        while routes.len() < size {
            let port = ports::free(None)?;
            if !routes.contains(&port) {
                routes.push(port);
            }
        }
        let mut starting = JoinSet::new();
        for (place, port) in routes.iter().enumerate() {
            let ways = match &mut road {
                None => routes.clone(),
                Some(road) => (0..size)
                    .filter(|to| *to != place)
                    .map(|to| road(Road { from: place, to, port: routes[to] }))
                    .collect(),
            };
            let config = ServerConfig {
                durability,
                cluster: Some(ClusterConfig {
                    name: "longhaul".to_owned(),
                    server_name: format!("longhaul-{}", place + 1),
                    port: *port,
                    routes: ways,
                    secret: token.clone(),
                    gossip: road.is_none(),
                }),
                ..ServerConfig::new(dir.join((place + 1).to_string()))
            };
            share_token(&config.data_dir, &token)?;
            let binary = binary.clone();
            starting.spawn(async move { (place, Server::start(&binary, config).await) });
        }
        let mut servers = Vec::new();
        while let Some(started) = starting.join_next().await {
            let (place, server) = started.map_err(|error| Error::Io {
                doing: "start a server of the cluster".to_owned(),
                source: error.into(),
            })?;
            servers.push((place, server?));
        }
        servers.sort_by_key(|(place, _)| *place);
        let cluster = Cluster { servers: servers.into_iter().map(|(_, server)| server).collect() };
        cluster.ready().await?;
        Ok(cluster)
    }

    /// The token that opens every server of it.
    #[must_use]
    pub fn token(&self) -> &str {
        self.servers.first().map_or("", Server::token)
    }

    /// Where clients connect: the URL of each server.
    #[must_use]
    pub fn urls(&self) -> Vec<&str> {
        self.servers.iter().map(Server::url).collect()
    }

    /// Waits up to a minute until all servers that run are healthy and see the same leader.
    ///
    /// # Errors
    ///
    /// [`Error::NotReady`] with what is still missing.
    pub async fn ready(&self) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            let Err(missing) = self.agreed().await else {
                return Ok(());
            };
            if started.elapsed() > READY_WITHIN {
                return Err(Error::NotReady {
                    after: started.elapsed(),
                    waiting_for: missing.to_string(),
                    log: "(see the logs of the cluster's servers)".to_owned(),
                });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops all servers gracefully.
    ///
    /// # Errors
    ///
    /// The first that occurs; the other servers are killed then.
    pub async fn stop(self) -> Result<(), Error> {
        for server in self.servers {
            server.stop().await?;
        }
        Ok(())
    }

    async fn agreed(&self) -> Result<(), Error> {
        let mut seen: Option<String> = None;
        for server in self.servers.iter().filter(|server| server.is_running()) {
            server.healthy().await?;
            let problem =
                |why: String| Error::Monitoring { url: format!("{}/jsz", server.monitoring_url()), why };
            let answer: JetStream = serde_json::from_str(&server.monitor("/jsz").await?)
                .map_err(|error| problem(error.to_string()))?;
            let meta = answer.meta_cluster.unwrap_or_default();
            if meta.leader.is_empty() {
                return Err(problem("no leader yet".to_owned()));
            }
            if meta.cluster_size != self.servers.len() {
                return Err(problem(format!("sees {} servers", meta.cluster_size)));
            }
            if *seen.get_or_insert_with(|| meta.leader.clone()) != meta.leader {
                return Err(problem("the servers see different leaders".to_owned()));
            }
        }
        Ok(())
    }
}

/// Has a server's directory open with the cluster's token from its first start on.
fn share_token(data_dir: &Path, token: &str) -> Result<(), Error> {
    make(data_dir)?;
    if data_dir.join("token").exists() {
        return Ok(());
    }
    write_token(data_dir, token)
}

/// What `/jsz` says of the cluster.
#[derive(Debug, Deserialize)]
struct JetStream {
    meta_cluster: Option<Meta>,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(default)]
    leader: String,
    #[serde(default)]
    cluster_size: usize,
}
