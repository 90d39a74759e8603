//! The server's own interface, for what no part of Longhaul does: an operator's doing.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Asks the server at `url` and gives its answer.
///
/// # Panics
/// If it does not answer, or not with JSON.
pub async fn api(url: &str, token: &str, subject: &str, body: &Value) -> Value {
    let asking = async {
        let stream = TcpStream::connect(url.trim_start_matches("nats://")).await.expect("a connection");
        let mut stream = BufReader::new(stream);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let connect = json!({ "auth_token": token, "verbose": false, "pedantic": false });
        let size = body.len();
        let said = format!("CONNECT {connect}\r\nSUB answer 1\r\nPUB {subject} answer {size}\r\n{body}\r\n");
        stream.write_all(said.as_bytes()).await.expect("heard");
        loop {
            let mut line = String::new();
            assert!(stream.read_line(&mut line).await.expect("an answer") > 0, "the server hung up");
            assert!(!line.starts_with("-ERR"), "{line}");
            if line.starts_with("PING") {
                stream.write_all(b"PONG\r\n").await.expect("heard");
            }
            let Some(head) = line.strip_prefix("MSG ") else { continue };
            let size: usize =
                head.split_whitespace().next_back().and_then(|n| n.parse().ok()).expect("a size");
            let mut answer = vec![0; size];
            stream.read_exact(&mut answer).await.expect("an answer");
            return serde_json::from_slice(&answer).expect("JSON");
        }
    };
    tokio::time::timeout(crate::PATIENCE, asking).await.expect("an answer in time")
}

/// Changes the configuration of a stream, as an operator would.
///
/// # Panics
/// If the server refuses.
pub async fn reconfigure(url: &str, token: &str, stream: &str, change: impl FnOnce(&mut Value, u64)) {
    let info = api(url, token, &format!("$JS.API.STREAM.INFO.{stream}"), &Value::Null).await;
    let mut config = info["config"].clone();
    change(&mut config, info["state"]["bytes"].as_u64().expect("a size"));
    let answer = api(url, token, &format!("$JS.API.STREAM.UPDATE.{stream}"), &config).await;
    assert!(answer.get("error").is_none(), "{answer}");
}
