//! Group commit: where the server syncs before each acknowledgement, one atomic batch of a hundred
//! messages costs it about as much as fifteen single ones. So appends that find many others in flight
//! wait for each other, and go as a batch. One that finds few goes out at once, alone.
//!
//! Whoever was in a batch often appends again as soon as it is answered. If the first of them went alone
//! each time, the server would be busy with those while the rest comes in: so after a batch they are
//! waited for, a moment at most.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use longhaul_core::Sequence;
use longhaul_wire::Subject;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::append::{BatchError, Publisher};
use super::link::{ANSWER, Link};
use crate::port::{Append, AppendError, PortError};

/// How many single appends of a shard may be in flight before the next ones wait for each other. Below
/// about this many a batch is slower than they are.
const SINGLES: usize = 16;

/// The fewest that are worth a batch.
const FEWEST: usize = 16;

/// The most messages and bytes of a batch. More of them do not make it cheaper by much, but everybody
/// in it wait longer.
const MOST: usize = 256;
const MOST_BYTES: usize = 2 << 20;

/// How long those of the last batch are waited for.
const LINGER: Duration = Duration::from_millis(1);

type Outcome = Result<Sequence, AppendError>;

struct Waiting {
    ticket: u64,
    message: Append,
    answer: oneshot::Sender<Outcome>,
}

#[derive(Default)]
struct State {
    singles: usize,
    batch: bool,
    /// How many were in the last batch, and until when they are waited for.
    crowd: Option<(usize, Instant)>,
    /// Somebody looks when that time is over.
    lingering: bool,
    tickets: u64,
    waiting: VecDeque<Waiting>,
}

/// The appends of one shard. Clones are the same.
#[derive(Clone)]
pub(super) struct Gather {
    link: Arc<Link>,
    state: Arc<Mutex<State>>,
}

/// A single append in flight; dropped, the next ones may go.
struct Single(Gather);

impl Drop for Single {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.singles -= 1;
        self.0.go_on(&mut state);
    }
}

impl State {
    /// How many more are likely to come in a moment.
    fn expected(&self) -> usize {
        match self.crowd {
            Some((count, until)) if Instant::now() < until => count,
            _ => 0,
        }
    }
}

impl Gather {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link, state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and it would be consistent if something did.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gathering is for logs on one server: a cluster commits in groups by itself.
    fn publisher(&self) -> Publisher<'_> {
        Publisher { link: &self.link, replicas: 1 }
    }

    /// Appends one message, alone or with others.
    pub(super) async fn append(&self, message: Append) -> Outcome {
        let answer = {
            let mut state = self.lock();
            if !state.batch && state.waiting.is_empty() && state.singles < SINGLES && state.expected() == 0 {
                state.singles += 1;
                None
            } else {
                let (sender, answer) = oneshot::channel();
                state.tickets += 1;
                let ticket = state.tickets;
                state.waiting.push_back(Waiting { ticket, message: message.clone(), answer: sender });
                self.go_on(&mut state);
                Some((ticket, answer))
            }
        };
        match answer {
            None => {
                let _in_flight = Single(self.clone());
                self.publisher().append(&message).await
            }
            Some((ticket, answer)) => self.wait(ticket, answer).await,
        }
    }

    /// Waits for one's turn, but not for ever, and then for the answer.
    async fn wait(&self, ticket: u64, mut answer: oneshot::Receiver<Outcome>) -> Outcome {
        let answered = match timeout(ANSWER, &mut answer).await {
            Ok(answered) => answered,
            Err(_) if self.withdraw(ticket) => return Err(AppendError::DidNotHappen(too_many())),
            // It is on its way.
            Err(_) => answer.await,
        };
        answered.unwrap_or_else(|_| {
            // Only where the runtime stops.
            Err(AppendError::MayHaveHappened(PortError::Unreachable("this process is stopping".into())))
        })
    }

    /// Whether it was still waiting.
    fn withdraw(&self, ticket: u64) -> bool {
        let mut state = self.lock();
        let place = state.waiting.iter().position(|waiting| waiting.ticket == ticket);
        place.and_then(|place| state.waiting.remove(place)).is_some()
    }

    /// Sends what may go now.
    fn go_on(&self, state: &mut State) {
        if state.batch {
            return;
        }
        // Who does not wait any more was never sent: that is an end, too.
        state.waiting.retain(|waiting| !waiting.answer.is_closed());
        if state.waiting.len() < state.expected() {
            if !state.lingering && !state.waiting.is_empty() {
                state.lingering = true;
                tokio::spawn(self.clone().linger());
            }
            return;
        }
        if state.waiting.len() >= FEWEST {
            let batch = choose(&mut state.waiting);
            if batch.len() >= FEWEST {
                state.batch = true;
                tokio::spawn(self.clone().send_batch(batch));
                return;
            }
            // Many of one subject: one after the other.
            for waiting in batch.into_iter().rev() {
                state.waiting.push_front(waiting);
            }
        }
        while state.singles < SINGLES
            && let Some(waiting) = state.waiting.pop_front()
        {
            state.singles += 1;
            let in_flight = Single(self.clone());
            tokio::spawn(async move {
                let outcome = in_flight.0.publisher().append(&waiting.message).await;
                let _ = waiting.answer.send(outcome);
            });
        }
    }

    /// Sees that whoever waits for the others of the last batch does not wait for long.
    async fn linger(self) {
        sleep(LINGER).await;
        let mut state = self.lock();
        state.lingering = false;
        state.crowd = None;
        self.go_on(&mut state);
    }

    async fn send_batch(self, batch: Vec<Waiting>) {
        let (messages, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.message, waiting.answer)).unzip();
        let outcomes = append_all(&self.publisher(), &messages).await;
        let down = match outcomes.first() {
            Some(Err(AppendError::DidNotHappen(why @ PortError::Unreachable(_)))) => Some(why.clone()),
            _ => None,
        };
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            let _ = answer.send(outcome);
        }
        let mut state = self.lock();
        state.batch = false;
        state.crowd = Some((messages.len(), Instant::now() + LINGER));
        if let Some(why) = down {
            // Nobody waits for a turn that would end the same way.
            for waiting in state.waiting.drain(..) {
                let _ = waiting.answer.send(Err(AppendError::DidNotHappen(why.clone())));
            }
        }
        self.go_on(&mut state);
    }
}

/// Why an append was never sent.
pub(super) fn too_many() -> PortError {
    PortError::Unreachable(format!(
        "too many appends are waiting; this one's turn did not come in {ANSWER:?}"
    ))
}

/// The outcome of each message, sent as one batch if the server takes it so.
async fn append_all(publisher: &Publisher<'_>, messages: &[Append]) -> Vec<Outcome> {
    let count = messages.len() as u64;
    match publisher.append_atomically(messages).await {
        Ok(last) => (0..count).map(|at| Ok(Sequence(last.0 + 1 + at - count))).collect(),
        Err(BatchError::Refused(why)) => {
            tracing::debug!(%why, count, "a batch was refused; its messages go one by one");
            join_all(messages.iter().map(|message| publisher.append(message))).await
        }
        Err(BatchError::DidNotHappen(why)) => {
            messages.iter().map(|_| Err(AppendError::DidNotHappen(why.clone()))).collect()
        }
        Err(BatchError::MayHaveHappened(why)) => {
            messages.iter().map(|_| Err(AppendError::MayHaveHappened(why.clone()))).collect()
        }
    }
}

/// Takes the next batch from the front: no subject twice where something is expected of it, as the
/// second one's expectation could not be met.
fn choose(waiting: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut batch = Vec::new();
    let mut kept = VecDeque::new();
    let mut subjects: HashSet<Subject> = HashSet::new();
    let mut bytes = 0;
    while batch.len() < MOST
        && let Some(next) = waiting.pop_front()
    {
        let size = next.message.body.len();
        if bytes + size > MOST_BYTES {
            kept.push_back(next);
            break;
        }
        let is_new = subjects.insert(next.message.subject.clone());
        if !is_new && next.message.expect.is_some() {
            kept.push_back(next);
            continue;
        }
        bytes += size;
        batch.push(next);
    }
    kept.append(waiting);
    *waiting = kept;
    batch
}

#[cfg(test)]
mod tests {
    use super::*;
    use longhaul_core::OrgId;
    use longhaul_wire::Shards;

    fn waiting(org: &str, expect: Option<u64>, size: usize) -> Waiting {
        let subject = Subject::ledger(Shards::ONE, &OrgId::new(org).unwrap());
        let message = Append { subject, expect: expect.map(Sequence), body: vec![b'x'; size].into() };
        Waiting { ticket: 0, message, answer: oneshot::channel().0 }
    }

    fn orgs<'a>(waiting: impl IntoIterator<Item = &'a Waiting>) -> Vec<&'a str> {
        waiting.into_iter().map(|one| one.message.subject.as_str().rsplit('.').next().unwrap()).collect()
    }

    #[test]
    fn no_subject_is_in_a_batch_twice_and_the_order_stays() {
        let mut queue: VecDeque<_> =
            ["a", "b", "a", "c", "b", "d"].map(|org| waiting(org, Some(0), 10)).into();
        assert_eq!(orgs(&choose(&mut queue)), ["a", "b", "c", "d"]);
        assert_eq!(orgs(&queue), ["a", "b"]);
        assert_eq!(orgs(&choose(&mut queue)), ["a", "b"]);
    }

    #[test]
    fn what_expects_nothing_may_be_there_often() {
        let mut queue: VecDeque<_> = ["a", "a", "a"].map(|org| waiting(org, None, 10)).into();
        assert_eq!(choose(&mut queue).len(), 3);
    }

    #[test]
    fn a_batch_has_bounds() {
        let mut queue: VecDeque<_> = (0..MOST + 5).map(|n| waiting(&format!("o{n}"), Some(0), 10)).collect();
        assert_eq!(choose(&mut queue).len(), MOST);
        assert_eq!(queue.len(), 5);
        let mut queue: VecDeque<_> =
            (0..5).map(|n| waiting(&format!("o{n}"), Some(0), MOST_BYTES / 3)).collect();
        assert_eq!(orgs(&choose(&mut queue)), ["o0", "o1", "o2"]);
        assert_eq!(orgs(&queue), ["o3", "o4"]);
    }
}
