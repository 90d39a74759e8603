//! The list of tasks, with what stands above and beside it.

use longhaul_core::Status;
use longhaul_core::board::{WaitReason, Waiting};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::app::{App, Column, View};
use crate::layout::Shape;
use crate::store::{Flags, Row, SortBy, Standing};
use crate::text::{clock, fit, number, pad, pad_left, short, span};
use crate::theme::{Tone, glyph};
use crate::update::{overdue, underway};

use super::{charts, frame, greeting, nothing, put, scrollbar, select, task};

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

/// How wide each column is.
struct Columns {
    title: usize,
    others: Vec<(Column, usize)>,
}

const PERCENT: usize = 5;
const TITLE: usize = 20;
/// A step of fewer columns is left out.
const STEP: usize = 8;

impl Columns {
    /// What has no room shrinks: the step first, then the id, then the bar. After that columns go, those
    /// that matter least first.
    fn of(app: &App, shape: Shape, columns: u16) -> Self {
        let wanted = app.columns.clone().unwrap_or_else(|| Column::usual(shape.wide));
        let mut others: Vec<_> =
            wanted.into_iter().map(|column| (column, Self::usual_width(column))).collect();
        // The glyph, the mark, and a space behind the title.
        let used =
            |others: &[(Column, usize)]| 3 + TITLE + others.iter().map(|(_, wide)| wide).sum::<usize>();
        let columns = usize::from(columns);
        for (shrinks, least) in [(Column::Step, 0), (Column::Id, 0), (Column::Progress, PERCENT + 1)] {
            let lack = used(&others).saturating_sub(columns);
            if let Some((_, wide)) = others.iter_mut().find(|(column, _)| *column == shrinks) {
                *wide -= lack.min(wide.saturating_sub(least));
            }
        }
        for goes in
            [Column::Kind, Column::Attempt, Column::Executor, Column::Org, Column::Tokens, Column::User]
        {
            if used(&others) > columns {
                others.retain(|(column, _)| *column != goes);
            }
        }
        // The beginning of an id tells nothing, nor do a few letters of a step.
        others.retain(|(column, wide)| match column {
            Column::Id => *wide >= Self::usual_width(Column::Id),
            Column::Step => *wide >= STEP,
            _ => true,
        });
        let free = columns.saturating_sub(used(&others));
        let mut title = TITLE + free;
        if let Some((_, wide)) = others.iter_mut().find(|(column, _)| *column == Column::Step) {
            title = TITLE + free / 2;
            *wide += free - free / 2;
        }
        Self { title, others }
    }

    fn usual_width(column: Column) -> usize {
        match column {
            Column::Id | Column::Age => 7,
            Column::Status => 10,
            Column::Progress => 7 + PERCENT + 1,
            Column::Step => 16,
            Column::User => 18,
            Column::Org => 12,
            Column::Kind => 10,
            Column::Executor => 9,
            Column::Attempt => 4,
            Column::Tokens => 8,
        }
    }

    /// Whether what is in it stands at its right.
    fn to_the_right(column: Column) -> bool {
        matches!(column, Column::Age | Column::Tokens | Column::Attempt)
    }

    fn heading(&self) -> String {
        let mut text = String::from("  ");
        for (column, wide) in self.placed() {
            text += &match column {
                None => pad("Task", wide + 1),
                Some(column) if Self::to_the_right(column) => pad_left(column.heading(), wide),
                Some(column) => pad(column.heading(), wide),
            };
        }
        text
    }

    /// The columns from left to right; none stands for what the task is for.
    fn placed(&self) -> impl Iterator<Item = (Option<Column>, usize)> {
        let first = self.others.iter().take_while(|(column, _)| *column == Column::Id).count();
        let own = |(column, wide): &(Column, usize)| (Some(*column), *wide);
        let (before, after) = self.others.split_at(first);
        before.iter().map(own).chain([(None, self.title)]).chain(after.iter().map(own))
    }
}

/// By what a click on a place of the heading sorts.
pub(super) fn heading_at(app: &App, at: u16) -> Option<SortBy> {
    let shape = Shape::of(Rect::new(0, 0, app.size.0, app.size.1));
    let inner = app.size.0.saturating_sub(shape.side.unwrap_or(0)).saturating_sub(2);
    let mut end = 2;
    for (column, wide) in Columns::of(app, shape, inner).placed() {
        end += wide + usize::from(column.is_none());
        if usize::from(at) < end {
            return column.map_or(Some(SortBy::Title), Column::sorts);
        }
    }
    None
}

fn rows(app: &App, shape: Shape, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let inner = frame(theme, title(app), area, buffer);
    let columns = Columns::of(app, shape, inner.width);
    let order = app.order.rows();
    if order.is_empty() {
        return empty(app, inner, buffer);
    }
    put(buffer, inner, 0, vec![Span::styled(columns.heading(), theme.dim())]);
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
    if app.past().is_none() && app.listing.older() > 0 {
        let text = format!("{} older: / finds them ", number(app.listing.older()));
        spans.push(Span::styled(text, app.theme.tone(Tone::Warning)));
    }
    Line::from(spans)
}

/// Why the list is empty, and what to do.
fn empty(app: &App, area: Rect, buffer: &mut Buffer) {
    if let Some(misread) = app.filter.misread() {
        let lines = ["Nothing matches.", ""].into_iter().chain(misread.iter().map(String::as_str));
        let lines: Vec<_> = lines.chain(["", "Esc clears the filter"]).collect();
        return nothing(app.theme, &lines, area, buffer);
    }
    let lines: &[&str] = if !app.filter.is_empty() && !app.listed {
        &["Nothing that has been read so far matches.", "", "Esc clears the filter"]
    } else if !app.filter.is_empty() {
        &["Nothing matches.", "", "Esc clears the filter"]
    } else if !app.listed {
        &["Reading the list…"]
    } else if app.past().is_some() {
        &["No task was there then."]
    } else if !app.host.greeting.is_empty() {
        return greeting(app, "No tasks yet.", area, buffer);
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
    let mut spans =
        vec![Span::styled(glyph(standing), theme.glyph_style(standing)), Span::styled(mark, theme.accent())];
    for (column, wide) in columns.placed() {
        let Some(column) = column else {
            spans.push(Span::styled(pad(row.title.as_str(), wide), text));
            spans.push(Span::raw(" "));
            continue;
        };
        match column {
            Column::Status => spans.push(match underway(app, row) {
                Some((doing, slow)) => {
                    let style = theme.tone(if slow { Tone::Bad } else { Tone::Warning });
                    Span::styled(pad(doing, wide), style.add_modifier(Modifier::BOLD))
                }
                None => Span::styled(pad(standing.word(), wide), style),
            }),
            Column::Progress => progress(app, row, wide, text, &mut spans),
            Column::Step => spans.push(match overdue(app, row) {
                Some(told) => Span::styled(cell(told, wide), theme.tone(Tone::Bad)),
                None => Span::styled(cell(&said(app, row), wide), text),
            }),
            _ => {
                let value = value(app, columns, row, column);
                let right = Columns::to_the_right(column);
                let text = if right { pad_left(&value, wide) } else { cell(&value, wide) };
                spans.push(Span::styled(text, theme.dim()));
            }
        }
    }
    spans
}

/// A text that leaves room before the next column.
fn cell(text: &str, wide: usize) -> String {
    pad(&fit(text, wide.saturating_sub(1)), wide)
}

/// A bar and how much of a hundred it is.
fn progress<'a>(app: &App, row: &Row, wide: usize, text: Style, spans: &mut Vec<Span<'a>>) {
    let theme = app.theme;
    match row.fraction {
        Some(fraction) if row.status != Status::Completed => {
            let (done, left) = theme.bar(fraction, wide.saturating_sub(PERCENT + 1));
            spans.push(Span::styled(done, theme.standing(row.standing())));
            spans.push(Span::styled(left, theme.dim()));
            spans.push(Span::styled(pad_left(&format!("{}%", fraction / 10), PERCENT), text));
            spans.push(Span::raw(" "));
        }
        _ => spans.push(Span::raw(" ".repeat(wide))),
    }
}

/// A cell of plain words.
fn value(app: &App, columns: &Columns, row: &Row, column: Column) -> String {
    let store = &app.store;
    match column {
        Column::Id => short(row.key.task),
        // Where organisations have no column of their own and there are many, they stand here.
        Column::User
            if app.me.everything && !columns.others.iter().any(|(known, _)| *known == Column::Org) =>
        {
            format!("{}/{}", store.name(row.key.org), store.name(row.user))
        }
        Column::User => store.name(row.user).to_owned(),
        Column::Org => store.name(row.key.org).to_owned(),
        Column::Kind => store.name(row.kind).to_owned(),
        Column::Executor => row.executor.map(short).unwrap_or_default(),
        Column::Attempt => row.attempt.to_string(),
        Column::Tokens => number(row.tokens),
        Column::Age => span(row.age(app.then())),
        Column::Status | Column::Progress | Column::Step => String::new(),
    }
}

/// The column in which each task says what matters most about it.
pub(crate) fn said(app: &App, row: &Row) -> String {
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
            None if app.past().is_some() && row.standing() == Standing::Pending => "waited".to_owned(),
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
        WaitReason::ForegroundCap { running, cap } => format!("#{place} foreground {running}/{cap}"),
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
