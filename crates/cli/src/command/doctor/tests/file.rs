//! The log as a file: what is found in it is what is found in the log.

use std::path::PathBuf;

use longhaul_audit::{Report, Rule};
use longhaul_core::*;
use serde_json::json;

use super::super::history::{self, Export};
use super::super::pass::{self, Pass};
use crate::args::{Doctor, Format, Shape};
use crate::command::replay::script::{Script, step};
use crate::exit::Code;

fn doctor(bundle: PathBuf) -> Doctor {
    let shape = Shape { format: Format::Ndjson };
    Doctor { shape, sample: 0, export: None, bundle: Some(bundle) }
}

/// The log in a file, and what was found while it was written.
async fn exported(script: &Script, path: &std::path::Path) -> Report {
    let mut export = Export::new(path, script.journal.shards()).unwrap();
    let mut passes = Vec::new();
    for shard in script.journal.shards().all() {
        let mut pass = Pass::new(&script.journal, shard, 0);
        pass.advance(script.journal.head(shard).await.unwrap(), |entry| export.add(entry)).await.unwrap();
        passes.push(pass);
    }
    let report = pass::report(&passes);
    assert_eq!(export.finish().unwrap(), report.figures.records);
    report
}

#[tokio::test]
async fn what_is_written_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.ndjson");
    let script = Script::new(4);
    for org in ["acme", "initech", "hooli"] {
        let task = script.submit(org, "one").await;
        let run = script.start(&task).await;
        script.say(&task, Role::Executor, step(run, "a", 0)).await;
        script.complete(&task, run).await;
    }
    let broken = script.submit("acme", "broken").await;
    script.garble(&broken).await;
    let log = exported(&script, &path).await;
    let file = history::read(&path).unwrap();
    assert_eq!(file.figures, log.figures);
    assert_eq!((file.count(Rule::Records), file.findings.len()), (1, 1), "{file}");
    assert!(file.findings[0].what.contains("version 99"), "{file}");
    assert_eq!(history::audit(&path, &doctor(path.clone())).unwrap(), Code::Done);
    assert!(Export::new(&path, script.journal.shards()).is_err(), "no file is overwritten");
}

#[tokio::test]
async fn what_breaks_a_rule_breaks_it_in_the_file_at_the_same_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.ndjson");
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    script.complete(&task, run).await;
    let output = Payload::Inline(json!(1));
    let at = script.say(&task, Role::Executor, vec![EventBody::Completed { run, output }]).await;
    let log = exported(&script, &path).await;
    let file = history::read(&path).unwrap();
    assert_eq!(file.findings, log.findings);
    assert_eq!((file.findings[0].rule, file.findings[0].sequence), (Rule::Ends, at), "{file}");
    assert_eq!(history::audit(&path, &doctor(path.clone())).unwrap(), Code::Failed);
}

#[test]
fn what_is_no_history_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.ndjson");
    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        format!("{:#}", history::read(&path).unwrap_err())
    };
    assert!(refused("").contains("line 1"));
    assert!(refused("{\"history\":2,\"shards\":1}\n").contains("format 2"));
    assert!(refused("{\"history\":1,\"shards\":0}\n").contains("1 to 256 shards"));
    assert!(refused("{\"history\":1,\"shards\":1}\n{}\n").contains("line 2"));
    std::fs::write(&path, "{\"history\":1,\"shards\":1}\n").unwrap();
    assert_eq!(history::read(&path).unwrap().figures.records, 0);
}
