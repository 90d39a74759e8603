//! What an acknowledgement of this server is worth. A client is not told; whoever wrote the server's
//! configuration knows, and its monitoring endpoint says.

use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::options::ConnectOptions;
use crate::port::{Durability, PortError};

/// How long the monitoring endpoint may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Far more than any server says of itself.
const LONGEST: u64 = 4 << 20;

/// The longest interval that still is [`Durability::Relaxed`].
const RELAXED: Duration = Duration::from_secs(1);

/// What is in force for streams that `servers` keep (nothing where the server stands alone), and why
/// nothing is known if so. `connected` is the id of the server this client is connected to.
pub(super) async fn in_force(
    options: &ConnectOptions,
    connected: &str,
    servers: &[String],
) -> Result<(Durability, String), PortError> {
    if let Some(known) = options.durability_known {
        return Ok((known, "as its starter says".to_owned()));
    }
    if options.monitoring.is_empty() {
        return Ok((Durability::Unknown, "nobody says how the server syncs".to_owned()));
    }
    match futures::future::try_join_all(options.monitoring.iter().map(|endpoint| varz(endpoint))).await {
        Ok(says) => Ok(judge(&says, connected, servers)),
        // Who asks for no promise is not to be kept out by one server of many that is down.
        Err(PortError::Unreachable(why)) if options.durability.is_none() => Ok((Durability::Unknown, why)),
        Err(error) => Err(error),
    }
}

/// The weakest of what the servers say, provided they are the right ones.
fn judge(says: &[Varz], connected: &str, servers: &[String]) -> (Durability, String) {
    let missing = if servers.is_empty() {
        (!says.iter().any(|varz| varz.server_id == connected)).then_some("the server connected to")
    } else {
        let unheard = |server: &&String| !says.iter().any(|varz| varz.server_name == **server);
        servers.iter().find(unheard).map(String::as_str)
    };
    if let Some(missing) = missing {
        return (Durability::Unknown, format!("no monitoring endpoint given is that of {missing}"));
    }
    let weakest = says.iter().map(Varz::durability).min_by_key(|(durability, _)| strength(*durability));
    weakest.unwrap_or((Durability::Unknown, "no server says how it syncs".to_owned()))
}

/// Refuses what promises less than was asked for.
pub(super) fn check(asked: Option<Durability>, found: Durability, why: &str) -> Result<(), PortError> {
    let Some(asked) = asked.filter(|asked| strength(found) < strength(*asked)) else {
        return Ok(());
    };
    let advice = match asked {
        Durability::Strict => "set `sync_interval: always` in the server's `jetstream` block",
        _ => "set `sync_interval: 1s` or `always` in the server's `jetstream` block",
    };
    Err(PortError::Misconfigured(format!(
        "the durability asked for is {asked:?}, but {} ({why}). To have it, {advice} on every server of \
         the log and name their monitoring endpoints (--nats-monitor http://host:port,…); or ask for less",
        match found {
            Durability::Unknown => "it is not known what is in force".to_owned(),
            found => format!("what is in force is {found:?}"),
        }
    )))
}

fn strength(durability: Durability) -> u8 {
    match durability {
        Durability::Strict => 2,
        Durability::Relaxed => 1,
        Durability::None | Durability::Unknown => 0,
    }
}

/// What a server says of itself, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Varz {
    server_id: String,
    #[serde(default)]
    server_name: String,
    #[serde(default)]
    jetstream: JetStream,
}

#[derive(Debug, Default, Deserialize)]
struct JetStream {
    config: Option<Syncing>,
}

#[derive(Debug, Deserialize)]
struct Syncing {
    #[serde(default)]
    sync_always: bool,
    /// In nanoseconds.
    #[serde(default)]
    sync_interval: u64,
}

impl Varz {
    fn durability(&self) -> (Durability, String) {
        let name = &self.server_name;
        match &self.jetstream.config {
            None => (Durability::Unknown, format!("{name} keeps no streams")),
            Some(syncing) if syncing.sync_always => {
                (Durability::Strict, format!("{name} syncs before each acknowledgement"))
            }
            Some(syncing) => {
                let interval = Duration::from_nanos(syncing.sync_interval);
                let found = if interval <= RELAXED { Durability::Relaxed } else { Durability::Unknown };
                (found, format!("{name} syncs every {interval:?}: a power loss may cost that much, or more"))
            }
        }
    }
}

async fn varz(endpoint: &str) -> Result<Varz, PortError> {
    let Some(host) = endpoint.strip_prefix("http://").map(|host| host.trim_end_matches('/')) else {
        return Err(PortError::Misconfigured(format!(
            "{endpoint:?} is not a monitoring endpoint; write http://host:port"
        )));
    };
    let failed = |why: String| PortError::Unreachable(format!("the monitoring endpoint {endpoint}: {why}"));
    let answer = timeout(PATIENCE, get(host, "/varz")).await;
    let answer = answer.map_err(|_| failed(format!("no answer within {PATIENCE:?}")))?;
    let answer = answer.map_err(|why| failed(why.to_string()))?;
    let body = body(&answer).ok_or_else(|| failed("it did not answer with 200".to_owned()))?;
    serde_json::from_slice(body).map_err(|why| failed(why.to_string()))
}

/// One HTTP request. Version 1.0, so that the answer is neither chunked nor followed by another.
async fn get(host: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    Ok(answer)
}

fn body(answer: &[u8]) -> Option<&[u8]> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let status = answer.split(|byte| *byte == b' ').nth(1)?;
    (answer.starts_with(b"HTTP/1.") && status == b"200").then(|| &answer[end + 4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(name: &str, syncing: &str) -> Varz {
        let text = format!(r#"{{"server_id":"ID-{name}","server_name":"{name}","jetstream":{{{syncing}}}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    const ALWAYS: &str = r#""config":{"sync_interval":120000000000,"sync_always":true}"#;
    const SECOND: &str = r#""config":{"sync_interval":1000000000}"#;
    const DEFAULT: &str = r#""config":{"sync_interval":120000000000}"#;

    #[test]
    fn only_syncing_always_is_strict_and_the_weakest_server_counts() {
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        for (servers, expected) in [
            ([ALWAYS, ALWAYS, ALWAYS], Durability::Strict),
            ([ALWAYS, SECOND, ALWAYS], Durability::Relaxed),
            ([ALWAYS, SECOND, DEFAULT], Durability::Unknown),
            ([ALWAYS, ALWAYS, ""], Durability::Unknown),
        ] {
            let says: Vec<_> = names.iter().zip(servers).map(|(name, syncing)| says(name, syncing)).collect();
            assert_eq!(judge(&says, "ID-a", &names).0, expected, "{servers:?}");
        }
    }

    #[test]
    fn another_server_proves_nothing() {
        let one = [says("a", ALWAYS)];
        assert_eq!(judge(&one, "ID-a", &[]).0, Durability::Strict);
        assert_eq!(judge(&one, "ID-b", &[]).0, Durability::Unknown);
        let (found, why) = judge(&one, "ID-a", &["a".to_owned(), "b".to_owned()]);
        assert_eq!(found, Durability::Unknown);
        assert!(why.ends_with("that of b"), "{why}");
    }

    #[test]
    fn a_weaker_promise_than_asked_for_is_refused() {
        use Durability::{None, Relaxed, Strict, Unknown};
        for (asked, found, good) in [
            (Some(Strict), Strict, true),
            (Some(Strict), Relaxed, false),
            (Some(Strict), Unknown, false),
            (Some(Relaxed), Strict, true),
            (Some(Relaxed), Relaxed, true),
            (Some(Relaxed), Unknown, false),
            (Some(None), Unknown, true),
            (Option::None, Unknown, true),
        ] {
            assert_eq!(check(asked, found, "why").is_ok(), good, "{asked:?} {found:?}");
        }
    }

    #[test]
    fn only_an_answer_of_200_has_a_body() {
        assert_eq!(body(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n{}"), Some(&b"{}"[..]));
        assert_eq!(body(b"HTTP/1.1 404 Not Found\r\n\r\n{}"), None);
        assert_eq!(body(b"nonsense"), None);
    }
}
