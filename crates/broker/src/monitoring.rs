//! What a server says of itself on its monitoring endpoint.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::probe::bounded;
use crate::{Durability, Error};

/// When a server syncs what it stores to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syncing {
    /// Before each acknowledgement.
    pub always: bool,
    /// At this interval otherwise.
    pub interval: Duration,
}

impl Syncing {
    /// Whether this is at least as good as asked for.
    #[must_use]
    pub fn keeps(&self, durability: Durability) -> bool {
        match durability {
            Durability::Strict => self.always,
            Durability::Relaxed => self.always || self.interval <= Duration::from_secs(1),
        }
    }

    /// Reads it from the monitoring endpoint's `/varz`: `jetstream.config.sync_always` is there
    /// and true, or it is left out; `sync_interval` is in nanoseconds.
    pub(crate) fn from_varz(varz: &str) -> Option<Syncing> {
        let varz: Value = serde_json::from_str(varz).ok()?;
        let config = varz.get("jetstream")?.get("config")?;
        Some(Syncing {
            always: config.get("sync_always").is_some_and(|always| always == true),
            interval: Duration::from_nanos(config.get("sync_interval")?.as_u64()?),
        })
    }
}

/// Asks when the server syncs.
pub(crate) async fn syncing(port: u16) -> Result<Syncing, Error> {
    let answer = get(port, "/varz").await?;
    Syncing::from_varz(&answer).ok_or_else(|| Error::Monitoring {
        url: url(port, "/varz"),
        why: "no jetstream.config in it".to_owned(),
    })
}

/// The body of a good answer.
pub(crate) async fn get(port: u16, path: &str) -> Result<String, Error> {
    ask(port, path).await.map_err(|why| Error::Monitoring { url: url(port, path), why })
}

/// Where the endpoint is.
pub(crate) fn url(port: u16, path: &str) -> String {
    format!("http://127.0.0.1:{port}{path}")
}

/// GET of a path of the monitoring endpoint. Gives the body of a 200; anything else is an error.
async fn ask(port: u16, path: &str) -> Result<String, String> {
    bounded(async {
        let text = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(text)?;
        // 1.0, so that the body ends with the connection and needs no decoding.
        let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(text)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.map_err(text)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("not an HTTP answer")?;
        if head.split(' ').nth(1) != Some("200") {
            let status = head.lines().next().unwrap_or_default();
            return Err(format!("{status}: {}", body.trim()));
        }
        Ok(body.to_owned())
    })
    .await
}
