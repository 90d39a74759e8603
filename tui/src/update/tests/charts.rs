//! What stands above the list of tasks.

use longhaul_client::fleet::{Changes, Happening, Word};
use longhaul_core::{Millis, Sequence};
use longhaul_wire::Shard;
use longhaul_wire::query::{Slot, SlotsTaken};

use crate::app::App;
use crate::msg::Msg;
use crate::testing::{NOW, THEMES, address, picture, press, sample};
use crate::update::update;

/// A step of each of so many tasks ends after so many seconds, the `n`th having taken `times` of `n`.
fn steps(app: &mut App, after: u64, tasks: u32, times: impl Fn(u32) -> u64) {
    let now = NOW.plus(Millis::seconds(after));
    let event = |n, name, at| Happening {
        sequence: Sequence(1),
        at,
        task: address(n),
        name,
        text: "planning".to_owned(),
    };
    let both = |n: u32| {
        let begun = longhaul_core::Timestamp(now.0 - i64::try_from(times(n)).unwrap());
        [event(n, "step_started", begun), event(n, "step_completed", now)]
    };
    update(app, Msg::Tick(now));
    update(
        app,
        Msg::Word(Word::Happened(Box::new(Changes {
            shard: Shard(0),
            up_to: Sequence(1_300_000 + after),
            stored_at: now,
            behind: 0,
            tasks: Vec::new(),
            events: (0..tasks).flat_map(both).collect(),
            unreadable: 0,
        }))),
    );
}

/// Four minutes of steps, with half a minute of none, and a minute in which some take long.
fn busy(columns: u16, rows: u16) -> App {
    let mut app = sample(columns, rows);
    for after in (10..240).step_by(2).filter(|after| !(130..160).contains(after)) {
        let slow = if (70..110).contains(&after) { 40 } else { 1 };
        steps(&mut app, after, 40, |n| {
            30 + u64::from(n % 7) * 4 + after % 11 + if n == 39 { slow * 100 } else { 0 }
        });
    }
    app
}

#[test]
fn how_long_steps_take() {
    for (columns, rows) in [(60, 30), (80, 24), (100, 30), (120, 36), (200, 60)] {
        insta::assert_snapshot!(format!("charts-{columns}x{rows}"), picture(&busy(columns, rows)));
    }
    let mut app = busy(120, 36);
    app.theme = THEMES.iter().find(|(name, _)| *name == "ascii").unwrap().1;
    let top: Vec<_> = picture(&app).lines().take(8).map(str::to_owned).collect();
    insta::assert_snapshot!("charts-ascii", top.join("\n"));
}

#[test]
fn of_few_steps_no_more_is_said_than_is_known() {
    let mut app = sample(120, 36);
    assert!(picture(&app).contains("no step has ended lately"));
    steps(&mut app, 1, 3, |n| u64::from(n + 1) * 1000);
    let screen = picture(&app);
    assert!(screen.contains("3 steps p50 1.9s max 2.9s"), "{screen}");
    assert!(screen.contains("too few steps for a curve yet"));
    // Long after, nothing is known any more.
    update(&mut app, Msg::Tick(NOW.plus(Millis::minutes(20))));
    assert!(picture(&app).contains("no step has ended lately"));
    press(&mut app, &["t"]);
    app.size = (80, 24);
    assert!(!picture(&app).contains("p99"));
}

#[test]
fn slots_stay_in_sight() {
    let mut app = sample(120, 36);
    assert!(picture(&app).contains("12/50 slots"));
    let organisation = Slot { running: 50, cap: 50, waiting: 3 };
    let slots = SlotsTaken { organisation, ..app.slots.clone().unwrap() };
    update(&mut app, Msg::Word(Word::Slots(Box::new(slots))));
    assert!(picture(&app).contains("50/50 FULL"));
}
