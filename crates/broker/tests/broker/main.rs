//! The broker against real servers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

mod cluster;
mod left_behind;
mod locate;
mod server;
mod support;
