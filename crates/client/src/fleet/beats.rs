//! Who is there to run tasks, and since when it was not heard.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use longhaul_core::beat::LEASE;
use longhaul_core::{Beat, ExecutorId, Timestamp};
use longhaul_journal::UnreadBeat;
use tokio::time::Instant;

use super::{AGAIN, Fleet, Gone, Pulse, Word};

/// How long beats are gathered into one word.
const GATHER: Duration = Duration::from_millis(250);

impl Fleet {
    pub(super) async fn beats(&self) -> Gone {
        let mut known = HashMap::new();
        loop {
            let heard = match self.client.journal.unread_beats().await {
                Ok(beats) => self.hear(beats, &mut known).await,
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
        known: &mut HashMap<ExecutorId, Heard>,
    ) -> Result<(), Gone> {
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
                    let heard = news.drain().filter_map(|(_, (beat, at))| pulse(known, &beat, at));
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

/// What was heard of an executor last.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// When it was said, by the executor's clock.
    said_at: Timestamp,
    /// When that was, by this one.
    heard_at: Timestamp,
    /// When it came. Without a connection it may come long after.
    came_at: Timestamp,
}

/// A heartbeat, if it can be read and is an executor's, that came at a time.
fn pulse(known: &mut HashMap<ExecutorId, Heard>, beat: &UnreadBeat, now: Timestamp) -> Option<Pulse> {
    let beat = beat.read().filter(Beat::is_executor)?;
    let heard_at = heard_at(known.get(&beat.executor), beat.at, now);
    known.insert(beat.executor, Heard { said_at: beat.at, heard_at, came_at: now });
    Some(Pulse { beat, heard_at })
}

/// When a beat that comes now was to be heard. The server keeps the last one of each executor and says it
/// again whenever one begins to listen anew: it may be old, and it may be one that is known.
fn heard_at(before: Option<&Heard>, said_at: Timestamp, now: Timestamp) -> Timestamp {
    let Some(before) = before else { return said_at.min(now) };
    if said_at == before.said_at {
        return before.heard_at;
    }
    if now.since(before.came_at) <= LEASE {
        return now;
    }
    // After a silence only the executor's clock tells how old it is. The two need not agree: it counts
    // how far that clock went.
    let went = said_at.since(before.said_at);
    before.heard_at.plus(went).min(now)
}

#[cfg(test)]
mod tests {
    use longhaul_core::Millis;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn second(n: u64) -> Timestamp {
        NOW.plus(Millis::seconds(n))
    }

    /// Beats as they were said, by a clock that is an hour fast, and when they came; when each was heard.
    fn heard(beats: &[(u64, u64)]) -> Vec<Timestamp> {
        let mut before: Option<Heard> = None;
        let take = |(said, came): &(u64, u64)| {
            let said_at = second(*said).plus(Millis::minutes(60));
            let heard_at = heard_at(before.as_ref(), said_at, second(*came));
            before = Some(Heard { said_at, heard_at, came_at: second(*came) });
            heard_at
        };
        beats.iter().map(take).collect()
    }

    #[test]
    fn a_beat_that_is_said_again_is_as_old_as_it_was() {
        assert_eq!(heard(&[(0, 0), (1, 1), (1, 240), (1, 600)])[2..], [second(1), second(1)]);
    }

    #[test]
    fn a_beat_that_was_missed_is_as_old_as_it_is() {
        assert_eq!(heard(&[(0, 0), (60, 300)])[1], second(60), "it died meanwhile");
        assert_eq!(heard(&[(0, 0), (300, 300), (301, 301)])[1..], [second(300), second(301)], "it lives");
    }

    #[test]
    fn the_first_beat_may_have_been_said_long_ago() {
        assert_eq!(heard_at(None, NOW, second(90)), NOW);
        assert_eq!(heard_at(None, second(90), NOW), NOW, "its clock is fast");
    }

    #[test]
    fn a_clock_that_is_set_back_is_no_silence() {
        assert_eq!(heard(&[(100, 0), (41, 1), (42, 2)])[1..], [second(1), second(2)]);
    }
}
