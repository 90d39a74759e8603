//! Whatever comes, in whatever order, at whatever size: nothing breaks, and what must hold holds.

use longhaul_client::TextPart;
use longhaul_client::fleet::{Brief, Link, Told, Word};
use longhaul_core::{Millis, Sequence, Status, Timestamp};
use proptest::prelude::*;
use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::keys::TABLE;
use crate::msg::Msg;
use crate::store::Counts;
use crate::testing::{NOW, THEMES, Until, address, beats, brief, drawn, empty, happened, key, story, up};
use crate::update::update;

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
