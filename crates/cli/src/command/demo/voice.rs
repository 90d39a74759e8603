//! Where the demo's words go: into the dashboard while it is open, else to stderr, line by line.

use std::time::Duration;

use longhaul_tui::Remark;
use tokio::sync::mpsc;

use crate::output::say;

/// How many remarks may wait for the dashboard.
const ROOM: usize = 64;
/// How long a dashboard that nobody has touched stays open when there is nothing more to see.
const READ: Duration = Duration::from_secs(20);

/// Speaks.
pub(super) struct Voice(Option<mpsc::Sender<Remark>>);

impl Voice {
    /// Speaks to stderr.
    pub(super) fn of_lines() -> Self {
        Self(None)
    }

    /// Speaks to a dashboard that listens to these remarks; to stderr once it has gone.
    pub(super) fn of_dashboard() -> (Self, mpsc::Receiver<Remark>) {
        let (sender, remarks) = mpsc::channel(ROOM);
        (Self(Some(sender)), remarks)
    }

    fn dashboard(&self) -> Option<&mpsc::Sender<Remark>> {
        self.0.as_ref().filter(|dashboard| !dashboard.is_closed())
    }

    /// Whether somebody may be there to do what there is to do.
    pub(super) fn is_watched(&self) -> bool {
        self.dashboard().is_some()
    }

    /// Waits until nobody watches in a dashboard any more.
    pub(super) async fn unwatched(&self) {
        if let Some(dashboard) = &self.0 {
            dashboard.closed().await;
        }
    }

    /// How a task gets on. A dashboard shows that by itself.
    pub(super) fn changed(&self, line: &str) {
        if !self.is_watched() {
            say(line);
        }
    }

    /// What the demo does.
    pub(super) async fn does(&self, what: &str) {
        if let Some(dashboard) = self.dashboard()
            && dashboard.send(Remark::Said(what.to_owned())).await.is_ok()
        {
            return;
        }
        say(format!("          ({what})"));
    }

    /// What there is to see and to do. Lines tell it one by one.
    pub(super) async fn stands(&self, remark: Remark) {
        if let Some(dashboard) = self.dashboard() {
            // Who closes it meanwhile does not want to know.
            let _ = dashboard.send(remark).await;
        }
    }

    /// There is nothing more to come.
    pub(super) async fn over(&self, text: &str) {
        if let Some(dashboard) = self.dashboard() {
            let _ = dashboard.send(Remark::Over(text.to_owned(), READ)).await;
        }
    }
}
