//! Opening and asking the data, on threads that may block.

use longhaul_executor::{Failure, Step};

use super::consent::Figures;
use super::{Agent, Input};
use crate::data::{Dataset, Error as DataError, Stop};
use crate::skills::{self, Skills};
use crate::tools::{SqlCall, Tools};

/// Opens the data set, on a thread that may block.
pub(crate) async fn open(agent: &Agent, step: &Step, input: &Input, queries: u32) -> Result<Tools, Failure> {
    step.message(format!("reading {}", input.data.name()));
    let stop = Stop::default();
    let (source, roots, limits) = (input.data.clone(), agent.roots.clone(), agent.limits.clone());
    let (folder, connections, asked) = (input.skills.clone(), agent.connections.clone(), stop.clone());
    let opened = blocking(step, &stop, move || {
        let skills = match folder {
            Some(folder) => Skills::with_folder(folder.as_ref()).map_err(skills_failure)?,
            None => Skills::default(),
        };
        let data =
            Dataset::open_with(&source, &roots, &connections, &limits, &asked).map_err(data_failure)?;
        Ok(Tools::new(data, skills, queries))
    })
    .await;
    // What was stopped ends here, not with the error of having been stopped.
    end_if_aborted(step).await?;
    opened?
}

/// What a query would take; nothing if it would not be run anyway.
pub(crate) async fn figures(
    step: &Step,
    mut tools: Tools,
    query: &SqlCall,
) -> Result<(Tools, Option<Figures>), Failure> {
    let (stop, query) = (tools.stop(), query.clone());
    let looked = blocking(step, &stop, move || {
        let figures = tools.figures(&query);
        (tools, figures.ok())
    })
    .await;
    end_if_aborted(step).await?;
    looked
}

/// Ends the run where an abort is asked for, and only then: a slice or a drain that ended it inside a
/// step would throw away queries that are paid for.
pub(crate) async fn end_if_aborted(step: &Step) -> Result<(), Failure> {
    if step.abort_requested() { step.checkpoint().await } else { Ok(()) }
}

/// Does work that blocks, on a thread of its own. An abort, and the end of this future, stop it.
pub(crate) async fn blocking<T: Send + 'static>(
    step: &Step,
    stop: &Stop,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let mut guard = AskOnDrop(Some(stop.clone()));
    let mut working = tokio::task::spawn_blocking(work);
    let done = tokio::select! {
        done = &mut working => done,
        () = step.cancelled() => {
            stop.ask();
            working.await
        }
    };
    // Done: what is asked for from here on is another piece of work's concern.
    guard.0 = None;
    done.map_err(|error| Failure::permanent("broken", format!("reading the data broke off: {error}")))
}

/// Asks for a stop when it is dropped while armed: the work outlives whoever waited for it.
struct AskOnDrop(Option<Stop>);

impl Drop for AskOnDrop {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop.ask();
        }
    }
}

fn data_failure(error: DataError) -> Failure {
    let code = match &error {
        DataError::Csv { .. }
        | DataError::Json { .. }
        | DataError::Parquet { .. }
        | DataError::Database { .. }
        | DataError::Mixed { .. } => "data_unusable",
        DataError::TooLarge { .. } | DataError::TooManyRows { .. } | DataError::TooLargeUnpacked { .. } => {
            "data_too_large"
        }
        // A server that is away may be back; a file that is not there was never meant to come.
        DataError::Unreachable { .. } => return Failure::retryable("data_unavailable", chain(&error)),
        _ => "data_unavailable",
    };
    Failure::permanent(code, chain(&error))
}

fn skills_failure(error: skills::Error) -> Failure {
    Failure::permanent("skills_unusable", chain(&error))
}

/// An error and what caused it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
