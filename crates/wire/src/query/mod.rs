//! Questions to the projector, and its answers: the NATS service `longhaul`.
//!
//! A question is one JSON object sent to `longhaul.<endpoint>`, its answer another. Members without
//! a value are left out; members nobody knows are refused, since a filter that is overlooked gives
//! a wrong answer. Every question takes `at_least`, every answer carries `as_of`: the places up to
//! which it is, or must be, folded. To read one's own write, ask with `at_least` set to where the
//! write was acknowledged.

/// Makes a struct a question.
macro_rules! query {
    ($name:ident, $endpoint:literal, $answer:ty) => {
        impl $crate::query::Query for $name {
            const ENDPOINT: &'static str = $endpoint;
            type Answer = $answer;
            fn at_least(&self) -> &Positions {
                &self.at_least
            }
        }
    };
}

mod bell;
mod brief;
mod standing;
mod tasks;

use std::collections::BTreeMap;

use longhaul_core::Sequence;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use bell::*;
pub use brief::*;
pub use standing::*;
pub use tasks::*;

use crate::shard::Shard;

/// The service's name.
pub const SERVICE: &str = "longhaul";

/// Rows of a page where the question does not say.
pub const PAGE: u32 = 50;

/// Most rows of a page.
pub const MAX_PAGE: u32 = 500;

/// A question that has an endpoint.
pub trait Query: Serialize + DeserializeOwned + Send + 'static {
    /// Its endpoint: questions go to `longhaul.<endpoint>`.
    const ENDPOINT: &'static str;
    /// What it is answered with.
    type Answer: Serialize + DeserializeOwned + Send + 'static;
    /// How far must be folded before it is answered.
    fn at_least(&self) -> &Positions;
}

/// Places in shards: `{"0": 1234}`. A shard that is not named is at its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Positions(BTreeMap<u16, Sequence>);

impl Positions {
    /// One place in one shard.
    pub fn at(shard: Shard, sequence: Sequence) -> Self {
        Self(BTreeMap::from([(shard.0, sequence)]))
    }

    /// The place in a shard.
    pub fn of(&self, shard: Shard) -> Sequence {
        self.0.get(&shard.0).copied().unwrap_or_default()
    }

    /// Moves on to a place; never back.
    pub fn advance(&mut self, shard: Shard, sequence: Sequence) {
        let place = self.0.entry(shard.0).or_default();
        *place = sequence.max(*place);
    }

    /// The places, by shard.
    pub fn iter(&self) -> impl Iterator<Item = (Shard, Sequence)> {
        self.0.iter().map(|(shard, sequence)| (Shard(*shard), *sequence))
    }

    /// Whether this is as far as `other` in every shard.
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(shard, sequence)| self.of(shard) >= sequence)
    }
}

impl FromIterator<(Shard, Sequence)> for Positions {
    fn from_iter<I: IntoIterator<Item = (Shard, Sequence)>>(places: I) -> Self {
        let mut all = Self::default();
        places.into_iter().for_each(|(shard, sequence)| all.advance(shard, sequence));
        all
    }
}

/// Every endpoint.
pub const ENDPOINTS: [&str; 12] = [
    Get::ENDPOINT,
    List::ENDPOINT,
    Briefs::ENDPOINT,
    Count::ENDPOINT,
    Queue::ENDPOINT,
    Outlook::ENDPOINT,
    UsageOf::ENDPOINT,
    Bell::ENDPOINT,
    MarkRead::ENDPOINT,
    Executors::ENDPOINT,
    Slots::ENDPOINT,
    Health::ENDPOINT,
];
