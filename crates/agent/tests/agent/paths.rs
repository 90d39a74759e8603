//! Which way requests go, held by a table.

use std::collections::BTreeMap;

use longhaul_agent::path::{AtHand, By, Path, Reason, choose};

const TABLE: &str = include_str!("paths.txt");

fn conversations() -> BTreeMap<&'static str, AtHand> {
    let named = TABLE.lines().filter_map(|line| line.strip_prefix('@'));
    named
        .map(|line| match line.split_once(" = ") {
            Some((name, pieces)) => {
                (name, pieces.split("; ").fold(AtHand::default(), |known, piece| known.with([piece])))
            }
            None => (line, AtHand::default()),
        })
        .collect()
}

fn name(reason: &Reason) -> String {
    match serde_json::to_value(reason).unwrap() {
        serde_json::Value::String(name) => name,
        other => other.as_object().unwrap().keys().next().unwrap().clone(),
    }
}

#[test]
fn every_request_goes_its_way() {
    let known = conversations();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in TABLE.lines().filter(|line| line.contains(" | ") && !line.starts_with('#')) {
        let parts: Vec<&str> = line.split(" | ").collect();
        let [conversation, request, path, reason] = parts[..] else { panic!("{line}") };
        let choice = choose(request, &known[conversation], None);
        let chosen = if choice.path == Path::Fast { "fast" } else { "slow" };
        if (chosen, name(&choice.reason).as_str()) != (path, reason) || choice.by != By::Rules {
            wrong.push(format!("{line}: {choice:?}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 80, "{count} requests");
}

#[test]
fn a_person_overrules() {
    for path in [Path::Fast, Path::Slow] {
        let choice = choose("generate a report about sales", &AtHand::default(), Some(path));
        assert_eq!((choice.path, choice.by, choice.reason), (path, By::Person, Reason::ToldSo));
    }
    let choice = choose("export that as docx", &AtHand::default().with(["Sales"]), None);
    let told = serde_json::json!({"path": "fast", "reason": {"exports": {"format": "docx"}}, "by": "rules"});
    assert_eq!(serde_json::to_value(choice).unwrap(), told);
}

#[test]
fn every_reason_is_told_in_the_documentation() {
    let told = include_str!("../../../../docs/agent.md");
    let words = || vec!["country".to_owned()];
    for reason in [
        Reason::ToldSo,
        Reason::Talk,
        Reason::NothingAtHand,
        Reason::Exports { format: None },
        Reason::Summarises,
        Reason::Reshapes,
        Reason::AsksOfWhatIsKnown { words: words() },
        Reason::AsksForDocument { word: "report".to_owned() },
        Reason::NeedsAnalysis { missing: words() },
        Reason::ModelNeedsData,
    ] {
        assert_eq!(reason.name(), name(&reason), "labels and records have the same word");
        assert!(told.contains(&format!("| `{}` |", reason.name())), "{reason:?}");
        assert!(!reason.to_string().is_empty());
    }
    assert_eq!("fast".parse(), Ok(Path::Fast));
    assert!("middle".parse::<Path>().unwrap_err().to_string().contains("slow"));
}
