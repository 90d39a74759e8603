//! Asking a model: the one way in which it is asked, heard and paid for.

use std::time::Duration;

use futures::StreamExt as _;
use longhaul_core::snapshot::Reason;
use longhaul_core::{AdmissionReason, Usage};
use longhaul_executor::{Failure, Run, Step};
use longhaul_model::{Ask, Class, Error, Heard, Model, Reply, Stop, Tokens, estimate};

use super::state::{Last, Talk, Turn};
use crate::draft::unfinished;
use crate::handler::files::keep_draft;
use crate::handler::{Agent, Input};
use crate::limit::{self, jitter};

/// Tokens that writing a report takes, about: kept back from the budget for the last turn.
const WRITING: u64 = 2_000;

/// Lets the model speak, in a step of its own; what is recorded is not asked again.
pub(super) async fn turn(
    agent: &Agent,
    run: &mut Run,
    n: u32,
    input: &Input,
    talk: &Talk,
    model: &dyn Model,
) -> Result<Turn, Failure> {
    let name = format!("model {n}");
    let recorded = run.begun().recorded(&name).is_some();
    let last = if recorded { None } else { last(agent, run, n, talk)? };
    let (told, ask) = talk.ask(last);
    if !recorded {
        pay_for_swallowed(run, &name, model, &ask).await?;
    }
    run.step(name, async |step| {
        step.message(format!("{} thinks, turn {n}", model.facts().model));
        let reply = heard(agent, &step, input, talk, model, &ask).await?;
        let turns = 4.0 / (4.0 + f64::from(n));
        // Nobody knows how many turns there will be: each goes a part of the way that is left.
        step.progress(to_percent(75.0 - 65.0 * turns), 100);
        Ok::<_, Failure>(Turn { told, last, reply })
    })
    .await
}

/// Asks until there is an answer. Where an abort is asked for instead, what there is of the report is kept
/// first.
pub(super) async fn heard(
    agent: &Agent,
    step: &Step,
    input: &Input,
    talk: &Talk,
    model: &dyn Model,
    ask: &Ask,
) -> Result<Reply, Failure> {
    match until_answered(agent, step, model, ask).await {
        Ok(reply) => Ok(reply),
        Err(Unanswered::Failed(failure)) => Err(failure),
        Err(Unanswered::Cancelled) => {
            if let Some(draft) = unfinished(&input.prompt, &talk.written, &talk.texts, &talk.kept) {
                let keep = async |name: &str, media: &str, file| step.artifact(name, media, file).await;
                keep_draft(agent, &draft, keep).await;
            }
            Err(interrupted(step).await)
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
fn to_percent(of: f64) -> usize {
    of.clamp(0.0, 100.0) as usize
}

/// Whether the n-th turn must be the last.
fn last(agent: &Agent, run: &Run, n: u32, talk: &Talk) -> Result<Option<Last>, Failure> {
    if let Some(left) = run.budget().tokens_left {
        if left == 0 && n == 1 {
            return Err(tokens_spent(run));
        }
        let (_, ask) = talk.ask(None);
        if left < 2 * ask.tokens() + WRITING {
            return Ok(Some(Last::Tokens));
        }
    }
    Ok((n == agent.turns).then_some(Last::Turns))
}

pub(super) fn tokens_spent(run: &Run) -> Failure {
    let all = run.budget().tokens.unwrap_or_default();
    let message =
        format!("the task's budget of {all} tokens is spent and no report was handed in; allow it more");
    Failure::permanent("token_budget_spent", message)
}

/// Pays for a call that an earlier run began in the step of this name and was lost in, if there is one:
/// nobody heard what it cost. To be done before the step is begun again.
pub(crate) async fn pay_for_swallowed(
    run: &Run,
    step: &str,
    model: &dyn Model,
    ask: &Ask,
) -> Result<(), Failure> {
    match swallowed(run, step, ask) {
        Some(tokens) => run.usage(usage(tokens), Some(&named(model))).await,
        None => Ok(()),
    }
}

/// What a call cost, about, that an earlier run began and was lost in: nobody heard the figures.
fn swallowed(run: &Run, name: &str, ask: &Ask) -> Option<Tokens> {
    let begun = run.begun();
    let Reason::Admitted { why } = begun.reason else { return None };
    let lost = match why {
        AdmissionReason::Reassigned => true,
        // A run that failed has left its error, and one that was aborted an estimate of its own.
        AdmissionReason::Retried => begun.error.is_none() && begun.usage.exact,
        AdmissionReason::First | AdmissionReason::Continued | AdmissionReason::Resumed => false,
    };
    let step = begun.steps.iter().find(|step| lost && step.name == name && step.result.is_none())?;
    let heard = begun.text.iter().filter(|text| text.segment == step.index * 2 + 1);
    let heard: u64 = heard.map(|text| text.length).sum();
    let output = estimate(usize::try_from(heard).unwrap_or(usize::MAX));
    Some(Tokens { input: ask.tokens(), output, exact: false })
}

fn usage(tokens: Tokens) -> Usage {
    Usage {
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        model_calls: 1,
        exact: tokens.exact,
        ..Usage::default()
    }
}

fn named(model: &dyn Model) -> String {
    format!("{}/{}", model.facts().provider, model.facts().model)
}

/// Why there is no answer.
pub(crate) enum Unanswered {
    /// An abort is asked for: tidy up, then leave with [`interrupted`].
    Cancelled,
    /// It will not come.
    Failed(Failure),
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What became of a question.
enum Outcome {
    Answered(Box<Reply>),
    Failed(Error),
    Cancelled,
}

/// Puts a question until it is answered: what is said is streamed as the step's text, every try is paid for
/// before anything else happens, and one that failed is made again as the agent's [`Retry`] has it. Each try
/// waits for its turn within the rate limit that all processes of the organisation share. An abort ends it at
/// once.
///
/// [`Retry`]: longhaul_model::Retry
pub(crate) async fn until_answered(
    agent: &Agent,
    step: &Step,
    model: &dyn Model,
    ask: &Ask,
) -> Result<Reply, Unanswered> {
    let cells = step.cells();
    let mut failures = 0;
    loop {
        let turn = tokio::select! {
            biased;
            () = step.cancelled() => return Err(Unanswered::Cancelled),
            turn = agent.rate_limits.turn(&cells, model.facts(), expected(ask), step) => turn?,
        };
        let mut heard = 0;
        let outcome = tokio::select! {
            biased;
            () = step.cancelled() => Outcome::Cancelled,
            outcome = once(step, model, ask, &turn, &mut heard) => outcome?,
        };
        let cost = cost(&outcome, ask, heard);
        // Paid for before anything else happens, however it went.
        step.usage(usage(cost), Some(&named(model))).await?;
        let spent = cost.input + cost.output;
        let error = match outcome {
            Outcome::Answered(reply) => {
                turn.settle(spent);
                return if reply.stop == Stop::Refused { Err(refusal(&reply).into()) } else { Ok(*reply) };
            }
            Outcome::Cancelled => {
                turn.settle(spent);
                return Err(Unanswered::Cancelled);
            }
            Outcome::Failed(error) => error,
        };
        failures += 1;
        let wait = agent.retry.wait(error.class, failures, error.retry_after, jitter());
        let limited = error.class == Class::RateLimited;
        if limited {
            // Who wants to be left alone for longer than one waits is asked by each once: they are told so.
            let asked = error.retry_after.filter(|asked| *asked <= agent.retry.patience);
            turn.refused(error.figures.as_deref(), wait.or(asked));
        } else {
            turn.settle(spent);
        }
        let Some(wait) = wait else { return Err(failure(&error).into()) };
        if heard > 0 {
            // What was said cannot be taken back.
            step.text("\n(The answer broke off and begins anew.)\n").await?;
        }
        if limited {
            // Its next turn comes when the provider may be asked again.
            continue;
        }
        step.message(format!("waits {}: {error}", in_words(wait)));
        tokio::select! {
            () = step.cancelled() => return Err(Unanswered::Cancelled),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How many tokens a call takes, about. Few answers are as long as they may be.
fn expected(ask: &Ask) -> u64 {
    ask.tokens() + u64::from(ask.most_output) / 4
}

/// Asks once; counts the bytes that are heard.
async fn once(
    step: &Step,
    model: &dyn Model,
    ask: &Ask,
    turn: &limit::Turn,
    heard: &mut usize,
) -> Result<Outcome, Failure> {
    let mut stream = model.ask(ask.clone());
    while let Some(next) = stream.next().await {
        match next {
            Ok(Heard::Text(text)) => {
                *heard += text.len();
                step.text(text).await?;
            }
            Ok(Heard::Figures(figures)) => turn.heard(figures),
            Ok(Heard::Reply(reply)) => {
                if *heard > 0 {
                    step.text("\n").await?;
                }
                return Ok(Outcome::Answered(reply));
            }
            Err(error) => return Ok(Outcome::Failed(error)),
        }
    }
    let message = format!("{} ended without an answer", model.facts().provider);
    Ok(Outcome::Failed(Error::new(Class::BrokenOff, message)))
}

/// The way out where an abort is asked for.
pub(crate) async fn interrupted(step: &Step) -> Failure {
    match step.checkpoint().await {
        Err(stop) => stop,
        Ok(()) => Failure::retryable("interrupted", "the model was interrupted"),
    }
}

/// What a call cost: as the provider says, else estimated from what was sent and heard.
fn cost(outcome: &Outcome, ask: &Ask, heard: usize) -> Tokens {
    let said = match outcome {
        Outcome::Answered(reply) => reply.tokens,
        Outcome::Failed(error) => error.tokens,
        Outcome::Cancelled => Tokens::default(),
    };
    if said.exact || said.input > 0 {
        return said;
    }
    let begun = match outcome {
        Outcome::Answered(_) | Outcome::Cancelled => true,
        // Who says no before it answers counts nothing.
        Outcome::Failed(error) => {
            heard > 0 || matches!(error.class, Class::Timeout | Class::BrokenOff | Class::Malformed)
        }
    };
    if !begun {
        return Tokens { exact: true, ..Tokens::default() };
    }
    let output = match outcome {
        Outcome::Answered(reply) => {
            let calls = reply.calls.iter().map(|call| match &call.arguments {
                Ok(arguments) => arguments.to_string().len(),
                Err(text) => text.len(),
            });
            reply.text.len() + calls.sum::<usize>()
        }
        Outcome::Failed(_) | Outcome::Cancelled => heard,
    };
    Tokens { input: ask.tokens(), output: estimate(output), exact: false }
}

fn failure(error: &Error) -> Failure {
    let make = if error.class.is_retryable() { Failure::retryable } else { Failure::permanent };
    make(error.class.code(), error.message.as_str())
}

fn refusal(reply: &Reply) -> Failure {
    let said = crate::analyst::format::cut(reply.text.trim(), 300);
    let said = if said.is_empty() { "it did not say why".to_owned() } else { said };
    Failure::permanent(Class::Refused.code(), format!("{} will not answer this: {said}", reply.model))
}

fn in_words(wait: Duration) -> String {
    format!("{} s", wait.as_secs_f64().ceil())
}
