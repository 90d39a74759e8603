//! Histories written by hand, for tests: what the rules allow, and what they do not.

use longhaul_client::{Client, Identity};
use longhaul_core::*;
use longhaul_journal::memory::Memory;
use longhaul_journal::port::{Append, Port as _};
use longhaul_journal::{Journal, Shards, new_id, stamp};
use longhaul_wire::Subject;
use serde_json::json;

/// A log in memory, and hands that write to it.
pub(crate) struct Script {
    pub(crate) memory: Memory,
    pub(crate) journal: Journal,
}

/// A task with its organisation.
pub(crate) fn of(org: &str, task: TaskId) -> TaskRef {
    TaskRef { org: OrgId::new(org).unwrap(), task }
}

impl Script {
    pub(crate) fn new(shards: u16) -> Self {
        let memory = Memory::new(Shards::new(shards).unwrap());
        let journal = Journal::over(&memory);
        Self { memory, journal }
    }

    pub(crate) fn client(&self, org: &str) -> Client {
        Client::new(self.journal.clone(), Identity::new(org, "ann", "test").unwrap())
    }

    /// Submits a task of `ann` in an organisation.
    pub(crate) async fn submit(&self, org: &str, title: &str) -> TaskRef {
        self.submit_for(org, "ann", None, title).await
    }

    pub(crate) async fn submit_for(
        &self,
        org: &str,
        user: &str,
        conversation: Option<&str>,
        title: &str,
    ) -> TaskRef {
        let task = of(org, new_id());
        let said = Submission::new(
            Owner {
                org: task.org.clone(),
                user: UserId::new(user).unwrap(),
                conversation: conversation.map(|id| ConversationId::new(id).unwrap()),
            },
            Kind::new("report").unwrap(),
            Title::new(title).unwrap(),
            Payload::Inline(json!({"data": "x"})),
        );
        self.say(&task, Role::Client, vec![EventBody::Submitted(Box::new(said))]).await;
        task
    }

    /// Appends events to a task's history, whatever the rules say.
    pub(crate) async fn say(&self, task: &TaskRef, role: Role, events: Vec<EventBody>) -> Sequence {
        let who = match role {
            Role::Client => "ann",
            Role::Executor => "e1",
            Role::Scheduler => "s1",
        };
        let actor = Actor { role, who: who.to_owned(), via: "test".to_owned() };
        let commit = stamp(task.task, &actor, events, self.journal.now());
        let last = self.journal.history(task).await.unwrap().last().map(|entry| entry.sequence);
        self.journal.commit(&task.org, &commit, last.unwrap_or_default()).await.unwrap()
    }

    /// Gives tasks' next runs a slot.
    pub(crate) async fn admit(&self, tasks: &[&TaskRef]) -> Sequence {
        let mut admissions = Vec::new();
        for task in tasks {
            let s = self.journal.load(task).await.unwrap().unwrap();
            admissions.push(Admission {
                task: s.task,
                run: s.next_run,
                user: s.owner.user.clone(),
                conversation: s.owner.line(s.lane).cloned(),
                lane: s.lane,
                kind: s.kind.clone(),
                why: s.admit_as,
            });
        }
        let org = tasks[0].org.clone();
        let actor = Actor { role: Role::Scheduler, who: "s1".to_owned(), via: "test".to_owned() };
        let at = self.journal.now();
        let commit = AdmissionCommit { id: new_id(), org: org.clone(), at, actor, admissions };
        self.journal.admit(&commit, self.journal.ledger_last(&org).await.unwrap()).await.unwrap()
    }

    /// Admits a task and begins its next run.
    pub(crate) async fn start(&self, task: &TaskRef) -> RunNumber {
        let ledger = self.admit(&[task]).await;
        self.begin(task, ledger).await
    }

    /// Begins a task's next run, in the slot of `ledger`.
    pub(crate) async fn begin(&self, task: &TaskRef, ledger: Sequence) -> RunNumber {
        let s = self.journal.load(task).await.unwrap().unwrap();
        let (run, why, version) = (s.next_run, s.admit_as, "1".to_owned());
        let started = EventBody::Started { run, executor: new_id(), version, ledger, why };
        self.say(task, Role::Executor, vec![started]).await;
        run
    }

    pub(crate) async fn complete(&self, task: &TaskRef, run: RunNumber) -> Sequence {
        let output = Payload::Inline(json!({"answer": 42}));
        self.say(task, Role::Executor, vec![EventBody::Completed { run, output }]).await
    }

    pub(crate) async fn policy(&self, org: &str, caps: Caps) {
        let actor = Actor { role: Role::Client, who: "ann".to_owned(), via: "test".to_owned() };
        let policy = Policy { caps, ..Policy::default() };
        self.journal.set_policy(&OrgId::new(org).unwrap(), &actor, policy).await.unwrap();
    }

    /// Appends what is no record to a task's history.
    pub(crate) async fn garble(&self, task: &TaskRef) -> Sequence {
        let subject = Subject::task(self.journal.shards(), &task.org, task.task);
        let body = b"{\"v\":99}".as_slice().into();
        self.memory.append(Append { subject, expect: None, body }).await.unwrap()
    }
}

/// A step that begins and ends.
pub(crate) fn step(run: RunNumber, name: &str, index: u32) -> Vec<EventBody> {
    let step = name.to_owned();
    vec![
        EventBody::StepStarted { run, step: step.clone(), index, of: Some(2) },
        EventBody::StepCompleted { run, step, index, result: Payload::Inline(json!(name)) },
    ]
}

pub(crate) fn usage(run: RunNumber, input_tokens: u64) -> EventBody {
    let usage = Usage { input_tokens, model_calls: 1, queries: 2, ..Usage::default() };
    EventBody::UsageRecorded { run, usage, model: Some("m".to_owned()) }
}

pub(crate) fn failed(run: RunNumber) -> EventBody {
    let error = TaskError { code: "broken".to_owned(), message: "it broke".to_owned(), retryable: true };
    EventBody::Failed { run, error }
}
