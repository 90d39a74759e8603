//! Who is there to run tasks, and since when it was not heard.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use longhaul_core::{Beat, ExecutorId, Timestamp};
use tokio::time::Instant;

use super::{AGAIN, Fleet, Gone, Pulse, Word};

/// How long beats are gathered into one word.
const GATHER: Duration = Duration::from_millis(250);

impl Fleet {
    pub(super) async fn beats(&self) -> Gone {
        loop {
            let heard = match self.client.journal.beats().await {
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
        mut beats: futures::stream::BoxStream<'static, Result<Beat, longhaul_journal::Error>>,
    ) -> Result<(), Gone> {
        let mut heard: HashMap<ExecutorId, Timestamp> = HashMap::new();
        let mut news: HashMap<ExecutorId, Pulse> = HashMap::new();
        let mut due = Instant::now();
        loop {
            let next = tokio::select! {
                next = beats.next() => Some(next),
                () = tokio::time::sleep_until(due), if !news.is_empty() => None,
                () = self.words.closed() => return Err(Gone),
            };
            match next {
                None => self.tell(Word::Beats(news.drain().map(|(_, pulse)| pulse).collect())).await?,
                Some(Some(Ok(beat))) if beat.is_executor() => {
                    let now = self.client.journal.now();
                    // The first word of each may have been said long ago.
                    let known = heard.contains_key(&beat.executor);
                    let heard_at = if known { now } else { beat.at.min(now) };
                    heard.insert(beat.executor, heard_at);
                    if news.is_empty() {
                        due = Instant::now() + GATHER;
                    }
                    news.insert(beat.executor, Pulse { beat, heard_at });
                }
                Some(Some(Ok(_))) => {}
                Some(Some(Err(_)) | None) => return Ok(()),
            }
        }
    }
}
