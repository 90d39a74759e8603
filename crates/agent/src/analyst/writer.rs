//! From a plan and its answers to a document.

use longhaul_document::{Block, Document, KeyFigure, QueryRecord, Section};
use serde::{Deserialize, Serialize};

use super::find::{Finding, find};
use super::plan::{Kind, Plan};
use crate::data::Rows;

/// What became of one query of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It gave rows.
    Rows(Rows),
    /// It gave none: the message says why.
    Failed(String),
}

/// Bullets of the summary: more is no summary.
const BULLETS: usize = 7;
/// Figures at the top of the summary.
const FIGURES: usize = 4;

/// Writes the document: one answer for each query of the plan, in its order.
///
/// Whatever the answers hold, a document comes out; what could not be found out it says.
#[must_use]
pub fn write(plan: &Plan, answers: &[Answer]) -> Document {
    let mut findings: Vec<Finding> = Vec::new();
    let mut caveats = plan.caveats.clone();
    for (query, answer) in plan.queries.iter().zip(answers) {
        match answer {
            Answer::Rows(rows) => {
                if rows.truncated {
                    caveats.push(format!(
                        "The query \"{}\" gave more rows than are read; its first {} are used.",
                        query.purpose,
                        rows.rows.len()
                    ));
                }
                findings.push(find(plan, query, rows));
            }
            Answer::Failed(reason) => {
                caveats.push(format!("The query \"{}\" gave nothing: {reason}.", query.purpose));
            }
        }
    }
    if plan.queries.is_empty() && plan.kind != Kind::Empty {
        caveats.insert(0, "No query was allowed, so the report has no figures.".to_owned());
    }
    let mut document = Document {
        title: plan.title.clone(),
        subtitle: Some(plan.subtitle.clone()).filter(|s| !s.is_empty()),
        facts: plan.facts.clone(),
        summary: summary(&findings, &plan.notices, &caveats),
        sections: sections(findings),
        queries: records(plan, answers),
    };
    if plan.kind != Kind::Empty || caveats.len() > 1 {
        document.sections.extend(notes(plan, &caveats));
    }
    document.clean();
    document
}

fn summary(findings: &[Finding], notices: &[String], caveats: &[String]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut figures: Vec<KeyFigure> = Vec::new();
    for figure in findings.iter().flat_map(|f| &f.figures) {
        if figures.len() < FIGURES && !figures.iter().any(|seen| seen.label == figure.label) {
            figures.push(figure.clone());
        }
    }
    if !figures.is_empty() {
        blocks.push(Block::KeyFigures { figures });
    }
    let items = pick(findings);
    let answered = !blocks.is_empty() || !items.is_empty();
    if answered && !notices.is_empty() {
        blocks.push(Block::Note { text: notices.join(" ") });
    }
    if !items.is_empty() {
        blocks.push(Block::Bullets { items });
    }
    if blocks.is_empty() {
        let text = if caveats.is_empty() {
            "The data holds nothing that answers the request.".to_owned()
        } else {
            caveats.join(" ")
        };
        blocks.push(Block::Paragraph { text });
    }
    blocks
}

/// The first sentences of every finding before the second ones of any: a summary tells of each.
fn pick(findings: &[Finding]) -> Vec<String> {
    let mut room: Vec<usize> = vec![0; findings.len()];
    let mut left = BULLETS;
    while left > 0 {
        let mut gave = false;
        for (finding, taken) in findings.iter().zip(&mut room) {
            // The main finding speaks twice before the others speak again.
            if left > 0 && *taken < finding.bullets.len() {
                *taken += 1;
                left -= 1;
                gave = true;
            }
        }
        if !gave {
            break;
        }
    }
    let mut items: Vec<String> = Vec::new();
    for (finding, taken) in findings.iter().zip(room) {
        for bullet in finding.bullets.iter().take(taken) {
            if !items.contains(bullet) {
                items.push(bullet.clone());
            }
        }
    }
    items
}

fn sections(findings: Vec<Finding>) -> Vec<Section> {
    findings
        .into_iter()
        .flat_map(|finding| finding.sections)
        .map(|part| Section { heading: part.heading, blocks: part.blocks })
        .collect()
}

fn notes(plan: &Plan, caveats: &[String]) -> Option<Section> {
    let mut blocks = Vec::new();
    if !plan.method.is_empty() {
        blocks.push(Block::Bullets { items: plan.method.clone() });
    }
    for text in caveats {
        blocks.push(Block::Note { text: text.clone() });
    }
    (!blocks.is_empty()).then(|| Section { heading: "How the figures were made".to_owned(), blocks })
}

fn records(plan: &Plan, answers: &[Answer]) -> Vec<QueryRecord> {
    plan.queries
        .iter()
        .zip(answers)
        .map(|(query, answer)| {
            let (rows, millis) = match answer {
                Answer::Rows(rows) => (rows.rows.len() as u64, rows.millis),
                Answer::Failed(_) => (0, 0),
            };
            QueryRecord { purpose: query.purpose.clone(), sql: query.sql.clone(), rows, millis }
        })
        .collect()
}

/// The summary of a document as sentences, for whoever shows no more than a few.
#[must_use]
pub fn sentences(document: &Document) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for block in &document.summary {
        match block {
            Block::Bullets { items } => sentences.extend(items.iter().cloned()),
            Block::Paragraph { text } | Block::Note { text } => sentences.push(text.clone()),
            Block::KeyFigures { .. } | Block::Table(_) | Block::Chart(_) => {}
        }
    }
    sentences
}
