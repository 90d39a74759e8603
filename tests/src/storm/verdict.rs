//! After the storm: what the log itself says of every promise.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use longhaul_audit::{Audit, Entry, HistoryWriter, Outside, Recall, Report, Stored};
use longhaul_core::{ApprovalId, EventBody, Kind, Sequence, TaskId, TaskRef};
use longhaul_journal::{Entry as Read, Journal, Record, Shard};
use longhaul_projector::{Options as ProjectorOptions, Projector};

use super::ledger::Ledger;
use super::witness::{self, Recorded, Testimony};

/// How long the log may be silent before its end counts as reached.
const SILENCE: Duration = Duration::from_secs(30);

/// What a storm left.
pub struct Verdict {
    /// What the audit says.
    pub audit: Report,
    /// Acknowledged submissions that the log does not have.
    pub lost: Vec<TaskId>,
    /// Tasks that an acknowledged abort did not end.
    pub aborts_lost: Vec<TaskId>,
    /// Acknowledged decisions that the log does not have.
    pub decisions_lost: Vec<TaskId>,
    /// Acknowledged submissions that have not ended.
    pub unfinished: Vec<TaskId>,
    /// What programs saw.
    pub testimony: Testimony,
    /// Rows in which the live read model and one made anew differ.
    pub rows_differ: Vec<String>,
    /// How many rows there are.
    pub rows: usize,
    /// Tasks that ran elsewhere after their executor was lost, and other events by name.
    pub events: BTreeMap<&'static str, u64>,
}

impl Verdict {
    /// Whether every promise was kept.
    pub fn is_sound(&self) -> bool {
        self.audit.is_sound()
            && [&self.lost, &self.aborts_lost, &self.decisions_lost, &self.unfinished]
                .iter()
                .all(|list| list.is_empty())
            && self.testimony.repeated.is_empty()
            && self.testimony.twice.is_empty()
            && self.rows_differ.is_empty()
    }
}

/// What one pass over the log gathers beside the audit.
#[derive(Default)]
struct Gathered {
    submitted: HashSet<TaskId>,
    open: HashSet<TaskId>,
    /// Tasks whose last end is that they were aborted.
    aborted: HashSet<TaskId>,
    decisions: HashSet<(TaskId, ApprovalId)>,
    programs: HashSet<TaskId>,
    recorded: Recorded,
    events: BTreeMap<&'static str, u64>,
}

impl Gathered {
    fn take(&mut self, entry: &Read) {
        let Ok(Record::Task(commit)) = &entry.record else { return };
        let task = commit.task;
        for event in &commit.events {
            *self.events.entry(event.body.name()).or_default() += 1;
            match &event.body {
                EventBody::Submitted(said) => {
                    self.submitted.insert(task);
                    self.open.insert(task);
                    if said.kind == Kind::new("exec").unwrap() {
                        self.programs.insert(task);
                    }
                }
                EventBody::Retried { .. } => {
                    self.open.insert(task);
                    self.aborted.remove(&task);
                }
                EventBody::Completed { .. } | EventBody::Failed { .. } | EventBody::Expired { .. } => {
                    self.open.remove(&task);
                }
                EventBody::Aborted { .. } => {
                    self.open.remove(&task);
                    self.aborted.insert(task);
                }
                EventBody::ApprovalDecided { approval, .. } => drop(self.decisions.insert((task, *approval))),
                EventBody::StepCompleted { run, step, .. } if self.programs.contains(&task) => {
                    self.recorded.entry((task, step.clone())).or_insert(*run);
                }
                _ => {}
            }
        }
    }
}

/// Reads the whole log once: into the audit, and into the file `history`.
///
/// # Errors
/// If the log cannot be read or a file not written.
pub async fn judge(
    journal: &Journal,
    ledger: &Ledger,
    marks: &Path,
    models: (&Path, &Path),
    history: &Path,
) -> anyhow::Result<Verdict> {
    let mut file = BufWriter::new(std::fs::File::create(history)?);
    let mut writer = HistoryWriter::new(journal.shards());
    writeln!(file, "{}", writer.header())?;
    let mut heads = Vec::new();
    for shard in journal.shards().all() {
        heads.push((shard, journal.head(shard).await?));
    }
    let submissions = ledger.submissions();
    let reference = |(org, task): (longhaul_core::OrgId, TaskId)| TaskRef { org, task };
    let outside = Outside {
        submitted: submissions.iter().map(|(task, acked)| reference((acked.org.clone(), *task))).collect(),
        aborted: ledger.aborts().into_iter().map(reference).collect(),
        // Nobody is left to do anything.
        at_rest: true,
        goes_to: heads.iter().copied().collect(),
    };
    let mut gathered = Gathered::default();
    let mut report = Report::default();
    for (shard, head) in heads {
        let mut audit = Audit::new(journal.shards(), shard);
        writer.goes_to(shard, head);
        read(journal, shard, head, async |entry| {
            writeln!(file, "{}", writer.record(&Stored::of(seen(&entry)))?)?;
            gathered.take(&entry);
            feed(&mut audit, journal, &entry).await
        })
        .await?;
        report.add(audit.report(&outside));
    }
    writeln!(file, "{}", writer.end())?;
    file.flush()?;
    let Gathered { submitted, open, aborted, decisions, recorded, events, .. } = gathered;
    let (rows, rows_differ) = compare(journal, models).await?;
    Ok(Verdict {
        audit: report,
        lost: submissions.keys().filter(|task| !submitted.contains(task)).copied().collect(),
        aborts_lost: outside
            .aborted
            .iter()
            .map(|at| at.task)
            .filter(|task| !aborted.contains(task))
            .collect(),
        decisions_lost: ledger
            .decisions()
            .into_iter()
            .filter(|(_, task, approval)| !decisions.contains(&(*task, *approval)))
            .map(|(_, task, _)| task)
            .collect(),
        unfinished: open.into_iter().collect(),
        testimony: witness::examine(marks, &recorded)?,
        rows_differ,
        rows,
        events,
    })
}

fn seen(entry: &Read) -> Entry<'_> {
    Entry {
        sequence: entry.sequence,
        stored_at: entry.stored_at,
        subject: &entry.subject,
        record: entry.record.as_ref(),
    }
}

/// Tasks that have ended are let go of by the audit; one that goes on is read again.
async fn feed(audit: &mut Audit, journal: &Journal, entry: &Read) -> anyhow::Result<()> {
    while let Err(Recall { task, .. }) = audit.read(seen(entry)) {
        let history = journal.history(&task).await?;
        let before = history.iter().take_while(|earlier| earlier.sequence < entry.sequence);
        audit.recall(&task, before.map(seen));
    }
    Ok(())
}

/// Every record of a shard, up to its end.
async fn read(
    journal: &Journal,
    shard: Shard,
    head: Sequence,
    mut take: impl AsyncFnMut(Read) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if head == Sequence::ZERO {
        return Ok(());
    }
    let mut follower = journal.follow(shard, Sequence::ZERO).await?;
    loop {
        let next = tokio::time::timeout(SILENCE, follower.next()).await;
        let entry = next.context("the log is silent before its end")?.context("the log ended")??;
        let last = entry.sequence >= head || entry.pending == 0;
        take(entry).await?;
        if last {
            return Ok(());
        }
    }
}

/// Folds the live read model to the end and one from nothing, and compares them row for row.
async fn compare(journal: &Journal, models: (&Path, &Path)) -> anyhow::Result<(usize, Vec<String>)> {
    let (live, anew) = (rows(journal, models.0).await?, rows(journal, models.1).await?);
    let mut difference = Vec::new();
    let mut count: HashMap<&String, i64> = HashMap::new();
    live.iter().for_each(|row| *count.entry(row).or_default() += 1);
    anew.iter().for_each(|row| *count.entry(row).or_default() -= 1);
    for (row, n) in count {
        match n {
            0 => {}
            n if n > 0 => difference.push(format!("only live: {row}")),
            _ => difference.push(format!("only anew: {row}")),
        }
    }
    difference.sort_unstable();
    Ok((anew.len(), difference))
}

async fn rows(journal: &Journal, directory: &Path) -> anyhow::Result<Vec<String>> {
    let mut projector = Projector::open(journal.clone(), ProjectorOptions::new(directory)).await?;
    projector.catch_up().await?;
    Ok(projector.rows()?)
}

#[cfg(test)]
mod tests {
    use longhaul_client::{Client, Identity};
    use longhaul_core::OrgId;
    use longhaul_journal::Shards;

    use super::*;
    use crate::world::rehearsal;

    /// What is judged has to be able to fail: acknowledged things that are not there, tasks that were
    /// left, marks of a step done again.
    #[tokio::test]
    async fn what_was_promised_and_is_missing_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let journal = Journal::memory(Shards::new(2).unwrap());
        let client = Client::new(journal.clone(), Identity::new("acme", "ann", "test").unwrap());
        let org = OrgId::new("acme").unwrap();
        let left = client.submit(rehearsal("hello")).await.unwrap().snapshot.task;
        let stopped = client.submit(rehearsal("hello")).await.unwrap().snapshot.task;
        client.abort(stopped, None).await.unwrap();
        let ledger = Ledger::default();
        ledger.submitted(&org, stopped, "hello");
        ledger.aborted(&org, stopped);
        let judge = async |ledger: &Ledger, anew: &str| {
            let models = (at("live"), at(anew));
            let models = (models.0.as_path(), models.1.as_path());
            super::judge(&journal, ledger, &at("marks"), models, &at("history")).await.unwrap()
        };
        let verdict = judge(&ledger, "anew-1").await;
        assert_eq!(verdict.unfinished, [left], "nobody works here");
        assert_eq!((verdict.lost.len(), verdict.aborts_lost.len()), (0, 0));
        assert!(!verdict.is_sound());

        client.abort(left, None).await.unwrap();
        let verdict = judge(&ledger, "anew-2").await;
        assert!(verdict.is_sound(), "{}", verdict.audit);
        assert!(verdict.rows > 0);

        let never: TaskId = longhaul_journal::new_id();
        ledger.submitted(&org, never, "hello");
        ledger.aborted(&org, never);
        ledger.decided(&org, left, longhaul_journal::new_id());
        std::fs::write(at("marks"), format!("{left} 1 1\n{left} 1 1\n")).unwrap();
        let verdict = judge(&ledger, "anew-3").await;
        assert_eq!(verdict.lost, [never]);
        assert_eq!(verdict.aborts_lost, [never]);
        assert_eq!(verdict.decisions_lost, [left]);
        assert_eq!(verdict.testimony.twice.len(), 1);
        assert!(!verdict.is_sound());
    }
}
