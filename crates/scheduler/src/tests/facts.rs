//! Facts that tests begin with.

use longhaul_core::*;
use uuid::Uuid;

use crate::react::{Moment, Now};

pub(crate) const EXECUTOR: ExecutorId = ExecutorId(Uuid::from_u128(0xE));

pub(crate) fn task(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

pub(crate) fn now(millis: u64) -> Now {
    Now { moment: Moment(Millis(millis)), wall: Timestamp(millis as i64) }
}

/// `org/user` or `org/user/conversation`.
pub(crate) fn submission(path: &str) -> Submission {
    let mut parts = path.split('/');
    Submission::new(
        Owner {
            org: OrgId::new(parts.next().unwrap()).unwrap(),
            user: UserId::new(parts.next().unwrap()).unwrap(),
            conversation: parts.next().map(|c| ConversationId::new(c).unwrap()),
        },
        Kind::new("report").unwrap(),
        Title::new("a task").unwrap(),
        Payload::default(),
    )
}

pub(crate) fn actor(role: Role) -> Actor {
    Actor { role, who: "w".into(), via: "test".into() }
}

pub(crate) fn commit(task: TaskId, role: Role, at: Timestamp, bodies: Vec<EventBody>) -> Commit {
    let events = bodies.into_iter().map(|body| Event { id: EventId(Uuid::nil()), body }).collect();
    Commit { id: CommitId(Uuid::nil()), task, at, actor: actor(role), trace: None, events }
}

pub(crate) fn started(run: u32) -> EventBody {
    EventBody::Started {
        run: RunNumber(run),
        executor: EXECUTOR,
        version: "1".into(),
        ledger: Sequence(1),
        why: AdmissionReason::First,
    }
}

/// A task in its first run.
pub(crate) fn running(n: u128) -> Snapshot {
    let submitted = EventBody::Submitted(Box::new(submission("acme/ann")));
    let state =
        apply_commit(None, &commit(task(n), Role::Client, Timestamp(0), vec![submitted]), Sequence(1));
    let begun = commit(task(n), Role::Executor, Timestamp(0), vec![started(1)]);
    apply_commit(state, &begun, Sequence(2)).unwrap()
}

/// A beat that names the first runs of these tasks, with room for many more.
pub(crate) fn beat(runs: &[u128]) -> Beat {
    Beat {
        executor: EXECUTOR,
        at: Timestamp(7),
        version: "1".into(),
        host: "here/1".into(),
        kinds: vec![Room { kind: Kind::new("report").unwrap(), places: 1000, free: 1000 }],
        runs: runs
            .iter()
            .map(|n| HeldRun { org: OrgId::new("acme").unwrap(), task: task(*n), run: RunNumber(1) })
            .collect(),
        draining: false,
    }
}
