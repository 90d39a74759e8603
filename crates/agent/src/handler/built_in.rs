//! A report by the built-in analyst: planning, each query, drafting.
//!
//! The first two are those of a turn of a conversation too.

use longhaul_document::Document;
use longhaul_executor::{Failure, Run, Step};
use serde_json::json;

use super::account::Account;
use super::consent::{Consent, Planned, consent};
use super::data::{blocking, end_if_aborted, figures, open};
use super::{Agent, Input};
use crate::analyst::{Answer, Brief, Plan, PlannedQuery, sentences};
use crate::data::Dialect;
use crate::draft::Kept;
use crate::tools::{SqlCall, Tools};

/// What runs of earlier versions called the one step in which they asked everything.
const ALL_QUERIES: &str = "querying";

/// Makes the document; gives the queries that were answered.
pub(super) async fn write(
    agent: &Agent,
    run: &mut Run,
    input: &Input,
    queries: u32,
) -> Result<(Document, Vec<Kept>), Failure> {
    let (plan, tools) = planned(agent, run, input, queries, true).await?;
    run.steps_of(plan.queries.len() + 3);
    let answers: Vec<Answer> = match run.recorded(ALL_QUERIES).await? {
        Some(answers) => answers,
        None => asked(agent, run, input, queries, &plan, tools, true).await?,
    };
    none_failed(&answers)?;
    let document: Document = run
        .step("drafting", async |step| {
            step.message("writing the findings");
            let document = input.analyst.write(&plan, &answers);
            for sentence in sentences(&document) {
                step.text(format!("{sentence}\n")).await?;
            }
            step.progress(80, 100);
            Ok::<_, Failure>(document)
        })
        .await?;
    Ok((document, kept(&plan.queries, &answers)))
}

/// Refuses answers of which none has rows.
fn none_failed(answers: &[Answer]) -> Result<(), Failure> {
    match answers.first() {
        Some(Answer::Failed(why)) if answers.iter().all(|answer| matches!(answer, Answer::Failed(_))) => {
            Err(Failure::permanent("query_failed", format!("no query gave an answer; the first: {why}")))
        }
        _ => Ok(()),
    }
}

/// Plans the queries, in a step of its own. The data is read once per run, by whichever step comes to it
/// first: what was opened is given too. `tell`: the step's text says what is planned.
pub(crate) async fn planned(
    agent: &Agent,
    run: &mut Run,
    input: &Input,
    queries: u32,
    tell: bool,
) -> Result<(Plan, Option<Tools>), Failure> {
    let mut tools: Option<Tools> = None;
    let plan: Plan = run
        .step("planning", async |step| {
            let (opened, plan) = planning(agent, &step, input, queries, tell).await?;
            tools = Some(opened);
            Ok::<_, Failure>(plan)
        })
        .await?;
    Ok((plan, tools))
}

async fn planning(
    agent: &Agent,
    step: &Step,
    input: &Input,
    queries: u32,
    tell: bool,
) -> Result<(Tools, Plan), Failure> {
    let opened = open(agent, step, input, queries).await?;
    if opened.get_schema().dialect != Dialect::Sqlite {
        let message = "the built-in analyst reads files; name a model to have a database asked";
        return Err(Failure::permanent("data_unusable", message));
    }
    step.progress(15, 100);
    let prepared_on = Some(jiff::Zoned::now().date());
    let brief = Brief { prompt: input.prompt.clone(), queries, prepared_on };
    let plan = input.analyst.plan(opened.get_schema(), opened.skills(), &brief);
    if tell {
        let asked = match plan.queries.len() {
            0 => "No query is needed.".to_owned(),
            1 => "One query is planned.".to_owned(),
            n => format!("{n} queries are planned."),
        };
        step.text(format!("{}. {asked}\n", plan.title)).await?;
    }
    step.progress(20, 100);
    Ok((opened, plan))
}

/// Asks the queries of a plan, each in a step of its own: what is answered is not asked again. `tell`: the
/// steps' texts say what came of them.
pub(crate) async fn asked(
    agent: &Agent,
    run: &mut Run,
    input: &Input,
    queries: u32,
    plan: &Plan,
    mut tools: Option<Tools>,
    tell: bool,
) -> Result<Vec<Answer>, Failure> {
    let mut account = Account::of(run);
    let mut answers = Vec::with_capacity(plan.queries.len());
    for (n, query) in plan.queries.iter().enumerate() {
        let name = format!("query {}", n + 1);
        let call = SqlCall { sql: query.sql.clone(), purpose: query.purpose.clone() };
        let planned = Planned {
            step: &name,
            is_done: run.begun().recorded(&name).is_some(),
            tool: "execute_sql",
            arguments: &json!(call),
            // What is written about the rows is planned with the query.
            schema: Some(json!({"properties": {"sql": {"const": call.sql}}})),
        };
        let said = consent(run, planned, async |step| {
            let opened = match tools.take() {
                Some(tools) => tools,
                None => open(agent, step, input, queries).await?,
            };
            let (back, known) = figures(step, opened, &call).await?;
            tools = Some(back);
            Ok(known.map(|mut known| {
                known.insert("query".to_owned(), n as u64 + 1);
                known
            }))
        })
        .await?;
        if let Consent::Refused(refusal) = said {
            answers.push(Answer::Failed(refusal.to_string()));
            continue;
        }
        let answer = run
            .step(name.as_str(), async |step| {
                let opened = match tools.take() {
                    Some(tools) => tools,
                    None => open(agent, &step, input, queries).await?,
                };
                step.message(format!("query {} of {}: {}", n + 1, plan.queries.len(), query.purpose));
                // Counted in the log before it runs, so that an abort or a crash does not make it free.
                if !account.pay(&step).await? {
                    tools = Some(opened);
                    return Ok(Answer::Failed("the task's budget of queries is spent".to_owned()));
                }
                let (back, answer) = ask(&step, opened, query, tell).await?;
                tools = Some(back);
                step.progress(20 + 50 * (n + 1) / plan.queries.len(), 100);
                Ok::<_, Failure>(answer)
            })
            .await?;
        account.answered(run, &name);
        answers.push(answer);
    }
    Ok(answers)
}

async fn ask(
    step: &Step,
    mut tools: Tools,
    query: &PlannedQuery,
    tell: bool,
) -> Result<(Tools, Answer), Failure> {
    let stop = tools.stop();
    let call = SqlCall { sql: query.sql.clone(), purpose: query.purpose.clone() };
    let (tools, answer) = blocking(step, &stop, move || {
        let answer = tools.execute_sql(&call);
        (tools, answer)
    })
    .await?;
    end_if_aborted(step).await?;
    let said = match &answer {
        Ok(rows) => format!("{}: {} rows in {} ms.\n", query.purpose, rows.rows.len(), rows.millis),
        Err(refusal) => format!("{}: {refusal}.\n", query.purpose),
    };
    if tell {
        step.text(said).await?;
    }
    Ok((
        tools,
        match answer {
            Ok(rows) => Answer::Rows(rows),
            Err(refusal) => Answer::Failed(refusal.to_string()),
        },
    ))
}

/// The queries that gave rows.
pub(crate) fn kept(queries: &[PlannedQuery], answers: &[Answer]) -> Vec<Kept> {
    let rows = queries.iter().zip(answers).filter_map(|(query, answer)| match answer {
        Answer::Rows(rows) => {
            Some(Kept { purpose: query.purpose.clone(), sql: query.sql.clone(), rows: rows.clone() })
        }
        Answer::Failed(_) => None,
    });
    rows.collect()
}
