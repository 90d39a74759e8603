//! The `report` kind: what an executor runs.
//!
//! Thin by intent: the steps, what is said meanwhile, and which errors are worth another try.

pub(crate) mod account;
pub(crate) mod built_in;
pub(crate) mod consent;
pub(crate) mod data;
pub(crate) mod files;

use std::path::PathBuf;
use std::sync::Arc;

use longhaul_document::Format;
use longhaul_executor::{Executor, Failure, Run};
use longhaul_model::Retry;
use serde::{Deserialize, Serialize};

use self::files::{file_name, rendering};
use crate::analyst::{Analyst, sentences};
use crate::data::{Connections, Limits, Source};
use crate::limit::RateLimits;
use crate::memory::{Memory, Turn};
use crate::models::Models;
use crate::path::Choice;
use crate::render::{RenderCommand, RenderLimits};
use crate::talk;
use crate::tools::QUERIES;

/// The kind of task that [`handle_report`] runs.
pub const KIND: &str = "report";

/// What the agent may do and with what, the same for all its tasks.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The program that sets documents.
    pub renderer: RenderCommand,
    /// How much setting a document may take.
    pub render_limits: RenderLimits,
    /// The bounds of reading and of each query.
    pub limits: Limits,
    /// The databases that tasks may name.
    pub connections: Connections,
    /// The only folders whose files may be read; any if empty. Whoever may submit tasks may read
    /// what lies in them.
    pub roots: Vec<PathBuf>,
    /// Queries of a task that does not say how many.
    pub queries: u32,
    /// The language models that tasks may name.
    pub models: Models,
    /// Turns that a model may take for one report.
    pub turns: u32,
    /// How often a model is asked that does not answer, and how far apart.
    pub retry: Retry,
    /// The rate limits of providers, shared with other processes.
    pub rate_limits: RateLimits,
}

impl Agent {
    /// An agent with the usual bounds.
    #[must_use]
    pub fn new(renderer: RenderCommand) -> Self {
        Self {
            renderer,
            render_limits: RenderLimits::default(),
            limits: Limits::default(),
            connections: Connections::default(),
            roots: Vec::new(),
            queries: QUERIES,
            models: Models::none(),
            turns: TURNS,
            retry: Retry::default(),
            rate_limits: RateLimits::default(),
        }
    }
}

/// What a report is asked for with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where the data lies.
    pub data: Source,
    /// What the report shall be about, in plain words.
    pub prompt: String,
    /// A folder of skills beside those that ship with the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills: Option<String>,
    /// What the document is set as, each format once; a PDF if nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<Format>,
    /// What the document is called, an ending left out; made from its title otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Queries that may be run, at most as many as the task's own limit allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<u32>,
    /// Who writes, unless a model does.
    #[serde(default)]
    pub analyst: Analyst,
    /// The language model that writes, by the name the executor knows it by; none if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why it is a task of its own, where a conversation asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// What was said before in that conversation, the oldest first: a model is told the newest of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Turn>,
}

/// What a report task gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The document's title.
    pub title: String,
    /// What it found, in its own sentences.
    pub summary: Vec<String>,
    /// The name of the first artifact.
    pub artifact: String,
    /// The names of all artifacts, in the order they were asked for.
    #[serde(default)]
    pub artifacts: Vec<String>,
    /// How many queries were run for it.
    pub queries: u32,
    /// What it adds to what its conversation remembers.
    #[serde(default)]
    pub memory: Memory,
    /// As in its input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
}

/// Registers the report agent with an executor, under [`KIND`].
pub fn handle_report(executor: Executor, agent: Agent) -> Executor {
    let agent = Arc::new(agent);
    executor.handle(KIND, async move |run: &mut Run, input: Input| report(&agent, run, input).await)
}

/// Bounds on what a request may be.
const LONGEST_PROMPT: usize = 10_000;
const MOST_QUERIES: u32 = 50;
/// Turns of a model.
const TURNS: u32 = 24;

async fn report(agent: &Agent, run: &mut Run, input: Input) -> Result<Output, Failure> {
    let queries = check(agent, run, &input)?;
    let (document, kept) = match &input.model {
        None => built_in::write(agent, run, &input, queries).await?,
        Some(name) => {
            let model = agent.models.get(name)?;
            talk::write(agent, run, &input, queries, &*model).await?
        }
    };
    let artifacts: Vec<String> =
        run.step("rendering", async |step| rendering(agent, &step, &input, &document).await).await?;
    let summary = sentences(&document);
    let queries = u32::try_from(kept.len()).unwrap_or(u32::MAX);
    let title = document.title.clone();
    let adds = Memory {
        data: Some(input.data),
        answers: kept,
        document: Some(document),
        files: artifacts.clone(),
        ..Memory::default()
    };
    Ok(Output {
        memory: adds.said(&input.prompt, &summary.join("\n")).bounded(),
        summary,
        title,
        artifact: artifacts.first().cloned().unwrap_or_default(),
        artifacts,
        queries,
        choice: input.choice,
    })
}

/// Refuses what cannot become a report; gives the number of queries.
fn check(agent: &Agent, run: &Run, input: &Input) -> Result<u32, Failure> {
    let bad = |why: String| Err(Failure::permanent("bad_request", why));
    if input.prompt.len() > LONGEST_PROMPT {
        return bad(format!(
            "the request has {} bytes, at most {LONGEST_PROMPT} are read; say it shorter",
            input.prompt.len()
        ));
    }
    if input.queries.is_some_and(|queries| queries > MOST_QUERIES) {
        return bad(format!("a report runs at most {MOST_QUERIES} queries; ask for fewer"));
    }
    if let Some(name) = &input.file_name
        && file_name(name, Format::default()).is_none()
    {
        return bad(format!(
            "{name:?} is no file name; give one of letters, figures, spaces, points and hyphens"
        ));
    }
    let wanted = input.queries.or(run.budget().queries).unwrap_or(agent.queries);
    Ok(wanted.min(run.budget().queries.unwrap_or(MOST_QUERIES)).min(MOST_QUERIES))
}
