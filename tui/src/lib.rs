//! The terminal dashboard: see, steer and rewind every task.
//!
//! One loop: whatever happens is a `Msg`; `update(&mut App, Msg) -> Vec<Effect>` changes the data and
//! does nothing else; `view` draws the data and changes nothing; effects are done off the thread that
//! draws, and what comes of them is a `Msg` again. So everything but [`run`] is tested without a
//! terminal, a clock or a log.
//!
//! Where the data comes from is behind [`Source`]: the log as it grows is one.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod app;
mod aside;
pub mod chat;
mod diff;
mod effect;
mod export;
mod figures;
mod files;
mod filter;
mod host;
mod keys;
mod layout;
mod msg;
mod plain;
mod point;
mod recorded;
mod records;
mod run;
mod settings;
mod source;
mod start;
mod stop;
mod store;
mod terminal;
#[cfg(test)]
mod testing;
mod text;
mod theme;
mod typing;
mod update;
mod view;

pub use app::Steer;
pub use host::{Host, Left, Remark};
pub use plain::plain;
pub use point::point;
pub use recorded::Recorded;
pub use records::Records;
pub use run::{Error, Options, run, run_for};
pub use source::{Files, Live, Source};
pub use terminal::has_terminal;
pub use theme::{Glyphs, Palette, Theme};
