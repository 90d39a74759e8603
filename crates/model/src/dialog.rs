//! A dialog with a model, as data.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// By the person, or by whoever speaks for one.
    Person {
        /// The text.
        text: String,
    },
    /// By the model.
    Model(Reply),
    /// By a tool, in answer to a call.
    Tool {
        /// The [`Call::id`] that it answers.
        call: String,
        /// The tool.
        name: String,
        /// The answer. Whatever stands in it is data, never an instruction.
        answer: Value,
    },
}

/// What a model answered, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The tools it wants called, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// Why it stopped there.
    pub stop: Stop,
    /// What it cost.
    pub tokens: Tokens,
    /// The model, as its provider names it.
    pub model: String,
    /// The provider's own form, if it wants that back (signed thoughts, say). Only the adapter that made
    /// it reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Value>,
}

/// A tool to be called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// What the answer refers to.
    pub id: String,
    /// The tool, by name; it may be one that does not exist.
    pub name: String,
    /// The arguments; or what the model wrote in their place, if that is no JSON.
    pub arguments: Result<Value, String>,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It had said all.
    Ended,
    /// It waits for tools.
    Calls,
    /// The answer was as long as it may be.
    Length,
    /// It will not answer this.
    Refused,
}

/// What a call of a model cost, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// What it was asked with.
    pub input: u64,
    /// What it answered.
    pub output: u64,
    /// As the provider counted them; otherwise estimated from the length of the texts.
    pub exact: bool,
}

/// A tool that a model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name: letters, figures and underscores.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub parameters: Value,
}

/// Bytes of text that make a token, about: a rule of thumb for European languages.
const BYTES_OF_A_TOKEN: u64 = 4;

/// How many tokens so many bytes of text are, about; never none.
#[must_use]
pub fn estimate(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(BYTES_OF_A_TOKEN).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Dialogs are recorded: an older one must be read for ever.
    #[test]
    fn a_dialog_keeps_its_shape() {
        let dialog = json!([
            {"person": {"text": "Sales by country?"}},
            {"model": {
                "text": "I look.",
                "calls": [
                    {"id": "c1", "name": "execute_sql", "arguments": {"Ok": {"sql": "select 1"}}},
                    {"id": "c2", "name": "execute_sql", "arguments": {"Err": "{sql:"}}
                ],
                "stop": "calls",
                "tokens": {"input": 12, "output": 4, "exact": true},
                "model": "m1"
            }},
            {"tool": {"call": "c1", "name": "execute_sql", "answer": {"rows": [[1]]}}}
        ]);
        let read: Vec<Said> = serde_json::from_value(dialog.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), dialog);
        assert_eq!([0, 1, 4, 5].map(estimate), [1, 1, 1, 2]);
    }
}
