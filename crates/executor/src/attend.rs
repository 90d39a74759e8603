//! One run, from its dispatch to its end.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use longhaul_core::{Act, Command, Dispatch, Rejection, Snapshot, TaskError, TaskRef};
use longhaul_journal::{ActError, Error};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::AbortOnDropHandle;

use crate::failure::{Failure, chain};
use crate::held::Claim;
use crate::patience::Waits;
use crate::recent::first_state;
use crate::run::Run;
use crate::run::context::Context;
use crate::shared::Shared;
use crate::write::{Desk, Ended, Refused, Writer};

/// How long a handler may take to return once its run has ended.
const UNWIND: Duration = Duration::from_secs(10);

/// How often a start is tried on a log that does not answer, before it is left to anybody.
const TRIES: u32 = 5;

/// Starts a dispatched run, if it is still to be started, and sees it to its end.
pub(crate) async fn attend(shared: Arc<Shared>, dispatch: Dispatch, place: OwnedSemaphorePermit) {
    let task = TaskRef { org: dispatch.org.clone(), task: dispatch.task };
    // Held before it is started, so that no beat after the start can lack it.
    let Some(claim) = shared.held.claim(task.clone(), dispatch.run) else { return };
    // Given back before the run is let go of: the beat that tells of the one tells of the other.
    let _place = place;
    // On the heap for as long as it lasts: a run that only waits should weigh little.
    match Box::pin(begin(&shared, &task, &dispatch)).await {
        Ok(snapshot) => hold(&shared, &claim, *snapshot).await,
        Err(why) => tracing::debug!(task = %task.task, run = %dispatch.run, why, "not started"),
    }
}

/// Starts a run; if it does not, says why: somebody else has it, it has ended, it is not due, or the
/// log does not answer. What is still to be started is handed out again by who admitted it.
async fn begin(shared: &Shared, task: &TaskRef, dispatch: &Dispatch) -> Result<Box<Snapshot>, String> {
    let command = Command::Start {
        run: dispatch.run,
        executor: shared.id,
        version: shared.version.clone(),
        ledger: dispatch.ledger,
        why: dispatch.why,
    };
    let mut waits = Waits::default();
    let mut known = known(shared, task, dispatch).await;
    for _ in 0..TRIES {
        let begun = match known.take() {
            Some(known) => shared.journal.act_on(Some(known), task, &shared.actor(), &command).await,
            None => shared.journal.act(task, &shared.actor(), &command).await,
        };
        let error = match begun {
            Ok(outcome) => return Ok(Box::new(outcome.snapshot)),
            Err(ActError::Rejected(rejection @ Rejection::NotPending { .. })) => {
                match shared.journal.load(task).await {
                    // A start of ours whose acknowledgement was lost.
                    Ok(Some(snapshot)) if is_ours(&snapshot, shared, dispatch) => {
                        return Ok(Box::new(snapshot));
                    }
                    Ok(_) => return Err(rejection.to_string()),
                    Err(error) => error,
                }
            }
            Err(ActError::Rejected(rejection)) => return Err(rejection.to_string()),
            Err(ActError::Journal(error)) => error,
        };
        if let Error::Corrupt { sequence, .. } = &error {
            let error = chain(&error);
            tracing::warn!(task = %task.task, %sequence, error, "the task is put aside: a record of it is not readable");
            return Err(error);
        }
        waits.after(task.task, &error).await;
    }
    Err("the log does not answer".to_owned())
}

/// The task's state, if its history is said to be one record: that came by lately, or is fetched.
async fn known(shared: &Shared, task: &TaskRef, dispatch: &Dispatch) -> Option<Snapshot> {
    let only = dispatch.only?;
    let shard = shared.journal.shards().of(&task.org);
    let recent = shared.recent.get(usize::from(shard.0))?;
    if let Some(record) = recent.find(only) {
        return first_state(task, record.read());
    }
    let entry = shared.journal.record_at(task, only).await.ok()??;
    first_state(task, entry)
}

fn is_ours(snapshot: &Snapshot, shared: &Shared, dispatch: &Dispatch) -> bool {
    snapshot.run == dispatch.run && snapshot.executor == Some(shared.id) && snapshot.status.is_running()
}

/// Runs the handler of a started run.
async fn hold(shared: &Shared, claim: &Claim, snapshot: Snapshot) {
    let (task, run) = (snapshot.task, snapshot.run);
    let desk = Arc::new(Desk::new(&snapshot));
    claim.attach(&desk);
    let writer = Writer::new(shared.journal.clone(), shared.actor(), Arc::clone(&desk), snapshot.clone());
    // Ends with this function, also where that is dropped in the middle.
    let writer = AbortOnDropHandle::new(tokio::spawn(Box::pin(writer.run())));
    let context = Arc::new(Context::new(
        shared.journal.clone(),
        snapshot,
        Arc::clone(&desk),
        shared.leave.clone(),
        shared.voice.clone(),
    ));
    tokio::select! {
        biased;
        () = desk.cut().cancelled() => {}
        () = outstays(&desk) => {
            tracing::warn!(%task, %run, "the handler went on after its run had ended; it was dropped");
        }
        () = handle(shared, context) => {}
    }
    if !desk.over().is_cancelled() {
        // Let go of: without a heartbeat the run counts as lost.
        return;
    }
    match writer.await {
        Ok(ended) => match ended {
            Ended::ByItself => tracing::debug!(%task, %run, "ended"),
            Ended::ByOthers => tracing::info!(%task, %run, "the run was ended or taken over by others"),
            Ended::TooLong => tracing::warn!(%task, %run, "the task has too many events; it was ended"),
            Ended::Unreadable => {}
        },
        Err(error) => tracing::error!(%task, %run, %error, "the writer of the run broke down"),
    }
}

async fn outstays(desk: &Desk) {
    desk.over().cancelled().await;
    tokio::time::sleep(UNWIND).await;
}

/// Calls the handler and records what it gives.
async fn handle(shared: &Shared, context: Arc<Context>) {
    let outcome = AssertUnwindSafe(call(shared, &context)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|panic| Err(panicked(&*panic)));
    let stored = match outcome {
        Ok(output) => context.store(&output, "output").await,
        Err(failure) => Err(failure),
    };
    let act = stored.map_or_else(fail, |output| Act::Complete { output });
    let said = match context.desk.say(act).await {
        Ok(()) | Err(Refused::Over) => Ok(()),
        // What it gave cannot be recorded: the task must not hang for that.
        Err(refused) => context.desk.say(fail(refused.into())).await,
    };
    match said {
        Ok(()) | Err(Refused::Over) => context.desk.over().cancelled().await,
        Err(why) => tracing::error!(task = %context.task.task, ?why, "the end of the run cannot be recorded"),
    }
}

async fn call(shared: &Shared, context: &Arc<Context>) -> Result<Value, Failure> {
    let kind = &context.begun.kind;
    let handler = shared.handlers.get(kind).ok_or_else(|| {
        Failure::permanent("unknown_kind", format!("this executor has no handler for {kind}"))
    })?;
    let input = context.load_value(&context.begun.input, "the input").await?;
    let mut run = Run::new(Arc::clone(context));
    handler(&mut run, input).await
}

/// The act that ends a run with a failure. After a stop the run has ended already, and the act comes
/// to nothing; unless the handler kept the stop of another run.
fn fail(failure: Failure) -> Act {
    let error = failure.into_error().unwrap_or_else(|| TaskError {
        code: "stopped".to_owned(),
        message: "the handler stopped though its run had not ended".to_owned(),
        retryable: false,
    });
    Act::Fail { error }
}

/// A panic is a bug, and a bug does not go away by trying again.
fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
    let said = said.unwrap_or_else(|| "without a message".to_owned());
    Failure::permanent("handler_panicked", format!("the handler panicked: {said}"))
}
