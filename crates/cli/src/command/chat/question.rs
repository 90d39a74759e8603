//! What tasks of the conversation ask a person.

use longhaul_core::{Decision, Snapshot};
use longhaul_tui::chat::Told;

use super::talk::{Dealt, Talk};
use crate::output::json;

impl Talk {
    /// Tells a question once; forgets those that the task asks no longer.
    pub(super) async fn asked(&mut self, snapshot: &Snapshot) {
        let still = snapshot.open_approval().map(|open| open.id);
        self.open_questions.retain(|(task, approval, _)| *task != snapshot.task || Some(*approval) == still);
        let Some(open) = snapshot.open_approval().filter(|open| self.questions.insert(open.id)) else {
            return;
        };
        self.open_questions.push((snapshot.task, open.id, open.digest));
        self.tell(Told::Asks {
            task: snapshot.task,
            title: snapshot.title.to_string(),
            action: open.action.clone(),
            arguments: json(&open.arguments, false).unwrap_or_default(),
            note: open.note.clone(),
        })
        .await;
    }

    /// Answers the question that was told last and is open.
    pub(super) async fn decide(&mut self, decision: Decision) -> Dealt {
        let Some((task, approval, digest)) = self.open_questions.pop() else {
            return self.refuse("no_question", "no task of this conversation asks anything").await;
        };
        let said = match decision {
            Decision::Rejected { .. } => "rejected: it is told, and goes on without",
            _ => "approved: it goes on",
        };
        match self.client.decide(task, approval, digest, decision).await {
            Ok(_) => {
                self.note(said).await;
                Dealt::With
            }
            Err(error) => self.refuse("not_decided", error.to_string()).await,
        }
    }
}
