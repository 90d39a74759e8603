//! One owner in a process for each organisation and provider: whatever happens to the bucket goes through
//! it, many words in one swap, so that only processes contend for the cell.

use std::time::Duration;

use longhaul_core::{CellName, Sequence};
use longhaul_executor::{Cells, SwapError};
use longhaul_model::{RateFigures, Rates};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::bucket::{Bucket, Moment, Place};

/// An owner without work ends after so long.
const IDLE: Duration = Duration::from_secs(60);

/// How often a swap is tried against other processes.
const TRIES: u32 = 8;

/// How long the cell is waited for. A call of a model may wait longer than that, but not for this.
const PATIENCE: Duration = Duration::from_secs(2);

/// Most words in one swap.
const MOST: usize = 256;

/// A word to the owner.
pub(super) enum Word {
    /// A place is wanted.
    Reserve { rates: Rates, tokens: u64, answer: oneshot::Sender<Place> },
    /// The moment of a place has come: may its holder go, or where does it wait on?
    Due { rates: Rates, place: Place, answer: oneshot::Sender<Place> },
    /// A place will not be used.
    GiveBack(Place),
    /// What a call cost.
    Settle { rates: Rates, place: Place, spent: u64 },
    /// The provider's own figures.
    Heard { rates: Rates, figures: RateFigures },
    /// The provider said no.
    Refused { rates: Rates, wait: Duration },
}

/// A bucket, and the cell that it lies in.
pub(super) struct Owner {
    cells: Cells,
    name: CellName,
    /// As it was last seen, or as it is known here alone.
    known: Bucket,
    /// The cell is out of reach.
    alone: bool,
    /// Places whose askers were gone when they were given.
    left: Vec<Word>,
}

/// What a bucket makes of a word, for whoever said it.
enum Answer {
    Place(Place),
    Nothing,
}

impl Owner {
    pub(super) fn new(cells: Cells, name: CellName) -> Self {
        Self { cells, name, known: Bucket::default(), alone: false, left: Vec::new() }
    }

    /// Works until nobody has said anything for a while.
    pub(super) async fn run(mut self, mut words: mpsc::Receiver<Word>) {
        loop {
            let mut batch = std::mem::take(&mut self.left);
            if batch.is_empty() {
                match timeout(IDLE, words.recv()).await {
                    Ok(Some(word)) => batch.push(word),
                    Ok(None) | Err(_) => return,
                }
            }
            while batch.len() < MOST
                && let Ok(word) = words.try_recv()
            {
                batch.push(word);
            }
            let answers = self.perform(&batch).await;
            for (word, answer) in batch.into_iter().zip(answers) {
                self.answer(word, answer);
            }
        }
    }

    /// Tells a bucket all of it, and stores that, or goes on with what is known here.
    async fn perform(&mut self, batch: &[Word]) -> Vec<Answer> {
        for n in 0..TRIES {
            match self.swap(batch).await {
                Ok(answers) => {
                    if std::mem::take(&mut self.alone) {
                        tracing::info!(limit = %self.name, "limits calls together with other processes again");
                    }
                    return answers;
                }
                Err(SwapError::Changed) => tokio::time::sleep(pause(n)).await,
                Err(SwapError::Unavailable(why)) => {
                    if !std::mem::replace(&mut self.alone, true) {
                        tracing::warn!(
                            limit = %self.name,
                            %why,
                            "limits calls of this process alone: what others use is not known"
                        );
                    }
                    break;
                }
            }
        }
        let now = self.now();
        batch.iter().map(|word| apply(&mut self.known, now, word)).collect()
    }

    async fn swap(&mut self, batch: &[Word]) -> Result<Vec<Answer>, SwapError> {
        let found = in_time(self.cells.get(&self.name)).await?;
        let version = found.as_ref().map_or(Sequence::ZERO, |(version, _)| *version);
        // What nobody can read is as good as nothing: it is replaced.
        let stored = found.and_then(|(_, value)| serde_json::from_slice::<Bucket>(&value).ok());
        let mut bucket = stored.clone().unwrap_or_default();
        if self.alone {
            bucket.merge(&self.known);
        }
        let now = self.now();
        let answers = batch.iter().map(|word| apply(&mut bucket, now, word)).collect();
        if bucket != stored.unwrap_or_default() {
            let value = serde_json::to_vec(&bucket).unwrap_or_default();
            in_time(self.cells.swap(&self.name, version, value.into())).await?;
        }
        self.known = bucket;
        Ok(answers)
    }

    fn now(&self) -> Moment {
        self.cells.now().0.saturating_mul(1000)
    }

    fn answer(&mut self, word: Word, answer: Answer) {
        let (Word::Reserve { answer: to, .. } | Word::Due { answer: to, .. }, Answer::Place(place)) =
            (word, answer)
        else {
            return;
        };
        if let Err(place) = to.send(place) {
            self.left.push(Word::GiveBack(place));
        }
    }
}

fn apply(bucket: &mut Bucket, now: Moment, word: &Word) -> Answer {
    match word {
        // Whoever is gone already wants nothing.
        Word::Reserve { answer, .. } if answer.is_closed() => return Answer::Nothing,
        Word::Reserve { rates, tokens, .. } => return Answer::Place(bucket.reserve(now, *rates, *tokens)),
        Word::Due { rates, place, .. } => return Answer::Place(bucket.due(now, *rates, *place)),
        Word::GiveBack(place) => bucket.give_back(now, *place),
        Word::Settle { rates, place, spent } => bucket.settle(now, *rates, *place, *spent),
        Word::Heard { rates, figures } => bucket.heard(now, *rates, figures),
        Word::Refused { rates, wait } => bucket.refused(now, *rates, *wait),
    }
    Answer::Nothing
}

async fn in_time<T, E: Into<SwapError>>(asked: impl Future<Output = Result<T, E>>) -> Result<T, SwapError> {
    match timeout(PATIENCE, asked).await {
        Ok(outcome) => outcome.map_err(Into::into),
        // Whatever becomes of it: at worst a place is lost.
        Err(_) => Err(SwapError::Changed),
    }
}

/// Before the next try: a few milliseconds, never those of another process.
fn pause(tries: u32) -> Duration {
    Duration::from_millis(2 << tries.min(6)).mul_f64(0.5 + super::jitter() / 2.0)
}

#[cfg(test)]
#[path = "owner_tests.rs"]
mod tests;
