//! What is said to whoever listens, last values, and questions to services.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use longhaul_core::Sequence;
use longhaul_wire::cell::Cell;
use tokio::sync::{mpsc, oneshot};

use super::Memory;
use crate::port::{Answer, PortError, Request, ServiceSpec, SwapError};

/// How much a listener or a service may fall behind before words to it are dropped.
const BACKLOG: usize = 4096;

/// The last value under each name, in the order they were put.
#[derive(Default)]
pub(super) struct Beats {
    names: HashMap<String, u64>,
    values: BTreeMap<u64, Bytes>,
    head: u64,
}

impl Beats {
    pub(super) fn put(&mut self, name: &str, body: Bytes) {
        self.head += 1;
        if let Some(old) = self.names.insert(name.to_owned(), self.head) {
            self.values.remove(&old);
        }
        self.values.insert(self.head, body);
    }

    /// Forgets every value.
    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.values.clear();
    }

    fn after(&self, position: u64) -> Option<(u64, Bytes)> {
        let (at, body) = self.values.range((Excluded(position), Unbounded)).next()?;
        Some((*at, body.clone()))
    }
}

pub(super) fn beats(memory: Memory) -> BoxStream<'static, Result<Bytes, PortError>> {
    stream::unfold((memory, 0), |(memory, position)| async move {
        let (at, body) = memory.when(|state| state.beats.after(position)).await;
        Some((Ok(body), (memory, at)))
    })
    .boxed()
}

/// The value of each cell, with its version.
#[derive(Default)]
pub(super) struct Cells {
    values: HashMap<Cell, (Sequence, Bytes)>,
    head: u64,
}

impl Cells {
    pub(super) fn get(&self, cell: &Cell) -> Option<(Sequence, Bytes)> {
        self.values.get(cell).cloned()
    }

    pub(super) fn swap(&mut self, cell: &Cell, expect: Sequence, body: Bytes) -> Result<Sequence, SwapError> {
        let there = self.values.get(cell).map_or(Sequence::ZERO, |(version, _)| *version);
        if there != expect {
            return Err(SwapError::Changed);
        }
        self.head += 1;
        self.values.insert(cell.clone(), (Sequence(self.head), body));
        Ok(Sequence(self.head))
    }

    /// Forgets every value. Versions go on.
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }
}

#[derive(Default)]
pub(super) struct Listeners {
    all: Vec<(String, mpsc::Sender<(String, Bytes)>)>,
}

impl Listeners {
    pub(super) fn listen(&mut self, pattern: &str) -> BoxStream<'static, (String, Bytes)> {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        self.all.push((pattern.to_owned(), sender));
        received(receiver)
    }

    pub(super) fn say(&mut self, subject: &str, body: &Bytes) {
        self.all.retain(|(pattern, sender)| {
            if matches(pattern, subject) {
                // A listener that does not listen misses what is said.
                let _ = sender.try_send((subject.to_owned(), body.clone()));
            }
            !sender.is_closed()
        });
    }
}

fn received<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> BoxStream<'static, T> {
    stream::unfold(receiver, |mut receiver| async move {
        let next = receiver.recv().await?;
        Some((next, receiver))
    })
    .boxed()
}

/// Whether a subject matches a pattern: `*` stands for one token, a last `>` for one or more.
pub(super) fn matches(pattern: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for expected in pattern.split('.') {
        match (expected, tokens.next()) {
            (_, None) => return false,
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (expected, Some(token)) if expected == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

struct Question {
    endpoint: String,
    body: Bytes,
    answer: oneshot::Sender<Answer>,
}

impl Request for Question {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn body(&self) -> &Bytes {
        &self.body
    }

    fn answer(self: Box<Self>, answer: Answer) -> BoxFuture<'static, Result<(), PortError>> {
        // Who asked may have given up: that is no failure of who answers.
        let _ = self.answer.send(answer);
        Box::pin(async { Ok(()) })
    }
}

#[derive(Default)]
pub(super) struct Services {
    /// Who serves a subject, and whose turn it is.
    servers: HashMap<String, (usize, Vec<Server>)>,
}

struct Server {
    endpoint: String,
    questions: mpsc::Sender<Box<dyn Request>>,
}

impl Services {
    pub(super) fn serve(&mut self, service: &ServiceSpec) -> BoxStream<'static, Box<dyn Request>> {
        let (questions, receiver) = mpsc::channel(BACKLOG);
        for endpoint in &service.endpoints {
            let subject = format!("{}.{endpoint}", service.name);
            let server = Server { endpoint: endpoint.clone(), questions: questions.clone() };
            self.servers.entry(subject).or_default().1.push(server);
        }
        received(receiver)
    }

    /// Hands a question to whoever's turn it is; the answer comes later, or never.
    pub(super) fn ask(&mut self, subject: &str, body: Bytes) -> Result<oneshot::Receiver<Answer>, PortError> {
        let nobody = || PortError::NotFound(format!("a service that answers {subject}"));
        let (turn, servers) = self.servers.get_mut(subject).ok_or_else(nobody)?;
        servers.retain(|server| !server.questions.is_closed());
        *turn = turn.wrapping_add(1);
        let at = *turn % servers.len().max(1);
        let server = servers.get(at).ok_or_else(nobody)?;
        let (answer, receiver) = oneshot::channel();
        let question = Question { endpoint: server.endpoint.clone(), body, answer };
        // A full backlog loses the question, as a slow subscriber does: who asks runs out of time.
        let _ = server.questions.try_send(Box::new(question));
        Ok(receiver)
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, subject, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.b.c", false),
            ("a.b.c", "a.b", false),
            ("a.*", "a.b", true),
            ("a.*", "a.b.c", false),
            ("a.*.c", "a.b.c", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            ("a.*", "a", false),
        ] {
            assert_eq!(matches(pattern, subject), expected, "{pattern} {subject}");
        }
    }
}
