//! A task's text: what is recorded, then what is said while it is written.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use longhaul_core::{EventBody, RunNumber, Sequence, TaskId};
use longhaul_wire::live::TextDelta;

use crate::{Client, Error, Watch};

/// A piece of text, in the order a reader shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPart {
    /// Append this.
    Text(String),
    /// A later run tells a segment anew: show this instead of everything shown so far.
    Anew(String),
    /// The task has ended; nothing follows.
    End,
}

/// The segments of a task's text, by number; a later run's telling of one replaces the earlier.
#[derive(Debug, Default)]
pub(crate) struct Segments(BTreeMap<u32, (RunNumber, String)>);

impl Segments {
    /// Takes a piece; says what a reader who has seen the rest is to do.
    pub(crate) fn take(&mut self, run: RunNumber, segment: u32, offset: u64, text: &str) -> Option<TextPart> {
        let last = self.0.last_key_value().map(|(number, _)| *number);
        let known = self.0.entry(segment).or_insert_with(|| (run, String::new()));
        let length = known.1.len() as u64;
        if known.0 > run || (known.0 == run && offset > length) {
            // Of a run that was taken over, or ahead of what is known: the recorded text will tell.
            return None;
        }
        if known.0 < run {
            *known = (run, String::new());
            known.1.push_str(text);
            return (offset == 0).then(|| TextPart::Anew(self.whole()));
        }
        // What was heard live comes again when it is recorded: take only what is new.
        let skip = usize::try_from(length - offset).unwrap_or(usize::MAX);
        let new = text.get(skip..).filter(|new| !new.is_empty())?.to_owned();
        known.1.push_str(&new);
        Some(if last.is_some_and(|last| last > segment) {
            TextPart::Anew(self.whole())
        } else {
            TextPart::Text(new)
        })
    }

    pub(crate) fn whole(&self) -> String {
        self.0.values().map(|(_, text)| text.as_str()).collect()
    }
}

impl Client {
    /// The text recorded so far.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the log says.
    pub async fn text(&self, task: TaskId) -> Result<String, Error> {
        Ok(self.recorded_text(task).await?.whole())
    }

    async fn recorded_text(&self, task: TaskId) -> Result<Segments, Error> {
        let commits = self.journal.commits_after(&self.at(task), Sequence::ZERO).await?;
        if commits.is_empty() {
            return Err(Error::NotFound(task));
        }
        let mut segments = Segments::default();
        for event in commits.into_iter().flat_map(|(_, commit)| commit.events) {
            if let EventBody::TextAppended { run, segment, offset, text } = event.body {
                segments.take(run, segment, offset, &text);
            }
        }
        Ok(segments)
    }

    /// The text recorded so far, then what follows, until the task ends.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the log says; the stream itself ends with an error it cannot
    /// recover from.
    pub async fn follow_text(
        &self,
        task: TaskId,
    ) -> Result<BoxStream<'static, Result<TextPart, Error>>, Error> {
        let live = self.journal.listen_text(&self.at(task)).await?;
        let watch = self.watch(task).await?;
        let segments = self.recorded_text(task).await?;
        let first = segments.whole();
        let ended = watch.snapshot().status.is_terminal();
        let mut ready = std::collections::VecDeque::new();
        if !first.is_empty() {
            ready.push_back(TextPart::Text(first));
        }
        if ended {
            ready.push_back(TextPart::End);
        }
        let state = Following { live, watch, segments, ready, done: false };
        Ok(futures::stream::unfold(state, Following::step).boxed())
    }
}

struct Following {
    live: BoxStream<'static, TextDelta>,
    watch: Watch,
    segments: Segments,
    ready: std::collections::VecDeque<TextPart>,
    done: bool,
}

impl Following {
    async fn step(mut self) -> Option<(Result<TextPart, Error>, Self)> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                self.done = part == TextPart::End;
                return Some((Ok(part), self));
            }
            if self.done {
                return None;
            }
            if let Err(error) = self.listen().await {
                self.done = true;
                return Some((Err(error), self));
            }
        }
    }

    async fn listen(&mut self) -> Result<(), Error> {
        tokio::select! {
            Some(delta) = self.live.next() => {
                let part = self.segments.take(delta.run, delta.segment, delta.offset, &delta.text);
                self.ready.extend(part);
            }
            update = self.watch.changed() => {
                let update = update?;
                for event in update.commits.into_iter().flat_map(|(_, commit)| commit.events) {
                    if let EventBody::TextAppended { run, segment, offset, text } = event.body {
                        let part = self.segments.take(run, segment, offset, &text);
                        self.ready.extend(part);
                    }
                }
                if update.snapshot.status.is_terminal() {
                    self.ready.push_back(TextPart::End);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: RunNumber = RunNumber(1);
    const TWO: RunNumber = RunNumber(2);

    fn text(part: &str) -> Option<TextPart> {
        Some(TextPart::Text(part.into()))
    }

    #[test]
    fn what_is_heard_live_is_not_told_again_when_it_is_recorded() {
        let mut segments = Segments::default();
        assert_eq!(segments.take(ONE, 1, 0, "hel"), text("hel"));
        assert_eq!(segments.take(ONE, 1, 3, "lo"), text("lo"));
        assert_eq!(segments.take(ONE, 1, 0, "hello"), None);
        assert_eq!(segments.take(ONE, 1, 3, "lo you"), text(" you"));
    }

    #[test]
    fn a_later_run_replaces_its_segment_and_an_older_one_is_not_heard() {
        let mut segments = Segments::default();
        segments.take(ONE, 1, 0, "first ");
        segments.take(ONE, 3, 0, "half");
        assert_eq!(segments.take(TWO, 3, 0, "second"), Some(TextPart::Anew("first second".into())));
        assert_eq!(segments.take(ONE, 3, 4, " more"), None);
        assert_eq!(segments.whole(), "first second");
    }

    #[test]
    fn a_piece_that_came_too_early_waits_for_the_recorded_text() {
        let mut segments = Segments::default();
        assert_eq!(segments.take(ONE, 1, 3, "lo"), None);
        assert_eq!(segments.take(ONE, 1, 0, "hello"), text("hello"));
    }
}
