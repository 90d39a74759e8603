//! What the calls of a model come to, as far as that follows from what is known. Pure.

use longhaul_document::Document;
use longhaul_model::Call;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::state::Talk;
use crate::draft::{Chapter, Draft, Fault, Kept, WRITE_REPORT, WRITE_SECTION, assemble};
use crate::tools::SqlCall;

/// Calls of one turn that are served.
pub(super) const CALLS: usize = 8;
/// Faults that the model is told at once.
const FAULTS: usize = 20;
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
    /// A section of the report.
    Section(Box<Chapter>),
    /// The report, whole.
    Report {
        /// What it is filled to.
        document: Box<Document>,
        /// How many sections were written for it.
        sections: usize,
    },
}

impl Wanted {
    /// The step in which it is served; nothing if it needs none.
    pub(super) fn step(&self) -> Option<&'static str> {
        match self {
            Self::Known(_) => None,
            Self::Section(_) => Some(WRITE_SECTION),
            Self::Report { .. } => Some(WRITE_REPORT),
            Self::Query(_) => Some("execute_sql"),
            Self::Schema => Some("get_schema"),
            Self::Skill(_) => Some("read_skill"),
        }
    }
}

impl Talk {
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
                let why = if self.cut_off {
                    "the answer was longer than one may be, and was cut off; say it in parts: write_section by section"
                } else {
                    "the arguments are no JSON"
                };
                return refused("bad_call", format!("{why}: {begin:?}"));
            }
        };
        // A person is asked about the same thing once.
        if let Some(answer) = self.asked.get(&what(call)) {
            let mut answer = answer.clone();
            answer["note"] = "this is what became of the same call before".into();
            return Wanted::Known(answer);
        }
        match call.name.as_str() {
            WRITE_REPORT => self.report(arguments),
            WRITE_SECTION if self.last.is_none() => self.section(arguments),
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

    fn section(&self, arguments: Value) -> Wanted {
        let filled = read::<Chapter>(arguments).and_then(|chapter| {
            let alone = Draft { sections: vec![chapter.clone()], ..Draft::named(&chapter.heading) };
            assemble(&alone, &self.kept).map(|_| chapter)
        });
        match filled {
            Ok(chapter) => Wanted::Section(Box::new(chapter)),
            Err(faults) => unusable("section", faults),
        }
    }

    fn report(&mut self, arguments: Value) -> Wanted {
        let draft = read::<Draft>(arguments).map(|mut draft| {
            // What was written one by one comes first; a section of the same heading takes its place.
            draft.sections =
                draft.sections.into_iter().fold(self.written.clone(), |all, new| with(&all, new));
            draft
        });
        let sections = draft.as_ref().map_or(0, |draft| draft.sections.len());
        match draft.and_then(|draft| assemble(&draft, &self.kept)) {
            Ok(document) => Wanted::Report { document: Box::new(document), sections },
            Err(faults) => {
                self.misses += 1;
                self.fault = faults.first().map(ToString::to_string);
                unusable("report", faults)
            }
        }
    }
}

/// What a call is, for telling whether it was made before.
pub(super) fn what(call: &Call) -> String {
    let mut arguments = call.arguments.clone();
    if let Ok(arguments) = &mut arguments {
        arguments.sort_all_objects();
    }
    format!("{} {arguments:?}", call.name)
}

/// Sections with one more, or with it in place of the one of the same heading.
pub(super) fn with(written: &[Chapter], new: Chapter) -> Vec<Chapter> {
    let mut written = written.to_vec();
    match written.iter_mut().find(|known| known.heading.trim() == new.heading.trim()) {
        Some(known) => *known = new,
        None => written.push(new),
    }
    written
}

/// Reads the arguments of a call; what does not fit is told as a fault.
fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, Vec<Fault>> {
    serde_path_to_error::deserialize(arguments)
        .map_err(|why| vec![Fault { place: why.path().to_string(), problem: why.inner().to_string() }])
}

fn unusable(what: &str, mut faults: Vec<Fault>) -> Wanted {
    let count = faults.len();
    faults.truncate(FAULTS);
    Wanted::Known(json!({"error": {
        "code": "draft_unusable",
        "message": format!("the {what} has {count} faults; mend them and hand in the whole {what} again"),
        "faults": faults,
    }}))
}

fn refused(code: &str, message: impl Into<String>) -> Wanted {
    Wanted::Known(json!({"error": {"code": code, "message": message.into()}}))
}
