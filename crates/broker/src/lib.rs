//! Gets a nats-server and runs it as a private child process.
//!
//! [`locate`] finds the program, or fetches it once; [`Server::start`] runs it on loopback with a
//! data directory of its own, and [`Cluster::start`] runs several that form one cluster. The
//! child never outlives this process, even when this process is killed.
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
mod version;

pub use child::Exit;
pub use cluster::Cluster;
pub use config::{ClusterConfig, Durability, ServerConfig};
pub use error::Error;
pub use locate::{Options, ServerBinary, Source, locate};
pub use monitoring::Syncing;
pub use progress::{Bytes, Progress, talk_on_stderr};
pub use running::{Running, running};
pub use server::Server;
pub use version::Version;
