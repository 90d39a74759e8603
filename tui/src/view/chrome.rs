//! What is around every view: header, tabs, banner, the line one types, footer.

use longhaul_client::fleet::Link;
use longhaul_core::{Status, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use crate::app::{App, Origin, Pane, Prompt, View};
use crate::keys::{Act, Context};
use crate::store::{Row, SortBy, Standing};
use crate::text::{clock, fit, grouped, number, span, width};
use crate::theme::Tone;
use crate::update::{len, steer_of};

use super::put;

/// The top line: where the log is and how it is, who one is, what time it is.
pub(super) fn header(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let mut left = vec![Span::styled(" longhaul ", theme.title())];
    let (word, tone) = state(app);
    if area.width >= 80 && !app.me.place.is_empty() {
        left.push(Span::raw(format!(" {}", fit(&app.me.place, 24))));
    }
    left.push(Span::styled(format!(" {word}"), theme.tone(tone)));
    if let Some((behind, age)) = app.lag.catching_up(app.now).filter(|_| app.down_since.is_none()) {
        let age = if area.width >= 80 { format!(", {} old", span(age)) } else { String::new() };
        let text = format!(" catching up {}{age}", number(behind));
        left.push(Span::styled(text, theme.tone(Tone::Warning)));
    }
    if app.unreadable() > 0 {
        let text = format!("  {} unreadable", number(app.unreadable()));
        left.push(Span::styled(text, theme.tone(Tone::Bad)));
    }
    if area.width >= 100 {
        if let Some(Link::Up { took, .. }) = &app.link {
            left.push(Span::styled(format!("  rtt {} ms", took.as_millis()), theme.dim()));
        }
        if let Some(lag) = app.lag.records().filter(|_| app.down_since.is_none()) {
            left.push(Span::styled(format!("  lag {}", number(lag)), theme.dim()));
        }
        if let Some(Link::Up { heads, .. }) = &app.link {
            let known = heads.iter().chain(app.read.iter()).map(|(_, at)| at.0).max().unwrap_or(0);
            left.push(Span::styled(format!("  seq {known}"), theme.dim()));
        }
    }
    let mut right = Vec::new();
    if app.inbox.unread() > 0 {
        let flag = format!("⚑ {} new ", app.inbox.unread());
        right.push(Span::styled(flag, theme.tone(Tone::Warning)));
    }
    if area.width >= 100 {
        let role = if app.me.everything { " (operator)" } else { "" };
        right.push(Span::raw(format!("{}@{}{role}  ", fit(&app.me.user, 20), fit(&app.me.org, 20))));
    }
    right.push(Span::raw(format!("{}Z ", clock(app.then()))));
    both(buffer, area, left, right);
}

/// What the link is like, in a word.
fn state(app: &App) -> (String, Tone) {
    if app.past().is_some() && app.origin == Origin::Live {
        return ("past".to_owned(), Tone::Warning);
    }
    match (&app.link, app.origin) {
        (_, Origin::File) => ("file".to_owned(), Tone::Warning),
        (None, _) => ("connecting".to_owned(), Tone::Warning),
        (Some(Link::Down { .. }), _) => ("down".to_owned(), Tone::Bad),
        (Some(Link::Up { .. }), _) if !app.listed => (loading(app), Tone::Warning),
        (Some(Link::Up { .. }), _) => ("live".to_owned(), Tone::Good),
    }
}

/// How much of the list has come.
pub(super) fn loading(app: &App) -> String {
    let here = grouped(app.store.counts().total().into());
    match app.listing.expected() {
        Some(all) => format!("loading {here} of {}", grouped(all)),
        None => "loading".to_owned(),
    }
}

/// A line with something at its left and something at its right edge; the right goes first when both
/// do not fit.
fn both<'a>(buffer: &mut Buffer, area: Rect, left: Vec<Span<'a>>, right: Vec<Span<'a>>) {
    put(buffer, area, 0, left);
    let wide =
        u16::try_from(right.iter().map(|span| width(&span.content)).sum::<usize>()).unwrap_or(u16::MAX);
    if wide < area.width {
        let at = Rect { x: area.x + area.width - wide, width: wide, ..area };
        put(buffer, at, 0, right);
    }
}

/// Each tab's text, with its count. Where there is no room for all names they are shorter; where there
/// is none for those, only the current one has its.
fn tab_texts(app: &App, columns: u16) -> [String; View::ALL.len()] {
    let text = |view: View, name: &str| {
        let count = match view {
            View::Tasks | View::Caps | View::Events | View::Mine => 0,
            View::Approvals => app.store.questions().count(),
            View::Executors => app.executors_there(),
            View::Inbox => app.inbox.unread(),
        };
        let name = if name.is_empty() { String::new() } else { format!(" {name}") };
        let count = if count > 0 { format!(" {count}") } else { String::new() };
        format!(" {}{name}{count} ", view as usize + 1)
    };
    let short = |view: View| match view {
        View::Approvals => "Appr",
        View::Executors => "Exec",
        View::Events => "Ev",
        _ => view.name(),
    };
    let fits = |texts: &[String; View::ALL.len()]| {
        texts.iter().map(|text| width(text)).sum::<usize>() <= columns.into()
    };
    let named = View::ALL.map(|view| text(view, view.name()));
    let shorter = View::ALL.map(|view| text(view, short(view)));
    let only = View::ALL.map(|view| text(view, if view == app.view { view.name() } else { "" }));
    [named, shorter].into_iter().find(fits).unwrap_or(only)
}

/// The line of tabs.
pub(super) fn tabs(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = |view| {
        if view == app.view { app.theme.title().patch(app.theme.selected()) } else { app.theme.dim() }
    };
    if app.alone {
        return;
    }
    let texts = tab_texts(app, area.width);
    let used: usize = texts.iter().map(|text| width(text)).sum();
    let tabs = View::ALL.into_iter().zip(texts).map(|(view, text)| Span::styled(text, style(view)));
    let total = match (app.listing.older(), app.count_all()) {
        (0, 1) if app.listed => "1 task ".to_owned(),
        // What is not listed was counted once: it is about so many.
        (1.., all) => format!("{} tasks ", number(all)),
        (0, all) if app.listed || app.listing.expected().is_some() => format!("{} tasks ", grouped(all)),
        (0, all) => format!("{} tasks so far ", grouped(all)),
    };
    let fits = used + width(&total) <= area.width.into();
    let total = fits.then(|| Span::styled(total, app.theme.dim()));
    both(buffer, area, tabs.collect(), total.into_iter().collect());
}

/// The line one types, or a short notice.
pub(super) fn prompt(app: &App, area: Rect, buffer: &mut Buffer) {
    if let Some(prompt) = &app.prompt {
        let label = Span::styled(format!(" {}", prompt.typing.label()), app.theme.accent());
        let room = usize::from(area.width).saturating_sub(label_width(prompt) + 1);
        let typed = visible(prompt, room);
        put(buffer, area, 0, vec![label, Span::raw(typed)]);
    } else if let Some((notice, _)) = &app.toast {
        let text = fit(&notice.text, usize::from(area.width).saturating_sub(1));
        put(buffer, area, 0, vec![Span::styled(format!(" {text}"), app.theme.tone(notice.tone))]);
    }
}

fn label_width(prompt: &Prompt) -> usize {
    width(prompt.typing.label()) + 1
}

/// The part of a typed line around the cursor.
fn visible(prompt: &Prompt, room: usize) -> String {
    let skip = prompt.input.visual_scroll(room);
    let mut skipped = 0;
    let rest = prompt.input.value().chars().skip_while(|c| {
        let before = skipped;
        skipped += width(c.encode_utf8(&mut [0; 4]));
        before < skip
    });
    fit(&rest.collect::<String>(), room)
}

/// Where the cursor is in a line one types.
pub(super) fn cursor(prompt: &Prompt, area: Rect) -> Option<Position> {
    let label = label_width(prompt);
    let room = usize::from(area.width).saturating_sub(label + 1);
    let at = prompt.input.visual_cursor().saturating_sub(prompt.input.visual_scroll(room)).min(room);
    let x = u16::try_from(label + at).ok().filter(|x| *x < area.width)?;
    (area.height > 0).then(|| Position::new(area.x + x, area.y))
}

/// What is always at the right of the footer.
const ALWAYS: [Act; 2] = [Act::Help, Act::Quit];

/// Of more marked tasks than these it is not looked which actions fit any of them.
const MARKED: usize = 2000;

/// Whether an action makes sense for what one is on, or for any that is marked; those that are none
/// always do.
fn fits(app: &App, act: Act) -> bool {
    if !can(app, act) {
        return false;
    }
    let steers = matches!(act, Act::Approve | Act::Reject | Act::Abort | Act::Retry | Act::Download);
    if !steers || app.marks.is_empty() || app.opened.is_some() || app.view != View::Tasks {
        return suits(app, app.subject(), act);
    }
    let mut marked = app.marks.keys().map(|key| app.store.get(key));
    app.marks.len() > MARKED || marked.any(|row| suits(app, row, act))
}

/// Whether an action can be done at all now, whatever the task.
pub(super) fn can(app: &App, act: Act) -> bool {
    match act {
        Act::Approve
        | Act::Modify
        | Act::Reject
        | Act::Abort
        | Act::Retry
        | Act::Rerun
        | Act::Delete
        | Act::Stop => app.tied().is_none(),
        Act::Download => app.down_since.is_none(),
        _ => true,
    }
}

/// Whether an action makes sense for a task.
fn suits(app: &App, row: Option<&Row>, act: Act) -> bool {
    let ended = || row.is_some_and(|row| row.status.is_terminal());
    match act {
        Act::Approve | Act::Reject | Act::Abort | Act::Retry => {
            row.is_some_and(|row| steer_of(app, row, act).is_ok())
        }
        Act::Modify => row.is_some_and(|row| steer_of(app, row, Act::Approve).is_ok()),
        Act::Download => row.is_some_and(|row| row.artifacts > 0 || row.status == Status::Completed),
        // In the list of all tasks there are more urgent hints.
        Act::Rerun | Act::Delete => app.view == View::Mine && ended(),
        Act::Why => row.is_some_and(|row| !matches!(row.status, Status::Running | Status::Completed)),
        // While something is looked for, Esc ends that.
        Act::Stop => !app.finds() && row.is_some_and(|row| row.status == Status::Running),
        Act::FindNext => app.finds(),
        Act::Open => match app.view {
            View::Inbox => app.notices().nth(app.list().at).is_some_and(|notice| notice.about.is_some()),
            view => len(app, view) > 0,
        },
        _ => true,
    }
}

/// The hints of the footer: what each stands for, and where it begins. Those at the right stay.
fn hints(app: &App, area: Rect) -> Vec<(Act, u16, String, String)> {
    let past = app.past().map(|_| Context::Past);
    let contexts = past.into_iter().chain([app.context()]);
    let all: Vec<_> = contexts
        .flat_map(|context| app.keys.bindings(context))
        .filter(|bind| !bind.hint.is_empty() && fits(app, bind.act))
        .filter_map(|bind| Some((bind.act, bind.keys.first()?.clone(), bind.hint.to_owned())))
        .collect();
    let wide = |key: &str, hint: &str| u16::try_from(width(key) + width(hint) + 3).unwrap_or(u16::MAX);
    let (always, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(act, ..)| ALWAYS.contains(act));
    let right: u16 = always.iter().map(|(_, key, hint)| wide(key, hint)).sum();
    let mut found = Vec::new();
    let mut at = 1_u16;
    for (act, key, hint) in others {
        let next = at.saturating_add(wide(&key, &hint));
        if next.saturating_add(right) > area.width {
            break;
        }
        found.push((act, at, key, hint));
        at = next;
    }
    let mut at = area.width.saturating_sub(right);
    for (act, key, hint) in always {
        let next = at + wide(&key, &hint);
        found.push((act, at, key, hint));
        at = next;
    }
    found
}

/// What the keys do here.
pub(super) fn footer(app: &App, area: Rect, buffer: &mut Buffer) {
    for (_, at, key, hint) in hints(app, area) {
        let part = Rect { x: area.x + at.min(area.width), width: area.width.saturating_sub(at), ..area };
        let spans =
            vec![Span::styled(key, app.theme.accent()), Span::styled(format!(" {hint}"), Style::new())];
        put(buffer, part, 0, spans);
    }
}

/// What the mouse is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hit {
    Tab(View),
    /// A place in the list of the current view.
    Row(usize),
    /// A hint of the footer.
    Key(Act),
    /// A time on the scrubber.
    Time(Timestamp),
    /// The name of a pane.
    Pane(Pane),
    /// A column's heading.
    Heading(SortBy),
}

/// What is at a cell.
pub(crate) fn hit(app: &App, column: u16, row: u16) -> Option<Hit> {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    if super::is_card(app, area) {
        return None;
    }
    let parts = super::parts(app, area);
    let at = Position::new(column, row);
    if parts.tabs.contains(at) {
        let mut end = 0;
        return View::ALL.into_iter().zip(tab_texts(app, area.width)).find_map(|(view, text)| {
            end += width(&text);
            (usize::from(column) < end).then_some(Hit::Tab(view))
        });
    }
    if parts.scrubber.contains(at) {
        return super::travel::time_at(app, parts.scrubber, column).map(Hit::Time);
    }
    if let Some(pane) = super::task::tab_at(app, column, row) {
        return Some(Hit::Pane(pane));
    }
    if parts.footer.contains(at) {
        let hints = hints(app, parts.footer);
        let under =
            hints.iter().filter(|(_, begins, ..)| *begins <= column).max_by_key(|(_, begins, ..)| *begins);
        return under.map(|(act, ..)| Hit::Key(*act));
    }
    if parts.body.contains(at) && app.opened.is_none() {
        let list = app.list();
        if app.view == View::Mine {
            let row = usize::from(row.checked_sub(parts.body.y + 1)?);
            return Some(Hit::Row(list.top + row / super::mine::LINES));
        }
        let first = parts.body.y + super::above_list(app, app.view, area) + 2;
        if app.view == View::Tasks && row + 1 == first {
            return super::tasks::heading_at(app, column.checked_sub(parts.body.x + 1)?).map(Hit::Heading);
        }
        let place = list.top + usize::from(row.checked_sub(first)?);
        return Some(Hit::Row(place));
    }
    None
}

/// The counts of a line: those that are not 0, the most urgent first.
pub(super) fn counted(app: &App) -> impl Iterator<Item = (Standing, u64)> + '_ {
    Standing::ALL.into_iter().map(|standing| (standing, app.count(standing))).filter(|(_, n)| *n > 0)
}
