//! Conversations that tasks wait for.

use std::collections::BTreeMap;

use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::{ConversationId, TaskId};

use super::{Key, Sym};

/// A conversation that tasks wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Talk {
    pub(crate) org: Sym,
    pub(crate) name: ConversationId,
    /// The task that holds it.
    pub(crate) holder: TaskId,
    /// How many wait.
    pub(crate) waiting: u64,
}

/// The conversations among reasons to wait, by name.
pub(super) fn talks<'a>(waits: impl Iterator<Item = (&'a Key, &'a Waiting)>) -> Vec<Talk> {
    let mut found: BTreeMap<(Sym, &ConversationId), Talk> = BTreeMap::new();
    for (key, waiting) in waits {
        let WaitReason::Conversation { conversation, holder } = &waiting.reason else { continue };
        let new = || Talk { org: key.org, name: conversation.clone(), holder: *holder, waiting: 0 };
        let talk = found.entry((key.org, conversation)).or_insert_with(new);
        // Those further back name the one before them; the first names who is in all their way.
        if waiting.place == 1 {
            talk.holder = *holder;
        }
        talk.waiting += 1;
    }
    found.into_values().collect()
}
