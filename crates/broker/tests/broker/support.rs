//! What the tests of this crate share.

use std::path::Path;
use std::time::{Duration, Instant};

use longhaul_broker::{Options, Server, ServerBinary, ServerConfig, locate};
use rustix::process::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The server to test with. Fetched once per machine if there is none.
pub(crate) fn binary() -> ServerBinary {
    locate(&Options::from_env(), &mut |progress| {
        eprintln!("{}", progress.line);
    })
    .unwrap_or_else(|error| panic!("{error}"))
}

/// A strict server in this directory.
pub(crate) async fn start(dir: &Path) -> Server {
    Server::start(&binary(), ServerConfig::new(dir)).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Waits until there is something, with a generous bound.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "not seen: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A process id as the system calls take it.
pub(crate) fn pid(raw: u32) -> Pid {
    Pid::from_raw(raw.cast_signed()).unwrap()
}

/// Just enough of a NATS client to store and count messages.
#[derive(Debug)]
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects, or says what the server answered.
    pub(crate) async fn connect(url: &str, token: &str) -> Result<Client, String> {
        let address = url.strip_prefix("nats://").unwrap();
        let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
        let mut client = Client(BufReader::new(stream));
        assert!(client.line().await.starts_with("INFO "));
        let options = json!({ "verbose": false, "headers": true, "auth_token": token });
        client.send(&format!("CONNECT {options}\r\nPING\r\n")).await;
        match client.line().await {
            pong if pong == "PONG" => {
                client.send("SUB answers 1\r\n").await;
                Ok(client)
            }
            other => Err(other),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// Makes a stream in file storage for one subject.
    pub(crate) async fn make_stream(&mut self, name: &str, subject: &str, replicas: u32) {
        let config = json!({
            "name": name, "subjects": [subject], "storage": "file", "num_replicas": replicas,
        });
        let subject = format!("$JS.API.STREAM.CREATE.{name}");
        let answer = self.request(&subject, &config.to_string()).await;
        assert!(answer.get("error").is_none(), "{answer}");
    }

    /// Publishes and waits for the acknowledgement.
    pub(crate) async fn publish_acknowledged(&mut self, subject: &str, text: &str) {
        let answer = self.request(subject, text).await;
        assert!(answer["seq"].as_u64() > Some(0), "{answer}");
    }

    /// Publishes again and again until it is acknowledged: while a cluster chooses a new leader
    /// nobody answers. Twice the same text is stored once.
    pub(crate) async fn publish_patiently(&mut self, subject: &str, text: &str) {
        for _ in 0..60 {
            let headers = format!("NATS/1.0\r\nNats-Msg-Id: {text}\r\n\r\n");
            let (head, all) = (headers.len(), headers.len() + text.len());
            self.send(&format!("HPUB {subject} answers {head} {all}\r\n{headers}{text}\r\n")).await;
            let answer = tokio::time::timeout(Duration::from_secs(1), self.answer()).await;
            if answer.is_ok_and(|answer| answer["seq"].as_u64() > Some(0)) {
                return;
            }
        }
        panic!("{subject} was never acknowledged");
    }

    /// How many messages a stream has.
    pub(crate) async fn messages(&mut self, stream: &str) -> u64 {
        let answer = self.request(&format!("$JS.API.STREAM.INFO.{stream}"), "").await;
        answer["state"]["messages"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    async fn request(&mut self, subject: &str, body: &str) -> Value {
        self.send(&format!("PUB {subject} answers {}\r\n{body}\r\n", body.len())).await;
        self.answer().await
    }

    async fn answer(&mut self) -> Value {
        loop {
            let line = self.line().await;
            let Some(message) = line.strip_prefix("MSG ") else {
                assert!(!line.is_empty(), "the server closed the connection");
                continue;
            };
            let length: usize = message.rsplit_once(' ').unwrap().1.parse().unwrap();
            let mut answer = vec![0; length + 2];
            self.0.read_exact(&mut answer).await.unwrap();
            return serde_json::from_slice(&answer[..length]).unwrap();
        }
    }
}
