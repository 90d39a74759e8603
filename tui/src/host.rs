//! Whoever opens the dashboard: a command that runs things of its own beside it, has something to say
//! meanwhile, and ends with it.

use std::time::Duration;

use longhaul_core::{Millis, TaskRef, Timestamp};
use tokio::sync::mpsc;

use crate::store::Key;
use crate::text::fit;

/// How long a line of a host may be, in columns.
const LINE: usize = 300;

/// A command that opens the dashboard and runs things of its own beside it.
#[derive(Debug, Default)]
pub struct Host {
    /// What runs here and how to go on, a line each: for the screen while there are no tasks.
    pub greeting: Vec<String>,
    /// The same in a few words, for the inbox.
    pub notices: Vec<String>,
    /// What ends together with the dashboard, a line each: who leaves it is told and asked first. Empty:
    /// nothing does.
    pub ends: Vec<String>,
    /// Services run in this process: C-z, which would stop them too, is refused.
    pub serves: bool,
    /// What it says while the dashboard is open.
    pub remarks: Option<mpsc::Receiver<Remark>>,
}

/// Something a host says while the dashboard is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// What happened: shown for a moment, and kept in the inbox.
    Said(String),
    /// What all this is about: above every view, until there is another.
    Standing(String),
    /// What can be done about a task now: above every view, until there is something else. One gets onto
    /// the task, unless one has gone elsewhere.
    Turn {
        /// Which task.
        task: TaskRef,
        /// What to say to whoever is on it.
        here: String,
        /// What to say to whoever is elsewhere.
        elsewhere: String,
    },
    /// There is nothing more to come: said above every view. A dashboard that nobody has touched since it
    /// was opened closes by itself after this time.
    Over(String, Duration),
}

/// How the dashboard was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// By its user, who is through with it; or by itself.
    Quit,
    /// By its user, with C-c.
    AtOnce,
    /// The process was asked to end.
    AskedToEnd,
}

/// What is known of the host.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosted {
    /// Clean lines.
    pub(crate) greeting: Vec<String>,
    /// Clean lines.
    pub(crate) notices: Vec<String>,
    /// Clean lines.
    pub(crate) ends: Vec<String>,
    /// Services run in this process.
    pub(crate) serves: bool,
    /// A clean line: what stands above every view for whoever is not on the task of a turn.
    pub(crate) standing: Option<String>,
    /// The task something can be done about, and a clean line for whoever is on it.
    pub(crate) turn: Option<(TaskRef, String)>,
    /// One is yet to get onto that task.
    pub(crate) leads: bool,
    /// The row one was last led onto.
    pub(crate) led: Option<Key>,
    /// When the dashboard closes by itself.
    pub(crate) closes_at: Option<Timestamp>,
    /// Whether somebody has pressed a key, or used the mouse.
    pub(crate) touched: bool,
    /// Whether one left with C-c.
    pub(crate) at_once: bool,
}

impl Hosted {
    pub(crate) fn by(host: &Host) -> Self {
        let clean = |lines: &[String]| lines.iter().map(|line| fit(line, LINE)).collect();
        Self {
            greeting: clean(&host.greeting),
            notices: clean(&host.notices),
            ends: clean(&host.ends),
            serves: host.serves,
            ..Self::default()
        }
    }

    /// Takes what the host says, as of now; what is to be shown for a moment, if anything.
    pub(crate) fn hear(&mut self, remark: &Remark, now: Timestamp) -> Option<String> {
        if !matches!(remark, Remark::Said(_)) {
            (self.turn, self.leads) = (None, false);
        }
        match remark {
            Remark::Said(text) => return Some(fit(text, LINE)),
            Remark::Standing(text) => self.standing = Some(fit(text, LINE)),
            Remark::Turn { task, here, elsewhere } => {
                self.standing = Some(fit(elsewhere, LINE));
                (self.turn, self.leads) = (Some((task.clone(), fit(here, LINE))), true);
            }
            Remark::Over(text, within) => {
                self.standing = Some(fit(text, LINE));
                let within = Millis(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
                self.closes_at = (!self.touched).then(|| now.plus(within));
            }
        }
        None
    }

    /// Somebody is there.
    pub(crate) fn touch(&mut self) {
        (self.touched, self.closes_at) = (true, None);
    }

    /// Whether the dashboard closes by itself by now.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.closes_at.is_some_and(|at| at <= now)
    }
}
