//! Providers of the real world, by way of the library `rig-core`: nothing outside of this folder names it.

mod adapter;
mod errors;
mod http;
mod request;

pub(crate) use adapter::Provider;
pub(crate) use http::transport;
