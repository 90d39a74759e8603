//! The service: follows every shard, folds, says what changed, answers questions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use longhaul_core::Sequence;
use longhaul_journal::{Entry, Journal, Shard};
use longhaul_wire::query::Positions;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::ahead;
use crate::error::{Error, chain};
use crate::follow::{Input, TICK, WAITS, follow, hear, say};
use crate::gather::Gathered;
use crate::handle::Handle;
use crate::model::{Boards, Model, Place, TaskChange};
use crate::service;
use crate::shared::{Shared, Standing};

/// How a projector is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the read model lies; made if need be. One projector uses it at a time.
    pub dir: PathBuf,
    /// Most records of one transaction. 50,000 by default: while a long log is folded, a task is written
    /// once for all of its records that lie near each other.
    pub batch: usize,
    /// How long a question waits to be folded far enough. 10 s by default.
    pub patience: Duration,
    /// Drop what is there and fold from nothing.
    pub anew: bool,
}

impl Options {
    /// The defaults, in a directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), batch: 50_000, patience: Duration::from_secs(10), anew: false }
    }
}

/// Most records read at once.
pub(crate) const READ: usize = 256;

/// Most records folded in memory at once: what they take is free again before the next ones are folded.
const CHUNK: usize = 2_000;

/// The pause after a transaction while much of the log is still to come.
const FAR_PAUSE: Duration = Duration::from_secs(2);

/// The pause after a transaction at the end of the log, as a multiple of what it took, and the longest. A transaction costs
/// about as much for one record as for a hundred: while much happens, few are made. Whoever asks for
/// what is not folded yet does not wait for the pause.
const PAUSE: (u32, Duration) = (10, Duration::from_millis(200));

/// A fold of the log into a read model.
pub struct Projector {
    /// Out of here while a batch is folded on another thread.
    model: Option<Model>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
    /// Up to here nothing that changes is said: nobody watches a model that is built from nothing.
    quiet: Positions,
    /// How many records of each shard are still to come beyond what is folded and not written.
    lag: BTreeMap<u16, u64>,
}

/// Why a round of following ended.
enum Round {
    Cancelled,
    /// The model was emptied; everything is followed from the beginning.
    StartOver,
}

impl Projector {
    /// Opens the read model in `options.dir`, where it was left, or from nothing.
    ///
    /// # Errors
    /// If the directory cannot be used, or another projector uses it.
    pub async fn open(journal: Journal, options: Options) -> Result<Self, Error> {
        let shards = journal.shards();
        let boards = Arc::new(Boards::default());
        let now = journal.now();
        let (dir, anew, for_model) = (options.dir.clone(), options.anew, Arc::clone(&boards));
        let (place, model) = blocking(move || {
            let place = Place::take(&dir)?;
            let model = Model::open(&place, shards, anew, for_model)?;
            Ok((place, model))
        })
        .await?;
        boards.each(|board| board.advance(now));
        let standing = Standing { positions: model.positions(), ..Standing::default() };
        let shared = Arc::new(Shared::new(journal, place, boards, standing)?);
        Ok(Self { model: Some(model), shared, options, quiet: Positions::default(), lag: BTreeMap::new() })
    }

    /// A way to ask it.
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared), patience: self.options.patience }
    }

    /// Every row that follows from the log, as text, sorted: two read models folded equally far are the
    /// same list, however each came there.
    ///
    /// # Errors
    /// [`Error::Database`] if it cannot be read.
    pub fn rows(&self) -> Result<Vec<String>, Error> {
        self.model.as_ref().ok_or(Error::Stopped)?.rows()
    }

    /// Follows the log, folds, says what changed and answers questions, until cancelled. What fails
    /// for a while (the log out of reach, the disk full) is tried again; [`Standing::trouble`] says so.
    ///
    /// # Errors
    /// What trying again does not help with.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), Error> {
        let tasks = TaskTracker::new();
        let stop = cancel.child_token();
        let _stop_all = stop.clone().drop_guard();
        tasks.spawn(service::serve(self.handle(), stop.clone()));
        tasks.spawn(hear(Arc::clone(&self.shared), stop.clone()));
        let outcome = loop {
            match self.round(&cancel).await {
                Ok(Round::StartOver) => {}
                Ok(Round::Cancelled) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        outcome
    }

    async fn round(&mut self, cancel: &CancellationToken) -> Result<Round, Error> {
        let (ahead, mut inputs) = ahead::queue();
        self.hush().await;
        let _followers: Vec<AbortOnDropHandle<()>> = self
            .shared
            .shards
            .all()
            .map(|shard| {
                let follow = follow(
                    self.shared.journal.clone(),
                    shard,
                    self.position(shard),
                    READ.min(self.options.batch),
                    ahead.clone(),
                );
                AbortOnDropHandle::new(tokio::spawn(follow))
            })
            .collect();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut gathered, mut wrote, mut rested) = (Gathered::default(), Instant::now(), Instant::now());
        loop {
            let has_news = !gathered.is_empty() || self.model.as_ref().is_some_and(Model::is_ahead);
            let rested_at = if gathered.is_behind() { wrote + FAR_PAUSE } else { rested };
            let (input, write) = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(Round::Cancelled),
                _ = ticks.tick() => {
                    self.tick();
                    continue;
                }
                () = std::future::ready(()), if gathered.is_full(self.chunk()) => (None, false),
                () = self.shared.hurry.or_until(rested_at), if has_news => (inputs.take_now(), true),
                // At the end of the log, what comes during the rest is taken in after it, all at once.
                input = inputs.take(), if !has_news || gathered.is_behind() => {
                    (Some(input.ok_or(Error::Stopped)?), false)
                }
            };
            match input {
                Some(Input::Batch(shard, batch)) => {
                    self.will_fold(shard, &batch);
                    gathered.add(shard, batch);
                }
                Some(Input::OtherLog(shard)) => {
                    let error = Error::OtherLog { shard, folded: self.position(shard) };
                    return self.start_over(&error).await.map(|()| Round::StartOver);
                }
                Some(Input::Trouble(why)) => self.trouble(Some(why)),
                None => {
                    let begun = Instant::now();
                    match self.fold_surely(gathered.take(), write, cancel).await {
                        Ok(Some(changes)) => say(&self.shared, &self.quiet, changes).await,
                        Ok(None) => return Ok(Round::Cancelled),
                        Err(error) if matches!(error, Error::OtherLog { .. }) || error.is_damage() => {
                            return self.start_over(&error).await.map(|()| Round::StartOver);
                        }
                        Err(error) => return Err(error),
                    }
                    if !self.model.as_ref().is_some_and(Model::is_ahead) {
                        wrote = Instant::now();
                        rested = wrote + (begun.elapsed() * PAUSE.0).min(PAUSE.1);
                    }
                }
            }
        }
    }

    /// As [`Projector::fold`]; if that fails for a while, again. Nothing if cancelled.
    async fn fold_surely(
        &mut self,
        gathered: BTreeMap<Shard, Vec<Entry>>,
        write: bool,
        cancel: &CancellationToken,
    ) -> Result<Option<Vec<TaskChange>>, Error> {
        let gathered = Arc::new(gathered);
        let mut wait = WAITS.0;
        loop {
            match self.fold(&gathered, write).await {
                Err(error) if error.is_transient() => {
                    tracing::warn!(error = %chain(&error), "a batch was not folded; it is tried again");
                    self.trouble(Some(chain(&error)));
                }
                outcome => {
                    let_go(gathered);
                    return outcome.map(Some);
                }
            }
            if cancel.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return Ok(None);
            }
            wait = (wait * 2).min(WAITS.1);
        }
    }

    /// Until a shard's first records are folded, says that there is something to fold.
    fn will_fold(&self, shard: Shard, batch: &[Entry]) {
        let Some(last) = batch.last() else { return };
        self.shared.standing.send_if_modified(|standing| {
            let known = standing.lag.len();
            standing.lag.entry(shard.0).or_insert(last.pending + batch.len() as u64);
            standing.lag.len() > known
        });
    }

    /// Folds on a thread that may block; writes if it is to, or if there is enough for a transaction, and
    /// then says how far that is.
    pub(crate) async fn fold(
        &mut self,
        gathered: &Arc<BTreeMap<Shard, Vec<Entry>>>,
        write: bool,
    ) -> Result<Vec<TaskChange>, Error> {
        let mut model = self.model.take().ok_or(Error::Stopped)?;
        let (entries, records) = (Arc::clone(gathered), self.options.batch);
        let (model, outcome) = blocking(move || {
            let outcome = model.take_in(&entries).and_then(|()| match write || model.is_full(records) {
                true => model.write().map(Some),
                false => Ok(None),
            });
            Ok((model, outcome))
        })
        .await?;
        let positions = model.positions();
        self.model = Some(model);
        let last = gathered.iter().filter_map(|(shard, batch)| Some((shard.0, batch.last()?.pending)));
        self.lag.extend(last);
        let Some(changes) = outcome? else { return Ok(Vec::new()) };
        let lag = std::mem::take(&mut self.lag);
        self.shared.standing.send_modify(|standing| {
            standing.positions = positions;
            standing.trouble = None;
            standing.lag.extend(lag);
        });
        Ok(changes)
    }

    /// How many records are folded in memory at once.
    pub(crate) fn chunk(&self) -> usize {
        CHUNK.min(self.options.batch)
    }

    pub(crate) async fn start_over(&mut self, why: &Error) -> Result<(), Error> {
        tracing::warn!(error = %why, "the read model is built anew");
        self.lag.clear();
        let mut model = self.model.take().ok_or(Error::Stopped)?;
        let model = blocking(move || model.start_over().map(|()| model)).await?;
        self.shared.standing.send_modify(|standing| standing.positions = model.positions());
        self.model = Some(model);
        Ok(())
    }

    /// A model that is at the beginning has a whole log to fold, of which nothing is news.
    async fn hush(&mut self) {
        for shard in self.shared.shards.all() {
            if self.position(shard) == Sequence::ZERO
                && let Ok(head) = self.shared.journal.head(shard).await
            {
                self.quiet.advance(shard, head);
            }
        }
    }

    fn tick(&self) {
        let silent = self.shared.beats.silent();
        let now = self.shared.journal.now();
        self.shared.boards.each(|board| {
            silent.iter().for_each(|executor| board.gone(*executor));
            board.advance(now);
        });
    }

    fn trouble(&self, why: Option<String>) {
        self.shared.standing.send_if_modified(|standing| {
            let changed = standing.trouble != why;
            standing.trouble = why;
            changed
        });
    }

    pub(crate) fn position(&self, shard: Shard) -> Sequence {
        self.model.as_ref().map_or(Sequence::ZERO, |model| model.position(shard))
    }
}

/// Frees records on another thread if they are many: it takes a while, in which the next ones are folded.
pub(crate) fn let_go(entries: Arc<BTreeMap<Shard, Vec<Entry>>>) {
    if entries.values().map(Vec::len).sum::<usize>() < CHUNK {
        return;
    }
    tokio::task::spawn_blocking(move || drop(entries));
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Stopped))
}
