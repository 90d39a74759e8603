//! As much HTTP/1.1 as the relay needs.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// The beginning of a request or an answer.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// The first line.
    pub first: String,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// Reads one; none if the other side says nothing more.
    pub(super) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        let mut first = String::new();
        if from.read_line(&mut first).await? == 0 {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            from.read_line(&mut line).await?;
            let line = line.trim_end();
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
                None => return Ok(Some(Self { first: first.trim_end().to_owned(), headers })),
            }
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    /// The second word of the first line: the path of a request, the number of an answer.
    pub(super) fn word(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    /// Reads what belongs to it, to its end.
    pub(super) async fn body(&self, from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if self.header("transfer-encoding") == Some("chunked") {
            loop {
                let mut size = String::new();
                from.read_line(&mut size).await?;
                let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
                let mut chunk = vec![0; size + 2];
                from.read_exact(&mut chunk).await?;
                if size == 0 {
                    return Ok(body);
                }
                body.extend_from_slice(&chunk[..size]);
            }
        }
        match self.header("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => {
                body.resize(length, 0);
                from.read_exact(&mut body).await?;
            }
            // An answer without a length ends with its connection.
            None if self.first.starts_with("HTTP/") => {
                from.read_to_end(&mut body).await?;
            }
            None => {}
        }
        Ok(body)
    }

    /// It, as it is sent, with these instead of what says how long it is.
    pub(super) fn written(&self, more: &[(String, String)]) -> String {
        let length = ["content-length", "transfer-encoding", "connection"];
        let mut text = format!("{}\r\n", self.first);
        let kept = self.headers.iter().filter(|(name, _)| !length.contains(&name.as_str()));
        for (name, value) in kept.chain(more) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text + "\r\n"
    }
}
