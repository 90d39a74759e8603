//! Prepared answers: to what, and with what.

use serde_json::{Value, json};

/// An answer to a dialog whose person says `to` somewhere, at its `turn`-th turn (from 0).
#[must_use]
pub fn text(to: &str, turn: usize, text: &str) -> Value {
    answer(to, turn, json!({ "content": text }))
}

/// The same, and what it cost is told.
#[must_use]
pub fn counted(to: &str, turn: usize, text: &str, input: u64, output: u64) -> Value {
    let usage =
        json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
    answer(to, turn, json!({ "content": text, "usage": usage }))
}

/// An answer that calls tools: id, name, arguments.
#[must_use]
pub fn calls(to: &str, turn: usize, text: &str, calls: &[(&str, &str, Value)]) -> Value {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(id, name, arguments)| json!({ "id": id, "name": name, "arguments": arguments }))
        .collect();
    answer(to, turn, json!({ "content": text, "toolCalls": calls }))
}

/// The same, and what it cost is told: input, output.
#[must_use]
pub fn counted_calls(to: &str, turn: usize, calls: &[(&str, &str, Value)], cost: (u64, u64)) -> Value {
    let mut answer = self::calls(to, turn, "", calls);
    let (input, output) = cost;
    answer["response"]["usage"] =
        json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
    answer["response"]["content"] = "I go on with the next part of it, and say so in a few words.".into();
    answer
}

/// An answer that says no.
#[must_use]
pub fn error(to: &str, status: u16, message: &str, retry_after: Option<u64>) -> Value {
    let mut response = json!({ "error": { "message": message, "type": "error" }, "status": status });
    if let Some(seconds) = retry_after {
        response["retryAfter"] = seconds.into();
    }
    json!({ "match": { "userMessage": to }, "response": response })
}

fn answer(to: &str, turn: usize, response: Value) -> Value {
    json!({ "match": { "userMessage": to, "turnIndex": turn }, "response": response })
}
