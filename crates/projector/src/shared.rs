//! What the folding side and the asking side of a projector share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use std::collections::BTreeMap;

use longhaul_core::Sequence;
use longhaul_journal::{Journal, Shard, Shards};
use longhaul_wire::query::Positions;
use rusqlite::Connection;
use tokio::sync::{Semaphore, watch};

use crate::answer::{Answer, Preparing, Reading};
use crate::beats::Beats;
use crate::error::{Error, QueryError};
use crate::model::{Boards, Place};

/// How long the database may work on one question.
pub(crate) const TIME: Duration = Duration::from_secs(2);

/// Questions read at the same time.
const READERS: usize = 4;

/// After how many steps of the database's machine the time is looked at.
const STEPS: i32 = 10_000;

/// How a projector stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Folded up to here.
    pub positions: Positions,
    /// How many records of each shard were still to come when its last one was folded; before that, when
    /// the first one was read.
    pub lag: BTreeMap<u16, u64>,
    /// Why it does not fold at the moment.
    pub trouble: Option<String>,
}

/// Whether somebody waits for what is not folded yet.
#[derive(Default)]
pub(crate) struct Hurry {
    waiting: watch::Sender<usize>,
}

/// Somebody waits, as long as this is kept.
pub(crate) struct InHurry<'a>(&'a Hurry);

impl Hurry {
    pub(crate) fn begin(&self) -> InHurry<'_> {
        self.waiting.send_modify(|waiting| *waiting += 1);
        InHurry(self)
    }

    /// Returns at a moment, or as soon as somebody waits.
    pub(crate) async fn or_until(&self, moment: tokio::time::Instant) {
        let mut waiting = self.waiting.subscribe();
        // The sender lives as long as `self`: the wait ends with the moment or with somebody.
        let _ = tokio::time::timeout_at(moment, waiting.wait_for(|waiting| *waiting > 0)).await;
    }
}

impl Drop for InHurry<'_> {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

pub(crate) struct Shared {
    pub(crate) journal: Journal,
    pub(crate) shards: Shards,
    pub(crate) boards: Arc<Boards>,
    pub(crate) beats: Beats,
    pub(crate) standing: watch::Sender<Standing>,
    pub(crate) hurry: Hurry,
    pub(crate) place: Place,
    readers: Mutex<Vec<Connection>>,
    permits: Semaphore,
    marks: Mutex<Connection>,
}

impl Shared {
    pub(crate) fn new(
        journal: Journal,
        place: Place,
        boards: Arc<Boards>,
        standing: Standing,
    ) -> Result<Self, Error> {
        let marks = Mutex::new(place.open_marks()?);
        Ok(Self {
            shards: journal.shards(),
            journal,
            boards,
            beats: Beats::default(),
            standing: watch::Sender::new(standing),
            hurry: Hurry::default(),
            place,
            readers: Mutex::new(Vec::new()),
            permits: Semaphore::new(READERS),
            marks,
        })
    }

    pub(crate) fn marks(&self) -> MutexGuard<'_, Connection> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything asked for is folded.
    pub(crate) async fn folded(&self, asked: &Positions, patience: Duration) -> Result<(), QueryError> {
        if let Some((shard, _)) = asked.iter().find(|(shard, _)| !self.shards.contains(*shard)) {
            let why = format!("the log has {} shards; there is no shard {shard}", self.shards);
            return Err(QueryError::Unusable(why));
        }
        let mut standing = self.standing.subscribe();
        let _in_hurry = (!standing.borrow().positions.covers(asked)).then(|| self.hurry.begin());
        let waited =
            tokio::time::timeout(patience, standing.wait_for(|now| now.positions.covers(asked))).await;
        if let Ok(Ok(_)) = waited {
            return Ok(());
        }
        let now = self.standing.borrow().positions.clone();
        let behind = |(shard, sequence): &(Shard, Sequence)| now.of(*shard) < *sequence;
        match asked.iter().find(behind) {
            Some((shard, asked)) => {
                Err(QueryError::Behind { shard, folded: now.of(shard), asked, waited: patience })
            }
            None => Ok(()),
        }
    }

    /// Answers a question, on a thread that may block.
    pub(crate) async fn ask<Q: Answer>(self: &Arc<Self>, question: Q) -> Result<Q::Answer, QueryError> {
        let permit = tokio::time::timeout(TIME, self.permits.acquire()).await;
        let Ok(Ok(_permit)) = permit else { return Err(QueryError::Busy) };
        let shared = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || shared.read(&question)).await;
        answer.unwrap_or_else(|lost| Err(QueryError::Internal(lost.to_string())))
    }

    fn read<Q: Answer>(&self, question: &Q) -> Result<Q::Answer, QueryError> {
        question.prepare(&Preparing { shared: self })?;
        let free = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut db = match free {
            Some(db) => db,
            None => self.place.open_reader()?,
        };
        let until = Instant::now() + TIME;
        db.progress_handler(STEPS, Some(move || Instant::now() > until))?;
        let answer = db.transaction().map_err(QueryError::from).and_then(|all| {
            let reading = Reading::begin(&all, self)?;
            question.answer(&reading)
        });
        db.progress_handler(STEPS, None::<fn() -> bool>)?;
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        answer
    }
}
