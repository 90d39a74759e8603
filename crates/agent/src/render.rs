//! Has a document set in a format, by a process of its own.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use longhaul_document::{Document, Format};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// The program that reads a document as JSON from its standard input and writes it to its standard
/// output, in the format that its last argument names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments before the format.
    pub args: Vec<String>,
}

/// How much rendering may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderLimits {
    /// Until then it must be done, or it is killed.
    pub time: Duration,
    /// Bytes of the file.
    pub file_bytes: u64,
}

impl Default for RenderLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(120), file_bytes: 64 * 1024 * 1024 }
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The program cannot be started.
    #[error("cannot start {}; check that it is there and may be run", program.display())]
    NotStarted {
        /// Which.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The program will not set this document, now or later.
    #[error("the document cannot be set: {0}")]
    Document(String),
    /// The program failed.
    #[error("setting the document failed: {0}")]
    Failed(String),
    /// It took too long and was killed.
    #[error("setting the document took longer than {} s and was stopped", .0.as_secs())]
    TooSlow(Duration),
    /// The file is larger than its limit.
    #[error("the document has more than {0} bytes; ask for a report with less in it")]
    TooLarge(u64),
}

impl RenderError {
    /// Whether the same document may be set later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Document(_) | Self::TooLarge(_))
    }
}

/// The exit code by which the program says that no retry will set the document.
const BAD_DOCUMENT: i32 = 2;
/// Bytes of what it says on standard error that are read.
const LONGEST_WORD: u64 = 64 * 1024;

/// Sets a document in a format. Dropping the future kills the process.
///
/// # Errors
///
/// See [`RenderError`].
pub async fn render(
    document: &Document,
    format: Format,
    command: &RenderCommand,
    limits: &RenderLimits,
) -> Result<Vec<u8>, RenderError> {
    let json = serde_json::to_vec(document).map_err(|error| RenderError::Document(error.to_string()))?;
    tokio::time::timeout(limits.time, set(json, format, command, limits))
        .await
        .unwrap_or(Err(RenderError::TooSlow(limits.time)))
}

async fn set(
    json: Vec<u8>,
    format: Format,
    command: &RenderCommand,
    limits: &RenderLimits,
) -> Result<Vec<u8>, RenderError> {
    let mut child = Command::new(&command.program)
        .args(&command.args)
        .arg(format.name())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| RenderError::NotStarted { program: command.program.clone(), source })?;
    let (input, output, words) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // All three at once: a program that answers before it has read everything must not wait for us.
    let write = async {
        if let Some(mut input) = input {
            // One that does not read to the end says why by its exit.
            let _ = input.write_all(&json).await;
            let _ = input.shutdown().await;
        }
    };
    let (file, said) = (read(output, limits.file_bytes + 1), read(words, LONGEST_WORD));
    let ((), file, said) = tokio::join!(write, file, said);
    let file = file.map_err(|error| RenderError::Failed(error.to_string()))?;
    if file.len() as u64 > limits.file_bytes {
        return Err(RenderError::TooLarge(limits.file_bytes));
    }
    let status = child.wait().await.map_err(|error| RenderError::Failed(error.to_string()))?;
    let said = said.unwrap_or_default();
    let said = first_line(&said);
    match status.code() {
        Some(0) if file.starts_with(beginning(format)) && !file.is_empty() => Ok(file),
        Some(0) => Err(RenderError::Failed(format!("what it wrote is no {format}"))),
        Some(BAD_DOCUMENT) => Err(RenderError::Document(said)),
        _ if said.is_empty() => Err(RenderError::Failed(format!("it ended with {status}"))),
        _ => Err(RenderError::Failed(said)),
    }
}

/// What a file of a format begins with.
fn beginning(format: Format) -> &'static [u8] {
    match format {
        Format::Pdf => b"%PDF",
        Format::Html => b"<!doctype html>",
        Format::Markdown => b"# ",
        Format::Docx => b"PK",
    }
}

/// Everything that comes, up to a limit. Reading stops there, which ends the writer.
async fn read(from: Option<impl AsyncRead + Unpin>, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(limit).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn first_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().filter(|c| !c.is_control()).take(500).collect()
}
