//! Asking a model.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;

use crate::{Call, Class, Error, RateFigures, Reply, Said, Tool, estimate};

/// A language model.
pub trait Model: Send + Sync {
    /// Asks. Nothing is sent before the stream is first polled, and dropping it cancels. The last item
    /// is a [`Heard::Reply`] or an error.
    fn ask(&self, ask: Ask) -> BoxStream<'static, Result<Heard, Error>>;

    /// What is known of it.
    fn facts(&self) -> &Facts;
}

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who provides it, as it is configured here.
    pub provider: String,
    /// Its name there.
    pub model: String,
    /// How many tokens it can read, if that is known.
    pub context: Option<u64>,
    /// How much of it its settings allow.
    pub rates: Rates,
}

/// How much a provider is asked at most, if that is bounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Requests a minute.
    pub requests: Option<u64>,
    /// Tokens a minute, in both directions.
    pub tokens: Option<u64>,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What it is told before all else.
    pub system: String,
    /// What was said so far.
    pub dialog: Arc<[Said]>,
    /// The tools it may call.
    pub tools: Arc<[Tool]>,
    /// The tool that it must call.
    pub must_call: Option<String>,
    /// The most tokens it may answer.
    pub most_output: u32,
}

impl Ask {
    /// How many tokens the question is, about.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        let said = |said: &Said| match said {
            Said::Person { text } => text.len(),
            Said::Model(reply) => {
                let call = |call: &Call| {
                    let arguments = match &call.arguments {
                        Ok(arguments) => arguments.to_string().len(),
                        Err(text) => text.len(),
                    };
                    call.name.len() + arguments
                };
                reply.text.len() + reply.calls.iter().map(call).sum::<usize>()
            }
            Said::Tool { answer, .. } => answer.to_string().len(),
        };
        let tool = |tool: &Tool| tool.name.len() + tool.description.len() + tool.parameters.to_string().len();
        let dialog: usize = self.dialog.iter().map(said).sum();
        estimate(self.system.len() + dialog + self.tools.iter().map(tool).sum::<usize>())
    }
}

/// What comes of asking.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// What the provider says of its limits; comes first, if at all.
    Figures(RateFigures),
    /// A piece of the answer's text.
    Text(String),
    /// The answer, whole.
    Reply(Box<Reply>),
}

/// Asks, and waits for the whole answer; `say` is given what comes of it before.
///
/// # Errors
/// What the model says; [`Class::BrokenOff`] if it ended without a reply.
pub async fn reply(model: &dyn Model, ask: Ask, mut say: impl FnMut(Heard)) -> Result<Reply, Error> {
    let mut heard = model.ask(ask);
    while let Some(next) = heard.next().await {
        match next? {
            Heard::Reply(reply) => return Ok(*reply),
            other => say(other),
        }
    }
    Err(Error::new(Class::BrokenOff, format!("{} ended without an answer", model.facts().provider)))
}
