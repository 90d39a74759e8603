//! The journal over a real nats-server, which is started for each test and killed at its pleasure.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod append;
mod beside;
mod cluster;
mod conformance;
mod follow;
mod permissions;
mod provision;
mod read;
mod server;
