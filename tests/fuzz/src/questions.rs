//! Questions to the projector, and what is said live. The input is the bytes of a message.

use std::fmt::Debug;

use longhaul_core::Beat;
use longhaul_wire::live::{Change, TextDelta};
use longhaul_wire::query::{
    Bell, Count, Executors, Get, Health, List, MarkRead, Outlook, Positions, Query, Queue, Slots, UsageOf,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::survives_json;

/// - No bytes make the reader of a question panic; what is read is written and read the same.
/// - A member that nobody knows is refused: a filter that is overlooked gives a wrong answer.
pub fn check(input: &[u8]) {
    ask::<Get>(input);
    ask::<List>(input);
    ask::<Count>(input);
    ask::<Queue>(input);
    ask::<Outlook>(input);
    ask::<UsageOf>(input);
    ask::<Bell>(input);
    ask::<MarkRead>(input);
    ask::<Executors>(input);
    ask::<Slots>(input);
    ask::<Health>(input);
    hear::<Beat>(input);
    hear::<Change>(input);
    hear::<TextDelta>(input);
}

fn ask<Q: Query + PartialEq + Debug>(input: &[u8]) {
    let Ok(question) = serde_json::from_slice::<Q>(input) else { return };
    let json = survives_json(&question);
    let mut grown: Value = serde_json::from_slice(&json).unwrap();
    grown["nobody_knows"] = json!(1);
    assert!(serde_json::from_value::<Q>(grown).is_err(), "{} overlooks a member", Q::ENDPOINT);
    places(question.at_least());
}

fn places(places: &Positions) {
    assert!(places.covers(places) && places.covers(&Positions::default()));
    for (shard, place) in places.iter() {
        assert_eq!(places.of(shard), place);
        let mut on = places.clone();
        on.advance(shard, longhaul_core::Sequence(place.0 / 2));
        assert_eq!(&on, places, "a place moved back");
    }
    assert_eq!(&places.iter().collect::<Positions>(), places);
}

fn hear<T: Serialize + DeserializeOwned + PartialEq + Debug>(input: &[u8]) {
    if let Ok(word) = serde_json::from_slice::<T>(input) {
        survives_json(&word);
    }
}
