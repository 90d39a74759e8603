//! Text said live, to whoever watches right now.

use longhaul_core::TaskRef;
use longhaul_journal::{Journal, TextDelta};
use tokio::sync::mpsc;

/// How many pieces may wait. Beyond, pieces are left out: what was left out is in the log soon.
const BACKLOG: usize = 4096;

/// Says pieces of text in the order they were written, without ever holding a run back.
#[derive(Debug, Clone)]
pub(crate) struct Voice(mpsc::Sender<(TaskRef, TextDelta)>);

impl Voice {
    /// A voice, and the work of speaking: to be run beside the handlers.
    pub(crate) fn new(journal: Journal) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, mut pieces) = mpsc::channel::<(TaskRef, TextDelta)>(BACKLOG);
        let speak = async move {
            while let Some((task, delta)) = pieces.recv().await {
                if let Err(error) = journal.say_text(&task, &delta).await {
                    tracing::debug!(task = %task.task, %error, "a piece of text was not said live");
                }
            }
        };
        (Self(sender), speak)
    }

    /// Says a piece, if there is room.
    pub(crate) fn say(&self, task: &TaskRef, delta: TextDelta) {
        if self.0.try_send((task.clone(), delta)).is_err() {
            tracing::debug!(task = %task.task, "a piece of text was not said live: too many wait");
        }
    }
}
