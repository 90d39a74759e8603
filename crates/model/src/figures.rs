//! What a provider says of its limits.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Api;

/// What a provider says of its limits with an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateFigures {
    /// Of requests.
    pub requests: Allowance,
    /// Of tokens.
    pub tokens: Allowance,
}

/// How much of something is allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// How much in each window.
    pub limit: Option<u64>,
    /// How much is left of it.
    pub remaining: Option<u64>,
    /// Until all of it is there again.
    pub reset_in: Option<Duration>,
}

/// The longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What the headers of an answer say of limits, if anything. `header` looks one up by its name in small
/// letters. Gemini says nothing of them.
#[must_use]
pub fn figures<'h>(api: Api, header: &dyn Fn(&str) -> Option<&'h str>) -> Option<RateFigures> {
    let of = |what: &str| match api {
        Api::OpenAi => Allowance {
            limit: number(header(&format!("x-ratelimit-limit-{what}"))),
            remaining: number(header(&format!("x-ratelimit-remaining-{what}"))),
            reset_in: header(&format!("x-ratelimit-reset-{what}")).and_then(span),
        },
        Api::Anthropic => Allowance {
            limit: number(header(&format!("anthropic-ratelimit-{what}-limit"))),
            remaining: number(header(&format!("anthropic-ratelimit-{what}-remaining"))),
            reset_in: header(&format!("anthropic-ratelimit-{what}-reset"))
                .and_then(|at| at.trim().parse().ok())
                .and_then(|at| until(at, header)),
        },
        Api::Gemini => Allowance::default(),
    };
    let found = RateFigures { requests: of("requests"), tokens: of("tokens") };
    (found != RateFigures::default()).then_some(found)
}

/// How long an answer asks to be left alone: `retry-after-ms`, or `retry-after` in seconds or as a date,
/// which is counted from the answer's own. At most a day.
#[must_use]
pub fn retry_after<'h>(header: &dyn Fn(&str) -> Option<&'h str>) -> Option<Duration> {
    let exactly = header("retry-after-ms").and_then(|text| seconds(text, 1e-3));
    exactly.or_else(|| {
        let text = header("retry-after")?;
        seconds(text, 1.0).or_else(|| until(date(text)?, header))
    })
}

/// How long the body of Gemini's answer asks to be left alone.
pub(crate) fn retry_delay(body: &Value) -> Option<Duration> {
    let error = body.get(0).unwrap_or(body).get("error")?;
    let details = error.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    span(delay)
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.trim().parse().ok()
}

fn seconds(text: &str, unit: f64) -> Option<Duration> {
    // A sign or an exponent is nothing that a provider writes.
    let plain = text.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let count: f64 = text.trim().parse().ok().filter(|_| plain)?;
    Duration::try_from_secs_f64((count * unit).min(LONGEST.as_secs_f64())).ok()
}

/// `6m0s`, `1.5s`, `120ms`, or seconds without a unit.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if let Some(plain) = seconds(rest, 1.0) {
        return Some(plain);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (count, unit) = rest.split_at(end);
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, after) = unit.split_at(end);
        let unit = match unit {
            "d" => 86_400.0,
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            _ => return None,
        };
        total = (total + seconds(count, unit)?).min(LONGEST);
        rest = after;
    }
    (!text.trim().is_empty()).then_some(total)
}

fn date(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text.trim()).ok().map(|zoned| zoned.timestamp())
}

/// How long it is until then, by the clock of who answered.
fn until<'h>(then: Timestamp, header: &dyn Fn(&str) -> Option<&'h str>) -> Option<Duration> {
    let now = date(header("date")?)?;
    let wait = Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn header_of<'a>(headers: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<&'a str> {
        move |name| headers.iter().find(|(there, _)| *there == name).map(|(_, value)| *value)
    }

    fn allowance(limit: u64, remaining: u64, reset_ms: u64) -> Allowance {
        Allowance {
            limit: Some(limit),
            remaining: Some(remaining),
            reset_in: Some(Duration::from_millis(reset_ms)),
        }
    }

    #[test]
    fn headers_become_figures() {
        let openai = [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "6m0.5s"),
        ];
        let expected =
            RateFigures { requests: allowance(60, 59, 1000), tokens: allowance(150_000, 0, 360_500) };
        assert_eq!(figures(Api::OpenAi, &header_of(&openai)), Some(expected));
        assert_eq!(figures(Api::Anthropic, &header_of(&openai)), None);

        let anthropic = [
            ("date", "Sat, 21 Nov 2026 10:00:00 GMT"),
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-11-21T10:00:01Z"),
            ("anthropic-ratelimit-tokens-limit", "80000"),
            ("anthropic-ratelimit-tokens-remaining", "79000"),
            // Past already: nothing to wait for.
            ("anthropic-ratelimit-tokens-reset", "2026-11-21T09:59:59Z"),
        ];
        let expected =
            RateFigures { requests: allowance(50, 49, 1000), tokens: allowance(80_000, 79_000, 0) };
        assert_eq!(figures(Api::Anthropic, &header_of(&anthropic)), Some(expected));

        let odd = [("x-ratelimit-limit-requests", "many"), ("x-ratelimit-reset-requests", "soon")];
        assert_eq!(figures(Api::OpenAi, &header_of(&odd)), None);
        assert_eq!(figures(Api::Gemini, &header_of(&openai)), None);
    }

    #[test]
    fn waits_are_read_in_every_form() {
        const DATE: (&str, &str) = ("date", "Sat, 21 Nov 2026 10:00:00 GMT");
        let day = 24 * 60 * 60 * 1000;
        type Headers = &'static [(&'static str, &'static str)];
        let cases: [(Headers, Option<u64>); 9] = [
            (&[("retry-after", "7")], Some(7000)),
            (&[("retry-after", "0.25")], Some(250)),
            (&[("retry-after", "7"), ("retry-after-ms", "6500")], Some(6500)),
            (&[("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT"), DATE], Some(30_000)),
            (&[("retry-after", "Sat, 21 Nov 2026 09:00:00 GMT"), DATE], Some(0)),
            (&[("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT")], None),
            (&[("retry-after", "99999999999999999999")], Some(day)),
            (&[("retry-after", "-1")], None),
            (&[], None),
        ];
        for (headers, expected) in cases {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(retry_after(&header_of(headers)), expected, "{headers:?}");
        }
        let body = json!([{"error": {"code": 429, "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}
        ]}}]);
        assert_eq!(retry_delay(&body), Some(Duration::from_millis(34_400)));
        assert_eq!(retry_delay(&json!({"error": "no"})), None);
    }

    #[test]
    fn spans_are_read_or_not_at_all() {
        let cases = [
            ("1h2m3s", Some(3_723_000)),
            ("120ms", Some(120)),
            ("2d", Some(86_400_000)),
            ("1.5", Some(1500)),
            ("0s", Some(0)),
            ("", None),
            ("s", None),
            ("5x", None),
            ("1.2.3s", None),
            ("9999999999999999999999999d9d", Some(86_400_000)),
        ];
        for (text, expected) in cases {
            assert_eq!(span(text), expected.map(Duration::from_millis), "{text:?}");
        }
    }
}
