//! A report by the built-in analyst: planning, each query, drafting.

use longhaul_document::Document;
use longhaul_executor::{Failure, Run, Step};

use super::account::Account;
use super::data::{blocking, end_if_aborted, open};
use super::{Agent, Input};
use crate::analyst::{Answer, Brief, Plan, PlannedQuery, sentences};
use crate::data::Dialect;
use crate::tools::{SqlCall, Tools};

/// What runs of earlier versions called the one step in which they asked everything.
const ALL_QUERIES: &str = "querying";

/// Makes the document; says how many queries were answered.
pub(super) async fn write(
    agent: &Agent,
    run: &mut Run,
    input: &Input,
    queries: u32,
) -> Result<(Document, u32), Failure> {
    // The data is read once per run, by whichever step comes to it first.
    let mut tools: Option<Tools> = None;
    let plan: Plan = run
        .step("planning", async |step| {
            let (opened, plan) = planning(agent, &step, input, queries).await?;
            tools = Some(opened);
            Ok::<_, Failure>(plan)
        })
        .await?;
    run.steps_of(plan.queries.len() + 3);
    let answers: Vec<Answer> = match run.recorded(ALL_QUERIES).await? {
        Some(answers) => answers,
        None => querying(agent, run, input, queries, &plan, tools).await?,
    };
    if let Some(Answer::Failed(why)) = answers.first()
        && answers.iter().all(|answer| matches!(answer, Answer::Failed(_)))
    {
        return Err(Failure::permanent("query_failed", format!("no query gave an answer; the first: {why}")));
    }
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
    let ran = answers.iter().filter(|answer| matches!(answer, Answer::Rows(_))).count();
    Ok((document, u32::try_from(ran).unwrap_or(u32::MAX)))
}

async fn planning(agent: &Agent, step: &Step, input: &Input, queries: u32) -> Result<(Tools, Plan), Failure> {
    let opened = open(agent, step, input, queries).await?;
    if opened.get_schema().dialect != Dialect::Sqlite {
        let message = "the built-in analyst reads files; name a model to have a database asked";
        return Err(Failure::permanent("data_unusable", message));
    }
    step.progress(15, 100);
    let prepared_on = Some(jiff::Zoned::now().date());
    let brief = Brief { prompt: input.prompt.clone(), queries, prepared_on };
    let plan = input.analyst.plan(opened.get_schema(), opened.skills(), &brief);
    let asked = match plan.queries.len() {
        0 => "No query is needed.".to_owned(),
        1 => "One query is planned.".to_owned(),
        n => format!("{n} queries are planned."),
    };
    step.text(format!("{}. {asked}\n", plan.title)).await?;
    step.progress(20, 100);
    Ok((opened, plan))
}

/// Asks the queries of a plan, each in a step of its own: what is answered is not asked again.
async fn querying(
    agent: &Agent,
    run: &mut Run,
    input: &Input,
    queries: u32,
    plan: &Plan,
    mut tools: Option<Tools>,
) -> Result<Vec<Answer>, Failure> {
    let mut account = Account::of(run);
    let mut answers = Vec::with_capacity(plan.queries.len());
    for (n, query) in plan.queries.iter().enumerate() {
        let name = format!("query {}", n + 1);
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
                let (back, answer) = ask(&step, opened, query).await?;
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

async fn ask(step: &Step, mut tools: Tools, query: &PlannedQuery) -> Result<(Tools, Answer), Failure> {
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
    step.text(said).await?;
    Ok((
        tools,
        match answer {
            Ok(rows) => Answer::Rows(rows),
            Err(refusal) => Answer::Failed(refusal.to_string()),
        },
    ))
}
