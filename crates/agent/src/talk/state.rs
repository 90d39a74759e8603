//! A conversation as it stands: a fold over what was recorded. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use longhaul_model::{Ask, Call, Reply, Said, Stop, Tool};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::opening::Opening;
use super::wanted::{Wanted, what, with};
use crate::analyst::format::cut;
use crate::draft::{Chapter, Kept, WRITE_REPORT};
use crate::handler::consent::Figures;
use crate::tools::Refusal;

/// What the model is told where the conversation becomes too long.
const CONDENSE: &str = "The conversation becomes too long to be read whole. Write down now, in at most 400 words, what \
                        was found so far, each figure with what it measures and the number of its query, and what is \
                        still to be done. Call no tool. What you write takes the place of all turns so far.";
/// The most tokens of what it writes down.
const SUMMARY: u32 = 2_048;

/// Bytes of an answer to the model, at most.
const ANSWER: usize = 32 * 1024;
/// How often a report may be handed in that does not fit.
const TRIES: u32 = 3;
/// Characters of changed arguments that the model is told.
const CHANGED: usize = 4_000;
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

/// A conversation as it stands.
pub(crate) struct Talk {
    pub(super) system: String,
    pub(super) tools: Arc<[Tool]>,
    pub(super) request: String,
    pub(super) dialog: Vec<Said>,
    /// Bytes of an answer to the model.
    pub(super) room: usize,
    pub(super) queries: u32,
    pub(super) spent: u32,
    /// The queries that gave rows; their numbers are their places, counted from 1.
    pub(crate) kept: Vec<Kept>,
    /// The sections that were written one by one.
    pub(crate) written: Vec<Chapter>,
    /// What the model said on the way.
    pub(crate) texts: Vec<String>,
    pub(super) steps: BTreeMap<&'static str, u32>,
    /// How often the report did not fit, or was not handed in.
    pub(super) misses: u32,
    /// The last of what did not fit.
    pub(super) fault: Option<String>,
    pub(super) last: Option<Last>,
    /// Whether the model ended without handing in a report.
    pub(super) silent: bool,
    /// Whether its last answer was cut off.
    pub(super) cut_off: bool,
    /// What became of the calls that a person was asked about, by what they were.
    pub(super) asked: HashMap<String, Value>,
}

impl Talk {
    pub(super) fn new(opening: &Opening, request: &str) -> Self {
        Self {
            system: opening.system(),
            tools: opening.tools.clone().into(),
            request: request.to_owned(),
            dialog: vec![Said::Person { text: request.to_owned() }],
            room: opening.context.map_or(ANSWER, room),
            queries: opening.queries,
            spent: 0,
            kept: Vec::new(),
            written: Vec::new(),
            texts: Vec::new(),
            steps: BTreeMap::new(),
            misses: 0,
            fault: None,
            last: None,
            silent: false,
            cut_off: false,
            asked: HashMap::new(),
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

    /// Whether there is more than the request, or what was condensed, to condense.
    pub(super) fn can_be_condensed(&self) -> bool {
        self.dialog.len() > 1
    }

    /// Asks the model to write down where it stands.
    pub(super) fn ask_for_summary(&self) -> Ask {
        let mut dialog = self.dialog.clone();
        dialog.push(Said::Person { text: CONDENSE.to_owned() });
        Ask {
            system: self.system.clone(),
            dialog: dialog.into(),
            // Not to be called: some providers read no dialog with calls in it without them.
            tools: Arc::clone(&self.tools),
            must_call: None,
            most_output: SUMMARY,
        }
    }

    /// Goes on from what the model wrote down, and from what is known of the work itself.
    pub(super) fn condense(&mut self, summary: &str) {
        let mut text =
            format!("{}\n\nThe turns so far are left out. You wrote down of them:\n", self.request);
        let summary = summary.trim();
        text.push_str(if summary.is_empty() { "(nothing)" } else { summary });
        text.push_str("\n\nQueries that gave rows, by number; tables, charts and figures may name them:\n");
        for (n, kept) in self.kept.iter().enumerate() {
            let columns = kept.rows.columns.join(", ");
            let (rows, purpose) = (kept.rows.rows.len(), cut(&kept.purpose, 200));
            text.push_str(&format!("- {}: {purpose}; columns {columns}; {rows} rows\n", n + 1));
        }
        if !self.written.is_empty() {
            text.push_str("Sections that are written:\n");
            self.written.iter().for_each(|chapter| text.push_str(&format!("- {}\n", chapter.heading)));
        }
        text.push_str(&format!("Queries left: {}.", self.queries_left()));
        self.dialog = vec![Said::Person { text }];
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
        self.cut_off = turn.reply.stop == Stop::Length;
        if self.silent {
            self.misses += 1;
            self.fault = Some("it was not handed in".to_owned());
        }
        self.dialog.push(Said::Model(turn.reply));
        calls
    }

    /// A section was written.
    pub(super) fn wrote(&mut self, chapter: Chapter) {
        self.written = with(&self.written, chapter);
    }

    /// The name of the step in which a call is served.
    pub(super) fn step(&mut self, of: &'static str) -> String {
        let n = self.steps.entry(of).or_default();
        *n += 1;
        format!("{of} {n}")
    }

    /// What a call of a tool may be changed to.
    pub(super) fn schema(&self, tool: &str) -> Option<Value> {
        self.tools.iter().find(|known| known.name == tool).map(|known| known.parameters.clone())
    }

    /// What is known of a call before the data is asked, by which a policy may tell a large one.
    pub(super) fn figures(&self, wanted: &Wanted) -> Figures {
        let figure = |name: &str, value: usize| Figures::from([(name.to_owned(), value as u64)]);
        match wanted {
            Wanted::Query(_) => figure("query", self.spent as usize + 1),
            Wanted::Section(chapter) => figure("sections", with(&self.written, (**chapter).clone()).len()),
            Wanted::Report { sections, .. } => figure("sections", *sections),
            Wanted::Known(_) | Wanted::Schema | Wanted::Skill(_) => Figures::new(),
        }
    }

    /// A person was asked about a call, and this is what became of it: the last thing that was said.
    pub(super) fn was_asked(&mut self, call: &Call, changed: Option<&Value>) {
        let Some(Said::Tool { answer, .. }) = self.dialog.last_mut() else { return };
        if let Some(arguments) = changed {
            let arguments = cut(&arguments.to_string(), CHANGED);
            answer["changed"] =
                format!("a person changed the arguments of this call; it was made with {arguments}").into();
        }
        self.asked.insert(what(call), answer.clone());
    }

    /// Takes what a step gave.
    pub(super) fn served(&mut self, call: &Call, served: Served) {
        self.spent += u32::from(served.paid);
        let mut answer = match served.answer {
            Answer::Rows(kept) => {
                self.kept.push(kept);
                self.rows(self.kept.len() - 1)
            }
            Answer::Value(value) => shortened(value, self.room),
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
    pub(super) fn rows(&self, at: usize) -> Value {
        let Some(kept) = self.kept.get(at) else { return Value::Null };
        let (all, mut room) = (&kept.rows.rows, self.room);
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

/// Bytes of an answer to a model that can read so many tokens: a sixteenth of them, at four bytes each.
fn room(context: u64) -> usize {
    usize::try_from(context / 4).unwrap_or(ANSWER).clamp(1_024, ANSWER)
}

/// An answer that is not too long: what is beyond is left out, and said so.
fn shortened(value: Value, room: usize) -> Value {
    let text = value.to_string();
    if text.len() <= room {
        return value;
    }
    let cut = text.floor_char_boundary(room);
    json!({"beginning": text[..cut], "note": format!("the first {cut} of {} bytes", text.len())})
}
