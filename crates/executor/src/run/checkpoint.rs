//! Whether a run goes on at a checkpoint. Pure.

use std::time::Duration;

use longhaul_core::{Act, Continuation, Limits, Millis};

/// What a run sees when it looks up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    /// An abort is asked for.
    pub(crate) aborting: bool,
    /// The executor shuts down.
    pub(crate) leaving: bool,
    /// How long the attempt's runs have lasted together.
    pub(crate) ran: Millis,
    /// How long this run has lasted.
    pub(crate) lasted: Duration,
    /// Whether this run has recorded a step.
    pub(crate) recorded: bool,
}

/// What ends the run here; nothing if it goes on.
///
/// A slice ends only a run that has recorded a step. One that has not would be continued to do the
/// same again, for ever. (A drain may do that: it does not come again and again.)
pub(crate) fn look(sight: Sight, limits: &Limits, checkpoint: &str) -> Option<Act> {
    if sight.aborting {
        return Some(Act::StopAt { checkpoint: checkpoint.to_owned() });
    }
    if sight.leaving {
        return Some(Act::Continue(Continuation::Drain));
    }
    let sliced = sight.recorded && sight.lasted >= limits.slice.duration();
    // The decider tells a used-up span from a used-up slice.
    let spent = sight.ran >= limits.span;
    (sliced || spent).then_some(Act::Continue(Continuation::Slice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight() -> Sight {
        Sight { aborting: false, leaving: false, ran: Millis(0), lasted: Duration::ZERO, recorded: true }
    }

    fn limits() -> Limits {
        Limits { slice: Millis(100), span: Millis(1000), ..Limits::default() }
    }

    #[test]
    fn a_run_goes_on_until_something_is_over() {
        let at = |sight| look(sight, &limits(), "plan");
        let late = Duration::from_millis(100);
        assert_eq!(at(sight()), None);
        let sliced = Act::Continue(Continuation::Slice);
        assert_eq!(at(Sight { lasted: late, ..sight() }), Some(sliced.clone()));
        assert_eq!(at(Sight { lasted: late, recorded: false, ..sight() }), None);
        assert_eq!(at(Sight { ran: Millis(1000), recorded: false, ..sight() }), Some(sliced));
        let drained = Act::Continue(Continuation::Drain);
        assert_eq!(at(Sight { leaving: true, recorded: false, ..sight() }), Some(drained));
    }

    #[test]
    fn an_abort_comes_before_everything() {
        let all = Sight { aborting: true, leaving: true, ran: Millis(9999), ..sight() };
        assert_eq!(look(all, &limits(), "plan"), Some(Act::StopAt { checkpoint: "plan".to_owned() }));
    }
}
