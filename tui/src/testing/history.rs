//! A task's history, folded as everywhere: for the opened task.

use longhaul_client::fleet::{Happening, Told};
use longhaul_core::{
    Actor, AdmissionReason, Artifact, Commit, CommitId, Digest, Event, EventBody, EventId, Millis, Owner,
    Payload, Role, RunNumber, Sequence, Snapshot, Submission, Timestamp, Title, Usage, UserId, apply_commit,
};
use uuid::Uuid;

use super::{NOW, address, executor_id};

/// How far the sample history goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Until {
    /// Not begun.
    Submitted,
    /// In its second step.
    Running,
    /// An abort is asked for.
    Aborting,
    /// It stopped.
    Aborted,
    /// It finished instead.
    Completed,
}

/// The `n`th sample task, submitted and not begun.
pub(crate) fn pending(n: u32) -> Box<Snapshot> {
    let Told::Anew { mut snapshot, .. } = story(n, Until::Submitted) else { panic!("it begins anew") };
    // As new as what the list knows of it.
    snapshot.sequence = Sequence(1000 + u64::from(n));
    snapshot
}

/// The story of the `n`th sample task.
pub(crate) fn story(n: u32, until: Until) -> Told {
    let at = address(n);
    let mut state: Option<Snapshot> = None;
    let mut events = Vec::new();
    for (place, (role, after, bodies)) in (1..).zip(history(until)) {
        let commit = Commit {
            id: CommitId(Uuid::from_u128(place)),
            task: at.task,
            at: Timestamp(NOW.0 - 60_000).plus(after),
            actor: Actor { role, who: "ana".to_owned(), via: "cli".to_owned() },
            trace: None,
            events: bodies
                .into_iter()
                .map(|body| Event { id: EventId(Uuid::from_u128(place)), body })
                .collect(),
        };
        let sequence = Sequence(1_204_200 + u64::try_from(place).unwrap() * 3);
        events.extend(Happening::of(&at, sequence, &commit));
        state = apply_commit(state, &commit, sequence);
    }
    let snapshot = Box::new(state.unwrap());
    assert_eq!(snapshot.ignored, 0, "the sample history follows the rules");
    Told::Anew { snapshot, events }
}

fn history(until: Until) -> Vec<(Role, Millis, Vec<EventBody>)> {
    use Role::{Client, Executor};
    let run = RunNumber(1);
    let begin = |step: &str, index| EventBody::StepStarted { run, step: step.to_owned(), index, of: Some(4) };
    let end = |step: &str, index| EventBody::StepCompleted {
        run,
        step: step.to_owned(),
        index,
        result: Payload::Inline(serde_json::json!({"rows": 214})),
    };
    let submitted = EventBody::Submitted(Box::new(Submission::new(
        Owner { org: address(0).org, user: UserId::new("ana").unwrap(), conversation: None },
        longhaul_core::Kind::new("report").unwrap(),
        Title::new("refactor billing webhooks").unwrap(),
        Payload::Inline(serde_json::json!({"data": "sales.csv", "question": "who pays late, and why?"})),
    )));
    let started = EventBody::Started {
        run,
        executor: executor_id(0),
        version: "0.1.0".to_owned(),
        ledger: Sequence(1),
        why: AdmissionReason::First,
    };
    let usage = Usage { input_tokens: 1200, output_tokens: 340, model_calls: 2, queries: 3, exact: true };
    let text = "Late payers are few: 3 of 214.\nAll of them began to pay late in May. ".to_owned();
    let mut all = vec![
        (Client, Millis(0), vec![submitted]),
        (Executor, Millis(300), vec![started, begin("planning", 0)]),
        (Executor, Millis(4_300), vec![end("planning", 0), begin("querying", 1)]),
        (Executor, Millis(5_000), vec![EventBody::UsageRecorded { run, usage, model: None }]),
        (
            Executor,
            Millis(6_000),
            vec![EventBody::Progressed {
                run,
                fraction: Some(0.4),
                message: Some("reading 214 rows".to_owned()),
                waits: None,
            }],
        ),
        (Executor, Millis(7_000), vec![EventBody::TextAppended { run, segment: 0, offset: 0, text }]),
    ];
    if until == Until::Submitted {
        all.truncate(1);
    }
    if until == Until::Completed {
        let artifact = Artifact {
            name: "report.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            size: 48_211,
            sha256: Digest([3; 32]),
        };
        let output = Payload::Inline(serde_json::json!({"late": 3, "of": 214}));
        all.push((Executor, Millis(20_000), vec![end("querying", 1)]));
        all.push((Executor, Millis(21_000), vec![EventBody::ArtifactStored { run, artifact }]));
        all.push((Executor, Millis(22_000), vec![EventBody::Completed { run, output }]));
    }
    if matches!(until, Until::Aborting | Until::Aborted) {
        let reason = Some("wrong file".to_owned());
        all.push((Client, Millis(9_000), vec![EventBody::AbortRequested { by: "ana".to_owned(), reason }]));
    }
    if until == Until::Aborted {
        let checkpoint = Some("querying".to_owned());
        all.push((Executor, Millis(12_500), vec![end("querying", 1)]));
        all.push((Executor, Millis(12_600), vec![EventBody::Aborted { run: Some(run), checkpoint }]));
    }
    all
}
