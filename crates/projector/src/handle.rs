//! Asking a projector in the same process.

use std::sync::Arc;
use std::time::Duration;

use longhaul_journal::Journal;
use tokio::sync::watch;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::shared::{Shared, Standing};

/// A way to ask a projector: the same answers as the service gives, without the network. Clones ask
/// the same one.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) patience: Duration,
}

impl Handle {
    /// Answers a question of [`longhaul_wire::query`]. Waits until `at_least` is folded, within the
    /// patience the projector was opened with.
    ///
    /// # Errors
    /// [`QueryError`]; none of them is the end of the projector.
    pub async fn ask<Q: Answer>(&self, question: Q) -> Result<Q::Answer, QueryError> {
        self.shared.folded(question.at_least(), self.patience).await?;
        self.shared.ask(question).await
    }

    /// How the projector stands, now and from now on.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.shared.standing.subscribe()
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.shared.journal
    }
}
