//! The journal: records instead of bytes, and outcomes instead of acknowledgements.

use std::sync::Arc;
use std::time::Duration;

use longhaul_core::{
    Commit, ConversationClaim, ConversationId, OrgId, Policy, Sequence, Snapshot, TaskRef, Timestamp,
    apply_commit,
};
use longhaul_wire::{Record, Shard, Shards, Subject};

use crate::append::DEADLINE;
use crate::clock::Clock;
use crate::entry::Entry;
use crate::error::Error;
use crate::memory::Memory;
use crate::nats::{ConnectOptions, Nats};
use crate::port::{Port, PortInfo};
use crate::tries::again;

/// The log, as everything above it uses it. Clones share the connection.
#[derive(Clone)]
pub struct Journal {
    pub(crate) port: Arc<dyn Port>,
    shards: Shards,
    clock: Clock,
    pub(crate) deadline: Duration,
    /// Largest message the port takes, in bytes.
    pub(crate) limit: usize,
}

impl Journal {
    /// A journal over a port, with as many shards as the port was provisioned with.
    pub fn new(port: Arc<dyn Port>) -> Self {
        let info = port.info();
        let shards = Shards::new(info.shards).unwrap_or_default();
        Self { port, shards, clock: Clock::System, deadline: DEADLINE, limit: info.max_message }
    }

    /// Connects to a NATS server, and makes what is missing of the log there. What is there already
    /// is compared, never changed.
    ///
    /// # Errors
    /// If the server is out of reach, what is there is another log than asked for, or a weaker
    /// durability is in force.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        Ok(Self::new(Arc::new(Nats::connect(options).await?)))
    }

    /// A journal over a fresh in-memory log. Its clock follows the runtime's.
    pub fn memory(shards: Shards) -> Self {
        Self::over(&Memory::new(shards))
    }

    /// A journal over an in-memory log that others share.
    pub fn over(memory: &Memory) -> Self {
        Self::new(Arc::new(memory.clone())).with_clock(memory.clock())
    }

    /// The same journal with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same journal that tries everything for `deadline` ([`DEADLINE`] otherwise) while the log
    /// is out of reach.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// What the log says of itself.
    pub fn info(&self) -> PortInfo {
        self.port.info()
    }

    /// How many shards the log has.
    pub fn shards(&self) -> Shards {
        self.shards
    }

    /// Now, by the log's clock: what every process that uses this log goes by, whatever its machine's
    /// clock says.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.clock.now().0.saturating_add(self.port.ahead()))
    }

    /// Tries at once to reach the log, if it is out of reach, instead of at the next attempt.
    pub fn reconnect(&self) {
        self.port.reconnect();
    }

    /// The last sequence of a shard.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn head(&self, shard: Shard) -> Result<Sequence, Error> {
        Ok(again(self.deadline, || self.port.head(shard)).await?)
    }

    /// The state of a task, folded from its whole history; nothing if there is no such task. It sees
    /// every commit acknowledged before.
    ///
    /// # Errors
    /// If the log is not available, or [`Error::Corrupt`] if a record of the task cannot be read.
    pub async fn load(&self, task: &TaskRef) -> Result<Option<Snapshot>, Error> {
        self.fold(None, task, Sequence::ZERO).await
    }

    /// A snapshot with what was written since it was folded.
    ///
    /// # Errors
    /// As [`Journal::load`].
    pub async fn refresh(&self, snapshot: Snapshot) -> Result<Snapshot, Error> {
        let task = TaskRef { org: snapshot.owner.org.clone(), task: snapshot.task };
        let after = snapshot.sequence;
        // Folding never takes a task away: the unchanged one stands in for what cannot happen.
        let unchanged = snapshot.clone();
        Ok(self.fold(Some(snapshot), &task, after).await?.unwrap_or(unchanged))
    }

    async fn fold(
        &self,
        mut state: Option<Snapshot>,
        task: &TaskRef,
        after: Sequence,
    ) -> Result<Option<Snapshot>, Error> {
        for (sequence, commit) in self.commits_after(task, after).await? {
            state = apply_commit(state, &commit, sequence);
        }
        Ok(state)
    }

    /// Every record of a task, readable or not, oldest first.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn history(&self, task: &TaskRef) -> Result<Vec<Entry>, Error> {
        self.history_after(task, Sequence::ZERO).await
    }

    /// Every record of a task after a place, readable or not, oldest first.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn history_after(&self, task: &TaskRef, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.entries(&self.subject(task), after).await
    }

    /// The same, as commits: for whoever needs all of them.
    ///
    /// # Errors
    /// As [`Journal::load`].
    pub async fn commits_after(
        &self,
        task: &TaskRef,
        after: Sequence,
    ) -> Result<Vec<(Sequence, Commit)>, Error> {
        let mut commits = Vec::new();
        for entry in self.history_after(task, after).await? {
            match entry.record {
                Ok(Record::Task(commit)) => commits.push((entry.sequence, commit)),
                Ok(_) => {}
                Err(source) => {
                    return Err(Error::Corrupt {
                        subject: self.subject(task),
                        sequence: entry.sequence,
                        source,
                    });
                }
            }
        }
        Ok(commits)
    }

    /// One record of a task, at a place that is known; nothing if it is not there, or not yet where it
    /// is looked for.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn record_at(&self, task: &TaskRef, sequence: Sequence) -> Result<Option<Entry>, Error> {
        let subject = self.subject(task);
        let stored = again(self.deadline, || self.port.at(&subject, sequence)).await?;
        Ok(stored.map(|stored| Entry::new(self.shards, stored)))
    }

    async fn entries(&self, subject: &Subject, after: Sequence) -> Result<Vec<Entry>, Error> {
        let stored = again(self.deadline, || self.port.read(subject, after)).await?;
        Ok(stored.into_iter().map(|stored| Entry::new(self.shards, stored)).collect())
    }

    /// The last record under a subject.
    async fn last(&self, subject: &Subject) -> Result<Option<(Record, Sequence)>, Error> {
        let Some(stored) = again(self.deadline, || self.port.last(subject)).await? else {
            return Ok(None);
        };
        let entry = Entry::new(self.shards, stored);
        match entry.record {
            Ok(record) => Ok(Some((record, entry.sequence))),
            Err(source) => Err(Error::Corrupt { subject: subject.clone(), sequence: entry.sequence, source }),
        }
    }

    fn subject(&self, task: &TaskRef) -> Subject {
        Subject::task(self.shards, &task.org, task.task)
    }

    /// The last sequence of an organisation's ledger: what an admission expects.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn ledger_last(&self, org: &OrgId) -> Result<Sequence, Error> {
        let subject = Subject::ledger(self.shards, org);
        let last = again(self.deadline, || self.port.last(&subject)).await?;
        Ok(last.map_or(Sequence::ZERO, |stored| stored.sequence))
    }

    /// What an organisation may do; the default until something else was said.
    ///
    /// # Errors
    /// If the log is not available or the policy cannot be read.
    pub async fn policy(&self, org: &OrgId) -> Result<Policy, Error> {
        match self.last(&Subject::policy(self.shards, org)).await? {
            Some((Record::Policy(commit), _)) => Ok(commit.policy),
            _ => Ok(Policy::default()),
        }
    }

    /// Who holds a conversation, and where it was said.
    ///
    /// # Errors
    /// If the log is not available or the claim cannot be read.
    pub async fn conversation(
        &self,
        org: &OrgId,
        conversation: &ConversationId,
    ) -> Result<Option<(ConversationClaim, Sequence)>, Error> {
        match self.last(&Subject::conversation(self.shards, org, conversation)).await? {
            Some((Record::Conversation(claim), sequence)) => Ok(Some((claim, sequence))),
            _ => Ok(None),
        }
    }
}
