//! The tools over a data set, as a language model calls them: JSON in, JSON out.
//!
//! The built-in analyst reads its data through the same tools and within the same budget. A call
//! that cannot be served is answered too, with a code and a sentence: nothing a caller sends makes a
//! tool fail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::data::{Dataset, Dialect, QueryError, Rows, Schema, Stop};
use crate::skills::{Skill, Skills};

/// Queries of one task where nothing else is said.
pub const QUERIES: u32 = 3;

/// The tools of one task.
pub struct Tools {
    data: Dataset,
    skills: Skills,
    budget: u32,
    used: u32,
}

/// What `execute_sql` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlCall {
    /// One SELECT statement.
    pub sql: String,
    /// What it is for: stands in the document's table of queries.
    pub purpose: String,
}

/// What `read_skill` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SkillCall {
    name: String,
}

/// What a tool is, for whoever may call it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// What it does and when to call it.
    pub description: String,
    /// The JSON Schema of its input.
    pub input_schema: Value,
}

/// Why a call was not served. It is an answer, not a failure: the caller may do better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For programs: `budget_spent`, `bad_call`, `not_found`, `refused`, `invalid`, `too_slow`,
    /// `stopped`, `failed`.
    pub code: String,
    /// For people and models: what is wrong, and what to do.
    pub message: String,
}

impl Refusal {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        let code = match &error {
            QueryError::NotAQuery { .. } | QueryError::Refused { .. } => "refused",
            QueryError::Invalid { .. } => "invalid",
            QueryError::TooSlow { .. } => "too_slow",
            QueryError::Stopped => "stopped",
            QueryError::Failed { .. } => "failed",
        };
        Self::new(code, error.to_string())
    }
}

impl Tools {
    /// The tools over a data set, with so many queries.
    #[must_use]
    pub fn new(data: Dataset, skills: Skills, budget: u32) -> Self {
        Self { data, skills, budget, used: 0 }
    }

    /// How many queries are left.
    #[must_use]
    pub fn queries_left(&self) -> u32 {
        self.budget.saturating_sub(self.used)
    }

    /// How many queries were run, those that failed or were stopped included.
    #[must_use]
    pub fn queries_used(&self) -> u32 {
        self.used
    }

    /// Stops what runs now, and everything after it.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.data.stop()
    }

    /// The skills at hand.
    #[must_use]
    pub fn skills(&self) -> &Skills {
        &self.skills
    }

    /// What the data set consists of.
    #[must_use]
    pub fn get_schema(&self) -> &Schema {
        self.data.schema()
    }

    /// Looks whether a query would be run, without running it.
    ///
    /// # Errors
    ///
    /// It is refused, or not valid.
    pub fn check(&mut self, call: &SqlCall) -> Result<(), Refusal> {
        Ok(self.data.check(&call.sql)?)
    }

    /// What a query would take, without running it: see [`Dataset::figures`].
    ///
    /// # Errors
    ///
    /// It is refused, or not valid.
    pub fn figures(&mut self, call: &SqlCall) -> Result<BTreeMap<String, u64>, Refusal> {
        Ok(self.data.figures(&call.sql)?)
    }

    /// Runs one query of the budget. What is refused before it runs costs nothing.
    ///
    /// # Errors
    ///
    /// The budget is spent, or the query gives no rows: see [`QueryError`].
    pub fn execute_sql(&mut self, call: &SqlCall) -> Result<Rows, Refusal> {
        if self.queries_left() == 0 {
            return Err(Refusal::new(
                "budget_spent",
                format!(
                    "the budget of {} queries is spent; write the report from what is known",
                    self.budget
                ),
            ));
        }
        let answer = self.data.query(&call.sql);
        if answer.as_ref().map_or_else(QueryError::ran, |_| true) {
            self.used += 1;
        }
        Ok(answer?)
    }

    /// The text of a skill.
    ///
    /// # Errors
    ///
    /// There is none of that name; the refusal lists those there are.
    pub fn read_skill(&self, name: &str) -> Result<&Skill, Refusal> {
        self.skills.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.skills.iter().map(|skill| skill.name.as_str()).collect();
            Refusal::new("not_found", format!("there is no skill {name:?}; there are {}", known.join(", ")))
        })
    }

    /// What tools there are.
    #[must_use]
    pub fn definitions(&self) -> Vec<Definition> {
        let known: Vec<String> =
            self.skills.iter().map(|skill| format!("{}: {}", skill.name, skill.description)).collect();
        let dialect = match self.get_schema().dialect {
            Dialect::Sqlite => "SQLite",
            Dialect::Postgres => "PostgreSQL",
        };
        let object = |properties: Value, required: Value| json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
        vec![
            Definition {
                name: "get_schema",
                description:
                    "The tables of the data set with row counts, columns, types, keys, date ranges and \
                              sample values. Costs no query."
                        .to_owned(),
                input_schema: object(json!({}), json!([])),
            },
            Definition {
                name: "execute_sql",
                description: format!(
                    "Runs one SELECT statement in {dialect}'s dialect and gives its rows. Reading only. {} \
                     queries are allowed in all: let each carry as much as it can.",
                    self.budget
                ),
                input_schema: object(
                    json!({
                        "sql": { "type": "string", "description": "one SELECT statement" },
                        "purpose": { "type": "string", "description": "what it is for, in a few words" },
                    }),
                    json!(["sql", "purpose"]),
                ),
            },
            Definition {
                name: "read_skill",
                description: format!("How a certain kind of report is made well. {}", known.join(" ")),
                input_schema: object(json!({ "name": { "type": "string" } }), json!(["name"])),
            },
        ]
    }

    /// Serves a call as a model sends it. The answer is an object: the tool's, or `{"error": {"code",
    /// "message"}}`; with `queries_left` in both.
    pub fn call(&mut self, name: &str, input: Value) -> Value {
        let served = match name {
            "get_schema" => as_value(self.get_schema()),
            "execute_sql" => read::<SqlCall>(input).and_then(|call| as_value(&self.execute_sql(&call)?)),
            "read_skill" => read::<SkillCall>(input).and_then(|call| as_value(self.read_skill(&call.name)?)),
            _ => Err(Refusal::new(
                "not_found",
                format!("there is no tool {name:?}; there are get_schema, execute_sql and read_skill"),
            )),
        };
        let mut answer = served.unwrap_or_else(|refusal| json!({ "error": refusal }));
        answer["queries_left"] = self.queries_left().into();
        answer
    }
}

fn read<T: serde::de::DeserializeOwned>(input: Value) -> Result<T, Refusal> {
    serde_json::from_value(input)
        .map_err(|error| Refusal::new("bad_call", format!("the input does not fit the tool: {error}")))
}

fn as_value(value: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| Refusal::new("failed", error.to_string()))
}
