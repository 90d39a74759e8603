//! What a run has said and the log has not got yet. Pure: no time, no I/O.

use std::collections::VecDeque;

use longhaul_core::decide::MAX_TEXT;
use longhaul_core::{Act, Payload, Waits};
use serde_json::Value;

/// Most acts in one commit.
const MAX_ACTS: usize = 256;

/// Most bytes in one commit, roughly. Far below what a server takes, so that the escapes and names
/// of JSON do not matter.
const MAX_BYTES: usize = 256 * 1024;

/// What an act weighs besides its content.
const FRAME: usize = 128;

/// An act on its way to the log. `R` is how whoever said it hears of its fate.
#[derive(Debug)]
pub(crate) struct Entry<R> {
    pub(crate) act: Act,
    pub(crate) receipt: Option<R>,
    weight: usize,
}

/// Acts in the order they were said. Progress is coalesced to the latest word, texts of a segment are
/// merged.
#[derive(Debug)]
pub(crate) struct Outbox<R> {
    entries: VecDeque<Entry<R>>,
    bytes: usize,
    /// Entries somebody waits for.
    awaited: usize,
}

impl<R> Default for Outbox<R> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), bytes: 0, awaited: 0 }
    }
}

impl<R> Outbox<R> {
    /// Queues an act.
    pub(crate) fn push(&mut self, act: Act, receipt: Option<R>) {
        let act = match (act, &receipt) {
            (Act::Progress { fraction, message, waits }, None) => self.latest(fraction, message, waits),
            (Act::AppendText { segment, text }, None) => {
                if self.merged(segment, &text) {
                    return;
                }
                Act::AppendText { segment, text }
            }
            (act, _) => act,
        };
        let weight = FRAME + weight(&act);
        self.bytes += weight;
        self.awaited += usize::from(receipt.is_some());
        self.entries.push_back(Entry { act, receipt, weight });
    }

    /// The latest word on progress; an earlier one that still waits is taken into it.
    fn latest(&mut self, fraction: Option<f64>, message: Option<String>, waits: Option<Waits>) -> Act {
        let earlier = |entry: &Entry<R>| matches!(entry.act, Act::Progress { .. });
        let earlier = self.entries.iter().position(earlier).and_then(|at| self.entries.remove(at));
        let Some(Entry { act: Act::Progress { fraction: before, message: said, .. }, weight, .. }) = earlier
        else {
            return Act::Progress { fraction, message, waits };
        };
        self.bytes -= weight;
        Act::Progress { fraction: fraction.or(before), message: message.or(said), waits }
    }

    /// Adds the text to the last one of its segment, if nothing but progress was said since.
    fn merged(&mut self, segment: u32, text: &str) -> bool {
        let last = self.entries.iter_mut().rev().find(|entry| !matches!(entry.act, Act::Progress { .. }));
        if let Some(entry) = last
            && let Act::AppendText { segment: open, text: before } = &mut entry.act
            && *open == segment
            && before.len() + text.len() <= MAX_TEXT
        {
            before.push_str(text);
            entry.weight += text.len();
            self.bytes += text.len();
            return true;
        }
        false
    }

    /// The acts of the next commit, in order: as many as fit.
    pub(crate) fn take(&mut self) -> Vec<Entry<R>> {
        let mut bytes = 0;
        let fitting = self.entries.iter().take(MAX_ACTS).take_while(|entry| {
            bytes += entry.weight;
            bytes <= MAX_BYTES
        });
        // One always goes, whatever it weighs.
        let fitting = fitting.count().max(1).min(self.entries.len());
        let taken: Vec<_> = self.entries.drain(..fitting).collect();
        self.bytes -= taken.iter().map(|entry| entry.weight).sum::<usize>();
        self.awaited -= taken.iter().filter(|entry| entry.receipt.is_some()).count();
        taken
    }

    /// Everything, however much.
    pub(crate) fn drain(&mut self) -> Vec<Entry<R>> {
        (self.bytes, self.awaited) = (0, 0);
        self.entries.drain(..).collect()
    }

    /// How much waits, in bytes, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether somebody waits for a fate.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited > 0
    }
}

/// Roughly how many bytes an act takes in a commit.
fn weight(act: &Act) -> usize {
    match act {
        Act::AppendText { text, .. } => text.len(),
        Act::CompleteStep { step, result } => step.len() + payload(result),
        Act::Complete { output } => payload(output),
        Act::RequestApproval { action, arguments, schema, .. } => {
            action.len() + value(arguments) + schema.as_ref().map_or(0, value)
        }
        Act::Fail { error } => error.code.len() + error.message.len(),
        Act::Progress { message, .. } => message.as_ref().map_or(0, String::len),
        Act::StartStep { step, .. } => step.len(),
        Act::StoreArtifact(artifact) => artifact.name.len() + artifact.media_type.len(),
        Act::RecordUsage { .. } | Act::Continue(_) | Act::StopAt { .. } => 0,
    }
}

fn payload(payload: &Payload) -> usize {
    match payload {
        Payload::Inline(inline) => value(inline),
        Payload::Stored { .. } | Payload::Gone => 0,
    }
}

fn value(of: &Value) -> usize {
    match of {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 12,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| value(item) + 1).sum::<usize>(),
        Value::Object(members) => {
            2 + members.iter().map(|(key, of)| key.len() + 4 + value(of)).sum::<usize>()
        }
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
