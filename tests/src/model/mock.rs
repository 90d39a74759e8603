//! A server that answers as OpenAI, Anthropic and Gemini do, with answers that were prepared.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt as _, BufReader as AsyncBufReader};
use tokio::net::TcpStream;

use super::http::Head;
use crate::{PATIENCE, toolchains};

/// A server that answers as OpenAI (below `/v1`), Anthropic and Gemini do, on 127.0.0.1. What it was not
/// prepared for it answers with 503; [`Mock::unprepared`] tells. Gone when dropped.
#[derive(Debug)]
pub struct Mock {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Mock {
    /// A server with these answers ([`super::fixtures`]); of several that fit the first is given.
    ///
    /// # Panics
    /// If it does not start: Node is not there, or an answer is none.
    #[must_use]
    pub fn start(fixtures: &[Value]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("fixtures.json");
        std::fs::write(&file, json!({ "fixtures": fixtures }).to_string()).expect("a file");
        let file = file.to_str().expect("a path that is text");
        let node = toolchains::model_mock();
        let asked = [
            "-h",
            "127.0.0.1",
            "-p",
            "0",
            "-f",
            file,
            "--strict",
            "--validate-on-load",
            "--log-level",
            "info",
        ];
        let mut child = node
            .command("mock.mjs", &asked)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("node starts");
        let (tell, told) = mpsc::channel();
        let (stdout, stderr) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        let spoken: [Box<dyn std::io::Read + Send>; 2] = [Box::new(stdout), Box::new(stderr)];
        for pipe in spoken {
            let tell = tell.clone();
            // To the end: a full pipe would stop it.
            std::thread::spawn(move || {
                BufReader::new(pipe).lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
            });
        }
        drop(tell);
        let mut heard = String::new();
        let address = loop {
            match told.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some((_, address)) = line.split_once("listening on http://") {
                        break address.trim().to_owned();
                    }
                    heard = heard + &line + "\n";
                }
                Err(_) => panic!("the server of prepared answers does not start:\n{heard}"),
            }
        };
        Self { child, address, _folder: folder }
    }

    /// Where it is: `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it is, as Anthropic and Gemini are reached; OpenAI is below `/v1`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked so far, and what it answered.
    ///
    /// # Panics
    /// If it does not say.
    pub async fn journal(&self) -> Vec<Value> {
        let asking = async {
            let mut stream = TcpStream::connect(&self.address).await.expect("a connection");
            let asked = format!(
                "GET /__aimock/journal HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
                self.address
            );
            stream.write_all(asked.as_bytes()).await.expect("heard");
            let mut stream = AsyncBufReader::new(stream);
            let head = Head::read(&mut stream).await.expect("an answer").expect("an answer");
            let body = head.body(&mut stream).await.expect("a whole answer");
            match serde_json::from_slice(&body).expect("JSON") {
                Value::Array(entries) => entries,
                Value::Object(mut answer) => match answer.remove("entries") {
                    Some(Value::Array(entries)) => entries,
                    other => panic!("a journal without entries: {other:?}"),
                },
                other => panic!("no journal: {other}"),
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("an answer in time")
    }

    /// The questions that no answer was prepared for. Look at the end of a test: to a client a missing
    /// answer looks like a provider that is out of order.
    ///
    /// # Panics
    /// If it does not say.
    pub async fn unprepared(&self) -> Vec<Value> {
        let missing =
            |entry: &Value| entry["response"]["status"] == 503 && entry["response"]["fixture"].is_null();
        self.journal().await.into_iter().filter(missing).collect()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
