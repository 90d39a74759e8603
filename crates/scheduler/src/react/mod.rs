//! The synchronous half: (state, input) to effects. No runtime, no clock, no log.

mod fold;
mod input;
mod plan;
mod questions;
mod runs;
mod state;

pub(crate) use input::{Effect, Input, Moment, NotAdmitted, NotDone, Now, Outcome};
pub(crate) use state::{Rules, State};
