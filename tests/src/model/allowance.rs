//! What a provider allows, counted as providers count: so much at once, and so much comes back a minute.

use std::time::{Duration, Instant};

use super::relay::Asked;

/// What a provider allows.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Requests a minute.
    pub per_minute: u32,
    /// Requests at once.
    pub at_once: u32,
    /// Tokens a minute; those of a question are a fourth of its bytes, those of an answer are not counted.
    pub tokens: u32,
    /// Whether good answers say how much is left.
    pub tells: bool,
}

/// A provider's account of one key.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) limit: Limit,
    requests: Level,
    tokens: Level,
}

#[derive(Debug)]
struct Level {
    used: f64,
    most: f64,
    per_second: f64,
    at: Instant,
}

impl Account {
    pub(super) fn new(limit: Limit) -> Self {
        let level = |most: u32, per_minute: u32| Level {
            used: 0.0,
            most: most.into(),
            per_second: f64::from(per_minute) / 60.0,
            at: Instant::now(),
        };
        let requests = level(limit.at_once, limit.per_minute);
        Self { limit, requests, tokens: level(limit.tokens, limit.tokens) }
    }

    /// Counts a question; what the headers say of it, and how long it has to wait if it is too much.
    pub(super) fn count(&mut self, asked: &Asked) -> (Vec<(String, String)>, Option<Duration>) {
        let bytes = u32::try_from(asked.body.to_string().len()).unwrap_or(u32::MAX);
        let tokens = f64::from(bytes / 4);
        let wait = self.requests.until(1.0).max(self.tokens.until(tokens));
        let refused = !wait.is_zero();
        if !refused {
            self.requests.used += 1.0;
            self.tokens.used += tokens;
        }
        let mut headers = Vec::new();
        for (of, level, limit) in
            [("requests", &self.requests, self.limit.per_minute), ("tokens", &self.tokens, self.limit.tokens)]
        {
            let mut say =
                |what: &str, value: String| headers.push((format!("x-ratelimit-{what}-{of}"), value));
            say("limit", limit.to_string());
            say("remaining", format!("{:.0}", (level.most - level.used).floor()));
            say("reset", format!("{:.3}s", level.used / level.per_second));
        }
        if refused {
            headers.push(("retry-after-ms".to_owned(), wait.as_millis().saturating_add(1).to_string()));
        }
        (headers, refused.then_some(wait))
    }
}

impl Level {
    /// How long it takes until so much is there.
    fn until(&mut self, n: f64) -> Duration {
        let now = Instant::now();
        let back = now.duration_since(self.at).as_secs_f64() * self.per_second;
        (self.used, self.at) = ((self.used - back).max(0.0), now);
        Duration::from_secs_f64(((self.used + n - self.most) / self.per_second).max(0.0))
    }
}
