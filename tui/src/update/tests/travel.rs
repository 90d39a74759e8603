//! Time travel: what is shown of a moment is what a fold of the log up to it says, however one came
//! there; and live goes on behind.

use std::collections::{BTreeMap, VecDeque};

use longhaul_client::Client;
use longhaul_client::fleet::{Brief, Moment, Point, Scope, Word};
use longhaul_core::{Millis, Sequence, Status, TaskRef, Timestamp};
use longhaul_journal::{Entry, Shard, Shards};
use longhaul_wire::query::Positions;
use proptest::prelude::*;
use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use tokio::sync::mpsc;

use self::world::log::{fold, histories, log, recorded, run, task_of};
use self::world::{Happens, World, client, happens};
use crate::app::{App, Origin};
use crate::effect::Effect;
use crate::msg::Msg;
use crate::records::{Answer, Ask, Records};
use crate::store::{Counts, Store};
use crate::testing::{NOW, THEMES, address, empty, hour, hour_ago, picture, press, sample, step, styles, up};
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
        board.app.sift.all_levels = true;
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
    let shown = app.tail.newest().next().map(|event| event.sequence);
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
    let keys =
        prop::sample::select(vec!["[", "]", "{", "}", "(", ")", "+", "-", "Space", "j", "Enter", "Esc"]);
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

#[test]
fn the_past_as_it_looks() {
    for (columns, rows) in [(60, 15), (80, 24), (120, 36), (200, 60)] {
        insta::assert_snapshot!(format!("past-{columns}x{rows}"), picture(&hour_ago(columns, rows)));
    }
    for (name, theme) in THEMES {
        let mut app = hour_ago(80, 24);
        app.theme = theme;
        insta::assert_snapshot!(format!("past-{name}"), format!("{}\n\n{}", picture(&app), styles(&app)));
    }
    insta::assert_snapshot!("past-card-30x8", picture(&hour_ago(30, 8)));
    for (key, name) in [("3", "executors"), ("4", "caps"), ("5", "events")] {
        let mut app = hour_ago(80, 24);
        press(&mut app, &[key]);
        insta::assert_snapshot!(format!("past-{name}-80x24"), picture(&app));
    }
}

#[test]
fn a_jump_under_way_is_said_and_what_was_shown_stays() {
    let mut app = sample(80, 24);
    let before = said(&app.store);
    press(&mut app, &["t"]);
    insta::assert_snapshot!("past-seeking-80x24", picture(&app));
    let turn = app.travel.turn;
    let ahead = Positions::at(Shard(0), Sequence(9_999_999));
    let moment = Moment { positions: ahead.clone(), at: NOW, shards: Shards::ONE };
    let effects = update(&mut app, Msg::Past(turn, Ok(Answer::Moment(moment))));
    assert_eq!(effects, [], "what is not read up to there cannot be told");
    assert_eq!(said(&app.store), before);
    assert!(picture(&app).contains("reading on up to there"));
    let effects = update(&mut app, Msg::Word(Word::From(ahead)));
    assert_eq!(effects.len(), 2, "what lies around it is asked for");
    assert!(app.past().is_some());
}

#[test]
fn what_one_names_counts_from_now_wherever_one_is() {
    let mut app = hour_ago(80, 24);
    let ago = Point::At(Timestamp(app.now.0 - 600_000));
    for (typed, point) in [("10m", ago), ("14:22:07", Point::At(Timestamp(NOW.0 - 600_000)))] {
        press(&mut app, &[":"]);
        update(&mut app, Msg::Paste(format!("at {typed}")));
        let effects = press(&mut app, &["Enter"]);
        let asked = |effect: &Effect| matches!(effect, Effect::Ask(_, Ask::Moment(at)) if *at == point);
        assert!(effects.iter().any(asked), "{typed}: {effects:?}");
    }
}

#[test]
fn nobody_goes_where_nothing_has_happened_yet() {
    let mut app = hour_ago(80, 24);
    let shown = said(&app.store);
    assert_eq!(update(&mut app, Msg::Go(Point::At(NOW.plus(Millis::minutes(1))))), []);
    assert!(app.travel.jump.is_none());
    assert!(picture(&app).contains("that is still to come"));
    assert_eq!(said(&app.store), shown, "one stays where one was");
}

#[test]
fn the_answer_to_an_earlier_wish_is_passed_over() {
    let mut app = hour_ago(80, 24);
    let turn = app.travel.turn;
    let shown = said(&app.store);
    update(&mut app, Msg::Go(Point::At(NOW)));
    let old = Moment { at: NOW, shards: Shards::ONE, ..Moment::default() };
    assert_eq!(update(&mut app, Msg::Past(turn, Ok(Answer::Moment(old)))), []);
    assert_eq!(said(&app.store), shown);
    let turn = app.travel.turn;
    update(&mut app, Msg::Past(turn, Err("the log is not available".to_owned())));
    assert!(app.travel.jump.is_none());
    assert!(picture(&app).contains("one cannot go there: the log is not available"));
    assert_eq!(said(&app.store), shown, "one stays where one was");
}

#[test]
fn keys_of_the_past() {
    let mut app = hour_ago(120, 36);
    let place = |app: &App| app.past().map(|past| past.moment.of(&address(0).org).0);
    let status = |app: &App, n| app.store.get(app.store.key(&address(n)).unwrap()).unwrap().status;
    assert_eq!(place(&app), Some(1019));
    press(&mut app, &["]"]);
    assert_eq!((place(&app), status(&app, 12)), (Some(1020), Status::Failed));
    press(&mut app, &["}"]);
    assert_eq!((place(&app), status(&app, 13)), (Some(1025), Status::Failed));
    press(&mut app, &["]"]);
    assert_eq!(place(&app), Some(1025), "that is the end");
    press(&mut app, &["[", "[", "["]);
    assert_eq!((place(&app), status(&app, 11)), (Some(1018), Status::Running));
    press(&mut app, &["(", ")"]);
    assert_eq!(app.then(), step(10, 1018).stored_at, "a minute back and on");
    assert_eq!(status(&app, 10), Status::Failed);

    // Nothing can be done there, but copying can.
    for key in ["a", "x", "R", "C", "D", "F", "m", "r"] {
        let effects = press(&mut app, &[key]);
        assert!(app.popup.is_none() && app.prompt.is_none(), "{key}");
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Steer(..))), "{key}");
        assert!(
            app.toast.as_ref().is_some_and(|(notice, _)| notice.text.contains("this is the past")),
            "{key}"
        );
        app.toast = None;
    }
    assert!(matches!(press(&mut app, &["y"]).as_slice(), [Effect::Copy(_)]));

    // Played at ten times the speed, then stopped.
    press(&mut app, &["+", "+", "Space"]);
    let now = app.now;
    update(&mut app, Msg::Tick(now.plus(Millis(500))));
    assert_eq!(app.then(), step(10, 1018).stored_at.plus(Millis(5000)));
    press(&mut app, &["Space"]);
    update(&mut app, Msg::Tick(now.plus(Millis(900))));
    assert_eq!(app.then(), step(10, 1018).stored_at.plus(Millis(5000)));

    press(&mut app, &["Esc"]);
    assert!(app.past().is_none());
    assert_eq!(app.store.counts().total(), 40);
}

#[test]
fn a_file_has_no_now_to_go_back_to() {
    let mut app = hour_ago(80, 24);
    app.travel.ends_at = Some(hour());
    app.origin = Origin::File;
    press(&mut app, &["Esc", "t"]);
    assert!(app.past().is_some());
    assert!(picture(&app).contains(" FILE "));
    assert_eq!(app.tied(), Some("this is a file: it can be looked at, not acted on"));
}

#[test]
fn the_scrubber_leads_where_one_points() {
    let mut app = hour_ago(80, 24);
    let mouse =
        |kind, column| Msg::Mouse(MouseEvent { kind, column, row: 22, modifiers: KeyModifiers::NONE });
    let click = |column| mouse(MouseEventKind::Down(MouseButton::Left), column);
    let asked = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Ask(_, Ask::Moment(Point::At(at)))] => *at,
        other => panic!("{other:?}"),
    };
    let (from, to) = app.span_of_time().unwrap();
    assert_eq!(asked(update(&mut app, click(1))), from);
    let end = asked(update(&mut app, click(78)));
    assert!(end <= to && to.since(end) < Millis::seconds(1), "{end} {to}");
    // Dragged over it, one jump after the other.
    let drag = || mouse(MouseEventKind::Drag(MouseButton::Left), 40);
    assert_eq!(update(&mut app, drag()), [], "one is under way");
    press(&mut app, &["Esc"]);
    let middle = asked(update(&mut app, drag()));
    assert!(from < middle && middle < end);
}
