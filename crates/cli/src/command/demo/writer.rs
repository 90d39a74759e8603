//! Who writes one of the demo's reports beside the built-in analyst: the language model that is set up,
//! else a mock of one, with answers that come with the demo.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use longhaul_model::{Api, ProviderFile};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::command::report::BUILT_IN;
use crate::services::is_there;
use crate::settings::Settings;

/// A server that answers as the providers of models do: npm's `@copilotkit/aimock`.
const PROGRAM: &str = "llmock";
/// What it answers, and to what.
const ANSWERS: &str = include_str!("answers.json");
/// The model that it plays.
const MOCK: &str = "llmock/mock";
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the server for as long as somebody holds the other end of its input, however that one ends.
const HELD: &str = r#"llmock "$@" </dev/null 2>&1 & exec >/dev/null 2>&1; cat; kill $!"#;

/// Who writes one of the demo's reports beside the built-in analyst.
pub(super) enum Writer {
    /// The model that the settings name.
    Configured(String),
    /// The mock, which goes with this.
    Mock { _running: Box<Mock> },
    /// Nobody; what would have to be there.
    Nobody(String),
}

/// The running mock: it ends when its input does.
pub(super) struct Mock {
    _child: Child,
    _held: ChildStdin,
}

impl Writer {
    /// Finds or starts it, and says in the settings where it is.
    pub(super) async fn find(settings: &mut Settings, scratch: &Path) -> anyhow::Result<Self> {
        if let Some(model) = settings.models()?.default.filter(|model| model != BUILT_IN) {
            return Ok(Self::Configured(model));
        }
        if !is_there(PROGRAM) {
            let why = "a language model would write one more: LONGHAUL_MODEL names one, and `npm install -g \
                       @copilotkit/aimock` puts a mock of one, llmock, on PATH";
            return Ok(Self::Nobody(why.to_owned()));
        }
        let started = Mock::start(scratch);
        let started = tokio::time::timeout(PATIENCE, started).await;
        match started.unwrap_or_else(|_| Err(format!("it did not listen within {} s", PATIENCE.as_secs()))) {
            Ok((mock, address)) => {
                let (name, _) = MOCK.split_once('/').unwrap_or((MOCK, ""));
                let provider = ProviderFile::at(Api::OpenAi, format!("http://{address}/v1"));
                settings.model.provider.insert(name.to_owned(), provider);
                Ok(Self::Mock { _running: Box::new(mock) })
            }
            Err(why) => {
                Ok(Self::Nobody(format!("llmock on PATH is no mock of a language model here: {why}")))
            }
        }
    }

    /// The model that writes.
    pub(super) fn model(&self) -> Option<&str> {
        match self {
            Self::Configured(model) => Some(model),
            Self::Mock { .. } => Some(MOCK),
            Self::Nobody(_) => None,
        }
    }
}

impl Mock {
    /// Starts it; gives where it listens as well. The error is why it does not.
    async fn start(scratch: &Path) -> Result<(Self, String), String> {
        let answers = scratch.join("answers.json");
        std::fs::write(&answers, ANSWERS).map_err(|error| error.to_string())?;
        let mut command = Command::new("sh");
        command.args([
            "-c",
            HELD,
            PROGRAM,
            "-h",
            "127.0.0.1",
            "-p",
            "0",
            "--strict",
            "--log-level",
            "info",
            "-f",
        ]);
        // Ctrl-C is for the demo, which lets go of it then.
        command
            .arg(&answers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (Some(held), Some(said)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no pipes".to_owned());
        };
        let mut said = BufReader::new(said).lines();
        let mut last = "it ended without a word".to_owned();
        while let Ok(Some(line)) = said.next_line().await {
            if let Some((_, address)) = line.split_once("listening on http://") {
                let address = address.trim().to_owned();
                tokio::spawn(drain(said));
                return Ok((Self { _child: child, _held: held }, address));
            }
            if !line.trim().is_empty() {
                last = longhaul_core::text::line(&line, 120);
            }
        }
        Err(last)
    }
}

/// Reads what it says to the end: a full pipe would stop it.
async fn drain(mut said: tokio::io::Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(_)) = said.next_line().await {}
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn the_answers_fit_the_request() {
        let answers: Value = serde_json::from_str(super::ANSWERS).unwrap();
        let answers = answers["fixtures"].as_array().unwrap();
        assert!(
            answers.iter().all(|one| one["match"]["userMessage"] == crate::command::demo::cast::PLAYLISTS)
        );
    }
}
