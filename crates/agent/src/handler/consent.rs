//! Whether a person must approve a call of a tool first, and what they said.
//!
//! The organisation's policy names the calls. Whether one is asked about is decided once and recorded,
//! and so is what was said: a policy that changes meanwhile changes nothing about calls that lie behind.

use std::collections::BTreeMap;

use longhaul_core::{Millis, ToolRule};
use longhaul_executor::{Decided, Failure, Question, Run, Step};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::analyst::format::{cut, whole};
use crate::tools::Refusal;

/// A call that is about to be made.
pub(crate) struct Planned<'a> {
    /// The step in which it will be.
    pub(crate) step: &'a str,
    /// Whether that lies behind.
    pub(crate) is_done: bool,
    /// The tool.
    pub(crate) tool: &'a str,
    /// Its arguments, exactly.
    pub(crate) arguments: &'a Value,
    /// What other arguments must be like.
    pub(crate) schema: Option<Value>,
}

/// What is known of a call by which a policy may tell a large one, by name.
pub(crate) type Figures = BTreeMap<String, u64>;

/// Whether a call may be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Consent {
    /// Nobody needs to be asked.
    Free,
    /// A person said yes.
    Given,
    /// A person said yes to other arguments.
    Changed {
        /// These.
        arguments: Value,
    },
    /// A person said no, or nobody answered in time.
    Refused(Refusal),
}

/// Why a person is asked, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asks {
    why: String,
    expires: Millis,
}

/// Gives what was said about a call; asks, and ends the run, if the policy wants a person to say it.
/// `figures` may say nothing of a call that would not be served anyway: nobody is bothered with that.
pub(crate) async fn consent(
    run: &mut Run,
    call: Planned<'_>,
    figures: impl AsyncFnOnce(&Step) -> Result<Option<Figures>, Failure>,
) -> Result<Consent, Failure> {
    let (policy, decision) = (format!("policy on {}", call.step), format!("decision on {}", call.step));
    if let Some(said) = run.recorded(&decision).await? {
        return Ok(said);
    }
    // Made before there was a rule about it.
    if call.is_done {
        return Ok(Consent::Free);
    }
    let mut rules = Vec::new();
    if run.begun().recorded(&policy).is_none() {
        rules = run.policy().await?.tools;
        rules.retain(|rule| rule.tool == call.tool);
        if rules.is_empty() {
            return Ok(Consent::Free);
        }
    }
    let asks: Option<Asks> = run
        .step(policy, async |step| {
            let Some(figures) = figures(&step).await? else { return Ok(None) };
            let asks = asks(&rules, call.tool, &figures);
            if let Some(asks) = &asks {
                step.text(format!("A person must approve {} first: {}.\n", call.tool, asks.why)).await?;
            }
            Ok::<_, Failure>(asks)
        })
        .await?;
    let Some(Asks { why, expires }) = asks else { return Ok(Consent::Free) };
    let mut question = Question::new(call.tool, call.arguments.clone()).note(why).within(expires.duration());
    if let Some(schema) = call.schema {
        question = question.schema(schema);
    }
    let refused = |code: &str, message: String| Consent::Refused(Refusal { code: code.to_owned(), message });
    let said = match run.ask(question).await? {
        Decided::Approved(_) => Consent::Given,
        Decided::Modified(arguments) => Consent::Changed { arguments },
        Decided::Rejected { reason, .. } => {
            let why = reason.map(|reason| format!(": {:?}", cut(&reason, 300))).unwrap_or_default();
            refused("rejected", format!("a person said no to this call{why}; go on without it"))
        }
        Decided::Lapsed => {
            refused("not_approved", "nobody approved this call in time; go on without it".to_owned())
        }
    };
    run.step(decision, async |step| {
        if let Consent::Refused(refusal) = &said {
            step.text(format!("{}: {refusal}.\n", call.tool)).await?;
        }
        Ok::<_, Failure>(said.clone())
    })
    .await
}

/// Why a person is asked about a call, if one is.
fn asks(rules: &[ToolRule], tool: &str, figures: &Figures) -> Option<Asks> {
    let about: Vec<&ToolRule> = rules.iter().filter(|rule| rule.is_about(tool, figures)).collect();
    let expires = about.iter().map(|rule| rule.expires).min()?;
    let why = about.iter().map(|rule| match &rule.over {
        None => "every call of it is asked about".to_owned(),
        Some(limit) => match figures.get(&limit.figure) {
            Some(value) => format!("{} is {}, over {}", limit.figure, whole(*value), whole(limit.over)),
            None => format!("{} is not known", limit.figure),
        },
    });
    Some(Asks { why: why.collect::<Vec<_>>().join("; "), expires })
}

#[cfg(test)]
mod tests {
    use super::*;
    use longhaul_core::Threshold;

    #[test]
    fn the_shortest_of_the_rules_that_are_about_a_call_holds() {
        let rule = |over: Option<(&str, u64)>, minutes| ToolRule {
            tool: "execute_sql".to_owned(),
            over: over.map(|(figure, over)| Threshold { figure: figure.to_owned(), over }),
            expires: Millis::minutes(minutes),
        };
        let figures = Figures::from([("rows_read".to_owned(), 3503), ("query".to_owned(), 2)]);
        let asks = |rules: &[ToolRule]| {
            asks(rules, "execute_sql", &figures).map(|asks| (asks.why, asks.expires.0 / 60_000))
        };
        assert_eq!(asks(&[]), None);
        assert_eq!(asks(&[rule(Some(("rows_read", 3503)), 5)]), None);
        assert_eq!(
            asks(&[
                rule(Some(("rows_read", 1000)), 60),
                rule(Some(("cost", 9)), 5),
                rule(Some(("query", 2)), 1)
            ]),
            Some(("rows_read is 3,503, over 1,000; cost is not known".to_owned(), 5))
        );
        assert_eq!(asks(&[rule(None, 7)]), Some(("every call of it is asked about".to_owned(), 7)));
    }
}
