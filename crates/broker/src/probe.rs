//! The opening words of the NATS protocol, as far as it takes to see that a server lets clients in.

use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// One question may take this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the server says first, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Info {
    server_name: String,
    #[serde(default)]
    jetstream: bool,
}

/// Connects as a client: is it this very server, does it let the token in, does it have JetStream?
pub(crate) async fn greet(port: u16, token: &str, server_name: &str) -> Result<(), String> {
    bounded(async {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .map_err(|error| format!("no connection yet: {error}"))?;
        let mut stream = BufReader::new(stream);
        let line = line(&mut stream).await?;
        let info: Info = line
            .strip_prefix("INFO ")
            .and_then(|json| serde_json::from_str(json).ok())
            .ok_or("what listens on its port is no nats-server")?;
        if info.server_name != server_name {
            return Err(format!("{} listens on its port", info.server_name));
        }
        if !info.jetstream {
            return Err("JetStream is not up yet".to_owned());
        }
        let options = serde_json::json!({
            "verbose": false, "pedantic": false, "lang": "rust", "version": "0", "auth_token": token,
        });
        stream
            .write_all(format!("CONNECT {options}\r\nPING\r\n").as_bytes())
            .await
            .map_err(|error| error.to_string())?;
        loop {
            match self::line(&mut stream).await? {
                said if said == "PONG" => return Ok(()),
                said if said.starts_with("-ERR") => return Err(said),
                // More INFO may come, and a PING.
                _ => {}
            }
        }
    })
    .await
}

/// Asks with a bound on the time.
pub(crate) async fn bounded<T>(asking: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}

async fn line(stream: &mut BufReader<TcpStream>) -> Result<String, String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Ok(0) => Err("it closed the connection".to_owned()),
        Ok(_) => Ok(line.trim_end().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
