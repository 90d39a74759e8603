//! The commands.

pub(crate) mod act;
pub(crate) mod bench;
pub(crate) mod chat;
pub(crate) mod dashboard;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod policy;
pub(crate) mod print;
pub(crate) mod read;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod service;
pub(crate) mod setup;
pub(crate) mod submit;
pub(crate) mod tui;
pub(crate) mod up;
