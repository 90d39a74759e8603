//! Whole histories. The input is the records of one task, a line each, in order.

use longhaul_core::{Applied, Sequence, Snapshot, apply, apply_commit};
use longhaul_wire::view::SnapshotView;
use longhaul_wire::{Record, Subject, decode};

use crate::survives_json;

/// The task whose history it is.
pub const TASK: &str = "lh.0.task.acme.019aa0b0-0000-7000-8000-000000000001";

/// - Whatever can be read can be folded, and comes out the same every time.
/// - What the fold ignores is counted and changes nothing.
/// - A snapshot, and what programs are given of it, is written and read back the same.
pub fn check(input: &[u8]) {
    let place = Subject::parse(TASK).unwrap();
    let mut state: Option<Snapshot> = None;
    for (line, sequence) in input.split(|byte| *byte == b'\n').zip(1..) {
        let Ok(Record::Task(commit)) = decode(&place, line) else { continue };
        let mut stepwise = state.clone();
        for event in &commit.events {
            let mut before = stepwise.clone();
            let applied = apply(&mut stepwise, commit.task, event, &commit.actor, commit.at);
            if let Applied::Ignored(why) = applied {
                if let Some(before) = &mut before {
                    before.ignored = before.ignored.saturating_add(1);
                }
                assert_eq!(stepwise, before, "ignored ({why}), and yet something changed");
            }
        }
        state = apply_commit(state, &commit, Sequence(sequence));
        if let Some(folded) = &mut stepwise {
            folded.sequence = Sequence(sequence);
        }
        assert_eq!(state, stepwise);
    }
    if let Some(snapshot) = state {
        survives_json(&snapshot);
        survives_json(&SnapshotView::new(&snapshot, None, None, Some(snapshot.sequence)));
        let _ = (snapshot.skeleton(), snapshot.ran_until(snapshot.updated_at));
    }
}
