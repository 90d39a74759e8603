//! What bounds tasks, and how much of it is taken: the lines of the view of caps.

use longhaul_core::{Period, TaskId, UserId};
use longhaul_wire::query::{Slot, UserSlot};

use super::App;
use crate::store::Talk;

/// Something that bounds tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cap {
    pub(crate) whose: Whose,
    /// How much of it is taken.
    pub(crate) taken: u64,
    /// How much there is.
    pub(crate) most: u64,
    /// How many tasks wait there.
    pub(crate) waiting: u64,
}

/// Whose tasks something bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The organisation's, in slots.
    Organisation,
    /// The organisation's, in tokens.
    Budget(Period),
    /// A user's.
    User(UserId),
    /// A user's in the foreground.
    Foreground(UserId),
    /// A conversation's; and the task that holds it.
    Conversation(String, TaskId),
}

impl Cap {
    fn slots(whose: Whose, slot: Slot) -> Self {
        Self { whose, taken: slot.running.into(), most: slot.cap.into(), waiting: slot.waiting }
    }

    /// Nothing more fits.
    pub(crate) fn is_full(&self) -> bool {
        self.taken >= self.most
    }

    /// What to filter tasks by, to see what it holds back.
    pub(crate) fn filter(&self, org: &str) -> String {
        match &self.whose {
            Whose::Organisation => format!("org:{org} status:held"),
            Whose::Budget(_) => format!("org:{org} waits:token_budget"),
            Whose::User(user) => format!("user:{user} status:held"),
            Whose::Foreground(user) => format!("user:{user} waits:foreground_cap"),
            // With the one that holds it.
            Whose::Conversation(name, _) => format!("conv:{name}"),
        }
    }
}

impl App {
    /// What bounds the organisation's tasks: itself, its budget, its users, its conversations that
    /// something waits for. Nothing: not known yet.
    pub(crate) fn caps(&self) -> Option<Vec<Cap>> {
        let taken = self.slots.as_ref()?;
        let mut caps = vec![Cap::slots(Whose::Organisation, taken.organisation)];
        // What was used then is not known, nor what waited.
        let now = self.past().is_none();
        if let Some(state) = self.budget.as_ref().filter(|_| now) {
            let budget = state.budget;
            let whose = Whose::Budget(budget.per);
            caps.push(Cap { whose, taken: state.used, most: budget.tokens, waiting: 0 });
        }
        for UserSlot { user, slots, foreground } in &taken.users {
            caps.push(Cap::slots(Whose::User(user.clone()), *slots));
            // Few users ever have something there.
            let used = foreground.running > 0 || foreground.waiting > 0;
            caps.extend(used.then(|| Cap::slots(Whose::Foreground(user.clone()), *foreground)));
        }
        let most = u64::from(taken.policy.caps.conversation);
        let own = |talk: &&Talk| now && self.store.name(talk.org) == self.me.org;
        caps.extend(self.store.talks().iter().filter(own).map(|talk| Cap {
            whose: Whose::Conversation(talk.name.to_string(), talk.holder),
            taken: most,
            most,
            waiting: talk.waiting,
        }));
        Some(caps)
    }
}
