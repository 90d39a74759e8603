use longhaul_core::Usage;
use proptest::prelude::*;

use super::*;

fn progress(fraction: f64) -> Act {
    Act::Progress { fraction: Some(fraction), message: None, waits: None }
}

fn message(text: &str) -> Act {
    Act::Progress { fraction: None, message: Some(text.to_owned()), waits: None }
}

fn text(segment: u32, text: &str) -> Act {
    Act::AppendText { segment, text: text.to_owned() }
}

fn usage() -> Act {
    Act::RecordUsage { usage: Usage::default(), model: None }
}

fn acts(outbox: &mut Outbox<()>) -> Vec<Act> {
    outbox.take().into_iter().map(|entry| entry.act).collect()
}

#[test]
fn progress_is_coalesced_to_the_latest_word() {
    let mut outbox = Outbox::default();
    for act in [progress(0.1), message("reading"), usage(), progress(0.2), progress(0.3)] {
        outbox.push(act, None);
    }
    let latest = Act::Progress { fraction: Some(0.3), message: Some("reading".to_owned()), waits: None };
    assert_eq!(acts(&mut outbox), [usage(), latest]);
    assert!(outbox.is_empty());
    assert_eq!(outbox.bytes(), 0);
}

#[test]
fn what_a_run_waits_for_is_what_it_said_last() {
    let waits = longhaul_core::Waits {
        code: "rate_limit".to_owned(),
        provider: "p".to_owned(),
        until: longhaul_core::Timestamp(7),
    };
    let waiting = |waits| Act::Progress { fraction: None, message: None, waits };
    let mut outbox = Outbox::default();
    outbox.push(message("waits"), None);
    outbox.push(waiting(Some(waits.clone())), None);
    let said =
        Act::Progress { fraction: None, message: Some("waits".to_owned()), waits: Some(waits.clone()) };
    assert_eq!(acts(&mut outbox), [said]);
    outbox.push(waiting(Some(waits)), None);
    outbox.push(waiting(None), None);
    assert_eq!(acts(&mut outbox), [waiting(None)]);
}

#[test]
fn texts_of_a_segment_are_merged_across_progress_and_nothing_else() {
    let mut outbox = Outbox::default();
    for act in [text(1, "a"), progress(0.1), text(1, "b"), text(2, "c"), text(2, "d"), usage(), text(2, "e")]
    {
        outbox.push(act, None);
    }
    assert_eq!(acts(&mut outbox), [text(1, "ab"), progress(0.1), text(2, "cd"), usage(), text(2, "e")]);
}

#[test]
fn a_text_grows_no_longer_than_one_event_may_be() {
    let mut outbox = Outbox::default();
    outbox.push(text(0, &"x".repeat(MAX_TEXT - 1)), None);
    outbox.push(text(0, "yy"), None);
    assert_eq!(acts(&mut outbox).len(), 2);
}

#[test]
fn a_commit_takes_what_fits_and_at_least_one() {
    let mut outbox = Outbox::<()>::default();
    let big = |text: String| Act::CompleteStep {
        step: "s".to_owned(),
        result: Payload::Inline(Value::String(text)),
    };
    outbox.push(big("x".repeat(2 * MAX_BYTES)), None);
    outbox.push(big("x".repeat(MAX_BYTES / 2)), None);
    outbox.push(big("x".repeat(MAX_BYTES / 2)), None);
    assert_eq!(outbox.take().len(), 1);
    assert_eq!(outbox.take().len(), 1);
    assert_eq!(outbox.take().len(), 1);
    assert_eq!(outbox.take().len(), 0);
}

#[test]
fn it_knows_whether_somebody_waits() {
    let mut outbox = Outbox::default();
    outbox.push(usage(), None);
    assert!(!outbox.is_awaited());
    outbox.push(usage(), Some(()));
    assert!(outbox.is_awaited());
    outbox.take();
    assert!(!outbox.is_awaited());
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..4_u32, "[a-z]{0,9}").prop_map(|(segment, said)| text(segment, &said)),
        (0.0..1.0).prop_map(progress),
        "[a-z]{1,3}".prop_map(|said| message(&said)),
        Just(usage()),
    ]
}

proptest! {
    #[test]
    fn nothing_said_is_lost_but_overtaken_progress(said in proptest::collection::vec(any_act(), 0..60)) {
        let mut outbox = Outbox::default();
        for act in &said {
            outbox.push(act.clone(), None);
        }
        let sent = acts(&mut outbox);
        let texts = |acts: &[Act], of: u32| acts.iter().filter_map(|act| match act {
            Act::AppendText { segment, text } if *segment == of => Some(text.clone()),
            _ => None,
        }).collect::<String>();
        for segment in 0..4 {
            prop_assert_eq!(texts(&said, segment), texts(&sent, segment));
        }
        let usages = |acts: &[Act]| acts.iter().filter(|act| matches!(act, Act::RecordUsage { .. })).count();
        prop_assert_eq!(usages(&said), usages(&sent));
        let last = |acts: &[Act]| acts.iter().rev().find_map(|act| match act {
            Act::Progress { fraction, .. } => *fraction,
            _ => None,
        });
        prop_assert_eq!(last(&said), last(&sent));
        let words = sent.iter().filter(|act| matches!(act, Act::Progress { .. })).count();
        prop_assert!(words <= 1);
        prop_assert_eq!(outbox.bytes(), 0);
    }
}
