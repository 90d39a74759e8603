//! Faults that are made on purpose, and what is counted of them.
//!
//! A process is killed or frozen by its own handle ([`crate::Process`], the broker's `Server`). Here
//! is the rest: what happens between processes.

mod api;
mod clock;
mod frames;
mod nodes;
mod place;
mod proxy;

pub use api::{api, reconfigure};
pub use clock::skewed;
pub use nodes::Nodes;
pub use place::{Told, client_over, journal_at, runs, start, start_at, told};
pub use proxy::{Counts, Proxy};
