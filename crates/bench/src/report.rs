//! What is handed back: one document, every figure with the durability it was had under.

use std::collections::BTreeMap;

use longhaul_journal::Durability;
use serde::Serialize;
use serde_json::Value;

use crate::figures::{Samples, median};
use crate::machine::Machine;

/// The version of the document's form.
pub const FORMAT: u32 = 1;

/// One call of `longhaul bench`.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    /// [`FORMAT`].
    pub format: u32,
    /// When it began: RFC 3339.
    pub begun_at: String,
    /// How long all of it took, in seconds.
    pub took_s: f64,
    /// What was measured.
    pub versions: Versions,
    /// On what.
    pub machine: Machine,
    /// Against which server: a `fresh` one for each repetition, or a `named` one that ran already.
    pub server: &'static str,
    /// Whether each service had a process of its own, or all shared that of the client.
    pub services: &'static str,
    /// What was measured, one after another.
    pub scenarios: Vec<Measured>,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Versions {
    /// Longhaul's.
    pub longhaul: &'static str,
    /// How it was built: `release` or `debug`. Figures of a debug build mean nothing.
    pub build: &'static str,
    /// The server's.
    pub nats_server: String,
}

/// One scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Its name.
    pub scenario: &'static str,
    /// What was asked for.
    pub parameters: BTreeMap<&'static str, Value>,
    /// What has to be known to read the figures.
    pub notes: Vec<String>,
    /// Every figure: its median over the repetitions, and all of its values.
    pub figures: Vec<Summary>,
    /// Every repetition.
    pub repetitions: Vec<Repetition>,
}

/// Under which circumstances a figure was had: `{"shards": 4}`. Empty where only one is measured.
pub type Case = BTreeMap<&'static str, u64>;

/// A figure over all repetitions.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// What an acknowledgement promised meanwhile.
    pub durability: &'static str,
    /// Under which circumstances.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub case: Case,
    /// What it is.
    pub name: String,
    /// In what: `1/s`, `ms`, `s`, `bytes`.
    pub unit: &'static str,
    /// The middle of all values.
    pub median: f64,
    /// The value of each repetition, in their order.
    pub values: Vec<f64>,
}

/// One repetition.
#[derive(Debug, Clone, Serialize)]
pub struct Repetition {
    /// What an acknowledgement promised meanwhile.
    pub durability: &'static str,
    /// Under which circumstances.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub case: Case,
    /// Counted from 1.
    pub number: u32,
    /// Its figures.
    pub figures: Vec<Figure>,
    /// What it cost each process.
    pub processes: Vec<Cost>,
}

/// One figure of one repetition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// How much.
    pub value: f64,
}

/// What a process cost while the figures were taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Which: `nats-server`, `scheduler`, `projector`, `executor`, `client`, `watcher`.
    pub process: String,
    /// CPU time, in milliseconds.
    pub cpu_ms: f64,
    /// Memory in use at the end, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The most that was in use since it started, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
}

/// The figures of one repetition while they are gathered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) figures: Vec<Figure>,
    pub(crate) processes: Vec<Cost>,
}

impl Figures {
    pub(crate) fn put(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        self.figures.push(Figure { name: name.into(), unit, value });
    }

    /// The percentiles of samples in milliseconds.
    pub(crate) fn put_spread(&mut self, name: &str, samples: &Samples) {
        for (percentile, value) in samples.spread() {
            self.put(format!("{name}_{percentile}"), "ms", value);
        }
    }

    pub(crate) fn into_repetition(self, durability: Durability, case: Case, number: u32) -> Repetition {
        let Self { figures, processes } = self;
        Repetition { durability: name_of(durability), case, number, figures, processes }
    }
}

impl Measured {
    /// Sums repetitions up: figures of the same name, durability and case belong together.
    pub(crate) fn new(
        scenario: &'static str,
        parameters: BTreeMap<&'static str, Value>,
        notes: Vec<String>,
        repetitions: Vec<Repetition>,
    ) -> Self {
        let mut figures: Vec<Summary> = Vec::new();
        for repetition in &repetitions {
            for figure in &repetition.figures {
                let known = figures.iter_mut().find(|known| {
                    known.name == figure.name
                        && known.durability == repetition.durability
                        && known.case == repetition.case
                });
                match known {
                    Some(known) => known.values.push(figure.value),
                    None => figures.push(Summary {
                        durability: repetition.durability,
                        case: repetition.case.clone(),
                        name: figure.name.clone(),
                        unit: figure.unit,
                        median: figure.value,
                        values: vec![figure.value],
                    }),
                }
            }
        }
        for figure in &mut figures {
            figure.median = median(&figure.values).unwrap_or(figure.median);
        }
        Self { scenario, parameters, notes, figures, repetitions }
    }
}

/// A durability in one word.
pub(crate) fn name_of(durability: Durability) -> &'static str {
    match durability {
        Durability::Strict => "strict",
        Durability::Relaxed => "relaxed",
        Durability::None => "none",
        Durability::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repetition(durability: Durability, shards: u64, number: u32, value: f64) -> Repetition {
        let mut figures = Figures::default();
        figures.put("tasks_per_second", "1/s", value);
        figures.into_repetition(durability, Case::from([("shards", shards)]), number)
    }

    #[test]
    fn figures_are_summed_up_by_durability_and_case() {
        let repetitions = vec![
            repetition(Durability::Strict, 1, 1, 5.0),
            repetition(Durability::Strict, 1, 2, 1.0),
            repetition(Durability::Strict, 1, 3, 2.0),
            repetition(Durability::Strict, 4, 1, 8.0),
            repetition(Durability::Relaxed, 1, 1, 9.0),
        ];
        let measured = Measured::new("throughput", BTreeMap::new(), Vec::new(), repetitions);
        let told = serde_json::to_value(&measured.figures).unwrap();
        let one = |durability, shards, median: f64, values: &[f64]| {
            serde_json::json!({"durability": durability, "case": {"shards": shards},
                "name": "tasks_per_second", "unit": "1/s", "median": median, "values": values})
        };
        let expected = [
            one("strict", 1, 2.0, &[5.0, 1.0, 2.0]),
            one("strict", 4, 8.0, &[8.0]),
            one("relaxed", 1, 9.0, &[9.0]),
        ];
        assert_eq!(told, serde_json::json!(expected));
    }
}
