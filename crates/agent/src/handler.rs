//! The `report` kind: what an executor runs.
//!
//! Thin by intent: the four steps, what is said meanwhile, and which errors are worth another try.

use std::path::PathBuf;
use std::sync::Arc;

use longhaul_document::{Document, Format};
use longhaul_executor::{Executor, Failure, Run, Step};
use serde::{Deserialize, Serialize};

use crate::analyst::{Analyst, Answer, Brief, Plan, sentences};
use crate::data::{Dataset, Error as DataError, Limits, Source, Stop};
use crate::render::{RenderCommand, RenderError, RenderLimits, render};
use crate::skills::{self, Skills};
use crate::tools::{QUERIES, SqlCall, Tools};

/// The kind of task that [`handle_report`] runs.
pub const KIND: &str = "report";

/// What the agent may do and with what, the same for all its tasks.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The program that sets documents.
    pub renderer: RenderCommand,
    /// How much setting a document may take.
    pub render_limits: RenderLimits,
    /// The bounds of reading and of each query.
    pub limits: Limits,
    /// The only folders whose files may be read; any if empty. Whoever may submit tasks may read
    /// what lies in them.
    pub roots: Vec<PathBuf>,
    /// Queries of a task that does not say how many.
    pub queries: u32,
}

impl Agent {
    /// An agent with the usual bounds.
    #[must_use]
    pub fn new(renderer: RenderCommand) -> Self {
        Self {
            renderer,
            render_limits: RenderLimits::default(),
            limits: Limits::default(),
            roots: Vec::new(),
            queries: QUERIES,
        }
    }
}

/// What a report is asked for with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where the data lies.
    pub data: Source,
    /// What the report shall be about, in plain words.
    pub prompt: String,
    /// A folder of skills beside those that ship with the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills: Option<String>,
    /// What the document is set as, each format once; a PDF if nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<Format>,
    /// What the document is called, an ending left out; made from its title otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Queries that may be run, at most as many as the task's own limit allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<u32>,
    /// Who writes.
    #[serde(default)]
    pub analyst: Analyst,
}

/// What a report task gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The document's title.
    pub title: String,
    /// What it found, in its own sentences.
    pub summary: Vec<String>,
    /// The name of the first artifact.
    pub artifact: String,
    /// The names of all artifacts, in the order they were asked for.
    #[serde(default)]
    pub artifacts: Vec<String>,
    /// How many queries were run for it.
    pub queries: u32,
}

/// Registers the report agent with an executor, under [`KIND`].
pub fn handle_report(executor: Executor, agent: Agent) -> Executor {
    let agent = Arc::new(agent);
    executor.handle(KIND, async move |run: &mut Run, input: Input| report(&agent, run, input).await)
}

/// Bounds on what a request may be.
const LONGEST_PROMPT: usize = 10_000;
const MOST_QUERIES: u32 = 50;

async fn report(agent: &Agent, run: &mut Run, input: Input) -> Result<Output, Failure> {
    let queries = check(agent, run, &input)?;
    run.steps_of(4);
    // The data is read once per run, by whichever step comes to it first.
    let mut tools: Option<Tools> = None;
    let plan: Plan = run
        .step("planning", async |step| {
            let (opened, plan) = planning(agent, &step, &input, queries).await?;
            tools = Some(opened);
            Ok::<_, Failure>(plan)
        })
        .await?;
    let answers: Vec<Answer> = run
        .step("querying", async |step| {
            let opened = match tools.take() {
                Some(tools) => tools,
                None => open(agent, &step, &input, queries).await?,
            };
            querying(&step, opened, &plan).await
        })
        .await?;
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
    let artifacts: Vec<String> =
        run.step("rendering", async |step| rendering(agent, &step, &input, &document).await).await?;
    let ran = answers.iter().filter(|answer| matches!(answer, Answer::Rows(_))).count();
    Ok(Output {
        summary: sentences(&document),
        title: document.title,
        artifact: artifacts.first().cloned().unwrap_or_default(),
        artifacts,
        queries: u32::try_from(ran).unwrap_or(u32::MAX),
    })
}

/// Refuses what cannot become a report; gives the number of queries.
fn check(agent: &Agent, run: &Run, input: &Input) -> Result<u32, Failure> {
    let bad = |why: String| Err(Failure::permanent("bad_request", why));
    if input.prompt.len() > LONGEST_PROMPT {
        return bad(format!(
            "the request has {} bytes, at most {LONGEST_PROMPT} are read; say it shorter",
            input.prompt.len()
        ));
    }
    if input.queries.is_some_and(|queries| queries > MOST_QUERIES) {
        return bad(format!("a report runs at most {MOST_QUERIES} queries; ask for fewer"));
    }
    if let Some(name) = &input.file_name
        && file_name(name, Format::default()).is_none()
    {
        return bad(format!(
            "{name:?} is no file name; give one of letters, figures, spaces, points and hyphens"
        ));
    }
    let wanted = input.queries.or(run.budget().queries).unwrap_or(agent.queries);
    Ok(wanted.min(run.budget().queries.unwrap_or(MOST_QUERIES)).min(MOST_QUERIES))
}

async fn planning(agent: &Agent, step: &Step, input: &Input, queries: u32) -> Result<(Tools, Plan), Failure> {
    let opened = open(agent, step, input, queries).await?;
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

/// Opens the data set, on a thread that may block.
async fn open(agent: &Agent, step: &Step, input: &Input, queries: u32) -> Result<Tools, Failure> {
    step.message(format!("reading {}", input.data.name()));
    let stop = Stop::default();
    let (source, roots, limits) = (input.data.clone(), agent.roots.clone(), agent.limits.clone());
    let (folder, asked) = (input.skills.clone(), stop.clone());
    let opened = blocking(step, &stop, move || {
        let skills = match folder {
            Some(folder) => Skills::with_folder(folder.as_ref()).map_err(skills_failure)?,
            None => Skills::default(),
        };
        let data = Dataset::open(&source, &roots, &limits, &asked).map_err(data_failure)?;
        Ok(Tools::new(data, skills, queries))
    })
    .await;
    // What was stopped ends here, not with the error of having been stopped.
    end_if_aborted(step).await?;
    opened?
}

async fn querying(step: &Step, mut tools: Tools, plan: &Plan) -> Result<Vec<Answer>, Failure> {
    let mut answers = Vec::with_capacity(plan.queries.len());
    for (n, query) in plan.queries.iter().enumerate() {
        end_if_aborted(step).await?;
        step.message(format!("query {} of {}: {}", n + 1, plan.queries.len(), query.purpose));
        // Counted in the log before it runs, so that an abort or a crash does not make it free.
        if !step.spend_query().await? {
            answers.push(Answer::Failed("the task's budget of queries is spent".to_owned()));
            continue;
        }
        let stop = tools.stop();
        let call = SqlCall { sql: query.sql.clone(), purpose: query.purpose.clone() };
        let (back, answer) = blocking(step, &stop, move || {
            let answer = tools.execute_sql(&call);
            (tools, answer)
        })
        .await?;
        tools = back;
        end_if_aborted(step).await?;
        let said = match &answer {
            Ok(rows) => format!("{}: {} rows in {} ms.\n", query.purpose, rows.rows.len(), rows.millis),
            Err(refusal) => format!("{}: {refusal}.\n", query.purpose),
        };
        step.text(said).await?;
        answers.push(match answer {
            Ok(rows) => Answer::Rows(rows),
            Err(refusal) => Answer::Failed(refusal.to_string()),
        });
        step.progress(20 + 50 * (n + 1) / plan.queries.len().max(1), 100);
    }
    match answers.as_slice() {
        [Answer::Failed(why), ..] if answers.iter().all(|a| matches!(a, Answer::Failed(_))) => {
            Err(query_failure(why))
        }
        _ => Ok(answers),
    }
}

async fn rendering(
    agent: &Agent,
    step: &Step,
    input: &Input,
    document: &Document,
) -> Result<Vec<String>, Failure> {
    step.message("setting the document");
    let formats = formats(input);
    let mut names = Vec::with_capacity(formats.len());
    for (n, format) in formats.iter().copied().enumerate() {
        let file = tokio::select! {
            file = render(document, format, &agent.renderer, &agent.render_limits) => {
                Some(file.map_err(render_failure)?)
            }
            () = step.cancelled() => None,
        };
        end_if_aborted(step).await?;
        let file =
            file.ok_or_else(|| Failure::retryable("render_failed", "setting the document was interrupted"))?;
        let wanted = input.file_name.as_deref().and_then(|given| file_name(given, format));
        let name = wanted.unwrap_or_else(|| name_of(&document.title, format));
        step.artifact(&name, format.media_type(), file).await?;
        names.push(name);
        step.progress(80 + 20 * (n + 1) / formats.len(), 100);
    }
    Ok(names)
}

/// The formats asked for, each once.
fn formats(input: &Input) -> Vec<Format> {
    let mut formats = Vec::new();
    for format in &input.formats {
        if !formats.contains(format) {
            formats.push(*format);
        }
    }
    if formats.is_empty() { vec![Format::default()] } else { formats }
}

/// Ends the run where an abort is asked for, and only then: a slice or a drain that ended it inside a
/// step would throw away queries that are paid for.
async fn end_if_aborted(step: &Step) -> Result<(), Failure> {
    if step.abort_requested() { step.checkpoint().await } else { Ok(()) }
}

/// Does work that blocks, on a thread of its own. An abort, and the end of this future, stop it.
async fn blocking<T: Send + 'static>(
    step: &Step,
    stop: &Stop,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let mut guard = AskOnDrop(Some(stop.clone()));
    let mut working = tokio::task::spawn_blocking(work);
    let done = tokio::select! {
        done = &mut working => done,
        () = step.cancelled() => {
            stop.ask();
            working.await
        }
    };
    // Done: what is asked for from here on is another piece of work's concern.
    guard.0 = None;
    done.map_err(|error| Failure::permanent("broken", format!("reading the data broke off: {error}")))
}

/// Asks for a stop when it is dropped while armed: the work outlives whoever waited for it.
struct AskOnDrop(Option<Stop>);

impl Drop for AskOnDrop {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop.ask();
        }
    }
}

fn data_failure(error: DataError) -> Failure {
    let code = match &error {
        DataError::Csv { .. } | DataError::Database { .. } | DataError::Mixed { .. } => "data_unusable",
        DataError::TooLarge { .. } => "data_too_large",
        _ => "data_unavailable",
    };
    Failure::permanent(code, chain(&error))
}

fn skills_failure(error: skills::Error) -> Failure {
    Failure::permanent("skills_unusable", chain(&error))
}

fn render_failure(error: RenderError) -> Failure {
    if error.is_retryable() {
        Failure::retryable("render_failed", chain(&error))
    } else {
        Failure::permanent("document_unusable", chain(&error))
    }
}

fn query_failure(why: &str) -> Failure {
    Failure::permanent("query_failed", format!("no query gave an answer; the first: {why}"))
}

/// An error and what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A name that someone gave, if it can be one: a single path component, with the format's ending in
/// place of another format's.
fn file_name(given: &str, format: Format) -> Option<String> {
    let given = given.trim();
    let usable = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '(' | ')' | ',');
    let plain = !given.is_empty() && !given.starts_with('.') && given.chars().all(usable);
    if !plain || given.chars().count() > 100 {
        return None;
    }
    Some(match given.rsplit_once('.').map(|(stem, ending)| (stem, ending.parse::<Format>())) {
        Some((_, Ok(named))) if named == format => given.to_owned(),
        Some((stem, Ok(_))) => format!("{stem}.{}", format.ending()),
        _ => format!("{given}.{}", format.ending()),
    })
}

/// A name from a title: `Quarterly review: Q4 2011` is `quarterly-review-q4-2011.pdf`.
fn name_of(title: &str, format: Format) -> String {
    let mut name = String::new();
    for c in title.to_lowercase().chars().take(80) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches('-');
    format!("{}.{}", if name.is_empty() { "report" } else { name }, format.ending())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_components() {
        assert_eq!(name_of("Quarterly review: Q4 2011", Format::Pdf), "quarterly-review-q4-2011.pdf");
        assert_eq!(name_of("../../etc/passwd", Format::Markdown), "etc-passwd.md");
        assert_eq!(name_of("Übersicht", Format::Pdf), "bersicht.pdf");
        assert_eq!(name_of("中", Format::Html), "report.html");
        let named = |given, format| file_name(given, format).unwrap();
        assert_eq!(named("My report", Format::Pdf), "My report.pdf");
        assert_eq!(named("a.PDF", Format::Pdf), "a.PDF");
        assert_eq!(named("a.pdf", Format::Docx), "a.docx");
        assert_eq!(named("v1.2", Format::Docx), "v1.2.docx");
        for bad in ["", "..", "../x", "a/b", ".hidden", "a\nb", "a\0", &"x".repeat(200)] {
            assert_eq!(file_name(bad, Format::Pdf), None, "{bad:?}");
        }
    }

    #[test]
    fn input_is_read_as_it_is_sent() {
        let read = |json| serde_json::from_value::<Input>(json).map_err(|e| e.to_string());
        let input = read(serde_json::json!({"data": "a.csv", "prompt": "by country"})).unwrap();
        assert_eq!((input.analyst, input.queries), (Analyst::BuiltIn, None));
        assert_eq!(formats(&input), [Format::Pdf]);
        let two = serde_json::json!({"data": "a", "prompt": "b", "formats": ["docx", "html", "docx"]});
        assert_eq!(formats(&read(two).unwrap()), [Format::Docx, Format::Html]);
        let none = serde_json::json!({"data": "a", "prompt": "b", "formats": ["odt"]});
        assert!(read(none).unwrap_err().contains("markdown"));
        assert!(read(serde_json::json!({"data": "a.csv"})).unwrap_err().contains("prompt"));
        let model = serde_json::json!({"data": "a.csv", "prompt": "x", "analyst": "some-model"});
        assert!(read(model).unwrap_err().contains("built_in"));
    }
}
