//! The right side of an opened task: what one asks to see of it. Only what is in sight is made.

use longhaul_client::fleet::Happening;
use longhaul_core::{Priority, Snapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::{App, Opened, Pane};
use crate::store::Standing;
use crate::text::{fit, number, pad, width};
use crate::theme::Tone;
use crate::view::{frame, nothing, put, scrollbar};

use super::why;

pub(super) fn draw(app: &App, opened: &Opened, area: Rect, buffer: &mut Buffer) {
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
    let (room, len) = (usize::from(inner.height), len(app, opened));
    if len == 0 {
        let why = match opened.pane {
            Pane::Events => "Nothing has happened yet.",
            Pane::Text => "It has written no text.",
            Pane::Output => "It has given nothing yet.",
            Pane::Artifacts => "It has made no files.",
            Pane::Input => "It was given nothing.",
            Pane::Usage => "It has used nothing yet.",
            Pane::Chain => "It has not run yet.",
            Pane::Asked => "It has asked for nothing.",
            Pane::About | Pane::Why => "",
        };
        return nothing(theme, &[why], inner, buffer);
    }
    let end = len.saturating_sub(room);
    let follows = opened.follow && matches!(opened.pane, Pane::Events | Pane::Text);
    let top = if follows { end } else { opened.top.min(end) };
    for (at, spans) in (0..).zip(content(app, opened, top, room, inner.width.into())) {
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

/// How many lines the pane one looks at has.
pub(crate) fn len(app: &App, opened: &Opened) -> usize {
    let Some(snapshot) = &opened.snapshot else { return 0 };
    match opened.pane {
        Pane::Events => opened.shown() + usize::from(opened.dropped > 0),
        Pane::Text | Pane::Output | Pane::Input | Pane::Asked => opened.lines().len(),
        Pane::Artifacts => snapshot.artifacts.len(),
        Pane::Usage => usage(snapshot).len(),
        Pane::About => about(snapshot).len(),
        Pane::Why => {
            let columns = super::pane(app).width;
            why::lines(app, opened, columns.into()).len()
        }
        Pane::Chain => turns(opened).count(),
    }
}

/// The lines in sight of the pane one looks at.
fn content<'a>(app: &App, opened: &'a Opened, top: usize, room: usize, columns: usize) -> Vec<Vec<Span<'a>>> {
    let Some(snapshot) = &opened.snapshot else { return Vec::new() };
    let plain = |text: String| vec![Span::raw(fit(&text, columns))];
    match opened.pane {
        Pane::Events => {
            let dropped = (opened.dropped > 0).then(|| {
                let text = format!("… {} earlier ones are not kept here", number(opened.dropped));
                vec![Span::styled(text, app.theme.dim())]
            });
            let above = usize::from(dropped.is_some());
            let first = dropped.filter(|_| top == 0);
            let room = room - usize::from(first.is_some());
            let events = opened.events().skip(top.saturating_sub(above)).take(room);
            first.into_iter().chain(events.map(|event| happening(app, event, columns))).collect()
        }
        Pane::Text | Pane::Output | Pane::Input | Pane::Asked => {
            opened.lines().iter().skip(top).take(room).map(|line| vec![Span::raw(line.as_str())]).collect()
        }
        Pane::Artifacts => {
            let told = |file: &longhaul_core::Artifact| {
                format!("{}  {}  {} bytes", file.name, file.media_type, number(file.size))
            };
            snapshot.artifacts.iter().skip(top).take(room).map(|file| plain(told(file))).collect()
        }
        Pane::Usage => usage(snapshot).into_iter().skip(top).take(room).map(plain).collect(),
        Pane::About => about(snapshot).into_iter().skip(top).take(room).map(plain).collect(),
        Pane::Why => why::lines(app, opened, columns)
            .into_iter()
            .skip(top)
            .take(room)
            .map(|(text, style)| vec![Span::styled(text, style)])
            .collect(),
        Pane::Chain => {
            turns(opened).skip(top).take(room).map(|event| happening(app, event, columns)).collect()
        }
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

/// What it was submitted with, and where it comes from.
fn about(snapshot: &Snapshot) -> Vec<String> {
    let (limits, retry, lineage) = (&snapshot.limits, &snapshot.retry, &snapshot.lineage);
    let priority = match snapshot.priority {
        Priority::Interactive => "interactive",
        Priority::Normal => "normal",
        Priority::Batch => "batch",
    };
    let mut lines = vec![
        format!("task         {}", snapshot.task),
        format!("sequence     {}", snapshot.sequence),
        format!("events       {}, refused {}", snapshot.events, snapshot.ignored),
        format!("priority     {priority}"),
        format!("slice, span  {}, {}; ran {}", limits.slice, limits.span, snapshot.ran),
        format!("attempts     {} of {} by itself", snapshot.attempt, retry.max_attempts),
    ];
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.push(format!("{name:<13}{value}"));
        }
    };
    say("not before", snapshot.not_before.map(|at| at.to_string()));
    say("key", snapshot.key.as_ref().map(|key| key.key.clone()));
    say("continues", lineage.continues.map(|task| task.to_string()));
    say("run again of", lineage.rerun_of.map(|task| task.to_string()));
    let fork = lineage.forked_from.map(|from| format!("{} at {}", from.task, from.sequence));
    say("forked from", fork);
    say("parent", lineage.parent.map(|task| task.to_string()));
    for (key, value) in &snapshot.labels {
        say("label", Some(format!("{key}={value}")));
    }
    if let Some(error) = &snapshot.error {
        let again = if error.retryable { "may succeed later" } else { "will fail again" };
        say("error", Some(format!("{} ({again})", error.code)));
        say("", Some(error.message.clone()));
    }
    lines
}

/// What began and what ended its runs and attempts.
fn turns(opened: &Opened) -> impl Iterator<Item = &Happening> {
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
    opened.events().filter(|event| TURNS.contains(&event.name))
}

/// One event in a line.
pub(in crate::view) fn happening<'a>(app: &App, event: &Happening, columns: usize) -> Vec<Span<'a>> {
    let style = match event.name {
        "failed" | "expired" | "lost" => app.theme.standing(Standing::Failed),
        "approval_requested" | "abort_requested" => app.theme.standing(Standing::Paused),
        "completed" => app.theme.standing(Standing::Completed),
        _ => Style::new(),
    };
    let head = format!("{:>8} {} ", event.sequence.0, app.when(event.at));
    let name = pad(event.name, 19);
    let room = columns.saturating_sub(width(&head) + width(&name));
    vec![Span::styled(head, app.theme.dim()), Span::styled(name, style), Span::raw(fit(&event.text, room))]
}
