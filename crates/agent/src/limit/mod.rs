//! One rate limit for each organisation and provider, shared by every process: whoever asks a model takes
//! its turn here first.
//!
//! How much is used lies in a cell of the organisation ([`bucket`]); each process keeps one owner for it
//! ([`owner`]). Where cells are out of reach a process limits itself alone.

mod bucket;
mod owner;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longhaul_core::{CellName, OrgId, RATE_LIMIT, Timestamp, Waits};
use longhaul_executor::{Cells, Failure, Step};
use longhaul_model::{Facts, RateFigures, Rates};
use tokio::sync::{mpsc, oneshot};

use self::bucket::Place;
use self::owner::{Owner, Word};

/// Words that may wait for an owner.
const BACKLOG: usize = 4096;

/// A wait shorter than this is not told.
const WORTH_TELLING: Duration = Duration::from_millis(300);

/// How often somebody who waits looks up.
const LOOK: Duration = Duration::from_secs(1);

/// Who keeps the limit of an organisation at a provider.
type Owners = HashMap<(OrgId, String), mpsc::Sender<Word>>;

/// The rate limits that this process takes part in. Clones share them.
#[derive(Clone, Default)]
pub struct RateLimits(Arc<Mutex<Owners>>);

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateLimits")
    }
}

impl RateLimits {
    /// Waits until a call of about so many tokens may go. Says meanwhile what it waits for; dropped, it
    /// gives its place back.
    pub(crate) async fn turn(
        &self,
        cells: &Cells,
        facts: &Facts,
        tokens: u64,
        step: &Step,
    ) -> Result<Turn, Failure> {
        let (provider, rates) = (facts.provider.as_str(), facts.rates);
        let name = CellName::new(format!("limit-{provider}")).map_err(|why| {
            Failure::permanent(
                "bad_provider_name",
                format!("the model provider cannot have that name: {why}"),
            )
        })?;
        let place = async |word: &(dyn Fn(oneshot::Sender<Place>) -> Word + Send + Sync)| loop {
            let words = self.owner(cells, &name, provider);
            let (answer, answered) = oneshot::channel();
            // One that has just ended for want of work is replaced.
            if words.send(word(answer)).await.is_ok()
                && let Ok(place) = answered.await
            {
                return Held { words, place: Some(place) };
            }
        };
        let mut told = false;
        let mut held = place(&|answer| Word::Reserve { rates, tokens, answer }).await;
        while let Some(wait) = held.wait(cells) {
            told |= tell(step, cells, provider, wait);
            while let Some(wait) = held.wait(cells) {
                tokio::time::sleep(wait.min(LOOK)).await;
                // Its slice or its executor may end meanwhile.
                step.checkpoint().await?;
            }
            if let Some(mine) = held.place.take() {
                held = place(&|answer| Word::Due { rates, place: mine, answer }).await;
            }
        }
        if told {
            step.message(format!("{} is asked", facts.model));
        }
        Ok(Turn { words: held.words.clone(), rates, place: held.place.take() })
    }

    fn owner(&self, cells: &Cells, name: &CellName, provider: &str) -> mpsc::Sender<Word> {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (cells.org().clone(), provider.to_owned());
        if let Some(words) = owners.get(&key).filter(|words| !words.is_closed()) {
            return words.clone();
        }
        owners.retain(|_, words| !words.is_closed());
        let (words, heard) = mpsc::channel(BACKLOG);
        tokio::spawn(Owner::new(cells.clone(), name.clone()).run(heard));
        owners.insert(key, words.clone());
        words
    }
}

/// A place that is waited for. Dropped, it is given back, once.
struct Held {
    words: mpsc::Sender<Word>,
    place: Option<Place>,
}

impl Held {
    /// How long it still is; nothing if its moment has come.
    fn wait(&self, cells: &Cells) -> Option<Duration> {
        let wait = self.place?.at - cells.now().0.saturating_mul(1000);
        u64::try_from(wait).ok().filter(|wait| *wait > 0).map(Duration::from_micros)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            // An owner that has too much to do loses it, and so does one that is gone.
            let _ = self.words.try_send(Word::GiveBack(place));
        }
    }
}

/// A call that goes now.
#[must_use]
pub(crate) struct Turn {
    words: mpsc::Sender<Word>,
    rates: Rates,
    place: Option<Place>,
}

impl Turn {
    /// What the provider says of its limits, as soon as it does.
    pub(crate) fn heard(&self, figures: RateFigures) {
        let _ = self.words.try_send(Word::Heard { rates: self.rates, figures });
    }

    /// What the call has cost, in tokens.
    pub(crate) fn settle(self, spent: u64) {
        if let Some(place) = self.place {
            let _ = self.words.try_send(Word::Settle { rates: self.rates, place, spent });
        }
    }

    /// The provider said no, and how much it sees as used: it is left alone for so long, by everybody.
    pub(crate) fn refused(self, figures: Option<&RateFigures>, wait: Option<Duration>) {
        if let Some(figures) = figures {
            self.heard(*figures);
        }
        if let Some(wait) = wait {
            let _ = self.words.try_send(Word::Refused { rates: self.rates, wait });
        }
        self.settle(0);
    }
}

/// Says what is waited for, if it takes long enough.
fn tell(step: &Step, cells: &Cells, provider: &str, wait: Duration) -> bool {
    if wait < WORTH_TELLING {
        return false;
    }
    let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    let until = Timestamp(cells.now().0.saturating_add(millis));
    let waits = Waits { code: RATE_LIMIT.to_owned(), provider: provider.to_owned(), until };
    step.message(format!("waits {} s for {waits}", wait.as_secs_f64().ceil()));
    step.waits(Some(waits));
    true
}

/// From 0 to 1, so that those who failed together do not come again together.
pub(crate) fn jitter() -> f64 {
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    nanos.map_or(0.0, |since| f64::from(since.subsec_nanos() % 1_000_000) / 1e6)
}
