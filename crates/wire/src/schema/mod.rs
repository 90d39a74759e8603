//! JSON Schema of what lies on the log and of what programs are given: what `longhaul schema` prints.
//!
//! The core knows nothing of schemas, so its types are described here once more, as they are written.
//! The tests hold these descriptions against the golden files, member by member.

mod beside;
mod brief;
mod event;
mod part;
mod scalar;
mod snapshot;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

/// A format and its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Format {
    /// Its name: `task`, `admissions`, `snapshot`.
    pub name: &'static str,
    /// Where such JSON is met.
    pub found: &'static str,
    /// JSON Schema, draft 2020-12.
    pub schema: Schema,
}

/// Every format, those of the log first.
pub fn formats() -> Vec<Format> {
    vec![
        format::<event::Commit>("task", "messages on lh.<shard>.task.<org>.<task>"),
        format::<beside::AdmissionCommit>("admissions", "messages on lh.<shard>.adm.<org>"),
        format::<beside::PolicyCommit>("policy", "messages on lh.<shard>.org.<org>"),
        format::<beside::ConversationClaim>(
            "conversation",
            "messages on lh.<shard>.conv.<org>.<conversation>",
        ),
        format::<beside::Dispatch>("dispatch", "messages on lh.run.<kind>.<executor>"),
        format::<beside::Beat>("beat", "messages on lh.beat.<executor>"),
        format::<beside::TextDelta>("text", "messages on lh.live.<org>.<task>"),
        format::<beside::Change>("change", "messages on lh.change.<org>.<user>.<task>"),
        format::<snapshot::Snapshot>("snapshot", "what -o json, HTTP and the query service give"),
        format::<brief::Brief>("brief", "the tasks that `longhaul.briefs` of the query service gives"),
    ]
}

fn format<T: JsonSchema>(name: &'static str, found: &'static str) -> Format {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    Format { name, found, schema }
}
