//! The log as a file: what is found in it is what is found in the log.

use std::path::PathBuf;

use longhaul_audit::{Report, Rule};
use longhaul_core::*;
use longhaul_journal::port::Port as _;
use serde_json::json;

use super::super::Heard;
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
        let head = script.journal.head(shard).await.unwrap();
        export.take(Heard::Head(shard, head));
        let mut pass = Pass::new(&script.journal, shard, head, 0);
        pass.whole(|entry| export.take(Heard::Record(entry))).await.unwrap();
        passes.push(pass);
    }
    assert!(!path.exists(), "it has no name before it is whole");
    export.finish().unwrap();
    pass::report(&passes)
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
    let file = history::read(&path).unwrap().audit();
    assert_eq!(file.figures, log.figures);
    assert_eq!((file.count(Rule::Newer), file.findings.len()), (1, 1), "{file}");
    assert!(file.findings[0].what.contains("version 99"), "{file}");
    assert_eq!(history::audit(&path, &doctor(path.clone())).unwrap(), Code::Done);
    let refused = Export::new(&path, script.journal.shards()).err().unwrap().to_string();
    assert!(refused.contains("is there already, and is kept: name another"), "no file is overwritten");
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
    let file = history::read(&path).unwrap().audit();
    assert_eq!(file.findings, log.findings);
    assert_eq!((file.findings[0].rule, file.findings[0].sequence), (Rule::Ends, at), "{file}");
    assert_eq!(history::audit(&path, &doctor(path.clone())).unwrap(), Code::Failed);
}

#[tokio::test]
async fn a_file_that_was_not_written_to_its_end_has_no_name_and_is_not_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.ndjson");
    let script = Script::new(1);
    script.submit("acme", "one").await;
    let mut export = Export::new(&path, script.journal.shards()).unwrap();
    export.take(Heard::Head(longhaul_journal::Shard(0), Sequence(1)));
    drop(export);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left of it");
    exported(&script, &path).await;
    let text = std::fs::read_to_string(&path).unwrap();
    for kept in 1..text.lines().count() {
        let cut: String = text.lines().take(kept).map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, cut).unwrap();
        assert_eq!(history::audit(&path, &doctor(path.clone())).unwrap(), Code::Failed, "{kept} lines");
    }
}

#[tokio::test]
async fn the_earliest_finding_is_named_whatever_check_tells_it() {
    let script = Script::new(1);
    let first = script.submit("acme", "one").await;
    let run = script.start(&first).await;
    script.complete(&first, run).await;
    let late = script.complete(&first, run).await;
    script.memory.forget(longhaul_journal::Shard(0), &[Sequence(2)]).await.unwrap();
    let head = script.journal.head(longhaul_journal::Shard(0)).await.unwrap();
    let mut pass = Pass::new(&script.journal, longhaul_journal::Shard(0), head, 0);
    pass.whole(|_| {}).await.unwrap();
    let report = pass::report(&[pass]);
    assert!(report.of(Rule::Ends).any(|found| found.sequence == late));
    let told = super::super::audited::first(&report).unwrap();
    assert_eq!(
        told,
        "the first thing that does not hold: 2: the record is missing, and no erasure took it (gaps)"
    );
}

#[test]
fn what_is_no_history_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.ndjson");
    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        format!("{:#}", history::read(&path).unwrap_err())
    };
    let empty = refused("");
    assert!(empty.contains("history.ndjson: it is empty") && !empty.contains("line 1"), "{empty}");
    assert!(refused("{\"history\":99,\"shards\":1}\n").contains("format 99"));
    assert!(refused("{\"history\":1,\"shards\":0}\n").contains("1 to 256 shards"));
    assert!(refused("{\"history\":1,\"shards\":1}\n{}\n").contains("line 2"));
    std::fs::write(&path, "{\"history\":1,\"shards\":1}\n").unwrap();
    assert_eq!(history::read(&path).unwrap().log().len(), 0);
}
