//! From what a run has said to the events of its next commit. Pure.

use longhaul_core::decide::Context;
use longhaul_core::{
    Act, Actor, Command, Event, EventBody, EventId, Payload, Rejection, RunNumber, Snapshot, Timestamp,
    apply, decide,
};

/// A commit to be, and what becomes of each act if it is stored.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) events: Vec<EventBody>,
    /// One for each act, in order.
    pub(crate) fates: Vec<Result<(), Rejection>>,
    /// The task's state afterwards; its sequence is that of the state before.
    pub(crate) after: Snapshot,
}

/// Decides on the acts one after the other, each in the state the ones before it lead to.
///
/// Once the history is full nothing more is decided on, not even an end: a task must not complete
/// without what it recorded before.
pub(crate) fn draft<'a>(
    state: &Snapshot,
    run: RunNumber,
    actor: &Actor,
    acts: impl Iterator<Item = &'a Act>,
    now: Timestamp,
) -> Draft {
    let mut after = Some(state.clone());
    let mut events = Vec::new();
    let mut full = None;
    let fates = acts.map(|act| {
        if let Some(events) = full {
            return Err(Rejection::TooManyEvents { events });
        }
        let command = Command::Run { run, act: act.clone() };
        let decided = decide(after.as_ref(), &command, Context { now }).inspect_err(|rejection| {
            if let Rejection::TooManyEvents { events } = rejection {
                full = Some(*events);
            }
        })?;
        for body in decided {
            let event = Event { id: EventId(uuid::Uuid::nil()), body };
            apply(&mut after, state.task, &event, actor, now);
            events.push(event.body);
        }
        Ok(())
    });
    let fates = fates.collect();
    let mut after = after.unwrap_or_else(|| state.clone());
    lighten(&mut after);
    Draft { events, fates, after }
}

/// Lets go of a snapshot's payloads: deciding needs to know that they are there, not what they are,
/// and a writer copies its snapshot with every commit.
pub(crate) fn lighten(snapshot: &mut Snapshot) {
    snapshot.input = Payload::Gone;
    for payload in snapshot.steps.iter_mut().filter_map(|step| step.result.as_mut()) {
        *payload = Payload::Gone;
    }
    for payload in [&mut snapshot.context, &mut snapshot.output].into_iter().flatten() {
        *payload = Payload::Gone;
    }
}

#[cfg(test)]
mod tests {
    use longhaul_core::decide::MAX_EVENTS;
    use longhaul_core::*;
    use serde_json::json;

    use super::*;

    const RUN: RunNumber = RunNumber(1);

    fn actor(role: Role) -> Actor {
        Actor { role, who: "test".into(), via: "test".into() }
    }

    /// A task under way.
    fn running() -> Snapshot {
        let said = Submission::new(
            Owner { org: OrgId::new("acme").unwrap(), user: UserId::new("ann").unwrap(), conversation: None },
            Kind::new("any").unwrap(),
            Title::new("a task").unwrap(),
            Payload::Inline(json!("input")),
        );
        let id = uuid::Uuid::nil();
        let started = EventBody::Started {
            run: RUN,
            executor: ExecutorId(id),
            version: "1".into(),
            ledger: Sequence(1),
            why: AdmissionReason::First,
        };
        let mut state = None;
        for (role, body) in [(Role::Client, EventBody::Submitted(Box::new(said))), (Role::Executor, started)]
        {
            let event = Event { id: EventId(id), body };
            assert_eq!(apply(&mut state, TaskId(id), &event, &actor(role), Timestamp(0)), Applied::Yes);
        }
        state.unwrap()
    }

    fn drafted(state: &Snapshot, acts: &[Act]) -> Draft {
        draft(state, RUN, &actor(Role::Executor), acts.iter(), Timestamp(1))
    }

    fn usage() -> Act {
        Act::RecordUsage { usage: Usage { queries: 1, ..Usage::default() }, model: None }
    }

    fn complete() -> Act {
        Act::Complete { output: Payload::Inline(json!("output")) }
    }

    #[test]
    fn each_act_is_decided_on_in_the_state_the_ones_before_lead_to() {
        let step = Act::StartStep { step: "one".into(), of: None };
        let done = Act::CompleteStep { step: "one".into(), result: Payload::Inline(json!(1)) };
        let draft = drafted(&running(), &[step, done.clone(), done, usage(), complete(), usage()]);
        let names: Vec<_> = draft.events.iter().map(EventBody::name).collect();
        assert_eq!(names, ["step_started", "step_completed", "usage_recorded", "completed"]);
        let recorded = Err(Rejection::StepRecorded { step: "one".into() });
        let over = Err(Rejection::NotRunning { run: RUN, status: Status::Completed });
        assert_eq!(draft.fates, [Ok(()), Ok(()), recorded, Ok(()), Ok(()), over]);
        assert_eq!(draft.after.status, Status::Completed);
        // Payloads are let go of.
        assert_eq!(draft.after.output, Some(Payload::Gone));
        assert_eq!(draft.after.steps[0].result, Some(Payload::Gone));
    }

    #[test]
    fn in_a_full_history_nothing_ends_as_if_all_were_well() {
        let mut state = running();
        state.events = MAX_EVENTS - 1;
        let draft = drafted(&state, &[usage(), usage(), complete()]);
        assert_eq!(draft.events.len(), 1);
        let full = Err(Rejection::TooManyEvents { events: MAX_EVENTS });
        assert_eq!(draft.fates, [Ok(()), full.clone(), full]);
        // An end alone is taken: there is nothing it would leave out.
        state.events = MAX_EVENTS;
        assert_eq!(drafted(&state, &[complete()]).events.len(), 1);
    }
}
