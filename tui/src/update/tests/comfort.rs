//! What makes it pleasant: the mouse, a pane alone, help that fits, an inbox that misses nothing.

use longhaul_client::fleet::Word;
use longhaul_core::{Millis, Timestamp};
use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::app::{App, Pane, Popup, View};
use crate::effect::Effect;
use crate::keys::TABLE;
use crate::msg::Msg;
use crate::store::SortBy;
use crate::testing::{NOW, Until, address, beats, picture, press, sample, story};
use crate::text::width;
use crate::update::update;

/// Clicks on the first place where a text stands.
fn click(app: &mut App, text: &str) -> Vec<Effect> {
    let screen = picture(app);
    let found = screen.lines().enumerate().find_map(|(row, line)| {
        let at = line.find(text)?;
        Some((width(&line[..at]), row))
    });
    let (column, row) = found.unwrap_or_else(|| panic!("{text} is not there:\n{screen}"));
    mouse(app, MouseEventKind::Down(MouseButton::Left), column, row)
}

fn mouse(app: &mut App, kind: MouseEventKind, column: usize, row: usize) -> Vec<Effect> {
    let (column, row) = (u16::try_from(column).unwrap(), u16::try_from(row).unwrap());
    update(app, Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

#[test]
fn everything_one_sees_can_be_clicked() {
    let mut app = sample(120, 36);
    click(&mut app, "Age");
    assert_eq!((app.sort.by, app.sort.reversed), (SortBy::Age, false));
    click(&mut app, "Age");
    assert!(app.sort.reversed, "once more turns it round");
    click(&mut app, "Status    Progress");
    assert_eq!(app.sort.by, SortBy::Status);
    click(&mut app, "Task  ");
    assert_eq!(app.sort.by, SortBy::Title);
    click(&mut app, "7 Mine");
    assert_eq!(app.view, View::Mine);
    let third = app.store.row(app.mine.rows()[2]).key;
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), 10, 3 + 2 * 2);
    assert_eq!(app.subject().unwrap().key, third, "two lines are one task");
    let opened = click(&mut app, "open");
    assert!(matches!(opened.as_slice(), [Effect::Open(_)]), "a hint is a button: {opened:?}");
    let at = app.opened.as_ref().unwrap().at.clone();
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    update(&mut app, Msg::Told(at, story(n, Until::Running)));
    click(&mut app, "Usage");
    assert_eq!(app.opened.as_ref().unwrap().pane, Pane::Usage);
    press(&mut app, &["?"]);
    mouse(&mut app, MouseEventKind::ScrollDown, 5, 5);
    assert!(matches!(app.popup, Some(Popup::Help { top: 3, .. })));
}

#[test]
fn a_pane_can_have_the_screen_for_itself() {
    let mut app = sample(120, 36);
    press(&mut app, &["Enter"]);
    let at = app.opened.as_ref().unwrap().at.clone();
    let n = (0..40).find(|n| address(*n) == at).unwrap();
    update(&mut app, Msg::Told(at, story(n, Until::Running)));
    assert!(picture(&app).contains("org/user"));
    press(&mut app, &["z"]);
    let screen = picture(&app);
    assert!(!screen.contains("org/user") && screen.contains("step_completed"), "{screen}");
    press(&mut app, &["z"]);
    assert!(picture(&app).contains("org/user"));
}

#[test]
fn what_a_cap_holds_is_one_key_away() {
    let mut app = sample(120, 36);
    press(&mut app, &["4", "j", "Enter"]);
    assert_eq!(app.view, View::Tasks);
    assert_eq!(app.filter.text(), "user:ana status:held");
    let rows = app.order.rows();
    assert!(!rows.is_empty() && rows.iter().all(|at| app.store.name(app.store.row(*at).user) == "ana"));
}

#[test]
fn an_executor_that_falls_silent_is_told_of_once() {
    let mut app = sample(120, 36);
    let told = |app: &App| app.inbox.notices().filter(|notice| notice.text.contains("fell silent")).count();
    assert_eq!(told(&app), 0, "what was silent before one came is no news");
    update(&mut app, Msg::Word(beats(Millis(100))));
    update(&mut app, Msg::Tick(Timestamp(NOW.0 + 800)));
    assert_eq!(told(&app), 0);
    update(&mut app, Msg::Tick(Timestamp(NOW.0 + 5_000)));
    assert_eq!(told(&app), 2);
    update(&mut app, Msg::Tick(Timestamp(NOW.0 + 9_000)));
    assert_eq!(told(&app), 2);
    // The server says their last beats again to whoever connects anew, and they may be taken for new ones.
    let Word::Beats(mut pulses) = beats(Millis(100)) else { panic!("beats") };
    pulses.iter_mut().for_each(|pulse| pulse.heard_at = app.now);
    update(&mut app, Msg::Word(Word::Beats(pulses)));
    update(&mut app, Msg::Tick(Timestamp(NOW.0 + 20_000)));
    assert_eq!(told(&app), 2, "it was told of already");
    update(&mut app, Msg::Word(Word::Anew));
}

#[test]
fn the_help_has_room_for_every_line() {
    for line in TABLE {
        assert!(width(line.help) <= 51, "{}", line.help);
        assert!(width(&line.keys.join(" ")) <= 15, "{:?}", line.keys);
    }
}
