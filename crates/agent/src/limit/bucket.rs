//! How much of a provider's rate limit an organisation has used. Pure.
//!
//! Each call is given the moment at which it may go when it asks, by virtual scheduling: a meter knows when
//! all of its allowance will be there again, and each call puts that off by its share of a minute. So
//! nobody polls, and nobody races for a place: of those who wait each knows how long.
//!
//! A tenth of a minute's allowance may go at once, and the rest of it comes evenly. Together that is no more
//! than the limit in any minute, however the provider counts its minutes.

use std::time::Duration;

use longhaul_model::{Allowance, RateFigures, Rates};
use serde::{Deserialize, Serialize};

/// A moment, in microseconds of the log's clock.
pub(super) type Moment = i64;

const MINUTE: u64 = 60_000_000;

/// Which part of a minute's allowance may go at once.
const BURST: u64 = 10;

/// What is taken for the requests a minute of a provider that names no limit, once it has said no.
const GUESS: u64 = 60;

/// Most places that were given back and wait for somebody who takes them.
const MOST_FREE: usize = 64;

/// A call's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// When it may go.
    pub(super) at: Moment,
    /// The tokens it was given.
    pub(super) tokens: u64,
    /// When all tokens would have been there again, right after.
    #[serde(skip)]
    full_at: Moment,
}

/// What an organisation's processes know together of one provider's limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Bucket {
    requests: Meter,
    tokens: Meter,
    /// The provider is left alone until then: it said so.
    shut_until: Moment,
    /// Places that were given back, the soonest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    free: Vec<Place>,
}

impl Bucket {
    /// A place for a call of so many tokens.
    pub(super) fn reserve(&mut self, now: Moment, rates: Rates, tokens: u64) -> Place {
        let (of_requests, of_tokens) = (self.requests.pace(rates.requests), self.tokens.pace(rates.tokens));
        let earliest = self.requests.earliest(of_requests, 1).max(self.tokens.earliest(of_tokens, tokens));
        let at = now.max(self.shut_until).max(earliest);
        self.free.retain(|free| free.at >= now);
        let open = self.shut_until;
        if let Some(n) = self.free.iter().position(|free| free.at >= open && free.tokens >= tokens)
            && self.free[n].at <= at
        {
            return self.free.remove(n);
        }
        self.requests.take(of_requests, at, 1);
        let full_at = self.tokens.take(of_tokens, at, tokens);
        Place { at, tokens, full_at }
    }

    /// Whether the holder of a place whose moment has come has to wait on, and for which other place:
    /// the provider may have said no meanwhile.
    pub(super) fn due(&mut self, now: Moment, rates: Rates, place: Place) -> Place {
        if self.shut_until <= now { place } else { self.reserve(now, rates, place.tokens) }
    }

    /// A place that nobody will use goes to the next who fits in.
    pub(super) fn give_back(&mut self, now: Moment, place: Place) {
        self.free.retain(|free| free.at >= now);
        if place.at >= now && self.free.len() < MOST_FREE {
            let after = self.free.partition_point(|free| free.at <= place.at);
            self.free.insert(after, place);
        }
    }

    /// What a call has cost in the end. What it took beyond its place is charged; what it left over is
    /// given back if nobody has reckoned with it since.
    pub(super) fn settle(&mut self, now: Moment, rates: Rates, place: Place, spent: u64) {
        if let Some(guess) = self.requests.guess.as_mut().filter(|_| spent > 0) {
            // It goes well: twice as much after a minute of it.
            *guess += 1;
        }
        let Some(pace) = self.tokens.pace(rates.tokens) else { return };
        if spent > place.tokens {
            self.tokens.take(Some(pace), now, spent - place.tokens);
        } else if self.tokens.full_at == place.full_at {
            // What has drained already was somebody's allowance in the meantime.
            let left = pace.span(place.tokens - spent).min(place.full_at - now).max(0);
            self.tokens.full_at -= left;
        }
    }

    /// The provider says how much it sees as used: it knows better.
    pub(super) fn heard(&mut self, now: Moment, rates: Rates, figures: &RateFigures) {
        self.requests.heard(now, rates.requests, &figures.requests);
        self.tokens.heard(now, rates.tokens, &figures.tokens);
    }

    /// The provider said no, and wants to be left alone for so long. If nobody knows how much it allows,
    /// that is guessed from now on: those who wait would all come at once again.
    pub(super) fn refused(&mut self, now: Moment, rates: Rates, wait: Duration) {
        // Of those who hear it together one counts.
        if now >= self.shut_until && rates.requests.or(self.requests.limit).is_none() {
            self.requests.guess = Some(self.requests.guess.map_or(GUESS, |guess| (guess / 2).max(1)));
        }
        self.shut_until = self.shut_until.max(now.saturating_add(micros(wait)));
    }

    /// With what a process knows that went on alone for a while.
    pub(super) fn merge(&mut self, alone: &Self) {
        self.requests.merge(alone.requests);
        self.tokens.merge(alone.tokens);
        self.shut_until = self.shut_until.max(alone.shut_until);
    }
}

fn micros(wait: Duration) -> i64 {
    i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)
}

/// How much of one thing is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Meter {
    /// When all of a burst is there again.
    full_at: Moment,
    /// How much a minute the provider allows, as it said itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    /// What it seems to allow, if nobody says.
    #[serde(skip_serializing_if = "Option::is_none")]
    guess: Option<u64>,
}

/// How fast something may go.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// So much at once.
    burst: u64,
    /// So much a minute.
    steady: u64,
}

impl Pace {
    fn of(limit: u64) -> Self {
        let burst = (limit / BURST).max(1);
        Self { burst, steady: limit.max(1) - burst + 1 }
    }

    /// How long it takes until so much is there again.
    fn span(self, n: u64) -> i64 {
        // Whole microseconds for each, so that spans add up.
        i64::try_from(n.saturating_mul(MINUTE.div_ceil(self.steady))).unwrap_or(i64::MAX)
    }
}

impl Meter {
    /// As the settings or the provider have it, whichever is less; else as it is guessed, if it is.
    fn pace(self, told: Option<u64>) -> Option<Pace> {
        let least = [told, self.limit].into_iter().flatten().min();
        least.or(self.guess).map(Pace::of)
    }

    /// When so much is there, as far as this goes. Who wants more than a burst waits for all of it.
    fn earliest(self, pace: Option<Pace>, n: u64) -> Moment {
        let Some(pace) = pace else { return Moment::MIN };
        self.full_at.saturating_sub(pace.span(pace.burst.saturating_sub(n)))
    }

    /// Takes so much at that moment.
    fn take(&mut self, pace: Option<Pace>, at: Moment, n: u64) -> Moment {
        if let Some(pace) = pace {
            self.full_at = self.full_at.max(at).saturating_add(pace.span(n));
        }
        self.full_at
    }

    fn heard(&mut self, now: Moment, told: Option<u64>, said: &Allowance) {
        if let Some(limit) = said.limit.filter(|limit| *limit > 0) {
            self.limit = Some(limit);
        }
        let (Some(pace), Some(remaining)) = (self.pace(told), said.remaining) else { return };
        let missing = pace.burst.saturating_sub(remaining);
        if missing == 0 {
            return;
        }
        let mut wait = pace.span(missing);
        if let (0, Some(limit), Some(reset)) =
            (remaining, said.limit.filter(|limit| *limit > 0), said.reset_in)
        {
            // Its limit may be one of a day: how fast it comes back tells.
            let one = micros(reset) / i64::try_from(limit).unwrap_or(i64::MAX);
            wait = wait.saturating_add((one - pace.span(1)).max(0));
        }
        self.full_at = self.full_at.max(now.saturating_add(wait));
    }

    fn merge(&mut self, other: Self) {
        self.full_at = self.full_at.max(other.full_at);
        self.limit = self.limit.or(other.limit);
        self.guess = self.guess.or(other.guess);
    }
}

#[cfg(test)]
#[path = "bucket_tests.rs"]
mod tests;
