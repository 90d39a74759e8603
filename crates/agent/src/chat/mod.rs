//! The `chat` kind: one turn of a conversation, answered at once out of what the conversation knows.
//!
//! A turn is a task like any other: with a snapshot, a budget, usage, and an end that may be an abort.
//! What it is to know comes with its input, and what it adds to that is a member of its output
//! ([`Memory`]).

mod built_in;
mod with_model;

use std::sync::Arc;

use longhaul_core::text;
use longhaul_document::{Document, Format};
use longhaul_executor::{Executor, Failure, Run};
use serde::{Deserialize, Serialize};

use crate::analyst::Analyst;
use crate::analyst::format::list;
use crate::data::Source;
use crate::draft::Kept;
use crate::handler::files::rendering;
use crate::handler::{Agent, Input};
use crate::memory::Memory;
use crate::path::{By, Choice, Path, Reason, choose, wish};

/// The kind of task that [`handle_chat`] runs.
pub const CHAT: &str = "chat";

/// The step in which a document is set.
const SETTING: &str = "setting";
/// Bytes of a message.
const LONGEST: usize = 10_000;
/// Characters of the title and of the request of a task that a model starts.
const STARTED: (usize, usize) = (200, 4_000);

/// What is asked in a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatInput {
    /// What the person says.
    pub message: String,
    /// The data that is spoken of; what the conversation remembers if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Source>,
    /// What the conversation remembers.
    #[serde(default)]
    pub memory: Memory,
    /// The way the turn goes, and why.
    pub choice: Choice,
    /// The language model that answers, by the name the executor knows it by; the built-in analyst if
    /// nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What documents are set as where the message names nothing; a PDF if nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<Format>,
}

/// What a turn gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The answer.
    pub text: String,
    /// The names of the files that were made, in the order they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// What the turn adds to what the conversation remembers.
    pub memory: Memory,
    /// The way the turn went, and why: slow, if the model found that it needs a task of its own.
    pub choice: Choice,
    /// That task, for whoever submitted the turn to submit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
}

/// A task that a turn asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// What it is called.
    pub title: String,
    /// What it is to find out, in words that stand for themselves.
    pub request: String,
}

/// Registers the turns of conversations with an executor, under [`CHAT`].
pub fn handle_chat(executor: Executor, agent: Agent) -> Executor {
    let agent = Arc::new(agent);
    executor.handle(CHAT, async move |run: &mut Run, input: ChatInput| chat(&agent, run, input).await)
}

/// What is answered, before any of it is set as a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Said {
    text: String,
    /// The queries that were run for it.
    #[serde(default)]
    kept: Vec<Kept>,
    /// A document that is to be set.
    #[serde(default)]
    document: Option<Document>,
    #[serde(default)]
    start: Option<Start>,
}

impl Said {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

async fn chat(agent: &Agent, run: &mut Run, input: ChatInput) -> Result<Answered, Failure> {
    if input.message.len() > LONGEST {
        let size = input.message.len();
        let why = format!("the message has {size} bytes, at most {LONGEST} are read; say it shorter");
        return Err(Failure::permanent("bad_request", why));
    }
    let memory = input.memory.clone().bounded();
    let data = input.data.clone().or_else(|| memory.data.clone());
    // What is to be done is in the words, whoever chose the way.
    let reason = choose(&input.message, &memory.at_hand(), None).reason;
    let turn = Turn { agent, input: &input, memory: &memory, data: data.as_ref(), reason };
    let said = match &input.model {
        // Nothing in it is left to a model's judgement.
        Some(model) if !turn.only_sets() => with_model::answer(&turn, run, model).await?,
        _ => built_in::answer(&turn, run).await?,
    };
    let artifacts = match &said.document {
        Some(document) => turn.set(run, document).await?,
        None => Vec::new(),
    };
    let mut answer = said.text;
    if !artifacts.is_empty() {
        answer = join(&answer, &made(&artifacts));
    }
    let choice = match &said.start {
        Some(_) => Choice { path: Path::Slow, reason: Reason::ModelNeedsData, by: By::Model },
        None => input.choice.clone(),
    };
    let adds = Memory {
        data: data.clone(),
        answers: said.kept,
        document: said.document,
        files: artifacts.clone(),
        ..Memory::default()
    };
    let memory = adds.said(&input.message, &answer).bounded();
    Ok(Answered { text: answer, artifacts, memory, choice, start: said.start })
}

/// A turn, and what it is about.
struct Turn<'a> {
    agent: &'a Agent,
    input: &'a ChatInput,
    memory: &'a Memory,
    data: Option<&'a Source>,
    /// What the message wants, by its words.
    reason: Reason,
}

impl Turn<'_> {
    /// Whether all that is wanted is a file of the document at hand.
    fn only_sets(&self) -> bool {
        matches!(self.reason, Reason::Exports { .. }) && self.memory.document.is_some()
    }

    /// The turn as a report of its own would be asked for.
    fn as_report(&self, data: Source) -> Input {
        let named = wish(&self.input.message).format;
        Input {
            data,
            prompt: self.input.message.clone(),
            skills: None,
            formats: named.map_or_else(|| self.input.formats.clone(), |format| vec![format]),
            file_name: None,
            queries: Some(1),
            analyst: Analyst::default(),
            model: None,
            choice: None,
            said: Vec::new(),
        }
    }

    /// Sets a document, in a step of its own; gives the names of the files.
    async fn set(&self, run: &mut Run, document: &Document) -> Result<Vec<String>, Failure> {
        let report = self.as_report(Source::many(Vec::new()));
        run.step(SETTING, async |step| {
            let names = rendering(self.agent, &step, &report, document).await?;
            step.text(format!("{}\n", made(&names))).await?;
            Ok::<_, Failure>(names)
        })
        .await
    }
}

/// What is said of files.
fn made(names: &[String]) -> String {
    format!("It is in {}.", list(names))
}

fn join(one: &str, other: &str) -> String {
    if one.trim().is_empty() { other.to_owned() } else { format!("{}\n{other}", one.trim_end()) }
}

/// A task as a model asks for it, cleaned.
fn start(title: &str, request: &str) -> Start {
    let request: String = text::block(request).trim().chars().take(STARTED.1).collect();
    let title = text::line(title, STARTED.0).trim().to_owned();
    let title = if title.is_empty() { text::line(&request, STARTED.0) } else { title };
    Start { title, request }
}
