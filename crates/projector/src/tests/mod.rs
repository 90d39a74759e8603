//! Rules of the read model, over histories that the core itself decided.

mod aside;
mod asking;
mod bell;
mod briefs;
mod figures;
mod lists;
mod plans;
mod rebuild;
mod running;
mod waiting;
mod world;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use longhaul_core::{Sequence, Timestamp};
use longhaul_journal::memory::Memory;
use longhaul_journal::port::{Append, Port};
use longhaul_journal::{Entry, Journal, Shard, Shards};

use longhaul_wire::query::Positions;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::handle::Handle;
use crate::model::{Boards, Model, Place};
use crate::projector::{Options, Projector};
use world::World;

/// A projector over the in-memory log, caught up with a world.
struct Asked {
    memory: Memory,
    journal: Journal,
    /// Out of here while it is closed.
    open: Option<Projector>,
    written: Vec<usize>,
    dir: tempfile::TempDir,
}

impl Asked {
    async fn of(world: &World) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::new(world.shards);
        let journal = Journal::over(&memory);
        let projector = Projector::open(journal.clone(), Options::new(dir.path())).await.unwrap();
        let written = vec![0; world.logs.len()];
        let mut asked = Self { memory, journal, open: Some(projector), written, dir };
        asked.catch_up(world).await;
        asked
    }

    /// Writes what is new in the world to the log, and folds it.
    async fn catch_up(&mut self, world: &World) {
        write(&self.memory, &mut self.written, world).await;
        self.open.as_mut().unwrap().catch_up().await.unwrap();
    }

    fn projector(&self) -> &Projector {
        self.open.as_ref().unwrap()
    }

    /// Closes the projector and opens it again.
    async fn reopen(&mut self) {
        self.open = None;
        let options = Options::new(self.dir.path());
        self.open = Some(Projector::open(self.journal.clone(), options).await.unwrap());
    }

    async fn ask<Q: Answer>(&self, question: Q) -> Result<Q::Answer, QueryError> {
        self.projector().handle().ask(question).await
    }
}

/// A projector at work.
struct Running {
    memory: Memory,
    journal: Journal,
    handle: Handle,
    written: Vec<usize>,
    dir: Arc<tempfile::TempDir>,
    cancel: CancellationToken,
    work: tokio::task::JoinHandle<Result<(), crate::Error>>,
}

/// What is left of it.
struct Stopped {
    journal: Journal,
    dir: Arc<tempfile::TempDir>,
    /// When the records of the first shard were stored.
    stored_at: Vec<Timestamp>,
}

/// How long anything may take.
const BOUND: Duration = Duration::from_secs(60);

impl Running {
    /// Over a fresh log with what the world holds, folded.
    async fn of(world: &World) -> Self {
        let Asked { memory, journal, open, written, dir } = Asked::of(world).await;
        Self::run(memory, journal, open.unwrap(), written, Arc::new(dir))
    }

    /// Over the log of another one.
    fn start(projector: Projector, over: &Asked) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::run(over.memory.clone(), over.journal.clone(), projector, over.written.clone(), dir)
    }

    fn beside(&self, projector: Projector) -> Self {
        let dir = Arc::clone(&self.dir);
        Self::run(self.memory.clone(), self.journal.clone(), projector, self.written.clone(), dir)
    }

    fn run(
        memory: Memory,
        journal: Journal,
        projector: Projector,
        written: Vec<usize>,
        dir: Arc<tempfile::TempDir>,
    ) -> Self {
        let (handle, cancel) = (projector.handle(), CancellationToken::new());
        let work = tokio::spawn(projector.run(cancel.clone()));
        Self { memory, journal, handle, written, dir, cancel, work }
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    async fn write(&mut self, world: &World) {
        write(&self.memory, &mut self.written, world).await;
    }

    /// Waits until everything is folded.
    async fn all_folded(&self) {
        let mut heads = Positions::default();
        for shard in self.journal.shards().all() {
            heads.advance(shard, self.journal.head(shard).await.unwrap());
        }
        let mut standing = self.handle.standing();
        let folded = standing.wait_for(|now| now.positions.covers(&heads));
        tokio::time::timeout(BOUND, folded).await.unwrap().unwrap();
    }

    /// Waits until `look` finds what it looks for.
    async fn until<T>(&self, bound: Duration, look: impl AsyncFn(&Handle) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = look(&self.handle).await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(bound, found).await.unwrap()
    }

    /// Asks the service; an answer is JSON, a refusal a code and a text.
    async fn ask(&self, endpoint: &str, question: &[u8]) -> Result<serde_json::Value, (u16, String)> {
        let subject = format!("longhaul.{endpoint}");
        // The service is offered a moment after the start.
        let answer = self
            .until(BOUND, async |_| self.journal.ask(&subject, question.to_vec().into(), BOUND).await.ok())
            .await;
        answer.map(|answer| serde_json::from_slice(&answer).unwrap())
    }

    /// Ends it, as it should end.
    async fn stop(self) -> Stopped {
        self.cancel.cancel();
        tokio::time::timeout(BOUND, self.work).await.unwrap().unwrap().unwrap();
        let stored = self.memory.follow(Shard(0), Sequence::ZERO).await.unwrap();
        let head = self.journal.head(Shard(0)).await.unwrap().0 as usize;
        let stored_at = stored.take(head).map(|stored| stored.unwrap().stored_at).collect().await;
        Stopped { journal: self.journal, dir: self.dir, stored_at }
    }
}

/// Writes what is new in the world to the log.
async fn write(memory: &Memory, written: &mut [usize], world: &World) {
    for (written, log) in written.iter_mut().zip(&world.logs) {
        for message in &log[*written..] {
            let (subject, body) = (message.subject.clone(), message.body.clone().into());
            memory.append(Append { subject, expect: None, body }).await.unwrap();
        }
        *written = log.len();
    }
}

fn block_on<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// A read model in a directory of its own, folded without a runtime.
struct Bench {
    dir: tempfile::TempDir,
    shards: Shards,
    boards: Arc<Boards>,
    open: Option<(Place, Model)>,
}

impl Bench {
    fn new(shards: Shards) -> Self {
        let (dir, boards) = (tempfile::tempdir().unwrap(), Arc::new(Boards::default()));
        let mut bench = Self { dir, shards, boards, open: None };
        bench.reopen();
        bench
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Closes it, as a process that ends, and opens it again.
    fn reopen(&mut self) {
        self.open = None;
        let place = Place::take(self.path()).unwrap();
        let model = Model::open(&place, self.shards, false, Arc::clone(&self.boards)).unwrap();
        self.open = Some((place, model));
    }

    fn model(&mut self) -> &mut Model {
        &mut self.open.as_mut().unwrap().1
    }

    /// Folds everything in batches of `batch`.
    fn fold(&mut self, entries: &[Vec<Entry>], batch: usize) {
        for (shard, entries) in (0..).map(Shard).zip(entries) {
            for batch in entries.chunks(batch) {
                self.model().fold_one(shard, batch).unwrap();
            }
        }
    }

    /// Folds everything of all shards in one transaction.
    fn fold_at_once(&mut self, entries: &[Vec<Entry>]) {
        let all = (0..).map(Shard).zip(entries.iter().cloned()).collect();
        self.model().fold(&all).unwrap();
    }

    fn dump(&mut self) -> Vec<String> {
        crate::dump(self.model().db()).unwrap()
    }
}

/// The first lines in which two dumps differ: shorter to read than both.
fn difference(left: &[String], right: &[String]) -> String {
    let only = |a: &[String], b: &[String]| {
        a.iter().filter(|line| !b.contains(line)).take(3).cloned().collect::<Vec<_>>()
    };
    format!("only in the first: {:#?}\nonly in the second: {:#?}", only(left, right), only(right, left))
}
