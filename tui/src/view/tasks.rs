//! The list of tasks, with what stands above and beside it.

use longhaul_core::Status;
use longhaul_core::board::{WaitReason, Waiting};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::app::{App, View};
use crate::layout::Shape;
use crate::store::{Flags, Row, Standing};
use crate::text::{clock, fit, number, pad, pad_left, short, span};
use crate::theme::{Tone, glyph};
use crate::update::underway;

use super::{charts, frame, nothing, put, scrollbar, select, task};

/// How many rows are above the list's frame.
pub(super) fn above(shape: Shape) -> u16 {
    if shape.charts { charts::ROWS } else { 1 }
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let shape = Shape::of(Rect::new(0, 0, app.size.0, app.size.1));
    let [top, rest] = Layout::vertical([Constraint::Length(above(shape)), Constraint::Min(0)]).areas(area);
    if shape.charts {
        charts::draw(app, top, buffer);
    } else {
        charts::figures(app, top, buffer);
    }
    let (list, side) = match shape.side {
        Some(side) => {
            let [list, side] = Layout::horizontal([Constraint::Min(0), Constraint::Length(side)]).areas(rest);
            (list, Some(side))
        }
        None => (rest, None),
    };
    rows(app, shape, list, buffer);
    if let Some(side) = side {
        beside(app, side, buffer);
    }
}

/// How wide the columns are that have no fixed width.
struct Columns {
    owner: usize,
    id: usize,
    title: usize,
    bar: usize,
    step: usize,
}

const STATUS: usize = 10;
const AGE: usize = 7;
const PERCENT: usize = 5;

impl Columns {
    /// What has no room shrinks: the step first, then the id, then the bar.
    fn of(shape: Shape, columns: u16) -> Self {
        let columns = usize::from(columns);
        let owner = if shape.wide { 18 } else { 0 };
        let fixed = 2 + STATUS + 1 + PERCENT + 1 + AGE + owner;
        let mut all = Self { owner, id: 7, title: 20, bar: 7, step: 16 };
        let free = columns.saturating_sub(fixed + all.id + all.title + all.bar + all.step);
        let lack = (fixed + all.id + all.title + all.bar + all.step).saturating_sub(columns);
        all.title += free / 2;
        all.step += free - free / 2;
        let step = lack.min(all.step);
        all.step -= step;
        let id = (lack - step).min(all.id);
        all.id -= id;
        all.bar -= (lack - step - id).min(all.bar);
        all
    }
}

fn rows(app: &App, shape: Shape, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let inner = frame(theme, title(app), area, buffer);
    let columns = Columns::of(shape, inner.width);
    let order = app.order.rows();
    if order.is_empty() {
        return empty(app, inner, buffer);
    }
    let mut heading = format!("  {}", pad("ID", columns.id));
    heading += &pad("Task", columns.title);
    heading += " ";
    heading += &pad("Status", STATUS);
    heading += &pad("Progress", columns.bar + PERCENT + 1);
    heading += &pad("Step", columns.step);
    if columns.owner > 0 {
        heading += &pad("User", columns.owner);
    }
    heading += &pad_left("Age", AGE);
    put(buffer, inner, 0, vec![Span::styled(heading, theme.dim())]);
    let list = &app.lists[View::Tasks as usize];
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let shown = order.iter().enumerate().skip(list.top).take(body.height.into());
    for (row, (place, at)) in (0..).zip(shown) {
        let task = app.store.row(*at);
        put(buffer, body, row, line(app, &columns, task));
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, order.len(), body, buffer);
}

fn title(app: &App) -> Line<'static> {
    let mut spans = vec![Span::raw(" Tasks ")];
    let reversed = if app.sort.reversed { ", reversed" } else { "" };
    spans.push(Span::styled(format!("{}{reversed} ", app.sort.by.words()), app.theme.dim()));
    if !app.filter.is_empty() {
        let text = fit(app.filter.text(), 40);
        spans.push(Span::styled(format!("/{text} "), app.theme.accent()));
        spans.push(Span::styled(format!("{} shown ", app.order.rows().len()), app.theme.dim()));
    }
    if !app.marks.is_empty() {
        spans.push(Span::styled(format!("{} marked ", app.marks.len()), app.theme.tone(Tone::Warning)));
    }
    Line::from(spans)
}

/// Why the list is empty, and what to do.
fn empty(app: &App, area: Rect, buffer: &mut Buffer) {
    let lines: &[&str] = if !app.filter.is_empty() {
        &["Nothing matches.", "", "Esc clears the filter"]
    } else if !app.listed {
        &["Reading the list…"]
    } else {
        &[
            "No tasks yet.",
            "",
            "In another terminal:",
            "longhaul report DATA \"quarterly review\"",
            "longhaul run rehearsal --input '\"slow 5 500\"'",
        ]
    };
    nothing(app.theme, lines, area, buffer);
}

fn line<'a>(app: &App, columns: &Columns, row: &Row) -> Vec<Span<'a>> {
    let theme = app.theme;
    let standing = row.standing();
    let style = theme.standing(standing);
    let calm = matches!(standing, Standing::Completed | Standing::Aborted);
    let text = if calm { theme.dim() } else { Style::new() };
    let mark = if app.marks.has(row.key) { "•" } else { " " };
    let mut spans = vec![
        Span::styled(glyph(standing), theme.glyph_style(standing)),
        Span::styled(mark, theme.accent()),
        Span::styled(pad(&short(row.key.task), columns.id), theme.dim()),
        Span::styled(pad(row.title.as_str(), columns.title), text),
        Span::raw(" "),
    ];
    spans.push(match underway(app, row) {
        Some((asked, slow)) => {
            let style = theme.tone(if slow { Tone::Bad } else { Tone::Warning });
            Span::styled(pad(asked.steer.doing(), STATUS), style.add_modifier(Modifier::BOLD))
        }
        None => Span::styled(pad(standing.word(), STATUS), style),
    });
    match row.fraction {
        Some(fraction) if row.status != Status::Completed => {
            let (done, left) = theme.bar(fraction, columns.bar);
            spans.push(Span::styled(done, style));
            spans.push(Span::styled(left, theme.dim()));
            spans.push(Span::styled(pad_left(&format!("{}%", fraction / 10), PERCENT), text));
        }
        _ => spans.push(Span::raw(" ".repeat(columns.bar + PERCENT))),
    }
    spans.push(Span::raw(" "));
    spans.push(Span::styled(pad(&said(app, row), columns.step), text));
    if columns.owner > 0 {
        let owner = match app.me.everything {
            true => format!("{}/{}", app.store.name(row.key.org), app.store.name(row.user)),
            false => app.store.name(row.user).to_owned(),
        };
        spans.push(Span::styled(pad(&owner, columns.owner), theme.dim()));
    }
    spans.push(Span::styled(pad_left(&span(row.age(app.now)), AGE), theme.dim()));
    spans
}

/// The column in which each task says what matters most about it.
pub(super) fn said(app: &App, row: &Row) -> String {
    if row.flags.has(Flags::ASIDE) {
        return "a record of it cannot be read".to_owned();
    }
    let step = || {
        let name = app.store.name(row.step);
        match (row.step.is_empty(), row.step_of) {
            (true, _) => String::new(),
            (false, 0) => format!("{} {name}", row.step_index + 1),
            (false, of) => format!("{}/{of} {name}", row.step_index + 1),
        }
    };
    match row.standing() {
        Standing::Paused => format!("{}?", row.note),
        Standing::Running | Standing::Stalled => step(),
        Standing::Aborting => format!("stops after {}", app.store.name(row.step)),
        Standing::Held | Standing::Pending | Standing::Retrying => match app.store.waiting(row.key) {
            Some(waiting) => in_brief(waiting),
            None => row.note.to_string(),
        },
        Standing::Completed => match row.artifacts {
            0 => String::new(),
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        },
        Standing::Failed | Standing::Expired | Standing::Aborted => row.note.to_string(),
    }
}

/// Why a task waits, in the few words a column has room for.
fn in_brief(waiting: &Waiting) -> String {
    let place = waiting.place;
    match &waiting.reason {
        WaitReason::UserCap { running, cap } => format!("#{place} user cap {running}/{cap}"),
        WaitReason::OrganisationCap { running, cap } => format!("#{place} org cap {running}/{cap}"),
        WaitReason::Conversation { holder, .. } => format!("#{place} after {}", short(holder)),
        WaitReason::TokenBudget { used, budget, .. } => {
            format!("#{place} budget {}/{}", number(*used), number(*budget))
        }
        WaitReason::NoExecutor { kind } => format!("no executor for {kind}"),
        WaitReason::ExecutorsBusy { places, .. } => format!("#{place} all {places} places busy"),
        WaitReason::NotBefore { at } | WaitReason::RetryBackoff { at, .. } => format!("at {}", clock(*at)),
        WaitReason::LedgerUnreadable => "ledger unreadable".to_owned(),
        WaitReason::Admitted { .. } | WaitReason::Next => "starts now".to_owned(),
    }
}

/// What is known of the task one is on.
fn beside(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(row) = app.selected() else {
        frame(app.theme, Line::from(""), area, buffer);
        return;
    };
    let standing = row.standing();
    let title = Line::from(vec![
        Span::raw(format!(" {} ", short(row.key.task))),
        Span::styled(format!("{} {} ", glyph(standing), standing.word()), app.theme.standing(standing)),
    ]);
    let inner = frame(app.theme, title, area, buffer);
    let facts = task::facts(app, row, inner.width.into());
    let used = u16::try_from(facts.len()).unwrap_or(u16::MAX);
    for (at, spans) in (0..).zip(facts) {
        put(buffer, inner, at, spans);
    }
    let Some(told) = app.peek.as_ref().filter(|peek| app.store.key(&peek.at) == Some(row.key)) else {
        return;
    };
    let Some(snapshot) = &told.snapshot else { return };
    // The steps get what they need, but leave room for the last events.
    let left = inner.height.saturating_sub(used + 1);
    let below = Rect { y: inner.y + inner.height - left, height: left, ..inner };
    let steps = task::steps(app, snapshot, usize::from(left) * 2 / 3, inner.width.into());
    let used = u16::try_from(steps.len()).unwrap_or(u16::MAX).saturating_add(1);
    for (at, spans) in (0..).zip(steps) {
        put(buffer, below, at, spans);
    }
    let left = below.height.saturating_sub(used);
    if left > 1 {
        let last = Rect { y: below.y + used, height: left, ..below };
        task::latest(app, told, last, buffer);
    }
}
