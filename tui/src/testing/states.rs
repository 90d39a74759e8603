//! States in which the dashboard has to say what it does not know.

use std::collections::BTreeMap;

use longhaul_client::fleet::{Changes, Link, Word};
use longhaul_core::{Millis, Sequence, Status, Timestamp};
use longhaul_wire::Shard;
use longhaul_wire::query::{Condition, Positions, Tally};

use super::{NOW, brief, empty, hour_ago, press, sample, up};
use crate::app::App;
use crate::msg::Msg;
use crate::update::update;

/// How it stands with the log, and what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Live,
    /// The log is out of reach.
    Down,
    /// The projector is behind.
    Lag,
    /// No projector answers.
    Silent,
    /// We are behind.
    WeLag,
    /// Something cannot be read.
    Unreadable,
    /// There are no tasks.
    Empty,
    /// None fits the filter.
    NoMatch,
    /// The list has not come yet, or a part of it has.
    Loading,
    /// There are more than are listed.
    Huge,
    Past,
}

impl State {
    pub(crate) const ALL: [Self; 11] = [
        Self::Live,
        Self::Down,
        Self::Lag,
        Self::Silent,
        Self::WeLag,
        Self::Unreadable,
        Self::Empty,
        Self::NoMatch,
        Self::Loading,
        Self::Huge,
        Self::Past,
    ];

    /// The dashboard in that state.
    pub(crate) fn app(self, columns: u16, rows: u16) -> App {
        let mut app = match self {
            Self::Past => return hour_ago(columns, rows),
            Self::Empty | Self::Loading | Self::Huge => empty(columns, rows),
            _ => sample(columns, rows),
        };
        for word in self.words() {
            update(&mut app, Msg::Word(word));
        }
        if self == Self::NoMatch {
            press(&mut app, &["/", "z", "z", "z", "Enter"]);
        }
        let later = match self {
            Self::Down | Self::Silent => Millis::seconds(14),
            Self::Lag => Millis::seconds(50),
            _ => Millis(700),
        };
        update(&mut app, Msg::Tick(NOW.plus(later)));
        app
    }

    fn words(self) -> Vec<Word> {
        match self {
            Self::Live | Self::NoMatch | Self::Past => Vec::new(),
            Self::Down => {
                let next = NOW.plus(Millis::seconds(17));
                vec![Word::Link(Link::Down { why: "connection refused".to_owned(), next })]
            }
            Self::Lag => {
                let ends = (1..=41).map(|n| ends_at(1_204_331 + n * 400, NOW.plus(Millis::seconds(n))));
                ends.chain([Word::Projector(Some(Box::new(condition(1_204_331, 16_400))))]).collect()
            }
            Self::Silent => vec![Word::Projector(None)],
            Self::WeLag => vec![read(18_234, Timestamp(NOW.0 - 9_000), 0)],
            Self::Unreadable => vec![read(0, NOW, 3)],
            Self::Empty => vec![up(), listed(0..0, true)],
            Self::Loading => vec![up(), counted(98_000, 0), listed(0..30, false)],
            Self::Huge => vec![up(), counted(1_400_000, 1_200_000), listed(0..40, true)],
        }
    }
}

/// A projector that has folded up to a place and says how many records are left.
pub(crate) fn condition(as_of: u64, lag: u64) -> Condition {
    Condition {
        as_of: Positions::at(Shard(0), Sequence(as_of)),
        version: "0.1.0".to_owned(),
        lag: BTreeMap::from([(0, lag)]),
        trouble: None,
        tasks: 40,
        unreadable: 0,
        put_aside: Vec::new(),
        records: Vec::new(),
    }
}

/// The log answers, and ends there.
pub(crate) fn ends_at(sequence: u64, at: Timestamp) -> Word {
    let heads = Positions::at(Shard(0), Sequence(sequence));
    Word::Link(Link::Up { took: std::time::Duration::from_millis(2), heads, at })
}

/// The reader has read on: so many records are left, the last it read was stored then, and so many of
/// them could not be read.
pub(crate) fn read(behind: u64, stored_at: Timestamp, unreadable: u32) -> Word {
    Word::Happened(Box::new(Changes {
        shard: Shard(0),
        up_to: Sequence(1_204_340),
        stored_at,
        behind,
        tasks: Vec::new(),
        events: Vec::new(),
        unreadable,
    }))
}

fn counted(completed: u64, older: u64) -> Word {
    let status = [(Status::Running, 400), (Status::Pending, 1_600), (Status::Completed, completed)];
    let total = status.iter().map(|(_, n)| n).sum();
    Word::Counted { tally: Tally { total, status: status.into_iter().collect(), unreadable: 0 }, older }
}

fn listed(tasks: std::ops::Range<u32>, last: bool) -> Word {
    let tasks = tasks.map(|n| brief(n, Status::ALL[n as usize % 8])).collect();
    Word::Listed { tasks, unreadable: 0, last }
}
