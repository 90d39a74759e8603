//! Which rule an event on the log breaks.
//!
//! Writers append with what they have seen as expectation, so that the log refuses whoever missed
//! something. An event the rules do not allow was therefore written past them: by a foreign
//! program, or by a fault in this one.

use longhaul_core::{EventBody, Ignored, Status};

use crate::finding::Rule;
use crate::known::{Fate, Step};

/// The rule an event breaks, and how.
pub(crate) fn broken(step: &Step<'_>) -> Option<(Rule, String)> {
    let body = &step.event.body;
    let name = body.name();
    if step.fate == Fate::Aside {
        return None;
    }
    if let Fate::Ignored(Ignored::Exists) = step.fate {
        return Some((Rule::Submissions, format!("{name} although the task exists")));
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
        _ if why == Ignored::Fenced => {
            let named = body.run().map_or("no run".to_owned(), |run| format!("run {run}"));
            let current = match (body, step.after) {
                (EventBody::Started { .. }, Some(after)) => format!(", the next is run {}", after.next_run),
                (_, Some(after)) => format!(", the current is run {}", after.run),
                (_, None) => String::new(),
            };
            Some((Rule::Runs, format!("{name} names {named}{current}: {why}")))
        }
        _ => {
            let status = step.before.map_or(String::new(), |status| format!(" while {status}"));
            Some((Rule::Fold, format!("{name}{status}: {why}")))
        }
    }
}
