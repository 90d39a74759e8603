//! What becomes of the words a program says.

use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use longhaul_core::Rejection;
use longhaul_journal::MAX_OBJECT;
use rustix::fs::OFlags;
use serde_json::Value;

use super::protocol::{Said, Word};
use crate::failure::Failure;
use crate::run::Run;
use crate::write::Refused;

/// How many bad lines are told of. A program that says nothing else would fill its history with them.
const TOLD: u32 = 20;

/// Passes a program's words on to its run.
pub(super) struct Words<'a> {
    pub(super) run: &'a mut Run,
    /// Where the program's paths begin.
    pub(super) cwd: Option<PathBuf>,
    /// The step under way, and its result so far.
    open: Option<(String, Value)>,
    pub(super) output: Option<Value>,
    bad: u32,
}

impl<'a> Words<'a> {
    pub(super) fn new(run: &'a mut Run, cwd: Option<PathBuf>) -> Self {
        Self { run, cwd, open: None, output: None, bad: 0 }
    }

    /// Where the program is.
    pub(super) fn at(&self) -> &str {
        self.open.as_ref().map_or_else(|| self.run.at(), |(name, _)| name)
    }

    /// Lines were said.
    pub(super) async fn lines(&mut self, lines: Vec<Said>) -> Result<(), Failure> {
        for line in lines {
            match line {
                Ok(words) => {
                    for word in words {
                        self.word(word).await?;
                    }
                }
                Err(why) => {
                    self.bad += 1;
                    if self.bad <= TOLD {
                        self.run.message(format!("the program said a line that is no event: {why}"));
                    }
                }
            }
        }
        Ok(())
    }

    async fn word(&mut self, word: Word) -> Result<(), Failure> {
        match word {
            Word::Step { name, of } => self.step(&name, of).await?,
            Word::Result(value) => {
                if let Some((_, result)) = &mut self.open {
                    *result = value;
                }
            }
            Word::Progress(fraction) => self.run.context.fraction(fraction),
            Word::Message(message) => self.run.message(message),
            Word::Text(text) => self.run.text(text).await?,
            Word::Usage { usage, model } => self.run.usage(usage, model.as_deref()).await?,
            Word::Artifact { path, name, media_type } => self.artifact(&path, name, media_type).await?,
            Word::Output(output) => self.output = Some(output),
        }
        Ok(())
    }

    /// A step begins; the one before it is done.
    async fn step(&mut self, wanted: &str, of: Option<u32>) -> Result<(), Failure> {
        self.close().await?;
        let name = self.run.name_step(wanted);
        if let Some(of) = of {
            self.run.steps_of(of as usize);
        }
        let context = Arc::clone(&self.run.context);
        if context.begun.recorded(&name).is_some() {
            // Done by an earlier run of the program, and never recorded again.
            self.run.passed(name);
            return Ok(());
        }
        match self.run.start_step(&name).await {
            Ok(_) => self.open = Some((name, Value::Null)),
            // The program is about to be told to end. What it still begins is not recorded.
            Err(Refused::Rejected(Rejection::Aborting)) => {}
            Err(refused) => return Err(refused.into()),
        }
        Ok(())
    }

    /// The step under way is done.
    pub(super) async fn close(&mut self) -> Result<(), Failure> {
        match self.open.take() {
            Some((name, result)) => self.run.record_step(&name, &result).await,
            None => Ok(()),
        }
    }

    async fn artifact(
        &mut self,
        path: &str,
        name: Option<String>,
        media_type: Option<String>,
    ) -> Result<(), Failure> {
        let whole = self.cwd.as_deref().unwrap_or(Path::new("")).join(path);
        let name = name.or_else(|| Some(whole.file_name()?.to_string_lossy().into_owned()));
        let name = name.unwrap_or_else(|| path.to_owned());
        let media_type = media_type.unwrap_or_else(|| guess(&name).to_owned());
        // What the program says was made must not be missing silently.
        let body = tokio::task::spawn_blocking(move || read(&whole)).await?.map_err(|error| {
            let message = format!("the artifact {path:?} cannot be read: {error}");
            Failure::permanent("artifact_unreadable", message)
        })?;
        self.run.artifact(name, media_type, body).await?;
        Ok(())
    }
}

/// A regular file, within bounds. Opening anything else does not wait.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut body = Vec::new();
    file.take(MAX_OBJECT + 1).read_to_end(&mut body)?;
    Ok(body)
}

/// A media type from the end of a name.
fn guess(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "pdf" => "application/pdf",
        "json" => "application/json",
        "zip" => "application/zip",
        "csv" => "text/csv; charset=utf-8",
        "html" | "htm" => "text/html; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "txt" | "log" => "text/plain; charset=utf-8",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
