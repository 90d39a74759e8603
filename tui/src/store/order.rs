//! In which order rows are shown, and which.

use std::cmp::Reverse;

use longhaul_core::{Millis, Timestamp};

use super::{Flags, Key, Row, Standing, Store};
use crate::filter::Filter;

/// How often the order is made anew at most while changes come in.
const PAUSE: Millis = Millis(250);

/// By what rows are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SortBy {
    /// What needs somebody first, then the newest.
    #[default]
    Attention,
    /// The newest first.
    Age,
    /// By status word.
    Status,
    /// By title.
    Title,
    /// The farthest first.
    Progress,
    /// The most tokens first.
    Tokens,
}

impl SortBy {
    /// All of them, in the order in which the key goes through them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Attention, Self::Age, Self::Status, Self::Title, Self::Progress, Self::Tokens];

    /// What commands and settings call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::Age => "age",
            Self::Status => "status",
            Self::Title => "title",
            Self::Progress => "progress",
            Self::Tokens => "tokens",
        }
    }

    /// The sort of that name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }

    /// What the list's frame says.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Attention => "attention first, newest",
            Self::Age => "newest first",
            Self::Status => "by status",
            Self::Title => "by title",
            Self::Progress => "farthest first",
            Self::Tokens => "most tokens first",
        }
    }
}

/// A sort and its direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) by: SortBy,
    pub(crate) reversed: bool,
}

/// The rows a list shows, in order.
#[derive(Debug, Default)]
pub(crate) struct Order {
    rows: Vec<u32>,
    /// The store's version this was made from.
    version: u64,
    made_at: Timestamp,
    /// The filter or the sort changed since.
    stale: bool,
}

impl Order {
    /// The rows, first to last.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Its rows are those of another store: none, until it is made anew.
    pub(crate) fn clear(&mut self) {
        *self = Self { stale: true, ..Self::default() };
    }

    /// It must be made anew however recent it is.
    pub(crate) fn mark_stale(&mut self) {
        self.stale = true;
    }

    /// When it has to be made anew, if it has to.
    pub(crate) fn due(&self, store: &Store) -> Option<Timestamp> {
        (self.stale || self.version != store.version()).then(|| self.made_at.plus(PAUSE))
    }

    /// Makes it anew if it has to be and may be; whether it did.
    pub(crate) fn refresh(&mut self, store: &Store, filter: &Filter, sort: Sort, now: Timestamp) -> bool {
        let due = self.due(store).is_some_and(|at| self.stale || at <= now || self.rows.is_empty());
        if !due {
            return false;
        }
        self.rows.clear();
        let shown =
            store.rows().filter(|(_, row)| !row.flags.has(Flags::HIDDEN) && filter.matches(store, row, now));
        self.rows.extend(shown.map(|(at, _)| at));
        sort_rows(&mut self.rows, store, sort);
        (self.version, self.made_at, self.stale) = (store.version(), now, false);
        true
    }

    /// The place of a row in it.
    pub(crate) fn place(&self, store: &Store, key: Key) -> Option<usize> {
        self.rows.iter().position(|at| store.row(*at).key == key)
    }
}

/// Ties are broken by age, then by id: the order is the same however often it is made.
fn sort_rows(rows: &mut [u32], store: &Store, sort: Sort) {
    let newest = |row: &Row| (Reverse(row.submitted_at), row.key);
    let of = |at: &u32| store.row(*at);
    match sort.by {
        SortBy::Attention => rows.sort_unstable_by_key(|at| (rank(of(at).standing()), newest(of(at)))),
        SortBy::Age => rows.sort_unstable_by_key(|at| newest(of(at))),
        SortBy::Status => rows.sort_unstable_by_key(|at| (of(at).standing().word(), newest(of(at)))),
        SortBy::Title => rows.sort_unstable_by(|a, b| {
            of(a).title.as_str().cmp(of(b).title.as_str()).then_with(|| newest(of(a)).cmp(&newest(of(b))))
        }),
        SortBy::Progress => rows.sort_unstable_by_key(|at| (Reverse(of(at).fraction), newest(of(at)))),
        SortBy::Tokens => rows.sort_unstable_by_key(|at| (Reverse(of(at).tokens), newest(of(at)))),
    }
    if sort.reversed {
        rows.reverse();
    }
}

/// What has ended well or on request is one group, the newest first.
fn rank(standing: Standing) -> u8 {
    match standing {
        Standing::Aborted | Standing::Completed => Standing::Aborted as u8,
        other => other as u8,
    }
}
