//! Records of the log, folded into what the scheduler knows.

use longhaul_core::{
    Admission, AdmissionCommit, Commit, EventBody, Payload, Sequence, Snapshot, TaskRef, apply_commit,
};
use longhaul_journal::{Entry, Parsed, Record};

use super::input::{Effect, Now};
use super::state::{Stage, State, Wanted};
use crate::status::Aside;

impl State {
    /// Takes in the next record.
    pub(super) fn entry(&mut self, now: Now, entry: Entry) -> Vec<Effect> {
        // After a reconnection some may come again.
        if entry.sequence <= self.position {
            self.catch_up(now, Some(entry.pending));
            return vec![];
        }
        self.position = entry.sequence;
        self.lag = entry.pending;
        self.board.advance(now.wall);
        self.changed = true;
        let effects = self.record(now, entry);
        self.catch_up(now, Some(self.lag));
        effects
    }

    fn record(&mut self, now: Now, entry: Entry) -> Vec<Effect> {
        // A history in a shard where nobody looks for it is nobody's history.
        if self.rules.shards.of(entry.subject.org()) != self.rules.shard {
            self.unreadable += 1;
            return vec![];
        }
        match (entry.record, entry.subject) {
            (Ok(Record::Task(commit)), Parsed::Task { org, task, .. }) => {
                let task = TaskRef { org, task };
                self.commit(now, task, commit, entry.sequence)
            }
            (Ok(Record::Admissions(commit)), _) => self.admissions(now, &commit, entry.sequence),
            (Ok(Record::Policy(commit)), _) => {
                self.board.policy(&commit.org, commit.policy);
                vec![]
            }
            (Err(why), Parsed::Task { org, task, .. }) => {
                self.put_aside(Aside {
                    task: TaskRef { org, task },
                    sequence: entry.sequence,
                    why: why.to_string(),
                });
                vec![]
            }
            (Err(why), Parsed::Ledger { org, .. }) => {
                tracing::error!(%org, sequence = %entry.sequence, %why, "a record of the ledger cannot be read: nothing more is admitted");
                self.unreadable += 1;
                self.board.ledger_unreadable(&org);
                vec![]
            }
            (Err(why), Parsed::Policy { org, .. }) => {
                tracing::error!(%org, sequence = %entry.sequence, %why, "a policy cannot be read: the one before it holds");
                self.unreadable += 1;
                vec![]
            }
            // Claims matter at submission.
            _ => vec![],
        }
    }

    fn admissions(&mut self, now: Now, commit: &AdmissionCommit, sequence: Sequence) -> Vec<Effect> {
        self.board.admissions(commit, sequence);
        let own = commit.actor.who == self.rules.who;
        let granted = commit.admissions.iter();
        let task = |admission: &Admission| TaskRef { org: commit.org.clone(), task: admission.task };
        granted.filter_map(|admission| self.granted(now, &task(admission), admission.run, own)).collect()
    }

    fn commit(&mut self, now: Now, task: TaskRef, mut commit: Commit, sequence: Sequence) -> Vec<Effect> {
        if self.aside.contains_key(&task) {
            return vec![];
        }
        let before = self.tasks.remove(&task);
        let reopens = |commit: &Commit| {
            commit.events.iter().any(|event| matches!(event.body, EventBody::Retried { .. }))
        };
        if before.is_none() && reopens(&commit) {
            // It had ended, and was forgotten.
            self.wanted = Some(Wanted { task: task.clone(), again: None });
            return vec![Effect::Load(task)];
        }
        strip(&mut commit);
        let known = before.is_some();
        let used = before.as_ref().map_or(0, |snapshot| snapshot.usage.tokens());
        let Some(after) = apply_commit(before, &commit, sequence) else { return vec![] };
        let used = after.usage.tokens().saturating_sub(used);
        if after.erased && !known {
            // All that may be left of it is this commit, and the sum in it.
            if self.stage != Stage::CaughtUp && !self.counted.contains(&task) {
                self.board.spent(&task.org, after.ended_at.unwrap_or(commit.at), used);
            }
        } else if used > 0 {
            self.board.spent(&task.org, commit.at, used);
            if self.stage != Stage::CaughtUp {
                self.counted.insert(task);
            }
        }
        self.keep(now, after);
        vec![]
    }

    /// A forgotten task's history was read. It may be longer than what was followed so far: the rest
    /// comes by itself.
    pub(super) fn loaded(&mut self, now: Now, task: &TaskRef, history: Vec<Entry>) -> Vec<Effect> {
        if self.wanted.take_if(|wanted| wanted.task == *task).is_none() {
            return vec![];
        }
        self.changed = true;
        let mut state = None;
        for entry in history.into_iter().filter(|entry| entry.sequence <= self.position) {
            match entry.record {
                Ok(Record::Task(mut commit)) => {
                    strip(&mut commit);
                    state = apply_commit(state, &commit, entry.sequence);
                }
                Ok(_) => {}
                Err(why) => {
                    let aside = Aside { task: task.clone(), sequence: entry.sequence, why: why.to_string() };
                    self.put_aside(aside);
                    return vec![];
                }
            }
        }
        if let Some(snapshot) = state {
            self.keep(now, snapshot);
        }
        vec![]
    }

    /// Keeps a live task and everything that depends on it; forgets one that has ended.
    fn keep(&mut self, now: Now, snapshot: Snapshot) {
        let task = snapshot.address();
        self.board.task(&snapshot);
        self.runs.task(&snapshot, self.stage == Stage::CaughtUp, now);
        self.settle(&task);
        self.questions.set(&task, snapshot.open_approval().map(|open| open.expires_at));
        if !snapshot.status.is_terminal() {
            self.tasks.insert(task, snapshot);
        }
    }

    fn put_aside(&mut self, aside: Aside) {
        let task = aside.task.clone();
        tracing::warn!(org = %task.org, task = %task.task, sequence = %aside.sequence, why = aside.why, "a task is put aside");
        self.tasks.remove(&task);
        self.board.set_aside(&task);
        self.runs.forget(&task);
        self.questions.set(&task, None);
        self.settle(&task);
        self.aside.entry(task).or_insert(aside);
    }
}

/// Takes the payloads out of a commit: what is done does not depend on them.
fn strip(commit: &mut Commit) {
    for event in &mut commit.events {
        match &mut event.body {
            EventBody::Submitted(said) => {
                said.input = Payload::Gone;
                said.context = None;
                said.labels.clear();
                said.inherited.iter_mut().for_each(|step| step.result = Payload::Gone);
            }
            EventBody::StepCompleted { result, .. } => *result = Payload::Gone,
            EventBody::ApprovalRequested { arguments, schema, note, .. } => {
                *arguments = Default::default();
                (*schema, *note) = (None, None);
            }
            EventBody::Completed { output, .. } => *output = Payload::Gone,
            _ => {}
        }
    }
}
