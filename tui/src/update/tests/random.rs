//! Whatever comes, in whatever order, at whatever size: nothing breaks, and what must hold holds.

use longhaul_client::TextPart;
use longhaul_client::fleet::{Brief, Link, Moment, Point, Step, Stretch, Told, Word};
use longhaul_core::{ApprovalId, Digest, Millis, Sequence, Status, Timestamp};
use longhaul_journal::{Shard, Shards};
use longhaul_wire::query::Positions;
use proptest::prelude::*;
use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::app::{Draft, Steer};
use crate::keys::TABLE;
use crate::msg::Msg;
use crate::records::Answer;
use crate::store::Counts;
use crate::testing::{NOW, THEMES, Until, address, beats, brief, drawn, empty, happened, key, story, up};
use crate::update::update;

/// Something the log says of the past: for this wish or another one, whether or not it fits.
fn any_answer() -> impl Strategy<Value = Answer> {
    let places = |sequence: u64| Positions::at(Shard(0), Sequence(sequence));
    let status = prop::option::of(prop::sample::select(Status::ALL.to_vec()));
    let step =
        (0_u32..60, 1_u64..3000, status.clone(), status.clone()).prop_map(|(n, sequence, before, after)| {
            let brief = |status| Brief { sequence: Sequence(sequence), ..brief(n, status) };
            Step {
                shard: Shard(0),
                sequence: Sequence(sequence),
                stored_at: Timestamp(NOW.0 - 3_000_000 + sequence as i64 * 1000),
                task: address(n),
                before: before.map(brief),
                after: after.map(brief),
                events: Vec::new(),
            }
        });
    let steps = prop::collection::vec(step, 0..6);
    let stretch = (steps, 0_u64..3000, 0_u64..3000, any::<bool>())
        .prop_map(move |(steps, from, to, last)| Stretch { steps, from: places(from), to: places(to), last });
    prop_oneof![
        4 => (0_u64..3000).prop_map(move |sequence| {
            let at = Timestamp(NOW.0 - 3_000_000 + sequence as i64 * 1000);
            Answer::Moment(Moment { positions: places(sequence), at, shards: Shards::ONE })
        }),
        4 => prop::collection::vec((0_u32..60, status), 0..8).prop_map(|tasks| {
            Answer::Tasks(tasks.into_iter().map(|(n, status)| (address(n), status.map(|s| brief(n, s)))).collect())
        }),
        2 => stretch.clone().prop_map(Answer::Before),
        2 => stretch.prop_map(Answer::After),
        1 => (0_u32..60).prop_map(|n| Answer::Story(address(n), None)),
        1 => Just(Answer::Beside(None)),
    ]
}

fn any_msg() -> impl Strategy<Value = Msg> {
    let names: Vec<&str> = TABLE.iter().flat_map(|bind| bind.keys.iter().copied()).collect();
    let quits = ["q", "C-c"];
    let names: Vec<&str> = names.into_iter().filter(|name| !quits.contains(name)).collect();
    let status = prop::sample::select(Status::ALL.to_vec());
    let told = (
        0_u32..60,
        status.clone(),
        1_u64..5000,
        any::<bool>(),
        "[\\x00-\\x1f\\x7f\\u{80}-\\u{9f}\\u{202A}-\\u{202E}漢a]{0,4}.{0,12}",
    );
    let tasks = prop::collection::vec(told, 0..8).prop_map(|all| {
        let brief = |(n, status, sequence, dismissed, note)| Brief {
            sequence: Sequence(sequence),
            dismissed,
            note,
            ..brief(n, status)
        };
        all.into_iter().map(brief).collect::<Vec<_>>()
    });
    prop_oneof![
        4 => prop::sample::select(names).prop_map(|name| Msg::Key(key(name))),
        1 => prop::char::range(' ', '~').prop_map(|c| Msg::Key(key(&c.to_string())))
            .prop_filter("q quits", |msg| !matches!(msg, Msg::Key(key) if key.code == ratatui::crossterm::event::KeyCode::Char('q'))),
        2 => tasks.clone().prop_map(|tasks| Msg::Word(happened(tasks))),
        1 => tasks.prop_map(|tasks| Msg::Word(Word::Listed { tasks, unreadable: 0, last: true })),
        1 => (0_u64..60_000).prop_map(|ago| Msg::Word(beats(Millis(ago)))),
        1 => Just(Msg::Word(up())),
        1 => Just(Msg::Word(Word::Link(Link::Down { why: "gone".to_owned(), next: NOW }))),
        1 => Just(Msg::Word(Word::Projector(None))),
        1 => (0_i64..100_000).prop_map(|later| Msg::Tick(Timestamp(NOW.0 + later))),
        2 => (1_u16..=300, 1_u16..=100).prop_map(|(columns, rows)| Msg::Resize(columns, rows)),
        1 => "\\PC{0,30}".prop_map(Msg::Paste),
        1 => (0_u16..300, 0_u16..100).prop_map(|(column, row)| Msg::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })),
        6 => (0_u64..4, any_answer()).prop_map(|(turn, answer)| Msg::Past(turn, Ok(answer))),
        1 => (0_u64..4).prop_map(|turn| Msg::Past(turn, Err("the log is away".to_owned()))),
        2 => (0_i64..3_000_000).prop_map(|ago| Msg::Go(Point::At(Timestamp(NOW.0 - ago)))),
        1 => Just(Msg::Word(Word::From(Positions::at(Shard(0), Sequence(5000))))),
        2 => (0_u32..60, any::<bool>(), "[\\x00-\\x1f\\u{9b}\\u{200B}漢]{0,6}.{0,40}").prop_map(|(n, well, text)| {
            let outcome = if well { Ok(text) } else { Err(text) };
            match n % 4 {
                0 => Msg::Done { at: (n % 8 > 0).then(|| address(n)), outcome },
                1 => Msg::Fetched { at: address(n), text: outcome },
                2 => Msg::Answered { at: address(n), steer: Steer::Abort, outcome },
                _ => Msg::Edited(outcome.map(|text| Draft {
                    at: address(n),
                    approval: ApprovalId(uuid::Uuid::from_u128(n.into())),
                    digest: Digest([7; 32]),
                    before: "{}\n".to_owned(),
                    text,
                })),
            }
        }),
        1 => Just(Msg::Word(Word::Anew)),
        2 => (0_u32..60, prop::sample::select(vec![Until::Running, Until::Aborting, Until::Aborted, Until::Completed]))
            .prop_map(|(n, until)| Msg::Told(address(n), story(n, until))),
        1 => (0_u32..60, "[\\x00-\\x1f\\u{9b}\\u{200B}漢]{0,6}.{0,40}").prop_map(|(n, text)| {
            Msg::Told(address(n), Told::Text(TextPart::Text(text)))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_breaks_and_what_must_hold_holds(
        messages in prop::collection::vec(any_msg(), 1..60),
        theme in prop::sample::select(THEMES.to_vec()),
        size in (1_u16..=300, 1_u16..=100),
    ) {
        let mut app = empty(size.0, size.1);
        app.theme = theme.1;
        for msg in messages {
            let may_move = matches!(msg, Msg::Key(_) | Msg::Mouse(_) | Msg::Paste(_) | Msg::Word(Word::Anew));
            let before = app.selected().map(|row| row.key);
            update(&mut app, msg);

            let recount = Counts::recount(app.store.rows().map(|(_, row)| row));
            prop_assert_eq!(app.store.counts(), &recount);

            let listed: Vec<_> = app.order.rows().iter().map(|at| app.store.row(*at).key).collect();
            let list = app.lists[0];
            prop_assert_eq!(list.selected, listed.get(list.at).copied());
            if let Some(before) = before.filter(|key| !may_move && listed.contains(key)) {
                prop_assert_eq!(list.selected, Some(before), "the row one is on is still there");
            }
            let buffer = drawn(&app);
            for cell in &buffer.content {
                prop_assert!(cell.symbol().chars().all(longhaul_core::text::is_plain), "{:?}", cell.symbol());
            }
            if theme.0 == "ascii" {
                prop_assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
            }
            if theme.0 == "mono" {
                let plain = ratatui::style::Color::Reset;
                prop_assert!(buffer.content.iter().all(|cell| cell.fg == plain && cell.bg == plain));
            }
        }
    }
}
