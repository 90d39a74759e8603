//! The log on NATS JetStream.
//!
//! | file | does |
//! | --- | --- |
//! | `options` | how to connect |
//! | `link` | one connection: requests with an exact account of what became of them |
//! | `clock` | what time it is, by the server |
//! | `provision`, `durability` | what is there: made where missing, compared where not, never changed |
//! | `append`, `gather` | appending, alone or in groups |
//! | `read` | one subject, strongly |
//! | `pull`, `follow` | consumers: a whole stream in order |
//! | `beats`, `cells`, `files`, `service` | what lies beside the log |

mod api;
mod append;
mod beats;
mod cells;
mod clock;
mod durability;
mod files;
mod follow;
mod gather;
mod haste;
mod link;
mod options;
mod port;
mod provision;
mod pull;
mod read;
mod service;

pub use options::{Auth, ConnectOptions};
pub use port::Nats;
