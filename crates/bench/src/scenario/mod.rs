//! What is measured, each scenario in a file of its own.

mod throughput;

use longhaul_broker::ServerBinary;
use longhaul_journal::Durability;

use crate::error::Error;
use crate::options::{Options, Scenario, Server};
use crate::report::Measured;
use crate::stage::Setup;

/// What every scenario is given.
pub(crate) struct Bench {
    pub(crate) options: Options,
    /// The program of a fresh server.
    pub(crate) binary: Option<ServerBinary>,
}

impl Bench {
    /// Measures.
    pub(crate) async fn measure(&self, scenario: Scenario) -> Result<Measured, Error> {
        match scenario {
            Scenario::Throughput => throughput::measure(self).await,
        }
    }

    /// What is to be promised, one after another; nothing where it is as it is.
    pub(crate) fn durabilities(&self) -> Vec<Option<Durability>> {
        match &self.options.server {
            Server::Fresh { durability, .. } => durability.iter().copied().map(Some).collect(),
            Server::Named(_) => vec![None],
        }
    }

    /// What the options say of what is started.
    pub(crate) fn setup(&self, durability: Option<Durability>) -> Setup {
        Setup {
            durability,
            shards: self.options.shards,
            executors: self.options.executors,
            places: self.options.concurrency,
        }
    }

    pub(crate) fn tell(&self, text: impl AsRef<str>) {
        (self.options.tell)(text.as_ref());
    }

    /// How many tasks: as asked for, or as the scenario has it, in full or in short.
    pub(crate) fn tasks(&self, full: u32, quick: u32) -> u32 {
        self.options.tasks.unwrap_or(if self.options.quick { quick } else { full })
    }
}
