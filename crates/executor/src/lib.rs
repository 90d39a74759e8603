//! Runs handlers: steps, progress, checkpoints, approvals, heartbeats, drain.
//!
//! ```no_run
//! # use longhaul_executor::{Executor, Failure, Run};
//! # #[derive(serde::Deserialize)] struct Album { photos: Vec<String> }
//! # async fn shrink(photo: &str, key: String) -> Result<String, std::io::Error> { Ok(key + photo) }
//! async fn thumbnails(run: &mut Run, album: Album) -> Result<Vec<String>, Failure> {
//!     let mut made = Vec::new();
//!     for (n, photo) in album.photos.iter().enumerate() {
//!         made.push(run.step(format!("shrink {photo}"), async |step| shrink(photo, step.key()).await).await?);
//!         run.progress(n + 1, album.photos.len());
//!     }
//!     Ok(made)
//! }
//!
//! # async fn serve() -> Result<(), longhaul_executor::Error> {
//! Executor::connect("nats://127.0.0.1:4222").await?.handle("thumbnails", thumbnails).serve().await
//! # }
//! ```
//!
//! That is all a handler needs to be stoppable, resumable after a crash, chained past its slice, and
//! visible. What its steps record is recorded exactly once; what they do in the world outside is done
//! at least once, with a key that stays the same ([`Step::key`]).
//!
//! # Map
//!
//! `work` takes dispatched runs; `attend` sees one run from its start to its end. A handler speaks
//! through a [`Run`] to a `write::desk`; the run's `write::writer` decides on what is said and appends
//! it, one commit at a time, and learns from conflicts and from `watch` what others wrote.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod attend;
mod beat;
mod error;
pub mod exec;
mod executor;
mod failure;
mod handler;
mod held;
mod patience;
mod recent;
mod rehearsal;
mod run;
mod shared;
mod voice;
mod watch;
mod work;
mod write;

pub use error::Error;
pub use executor::{DRAIN, Executor, PLACES};
pub use failure::Failure;
pub use handler::Handler;
pub use longhaul_core::{Artifact, Usage};
pub use longhaul_journal::{Cells, SwapError};
pub use rehearsal::{REHEARSAL, Rehearsal, rehearse};
pub use run::{APPROVAL_TIME, Budget, Decided, Question, Run, Step};
pub use tokio_util::sync::CancellationToken;
