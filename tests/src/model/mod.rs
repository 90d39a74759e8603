//! Providers of language models that do as they are told: a server with prepared answers ([`Mock`]), what
//! those answers are ([`fixtures`]), and a [`Relay`] in front of it for whatever can go wrong on the way.

mod allowance;
pub mod fixtures;
mod http;
mod mock;
mod relay;

pub use allowance::Limit;
pub use mock::Mock;
pub use relay::{Asked, Fault, Relay};
