//! A report by a language model: a conversation in recorded steps.
//!
//! Each turn of the model and each call of a tool is a step. What the conversation is after them is a
//! fold over their results ([`Talk`]), so a later run that is handed what is recorded stands where the
//! one before it stood, and goes on.

pub(crate) mod asking;
mod compact;
mod opening;
mod serving;
mod state;
mod wanted;

use jiff::civil::Date;
use longhaul_document::{Block, Document, Section};
use longhaul_executor::{Failure, Run};
use longhaul_model::{Call, Model};
use serde_json::json;

use self::opening::Opening;
use self::serving::Bench;
use self::state::Last;
pub(crate) use self::state::Talk;
use self::wanted::Wanted;
use crate::analyst::format::{cut, long_date};
use crate::analyst::sentences;
use crate::draft::{Kept, unfinished};
use crate::handler::consent::Consent;
use crate::handler::data::open;
use crate::handler::files::keep_draft;
use crate::handler::{Agent, Input};

/// Turns of before that a model is told, and characters of each side of one.
const SAID: usize = 6;
const SIDE: usize = 600;
/// The step in which a report that was handed in becomes a document.
const DRAFTING: &str = "drafting";

/// Has a model make the document; gives the queries that gave rows.
pub(crate) async fn write(
    agent: &Agent,
    run: &mut Run,
    input: &Input,
    queries: u32,
    model: &dyn Model,
) -> Result<(Document, Vec<Kept>), Failure> {
    let mut bench = Bench::new(agent, run, input, queries);
    let opening: Opening = run
        .step("opening", async |step| {
            let tools = open(agent, &step, input, queries).await?;
            let facts = model.facts();
            let name = format!("{}/{}", facts.provider, facts.model);
            let opening = Opening {
                context: facts.context,
                ..Opening::new(name, jiff::Zoned::now().date(), &tools, queries)
            };
            bench.opened(tools);
            step.progress(10, 100);
            Ok::<_, Failure>(opening)
        })
        .await?;
    let mut talk = Talk::new(&opening, &request(input));
    let written = converse(agent, run, &opening, &mut talk, &mut bench, model).await;
    let document = match written {
        Ok(document) => document,
        Err(failure) => {
            // A stop has ended the run: what there was of a report is kept already.
            if !failure.is_stop()
                && let Some(draft) = unfinished(&input.prompt, &talk.written, &talk.texts, &talk.kept)
            {
                let keep = async |name: &str, media: &str, file| run.artifact(name, media, file).await;
                keep_draft(agent, &draft, keep).await;
            }
            return Err(failure);
        }
    };
    let document: Document = run
        .step(DRAFTING, async |step| {
            step.message("writing the findings");
            let document = finished(document, &opening.source, opening.day, &opening.model, &input.prompt);
            for sentence in sentences(&document) {
                step.text(format!("{sentence}\n")).await?;
            }
            step.progress(80, 100);
            Ok::<_, Failure>(document)
        })
        .await?;
    Ok((document, talk.kept))
}

/// What is asked for, with the end of the conversation that it is asked in.
fn request(input: &Input) -> String {
    let newest = &input.said[input.said.len().saturating_sub(SAID)..];
    if newest.is_empty() {
        return input.prompt.clone();
    }
    let said = newest
        .iter()
        .map(|turn| json!({"asked": cut(&turn.asked, SIDE), "answered": cut(&turn.answered, SIDE)}));
    let said: Vec<String> = said.map(|turn| turn.to_string()).collect();
    format!(
        "{}\n\nWhat was said before in this conversation, to understand the request by:\n{}",
        input.prompt,
        said.join("\n")
    )
}

/// Turn after turn, until the model hands in a report that fits.
async fn converse(
    agent: &Agent,
    run: &mut Run,
    opening: &Opening,
    talk: &mut Talk,
    bench: &mut Bench<'_>,
    model: &dyn Model,
) -> Result<Document, Failure> {
    for n in 1..=agent.turns {
        compact::within_context(agent, run, n, bench.input, talk, model).await?;
        let turn = asking::turn(agent, run, n, bench.input, talk, model).await?;
        for (n, call) in talk.turned(turn).iter().enumerate() {
            let mut wanted = talk.wanted(n, call);
            let name = wanted.step().map(|of| talk.step(of)).unwrap_or_default();
            let consent = match &wanted {
                Wanted::Known(_) => Consent::Free,
                wanted => bench.consent(run, &name, call, wanted, talk).await?,
            };
            match &consent {
                Consent::Free | Consent::Given => {}
                Consent::Changed { arguments } => {
                    let changed = Call { arguments: Ok(arguments.clone()), ..call.clone() };
                    wanted = talk.wanted(n, &changed);
                }
                Consent::Refused(refusal) => wanted = Wanted::Known(json!({ "error": refusal })),
            }
            match wanted {
                Wanted::Report { document, .. } => return Ok(*document),
                Wanted::Known(answer) => talk.answered(call, answer),
                wanted => {
                    let chapter =
                        if let Wanted::Section(chapter) = &wanted { Some(chapter.clone()) } else { None };
                    let served = bench.serve(run, &name, wanted, opening, talk).await?;
                    if let Some(chapter) = chapter {
                        talk.wrote(*chapter);
                    }
                    talk.served(call, served);
                }
            }
            match &consent {
                Consent::Free => {}
                Consent::Changed { arguments } => talk.was_asked(call, Some(arguments)),
                Consent::Given | Consent::Refused(_) => talk.was_asked(call, None),
            }
        }
        if talk.last() == Some(Last::Tokens) {
            return Err(asking::tokens_spent(run));
        }
        if talk.has_missed() {
            let why = talk.fault.as_deref().unwrap_or_default();
            let message =
                format!("{} handed in no usable report, the last time because {why}", opening.model);
            return Err(Failure::permanent("draft_unusable", message));
        }
    }
    let message = format!("{} wrote no report in {} turns; ask for less at once", opening.model, agent.turns);
    Err(Failure::permanent("turns_spent", message))
}

/// The document with what is known of how it came about.
pub(crate) fn finished(
    mut document: Document,
    source: &str,
    day: Date,
    model: &str,
    request: &str,
) -> Document {
    let fact = |label: &str, value: String| (label.to_owned(), value);
    document.facts = vec![
        fact("Data", source.to_owned()),
        fact("Request", cut(request.trim(), 300)),
        fact("Prepared", long_date(day)),
        fact("Written by", model.to_owned()),
    ];
    document.facts.retain(|(_, value)| !value.is_empty());
    let text = "The text was written by a language model. Tables, charts and large figures are filled from the rows \
                of the queries below, as the data gave them.";
    let note = Block::Note { text: text.to_owned() };
    let heading = "About the figures";
    match document.sections.last_mut() {
        Some(last) if last.heading == heading => last.blocks.insert(0, note),
        _ => document.sections.push(Section { heading: heading.to_owned(), blocks: vec![note] }),
    }
    document.clean();
    document
}
