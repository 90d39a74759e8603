//! What stands above the list of tasks: counts, events, how long steps take.

use std::time::Duration;

use longhaul_core::Millis;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget as _};

use crate::app::{App, Took};
use crate::store::Standing;
use crate::text::{clock, fit, number, pad, pad_left, took, width};
use crate::theme::{Theme, glyph};

use super::{chrome, frame, nothing, put};

/// Rows of the charts, frames included.
pub(super) const ROWS: u16 = 6;
/// Columns in which all counts have room, frame included.
const STATUS: u16 = 53;
/// The last row of counts, which is not full.
const LAST: u16 = 3;

/// Counts and rates in one line.
pub(super) fn figures(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let mut spans = vec![Span::raw(" ")];
    for (standing, n) in chrome::counted(app) {
        spans.push(Span::styled(format!("{}{} ", glyph(standing), number(n)), theme.standing(standing)));
    }
    if app.past().is_some() {
        return put(buffer, area, 0, spans);
    }
    spans.extend(rates(app));
    let used: usize = spans.iter().map(|span| width(&span.content)).sum();
    let room = usize::from(area.width).saturating_sub(used + 1).min(60);
    spans.push(Span::styled(spark(&app.rate.seconds(room), 1).concat(), theme.standing(Standing::Running)));
    put(buffer, area, 0, spans);
}

/// Bars of a height of `rows`, top row first.
fn spark(values: &[u64], rows: usize) -> Vec<String> {
    const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let levels = rows * 8;
    let of = |value: u64| usize::try_from(value * levels as u64 / most).unwrap_or(levels);
    (0..rows)
        .rev()
        .map(|row| values.iter().map(|value| LEVELS[of(*value).saturating_sub(row * 8).min(8)]).collect())
        .collect()
}

/// Counts, rates and times of steps in three frames, or as many of them as there is room for.
pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let columns: &[Constraint] = match area.width {
        ..80 => &[Constraint::Fill(1)],
        80..110 => &[Constraint::Length(STATUS), Constraint::Fill(1)],
        110..140 => &[Constraint::Length(STATUS), Constraint::Fill(1), Constraint::Fill(1)],
        _ => &[Constraint::Percentage(40), Constraint::Fill(1), Constraint::Fill(1)],
    };
    let areas = Layout::horizontal(columns).split(area);
    status(app, areas[0], buffer);
    if let Some(area) = areas.get(1) {
        events(app, *area, buffer);
    }
    if let Some(area) = areas.get(2) {
        steps(app, *area, buffer);
    }
}

/// How many tasks stand how.
fn status(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let mut title = vec![Span::raw(" Status ")];
    if area.width == app.size.0 {
        title.extend(rates(app));
    }
    let inner = frame(theme, Line::from(title), area, buffer);
    // The longest words stand in the middle.
    let room = usize::from(inner.width).saturating_sub(1);
    let columns = [room * 16 / 50, room * 18 / 50, room * 16 / 50];
    for (row, standings) in (0..).zip(Standing::ALL.chunks(columns.len())) {
        let mut spans = vec![Span::raw(" ")];
        for (standing, column) in standings.iter().zip(columns) {
            let n = app.count(*standing);
            let style = if n == 0 { theme.dim() } else { theme.standing(*standing) };
            let text = format!("{} {} {}", glyph(*standing), number(n), standing.word());
            spans.push(Span::styled(pad(&text, column), style));
        }
        if row == LAST {
            spans.extend(taken(app, columns[2]));
        }
        put(buffer, inner, row, spans);
    }
}

/// How many events there were, second by second.
fn events(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let mut title = vec![Span::raw(" Events/s ")];
    if app.past().is_none() {
        title.push(Span::raw(format!("{} ", number(app.rate.last()))));
        // Where there is no room for their own chart.
        title.extend(tail(app).filter(|_| app.size.0 < 110));
    }
    let inner = frame(theme, Line::from(title), area, buffer);
    if app.past().is_some() {
        return nothing(theme, &["not counted of the past"], inner, buffer);
    }
    let bars = spark(&app.rate.seconds(inner.width.into()), inner.height.into());
    for (row, bar) in (0..).zip(bars) {
        put(buffer, inner, row, vec![Span::styled(bar, theme.standing(Standing::Running))]);
    }
}

/// How many events there are in a second and how long steps take, in words; nothing of the past.
fn rates<'a>(app: &App) -> Vec<Span<'a>> {
    if app.past().is_some() {
        return Vec::new();
    }
    let events = Span::styled(format!(" {} ev/s ", number(app.rate.last())), app.theme.dim());
    [Some(events), tail(app)].into_iter().flatten().collect()
}

/// How long all but the longest steps took, in words.
fn tail<'a>(app: &App) -> Option<Span<'a>> {
    let lately = app.latency.lately()?;
    Some(Span::styled(format!(" {} {} ", lately.tail(), took(lately.p99)), app.theme.dim()))
}

/// The organisation's slots, in the words of a count; where tasks of all are counted, of which they are.
fn taken<'a>(app: &App, columns: usize) -> Option<Span<'a>> {
    let slots = app.slots.as_ref()?.organisation;
    let full = slots.running >= slots.cap;
    let style = if full { app.theme.standing(Standing::Paused) } else { app.theme.dim() };
    let word = if full { "FULL" } else { "slots" };
    let mut text = format!("{}/{} {word}", slots.running, slots.cap);
    if app.me.everything {
        text = fit(&format!("{text} {}", app.me.org), columns);
    }
    Some(Span::styled(text, style))
}

/// Fewer slices of time are not spread over a whole chart.
const SLICES: usize = 12;
/// Columns of the times at the chart's left.
const SCALE: u16 = 6;

/// Columns of a chart that has room for saying why it knows nothing older.
const WORDS: u16 = 40;

/// How long steps took: half of them, and nearly all, slice by slice.
fn steps(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let lately = app.latency.lately().filter(|_| app.past().is_none());
    let (half, tail) = (theme.standing(Standing::Running), theme.standing(Standing::Paused));
    // Of few steps their number says how much the figures are worth.
    let few = lately.filter(Took::is_of_few).map(|lately| format!(" {} steps ", lately.steps));
    let mut title = vec![Span::raw(few.unwrap_or_else(|| " Steps ".to_owned()))];
    if let Some(lately) = lately {
        title.push(Span::styled(format!("p50 {} ", took(lately.p50)), half));
        title.push(Span::styled(format!("{} {} ", lately.tail(), took(lately.p99)), tail));
    }
    let inner = frame(theme, Line::from(title), area, buffer);
    let all: Vec<Option<Took>> = app.latency.slices().collect();
    let first = all.iter().position(Option::is_some).unwrap_or(all.len());
    let slices = &all[first.min(all.len().saturating_sub(SLICES))..];
    let why = match (app.past(), lately) {
        (Some(_), _) => "not measured of the past",
        (_, None) => "no step has ended lately",
        (_, Some(_)) if slices.iter().flatten().count() < 2 => "too few steps for a curve yet",
        _ => "",
    };
    if why.is_empty() {
        curves(slices, [half, tail], inner, buffer, theme);
    } else {
        nothing(theme, &[why], inner, buffer);
    }
    if let Some(began) = app.began.filter(|_| app.past().is_none()) {
        let text = match app.now.since(began) < crate::app::MEASURED {
            true if area.width < WORDS => format!(" since {} ", clock(began)),
            true => format!(" since {}, when this opened ", clock(began)),
            false => " of the last 10 minutes ".to_owned(),
        };
        super::on_edge(area, &text, theme.dim(), buffer);
    }
}

fn curves(slices: &[Option<Took>], styles: [Style; 2], area: Rect, buffer: &mut Buffer, theme: Theme) {
    // Times differ by powers of ten, and so does the scale.
    let log = |time: Millis| Duration::from_millis(time.0 + 1).as_secs_f64().ln();
    let known = || slices.iter().flatten();
    let least = known().map(|took| took.p50).min().unwrap_or_default();
    let most = known().map(|took| took.p99).max().unwrap_or_default();
    // What hardly changes must not look as if it did.
    let most = most.max(Millis(least.0 * 2));
    let scale = Rect { width: SCALE.min(area.width), ..area };
    put(buffer, scale, 0, vec![Span::styled(pad_left(&took(most), 5), theme.dim())]);
    put(
        buffer,
        scale,
        area.height.saturating_sub(1),
        vec![Span::styled(pad_left(&took(least), 5), theme.dim())],
    );
    let whiches: [fn(&Took) -> Millis; 2] = [|took| took.p50, |took| took.p99];
    let runs = whiches.map(|which| {
        // No line is drawn over a gap: nothing is known there.
        let points: Vec<_> = (0_u32..)
            .zip(slices)
            .map(|(x, took)| took.as_ref().map(|took| (f64::from(x), log(which(took)))))
            .collect();
        let runs = points.split(Option::is_none).filter(|run| !run.is_empty());
        runs.map(|run| run.iter().flatten().copied().collect::<Vec<_>>()).collect::<Vec<_>>()
    });
    let lines = runs.iter().zip(styles).flat_map(|(runs, style)| {
        let line = move |run| {
            Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(style).data(run)
        };
        runs.iter().map(move |run| line(run.as_slice()))
    });
    let last = u32::try_from(slices.len().saturating_sub(1)).unwrap_or(u32::MAX).max(1);
    let (low, high) = (log(least), log(most));
    let chart = Chart::new(lines.collect())
        .x_axis(Axis::default().bounds([0.0, f64::from(last)]))
        .y_axis(Axis::default().bounds([low, high.max(low + 0.1)]));
    let plot = Rect { x: area.x + scale.width, width: area.width - scale.width, ..area };
    chart.render(plot, buffer);
}
