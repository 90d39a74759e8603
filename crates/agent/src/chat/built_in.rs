//! What the built-in analyst answers in a conversation.

use longhaul_document::{Block, Document, Section};
use longhaul_executor::{Failure, Run};

use super::{Said, Turn};
use crate::analyst::{sentences, write};
use crate::draft::of_rows;
use crate::handler::built_in::{asked, kept, planned};
use crate::path::{Reason, wish};

/// What it says of itself.
const HELP: &str = "I am the built-in analyst. Name data and ask about it: a question about figures becomes a \
     report of its own. What a report found I export as PDF, HTML, Markdown or Word, make a one-pager of, summarise, \
     and look up.";
const WELCOME: &str = "You are welcome.";
const NOTHING: &str =
    "There is nothing in this conversation yet that this could be about. Ask for a report first.";
const NO_DATA: &str = "No data is known in this conversation yet. Name it first.";
const NO_MODEL: &str = "Without a language model I can export what is at hand, make a one-pager of it, summarise it \
     and look figures up; to put it in other words, name a model.";
/// Blocks of a one-pager beside its summary.
const ONE_PAGE: usize = 2;

/// Answers a turn.
pub(super) async fn answer(turn: &Turn<'_>, run: &mut Run) -> Result<Said, Failure> {
    match simple(turn) {
        Some(said) => {
            run.step("answering", async |step| {
                if !said.text.is_empty() {
                    step.text(format!("{}\n", said.text)).await?;
                }
                Ok::<_, Failure>(said)
            })
            .await
        }
        None => one_query(turn, run).await,
    }
}

/// What can be said without the data, if that is what is wanted.
fn simple(turn: &Turn<'_>) -> Option<Said> {
    let memory = turn.memory;
    Some(match &turn.reason {
        Reason::Talk if turn.input.message.to_lowercase().contains("thank") => Said::text(WELCOME),
        Reason::Talk => Said::text(HELP),
        Reason::NothingAtHand => Said::text(NOTHING),
        Reason::Exports { .. } => exported(turn),
        Reason::Summarises => summary(turn),
        Reason::Reshapes if is_one_page(&turn.input.message) => match &memory.document {
            Some(document) => Said { document: Some(one_pager(document)), ..Said::default() },
            None => exported(turn),
        },
        Reason::Reshapes => Said::text(NO_MODEL),
        Reason::AsksOfWhatIsKnown { words } if words.is_empty() => summary(turn),
        Reason::AsksOfWhatIsKnown { .. } if wish(&turn.input.message).document => exported(turn),
        _ if turn.data.is_none() => Said::text(NO_DATA),
        _ => return None,
    })
}

/// The document at hand, or one made of the rows at hand.
fn exported(turn: &Turn<'_>) -> Said {
    let memory = turn.memory;
    let document = memory.document.clone().or_else(|| of_rows(&memory.answers));
    match document {
        Some(document) => Said { document: Some(document), ..Said::default() },
        None => Said::text(NOTHING),
    }
}

/// What was found, in sentences.
fn summary(turn: &Turn<'_>) -> Said {
    let memory = turn.memory;
    let found = memory.document.as_ref().map(sentences).filter(|sentences| !sentences.is_empty());
    match (found, &memory.document) {
        (Some(sentences), Some(document)) => {
            Said::text(format!("{}\n{}", document.title, bullets(&sentences)))
        }
        _ => {
            let asked: Vec<String> = memory
                .answers
                .iter()
                .map(|answer| format!("{}: {} rows", answer.purpose, answer.rows.rows.len()))
                .collect();
            if asked.is_empty() { Said::text(NOTHING) } else { Said::text(bullets(&asked)) }
        }
    }
}

fn bullets(sentences: &[String]) -> String {
    let lines: Vec<String> = sentences.iter().map(|sentence| format!("- {sentence}")).collect();
    lines.join("\n")
}

fn is_one_page(message: &str) -> bool {
    let message = message.to_lowercase();
    ["pager", "one page", "single page", "1 page", "shorter", "short"]
        .iter()
        .any(|word| message.contains(word))
}

/// The summary, and the first charts and tables.
fn one_pager(document: &Document) -> Document {
    let body = document.sections.iter().flat_map(|section| &section.blocks);
    let mut shown: Vec<Block> = Vec::new();
    for wanted in [is_chart as fn(&Block) -> bool, is_small_table] {
        shown.extend(body.clone().find(|block| wanted(block)).cloned());
    }
    shown.truncate(ONE_PAGE);
    let sections = match shown.is_empty() {
        true => Vec::new(),
        false => vec![Section { heading: "At a glance".to_owned(), blocks: shown }],
    };
    Document { sections, queries: Vec::new(), ..document.clone() }
}

fn is_chart(block: &Block) -> bool {
    matches!(block, Block::Chart(_))
}

fn is_small_table(block: &Block) -> bool {
    matches!(block, Block::Table(table) if table.rows.len() <= 12)
}

/// Plans one query over the data, asks it and tells what it gave.
async fn one_query(turn: &Turn<'_>, run: &mut Run) -> Result<Said, Failure> {
    let Some(data) = turn.data else { return Ok(Said::text(NO_DATA)) };
    let report = turn.as_report(data.clone());
    let queries = run.budget().queries.map_or(1, |all| all.min(1));
    let (plan, tools) = planned(turn.agent, run, &report, queries, false).await?;
    let answers = asked(turn.agent, run, &report, queries, &plan, tools, false).await?;
    run.step("answering", async |step| {
        let document = write(&plan, &answers);
        let kept = kept(&plan.queries, &answers);
        let found = sentences(&document);
        let text = if found.is_empty() { document.title.clone() } else { found.join("\n") };
        step.text(format!("{text}\n")).await?;
        let document = wish(&turn.input.message).document.then_some(document);
        Ok::<_, Failure>(Said { text, kept, document, start: None })
    })
    .await
}
