//! What a person sees and what is wanted, without a terminal.

use longhaul_core::{Status, TaskId};
use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::text::Line;
use uuid::Uuid;

use super::state::{Chat, Msg};
use super::told::{Ended, Live, Told, Why, Wish};
use super::update::update;
use super::view::bottom;
use crate::text::width;
use crate::theme::{Glyphs, Palette, Theme};

fn task(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

fn chat(columns: u16, rows: u16) -> Chat {
    let theme = Theme { palette: Palette::Mono, glyphs: Glyphs::Unicode };
    Chat { size: (columns, rows), theme, ..Chat::default() }
}

fn press(chat: &mut Chat, code: KeyCode) -> Vec<Wish> {
    update(chat, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn control(chat: &mut Chat, c: char) -> Vec<Wish> {
    update(chat, Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)))
}

fn enter(chat: &mut Chat, line: &str) -> Vec<Wish> {
    line.chars().for_each(|c| drop(press(chat, KeyCode::Char(c))));
    press(chat, KeyCode::Enter)
}

fn tell(chat: &mut Chat, told: Told) -> Vec<Wish> {
    update(chat, Msg::Told(told))
}

fn why(words: &str) -> Why {
    Why { path: "fast", reason: "talk", words: words.to_owned() }
}

fn live(n: u128, title: &str, done: u16) -> Told {
    let (title, doing) = (title.to_owned(), "query 1: sales".to_owned());
    Told::Standing(Live { task: task(n), title, status: Status::Running, doing, done: Some(done) })
}

fn written(lines: &[Line<'_>]) -> String {
    let lines = lines.iter().map(|line| line.to_string().trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// What was finished since it was last looked at.
fn finished(chat: &mut Chat) -> String {
    written(&std::mem::take(&mut chat.finished))
}

fn below(chat: &Chat) -> String {
    written(&bottom(chat).lines)
}

fn line(text: &str) -> Vec<Wish> {
    vec![Wish::Line(text.to_owned())]
}

#[test]
fn an_answer_is_streamed_and_then_scrolls_away() {
    let mut chat = chat(60, 20);
    assert_eq!(enter(&mut chat, "sales in Canada?"), line("sales in Canada?"));
    tell(&mut chat, Told::Turn { task: task(1), why: why("fast: it is at hand") });
    assert_eq!(finished(&mut chat), "\n› sales in Canada?\n  fast: it is at hand");
    tell(&mut chat, Told::Text { task: task(1), text: "Canada bought ".to_owned() });
    assert!(below(&chat).starts_with("  Canada bought\n⠋ thinking\n"), "{}", below(&chat));
    tell(&mut chat, Told::Text { task: task(1), text: "for 303.96.\nFrance for 195".to_owned() });
    assert_eq!(finished(&mut chat), "  Canada bought for 303.96.", "a line that is whole is finished");
    assert!(below(&chat).starts_with("  France for 195\n"));
    tell(&mut chat, Told::Text { task: task(2), text: "another's".to_owned() });
    let text = "Canada bought for 303.96.\nFrance for 195.10.".to_owned();
    tell(&mut chat, Told::Text { task: task(1), text: ".10.\n".to_owned() });
    let files = vec!["sales.pdf".to_owned()];
    tell(&mut chat, Told::Answered { task: task(1), text, files, why: why("") });
    assert_eq!(finished(&mut chat), "  France for 195.10.\n  ▸ sales.pdf   /open  /save");
    assert_eq!(tell(&mut chat, Told::Ready), []);
    assert!(!below(&chat).contains("thinking"));
}

#[test]
fn what_was_not_streamed_is_said_at_the_end_and_what_begins_anew_says_so() {
    let mut chat = chat(60, 20);
    enter(&mut chat, "hi");
    tell(&mut chat, Told::Turn { task: task(1), why: why("") });
    finished(&mut chat);
    tell(&mut chat, Told::Text { task: task(1), text: "one\ntwo".to_owned() });
    tell(&mut chat, Told::Anew { task: task(1), text: "three\nfo".to_owned() });
    assert_eq!(finished(&mut chat), "  one\n  (the answer begins anew)\n  three");
    tell(&mut chat, Told::Answered { task: task(1), text: "three\nfo".into(), files: vec![], why: why("") });
    assert_eq!(finished(&mut chat), "  fo");
    tell(&mut chat, Told::Ready);
    enter(&mut chat, "hi");
    tell(&mut chat, Told::Turn { task: task(2), why: why("") });
    finished(&mut chat);
    tell(&mut chat, Told::Answered { task: task(2), text: "whole".into(), files: vec![], why: why("") });
    assert_eq!(finished(&mut chat), "  whole");
}

#[test]
fn reports_go_on_beside_the_conversation() {
    let mut chat = chat(80, 20);
    enter(&mut chat, "sales by country");
    let started = Told::Started { task: task(1), title: "sales by country".into(), why: why("slow: why") };
    tell(&mut chat, started);
    tell(&mut chat, Told::Ready);
    tell(&mut chat, live(1, "sales by country", 425));
    assert!(finished(&mut chat).ends_with("  slow: why\n► report under way: sales by country"));
    let seen = below(&chat);
    assert!(seen.contains("► sales by country") && seen.contains("42 %  query 1: sales"), "{seen}");
    // Another question meanwhile.
    assert_eq!(enter(&mut chat, "thanks"), line("thanks"));
    tell(&mut chat, Told::Ready);
    finished(&mut chat);
    tell(
        &mut chat,
        Told::Ended(Ended {
            task: task(1),
            title: "sales by country".into(),
            status: Status::Completed,
            why: String::new(),
            summary: (1..=7).map(|n| format!("Sentence {n}.")).collect(),
            files: vec!["sales.pdf".into()],
        }),
    );
    let told = finished(&mut chat);
    assert!(told.starts_with("\n✓ sales by country\n  · Sentence 1."), "{told}");
    assert!(told.ends_with("  (2 more in the document)\n  ▸ sales.pdf   /open  /save"), "{told}");
    assert!(!below(&chat).contains("sales by country"));
}

#[test]
fn lines_wait_for_the_answer_before_them() {
    let mut chat = chat(80, 20);
    assert_eq!(enter(&mut chat, "one"), line("one"));
    assert_eq!(enter(&mut chat, "two"), []);
    assert_eq!(enter(&mut chat, "three"), []);
    assert!(below(&chat).contains("  next: two\n  next: three\n"));
    assert_eq!(tell(&mut chat, Told::Ready), line("two"));
    assert_eq!(tell(&mut chat, Told::Ready), line("three"));
    assert_eq!(tell(&mut chat, Told::Ready), []);
}

#[test]
fn escape_stops_the_answer_and_else_asks_which_report() {
    let mut chat = chat(80, 20);
    enter(&mut chat, "one");
    enter(&mut chat, "two");
    tell(&mut chat, Told::Turn { task: task(7), why: why("") });
    assert_eq!(press(&mut chat, KeyCode::Esc), [Wish::Stop(task(7))]);
    assert_eq!((chat.queue.len(), chat.input.value()), (0, "two"), "the next line is not sent at once");
    assert!(below(&chat).contains("stopping"));
    tell(&mut chat, Told::Unanswered { task: task(7), status: Status::Aborted, why: String::new() });
    tell(&mut chat, Told::Ready);
    assert!(finished(&mut chat).ends_with("! stopped"));
    press(&mut chat, KeyCode::Esc);
    assert_eq!(chat.input.value(), "", "with nothing to stop it empties the line");

    tell(&mut chat, live(1, "sales", 10));
    tell(&mut chat, live(2, "churn", 20));
    assert_eq!(press(&mut chat, KeyCode::Esc), []);
    assert!(below(&chat).ends_with("stop which? 1 sales  2 churn  Esc none"));
    assert_eq!(press(&mut chat, KeyCode::Esc), []);
    assert!(!below(&chat).contains("stop which"));
    press(&mut chat, KeyCode::Esc);
    assert_eq!(press(&mut chat, KeyCode::Char('2')), [Wish::Stop(task(2))]);
    assert_eq!(chat.input.value(), "");
}

#[test]
fn a_question_is_answered_while_the_answer_under_way_waits_for_it() {
    let mut chat = chat(80, 20);
    enter(&mut chat, "make a leaflet");
    tell(&mut chat, Told::Turn { task: task(1), why: why("") });
    finished(&mut chat);
    tell(
        &mut chat,
        Told::Asks {
            task: task(1),
            title: "make a leaflet".into(),
            action: "write_report".into(),
            arguments: r#"{"title":"x"}"#.into(),
            note: Some("every call of it is asked about".into()),
        },
    );
    let seen = finished(&mut chat);
    assert!(seen.starts_with("! make a leaflet waits for a yes: write_report (every call"), "{seen}");
    assert!(seen.contains("\n  {\"title\":\"x\"}\n  /approve"), "{seen}");
    assert_eq!(enter(&mut chat, "/reject not now"), [Wish::Decide("/reject not now".to_owned())]);
    assert!(chat.busy && chat.queue.is_empty());
}

#[test]
fn the_arrows_go_through_what_was_entered() {
    let mut chat = chat(80, 20);
    for line in ["one", "two"] {
        enter(&mut chat, line);
    }
    "thr".chars().for_each(|c| drop(press(&mut chat, KeyCode::Char(c))));
    let mut after = |code| {
        press(&mut chat, code);
        chat.input.value().to_owned()
    };
    assert_eq!([KeyCode::Up, KeyCode::Up, KeyCode::Up].map(&mut after), ["two", "one", "one"]);
    assert_eq!([KeyCode::Down, KeyCode::Down, KeyCode::Down].map(&mut after), ["two", "thr", "thr"]);
}

#[test]
fn it_is_left_by_the_usual_keys() {
    let mut one = chat(80, 20);
    "text".chars().for_each(|c| drop(press(&mut one, KeyCode::Char(c))));
    assert_eq!(control(&mut one, 'c'), []);
    assert_eq!((one.input.value(), one.left), ("", false), "first it empties the line");
    assert_eq!(control(&mut one, 'c'), [Wish::Leave]);
    assert!(one.left);
    assert_eq!(control(&mut chat(80, 20), 'd'), [Wish::Leave]);
}

#[test]
fn a_paste_is_one_line_and_wide_characters_keep_their_places() {
    let mut chat = chat(20, 10);
    update(&mut chat, Msg::Paste("a\tb\r\n\x1b[2Jc\u{202e}\n".to_owned()));
    assert_eq!(chat.input.value(), "a b  [2Jc");
    control(&mut chat, 'u');
    update(&mut chat, Msg::Paste("漢字".repeat(10)));
    let seen = bottom(&chat);
    let (row, column) = seen.cursor;
    assert!(column < 20 && seen.lines[row].width() <= 20, "{column} {:?}", seen.lines[row]);
    control(&mut chat, 'a');
    assert_eq!(bottom(&chat).cursor.1, 2);
}

#[test]
fn a_conversation_that_is_gone_on_with_shows_its_end() {
    let mut chat = chat(80, 20);
    let turns = (1..=5).map(|n| (format!("asked {n}"), "a\nb\nc\nd\ne".to_owned())).collect();
    tell(&mut chat, Told::Open { conversation: "c1".into(), about: "about sales.csv".into(), turns });
    let seen = finished(&mut chat);
    assert!(seen.starts_with("  (2 earlier turns are remembered)\n\n› asked 3\n  a\n"), "{seen}");
    assert!(seen.ends_with("› asked 5\n  a\n  b\n  c\n  d\n  …\n  about sales.csv"), "{seen}");
    assert!(below(&chat).contains(" c1 ──"));
}

#[test]
fn signs_are_spelled_where_there_are_none_and_words_are_left() {
    let theme = Theme { palette: Palette::Mono, glyphs: Glyphs::Ascii };
    assert_eq!(theme.spelled("► Größe ━━─ 漢 ▸ › ⠋"), "> Größe ##- 漢 > > .");
}

proptest! {
    /// Whatever is told and typed, in terminals of any size: no line is wider than it, nothing goes out that
    /// could command it, and the cursor is where one types.
    #[test]
    fn nothing_leaves_its_place(
        columns in 10_u16..140,
        rows in 3_u16..40,
        texts in prop::collection::vec("(\\PC|[\\x00-\\x1f]|\u{202e}|\u{9b}|漢|e\u{301}){0,40}", 6),
        count in 0_u128..8,
    ) {
        let mut chat = chat(columns, rows);
        let turns = vec![(texts[0].clone(), texts[1].clone())];
        tell(&mut chat, Told::Open { conversation: texts[2].clone(), about: texts[3].clone(), turns });
        for n in 0..count {
            tell(&mut chat, Told::Standing(Live {
                task: task(n), title: texts[3].clone(), status: Status::ALL[n as usize % 4],
                doing: texts[4].clone(), done: (n % 2 == 0).then_some(500),
            }));
        }
        update(&mut chat, Msg::Paste(texts[5].clone()));
        press(&mut chat, KeyCode::Enter);
        tell(&mut chat, Told::Turn { task: task(99), why: why(&texts[1]) });
        tell(&mut chat, Told::Text { task: task(99), text: texts.concat() });
        update(&mut chat, Msg::Paste(texts[5].clone()));
        tell(&mut chat, Told::Refused { code: "x", why: texts[2].clone() });
        tell(&mut chat, Told::Ended(Ended {
            task: task(98), title: texts[0].clone(), status: Status::Failed, why: texts[1].clone(),
            summary: texts.clone(), files: texts.clone(),
        }));
        let seen = bottom(&chat);
        prop_assert!(seen.lines.len() < usize::from(rows).max(4));
        let (row, column) = seen.cursor;
        prop_assert!(row < seen.lines.len() && column <= usize::from(columns));
        for line in seen.lines.iter().chain(&chat.finished) {
            let text = line.to_string();
            prop_assert!(width(&text) <= usize::from(columns).max(13), "{columns}: {text:?}");
            prop_assert!(text.chars().all(longhaul_core::text::is_plain), "{text:?}");
        }
    }
}
