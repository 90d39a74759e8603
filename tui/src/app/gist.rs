//! What must be seen at once, and what may wait for the frame that the clock brings each second.

use longhaul_client::fleet::Word;

use super::{App, View};
use crate::msg::Msg;
use crate::store::Counts;

/// What nobody should see late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gist {
    linked: bool,
    down: bool,
    /// Whether one answers, where that is known.
    projector: Option<bool>,
    lags: bool,
    counts: Counts,
    executors: usize,
    unread: usize,
    toast: bool,
    jumps: bool,
}

impl App {
    pub(crate) fn gist(&self) -> Gist {
        Gist {
            linked: self.link.is_some(),
            down: self.down_since.is_some(),
            projector: self.projector.as_ref().map(Option::is_some),
            lags: self.lag.lags(self.now).is_some(),
            counts: self.store.counts().clone(),
            executors: self.executors_there(),
            unread: self.inbox.unread(),
            toast: self.toast.is_some(),
            jumps: self.travel.jump.is_some(),
        }
    }

    /// Whether what a message brings may wait, the gist aside: figures that are told anew each moment,
    /// whether they changed or not.
    pub(crate) fn can_wait(&self, msg: &Msg) -> bool {
        let Msg::Word(word) = msg else { return false };
        match word {
            Word::Link(_) | Word::Projector(_) | Word::Queue(_) | Word::Budget(_) => true,
            Word::Beats(_) => self.view != View::Executors,
            Word::Slots(_) => self.view != View::Caps,
            Word::Anew | Word::From(_) | Word::Counted { .. } | Word::Listed { .. } | Word::Happened(_) => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use longhaul_core::{Millis, Status};

    use super::*;
    use crate::testing::{beats, brief, sample};
    use crate::update::update;

    /// Whether a word has to be seen at once.
    fn presses(app: &mut App, word: Word) -> bool {
        let (before, msg) = (app.gist(), Msg::Word(word));
        let waits = app.can_wait(&msg);
        update(app, msg);
        !waits || app.gist() != before
    }

    #[test]
    fn beats_wait_unless_they_change_how_tasks_stand_or_are_looked_at() {
        let mut app = sample(120, 36);
        assert!(presses(&mut app, beats(Millis(100))), "stalled runs go on");
        assert!(!presses(&mut app, beats(Millis(50))));
        app.view = View::Executors;
        assert!(presses(&mut app, beats(Millis(20))));
    }

    #[test]
    fn what_happens_to_tasks_does_not_wait() {
        let mut app = sample(120, 36);
        let tasks = vec![brief(2, Status::Running)];
        assert!(presses(&mut app, Word::Listed { tasks, unreadable: 0, last: true }));
        assert!(presses(&mut app, Word::Projector(None)), "nobody answers any more");
        assert!(!presses(&mut app, Word::Projector(None)));
    }
}
