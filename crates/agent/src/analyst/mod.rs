//! The analyst: who plans a report's queries and writes its text.
//!
//! The built-in one needs no language model. It works in two plain functions, so that what each
//! gives can be recorded and taken up again elsewhere: [`plan`] reads the schema and the request,
//! [`write()`] turns the answers of the plan's queries into a document. Between the two, whoever runs
//! the report runs the queries, through the [tools](crate::tools).

mod ask;
mod case;
mod find;
pub(crate) mod format;
pub(crate) mod period;
pub(crate) mod plan;
mod planner;
mod questions;
mod request;
mod subject;
mod writer;

use longhaul_document::Document;
use serde::{Deserialize, Serialize};

pub use crate::words::Noun;
pub use period::{Extent, Grain, Period, Window};
pub use plan::{Kind, Plan, PlannedQuery, Reads};
pub use planner::{Brief, plan};
pub use subject::{Adding, Quantity};
pub use writer::{Answer, sentences, write};

use crate::data::Schema;
use crate::skills::Skills;

/// Who plans and writes. One that calls a language model would be another variant: it gets the
/// same schema, tools and budget, gives the same [`Plan`] and [`Document`], and is the only place
/// that changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Analyst {
    /// The analyst of this crate.
    #[default]
    BuiltIn,
}

impl Analyst {
    /// Plans a report. A request that names a skill with a reading of its own is read as that.
    #[must_use]
    pub fn plan(self, schema: &Schema, skills: &Skills, brief: &Brief) -> Plan {
        let Self::BuiltIn = self;
        let named = skills.named_in(&brief.prompt);
        let Some((skill, request)) = named.and_then(|skill| Some((skill, skill.request.clone()?))) else {
            return plan(schema, brief);
        };
        let mut plan = plan(schema, &Brief { prompt: request.clone(), ..brief.clone() });
        if let Some(asked) = plan.facts.iter_mut().find(|(label, _)| label == "Request") {
            brief.prompt.trim().clone_into(&mut asked.1);
        }
        plan.method.push(format!("The skill {} reads the request as: {request}.", skill.name));
        plan
    }

    /// Writes the document from a plan and the answers of its queries.
    #[must_use]
    pub fn write(self, plan: &Plan, answers: &[Answer]) -> Document {
        let Self::BuiltIn = self;
        write(plan, answers)
    }
}
