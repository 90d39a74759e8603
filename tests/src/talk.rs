//! A program that is talked to through its stdin and stdout, a line at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;
use tokio::sync::mpsc;

use crate::PATIENCE;
use crate::process::Output;

/// A program that says lines of JSON. Killed when dropped.
#[derive(Debug)]
pub struct Talk {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::UnboundedReceiver<String>,
    stderr: Option<std::thread::JoinHandle<String>>,
    /// What it said so far.
    pub heard: Vec<Value>,
}

impl Talk {
    /// Starts it.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let (tell, lines) = mpsc::unbounded_channel();
        let stdout = child.stdout.take().expect("a pipe");
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
        });
        let stderr = child.stderr.take().expect("a pipe");
        let stderr = std::thread::spawn(move || std::io::read_to_string(stderr).unwrap_or_default());
        let stdin = child.stdin.take();
        Self { child, stdin, lines, stderr: Some(stderr), heard: Vec::new() }
    }

    /// Says a line to it.
    ///
    /// # Panics
    /// If it does not listen any more.
    pub fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("its stdin is open"), "{line}").expect("it listens");
    }

    /// Waits until it says something of this sort; what it says before that is passed over.
    ///
    /// # Panics
    /// If it does not in time, or says what is no JSON.
    pub async fn hear(&mut self, event: &str) -> Value {
        let hearing = async {
            loop {
                let line = self.lines.recv().await;
                let line =
                    line.unwrap_or_else(|| panic!("it ended before {event}; it said {:#?}", self.heard));
                let value: Value = serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line}"));
                self.heard.push(value.clone());
                if value["event"] == event {
                    return value;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, hearing).await {
            Ok(value) => value,
            Err(_) => panic!("it did not say {event} in {PATIENCE:?}"),
        }
    }

    /// Says a line and waits for what comes of it.
    ///
    /// # Panics
    /// As [`Talk::say`] and [`Talk::hear`].
    pub async fn ask(&mut self, line: &str, event: &str) -> Value {
        self.say(line);
        self.hear(event).await
    }

    /// Closes its stdin and waits for its end; what it said meanwhile is in `stdout`.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn end(mut self) -> Output {
        drop(self.stdin.take());
        let child = &mut self.child;
        let status = crate::eventually("the end", async || child.try_wait().expect("wait")).await;
        let mut stdout = String::new();
        while let Some(line) = self.lines.recv().await {
            stdout = stdout + &line + "\n";
        }
        let stderr = self.stderr.take().and_then(|reading| reading.join().ok()).unwrap_or_default();
        Output { code: status.code(), stdout, stderr }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
