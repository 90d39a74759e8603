//! The scheduler: a loop for each shard, and one that listens.

use longhaul_core::{Actor, ExecutorId, Millis, Role};
use longhaul_journal::{Journal, Shard, new_id};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::ear::Ear;
use crate::options::Options;
use crate::react::Rules;
use crate::shard::Shift;
use crate::status::Status;

/// Beats a shard may be behind before listening waits for it.
const BEATS: usize = 1024;

/// Why a scheduler does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was told to serve a shard that is not there.
    #[error("the log has {shards} shards, counted from 0; there is no shard {shard} to serve")]
    NoShard {
        /// Which.
        shard: Shard,
        /// How many there are.
        shards: u16,
    },
    /// A part of it broke down: a bug. The others were stopped.
    #[error("a part of the scheduler broke down; start it again")]
    Broken(#[source] tokio::task::JoinError),
}

/// Admits, watches over runs, lets time pass.
pub struct Scheduler {
    journal: Journal,
    options: Options,
    status: watch::Sender<Status>,
}

impl Scheduler {
    /// A scheduler over a journal. It does nothing until [`Scheduler::run`].
    pub fn new(journal: Journal, options: Options) -> Self {
        Self { journal, options, status: watch::Sender::default() }
    }

    /// How it is doing, now and from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Serves its shards until cancelled, then ends what is under way.
    ///
    /// # Errors
    /// [`Error`], if it cannot begin or breaks down. An unreachable log is no error: it is tried again
    /// for ever, and shown by [`Scheduler::status`].
    pub async fn run(self, cancel: CancellationToken) -> Result<(), Error> {
        let shards = self.journal.shards();
        let served = self.options.shards.clone().unwrap_or_else(|| shards.all().collect());
        if let Some(shard) = served.iter().copied().find(|shard| !shards.contains(*shard)) {
            return Err(Error::NoShard { shard, shards: shards.get() });
        }
        let own: ExecutorId = new_id();
        let start = Instant::now();
        // Cancelled also when this future is dropped.
        let cancel = cancel.child_token();
        let _guard = cancel.clone().drop_guard();
        let mut shifts = JoinSet::new();
        let mut to = Vec::new();
        for shard in served {
            let (beats, heard) = mpsc::channel(BEATS);
            to.push(beats);
            let shift = Shift {
                journal: self.journal.clone(),
                actor: Actor { role: Role::Scheduler, who: own.to_string(), via: self.options.name.clone() },
                rules: Rules {
                    shards,
                    shard,
                    who: own.to_string(),
                    lease: self.options.lease,
                    redispatch: self.options.redispatch,
                },
                tick: self.options.tick,
                farewell: self.options.farewell,
                start,
                heard,
                status: self.status.clone(),
                cancel: cancel.clone(),
            };
            shifts.spawn(shift.serve());
        }
        let ear = Ear {
            journal: self.journal.clone(),
            own,
            host: format!("{}/{}", self.options.name, std::process::id()),
            start,
            every: self.options.echo(),
            fresh: Millis(self.options.lease.0 / 3),
            to,
        };
        let ear = AbortOnDropHandle::new(tokio::spawn(ear.listen()));
        tokio::pin!(ear);
        let mut outcome = Ok(());
        loop {
            tokio::select! {
                shift = shifts.join_next() => match shift {
                    None => return outcome,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(broken)) | Err(broken)) => {
                        cancel.cancel();
                        outcome = Err(Error::Broken(broken));
                    }
                },
                // It listens for ever.
                Err(broken) = &mut ear, if !cancel.is_cancelled() => {
                    cancel.cancel();
                    outcome = Err(Error::Broken(broken));
                }
            }
        }
    }
}
