//! Serving the calls of a model, each in a step of its own.

use longhaul_executor::{Failure, Run, Step};
use longhaul_model::Call;
use serde_json::{Value, json};

use super::DRAFTING;
use super::opening::Opening;
use super::state::{Answer, Served, Talk};
use super::wanted::{Wanted, with};
use crate::analyst::format::cut;
use crate::draft::{Chapter, Kept, unfinished};
use crate::handler::account::Account;
use crate::handler::consent::{Consent, Figures, Planned, consent};
use crate::handler::data::{blocking, end_if_aborted, figures, open};
use crate::handler::files::keep_draft;
use crate::handler::{Agent, Input};
use crate::tools::{Refusal, SqlCall, Tools};

/// What calls are served with. The data is opened once per run, by whichever call needs it first.
pub(super) struct Bench<'a> {
    agent: &'a Agent,
    pub(super) input: &'a Input,
    queries: u32,
    tools: Option<Tools>,
    account: Account,
}

impl<'a> Bench<'a> {
    pub(super) fn new(agent: &'a Agent, run: &Run, input: &'a Input, queries: u32) -> Self {
        Self { agent, input, queries, tools: None, account: Account::of(run) }
    }

    pub(super) fn opened(&mut self, tools: Tools) {
        self.tools = Some(tools);
    }

    /// What a person says about a call, if the policy wants one to; see [`consent`].
    pub(super) async fn consent(
        &mut self,
        run: &mut Run,
        name: &str,
        call: &Call,
        wanted: &Wanted,
        talk: &Talk,
    ) -> Result<Consent, Failure> {
        let Ok(arguments) = &call.arguments else { return Ok(Consent::Free) };
        // A report is handed in by the step after it.
        let by = if matches!(wanted, Wanted::Report { .. }) { DRAFTING } else { name };
        let is_done = run.begun().recorded(by).is_some();
        let schema = talk.schema(&call.name);
        let planned = Planned { step: name, is_done, tool: &call.name, arguments, schema };
        consent(run, planned, async |step| {
            let mut figures = talk.figures(wanted);
            if let Wanted::Query(query) = wanted {
                let Some(of_data) = self.figures(step, query).await? else { return Ok(None) };
                figures.extend(of_data);
            }
            Ok(Some(figures))
        })
        .await
    }

    /// What a query would take; nothing if it would not be run anyway.
    async fn figures(&mut self, step: &Step, query: &SqlCall) -> Result<Option<Figures>, Failure> {
        let (tools, figures) = figures(step, self.open(step).await?, query).await?;
        self.tools = Some(tools);
        Ok(figures)
    }

    /// Serves a call, or gives what an earlier run recorded for it. What cannot be served is answered too.
    pub(super) async fn serve(
        &mut self,
        run: &mut Run,
        name: &str,
        wanted: Wanted,
        opening: &Opening,
        talk: &Talk,
    ) -> Result<Served, Failure> {
        let served: Served = run
            .step(name, async |step| match wanted {
                Wanted::Schema => Ok(free(Answer::Value(opening.schema.clone()))),
                Wanted::Skill(skill) => {
                    let tools = self.open(&step).await?;
                    let answer = match tools.read_skill(&skill) {
                        Ok(skill) => Answer::Value(serde_json::to_value(skill).unwrap_or(Value::Null)),
                        Err(refusal) => Answer::Refused(refusal),
                    };
                    self.tools = Some(tools);
                    Ok(free(answer))
                }
                Wanted::Query(call) => self.query(&step, call, talk).await,
                Wanted::Section(chapter) => self.section(&step, *chapter, talk).await,
                Wanted::Known(answer) => Ok(free(Answer::Value(answer))),
                Wanted::Report { .. } => Ok(free(Answer::Value(Value::Null))),
            })
            .await?;
        if served.paid {
            self.account.answered(run, name);
        }
        Ok(served)
    }

    /// Keeps a section, and what there is of the report with it, so that it can be read from here on.
    async fn section(&mut self, step: &Step, chapter: Chapter, talk: &Talk) -> Result<Served, Failure> {
        step.message(format!("wrote {:?}", cut(&chapter.heading, 100)));
        step.text(format!("{}\n", chapter.heading)).await?;
        let written = with(&talk.written, chapter);
        if let Some(draft) = unfinished(&self.input.prompt, &written, &[], &talk.kept) {
            let keep = async |name: &str, media: &str, file| step.artifact(name, media, file).await;
            keep_draft(self.agent, &draft, keep).await;
        }
        end_if_aborted(step).await?;
        let headings: Vec<&str> = written.iter().map(|chapter| chapter.heading.as_str()).collect();
        Ok(free(Answer::Value(json!({ "written": headings }))))
    }

    async fn query(&mut self, step: &Step, call: SqlCall, talk: &Talk) -> Result<Served, Failure> {
        step.message(format!("query: {}", call.purpose));
        let mut tools = self.open(step).await?;
        let (stop, asked) = (tools.stop(), call.clone());
        let (mut tools, usable) = blocking(step, &stop, move || {
            let usable = tools.check(&asked);
            (tools, usable)
        })
        .await?;
        // What is refused before it runs costs nothing.
        if let Err(refusal) = usable {
            self.tools = Some(tools);
            step.text(format!("{}: {refusal}.\n", call.purpose)).await?;
            return Ok(free(Answer::Refused(refusal)));
        }
        // Counted in the log before it runs, so that an abort or a crash does not make it free.
        if !self.account.pay(step).await? {
            self.tools = Some(tools);
            let message = "the task's budget of queries is spent; write the report from what is known";
            let refusal = Refusal { code: "budget_spent".to_owned(), message: message.to_owned() };
            return Ok(free(Answer::Refused(refusal)));
        }
        let asked = call.clone();
        let (tools, answer) = blocking(step, &stop, move || {
            let answer = tools.execute_sql(&asked);
            (tools, answer)
        })
        .await?;
        self.tools = Some(tools);
        if step.abort_requested()
            && let Some(draft) = unfinished(&self.input.prompt, &talk.written, &talk.texts, &talk.kept)
        {
            let keep = async |name: &str, media: &str, file| step.artifact(name, media, file).await;
            keep_draft(self.agent, &draft, keep).await;
        }
        end_if_aborted(step).await?;
        let answer = match answer {
            Ok(rows) => {
                let said = format!("{}: {} rows in {} ms.\n", call.purpose, rows.rows.len(), rows.millis);
                step.text(said).await?;
                Answer::Rows(Kept { purpose: call.purpose, sql: call.sql, rows })
            }
            Err(refusal) => {
                step.text(format!("{}: {refusal}.\n", call.purpose)).await?;
                Answer::Refused(refusal)
            }
        };
        Ok(Served { answer, paid: true })
    }

    async fn open(&mut self, step: &Step) -> Result<Tools, Failure> {
        match self.tools.take() {
            Some(tools) => Ok(tools),
            None => open(self.agent, step, self.input, self.queries).await,
        }
    }
}

fn free(answer: Answer) -> Served {
    Served { answer, paid: false }
}
