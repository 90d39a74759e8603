//! Reading a stretch of the log and coming to an end.

use std::time::Duration;

use longhaul_core::{Sequence, Timestamp};
use longhaul_journal::{Entry, Error, Follower, Journal, Shard};

/// How long the server may say nothing while there is more to read. Longer than an ordered
/// consumer needs to notice that the server was restarted.
const SILENCE: Duration = Duration::from_secs(30);

/// The records of one shard after a place, up to a place: then it ends.
pub(crate) struct Reading {
    journal: Journal,
    shard: Shard,
    /// Everything up to here was given.
    seen: Sequence,
    until: Sequence,
    follower: Option<Follower>,
    /// Read, but beyond `until`.
    ahead: Option<Entry>,
}

impl Reading {
    /// What lies after `after`, up to and including `until`.
    pub(crate) fn new(journal: &Journal, shard: Shard, after: Sequence, until: Sequence) -> Self {
        Self { journal: journal.clone(), shard, seen: after, until, follower: None, ahead: None }
    }

    /// Goes on up to `until`; never back.
    pub(crate) fn extend(&mut self, until: Sequence) {
        if until > self.until {
            self.until = until;
            // What was delivered before says how much was left then, not how much is left up to here.
            self.follower = None;
            self.ahead = None;
        }
    }

    /// Up to where everything was given.
    pub(crate) fn seen(&self) -> Sequence {
        self.seen
    }

    /// The next record; nothing at the end.
    ///
    /// # Errors
    /// If the log is not available, or no longer goes as far as it did.
    pub(crate) async fn next(&mut self) -> Result<Option<Entry>, Error> {
        if self.seen >= self.until {
            return Ok(None);
        }
        let next = match self.ahead.take() {
            Some(entry) => entry,
            None => self.read().await?,
        };
        if next.sequence > self.until {
            // What lay there was erased.
            self.ahead = Some(next);
            self.seen = self.until;
            return Ok(None);
        }
        // It was delivered after the log had gone as far as `until`. Nothing later is left: what lay at
        // the end was erased.
        self.seen = if next.pending == 0 { self.until } else { next.sequence };
        Ok(Some(next))
    }

    async fn read(&mut self) -> Result<Entry, Error> {
        let mut failed = false;
        loop {
            let follower = match &mut self.follower {
                Some(follower) => follower,
                None => self.follower.insert(self.journal.follow(self.shard, self.seen).await?),
            };
            match tokio::time::timeout(SILENCE, follower.next()).await {
                Ok(Some(Ok(entry))) => return Ok(entry),
                Ok(Some(Err(error))) if failed => return Err(error),
                Ok(Some(Err(_))) => {
                    failed = true;
                    self.follower = None;
                }
                Ok(None) | Err(_) => return Err(Error::Ended(self.shard.0)),
            }
        }
    }
}

/// The last place of a shard that was stored at `at` or before, by the server's clock.
///
/// # Errors
/// If the log is not available.
pub(crate) async fn place_at(
    journal: &Journal,
    shard: Shard,
    head: Sequence,
    at: Timestamp,
) -> Result<Sequence, Error> {
    let (mut before, mut end) = (Sequence::ZERO, head);
    while before < end {
        let middle = Sequence(before.0 + (end.0 - before.0) / 2);
        let next = Reading::new(journal, shard, middle, end).next().await?;
        match next.filter(|entry| entry.stored_at <= at) {
            Some(entry) => before = entry.sequence,
            None => end = middle,
        }
    }
    Ok(before)
}

/// Several shards as one: by the time the server stored each record, each shard in its own order.
/// Holds one record a shard.
pub(crate) struct Merged(Vec<(Reading, Option<Entry>)>);

impl Merged {
    /// Of these readings.
    pub(crate) fn new(readings: impl IntoIterator<Item = Reading>) -> Self {
        Self(readings.into_iter().map(|reading| (reading, None)).collect())
    }

    /// The next record; nothing at the end of all.
    ///
    /// # Errors
    /// As [`Reading::next`].
    pub(crate) async fn next(&mut self) -> Result<Option<Entry>, Error> {
        for (reading, waiting) in &mut self.0 {
            if waiting.is_none() {
                *waiting = reading.next().await?;
            }
        }
        let first = self.0.iter_mut().map(|(_, waiting)| waiting).filter(|waiting| waiting.is_some());
        let first = first.min_by_key(|waiting| waiting.as_ref().map(|entry| (entry.stored_at, entry.shard)));
        Ok(first.and_then(Option::take))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::replay::script::Script;

    #[tokio::test]
    async fn reading_on_misses_nothing_that_was_written_meanwhile() {
        let script = Script::new(1);
        let mut reading = Reading::new(&script.journal, Shard(0), Sequence::ZERO, Sequence::ZERO);
        let mut given = Vec::new();
        for (written, until) in [(4, 2), (5, 7), (1, 10), (0, 10)] {
            for _ in 0..written {
                script.submit("acme", "one").await;
            }
            reading.extend(Sequence(until));
            while let Some(entry) = reading.next().await.unwrap() {
                given.push(entry.sequence.0);
            }
            assert_eq!(given, (1..=until).collect::<Vec<_>>());
            assert_eq!(reading.seen(), Sequence(until));
        }
    }
}
