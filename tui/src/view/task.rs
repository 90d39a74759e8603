//! One task opened: its facts and steps at the left, what one asks to see of it at the right.

use longhaul_client::fleet::Happening;
use longhaul_core::{Payload, Snapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::{App, Opened, Pane};
use crate::layout::Parts;
use crate::store::{Row, Standing};
use crate::text::{clock, fit, number, pad, short, span, width, wrap};
use crate::theme::{Tone, glyph};

use super::{chrome, frame, nothing, put, scrollbar};

/// Below this the facts lie above the pane instead of beside it.
const BESIDE: u16 = 100;

/// The areas of facts and pane.
fn areas(area: Rect) -> (Rect, Rect) {
    if area.width >= BESIDE {
        let [left, right] = Layout::horizontal([Constraint::Length(42), Constraint::Min(0)]).areas(area);
        return (left, right);
    }
    let facts = (area.height / 2).min(12);
    let [above, below] = Layout::vertical([Constraint::Length(facts), Constraint::Min(0)]).areas(area);
    (above, below)
}

/// How many lines of the pane are in sight, and how many there are.
pub(crate) fn pane_size(app: &App) -> (usize, usize) {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let body = Parts::of(area, super::banner(app).is_some(), super::prompt_line(app)).body;
    let (_, pane) = areas(body);
    let (columns, room) =
        (usize::from(pane.width.saturating_sub(2)), usize::from(pane.height.saturating_sub(2)));
    let lines = app.opened.as_ref().map_or(0, |opened| content(app, opened, columns).len());
    (room, lines)
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(opened) = &app.opened else { return };
    let (left, right) = areas(area);
    let row = app.subject();
    let mut title = vec![Span::raw(format!(" {} ", short(opened.at.task)))];
    if let Some(row) = row {
        let standing = row.standing();
        let word = format!("{} {} ", glyph(standing), standing.word());
        title.push(Span::styled(word, app.theme.standing(standing)));
    }
    let inner = frame(app.theme, Line::from(title), left, buffer);
    let columns = usize::from(inner.width);
    let mut lines = row.map(|row| facts(app, row, columns)).unwrap_or_default();
    if let Some(snapshot) = &opened.snapshot {
        lines.extend(steps(app, snapshot, columns));
    }
    for (at, spans) in (0..inner.height).zip(lines) {
        put(buffer, inner, at, spans);
    }
    pane(app, opened, right, buffer);
}

fn pane(app: &App, opened: &Opened, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let mut tabs = vec![Span::raw(" ")];
    for pane in Pane::ALL {
        let style = if pane == opened.pane { theme.accent() } else { theme.dim() };
        tabs.push(Span::styled(pane.name(), style));
        tabs.push(Span::raw(" "));
    }
    let inner = frame(theme, Line::from(tabs), area, buffer);
    if let Some(why) = &opened.trouble {
        return nothing(theme, &["It cannot be read:", why, "It is tried again."], inner, buffer);
    }
    if opened.snapshot.is_none() {
        return nothing(theme, &["Reading its history…"], inner, buffer);
    }
    let lines = content(app, opened, inner.width.into());
    if lines.is_empty() {
        let why = match opened.pane {
            Pane::Events => "Nothing has happened yet.",
            Pane::Text => "It has written no text.",
            Pane::Output => "It has given nothing yet.",
            Pane::Artifacts => "It has made no files.",
            Pane::Input => "It was given nothing.",
            Pane::Usage => "It has used nothing yet.",
            Pane::Chain => "It has not run yet.",
        };
        return nothing(theme, &[why], inner, buffer);
    }
    let (room, len) = (usize::from(inner.height), lines.len());
    let end = len.saturating_sub(room);
    let follows = opened.follow && matches!(opened.pane, Pane::Events | Pane::Text);
    let top = if follows { end } else { opened.top.min(end) };
    for (at, spans) in (0..).zip(lines.into_iter().skip(top).take(room)) {
        put(buffer, inner, at, spans);
    }
    scrollbar(theme, top, len, inner, buffer);
    chip(app, opened, follows, area, buffer);
}

/// On the lower edge: whether the end is followed, and what came since it is not.
fn chip(app: &App, opened: &Opened, follows: bool, area: Rect, buffer: &mut Buffer) {
    if !matches!(opened.pane, Pane::Events | Pane::Text) {
        return;
    }
    let (text, style) = match (follows, opened.fresh) {
        (true, _) => (" following ".to_owned(), app.theme.dim()),
        (false, 0) => (" f follows ".to_owned(), app.theme.dim()),
        (false, n) => (format!(" {} new, f follows ", number(n)), app.theme.tone(Tone::Warning)),
    };
    let wide = u16::try_from(width(&text)).unwrap_or(0);
    if area.width > wide + 2 && area.height > 0 {
        let at =
            Rect { x: area.x + area.width - wide - 2, y: area.y + area.height - 1, width: wide, height: 1 };
        put(buffer, at, 0, vec![Span::styled(text, style)]);
    }
}

/// The lines of the pane one looks at.
fn content<'a>(app: &App, opened: &'a Opened, columns: usize) -> Vec<Vec<Span<'a>>> {
    let Some(snapshot) = &opened.snapshot else { return Vec::new() };
    let plain = |text: String| vec![Span::raw(text)];
    let json = |payload: &Payload| match payload {
        Payload::Inline(value) if value.is_null() => Vec::new(),
        Payload::Inline(value) => {
            let text = serde_json::to_string_pretty(value).unwrap_or_default();
            wrap(&text, columns).into_iter().map(plain).collect()
        }
        Payload::Stored { size, sha256 } => {
            vec![plain(format!("{size} bytes in the object store")), plain(fit(&sha256.to_string(), columns))]
        }
        Payload::Gone => vec![plain("It was erased.".to_owned())],
    };
    match opened.pane {
        Pane::Events => {
            let mut lines = Vec::new();
            if opened.dropped > 0 {
                let text = format!("… {} earlier ones are not kept here", number(opened.dropped));
                lines.push(vec![Span::styled(text, app.theme.dim())]);
            }
            lines.extend(opened.events().map(|event| happening(app, event, columns)));
            lines
        }
        Pane::Text if opened.text.is_empty() => Vec::new(),
        Pane::Text => wrap(&opened.text, columns).into_iter().map(plain).collect(),
        Pane::Output => snapshot.output.as_ref().map(json).unwrap_or_default(),
        Pane::Input => json(&snapshot.input),
        Pane::Artifacts => snapshot
            .artifacts
            .iter()
            .map(|file| {
                let text = format!("{}  {}  {} bytes", file.name, file.media_type, number(file.size));
                plain(fit(&text, columns))
            })
            .collect(),
        Pane::Usage => usage(snapshot).into_iter().map(|text| plain(fit(&text, columns))).collect(),
        Pane::Chain => chain(app, opened, columns),
    }
}

fn usage(snapshot: &Snapshot) -> Vec<String> {
    let used = &snapshot.usage;
    let exact = if used.exact { "as the provider counts" } else { "partly estimated" };
    let mut lines = vec![
        format!("tokens in    {}", used.input_tokens),
        format!("tokens out   {}", used.output_tokens),
        format!("model calls  {}", used.model_calls),
        format!("queries      {}", used.queries),
        format!("figures      {exact}"),
    ];
    if let Some(left) = snapshot.tokens_left() {
        lines.push(format!("tokens left  {left}"));
    }
    if let Some(left) = snapshot.queries_left() {
        lines.push(format!("queries left {left}"));
    }
    lines
}

/// The runs and attempts, from what began and what ended them.
fn chain<'a>(app: &App, opened: &'a Opened, columns: usize) -> Vec<Vec<Span<'a>>> {
    const TURNS: [&str; 12] = [
        "submitted",
        "started",
        "continued",
        "lost",
        "retried",
        "approval_requested",
        "approval_decided",
        "abort_requested",
        "completed",
        "failed",
        "aborted",
        "expired",
    ];
    let turns = opened.events().filter(|event| TURNS.contains(&event.name));
    turns.map(|event| happening(app, event, columns)).collect()
}

/// One event in a line.
pub(super) fn happening<'a>(app: &App, event: &Happening, columns: usize) -> Vec<Span<'a>> {
    let style = match event.name {
        "failed" | "expired" | "lost" => app.theme.standing(Standing::Failed),
        "approval_requested" | "abort_requested" => app.theme.standing(Standing::Paused),
        "completed" => app.theme.standing(Standing::Completed),
        _ => Style::new(),
    };
    let head = format!("{:>8} {} ", event.sequence.0, clock(event.at));
    let name = pad(event.name, 19);
    let room = columns.saturating_sub(width(&head) + width(&name));
    vec![Span::styled(head, app.theme.dim()), Span::styled(name, style), Span::raw(fit(&event.text, room))]
}

/// What a list knows of a task, line by line.
pub(super) fn facts<'a>(app: &App, row: &Row, columns: usize) -> Vec<Vec<Span<'a>>> {
    let theme = app.theme;
    let fact = |name: &str, value: String| {
        vec![Span::styled(pad(name, 11), theme.dim()), Span::raw(fit(&value, columns.saturating_sub(11)))]
    };
    let mut lines = vec![vec![Span::styled(fit(row.title.as_str(), columns), theme.title())]];
    let store = &app.store;
    lines.push(fact("org/user", format!("{}/{}", store.name(row.key.org), store.name(row.user))));
    lines.push(fact("kind", store.name(row.kind).to_owned()));
    if !row.conversation.is_empty() {
        lines.push(fact("conv", store.name(row.conversation).to_owned()));
    }
    if let Some(id) = row.executor {
        let beat = store.executors().get(&id);
        let age = beat.map(|known| format!("  beat {} ago", span(app.now.since(known.pulse.heard_at))));
        let running = row.status.is_running();
        lines.push(fact("executor", format!("{}{}", short(id), age.filter(|_| running).unwrap_or_default())));
    }
    lines.push(fact("attempt", format!("{}  run {}", row.attempt, row.run)));
    if row.tokens > 0 {
        lines.push(fact("cost", format!("{} tokens", number(row.tokens))));
    }
    if let Some(fraction) = row.fraction {
        let bar = columns.saturating_sub(17);
        let (done, left) = theme.bar(fraction, bar);
        lines.push(vec![
            Span::styled(pad("progress", 11), theme.dim()),
            Span::styled(done, theme.standing(row.standing())),
            Span::styled(left, theme.dim()),
            Span::raw(format!(" {:>3}%", fraction / 10)),
        ]);
    }
    let times = match row.ended_at {
        Some(ended) => format!("{}  ended {}", clock(row.submitted_at), chrome::at(Some(ended))),
        None => format!("{}  {} ago", clock(row.submitted_at), span(app.now.since(row.submitted_at))),
    };
    lines.push(fact("submitted", times));
    why(app, row, columns, &mut lines);
    lines
}

/// Why it waits, stopped, or what it asks for.
fn why<'a>(app: &App, row: &Row, columns: usize, lines: &mut Vec<Vec<Span<'a>>>) {
    let theme = app.theme;
    let style = theme.standing(row.standing());
    let mut say = |text: String| {
        for line in wrap(&text, columns).into_iter().take(4) {
            lines.push(vec![Span::styled(line, style)]);
        }
    };
    match row.standing() {
        Standing::Held | Standing::Pending | Standing::Retrying => {
            if let Some(waiting) = app.store.waiting(row.key) {
                say(format!("waits: {waiting}"));
                if !waiting.blockers.is_empty() {
                    let ids: Vec<_> = waiting.blockers.iter().map(short).collect();
                    say(format!("in the way: {}", ids.join(" ")));
                }
            } else if !row.note.is_empty() {
                say(row.note.to_string());
            }
        }
        Standing::Paused => {
            say(format!("asks for: {}", row.note));
            if let Some(open) = app.store.question(row.key) {
                say(format!("lapses in {}", span(open.expires_at.since(app.now))));
            }
        }
        Standing::Stalled => say("its executor was not heard of lately".to_owned()),
        Standing::Running if row.note.is_empty() => {}
        Standing::Completed => {}
        _ => say(row.note.to_string()),
    }
}

/// The steps of a task.
fn steps<'a>(app: &App, snapshot: &Snapshot, columns: usize) -> Vec<Vec<Span<'a>>> {
    let theme = app.theme;
    let mut lines = vec![Vec::new()];
    if let Some(abort) = &snapshot.abort {
        let by = format!("abort asked {} by {}", clock(abort.requested_at), abort.requested_by);
        lines.push(vec![Span::styled(fit(&by, columns), theme.tone(Tone::Warning))]);
        if let Some(stopped) = abort.observed_at {
            let at = abort.checkpoint.as_deref().unwrap_or("before it ran");
            let text = format!("stopped {} at {at}", clock(stopped));
            lines.push(vec![Span::raw(fit(&text, columns))]);
        }
        if !abort.steps_after.is_empty() {
            let text = format!("ran in between: {}", abort.steps_after.join(", "));
            lines.extend(wrap(&text, columns).into_iter().take(3).map(|line| vec![Span::raw(line)]));
        }
        lines.push(Vec::new());
    }
    for step in &snapshot.steps {
        let under_way = step.result.is_none() && step.run == snapshot.run && snapshot.status.is_running();
        let (sign, standing) = match (&step.result, under_way) {
            (Some(_), _) => ("✓", Standing::Completed),
            (None, true) => ("►", Standing::Running),
            (None, false) => ("∎", Standing::Aborted),
        };
        let took = match (step.completed_at, under_way) {
            (Some(done), _) => span(done.since(step.started_at)),
            (None, true) => span(app.now.since(step.started_at)),
            (None, false) => String::new(),
        };
        let name = format!("{}. {}", step.index + 1, step.name);
        lines.push(vec![
            Span::styled(format!(" {sign} "), theme.standing(standing)),
            Span::raw(pad(&name, columns.saturating_sub(11))),
            Span::styled(format!(" {took}"), theme.dim()),
        ]);
    }
    let known = snapshot.steps.len();
    let of = snapshot.steps.iter().filter_map(|step| step.of).max().unwrap_or(0) as usize;
    if of > known && !snapshot.status.is_terminal() {
        lines.push(vec![Span::styled(format!(" ◌ {} more", of - known), theme.dim())]);
    }
    lines
}

/// The last events of a task that are at hand, newest at the bottom.
pub(super) fn latest(app: &App, row: &Row, area: Rect, buffer: &mut Buffer) {
    put(buffer, area, 0, vec![Span::styled("last events", app.theme.dim())]);
    let room = usize::from(area.height.saturating_sub(1));
    let columns = usize::from(area.width);
    let own = app.tail.iter().rev().take(2000).filter(|event| event.task.task == row.key.task);
    let mut lines: Vec<_> = own.take(room).collect();
    lines.reverse();
    for (at, event) in (1..).zip(lines) {
        let text = format!("{} {}", event.name, event.text);
        let spans = vec![
            Span::styled(format!("{} ", clock(event.at)), app.theme.dim()),
            Span::raw(fit(&text, columns.saturating_sub(9))),
        ];
        put(buffer, area, at, spans);
    }
}
