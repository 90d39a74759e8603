//! A conversation as it stands: a fold over what was recorded. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use longhaul_document::Document;
use longhaul_model::{Ask, Call, Reply, Said, Tool};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::opening::Opening;
use crate::draft::{Draft, Fault, Kept, WRITE_REPORT, assemble};
use crate::tools::{Refusal, SqlCall};

/// Calls of one turn that are served.
pub(super) const CALLS: usize = 8;
/// Bytes of an answer to the model.
const ANSWER: usize = 32 * 1024;
/// How often a report may be handed in that does not fit.
const TRIES: u32 = 3;
/// Faults that the model is told at once.
const FAULTS: usize = 20;
/// The most tokens of one answer.
const OUTPUT: u32 = 8_192;

/// One turn of the model, as it is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Turn {
    /// What it was told first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<String>,
    /// Whether it is the last, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<Last>,
    /// What it answered.
    pub(super) reply: Reply,
}

/// Why a turn is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Last {
    /// There are no more.
    Turns,
    /// The budget of tokens does not last for more.
    Tokens,
}

/// What a call of a tool gave, as it is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Served {
    pub(super) answer: Answer,
    /// Whether it cost a query.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) paid: bool,
}

/// An answer of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Rows, kept for the report.
    Rows(Kept),
    /// Anything else.
    Value(Value),
    /// It was not served.
    Refused(Refusal),
}

/// What a call comes to.
pub(super) enum Wanted {
    /// The answer follows from what is known.
    Known(Value),
    /// The data must be asked.
    Query(SqlCall),
    /// The description of the data.
    Schema,
    /// A skill, by name.
    Skill(String),
    /// The report, whole.
    Report(Box<Document>),
}

impl Wanted {
    /// The step in which it is served; nothing if it needs none.
    pub(super) fn step(&self) -> Option<&'static str> {
        match self {
            Self::Known(_) | Self::Report(_) => None,
            Self::Query(_) => Some("execute_sql"),
            Self::Schema => Some("get_schema"),
            Self::Skill(_) => Some("read_skill"),
        }
    }
}

/// A conversation as it stands.
pub(crate) struct Talk {
    system: String,
    tools: Arc<[Tool]>,
    dialog: Vec<Said>,
    queries: u32,
    spent: u32,
    /// The queries that gave rows; their numbers are their places, counted from 1.
    pub(crate) kept: Vec<Kept>,
    /// What the model said on the way.
    pub(crate) texts: Vec<String>,
    steps: BTreeMap<&'static str, u32>,
    /// How often the report did not fit, or was not handed in.
    misses: u32,
    /// The last of what did not fit.
    pub(super) fault: Option<String>,
    last: Option<Last>,
    /// Whether the model ended without handing in a report.
    silent: bool,
}

impl Talk {
    pub(super) fn new(opening: &Opening, request: &str) -> Self {
        Self {
            system: opening.system(),
            tools: opening.tools.clone().into(),
            dialog: vec![Said::Person { text: request.to_owned() }],
            queries: opening.queries,
            spent: 0,
            kept: Vec::new(),
            texts: Vec::new(),
            steps: BTreeMap::new(),
            misses: 0,
            fault: None,
            last: None,
            silent: false,
        }
    }

    /// The next question, and what the model is told in it.
    pub(super) fn ask(&self, last: Option<Last>) -> (Option<String>, Ask) {
        let told = match last {
            Some(why) => {
                let why = match why {
                    Last::Turns => "This is your last turn",
                    Last::Tokens => "The budget of tokens is nearly spent, this is your last turn",
                };
                Some(format!("{why}: call {WRITE_REPORT} now, with what is known."))
            }
            None if self.silent => {
                Some(format!("Nothing was handed in. Call {WRITE_REPORT}, or a tool before it."))
            }
            None => None,
        };
        let mut dialog = self.dialog.clone();
        dialog.extend(told.clone().map(|text| Said::Person { text }));
        let only = self.tools.iter().filter(|tool| tool.name == WRITE_REPORT).cloned();
        let ask = Ask {
            system: self.system.clone(),
            dialog: dialog.into(),
            tools: if last.is_some() { only.collect() } else { Arc::clone(&self.tools) },
            must_call: last.map(|_| WRITE_REPORT.to_owned()),
            most_output: OUTPUT,
        };
        (told, ask)
    }

    /// Takes a turn of the model; gives the calls it wants served.
    pub(super) fn turned(&mut self, turn: Turn) -> Vec<Call> {
        self.dialog.extend(turn.told.map(|text| Said::Person { text }));
        self.last = turn.last;
        let calls = turn.reply.calls.clone();
        if !turn.reply.text.trim().is_empty() {
            self.texts.push(turn.reply.text.clone());
        }
        self.silent = calls.is_empty();
        if self.silent {
            self.misses += 1;
            self.fault = Some("it was not handed in".to_owned());
        }
        self.dialog.push(Said::Model(turn.reply));
        calls
    }

    /// What the n-th call of a turn, counted from 0, comes to.
    pub(super) fn wanted(&mut self, n: usize, call: &Call) -> Wanted {
        if n >= CALLS {
            return refused(
                "too_many_calls",
                format!("only {CALLS} calls of a turn are served; make it again"),
            );
        }
        let arguments = match &call.arguments {
            Ok(arguments) => arguments.clone(),
            Err(text) => {
                let begin: String = text.chars().take(100).collect();
                return refused("bad_call", format!("the arguments are no JSON: {begin:?}"));
            }
        };
        match call.name.as_str() {
            WRITE_REPORT => self.report(arguments),
            name if self.last.is_some() => {
                refused("no_turn_left", format!("{name:?} is not served any more; call {WRITE_REPORT}"))
            }
            "execute_sql" => self.query(arguments),
            "get_schema" => Wanted::Schema,
            "read_skill" => match arguments.get("name").and_then(Value::as_str) {
                Some(name) => Wanted::Skill(name.to_owned()),
                None => refused("bad_call", "read_skill needs the name of a skill"),
            },
            name => {
                let there: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
                refused("not_found", format!("there is no tool {name:?}; there are {}", there.join(", ")))
            }
        }
    }

    fn query(&self, arguments: Value) -> Wanted {
        let call: SqlCall = match serde_path_to_error::deserialize(arguments) {
            Ok(call) => call,
            Err(why) => return refused("bad_call", format!("the input does not fit the tool: {why}")),
        };
        let same = |kept: &Kept| kept.sql.trim() == call.sql.trim();
        if let Some(at) = self.kept.iter().position(same) {
            let mut answer = self.rows(at);
            answer["note"] = format!("this is query {} again; it cost nothing", at + 1).into();
            return Wanted::Known(answer);
        }
        if self.queries_left() == 0 {
            let why = format!(
                "the budget of {} queries is spent; write the report from what is known",
                self.queries
            );
            return refused("budget_spent", why);
        }
        Wanted::Query(call)
    }

    fn report(&mut self, arguments: Value) -> Wanted {
        let read = serde_path_to_error::deserialize::<_, Draft>(arguments)
            .map_err(|why| vec![Fault { place: why.path().to_string(), problem: why.inner().to_string() }]);
        match read.and_then(|draft| assemble(&draft, &self.kept)) {
            Ok(document) => Wanted::Report(Box::new(document)),
            Err(mut faults) => {
                self.misses += 1;
                self.fault = faults.first().map(ToString::to_string);
                let count = faults.len();
                faults.truncate(FAULTS);
                Wanted::Known(json!({"error": {
                    "code": "draft_unusable",
                    "message": format!("the report has {count} faults; mend them and hand in the whole report again"),
                    "faults": faults,
                }}))
            }
        }
    }

    /// The name of the step in which a call is served.
    pub(super) fn step(&mut self, of: &'static str) -> String {
        let n = self.steps.entry(of).or_default();
        *n += 1;
        format!("{of} {n}")
    }

    /// Takes what a step gave.
    pub(super) fn served(&mut self, call: &Call, served: Served) {
        self.spent += u32::from(served.paid);
        let mut answer = match served.answer {
            Answer::Rows(kept) => {
                self.kept.push(kept);
                self.rows(self.kept.len() - 1)
            }
            Answer::Value(value) => shortened(value),
            Answer::Refused(refusal) => json!({ "error": refusal }),
        };
        if call.name == "execute_sql" {
            answer["queries_left"] = self.queries_left().into();
        }
        self.answered(call, answer);
    }

    /// Answers a call.
    pub(super) fn answered(&mut self, call: &Call, answer: Value) {
        self.dialog.push(Said::Tool { call: call.id.clone(), name: call.name.clone(), answer });
    }

    pub(super) fn queries_left(&self) -> u32 {
        self.queries.saturating_sub(self.spent)
    }

    /// Why the last turn was the last, if it was.
    pub(super) fn last(&self) -> Option<Last> {
        self.last
    }

    /// Whether the model has missed as often as it may.
    pub(super) fn has_missed(&self) -> bool {
        self.misses >= TRIES
    }

    /// The rows of a query as the model is told them: as many as fit.
    fn rows(&self, at: usize) -> Value {
        let Some(kept) = self.kept.get(at) else { return Value::Null };
        let (all, mut room) = (&kept.rows.rows, ANSWER);
        let fits = |row: &&Vec<Value>| {
            let size: usize = row.iter().map(|cell| cell.to_string().len() + 1).sum();
            room = room.saturating_sub(size + 2);
            room > 0
        };
        let told: Vec<&Vec<Value>> = all.iter().take_while(fits).collect();
        let mut answer = json!({
            "query": at + 1,
            "columns": kept.rows.columns,
            "rows": told,
            "truncated": kept.rows.truncated,
        });
        if told.len() < all.len() {
            answer["note"] = format!(
                "of {} rows the first {} are told; tables and charts of query {} draw on all of them",
                all.len(),
                told.len(),
                at + 1
            )
            .into();
        }
        answer
    }
}

fn refused(code: &str, message: impl Into<String>) -> Wanted {
    Wanted::Known(json!({"error": {"code": code, "message": message.into()}}))
}

/// An answer that is not too long: what is beyond is left out, and said so.
fn shortened(value: Value) -> Value {
    let text = value.to_string();
    if text.len() <= ANSWER {
        return value;
    }
    let cut = text.floor_char_boundary(ANSWER);
    json!({"beginning": text[..cut], "note": format!("the first {cut} of {} bytes", text.len())})
}
