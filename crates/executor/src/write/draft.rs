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
pub(crate) fn draft<'a>(
    state: &Snapshot,
    run: RunNumber,
    actor: &Actor,
    acts: impl Iterator<Item = &'a Act>,
    now: Timestamp,
) -> Draft {
    let mut after = Some(state.clone());
    let mut events = Vec::new();
    let fates = acts.map(|act| {
        let command = Command::Run { run, act: act.clone() };
        let decided = decide(after.as_ref(), &command, Context { now })?;
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
