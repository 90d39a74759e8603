//! The board: who runs, who waits, why, and whose turn it is.
//!
//! A [`Board`] is a fold of one shard of the log. Schedulers admit by it; projectors and clients say
//! by it why a task waits and at which place, so that the two cannot disagree.
//!
//! **Slots are derived.** A task holds a slot from its admission on the ledger until its history says
//! that the run ended: paused, continued, lost, or the task itself ended. Task subjects and ledgers
//! lie in one stream, so every reader sees the same order, and an admission of a run the task can no
//! longer have (its `next_run` moved on) is void for everybody. Paused gives back the slot of user
//! and organisation and keeps the conversation. In the foreground a task takes one of its user's slots
//! for that, and nothing else.
//!
//! **Order of admission.** Organisations take turns by weight, users within an organisation take
//! turns one by one, both by deficit round robin. A user's own tasks go: the foreground before the
//! background, what has begun (resumed, continued, reassigned) before what is new, then interactive, normal, batch, then the longest
//! waiting. The tasks of a conversation go in order of submission.
//!
//! **Safe while behind.** A board that has seen an organisation's whole ledger, however old its view
//! of tasks, counts too many slots, never too few: only admissions take slots. So admissions appended
//! with the ledger's last sequence as expectation cannot break a cap. A policy lies on a subject of its
//! own: a lowered cap binds whoever has read it.
//!
//! Nothing here reads a clock: [`Board::advance`] says what time it is.

mod admit;
mod brief;
mod conversation;
mod fold;
mod organisation;
mod place;
mod rooms;
mod turns;
mod waiting;

#[cfg(test)]
mod tests;

pub use brief::Grant;
pub use fold::{Board, Counts};
pub use organisation::MAX_WEIGHT;
pub use rooms::Places;
pub use waiting::{Candidate, MAX_BLOCKERS, WaitReason, Waiting};
