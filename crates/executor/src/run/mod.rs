//! What a handler gets: the run it is in, and the step it is in.

mod approval;
mod checkpoint;
pub(crate) mod context;
mod names;
#[expect(clippy::module_inception, reason = "the type is what the module is about")]
mod run;
mod step;

pub use approval::{APPROVAL_TIME, Decided, Question};
pub use context::Budget;
pub use run::Run;
pub use step::Step;
