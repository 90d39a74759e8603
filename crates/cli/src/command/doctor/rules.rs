//! Which rule an event on the log breaks.
//!
//! Writers append with what they have seen as expectation, so that the log refuses whoever missed
//! something. An event the rules do not allow was therefore written past them: by a foreign
//! program, or by a fault in this one.

use longhaul_core::{EventBody, Status};

use crate::command::replay::{Fate, Step};

/// The rules a single history can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// One end an attempt, and nothing after it but `retried`, `dismissed` and `erased`.
    Ends,
    /// Nothing begins and nothing completes once an abort is recorded.
    Aborts,
    /// A step is recorded once, and not begun again.
    Steps,
    /// The fold ignores it: it names a run that is not the current one, or what its writer may not say.
    Fold,
}

/// The rule an event breaks, and how.
pub(super) fn broken(step: &Step<'_>) -> Option<(Rule, String)> {
    let body = &step.event.body;
    let name = body.name();
    if step.fate == Fate::Aside {
        return None;
    }
    if let Some(ended) = step.before.filter(|status| status.is_terminal()) {
        let follows = match body {
            EventBody::Retried { .. } => ended != Status::Completed,
            EventBody::Dismissed { .. } | EventBody::Erased { .. } => true,
            _ => false,
        };
        if !follows {
            return Some((Rule::Ends, format!("{name} after the task was {ended}")));
        }
    }
    let aborted = step.after.is_some_and(|after| after.abort.is_some());
    if aborted && matches!(body, EventBody::Started { .. } | EventBody::Completed { .. }) {
        return Some((Rule::Aborts, format!("{name} although an abort was recorded")));
    }
    let Fate::Ignored(why) = step.fate else { return None };
    let recorded = |step_name: &str| step.after.is_some_and(|after| after.recorded(step_name).is_some());
    match body {
        EventBody::StepStarted { step, .. } | EventBody::StepCompleted { step, .. } if recorded(step) => {
            Some((Rule::Steps, format!("{name} {step:?}, which was recorded before")))
        }
        _ => Some((Rule::Fold, format!("{name}: {why}"))),
    }
}
