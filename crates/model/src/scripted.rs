//! A model that says what it is told to: for tests of whoever asks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use crate::{Ask, Error, Facts, Heard, Model, Rates, Reply};

/// What a [`Scripted`] model does when it is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// Answers: its text word by word, then the whole.
    Reply(Reply),
    /// Fails.
    Fail(Error),
    /// Says this much, then nothing, for ever.
    Hang(String),
}

/// A model that says what it is told to, in order, and keeps what it was asked.
#[derive(Debug, Clone)]
pub struct Scripted {
    facts: Facts,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    turns: VecDeque<Turn>,
    asked: Vec<Ask>,
}

impl Scripted {
    /// A model that takes these turns.
    #[must_use]
    pub fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        let facts = Facts {
            provider: "scripted".to_owned(),
            model: "script".to_owned(),
            context: None,
            rates: Rates::default(),
        };
        let state = State { turns: turns.into_iter().collect(), asked: Vec::new() };
        Self { facts, state: Arc::new(Mutex::new(state)) }
    }

    /// The same, but it can read only so many tokens.
    #[must_use]
    pub fn with_context(mut self, tokens: u64) -> Self {
        self.facts.context = Some(tokens);
        self
    }

    /// What it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Ask> {
        self.state().asked.clone()
    }

    /// How many turns are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.state().turns.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Model for Scripted {
    fn ask(&self, ask: Ask) -> BoxStream<'static, Result<Heard, Error>> {
        let this = self.clone();
        // Taken when it is first polled: who only makes the stream has not asked.
        stream::once(async move {
            let mut state = this.state();
            state.asked.push(ask);
            state.turns.pop_front()
        })
        .flat_map(|turn| match turn {
            Some(Turn::Reply(reply)) => stream::iter(said(reply)).boxed(),
            Some(Turn::Fail(error)) => stream::iter([Err(error)]).boxed(),
            Some(Turn::Hang(text)) => stream::iter([Ok(Heard::Text(text))]).chain(stream::pending()).boxed(),
            None => {
                let message = "the script is at its end; a turn is missing";
                stream::iter([Err(Error::new(crate::Class::BadRequest, message))]).boxed()
            }
        })
        .boxed()
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }
}

/// An answer as it comes: word by word, then the whole.
fn said(reply: Reply) -> Vec<Result<Heard, Error>> {
    let words = reply.text.split_inclusive(' ').map(|word| Ok(Heard::Text(word.to_owned())));
    let mut said: Vec<_> = words.collect();
    said.push(Ok(Heard::Reply(Box::new(reply))));
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, Stop, Tokens, reply};
    use futures::executor::block_on;

    fn question() -> Ask {
        Ask { system: String::new(), dialog: [].into(), tools: [].into(), must_call: None, most_output: 100 }
    }

    #[test]
    fn it_says_its_script_and_keeps_what_it_was_asked() {
        let said = Reply {
            text: "one two".to_owned(),
            calls: Vec::new(),
            stop: Stop::Ended,
            tokens: Tokens::default(),
            model: "script".to_owned(),
            native: None,
        };
        let model =
            Scripted::new([Turn::Reply(said.clone()), Turn::Fail(Error::new(Class::Timeout, "late"))]);
        let mut pieces = String::new();
        let take = |heard| match heard {
            Heard::Text(text) => pieces.push_str(&text),
            other => panic!("{other:?}"),
        };
        assert_eq!(block_on(reply(&model, question(), take)), Ok(said));
        assert_eq!(pieces, "one two");
        let error = block_on(reply(&model, question(), |_| {})).unwrap_err();
        assert_eq!((error.class, error.class.is_retryable()), (Class::Timeout, true));
        let error = block_on(reply(&model, question(), |_| {})).unwrap_err();
        assert!(!error.class.is_retryable() && error.to_string().contains("script is at its end"));
        drop(model.ask(question()));
        assert_eq!((model.asked().len(), model.left()), (3, 0), "a stream that nobody polls asks nothing");
    }
}
