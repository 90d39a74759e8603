//! Keeping a long conversation within what the model can read.

use longhaul_executor::{Failure, Run};
use longhaul_model::Model;

use super::asking::{heard, pay_for_swallowed};
use super::state::Talk;
use crate::handler::{Agent, Input};

/// The part of what a model can read that a question may fill, in tenths.
const FULL: u64 = 7;

/// Before the n-th turn: if the question would fill most of what the model can read, has it write down
/// where it stands, in a step of its own, and goes on from that. The rows stay: reports draw on them by
/// the numbers of their queries.
pub(super) async fn within_context(
    agent: &Agent,
    run: &mut Run,
    n: u32,
    input: &Input,
    talk: &mut Talk,
    model: &dyn Model,
) -> Result<(), Failure> {
    let name = format!("summary {n}");
    if run.begun().recorded(&name).is_none() {
        // What is recorded was asked without.
        let is_asked = run.begun().recorded(&format!("model {n}")).is_some();
        let Some(context) = model.facts().context.filter(|_| !is_asked) else { return Ok(()) };
        let tokens = talk.ask(None).1.tokens();
        let is_full = tokens.saturating_mul(10) > context.saturating_mul(FULL);
        // Twice what is left goes to the last turn instead.
        let is_affordable = run.budget().tokens_left.is_none_or(|left| left > 3 * tokens);
        if !is_full || !is_affordable || !talk.can_be_condensed() {
            return Ok(());
        }
        pay_for_swallowed(run, &name, model, &talk.ask_for_summary()).await?;
    }
    let ask = talk.ask_for_summary();
    let summary: String = run
        .step(name, async |step| {
            step.message(format!("{} condenses what was done so far", model.facts().model));
            Ok::<_, Failure>(heard(agent, &step, input, talk, model, &ask).await?.text)
        })
        .await?;
    talk.condense(&summary);
    Ok(())
}
