//! Histories as files: read as they were written, and whatever is missing from one is noticed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod harness;

use harness::*;
use longhaul_audit::{History, HistoryWriter, LineError, Rule};
use longhaul_core::*;
use longhaul_wire::{DecodeError, Shard, Shards, Subject};

/// A history with a task that ended, one that waits, one that was erased, and what cannot be read.
fn lines() -> Vec<String> {
    let mut log = log();
    let (task, run) = log.running();
    log.say(&task, Role::Executor, step(run, "a", 0));
    log.act(&task, complete());
    let (gone, _) = log.running();
    log.act(&gone, complete());
    log.give(&gone, Command::Erase { by: "ann".to_owned() }).unwrap();
    let of_gone = log.subject(&gone);
    let last = log.last();
    log.records.retain(|stored| stored.subject != *of_gone.parsed() || stored.sequence == last);
    let (newer, foreign) = (log.submit(), Subject::policy(Shards::ONE, &org()));
    log.store(&log.subject(&newer), Err(DecodeError::Newer { found: 99, known: 1 }));
    let (subject, body) = ("acme".to_owned(), "hooli".to_owned());
    log.store(&foreign, Err(DecodeError::WrongPlace { what: "organisation", subject, body }));
    log.submit();
    let mut writer = HistoryWriter::new(Shards::ONE);
    writer.goes_to(Shard(0), log.last());
    let records: Vec<String> = log.records.iter().map(|stored| writer.record(stored).unwrap()).collect();
    assert_eq!(writer.records(), records.len() as u64);
    std::iter::once(writer.header()).chain(records).chain([writer.end()]).collect()
}

fn read(lines: &[String]) -> Result<History, LineError> {
    let mut history = History::begin(lines.first().map_or(b"".as_slice(), |line| line.as_bytes()))?;
    lines.iter().skip(1).try_for_each(|line| history.line(format!("{line}\n").as_bytes()))?;
    Ok(history)
}

#[test]
fn a_history_is_read_as_it_was_written() {
    let history = read(&lines()).unwrap();
    assert!(history.says_its_end());
    assert_eq!(history.damage(), [""; 0]);
    let report = history.audit();
    let found: Vec<_> = report.findings.iter().map(|found| (found.rule, found.sequence.0)).collect();
    // What could not be read is in the file for the reason it had on the log.
    assert_eq!(found, [(Rule::Newer, 12), (Rule::Owners, 13), (Rule::Records, 13)], "{report}");
}

#[test]
fn whichever_line_is_missing_is_noticed() {
    let all = lines();
    for gone in 1..all.len() {
        let mut left = all.clone();
        left.remove(gone);
        assert_ne!(read(&left).unwrap().damage(), [""; 0], "line {}", gone + 1);
    }
    // Whole tasks, the beginning, the end.
    for gone in [1..5, 1..3, 6..8, 8..9] {
        let mut left = all.clone();
        left.drain(gone.clone());
        assert_ne!(read(&left).unwrap().damage(), [""; 0], "{gone:?}");
    }
}

#[test]
fn a_history_that_breaks_off_is_not_whole() {
    let all = lines();
    for cut in 1..all.len() {
        let history = read(&all[..cut]).unwrap();
        assert!(history.damage()[0].contains("last line is missing"), "{:?}", history.damage());
    }
    let mut cut = all.clone();
    let last = cut.last_mut().unwrap();
    last.truncate(last.len() / 2);
    assert!(matches!(read(&cut), Err(LineError::BreaksOff)));
}

#[test]
fn what_the_log_had_lost_before_is_found_in_the_file() {
    let mut log = log();
    log.submit();
    let mut writer = HistoryWriter::new(Shards::ONE);
    writer.goes_to(Shard(0), Sequence(3));
    let line = writer.record(&log.records[0]).unwrap();
    let history = read(&[writer.header(), line, writer.end()]).unwrap();
    assert_eq!(history.damage(), [""; 0], "it was written like that");
    let report = history.audit();
    assert_eq!(
        report.findings[0].to_string(),
        "2: the records up to 3 are missing, and no erasure took them"
    );
}

#[test]
fn format_1_has_no_last_line() {
    let all = lines();
    let mut old = all[..all.len() - 1].to_vec();
    old[0] = r#"{"history":1,"shards":1}"#.to_owned();
    let history = read(&old).unwrap();
    assert!(!history.says_its_end() && history.damage().is_empty());
    old.push(all.last().unwrap().clone());
    assert!(read(&old).is_err(), "nor may it have one");
}

#[test]
fn what_is_wrong_with_a_line_is_said_with_what_to_do() {
    let header = r#"{"history":2,"shards":1}"#;
    let said = |lines: &[&[u8]]| {
        let mut history = History::begin(lines[0]).map_err(|error| error.to_string())?;
        lines[1..].iter().try_for_each(|line| history.line(line)).map_err(|error| error.to_string())
    };
    let hint = "a history is made by longhaul doctor --export";
    assert_eq!(said(&[b""]).unwrap_err(), format!("it is empty; {hint}"));
    let binary = said(&[b"PK\x03\x04\xff\xfe"]).unwrap_err();
    assert!(binary.contains("no text at byte 5") && binary.contains(hint), "{binary}");
    let garbage = said(&[header.as_bytes(), b"hello\n"]).unwrap_err();
    assert!(garbage.contains("expected value at character 1;") && garbage.contains(hint), "{garbage}");
    assert!(!garbage.contains("line 1"), "{garbage}");
    assert!(said(&[header.as_bytes(), b"{\"shard\":0,\"seq"]).unwrap_err().contains("breaks off"));
    let nowhere = lines()[1].replacen("\"sequence\":1", "\"sequence\":0", 1);
    assert!(said(&[header.as_bytes(), nowhere.as_bytes()]).unwrap_err().contains("sequences begin at 1"));
    let end = br#"{"end":{}}"#;
    assert!(said(&[header.as_bytes(), end, end]).unwrap_err().contains("follows the line"));
}
