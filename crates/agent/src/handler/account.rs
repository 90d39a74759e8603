//! What the queries of a task cost, each once, whatever happens in between.

use longhaul_executor::{Failure, Run, Step};

/// Which queries are paid for. A query is counted in the log before it runs; a run that is lost after
/// that has paid for a query whose answer nobody has, and the next run asks it without paying again.
pub(crate) struct Account {
    /// Queries that the log counts.
    paid: u32,
    /// Queries of this task whose answers are recorded.
    answered: u32,
}

impl Account {
    /// As the log has it when the run begins. Answers are told to it as they come by, recorded ones too.
    pub(crate) fn of(run: &Run) -> Self {
        Self { paid: run.begun().usage.queries, answered: 0 }
    }

    /// Pays for the next query, unless that was done. `false` if nothing is left to pay with.
    pub(crate) async fn pay(&mut self, step: &Step) -> Result<bool, Failure> {
        if self.paid > self.answered {
            return Ok(true);
        }
        let paid = step.spend_query().await?;
        self.paid += u32::from(paid);
        Ok(paid)
    }

    /// The answer of a query is recorded, in this step. An inherited one was paid for elsewhere.
    pub(crate) fn answered(&mut self, run: &Run, step: &str) {
        let inherited = run.begun().steps.iter().any(|known| known.name == step && known.run.0 == 0);
        self.answered += u32::from(!inherited);
    }
}
