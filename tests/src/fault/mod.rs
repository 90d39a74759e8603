//! Faults that are made on purpose, and what is counted of them.
//!
//! A process is killed or frozen by its own handle ([`crate::Process`], the broker's `Server`). Here
//! is the rest: what happens between processes.

mod frames;
mod proxy;

pub use proxy::{Counts, Proxy};
