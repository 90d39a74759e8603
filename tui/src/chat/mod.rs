//! A conversation in the terminal: what is finished scrolls away into the terminal's own history, and at
//! the bottom stand the answer under way, a line for each task that goes on, and the line that is typed.
//!
//! As in the dashboard, whatever happens is a message, `update` changes the data and does nothing else,
//! and `view` draws it. What the person wants is a [`Wish`] to whoever keeps the conversation, and what
//! comes of it is [`Told`].

mod inline;
mod run;
mod state;
#[cfg(test)]
mod tests;
mod told;
mod update;
mod view;

pub use run::{Options, run};
pub use told::{Ended, Live, Told, Why, Wish};
