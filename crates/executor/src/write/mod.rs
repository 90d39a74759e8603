//! The way of a run's words into the log: gathered, decided on, appended one commit at a time.

pub(crate) mod desk;
pub(crate) mod draft;
pub(crate) mod outbox;
mod writer;

pub(crate) use desk::{Desk, Refused};
pub(crate) use writer::{Ended, Writer};
