//! A small world in which tasks live: over the in-memory log, under the runtime's clock.
#![allow(dead_code, reason = "not every test needs all of it")]

pub(crate) mod log;

use std::time::Duration;

use longhaul_client::{Client, Identity, NewTask};
use longhaul_core::{
    Act, Actor, AdmissionReason, ApprovalId, Command, Digest, ExecutorId, Millis, Payload, Role, Sequence,
    TaskRef,
};
use longhaul_journal::{Journal, Shards, new_id};
use proptest::prelude::*;

/// Whose tasks there are.
const ORGS: [&str; 3] = ["acme", "globex", "hooli"];

pub(crate) fn client(journal: &Journal) -> Client {
    client_of(journal, "acme")
}

fn client_of(journal: &Journal, org: &str) -> Client {
    Client::new(journal.clone(), Identity::new(org, "ann", "tests").unwrap())
}

/// Something that happens to a task; what its state does not allow is refused, and that is fine.
#[derive(Debug, Clone)]
pub(crate) enum Happens {
    /// To the organisation of this number.
    Submit(usize),
    Act(usize, What),
    /// So many milliseconds go by. Only where time is the runtime's to stop.
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Start,
    Step,
    Recorded,
    Progress,
    Ask,
    Abort,
    Stop,
    Complete,
    Retry,
    Dismiss,
}

pub(crate) fn happens(orgs: usize) -> impl Strategy<Value = Happens> {
    use What::{Abort, Ask, Complete, Dismiss, Progress, Recorded, Retry, Start, Step, Stop};
    let what = prop::sample::select(vec![
        Start, Start, Step, Recorded, Progress, Progress, Ask, Abort, Stop, Complete, Retry, Dismiss,
    ]);
    prop_oneof![
        1 => (0..orgs).prop_map(Happens::Submit),
        6 => (0_usize..12, what).prop_map(|(task, what)| Happens::Act(task, what)),
    ]
}

pub(crate) struct World {
    pub(crate) journal: Journal,
    pub(crate) tasks: Vec<TaskRef>,
}

impl World {
    pub(crate) fn new(shards: u16) -> Self {
        Self { journal: Journal::memory(Shards::new(shards).unwrap()), tasks: Vec::new() }
    }

    pub(crate) async fn happen(&mut self, happens: &[Happens]) {
        for one in happens {
            match one {
                Happens::Wait(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
                Happens::Submit(org) => {
                    let title = format!("task {}", self.tasks.len());
                    let task = NewTask::new("report", &title, &serde_json::json!({"n": 1})).unwrap();
                    let submitted = client_of(&self.journal, ORGS[*org]).submit(task).await.unwrap();
                    self.tasks.push(submitted.snapshot.address());
                }
                Happens::Act(at, what) => {
                    let Some(task) = self.tasks.get(at % self.tasks.len().max(1)) else { continue };
                    self.act(task, *what).await;
                }
            }
        }
    }

    async fn act(&self, at: &TaskRef, what: What) {
        let state = self.journal.load(at).await.unwrap().unwrap();
        let run = |act| Command::Run { run: state.run, act };
        let by = "ann".to_owned();
        let step = format!("step {}", state.steps.iter().filter(|step| step.result.is_some()).count());
        let arguments = serde_json::json!({"to": "all"});
        let (role, command) = match what {
            What::Start => (
                Role::Executor,
                Command::Start {
                    run: state.next_run,
                    executor: new_id::<ExecutorId>(),
                    version: "1".to_owned(),
                    ledger: Sequence(1),
                    why: AdmissionReason::First,
                },
            ),
            What::Step => (Role::Executor, run(Act::StartStep { step, of: Some(9) })),
            What::Recorded => {
                let result = Payload::Inline(serde_json::json!("done"));
                (Role::Executor, run(Act::CompleteStep { step, result }))
            }
            What::Progress => {
                let message = Some(format!("at {step}"));
                (Role::Executor, run(Act::Progress { fraction: Some(0.5), message, waits: None }))
            }
            What::Ask => {
                let asks = Act::RequestApproval {
                    approval: new_id::<ApprovalId>(),
                    action: "send".to_owned(),
                    arguments,
                    digest: Digest([1; 32]),
                    schema: None,
                    note: None,
                    expires_at: self.journal.now().plus(Millis::minutes(5)),
                };
                (Role::Executor, run(asks))
            }
            What::Abort => (Role::Client, Command::RequestAbort { by, reason: None }),
            What::Stop => (Role::Executor, run(Act::StopAt { checkpoint: step })),
            What::Complete => {
                let output = Payload::Inline(serde_json::json!({"ok": true}));
                (Role::Executor, run(Act::Complete { output }))
            }
            What::Retry => (Role::Client, Command::Retry { by }),
            What::Dismiss => (Role::Client, Command::Dismiss { by }),
        };
        let actor = Actor { role, who: "ann".to_owned(), via: "tests".to_owned() };
        // What the state does not allow is refused.
        let _ = self.journal.act(at, &actor, &command).await;
    }
}
