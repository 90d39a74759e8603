//! Playing history, record by record.

use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::time::Duration;

use longhaul_audit::Known;
use longhaul_core::Timestamp;
use longhaul_journal::{Entry, Journal};

use super::documents::Documents;
use super::known::{Tasks, task_of};
use super::reading::Merged;
use super::scope::Scope;
use super::told::{Told, Within};
use crate::exit::Code;
use crate::output::say;

/// The longest pause that is played, however long history paused.
const LONGEST: Duration = Duration::from_secs(5);

/// Plays at history's own pace, or faster; at once without a speed.
pub(super) struct Pace<I> {
    speed: Option<f64>,
    last: Option<Timestamp>,
    interrupt: Pin<Box<I>>,
}

impl<I: Future<Output = ()>> Pace<I> {
    /// Ends early when `interrupt` comes. It is not looked at where there are no pauses.
    pub(super) fn new(speed: Option<f64>, interrupt: I) -> Self {
        Self { speed, last: None, interrupt: Box::pin(interrupt) }
    }

    /// Waits as long as history did; whether to go on.
    async fn wait(&mut self, at: Timestamp) -> bool {
        let Some(speed) = self.speed else { return true };
        let pause = self.last.map_or(Duration::ZERO, |last| pause(last, at, speed));
        self.last = Some(at);
        tokio::select! {
            biased;
            () = &mut self.interrupt => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}

/// How long to wait between two moments of history.
fn pause(last: Timestamp, next: Timestamp, speed: f64) -> Duration {
    let real = next.since(last).duration().as_secs_f64() / speed;
    Duration::from_secs_f64(real.min(LONGEST.as_secs_f64()))
}

/// Writes one record after the other, each with what it led to.
pub(super) struct Player<'a, W: Write, I> {
    pub(super) out: &'a mut Documents<W>,
    pub(super) pace: Pace<I>,
    pub(super) within: Within,
}

impl<W: Write, I: Future<Output = ()>> Player<'_, W, I> {
    /// Plays a task's history. What is known at the end is the answer, nothing if it was interrupted.
    pub(super) async fn task(&mut self, history: &[Entry]) -> anyhow::Result<Option<Known>> {
        let mut known = Known::default();
        for entry in history {
            if !self.play(entry, Some(&mut known)).await? {
                return Ok(None);
            }
        }
        self.out.end()?;
        Ok(Some(known))
    }

    /// Plays everything of an organisation, or of all.
    pub(super) async fn all(
        &mut self,
        journal: &Journal,
        scope: &Scope,
        mut log: Merged,
    ) -> anyhow::Result<Code> {
        let mut tasks = Tasks::new(journal);
        while let Some(entry) = log.next().await? {
            if !scope.includes(&entry) {
                continue;
            }
            let go_on = match task_of(&entry, journal.shards()) {
                Some(task) => {
                    let mut known = tasks.take(&task, entry.sequence).await?;
                    let go_on = self.play(&entry, Some(&mut known)).await?;
                    tasks.put(task, known);
                    go_on
                }
                None => self.play(&entry, None).await?,
            };
            if !go_on {
                return Ok(Code::Interrupted);
            }
        }
        self.out.end()?;
        Ok(Code::Done)
    }

    /// Whether to go on.
    async fn play(&mut self, entry: &Entry, known: Option<&mut Known>) -> anyhow::Result<bool> {
        let for_people = self.out.is_for_people();
        let Some(told) = Told::new(entry, known, self.within, for_people) else { return Ok(true) };
        if !self.pace.wait(told.stored_at()).await {
            self.out.end()?;
            say(format!("stopped before {}", entry.sequence));
            return Ok(false);
        }
        self.out.each(&told, told.lines())?;
        if self.pace.speed.is_some() {
            self.out.show()?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_played_faster_and_never_stands_still_for_long() {
        let moment = |millis| Timestamp(millis);
        assert_eq!(pause(moment(0), moment(1000), 1.0), Duration::from_secs(1));
        assert_eq!(pause(moment(0), moment(1000), 10.0), Duration::from_millis(100));
        assert_eq!(pause(moment(0), moment(86_400_000), 10.0), LONGEST);
        assert_eq!(pause(moment(0), moment(i64::MAX), 1e-300), LONGEST);
        assert_eq!(pause(moment(1000), moment(0), 1.0), Duration::ZERO, "a clock that was set back");
    }
}
