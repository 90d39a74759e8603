//! A model of a provider, by way of the library.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use rig_core::ProviderError;
use rig_core::completion::{CompletionResponse, FinishReason, Usage};
use rig_core::driver::DynModel;
use rig_core::http_client::DynHttpClient;
use rig_core::message::{AssistantContent, StopReason};
use rig_core::operation::Completion;
use rig_core::providers::{anthropic::AnthropicConfig, gemini::GeminiConfig, openai::OpenAIConfig};
use rig_core::streaming::{CompletionStream, Item, StreamEvent};

use super::errors::Teller;
use super::http::{Line, Transport};
use super::request::request;
use crate::{
    Api, Ask, Call, Class, Error, Facts, Heard, Model, ProviderSettings, Rates, Reply, Stop, Tokens,
    estimate, figures,
};

/// What the library is given for a key: the real one is put in where the request is sent.
const NO_KEY: &str = "none";

/// A provider that can be asked.
pub(crate) struct Provider {
    settings: Arc<ProviderSettings>,
    transport: Transport,
}

impl Provider {
    pub(crate) fn new(settings: &ProviderSettings, transport: Transport) -> Self {
        Self { settings: Arc::new(settings.clone()), transport }
    }

    /// A model of this provider. Whether there is one of this name, it says when it is asked.
    pub(crate) fn model(&self, model: &str) -> ProvidedModel {
        let facts = Facts {
            provider: self.settings.name.clone(),
            model: model.to_owned(),
            context: self.settings.context,
            rates: Rates {
                requests: self.settings.requests_per_minute,
                tokens: self.settings.tokens_per_minute,
            },
        };
        let (settings, transport) = (Arc::clone(&self.settings), self.transport.clone());
        ProvidedModel { speaker: Arc::new(Speaker { settings, transport, facts }) }
    }
}

/// A model of a provider.
pub(crate) struct ProvidedModel {
    speaker: Arc<Speaker>,
}

struct Speaker {
    settings: Arc<ProviderSettings>,
    transport: Transport,
    facts: Facts,
}

impl Model for ProvidedModel {
    fn ask(&self, ask: Ask) -> BoxStream<'static, Result<Heard, Error>> {
        let speaker = Arc::clone(&self.speaker);
        // Nothing is begun before it is polled, and what is dropped takes its connection with it.
        stream::once(async move { Hearing::begun(speaker, &ask) })
            .flat_map(|begun| match begun {
                Ok(hearing) => stream::unfold(Some(hearing), |hearing| async move {
                    let mut hearing = hearing?;
                    match hearing.next().await {
                        Ok(Heard::Reply(reply)) => Some((Ok(Heard::Reply(reply)), None)),
                        Ok(heard) => Some((Ok(heard), Some(hearing))),
                        Err(error) => Some((Err(error), None)),
                    }
                })
                .boxed(),
                Err(error) => stream::iter([Err(error)]).boxed(),
            })
            .boxed()
    }

    fn facts(&self) -> &Facts {
        &self.speaker.facts
    }
}

impl Speaker {
    /// The library's model, on a line of its own.
    fn model(&self, line: Line) -> DynModel<Completion> {
        let http = DynHttpClient::new(line);
        let (base, model) = (self.settings.base_url.as_str(), self.facts.model.as_str());
        match self.settings.api {
            Api::OpenAi => OpenAIConfig::new(NO_KEY).with_base_url(base).connect(http).chat(model).erase(),
            Api::Anthropic => {
                AnthropicConfig::new(NO_KEY).with_base_url(base).connect(http).completion(model).erase()
            }
            Api::Gemini => {
                GeminiConfig::new(NO_KEY).with_base_url(base).connect(http).completion(model).erase()
            }
        }
    }
}

/// An answer that is being heard.
struct Hearing {
    speaker: Arc<Speaker>,
    line: Line,
    /// None once it has been read to its end.
    stream: Option<CompletionStream>,
    /// What was asked, about.
    asked: u64,
    /// Bytes of the answer so far, thoughts included.
    said: usize,
    /// Whether the headers of the answer have been looked at.
    looked: bool,
    /// What was heard and not yet passed on.
    queue: VecDeque<Heard>,
}

impl Hearing {
    fn begun(speaker: Arc<Speaker>, ask: &Ask) -> Result<Self, Error> {
        let line = Line::new(speaker.transport.clone());
        let failed = |error: &ProviderError| Teller::of(&speaker.settings).error(error);
        let request = request(ask).map_err(|error| failed(&ProviderError::request(error)))?;
        let stream = speaker.model(line.clone()).stream(request).map_err(|error| failed(&error))?;
        Ok(Self {
            speaker,
            line,
            stream: Some(stream),
            asked: ask.tokens(),
            said: 0,
            looked: false,
            queue: VecDeque::new(),
        })
    }

    /// What comes next; the reply or an error is the last.
    async fn next(&mut self) -> Result<Heard, Error> {
        loop {
            if let Some(heard) = self.queue.pop_front() {
                return Ok(heard);
            }
            let Some(stream) = &mut self.stream else {
                let message = format!("{} has said all", self.speaker.settings.name);
                return Err(Error::new(Class::BrokenOff, message));
            };
            let item = stream.next().await;
            if !self.looked
                && let Some(headers) = self.line.headers()
            {
                self.looked = true;
                let header = |name: &str| headers.get(name)?.to_str().ok();
                self.queue.extend(figures(self.speaker.settings.api, &header).map(Heard::Figures));
            }
            match item {
                Some(Ok(Item::Event(StreamEvent::Text { text, .. }))) if !text.is_empty() => {
                    self.said += text.len();
                    self.queue.push_back(Heard::Text(text));
                }
                Some(Ok(Item::Event(
                    StreamEvent::Reasoning { text: more, .. } | StreamEvent::Arguments { json: more, .. },
                ))) => self.said += more.len(),
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    let usage = stream.partial().usage;
                    return Err(self.failed(&error, usage));
                }
                None => {
                    let Some(stream) = self.stream.take() else { continue };
                    let usage = stream.partial().usage;
                    let reply = match stream.finish().await {
                        Ok(response) => self.reply(&response)?,
                        Err(error) => return Err(self.failed(&error, usage)),
                    };
                    self.queue.push_back(Heard::Reply(Box::new(reply)));
                }
            }
        }
    }

    /// The error, with what it cost: an answer that had begun is paid for.
    fn failed(&self, error: &ProviderError, usage: Usage) -> Error {
        let mut error = Teller::of(&self.speaker.settings).error(error);
        if self.line.headers().is_some() || error.class == Class::Timeout {
            error.tokens = self.tokens(usage);
            // Counts that came before the end may have grown since.
            error.tokens.exact = false;
        }
        error
    }

    fn tokens(&self, usage: Usage) -> Tokens {
        match (usage.input_tokens, usage.output_tokens) {
            // Servers that do not count say nothing, or none.
            (Some(input), Some(output)) if input > 0 => Tokens { input, output, exact: true },
            (input, output) => Tokens {
                input: input.filter(|count| *count > 0).unwrap_or(self.asked),
                output: output.unwrap_or(0).max(if self.said == 0 { 0 } else { estimate(self.said) }),
                exact: false,
            },
        }
    }

    fn reply(&self, response: &CompletionResponse) -> Result<Reply, Error> {
        let settings = &self.speaker.settings;
        let teller = Teller::of(settings);
        let mut text = response.text();
        let calls: Vec<Call> = response
            .tool_calls()
            .map(|call| Call {
                id: call.id.to_string(),
                name: call.function.name.as_str().to_owned(),
                arguments: match &call.function.invalid_arguments {
                    Some(written) => Err(written.clone()),
                    None => Ok(call.function.arguments_value()),
                },
            })
            .collect();
        let stop = match response.finish_reason() {
            // Whatever it says of why: what it wants called is called.
            _ if !calls.is_empty() => Stop::Calls,
            Some(FinishReason::ContentFilter) => Stop::Refused,
            _ if response.error.is_some() => Stop::Refused,
            Some(FinishReason::Length) => Stop::Length,
            // Reasons of their own are many; without an answer they are a failure.
            Some(FinishReason::Other(_)) if text.trim().is_empty() => {
                let mut error = teller.tell(Class::Malformed, "stopped without an answer".to_owned());
                error.tokens = self.tokens(response.usage);
                return Err(error);
            }
            _ => Stop::Ended,
        };
        if let (Stop::Refused, true, Some(why)) = (stop, text.trim().is_empty(), &response.error) {
            text = teller.clean(why);
        }
        Ok(Reply {
            text,
            calls,
            stop,
            tokens: self.tokens(response.usage),
            model: response.model().unwrap_or(&self.speaker.facts.model).to_owned(),
            native: native(settings.api, response, stop),
        })
    }
}

/// The provider's own form of an answer, where it wants that back: signed thoughts, without which it
/// refuses the answers to its calls.
fn native(api: Api, response: &CompletionResponse, stop: Stop) -> Option<serde_json::Value> {
    let wanted = |part: &AssistantContent| match part {
        AssistantContent::Reasoning(_) | AssistantContent::Opaque(_) => true,
        other => other.native_item().is_some_and(|item| item.get("thoughtSignature").is_some()),
    };
    if api == Api::OpenAi || !response.choice.iter().any(wanted) {
        return None;
    }
    // A turn that counts as failed is left out of the next request: calls are no failure.
    let stop = if stop == Stop::Calls { StopReason::ToolUse } else { response.stop() };
    let message = response.head().with_content(response.choice.clone()).with_stop(stop);
    serde_json::to_value(message).ok()
}
