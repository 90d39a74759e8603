//! Records of every sort, for properties.

use longhaul_core::snapshot::Reason;
use longhaul_core::*;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::Record;
use crate::shard::Shard;
use crate::subject::Parsed;

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

/// Text as hostile as it comes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,20}", "[a-z ]{0,20}", Just("\u{0}\u{202e}\"\\\n\u{10ffff}".to_owned())]
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{1,64}"
}

fn moment() -> impl Strategy<Value = Timestamp> {
    // The years 1 to 9999: what RFC 3339 can say.
    (-62_135_596_800_000_i64..253_402_300_800_000).prop_map(Timestamp)
}

fn millis() -> impl Strategy<Value = Millis> {
    any::<u64>().prop_map(Millis)
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        json().prop_map(Payload::Inline),
        (digest(), any::<u64>()).prop_map(|(sha256, size)| Payload::Stored { sha256, size }),
        Just(Payload::Gone),
    ]
}

fn usage() -> impl Strategy<Value = Usage> {
    any::<(u64, u64, u32, u32, bool)>().prop_map(
        |(input_tokens, output_tokens, model_calls, queries, exact)| Usage {
            input_tokens,
            output_tokens,
            model_calls,
            queries,
            exact,
        },
    )
}

fn why() -> impl Strategy<Value = AdmissionReason> {
    prop_oneof![
        Just(AdmissionReason::First),
        Just(AdmissionReason::Continued),
        Just(AdmissionReason::Retried),
        Just(AdmissionReason::Resumed),
        Just(AdmissionReason::Reassigned),
    ]
}

fn lineage() -> impl Strategy<Value = Lineage> {
    let task = || of(uuid().prop_map(TaskId));
    (task(), of((uuid(), any::<u64>())), task(), task()).prop_map(|(rerun_of, fork, continues, parent)| {
        let forked_from =
            fork.map(|(task, sequence)| ForkPoint { task: TaskId(task), sequence: Sequence(sequence) });
        Lineage { rerun_of, forked_from, continues, parent }
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    (millis(), millis(), of(any::<u32>()), of(any::<u64>()))
        .prop_map(|(slice, span, queries, tokens)| Limits { slice, span, queries, tokens })
}

fn lane() -> impl Strategy<Value = Lane> {
    prop::sample::select(Lane::ALL.to_vec())
}

fn submission(org: OrgId) -> impl Strategy<Value = Submission> {
    let owner = (token(), of(token()));
    let head = (owner, token(), "[a-zA-Z]{1,200}", payload(), limits());
    let retry = (any::<u32>(), millis(), millis());
    let tail = (
        retry,
        of(moment()),
        btree_map(token(), text(), 0..3),
        lineage(),
        of((text(), digest())),
        vec((text(), payload()), 0..3),
        of(payload()),
    );
    (head, tail, 0..3_u8, lane()).prop_map(move |(head, tail, priority, lane)| {
        let ((user, conversation), kind, title, input, limits) = head;
        let ((max_attempts, backoff, max_backoff), not_before, labels, lineage, key, inherited, context) =
            tail;
        Submission {
            owner: Owner {
                org: org.clone(),
                user: UserId::new(user).unwrap(),
                conversation: conversation.map(|text| ConversationId::new(text).unwrap()),
            },
            kind: Kind::new(kind).unwrap(),
            title: Title::new(title).unwrap(),
            input,
            limits,
            retry: RetryPolicy { max_attempts, backoff, max_backoff },
            priority: [Priority::Interactive, Priority::Normal, Priority::Batch][usize::from(priority)],
            lane,
            not_before,
            labels: labels.into_iter().map(|(key, value)| (LabelKey::new(key).unwrap(), value)).collect(),
            lineage,
            key: key.map(|(key, body)| IdempotencyKey { key, body }),
            inherited: inherited.into_iter().map(|(step, result)| InheritedStep { step, result }).collect(),
            context,
        }
    })
}

fn skeleton(org: OrgId) -> impl Strategy<Value = Skeleton> {
    let reason = prop_oneof![
        Just(Reason::Finished),
        text().prop_map(|error| Reason::Error { error }),
        (text(), of(text())).prop_map(|(by, checkpoint)| Reason::Aborted { by, checkpoint }),
        (millis(), millis()).prop_map(|(span, ran)| Reason::SpanExceeded { span, ran }),
        (of(moment()), millis()).prop_map(|(last_beat, lease)| Reason::HeartbeatLost { last_beat, lease }),
    ];
    let status = prop::sample::select(Status::ALL.to_vec());
    let times = (moment(), of(moment()), of(moment()));
    (submission(org), status, reason, any::<(u32, u32, u32, u64)>(), usage(), times).prop_map(
        |(submission, status, reason, (run, next_run, attempt, events), usage, times)| Skeleton {
            submission,
            status,
            reason,
            run: RunNumber(run),
            next_run: RunNumber(next_run),
            attempt,
            usage,
            submitted_at: times.0,
            started_at: times.1,
            ended_at: times.2,
            events,
        },
    )
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        Just(Decision::Approved),
        json().prop_map(|arguments| Decision::Modified { arguments }),
        of(text()).prop_map(|reason| Decision::Rejected { reason }),
        Just(Decision::Lapsed),
    ]
}

fn run() -> impl Strategy<Value = RunNumber> {
    any::<u32>().prop_map(RunNumber)
}

fn executor() -> impl Strategy<Value = ExecutorId> {
    uuid().prop_map(ExecutorId)
}

/// No schema is null: that would be none.
fn schema() -> impl Strategy<Value = Value> {
    json().prop_map(|value| if value.is_null() { Value::Bool(true) } else { value })
}

fn approval() -> impl Strategy<Value = ApprovalId> {
    uuid().prop_map(ApprovalId)
}

/// What a run does in the middle of its work.
fn waits() -> impl Strategy<Value = Waits> {
    (text(), text(), moment()).prop_map(|(code, provider, until)| Waits { code, provider, until })
}

fn work() -> impl Strategy<Value = EventBody> {
    let artifact = (text(), text(), any::<u64>(), digest())
        .prop_map(|(name, media_type, size, sha256)| Artifact { name, media_type, size, sha256 });
    prop_oneof![
        (run(), executor(), text(), any::<u64>(), why()).prop_map(|(run, executor, version, at, why)| {
            EventBody::Started { run, executor, version, ledger: Sequence(at), why }
        }),
        (run(), text(), any::<u32>(), of(any::<u32>()))
            .prop_map(|(run, step, index, of)| EventBody::StepStarted { run, step, index, of }),
        (run(), of(0.0..=1.0), of(text()), of(waits())).prop_map(|(run, fraction, message, waits)| {
            EventBody::Progressed { run, fraction, message, waits }
        }),
        (run(), text(), any::<u32>(), payload())
            .prop_map(|(run, step, index, result)| EventBody::StepCompleted { run, step, index, result }),
        (run(), any::<u32>(), any::<u64>(), text())
            .prop_map(|(run, segment, offset, text)| EventBody::TextAppended { run, segment, offset, text }),
        (run(), usage(), of(text())).prop_map(|(run, usage, model)| EventBody::UsageRecorded {
            run,
            usage,
            model
        }),
        (run(), artifact).prop_map(|(run, artifact)| EventBody::ArtifactStored { run, artifact }),
        (run(), approval(), text(), json(), digest(), moment(), of(schema()), of(text())).prop_map(
            |(run, approval, action, arguments, digest, expires_at, schema, note)| {
                EventBody::ApprovalRequested {
                    run,
                    approval,
                    action,
                    arguments,
                    schema,
                    note,
                    digest,
                    expires_at,
                }
            }
        ),
    ]
}

/// What ends a run or a task, and what people say.
fn turn(org: OrgId) -> impl Strategy<Value = EventBody> {
    let error = (text(), text(), any::<bool>()).prop_map(|(code, message, retryable)| TaskError {
        code,
        message,
        retryable,
    });
    let expiry = prop_oneof![
        (millis(), millis()).prop_map(|(span, ran)| Expiry::Span { span, ran }),
        (of(moment()), millis()).prop_map(|(last_beat, lease)| Expiry::Heartbeat { last_beat, lease }),
    ];
    prop_oneof![
        submission(org.clone()).prop_map(|said| EventBody::Submitted(Box::new(said))),
        (approval(), decision(), text()).prop_map(|(approval, decision, by)| EventBody::ApprovalDecided {
            approval,
            decision,
            by
        }),
        (text(), of(text())).prop_map(|(by, reason)| EventBody::AbortRequested { by, reason }),
        (run(), prop_oneof![Just(Continuation::Slice), Just(Continuation::Drain)])
            .prop_map(|(run, why)| EventBody::Continued { run, why }),
        (run(), executor(), of(moment()), millis()).prop_map(|(run, executor, last_beat, lease)| {
            EventBody::Lost { run, executor, last_beat, lease }
        }),
        (run(), payload()).prop_map(|(run, output)| EventBody::Completed { run, output }),
        (run(), error).prop_map(|(run, error)| EventBody::Failed { run, error }),
        (of(run()), of(text())).prop_map(|(run, checkpoint)| EventBody::Aborted { run, checkpoint }),
        (of(run()), expiry).prop_map(|(run, why)| EventBody::Expired { run, why }),
        (any::<u32>(), of(text()), of(moment())).prop_map(|(attempt, by, not_before)| EventBody::Retried {
            attempt,
            by,
            not_before
        }),
        text().prop_map(|by| EventBody::Dismissed { by }),
        (text(), skeleton(org))
            .prop_map(|(by, skeleton)| EventBody::Erased { by, skeleton: Box::new(skeleton) }),
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    (prop::sample::select(vec![Role::Client, Role::Executor, Role::Scheduler]), text(), text())
        .prop_map(|(role, who, via)| Actor { role, who, via })
}

fn org() -> impl Strategy<Value = OrgId> {
    token().prop_map(|text| OrgId::new(text).unwrap())
}

fn commit() -> impl Strategy<Value = (Parsed, Record)> {
    org().prop_flat_map(|org| {
        let event = (uuid(), prop_oneof![work(), turn(org.clone())])
            .prop_map(|(id, body)| Event { id: EventId(id), body });
        let events = vec(event, 1..5);
        (uuid(), uuid(), moment(), actor(), of(text()), events, 0..256_u16).prop_map(
            move |(id, task, at, actor, trace, events, shard)| {
                let place = Parsed::Task { shard: Shard(shard), org: org.clone(), task: TaskId(task) };
                let commit = Commit { id: CommitId(id), task: TaskId(task), at, actor, trace, events };
                (place, Record::Task(commit))
            },
        )
    })
}

fn admissions() -> impl Strategy<Value = (Parsed, Record)> {
    let admission = (uuid(), run(), token(), of(token()), lane(), token(), why()).prop_map(
        |(task, run, user, conversation, lane, kind, why)| Admission {
            task: TaskId(task),
            run,
            user: UserId::new(user).unwrap(),
            conversation: conversation.map(|text| ConversationId::new(text).unwrap()),
            lane,
            kind: Kind::new(kind).unwrap(),
            why,
        },
    );
    (uuid(), org(), moment(), actor(), vec(admission, 1..5)).prop_map(|(id, org, at, actor, admissions)| {
        let place = Parsed::Ledger { shard: Shard(0), org: org.clone() };
        (place, Record::Admissions(AdmissionCommit { id: CommitId(id), org, at, actor, admissions }))
    })
}

fn policy() -> impl Strategy<Value = (Parsed, Record)> {
    let budget = (any::<u64>(), prop_oneof![Just(Period::Day), Just(Period::Ever)])
        .prop_map(|(tokens, per)| TokenBudget { tokens, per });
    let over = (text(), any::<u64>()).prop_map(|(figure, over)| Threshold { figure, over });
    let rule = (text(), of(over), any::<u64>()).prop_map(|(tool, over, expires)| ToolRule {
        tool,
        over,
        expires: Millis(expires),
    });
    let caps = any::<(u32, u32, u32, u32)>().prop_map(|(user, organisation, conversation, foreground)| {
        Caps { user, organisation, conversation, foreground }
    });
    let policy = (caps, any::<(u32, bool)>(), of(budget), vec(rule, 0..3)).prop_map(
        |(caps, (weight, continue_unfinished), budget, tools)| Policy {
            caps,
            weight,
            budget,
            continue_unfinished,
            tools,
        },
    );
    (uuid(), org(), moment(), actor(), policy).prop_map(|(id, org, at, actor, policy)| {
        let place = Parsed::Policy { shard: Shard(0), org: org.clone() };
        (place, Record::Policy(PolicyCommit { id: CommitId(id), org, at, actor, policy }))
    })
}

fn claim() -> impl Strategy<Value = (Parsed, Record)> {
    (org(), token(), uuid(), uuid(), moment()).prop_map(|(org, name, id, task, at)| {
        let conversation = ConversationId::new(name).unwrap();
        let place =
            Parsed::Conversation { shard: Shard(0), org: org.clone(), conversation: conversation.clone() };
        let claim = ConversationClaim { id: CommitId(id), conversation, org, task: TaskId(task), at };
        (place, Record::Conversation(claim))
    })
}

/// A record and where it belongs.
pub(super) fn record() -> impl Strategy<Value = (Parsed, Record)> {
    prop_oneof![6 => commit(), 1 => admissions(), 1 => policy(), 1 => claim()]
}
