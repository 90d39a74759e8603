use longhaul_model::{Allowance, RateFigures, Rates};
use proptest::prelude::*;

use super::*;

const SECOND: Moment = 1_000_000;

fn rates(requests: u64, tokens: u64) -> Rates {
    Rates { requests: Some(requests), tokens: Some(tokens) }
}

fn at_once(bucket: &mut Bucket, now: Moment, rates: Rates) -> usize {
    (0..1000).take_while(|_| bucket.reserve(now, rates, 1).at <= now).count()
}

#[test]
fn a_tenth_goes_at_once_and_the_rest_evenly() {
    let mut bucket = Bucket::default();
    let rates = Rates { requests: Some(60), tokens: None };
    let places: Vec<Moment> = (0..10).map(|_| bucket.reserve(0, rates, 9_999).at).collect();
    let pace = 60 * SECOND / 55 + 1;
    assert_eq!(places, [0, 0, 0, 0, 0, 0, pace, 2 * pace, 3 * pace, 4 * pace]);
    // After a while all of it is there again, and no more.
    assert_eq!(at_once(&mut bucket, 600 * SECOND, rates), 6);
    let one = Rates { requests: Some(1), tokens: None };
    let mut bucket = Bucket::default();
    let places: Vec<Moment> = (0..3).map(|_| bucket.reserve(0, one, 1).at).collect();
    assert_eq!(places, [0, 60 * SECOND, 120 * SECOND]);
}

#[test]
fn without_a_limit_nobody_waits_and_nothing_is_written() {
    let mut bucket = Bucket::default();
    assert_eq!(at_once(&mut bucket, 5, Rates::default()), 1000);
    assert_eq!(bucket, Bucket::default());
}

#[test]
fn the_smaller_of_the_settings_and_the_providers_limit_counts() {
    let mut bucket = Bucket::default();
    let said = |limit| RateFigures {
        requests: Allowance { limit: Some(limit), ..Allowance::default() },
        ..RateFigures::default()
    };
    bucket.heard(0, Rates::default(), &said(100));
    assert_eq!(at_once(&mut bucket.clone(), 0, Rates::default()), 10);
    assert_eq!(at_once(&mut bucket.clone(), 0, Rates { requests: Some(50), tokens: None }), 5);
    assert_eq!(at_once(&mut bucket.clone(), 0, Rates { requests: Some(500), tokens: None }), 10);
    bucket.heard(0, Rates::default(), &said(0));
    assert_eq!(at_once(&mut bucket, 0, Rates::default()), 10, "no limit of nothing is believed");
}

#[test]
fn what_the_provider_sees_as_used_is_used() {
    let said = |remaining, reset| {
        let requests = Allowance {
            limit: Some(600),
            remaining: Some(remaining),
            reset_in: Some(Duration::from_secs(reset)),
        };
        RateFigures { requests, ..RateFigures::default() }
    };
    for (remaining, reset, left) in [(600, 0, 60), (60, 54, 60), (20, 58, 20), (0, 60, 0)] {
        let mut bucket = Bucket::default();
        bucket.heard(SECOND, Rates::default(), &said(remaining, reset));
        assert_eq!(at_once(&mut bucket, SECOND, Rates::default()), left, "{remaining}");
    }
    // Six hundred a day: one comes back in 144 seconds.
    let mut bucket = Bucket::default();
    bucket.heard(SECOND, Rates::default(), &said(0, 86_400));
    let next = bucket.reserve(SECOND, Rates::default(), 1).at - SECOND;
    assert!((144 * SECOND..145 * SECOND).contains(&next), "{next}");
}

#[test]
fn a_provider_that_said_no_is_left_alone_by_all() {
    let mut bucket = Bucket::default();
    let rates = rates(600, 60_000);
    let before = bucket.reserve(0, rates, 10);
    bucket.refused(0, rates, Duration::from_secs(7));
    bucket.refused(0, rates, Duration::from_secs(3));
    assert_eq!(bucket.reserve(0, rates, 10).at, 7 * SECOND);
    // Also by who had a place before that.
    assert_eq!(bucket.due(SECOND, rates, before).at, 7 * SECOND);
    assert_eq!(bucket.due(7 * SECOND, rates, before), before);
}

#[test]
fn what_a_silent_provider_allows_is_guessed_once_it_has_said_no() {
    let (mut bucket, none, wait) = (Bucket::default(), Rates::default(), Duration::from_secs(5));
    let guess = |bucket: &Bucket| bucket.requests.guess;
    bucket.refused(0, none, wait);
    bucket.refused(SECOND, none, wait);
    assert_eq!(guess(&bucket), Some(60), "those who hear it together are one");
    bucket.refused(20 * SECOND, none, wait);
    assert_eq!(guess(&bucket), Some(30));
    let place = bucket.reserve(60 * SECOND, none, 10);
    bucket.settle(60 * SECOND, none, place, 0);
    assert_eq!(guess(&bucket), Some(30), "a refused call tells nothing good");
    bucket.settle(60 * SECOND, none, place, 10);
    assert_eq!(guess(&bucket), Some(31));
    // Whoever names a limit is believed.
    let mut told = Bucket::default();
    told.refused(0, rates(100, 1_000_000), wait);
    assert_eq!(guess(&told), None);
    let requests = Allowance { limit: Some(100), ..Allowance::default() };
    bucket.heard(300 * SECOND, none, &RateFigures { requests, ..RateFigures::default() });
    assert_eq!(at_once(&mut bucket, 300 * SECOND, none), 10);
}

/// Many calls at once of a provider that allows few a minute and says so by refusing only: none of them is
/// refused so often that it fails.
#[test]
fn a_silent_provider_fails_nobody() {
    for (calls, a_minute) in [(48, 15_u32), (200, 60), (100, 10), (300, 1000)] {
        let (mut bucket, none, wait) = (Bucket::default(), Rates::default(), Duration::from_secs(10));
        let (mut used, mut before) = (0.0, 0);
        let mut all: Vec<(Place, u32)> = (0..calls).map(|_| (bucket.reserve(0, none, 10), 1)).collect();
        while !all.is_empty() {
            all.sort_by_key(|(place, _)| std::cmp::Reverse(place.at));
            let (place, tries) = all.pop().unwrap();
            let now = place.at.max(before);
            let due = bucket.due(now, none, place);
            if due.at > now {
                all.push((due, tries));
                continue;
            }
            let back = (now - before) as f64 / MINUTE as f64 * f64::from(a_minute);
            (used, before) = (f64::max(used - back, 0.0), now);
            if used + 1.0 <= f64::from(a_minute) {
                used += 1.0;
                bucket.settle(now, none, due, 10);
            } else {
                assert!(tries < 6, "{calls} calls, {a_minute} a minute: one is refused {tries} times");
                bucket.refused(now, none, wait);
                all.push((bucket.reserve(now, none, 10), tries + 1));
            }
        }
    }
}

#[test]
fn a_place_that_is_given_back_is_taken_by_the_next_who_fits_in() {
    let mut bucket = Bucket::default();
    let rates = rates(10, 1000);
    let places: Vec<Place> = (0..4).map(|_| bucket.reserve(0, rates, 50)).collect();
    bucket.give_back(0, places[1]);
    let large = bucket.reserve(0, rates, 60);
    assert!(large.at > places[3].at, "it does not fit in");
    assert_eq!(bucket.reserve(0, rates, 40).at, places[1].at);
    assert!(bucket.reserve(0, rates, 40).at > large.at, "a place is given back once");
    bucket.give_back(places[2].at + 1, places[2]);
    assert!(bucket.free.is_empty(), "what is past is of no use");
}

#[test]
fn tokens_are_settled() {
    let rates = Rates { requests: None, tokens: Some(1000) };
    let mut bucket = Bucket::default();
    let place = bucket.reserve(0, rates, 100);
    let full = bucket.clone();
    bucket.settle(0, rates, place, 100);
    assert_eq!(bucket, full);
    bucket.settle(0, rates, place, 40);
    assert_eq!(bucket.reserve(0, rates, 60).at, 0, "what was left over is there again");
    bucket.settle(0, rates, place, 150);
    assert!(bucket.reserve(0, rates, 1).at > 3 * SECOND, "what it took beyond is charged");
}

/// What happens to an organisation's bucket.
#[derive(Debug, Clone)]
enum Happens {
    /// A call asks; if the swap's answer is lost, its place is lost too, and it asks again.
    Asks { tokens: u64, lost: bool },
    /// The n-th of those who wait goes away.
    Leaves { n: usize },
    /// The n-th of those who went has cost so many percent of what was thought.
    Costs { n: usize, percent: u64 },
    /// The provider says no.
    No { seconds: u64 },
    /// Time goes by.
    Later { millis: i64 },
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => (1_u64..3_000, prop::bool::weighted(0.1)).prop_map(|(tokens, lost)| Happens::Asks { tokens, lost }),
        2 => (0_usize..50).prop_map(|n| Happens::Leaves { n }),
        2 => (0_usize..50, 0_u64..=100).prop_map(|(n, percent)| Happens::Costs { n, percent }),
        1 => (0_u64..20).prop_map(|seconds| Happens::No { seconds }),
        4 => (0_i64..5_000).prop_map(|millis| Happens::Later { millis }),
    ]
}

/// Calls of one bucket, as processes make them.
#[derive(Default)]
struct Calls {
    now: Moment,
    bucket: Bucket,
    /// Those who wait: their place, and the tokens they want.
    wait: Vec<(Place, u64)>,
    /// Those who went: when, the place, the tokens they took.
    went: Vec<(Moment, Place, u64)>,
    shut: Moment,
}

impl Calls {
    fn happen(&mut self, rates: Rates, what: &Happens) -> Result<(), TestCaseError> {
        match *what {
            Happens::Asks { tokens, lost } => {
                if lost {
                    self.bucket.reserve(self.now, rates, tokens);
                }
                let place = self.bucket.reserve(self.now, rates, tokens);
                prop_assert!(place.at >= self.now.max(self.shut) && place.tokens >= tokens);
                self.wait.push((place, tokens));
            }
            Happens::Leaves { n } if !self.wait.is_empty() => {
                let (place, _) = self.wait.remove(n % self.wait.len());
                self.bucket.give_back(self.now, place);
            }
            Happens::Costs { n, percent } if !self.went.is_empty() => {
                let n = n % self.went.len();
                let (_, place, tokens) = &mut self.went[n];
                let spent = *tokens * percent / 100;
                // Once: what it cost is known then.
                if spent < *tokens && *tokens == place.tokens {
                    *tokens = spent;
                    self.bucket.settle(self.now, rates, *place, spent);
                }
            }
            Happens::No { seconds } => {
                self.bucket.refused(self.now, rates, Duration::from_secs(seconds));
                self.shut = self.shut.max(self.now + i64::try_from(seconds).unwrap() * SECOND);
            }
            Happens::Later { millis } => self.pass(rates, self.now + millis * 1000),
            Happens::Leaves { .. } | Happens::Costs { .. } => {}
        }
        Ok(())
    }

    /// Time goes by, and each goes when its moment comes.
    fn pass(&mut self, rates: Rates, until: Moment) {
        loop {
            self.wait.sort_by_key(|(place, _)| std::cmp::Reverse(place.at));
            match self.wait.pop() {
                Some((place, tokens)) if place.at <= until => {
                    self.now = self.now.max(place.at);
                    match self.bucket.due(self.now, rates, place) {
                        due if due.at <= self.now => self.went.push((self.now, due, tokens)),
                        other => self.wait.push((other, tokens)),
                    }
                }
                Some(waits) => {
                    self.wait.push(waits);
                    break;
                }
                None => break,
            }
        }
        self.now = until;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// However processes ask, leave, lose answers and are refused: no window sees more than a burst and
    /// what a limit gives for its length, and everybody goes in the end.
    #[test]
    fn no_window_gets_more_than_its_share_and_nobody_is_left(
        requests in 1_u64..600,
        tokens in 1_000_u64..100_000,
        all in prop::collection::vec(happens(), 1..120),
    ) {
        let rates = rates(requests, tokens);
        let mut calls = Calls::default();
        for what in &all {
            calls.happen(rates, what)?;
        }
        // Nobody waits longer than it takes to serve all that were ever asked, one after the other.
        let asked = all.len() as u64 * 2;
        let longest = Pace::of(requests).span(asked) + Pace::of(tokens).span(asked * 3_000) + 20 * SECOND;
        let start = calls.now;
        calls.pass(rates, start + longest);
        prop_assert_eq!(calls.wait.len(), 0);

        let (of_requests, of_tokens) = (Pace::of(requests), Pace::of(tokens));
        calls.went.sort_by_key(|(at, ..)| *at);
        let largest = calls.went.iter().map(|(_, _, took)| *took).max().unwrap_or(0);
        for (first, (from, ..)) in calls.went.iter().enumerate() {
            let mut took = 0;
            for (n, (until, _, tokens)) in (1..).zip(&calls.went[first..]) {
                took += tokens;
                // What comes in that time is no less than what it takes to bring back all but the burst.
                let lasted = until - from;
                let over = of_requests.span(u64::saturating_sub(n, of_requests.burst));
                prop_assert!(over <= lasted + i64::try_from(n).unwrap(), "{} requests in {} µs", n, lasted);
                let burst = of_tokens.burst.max(largest);
                let over = of_tokens.span(u64::saturating_sub(took, burst));
                prop_assert!(over <= lasted + i64::try_from(n).unwrap(), "{} tokens in {} µs", took, lasted);
            }
        }
    }
}
