//! What is measured, each scenario in a file of its own.

mod abort;
mod dashboard;
mod growth;
mod latency;
mod progress;
mod replay;
mod sleeping;
mod throughput;

use longhaul_broker::ServerBinary;
use longhaul_journal::Durability;

use crate::error::Error;
use crate::options::{Options, Scenario, Server};
use crate::report::{Case, Figures, Measured, Repetition};
use crate::stage::Setup;

/// What every scenario is given.
pub(crate) struct Bench {
    pub(crate) options: Options,
    /// The program of a fresh server.
    pub(crate) binary: Option<ServerBinary>,
    /// How many shards the log has, unless a scenario says otherwise.
    pub(crate) shards: u16,
}

impl Bench {
    /// Measures.
    pub(crate) async fn measure(&self, scenario: Scenario) -> Result<Measured, Error> {
        let mut measured = match scenario {
            Scenario::Throughput => throughput::measure(self).await,
            Scenario::Latency => latency::measure(self).await,
            Scenario::Abort => abort::measure(self).await,
            Scenario::Progress => progress::measure(self).await,
            Scenario::Sleeping => sleeping::measure(self).await,
            Scenario::Replay => replay::measure(self).await,
            Scenario::Growth => growth::measure(self).await,
            Scenario::Dashboard => dashboard::measure(self).await,
        }?;
        if self.is_named() {
            measured.notes.push(
                "measured on a server that was there, with the shards it has, in organisations of its own \
                 (`bench-…`); whatever else runs there takes part"
                    .to_owned(),
            );
        }
        Ok(measured)
    }

    /// What is to be promised, one after another; nothing where it is as it is.
    pub(crate) fn durabilities(&self) -> Vec<Option<Durability>> {
        match &self.options.server {
            Server::Fresh { durability, .. } => durability.iter().copied().map(Some).collect(),
            Server::Named(_) => vec![None],
        }
    }

    /// Measures as often as asked for, under every promise asked for, each time on a log of its own.
    pub(crate) async fn repeat(
        &self,
        name: &str,
        once: impl AsyncFn(Setup) -> Result<(Figures, Durability), Error>,
    ) -> Result<Vec<Repetition>, Error> {
        let mut repetitions = Vec::new();
        for durability in self.durabilities() {
            for number in 1..=self.options.repeat {
                let (figures, durability) = once(self.setup(durability)).await?;
                let repetition = figures.into_repetition(durability, Case::new(), number);
                self.tell(format!("{name}, {}, {number}: {}", repetition.durability, gist(&repetition)));
                repetitions.push(repetition);
            }
        }
        Ok(repetitions)
    }

    /// What the options say of what is started.
    pub(crate) fn setup(&self, durability: Option<Durability>) -> Setup {
        Setup {
            durability,
            shards: self.options.shards,
            executors: self.options.executors,
            places: self.options.concurrency,
            organisations: self.options.organisations,
            own_handlers: false,
        }
    }

    /// Whether the server is one that runs already.
    pub(crate) fn is_named(&self) -> bool {
        matches!(self.options.server, Server::Named(_))
    }

    pub(crate) fn tell(&self, text: impl AsRef<str>) {
        (self.options.tell)(text.as_ref());
    }

    /// How many tasks: as asked for, or as the scenario has it, in full or in short.
    pub(crate) fn tasks(&self, full: u32, quick: u32) -> u32 {
        self.options.tasks.unwrap_or(if self.options.quick { quick } else { full })
    }
}

/// The first figures of a repetition, for whoever waits for the rest.
pub(crate) fn gist(repetition: &Repetition) -> String {
    let told = repetition.figures.iter().take(3).map(|one| {
        let name = one.name.replace('_', " ");
        match one.unit {
            "bytes" => format!("{name} {:.1} MiB", one.value / f64::from(1 << 20)),
            unit => format!("{name} {:.2} {unit}", one.value),
        }
    });
    told.collect::<Vec<_>>().join(", ")
}
