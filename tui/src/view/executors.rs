//! Who runs tasks: beats, places, versions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::{App, View};
use crate::store::{BEATS, Executor, Standing};
use crate::text::{fit, pad, short, span};
use crate::theme::{Tone, glyph};

use super::{frame, nothing, put, scrollbar, select, travel};

/// The executors, in the order they are listed: by host, then by id.
pub(crate) fn executors(app: &App) -> Vec<&Executor> {
    let mut all: Vec<_> = app.store.executors().values().collect();
    all.sort_by(|a, b| {
        let of = |one: &Executor| (one.pulse.beat.host.clone(), one.pulse.beat.executor);
        of(a).cmp(&of(b))
    });
    all
}

/// Columns of a bar of runs.
const BAR: usize = 6;
/// Columns of a version.
const VERSION: usize = 7;

/// What is left for the host and, in wide terminals, for the kinds.
fn rest(columns: usize) -> [usize; 2] {
    let left = columns.saturating_sub(2 + 8 + 9 + 10 + BEATS + 1 + 8 + BAR + VERSION);
    if left < 30 { [left, 0] } else { [24, left - 24] }
}

/// The last heartbeats: how much was taken at each, and a gap for each that did not come.
fn strip<'a>(app: &App, one: &Executor) -> Vec<Span<'a>> {
    const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let cells: Vec<_> = one.strip.at(one.pulse.heard_at, app.now).collect();
    let empty = " ".repeat(BEATS - cells.len());
    let beats = cells.into_iter().map(|beat| match beat {
        Some(level) => Span::styled(LEVELS[usize::from(level.min(7))], app.theme.standing(Standing::Running)),
        None => Span::styled("✗", app.theme.tone(Tone::Bad)),
    });
    std::iter::once(Span::raw(empty)).chain(beats).chain([Span::raw(" ")]).collect()
}

/// How it is: a sign, a word, and how both look. While the log is out of reach nobody is heard.
fn state(app: &App, one: &Executor, lost: bool) -> (&'static str, &'static str, Style) {
    let theme = app.theme;
    if app.down_since.is_some() {
        return ("?", "unknown", theme.dim());
    }
    let (standing, word) = match (lost, one.late, one.pulse.beat.draining) {
        (true, ..) => (Standing::Failed, "lost"),
        (false, true, _) => (Standing::Stalled, "late"),
        (false, false, true) => (Standing::Running, "draining"),
        (false, false, false) => (Standing::Running, "up"),
    };
    (glyph(standing), word, theme.standing(standing))
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    if let Some(past) = app.past() {
        return travel::executors(app, past, area, buffer);
    }
    let theme = app.theme;
    let inner = frame(theme, Line::from(" Executors "), area, buffer);
    let all = executors(app);
    if all.is_empty() {
        return nothing(theme, &["No executor was heard of.", "", "longhaul work starts one"], inner, buffer);
    }
    let [host, kinds] = rest(inner.width.into());
    let heading = format!(
        "  {}{}{}{}{}{}{}Version",
        pad("ID", 8),
        pad("State", 9),
        pad("Heartbeat", 10),
        pad("Last beats", BEATS + 1),
        pad("Runs", 8 + BAR),
        pad("Host", host),
        pad("Kinds", kinds)
    );
    put(buffer, inner, 0, vec![Span::styled(heading, theme.dim())]);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let list = &app.lists[View::Executors as usize];
    for (row, (place, one)) in (0..).zip(all.iter().enumerate().skip(list.top).take(body.height.into())) {
        let beat = &one.pulse.beat;
        let lost = one.is_lost(app.listened_until());
        let (sign, state, style) = state(app, one, lost);
        let places = beat.kinds.iter().map(|room| room.places).max().unwrap_or(0);
        let mut spans = vec![
            Span::styled(format!("{sign} "), style),
            Span::raw(pad(&short(beat.executor), 8)),
            Span::styled(pad(state, 9), style),
            Span::styled(pad(&format!("{} ago", span(app.now.since(one.pulse.heard_at))), 10), style),
        ];
        spans.extend(strip(app, one));
        let filled = (beat.runs.len() as u64 * 1000).checked_div(places.into()).unwrap_or(0).min(1000);
        let (done, left) = theme.bar(u16::try_from(filled).unwrap_or(1000), BAR);
        if lost {
            spans.push(Span::styled(pad(&format!("held {}", beat.runs.len()), 8 + BAR), style));
        } else {
            spans.extend([
                Span::raw(pad(&format!("{}/{places}", beat.runs.len()), 7)),
                Span::styled(done, style),
                Span::styled(left + " ", theme.dim()),
            ]);
        }
        spans.extend([Span::raw(pad(&fit(&beat.host, host.saturating_sub(1)), host))]);
        if kinds > 0 {
            let all: Vec<_> = beat.kinds.iter().map(|room| room.kind.as_str()).collect();
            spans.push(Span::raw(pad(&fit(&all.join(" "), kinds - 1), kinds)));
        }
        spans.push(Span::styled(fit(&beat.version, VERSION), theme.dim()));
        put(buffer, body, row, spans);
        if place == list.at {
            select(buffer, body, row, theme.selected());
        }
    }
    scrollbar(theme, list.top, all.len(), body, buffer);
}
