//! What the library's errors mean. Its texts, and those of the HTTP client, are never passed on: they hold
//! addresses, and may hold more. What a provider itself says is, cleaned and cut.

use rig_core::ProviderError;
use rig_core::ProviderResponseError;
use rig_core::http_client;
use serde_json::Value;

use super::http::Fault;
use crate::figures::{retry_after, retry_delay};
use crate::{Api, Class, Error, ProviderSettings, Secret, figures};

/// The longest message, in characters.
const LONGEST: usize = 300;

/// Tells errors of one provider.
pub(super) struct Teller<'a> {
    name: &'a str,
    api: Api,
    key: Option<&'a Secret>,
    patience: u64,
}

impl<'a> Teller<'a> {
    pub(super) fn of(settings: &'a ProviderSettings) -> Self {
        Self {
            name: &settings.name,
            api: settings.api,
            key: settings.key.as_ref(),
            patience: settings.patience.as_secs(),
        }
    }

    /// An error in words of ours.
    pub(super) fn tell(&self, class: Class, what: String) -> Error {
        Error::new(class, self.clean(&format!("{} {what}", self.name)))
    }

    /// The error for one of the library's.
    pub(super) fn error(&self, error: &ProviderError) -> Error {
        if let Some(answer) = error.provider_response() {
            return self.answered(answer);
        }
        let (class, what) = match error {
            ProviderError::Http(error) => match fault(error) {
                Some(Fault::Timeout) => (Class::Timeout, format!("said nothing for {} s", self.patience)),
                Some(Fault::Unreachable) => {
                    let what = "cannot be reached: no connection to it, or no secure one; look at base-url \
                                and the network";
                    (Class::Unavailable, what.to_owned())
                }
                Some(Fault::Unanswered) => {
                    (Class::Unavailable, "closed the connection without an answer".to_owned())
                }
                Some(Fault::Broken) => (Class::BrokenOff, "broke off in the middle of its answer".to_owned()),
                Some(Fault::Endless) => (Class::Malformed, "sent an answer without an end".to_owned()),
                Some(Fault::Foreign) => {
                    (Class::BadRequest, "was to be sent something it never is".to_owned())
                }
                None => (Class::Malformed, "did not answer in its API; look at base-url and api".to_owned()),
            },
            ProviderError::Truncated => (Class::BrokenOff, "ended its answer before the end".to_owned()),
            ProviderError::Json(_) | ProviderError::Response(_) => {
                (Class::Malformed, "sent something that cannot be read".to_owned())
            }
            ProviderError::Provider(_) => (Class::Unavailable, "failed, and does not say why".to_owned()),
            _ => (Class::BadRequest, "cannot be asked this".to_owned()),
        };
        self.tell(class, what)
    }

    /// The error for an answer that says no.
    fn answered(&self, answer: &ProviderResponseError) -> Error {
        let body = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        let (code, said) = said(&body);
        let code = code.or(answer.code.as_deref()).unwrap_or_default();
        let status = answer.status.map(|status| status.as_u16());
        let class = if answer.refusal { Class::Refused } else { class(status, code, said) };
        let number =
            status.filter(|status| *status != 200).map_or(String::new(), |status| format!(" {status}"));
        let what = match class {
            // What it says of a key may quote it.
            Class::Unauthorised => {
                format!("answers{number}: it does not take the key, or the key may not do this")
            }
            _ if status.is_some_and(|status| (300..400).contains(&status)) => {
                format!("answers{number}: it is elsewhere; set base-url to where it really is")
            }
            Class::Refused if said.is_empty() => "refuses to answer this".to_owned(),
            _ if said.is_empty() => format!("answers{number}"),
            _ => format!("answers{number}: {said}"),
        };
        let mut error = self.tell(class, what);
        if let Some(headers) = &answer.headers {
            let header = |name: &str| headers.get(name)?.to_str().ok();
            error.figures = figures(self.api, &header).map(Box::new);
            error.retry_after = retry_after(&header);
        }
        error.retry_after = error.retry_after.or_else(|| retry_delay(&body));
        error
    }

    /// A text that may be shown: one line, no key, not long.
    pub(super) fn clean(&self, text: &str) -> String {
        clean(text, self.key.map(Secret::expose))
    }
}

fn clean(text: &str, key: Option<&str>) -> String {
    let text = match key {
        Some(key) => text.replace(key, "[key]"),
        None => text.to_owned(),
    };
    // Signs that turn or hide text are as unwanted as those that end a line.
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let line: String = text.chars().map(|c| if hides(c) { ' ' } else { c }).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn fault(error: &http_client::Error) -> Option<Fault> {
    match error {
        http_client::Error::Instance(inner) => inner.downcast_ref::<Fault>().copied(),
        http_client::Error::StreamEnded => Some(Fault::Broken),
        _ => None,
    }
}

/// Code and words of an answer that says no, in any of the forms there are.
fn said(body: &Value) -> (Option<&str>, &str) {
    // Gemini puts its error in a list when it was asked for a stream.
    let body = body.get(0).unwrap_or(body);
    let error = body.get("error").unwrap_or(body);
    let words = error.as_str().or_else(|| error.get("message")?.as_str()).unwrap_or_default();
    let code = ["code", "status", "type"].iter().find_map(|name| error.get(name)?.as_str());
    (code, words)
}

/// What kind of failure an answer is that says no.
fn class(status: Option<u16>, code: &str, said: &str) -> Class {
    let (code, said) = (code.to_ascii_lowercase(), said.to_ascii_lowercase());
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let limited = status == Some(429);
    if !limited && (code == "context_length_exceeded" || says(&TOO_LONG)) {
        return Class::TooLong;
    }
    if REFUSES.contains(&code.as_str()) {
        return Class::Refused;
    }
    if NO_ENTRY.contains(&code.as_str()) || says(&["api key not valid", "credit balance is too low"]) {
        return Class::Unauthorised;
    }
    match status {
        Some(401..=403) => Class::Unauthorised,
        Some(408) => Class::Timeout,
        Some(413) => Class::TooLong,
        Some(429) => Class::RateLimited,
        Some(425 | 409 | 500..) => Class::Unavailable,
        Some(300..) => Class::BadRequest,
        // In the middle of a stream, where there is no status any more.
        _ if ["rate_limit", "resource_exhausted", "429"].iter().any(|word| code.contains(word)) => {
            Class::RateLimited
        }
        _ if ["invalid", "not_found"].iter().any(|word| code.contains(word)) => Class::BadRequest,
        _ => Class::Unavailable,
    }
}

/// How providers say that a dialog is too long.
const TOO_LONG: [&str; 8] = [
    "context length",
    "context window",
    "context size",
    "prompt is too long",
    "input is too long",
    "maximum number of tokens",
    "reduce the length",
    "input token count",
];

/// Codes of what will not be answered.
const REFUSES: [&str; 3] = ["content_filter", "content_policy_violation", "responsibleaipolicyviolation"];

/// Codes of keys that are wrong, or have nothing left to spend.
const NO_ENTRY: [&str; 8] = [
    "invalid_api_key",
    "insufficient_quota",
    "billing_not_active",
    "authentication_error",
    "permission_error",
    "billing_error",
    "unauthenticated",
    "permission_denied",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_that_say_no_have_their_class() {
        let cases = [
            (
                Some(400),
                json!({"error": {"message": "bad", "type": "invalid_request_error"}}),
                Class::BadRequest,
            ),
            (
                Some(400),
                json!({"error": {"message": "This model's maximum context length is 8192 tokens",
                    "type": "invalid_request_error", "code": "context_length_exceeded"}}),
                Class::TooLong,
            ),
            (
                Some(400),
                json!({"type": "error", "error": {"type": "invalid_request_error",
                    "message": "prompt is too long: 210000 tokens > 200000 maximum"}}),
                Class::TooLong,
            ),
            (
                Some(400),
                json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT",
                    "message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."}}]),
                Class::TooLong,
            ),
            (Some(413), json!({"error": {"type": "request_too_large", "message": "large"}}), Class::TooLong),
            (
                Some(400),
                json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
                    "message": "API key not valid. Please pass a valid API key."}}),
                Class::Unauthorised,
            ),
            (Some(401), json!({"error": {"code": "invalid_api_key", "message": "no"}}), Class::Unauthorised),
            (Some(403), json!({}), Class::Unauthorised),
            (Some(404), json!({"error": {"code": "model_not_found", "message": "no m9"}}), Class::BadRequest),
            (
                Some(429),
                json!({"error": {"type": "tokens", "code": "rate_limit_exceeded",
                    "message": "Request too large: reduce the length of the messages"}}),
                Class::RateLimited,
            ),
            (
                Some(429),
                json!({"error": {"type": "insufficient_quota", "code": "insufficient_quota"}}),
                Class::Unauthorised,
            ),
            (Some(400), json!({"error": {"code": "content_policy_violation"}}), Class::Refused),
            (Some(500), json!({"error": "boom"}), Class::Unavailable),
            (Some(529), json!({"error": {"type": "overloaded_error"}}), Class::Unavailable),
            (Some(408), Value::Null, Class::Timeout),
            (Some(302), Value::Null, Class::BadRequest),
            (Some(200), json!({"error": {"type": "overloaded_error"}}), Class::Unavailable),
            (None, json!({"error": {"type": "rate_limit_error"}}), Class::RateLimited),
            (None, json!({"error": {"type": "invalid_request_error"}}), Class::BadRequest),
            (None, json!({"error": {"type": "authentication_error"}}), Class::Unauthorised),
        ];
        for (status, body, expected) in cases {
            let (code, words) = said(&body);
            assert_eq!(class(status, code.unwrap_or_default(), words), expected, "{status:?} {body}");
        }
    }

    #[test]
    fn what_a_provider_says_is_one_short_line_without_the_key() {
        let cleaned = clean("no\r\n\u{202e}key sk-1\u{0}2 or sk-12", Some("sk-12"));
        assert_eq!(cleaned, "no key sk-1 2 or [key]");
        let long = clean(&"é".repeat(1000), None);
        assert_eq!((long.chars().count(), long.ends_with('…')), (300, true));
    }
}
