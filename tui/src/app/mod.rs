//! Everything the dashboard knows: plain data that only [`update`](crate::update) changes and only
//! [`view`](crate::view) draws.

mod asked;
mod bell;
mod bulk;
mod caps;
mod column;
mod find;
mod full;
mod gist;
mod inbox;
mod lag;
mod latency;
mod list;
mod listing;
mod marks;
mod opened;
mod paper;
mod popup;
mod rate;
mod tail;
mod travel;

use std::collections::HashMap;

use longhaul_client::fleet::Link;
use longhaul_core::{Millis, TaskRef, Timestamp};
use longhaul_wire::query::{BudgetState, Condition, Positions, SlotsTaken};
use longhaul_wire::view::ApprovalView;
use ratatui::layout::Rect;

pub use asked::Steer;
pub(crate) use asked::{Asked, Draft, Errand, Fate};
pub(crate) use bell::Bell;
pub(crate) use bulk::Bulks;
pub(crate) use caps::{Cap, Whose};
pub(crate) use column::Column;
pub(crate) use find::Find;
pub(crate) use full::{Full, Fulls};
pub(crate) use inbox::{About, Inbox, Notice};
pub(crate) use lag::Lag;
pub(crate) use latency::{KEPT as MEASURED, Latency, Took};
pub(crate) use list::List;
pub(crate) use listing::Listing;
pub(crate) use marks::Marks;
pub(crate) use opened::{Opened, Pane, wrapped};
pub(crate) use paper::Paper;
pub(crate) use popup::{Choice, Choose, Chosen, Confirm, Popup, Prompt, Typing};
pub(crate) use rate::Rate;
pub(crate) use tail::{Sift, Tail};
pub(crate) use travel::{Jump, Past, SPEEDS, Travel, Wish, World};

use crate::filter::Filter;
use crate::host::Hosted;
use crate::keys::{Context, Keymap};
use crate::layout::Shape;
use crate::settings::Settings;
use crate::store::{Key, LATE, Order, Row, Sort, Store};
use crate::theme::Theme;

/// How long a short notice stays.
const TOAST: Millis = Millis::seconds(5);
/// For how long it stays whatever one presses.
const READ: Millis = Millis::seconds(2);

/// How long one must be on a row before its story is read: who moves on does not want it.
const REST: Millis = Millis(200);

/// A view with a tab.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) enum View {
    #[default]
    Tasks,
    Approvals,
    Executors,
    Caps,
    Events,
    Inbox,
    /// One's own tasks, as a person sees them.
    Mine,
}

impl View {
    pub(crate) const ALL: [Self; 7] =
        [Self::Tasks, Self::Approvals, Self::Executors, Self::Caps, Self::Events, Self::Inbox, Self::Mine];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tasks => "Tasks",
            Self::Approvals => "Approvals",
            Self::Executors => "Executors",
            Self::Caps => "Caps",
            Self::Events => "Events",
            Self::Inbox => "Inbox",
            Self::Mine => "Mine",
        }
    }
}

/// Whom the dashboard speaks for, and about what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Me {
    pub(crate) org: String,
    pub(crate) user: String,
    /// Where the log is, for people.
    pub(crate) place: String,
    /// All organisations are shown.
    pub(crate) everything: bool,
}

/// Where what is shown comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The log, as it grows.
    #[default]
    Live,
    /// A file: nothing changes, nothing can be done.
    File,
}

/// Everything the dashboard knows.
#[derive(Default)]
pub(crate) struct App {
    pub(crate) now: Timestamp,
    /// Since when it watches: of what happened before it knows states, not events.
    pub(crate) began: Option<Timestamp>,
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    pub(crate) theme: Theme,
    pub(crate) mouse: bool,
    pub(crate) keys: Keymap,
    pub(crate) bell: Bell,
    pub(crate) me: Me,
    /// How a command finds the log, for a shell.
    pub(crate) call: String,
    /// Who opened it, if that is a command that has something of its own to say.
    pub(crate) host: Hosted,
    /// Only one's own tasks are shown: no other view is there.
    pub(crate) alone: bool,
    pub(crate) origin: Origin,

    pub(crate) store: Store,
    /// The projector's lists have been read to their end.
    pub(crate) listed: bool,
    /// How many tasks there are besides.
    pub(crate) listing: Listing,
    /// What was last said of the link; nothing yet.
    pub(crate) link: Option<Link>,
    /// Since when the log has not answered.
    pub(crate) down_since: Option<Timestamp>,
    /// Since when no heartbeat could be heard, and since when they can be again.
    pub(crate) deaf: Option<(Timestamp, Option<Timestamp>)>,
    /// What the projector last said of itself; the inner nothing: none answers.
    pub(crate) projector: Option<Option<Condition>>,
    pub(crate) slots: Option<SlotsTaken>,
    /// The tokens of one's own organisation, if it has a budget.
    pub(crate) budget: Option<BudgetState>,
    /// Read up to here.
    pub(crate) read: Positions,
    /// How far what is shown is behind the log.
    pub(crate) lag: Lag,
    /// Records that could not be read.
    pub(crate) unreadable: u64,
    pub(crate) rate: Rate,
    /// How long steps took lately.
    pub(crate) latency: Latency,
    /// The last events of the log.
    pub(crate) tail: Tail,
    /// Which of them are listed.
    pub(crate) sift: Sift,

    pub(crate) view: View,
    /// What each view's list is at.
    pub(crate) lists: [List; View::ALL.len()],
    /// The tasks listed.
    pub(crate) order: Order,
    pub(crate) sort: Sort,
    pub(crate) filter: Filter,
    /// The last filter that was meant: what is looked for on and on.
    pub(crate) sought: Filter,
    /// The columns chosen; nothing: as the width allows.
    pub(crate) columns: Option<Vec<Column>>,
    /// One's own tasks, listed.
    pub(crate) mine: Order,
    pub(crate) marks: Marks,
    /// The opened task, over whatever view.
    pub(crate) opened: Option<Opened>,
    /// The story of the task one is on, told beside the list.
    pub(crate) peek: Option<Opened>,
    /// The row one is on in the list of tasks, and since when.
    pub(crate) rests: (Option<Key>, Timestamp),
    pub(crate) popup: Option<Popup>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) inbox: Inbox,
    /// What was full lately.
    pub(crate) fulls: Fulls,
    /// What was asked for and may not have taken effect yet.
    pub(crate) asked: Vec<Asked>,
    /// What was asked of many at once, until all have answered.
    pub(crate) bulks: Bulks,
    /// What is fetched or written for tasks.
    pub(crate) errands: Vec<Errand>,
    /// Arguments that were edited and are not sent: the editor goes on with them.
    pub(crate) draft: Option<Draft>,
    /// What was chosen and is remembered for the next time.
    pub(crate) chosen: Settings,
    /// A short notice, and until when it stays.
    pub(crate) toast: Option<(Notice, Timestamp)>,
    /// Where one is in time.
    pub(crate) travel: Travel,
    pub(crate) quit: bool,
}

impl App {
    /// Where keys go that no popup or prompt takes.
    pub(crate) fn context(&self) -> Context {
        match self.opened {
            Some(_) => Context::Task,
            None => Context::List(self.view),
        }
    }

    /// The list of the current view.
    pub(crate) fn list(&self) -> &List {
        &self.lists[self.view as usize]
    }

    pub(crate) fn list_mut(&mut self) -> &mut List {
        &mut self.lists[self.view as usize]
    }

    /// The row one is on in the list of tasks.
    pub(crate) fn selected(&self) -> Option<&Row> {
        self.store.get(self.lists[View::Tasks as usize].selected?)
    }

    /// Something is looked for in the opened task.
    pub(crate) fn finds(&self) -> bool {
        self.opened.as_ref().is_some_and(|opened| opened.find.is_some())
    }

    /// The story of the task that actions are about, as far as it is told.
    pub(crate) fn story(&self) -> Option<&Opened> {
        let at = self.subject().and_then(|row| self.store.address(row))?;
        self.opened.iter().chain(&self.peek).find(|told| told.at == at)
    }

    /// The task that actions are about.
    pub(crate) fn subject(&self) -> Option<&Row> {
        match &self.opened {
            Some(opened) => self.store.get(self.store.key(&opened.at)?),
            None => match self.view {
                View::Tasks | View::Approvals | View::Mine => self.store.get(self.list().selected?),
                View::Executors | View::Caps | View::Events | View::Inbox => None,
            },
        }
    }

    /// The tasks that actions are about: those marked, else the one. Those that are listed come in
    /// their order, those that a filter hides after them.
    pub(crate) fn subjects(&self) -> Vec<TaskRef> {
        if self.opened.is_none() && self.view == View::Tasks && !self.marks.is_empty() {
            let listed: HashMap<Key, usize> = self
                .order
                .rows()
                .iter()
                .zip(0..)
                .map(|(at, place)| (self.store.row(*at).key, place))
                .collect();
            let mut keys: Vec<Key> = self.marks.keys().collect();
            keys.sort_by_key(|key| (listed.get(key).copied().unwrap_or(usize::MAX), *key));
            let rows = keys.into_iter().filter_map(|key| self.store.get(key));
            return rows.filter_map(|row| self.store.address(row)).collect();
        }
        self.subject().and_then(|row| self.store.address(row)).into_iter().collect()
    }

    /// Why nothing can be asked for now; nothing if it can.
    pub(crate) fn tied(&self) -> Option<&'static str> {
        match (self.origin, self.down_since) {
            (Origin::Live, _) if self.past().is_some() => {
                Some("this is the past: nothing can be changed there; t goes back to now")
            }
            (Origin::File, _) => Some("this is a file: it can be looked at, not acted on"),
            (_, Some(_)) => Some("the log is out of reach: actions are off until it answers"),
            _ => None,
        }
    }

    /// The open questions, the soonest to lapse first.
    pub(crate) fn questions(&self) -> Vec<(Key, &ApprovalView)> {
        let mut all: Vec<_> = self.store.questions().collect();
        all.sort_by_key(|(key, open)| (open.expires_at, *key));
        all
    }

    /// How many records and tasks are known that cannot be read.
    pub(crate) fn unreadable(&self) -> u64 {
        // The projector counts all of them, also those that are not of what is listed here.
        let aside = self.condition().map_or(0, |known| known.unreadable + known.records.len() as u64);
        aside.max(self.store.unreadable + self.unreadable)
    }

    /// How the projector last said it is.
    pub(crate) fn condition(&self) -> Option<&Condition> {
        self.projector.as_ref()?.as_ref()
    }

    /// The task whose story is wanted beside the list.
    pub(crate) fn wants_peek(&self) -> Option<TaskRef> {
        let beside = Shape::of(Rect::new(0, 0, self.size.0, self.size.1)).side.is_some();
        let listed = self.view == View::Tasks && self.opened.is_none() && beside;
        self.selected().filter(|_| listed).and_then(|row| self.store.address(row))
    }

    /// When that story is to be told, if it is not told already.
    pub(crate) fn peek_due(&self) -> Option<Timestamp> {
        let at = self.wants_peek()?;
        let told = self.peek.as_ref().is_some_and(|peek| peek.at == at);
        (!told).then(|| self.rests.1.plus(REST))
    }

    /// Says something for a moment. What is cut then is kept in the inbox, which shows it whole.
    pub(crate) fn say(&mut self, notice: Notice) {
        let cut = crate::text::width(&notice.text) + 1 > usize::from(self.size.0);
        let kept = self.inbox.notices().next().is_some_and(|last| last.text == notice.text);
        if cut && !kept {
            self.inbox.add(notice.clone());
        }
        self.toast = Some((notice, self.now.plus(TOAST)));
    }

    /// Takes away what was said, once it could be read, or as something else is done.
    pub(crate) fn read_toast(&mut self, done: bool) {
        let read = self.now.plus(Millis(TOAST.0 - READ.0));
        self.toast.take_if(|(_, until)| done || *until <= read);
    }

    /// Until when heartbeats could be heard: who was not heard of while the log was out of reach is not
    /// late for that.
    pub(crate) fn listened_until(&self) -> Timestamp {
        match self.deaf {
            Some((lost, back)) if back.is_none_or(|back| self.now.since(back) <= LATE) => lost,
            _ => self.now,
        }
    }

    /// How many executors are there: those that are lost are not.
    pub(crate) fn executors_there(&self) -> usize {
        let now = self.listened_until();
        self.store.executors().values().filter(|one| !one.is_lost(now)).count()
    }

    /// When something changes by itself next: a clock, a notice, an order that is due.
    pub(crate) fn wakes_at(&self) -> Timestamp {
        let second = Timestamp(self.now.0 - self.now.0.rem_euclid(1000) + 1000);
        let order = self.order.due(&self.store);
        let mine = (self.view == View::Mine).then(|| self.mine.due(&self.store)).flatten();
        let toast = self.toast.as_ref().map(|(_, until)| *until);
        [order, mine, toast, self.peek_due(), self.plays_at()]
            .into_iter()
            .flatten()
            .fold(second, Timestamp::min)
            .max(self.now.plus(Millis(1)))
    }
}
