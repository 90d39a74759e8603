//! What stands above the list of tasks: counts, events, slots.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::store::Standing;
use crate::text::{fit, number, pad, width};
use crate::theme::glyph;

use super::{chrome, frame, nothing, put};

/// Rows of the charts, frames included.
pub(super) const ROWS: u16 = 6;

/// Counts and rates in one line.
pub(super) fn figures(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let mut spans = vec![Span::raw(" ")];
    for (standing, n) in chrome::counted(app) {
        spans.push(Span::styled(
            format!("{}{} ", glyph(standing), number(n.into())),
            theme.standing(standing),
        ));
    }
    if app.past().is_some() {
        return put(buffer, area, 0, spans);
    }
    spans.push(Span::styled(format!(" {} ev/s ", number(app.rate.last())), theme.dim()));
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

/// Counts, rates and slots in three frames.
pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let [status, events, slots] = Layout::horizontal([
        Constraint::Percentage(40),
        Constraint::Percentage(30),
        Constraint::Percentage(30),
    ])
    .areas(area);
    let theme = app.theme;

    let inner = frame(theme, Line::from(" Status "), status, buffer);
    let per_row = 3;
    let column = usize::from(inner.width).saturating_sub(1) / per_row;
    for (row, standings) in (0..).zip(Standing::ALL.chunks(per_row)) {
        let mut spans = vec![Span::raw(" ")];
        for standing in standings {
            let n = app.store.counts().of(*standing);
            let style = if n == 0 { theme.dim() } else { theme.standing(*standing) };
            let text = format!("{} {} {}", glyph(*standing), number(n.into()), standing.word());
            spans.push(Span::styled(pad(&text, column), style));
        }
        put(buffer, inner, row, spans);
    }

    let title = match app.past() {
        Some(_) => " Events/s ".to_owned(),
        None => format!(" Events/s {} ", number(app.rate.last())),
    };
    let inner = frame(theme, Line::from(title), events, buffer);
    if app.past().is_some() {
        nothing(theme, &["not counted of the past"], inner, buffer);
    } else {
        let bars = spark(&app.rate.seconds(inner.width.into()), inner.height.into());
        for (row, bar) in (0..).zip(bars) {
            put(buffer, inner, row, vec![Span::styled(bar, theme.standing(Standing::Running))]);
        }
    }

    let inner = frame(theme, Line::from(format!(" Slots of {} ", fit(&app.me.org, 20))), slots, buffer);
    let Some(taken) = &app.slots else {
        return nothing(theme, &["not known yet"], inner, buffer);
    };
    let own = taken.users.iter().find(|user| user.user.as_str() == app.me.user);
    let cap = taken.policy.caps.user;
    let own = own.map_or((0, cap, 0), |user| (user.slots.running, user.slots.cap, user.slots.waiting));
    let org = (taken.organisation.running, taken.organisation.cap, taken.organisation.waiting);
    for (row, (name, (running, cap, waiting))) in
        (0..).step_by(2).zip([("organisation", org), (app.me.user.as_str(), own)])
    {
        let full = running >= cap;
        let style = theme.standing(if full { Standing::Paused } else { Standing::Running });
        let figures = format!("{running}/{cap}");
        let bar = usize::from(inner.width).saturating_sub(width(&figures) + 15);
        let filled =
            u16::try_from(u64::from(running) * 1000 / u64::from(cap.max(1))).unwrap_or(1000).min(1000);
        let (done, left) = theme.bar(filled, bar);
        put(
            buffer,
            inner,
            row,
            vec![
                Span::raw(pad(name, 13)),
                Span::styled(done, style),
                Span::styled(left, theme.dim()),
                Span::styled(format!(" {figures}"), style),
            ],
        );
        if waiting > 0 {
            let text = format!("{:13}{} waiting", "", number(waiting));
            put(buffer, inner, row + 1, vec![Span::styled(text, theme.dim())]);
        }
    }
}
