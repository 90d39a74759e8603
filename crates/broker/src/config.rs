//! What a server is started with, and the configuration file made of it.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::ports::Ports;

/// What an acknowledgement of the server is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Synced to disk before it is acknowledged: survives a power loss (`sync_interval: always`).
    #[default]
    Strict,
    /// Synced once a second: survives a crash of the server, but a power loss may cost the last
    /// second, and a young stream whole. For development and for what can be done again.
    Relaxed,
}

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where everything of this server lies: its store, configuration, token and log. Made if it
    /// is missing. One server at a time.
    pub data_dir: PathBuf,
    /// What an acknowledgement is worth.
    pub durability: Durability,
    /// The port for clients. None: the one this data directory had last time if it is free, else
    /// any free one.
    pub port: Option<u16>,
    /// The most bytes of streams on disk. None: what they take now and 80 % of what is free.
    ///
    /// A full disk is silent for publishers and needs a restart to heal; this limit is a clear,
    /// immediate refusal instead, so it has to be met first.
    pub max_file_store: Option<u64>,
    /// Its place in a cluster. None: it stands alone.
    pub cluster: Option<ClusterConfig>,
    /// How long the server may take to be ready; large stores take longer to recover.
    pub start_within: Duration,
}

impl ServerConfig {
    /// A strict server that stands alone, on a free port, ready within a minute.
    pub fn new(data_dir: impl Into<PathBuf>) -> ServerConfig {
        ServerConfig {
            data_dir: data_dir.into(),
            durability: Durability::Strict,
            port: None,
            max_file_store: None,
            cluster: None,
            start_within: Duration::from_secs(60),
        }
    }

    /// What the server calls itself: no other server on this machine does.
    pub(crate) fn server_name(&self, directory: &Directory) -> String {
        match &self.cluster {
            Some(cluster) => format!("{}-{}", cluster.server_name, directory.fingerprint()),
            None => format!("longhaul-{}", directory.fingerprint()),
        }
    }
}

/// A server's place in a cluster on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// The cluster's name, the same for all its servers.
    pub name: String,
    /// The server's own name; no two servers of a cluster have the same, and it stays when the
    /// server is started again.
    pub server_name: String,
    /// The port for the other servers.
    pub port: u16,
    /// Such ports of all its servers; its own may be among them.
    pub routes: Vec<u16>,
    /// A secret the servers of the cluster know each other by: letters and digits.
    pub secret: String,
    /// Whether the servers tell each other, and their clients, of all servers they know. Without it
    /// everybody uses only the ways he was given: a proxy in between stays in between.
    pub gossip: bool,
}

/// The most bytes of one message. One commit is one message, and a commit may gather many step
/// results of up to 64 KiB each; the server's default of 1 MiB holds fifteen. 8 MiB is the most
/// the server itself recommends.
const MAX_PAYLOAD: u64 = 8 << 20;

/// The most bytes that wait for one slow client before it is cut off. Bounds the server's memory
/// per client and still holds two of the largest messages.
const MAX_PENDING: u64 = 16 << 20;

/// Streams in memory hold only what may be lost (heartbeats).
const MAX_MEMORY_STORE: u64 = 256 << 20;

/// A port that nobody listens on: it takes a privilege, and nothing uses it.
const NOWHERE: u16 = 1;

/// The log file is begun anew at this size, and this many files are kept.
const LOG_BYTES: u64 = 10 << 20;
const LOG_FILES: u64 = 3;

/// The text of the configuration file. The server's own format includes JSON.
pub(crate) fn render(
    config: &ServerConfig,
    directory: &Directory,
    ports: Ports,
    max_file_store: u64,
) -> String {
    let sync = match config.durability {
        Durability::Strict => "always",
        Durability::Relaxed => "1s",
    };
    let mut file = json!({
        "server_name": config.server_name(directory),
        "listen": loopback(ports.client),
        "http": loopback(ports.monitoring),
        "authorization": { "token": directory.token() },
        "max_payload": MAX_PAYLOAD,
        "max_pending": MAX_PENDING,
        // A client that does not read is cut off rather than waited for.
        "write_deadline": "5s",
        // A frozen client is noticed after 20 s; by default it would be two minutes or more.
        "ping_interval": "10s",
        "ping_max": 2,
        "log_file": directory.log(),
        "log_size_limit": LOG_BYTES,
        "log_max_num": LOG_FILES,
        "jetstream": {
            "store_dir": directory.path(),
            "sync_interval": sync,
            "max_file_store": max_file_store,
            "max_memory_store": MAX_MEMORY_STORE,
        },
    });
    if let Some(cluster) = &config.cluster {
        file["cluster"] = cluster_block(cluster);
    }
    format!("{file:#}\n")
}

fn cluster_block(cluster: &ClusterConfig) -> Value {
    let routes: Vec<_> = cluster
        .routes
        .iter()
        .map(|port| format!("nats-route://longhaul:{}@{}", cluster.secret, loopback(*port)))
        .collect();
    let mut block = json!({
        "name": cluster.name,
        "listen": loopback(cluster.port),
        "authorization": { "user": "longhaul", "password": cluster.secret },
        "routes": routes,
    });
    if !cluster.gossip {
        block["no_advertise"] = json!(true);
        // Servers cannot be told to keep each other to themselves: what they tell leads nowhere.
        block["advertise"] = json!(loopback(NOWHERE));
    }
    block
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
