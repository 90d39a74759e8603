//! Who is there to run tasks, and since when it was not heard.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt as _;
use longhaul_core::{ExecutorId, Timestamp};
use longhaul_journal::UnreadBeat;
use tokio::time::Instant;

use super::{AGAIN, Fleet, Gone, Pulse, Word};

/// How long beats are gathered into one word.
const GATHER: Duration = Duration::from_millis(250);

impl Fleet {
    pub(super) async fn beats(&self) -> Gone {
        loop {
            let heard = match self.client.journal.unread_beats().await {
                Ok(beats) => self.hear(beats).await,
                Err(_) => Ok(()),
            };
            if let Err(gone) = heard {
                return gone;
            }
            if let Err(gone) = self.pause(AGAIN).await {
                return gone;
            }
        }
    }

    async fn hear(
        &self,
        mut beats: futures::stream::BoxStream<'static, Result<UnreadBeat, longhaul_journal::Error>>,
    ) -> Result<(), Gone> {
        let mut known: HashSet<ExecutorId> = HashSet::new();
        // Of each only the last is read: an executor with short runs beats many times a second.
        let mut news: HashMap<ExecutorId, (UnreadBeat, Timestamp)> = HashMap::new();
        let mut due = Instant::now();
        loop {
            let next = tokio::select! {
                next = beats.next() => Some(next),
                () = tokio::time::sleep_until(due), if !news.is_empty() => None,
                () = self.words.closed() => return Err(Gone),
            };
            match next {
                None => {
                    let heard = news.drain().filter_map(|(_, (beat, at))| pulse(&mut known, &beat, at));
                    let heard: Vec<_> = heard.collect();
                    if !heard.is_empty() {
                        self.tell(Word::Beats(heard)).await?;
                    }
                }
                Some(Some(Ok(beat))) => {
                    if news.is_empty() {
                        due = Instant::now() + GATHER;
                    }
                    news.insert(beat.executor, (beat, self.client.journal.now()));
                }
                Some(Some(Err(_)) | None) => return Ok(()),
            }
        }
    }
}

/// A heartbeat, if it can be read and is an executor's, heard at a time.
fn pulse(known: &mut HashSet<ExecutorId>, beat: &UnreadBeat, at: Timestamp) -> Option<Pulse> {
    let beat = beat.read().filter(longhaul_core::Beat::is_executor)?;
    // The first word of each may have been said long ago.
    let heard_at = if known.insert(beat.executor) { beat.at.min(at) } else { at };
    Some(Pulse { beat, heard_at })
}
