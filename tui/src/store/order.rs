//! In which order rows are shown, and which.

use std::cmp::{Ordering, Reverse};

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
    /// What it is made of, and how: another filter has only to look through them, they are sorted.
    all: Vec<u32>,
    made: Option<Made>,
    /// Those of them that are shown; nothing: all are.
    found: Option<Vec<u32>>,
    /// The store's version this was made from.
    version: u64,
    made_at: Timestamp,
    /// The filter or the sort changed since.
    stale: bool,
}

/// Which rows are in order, and in which.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    sort: Sort,
    /// Lets those pass that are in it, for good.
    filter: Filter,
}

impl Order {
    /// The rows, first to last.
    pub(crate) fn rows(&self) -> &[u32] {
        self.found.as_ref().unwrap_or(&self.all)
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
        let due = self.due(store).is_some_and(|at| self.stale || at <= now || self.rows().is_empty());
        if !due {
            return false;
        }
        let steady = filter.is_steady();
        let made = Made { sort, filter: if steady { filter.clone() } else { Filter::default() } };
        // How far a task is and what it used may change by itself.
        let moves = matches!(sort.by, SortBy::Progress | SortBy::Tokens);
        let known = !moves && self.made.as_ref() == Some(&made);
        match known.then(|| store.moved_since(self.version)).flatten() {
            Some(moved) => self.mend(store, &made, now, moved.collect()),
            None => self.make(store, &made, now),
        }
        self.found = (!steady).then(|| {
            // In the order in which they lie in memory: a hundred thousand are looked at for each key.
            let shown: Vec<bool> = store.rows().map(|(_, row)| filter.matches(store, row, now)).collect();
            self.all.iter().copied().filter(|at| shown[*at as usize]).collect()
        });
        self.made = Some(made);
        (self.version, self.made_at, self.stale) = (store.version(), now, false);
        true
    }

    fn make(&mut self, store: &Store, made: &Made, now: Timestamp) {
        let Sort { by, reversed } = made.sort;
        let rows = store.rows().filter(|(_, row)| is_in(store, &made.filter, row, now));
        let mut keyed: Vec<Keyed> = rows.map(|(at, row)| (key(by, row, 0), at)).collect();
        sort_rows(&mut keyed, store, by, 0);
        self.all.clear();
        match reversed {
            false => self.all.extend(keyed.iter().map(|(_, at)| *at)),
            true => self.all.extend(keyed.iter().rev().map(|(_, at)| *at)),
        }
    }

    /// Puts the rows that moved where they belong; the others are in order.
    fn mend(&mut self, store: &Store, made: &Made, now: Timestamp, mut moved: Vec<u32>) {
        if moved.is_empty() {
            return;
        }
        moved.sort_unstable();
        moved.dedup();
        let mut is_moved = vec![false; store.len()];
        moved.iter().for_each(|at| is_moved[*at as usize] = true);
        self.all.retain(|at| !is_moved[*at as usize]);
        moved.retain(|at| is_in(store, &made.filter, store.row(*at), now));
        moved.sort_unstable_by(|a, b| compare(store, made.sort, *a, *b));
        let mut all = Vec::with_capacity(self.all.len() + moved.len());
        let mut rest = self.all.as_slice();
        for at in moved {
            let before = rest.partition_point(|other| compare(store, made.sort, *other, at).is_lt());
            all.extend_from_slice(&rest[..before]);
            all.push(at);
            rest = &rest[before..];
        }
        all.extend_from_slice(rest);
        self.all = all;
    }

    /// The place of a row in it.
    pub(crate) fn place(&self, store: &Store, key: Key) -> Option<usize> {
        let wanted = store.at(key)?;
        self.rows().iter().position(|at| *at == wanted)
    }
}

fn is_in(store: &Store, filter: &Filter, row: &Row, now: Timestamp) -> bool {
    !row.flags.has(Flags::HIDDEN) && filter.matches(store, row, now)
}

/// A row with what it is sorted by: next to each other, for a hundred thousand rows are not.
type Keyed = (u128, u32);

/// How many bytes of a title are in a key.
const PART: usize = size_of::<u128>();

/// What a row is sorted by, the lowest first. Of titles it is the part that begins there.
fn key(by: SortBy, row: &Row, from: usize) -> u128 {
    let first = match by {
        SortBy::Attention => u64::from(rank(row.standing())),
        SortBy::Age => 0,
        SortBy::Status => {
            let word = row.standing().word();
            Standing::ALL.into_iter().filter(|other| other.word() < word).count() as u64
        }
        SortBy::Title => {
            let rest = row.title.as_str().as_bytes().get(from..).unwrap_or_default();
            let mut part = [0; PART];
            let length = rest.len().min(PART);
            part[..length].copy_from_slice(&rest[..length]);
            return u128::from_be_bytes(part);
        }
        SortBy::Progress => u64::from(u32::MAX) - row.fraction.map_or(0, |part| u64::from(part) + 1),
        SortBy::Tokens => !row.tokens,
    };
    // The newest first.
    let age = !(row.submitted_at.0.cast_unsigned() ^ (1 << 63));
    u128::from(first) << 64 | u128::from(age)
}

/// Ties are broken by age, then by id: the order is the same however often it is made.
fn newest(store: &Store, a: u32, b: u32) -> Ordering {
    let of = |at: u32| (Reverse(store.row(at).submitted_at), store.row(at).key);
    of(a).cmp(&of(b))
}

/// How two rows follow each other.
fn compare(store: &Store, sort: Sort, a: u32, b: u32) -> Ordering {
    let (one, other) = (store.row(a), store.row(b));
    let first = match sort.by {
        SortBy::Title => one.title.as_str().cmp(other.title.as_str()),
        by => key(by, one, 0).cmp(&key(by, other, 0)),
    };
    let forward = first.then_with(|| newest(store, a, b));
    if sort.reversed { forward.reverse() } else { forward }
}

/// Sorts rows whose titles are the same up to a byte, if they are sorted by title.
fn sort_rows(rows: &mut [Keyed], store: &Store, by: SortBy, from: usize) {
    // Not the quickest for what is in no order, but most of it is in some.
    rows.sort_by_key(|(key, _)| *key);
    for same in rows.chunk_by_mut(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        // A title has no byte of zero.
        let goes_on = by == SortBy::Title && same[0].0 & 0xff != 0;
        if goes_on {
            same.iter_mut().for_each(|(rest, at)| *rest = key(by, store.row(*at), from + PART));
            sort_rows(same, store, by, from + PART);
        } else {
            same.sort_unstable_by(|a, b| newest(store, a.1, b.1));
        }
    }
}

/// What has ended well or on request is one group, the newest first.
fn rank(standing: Standing) -> u8 {
    match standing {
        Standing::Aborted | Standing::Completed => Standing::Aborted as u8,
        other => other as u8,
    }
}

#[cfg(test)]
mod tests {
    use longhaul_client::fleet::Brief;
    use longhaul_core::{Sequence, Status, Title};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{NOW, brief};

    /// A task as one of some in one of some states, so that there are ties of every kind.
    fn told() -> impl Strategy<Value = Brief> {
        let titles =
            ["a", "ab", "a title that is longer than a key", "a title that is longer than a kez", "ä"];
        let status = prop_oneof![
            Just(Status::Pending),
            Just(Status::Running),
            Just(Status::Failed),
            Just(Status::Completed)
        ];
        let part = proptest::option::of(0..3_u8);
        (0..40_u8, status, 0..titles.len(), 0..3_u64, any::<bool>(), part).prop_map(
            move |(n, status, title, tokens, dismissed, part)| Brief {
                title: Title::new(titles[title]).unwrap(),
                submitted_at: Timestamp((n % 3).into()),
                tokens,
                dismissed,
                fraction: part.map(|part| f64::from(part) / 3.0),
                ..brief(n as u32, status)
            },
        )
    }

    proptest! {
        #[test]
        fn an_order_that_is_mended_is_the_one_that_is_made(
            steps in proptest::collection::vec((proptest::collection::vec(told(), 0..8), any::<bool>()), 1..12),
            reversed: bool,
            typed in prop_oneof![Just(""), Just("ab"), Just("!title"), Just("tokens>0")],
        ) {
            let filter = Filter::parse(typed);
            for by in SortBy::ALL {
                let sort = Sort { by, reversed };
                let (mut store, mut mended, mut sequence) = (Store::default(), Order::default(), 0);
                for (briefs, looks) in &steps {
                    for brief in briefs {
                        sequence += 1;
                        store.put(Brief { sequence: Sequence(sequence), ..brief.clone() });
                    }
                    if !looks {
                        continue;
                    }
                    mended.made_at = Timestamp::default();
                    mended.refresh(&store, &filter, sort, NOW);
                    let mut made = Order { stale: true, ..Order::default() };
                    made.refresh(&store, &filter, sort, NOW);
                    if !matches!(by, SortBy::Progress | SortBy::Tokens) {
                        prop_assert_eq!(mended.rows(), made.rows(), "{:?}", sort);
                    }
                    let apart = |pair: &[u32]| compare(&store, sort, pair[0], pair[1]).is_lt();
                    prop_assert!(made.rows().windows(2).all(apart), "{:?}", sort);
                    let all: std::collections::BTreeSet<_> = made.rows().iter().copied().collect();
                    let shown = store.rows().filter(|(_, row)| is_in(&store, &filter, row, NOW));
                    prop_assert_eq!(all, shown.map(|(at, _)| at).collect());
                }
            }
        }
    }
}
