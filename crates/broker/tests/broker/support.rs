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

const NO_HEADERS: &str = "NATS/1.0\r\n\r\n";

/// Just enough of a NATS client to store and count messages.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    /// What the answers to this client begin with.
    inbox: String,
    asked: u32,
}

impl Client {
    /// Connects, or says what the server answered.
    pub(crate) async fn connect(url: &str, token: &str) -> Result<Client, String> {
        let address = url.strip_prefix("nats://").unwrap();
        let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
        let inbox = format!("answers.{}", stream.local_addr().unwrap().port());
        let mut client = Client { stream: BufReader::new(stream), inbox, asked: 0 };
        assert!(client.line().await.starts_with("INFO "));
        let options = json!({ "verbose": false, "headers": true, "auth_token": token });
        client.send(&format!("CONNECT {options}\r\nPING\r\n")).await;
        match client.line().await {
            pong if pong == "PONG" => {
                client.send(&format!("SUB {}.* 1\r\n", client.inbox)).await;
                Ok(client)
            }
            other => Err(other),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// Makes a stream in file storage for one subject.
    pub(crate) async fn make_stream(&mut self, name: &str, subject: &str, replicas: u32) {
        let config = json!({
            "name": name, "subjects": [subject], "storage": "file", "num_replicas": replicas,
        });
        let subject = format!("$JS.API.STREAM.CREATE.{name}");
        let answer = self.request(&subject, NO_HEADERS, &config.to_string()).await;
        assert!(answer.get("error").is_none(), "{answer}");
    }

    /// Publishes until it is acknowledged. The same text twice is stored once.
    pub(crate) async fn publish(&mut self, subject: &str, text: &str) {
        let headers = format!("NATS/1.0\r\nNats-Msg-Id: {text}\r\n\r\n");
        let answer = self.request(subject, &headers, text).await;
        assert!(answer["seq"].as_u64() > Some(0), "{answer}");
    }

    /// How many messages a stream has.
    pub(crate) async fn messages(&mut self, stream: &str) -> u64 {
        let answer = self.request(&format!("$JS.API.STREAM.INFO.{stream}"), NO_HEADERS, "").await;
        answer["state"]["messages"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    /// Waits until a stream has so many messages: a server that has just become its leader may still
    /// be reading what the others have acknowledged.
    pub(crate) async fn wait_for_messages(&mut self, stream: &str, count: u64) {
        let started = Instant::now();
        while self.messages(stream).await != count {
            assert!(started.elapsed() < Duration::from_secs(60), "not {count} messages");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks until somebody answers: in a cluster that chooses a leader, or where a server has not
    /// yet heard of it, nobody does.
    async fn request(&mut self, subject: &str, headers: &str, body: &str) -> Value {
        let (head, all) = (headers.len(), headers.len() + body.len());
        for _ in 0..60 {
            self.asked += 1;
            let inbox = format!("{}.{}", self.inbox, self.asked);
            self.send(&format!("HPUB {subject} {inbox} {head} {all}\r\n{headers}{body}\r\n")).await;
            let answer = tokio::time::timeout(Duration::from_secs(1), self.answer(&inbox)).await;
            if let Ok(answer) = answer
                && answer["error"]["code"] != 503
            {
                return answer;
            }
        }
        panic!("nobody answered to {subject}");
    }

    async fn answer(&mut self, inbox: &str) -> Value {
        loop {
            let line = self.line().await;
            assert!(!line.is_empty(), "the server closed the connection");
            if line == "PING" {
                self.send("PONG\r\n").await;
            }
            let Some(message) = line.strip_prefix("MSG ") else {
                continue;
            };
            let length: usize = message.rsplit_once(' ').unwrap().1.parse().unwrap();
            let mut answer = vec![0; length + 2];
            self.stream.read_exact(&mut answer).await.unwrap();
            // A late answer to an earlier question is passed over.
            if message.starts_with(&format!("{inbox} ")) {
                return serde_json::from_slice(&answer[..length]).unwrap();
            }
        }
    }
}
