//! Time travel: what is shown of a moment is what a fold of the log up to it says, however one came
//! there; and live goes on behind.

use std::collections::{BTreeMap, VecDeque};

use longhaul_client::Client;
use longhaul_client::fleet::{Brief, Point, Scope};
use longhaul_core::{Millis, TaskRef, Timestamp};
use longhaul_journal::Entry;
use longhaul_wire::query::Positions;
use proptest::prelude::*;
use tokio::sync::mpsc;

use self::world::log::{fold, histories, log, recorded, run, task_of};
use self::world::{Happens, World, client, happens};
use crate::app::App;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::records::Records;
use crate::store::{Counts, Store};
use crate::testing::{empty, picture, press, up};
use crate::update::update;

// The same world as the client's tests live in.
#[path = "../../../../crates/client/tests/world/mod.rs"]
mod world;

/// A dashboard over a log, with what it asks of the past answered from there.
struct Board {
    app: App,
    records: Records,
    client: Client,
}

impl Board {
    async fn over(client: Client, now: Timestamp) -> Self {
        let records = Records::new(client.clone(), Scope::Everything);
        let mut board = Self { app: empty(120, 36), records, client };
        board.app.now = now;
        board.send(Msg::Word(up())).await;
        board.read().await;
        board
    }

    /// Reads everything that is on the log by now.
    async fn read(&mut self) {
        let (sender, mut words) = mpsc::channel(4096);
        self.client.recorded(&Scope::Everything, sender).await.unwrap();
        while let Some(word) = words.recv().await {
            self.send(Msg::Word(word)).await;
        }
    }

    async fn send(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg);
        self.perform(effects).await;
    }

    async fn press(&mut self, keys: &[&str]) {
        for key in keys {
            let effects = press(&mut self.app, &[key]);
            self.perform(effects).await;
        }
    }

    async fn perform(&mut self, effects: Vec<Effect>) {
        let mut all = VecDeque::from(effects);
        while let Some(effect) = all.pop_front() {
            if let Effect::Ask(turn, ask) = effect {
                let answer = self.records.ask(ask).await;
                all.extend(update(&mut self.app, Msg::Past(turn, answer)));
            }
        }
    }

    fn places(&self) -> Positions {
        self.app.past().expect("one is in the past").moment.positions.clone()
    }
}

/// Everything a row says, in words that do not depend on the store.
fn said(store: &Store) -> BTreeMap<TaskRef, String> {
    let rows = store.rows().map(|(_, row)| {
        let (name, step) = (|sym| store.name(sym).to_owned(), store.name(row.step).to_owned());
        let open = store.question(row.key).map(|open| (open.id, open.expires_at));
        let of = (&row.title, row.status, row.flags, &row.note, row.attempt, row.run, row.executor);
        let how = (step, row.step_index, row.step_of, row.fraction, row.tokens, row.artifacts, open);
        let who = (name(row.user), name(row.kind), name(row.conversation));
        let when = (row.submitted_at, row.started_at, row.updated_at, row.ended_at);
        let text = format!("{of:?} {how:?} {who:?} {when:?} {:?} {:?}", row.submitted, row.sequence);
        (store.address(row).unwrap(), text)
    });
    rows.collect()
}

/// What a store says into which these were put.
fn said_of(briefs: BTreeMap<TaskRef, Brief>) -> BTreeMap<TaskRef, String> {
    let mut store = Store::default();
    briefs.into_values().for_each(|brief| store.put(brief));
    said(&store)
}

/// The records up to some places.
fn up_to(log: &[Entry], places: &Positions) -> Vec<Entry> {
    log.iter().filter(|entry| entry.sequence <= places.of(entry.shard)).cloned().collect()
}

/// What is shown is a fold of the log up to the moment, and everything that is counted is right.
fn check(board: &Board, log: &[Entry]) {
    let app = &board.app;
    assert_eq!(said(&app.store), said_of(fold(&up_to(log, &board.places()))));
    assert_eq!(*app.store.counts(), Counts::recount(app.store.rows().map(|(_, row)| row)));
    assert!(app.order.rows().iter().all(|at| (*at as usize) < app.store.rows().count()));
    // What is shown last is what happened last.
    let mut before = up_to(log, &board.places());
    before.retain(|entry| task_of(entry).is_some());
    let shown = app.tail.back().map(|event| event.sequence);
    assert_eq!(shown, before.last().map(|entry| entry.sequence));
    assert!(app.tied().is_some(), "nothing can be done in the past");
    assert!(!picture(app).is_empty());
}

/// A way through time.
#[derive(Debug, Clone)]
enum Way {
    /// To the record at a place of the log, or to its time.
    Jump(prop::sample::Index, bool),
    Press(&'static str),
    /// Played for so many milliseconds.
    Play(u64),
}

fn ways() -> impl Strategy<Value = Vec<Way>> {
    let keys = prop::sample::select(vec!["[", "]", "{", "}", "(", ")", "+", "-", "Space", "j", "Enter", "Esc"]);
    let one = prop_oneof![
        2 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(at, by)| Way::Jump(at, by)),
        8 => keys.prop_map(Way::Press),
        1 => (0_u64..5000).prop_map(Way::Play),
    ];
    prop::collection::vec(one, 1..30)
}

async fn go(board: &mut Board, log: &[Entry], way: &Way) {
    match way {
        Way::Jump(at, by_time) => {
            let entry = at.get(log);
            let place = Point::Place { shard: Some(entry.shard), sequence: entry.sequence };
            let point = if *by_time { Point::At(entry.stored_at) } else { place };
            board.send(Msg::Go(point)).await;
        }
        Way::Press(key) => board.press(&[key]).await,
        Way::Play(millis) => {
            board.press(&["Space"]).await;
            let now = board.app.now.plus(Millis(*millis));
            board.send(Msg::Tick(now)).await;
        }
    }
    if board.app.past().is_none() {
        // Esc led back to now.
        assert_eq!(said(&board.app.store), said_of(fold(log)));
        board.press(&["t"]).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_moment_is_a_fold_of_the_log_up_to_it(
        happens in histories(),
        shards in 1_u16..4,
        ways in ways(),
        from_file in any::<bool>(),
    ) {
        run(async {
            let mut world = World::new(shards);
            world.happen(&happens).await;
            let log = log(&world.journal).await;
            let client = if from_file { recorded(&world.journal, &log) } else { client(&world.journal) };
            let mut board = Board::over(client, world.journal.now()).await;
            board.press(&["t"]).await;
            check(&board, &log);
            for way in &ways {
                go(&mut board, &log, way).await;
                check(&board, &log);
            }
        });
    }

    #[test]
    fn there_and_back_is_where_one_was(
        happens in histories(),
        at in any::<prop::sample::Index>(),
        steps in 1_usize..20,
        key in prop::sample::select(vec![("]", "["), ("}", "{")]),
    ) {
        run(async {
            let mut world = World::new(2);
            world.happen(&happens).await;
            let log = log(&world.journal).await;
            let mut board = Board::over(client(&world.journal), world.journal.now()).await;
            go(&mut board, &log, &Way::Jump(at, false)).await;
            // To the nearest record, so that both ways are over whole steps.
            board.press(&["["]).await;
            let mut seen = vec![said(&board.app.store)];
            let mut crossed = 0;
            for _ in 0..steps {
                let before = board.places();
                board.press(&[key.0]).await;
                if board.places() == before {
                    break;
                }
                crossed += 1;
                seen.push(said(&board.app.store));
                check(&board, &log);
            }
            for _ in 0..crossed {
                board.press(&[key.1]).await;
                check(&board, &log);
            }
            if key.0 == "]" {
                let here = said(&board.app.store);
                assert_eq!(Some(&here), seen.first());
            }
        });
    }

    #[test]
    fn live_goes_on_behind_the_past(
        before in histories(),
        after in prop::collection::vec(happens(3), 1..30),
        at in any::<prop::sample::Index>(),
    ) {
        run(async {
            let mut world = World::new(2);
            world.happen(&before).await;
            let then = log(&world.journal).await;
            let mut board = Board::over(client(&world.journal), world.journal.now()).await;
            go(&mut board, &then, &Way::Jump(at, true)).await;
            let shown = said(&board.app.store);
            world.happen(&[Happens::Wait(10)]).await;
            world.happen(&after).await;
            board.read().await;
            assert_eq!(said(&board.app.store), shown, "the past does not change");
            let all = log(&world.journal).await;
            board.press(&["]", "}"]).await;
            check(&board, &all);
            board.press(&["t"]).await;
            assert!(board.app.past().is_none() && board.app.tied().is_none());
            assert_eq!(said(&board.app.store), said_of(fold(&all)));
        });
    }
}
