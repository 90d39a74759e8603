//! Data sets for the tests.

use std::path::PathBuf;

use longhaul_agent::analyst::{Answer, Brief, Plan, plan, write};
use longhaul_agent::data::{Dataset, Error, Limits, Source, Stop};
use longhaul_document::{Block, Document};
use tempfile::TempDir;

pub(crate) fn chinook() -> Dataset {
    open(&Source::one("sample:chinook")).unwrap()
}

pub(crate) fn open(source: &Source) -> Result<Dataset, Error> {
    Dataset::open(source, &[], &Limits::default(), &Stop::default())
}

/// A folder with files of the given names and contents.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new<B: AsRef<[u8]>>(files: &[(&str, B)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        Self(dir)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn source(&self, name: &str) -> Source {
        Source::one(self.path(name).to_string_lossy())
    }

    pub(crate) fn folder(&self) -> Source {
        Source::one(self.0.path().to_string_lossy())
    }
}

/// One CSV file, opened.
pub(crate) fn csv(content: impl AsRef<[u8]>) -> Result<Dataset, Error> {
    let files = Files::new(&[("data.csv", content)]);
    open(&files.source("data.csv"))
}

/// A report as it is made, without executor and typesetter.
pub(crate) fn report(data: &mut Dataset, prompt: &str, queries: u32) -> (Plan, Document) {
    let brief = Brief { prompt: prompt.to_owned(), queries, prepared_on: None };
    let plan = plan(data.schema(), &brief);
    let answers: Vec<Answer> = plan
        .queries
        .iter()
        .map(|query| match data.query(&query.sql) {
            Ok(rows) => Answer::Rows(rows),
            Err(error) => panic!("{prompt:?}: {error}\n{}", query.sql),
        })
        .collect();
    let document = write(&plan, &answers);
    document.check(&longhaul_document::Limits::default()).unwrap();
    (plan, document)
}

/// All texts of a document, one per line.
pub(crate) fn text(document: &Document) -> String {
    let mut lines = vec![document.title.clone()];
    lines.extend(document.subtitle.clone());
    let sections =
        document.sections.iter().flat_map(|section| lines_of(&section.blocks, Some(&section.heading)));
    lines.extend(lines_of(&document.summary, None).into_iter().chain(sections));
    lines.join("\n")
}

fn lines_of(blocks: &[Block], heading: Option<&str>) -> Vec<String> {
    let mut lines: Vec<String> = heading.map(|heading| format!("## {heading}")).into_iter().collect();
    for block in blocks {
        match block {
            Block::Paragraph { text } | Block::Note { text } => lines.push(text.clone()),
            Block::Bullets { items } => lines.extend(items.iter().cloned()),
            Block::KeyFigures { figures } => {
                lines.extend(figures.iter().map(|f| format!("[{}: {}]", f.label, f.value)));
            }
            Block::Table(table) => {
                lines.push(table.caption.clone());
                let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
                lines.push(names.join(" | "));
                lines.extend(table.rows.iter().chain(&table.total).map(|row| row.join(" | ")));
            }
            Block::Chart(chart) => lines.push(chart.caption.clone()),
        }
    }
    lines
}
